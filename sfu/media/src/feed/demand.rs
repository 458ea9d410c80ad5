// SPDX-License-Identifier: EUPL-1.2
//! What the subscriptions of a feed want of its track, put together: the largest layer, and keyframes.

use std::time::Instant;

use crate::ids::Layer;
use crate::track::keyframe_requests::KeyframeRequests;
use crate::track::layers::{LARGEST_LAYER, MAX_LAYERS};

/// The wants of a feed's subscriptions.
#[derive(Debug)]
pub(crate) struct Demand {
    max_layer: Option<Layer>,
    /// The track repeats requests, and subscriptions renew theirs with each packet that they cannot use.
    keyframes: [KeyframeRequests; MAX_LAYERS],
}

impl Default for Demand {
    fn default() -> Self {
        Self { max_layer: None, keyframes: [KeyframeRequests::new(1); MAX_LAYERS] }
    }
}

impl Demand {
    /// Puts the layers together that subscriptions want; paused ones want none. Says whether the largest changed.
    pub(crate) fn handle_layers(&mut self, wanted: impl Iterator<Item = Option<Layer>>) -> bool {
        let max_layer = wanted.flatten().max();
        std::mem::replace(&mut self.max_layer, max_layer) != max_layer
    }

    pub(crate) const fn max_layer(&self) -> Option<Layer> {
        self.max_layer
    }

    /// A subscription needs a keyframe of the layer; of the largest there is, if there is none so large.
    pub(crate) fn want_keyframe(&mut self, now: Instant, layer: Layer) {
        self.keyframes[usize::from(layer.min(LARGEST_LAYER).0)].request(now);
    }

    /// A keyframe of the layer came. If there is no larger one, it is what those get who wanted a larger one.
    pub(crate) fn handle_keyframe(&mut self, layer: Layer, is_largest: bool) {
        let first = usize::from(layer.0).min(MAX_LAYERS);
        let last = if is_largest { MAX_LAYERS } else { (first + 1).min(MAX_LAYERS) };
        self.keyframes[first..last].iter_mut().for_each(KeyframeRequests::handle_keyframe);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.keyframes.iter().filter_map(KeyframeRequests::poll_timeout).min()
    }

    /// A layer to request a keyframe of now.
    pub(crate) fn poll_keyframe_request(&mut self, now: Instant) -> Option<Layer> {
        let due = self.keyframes.iter_mut().position(|requests| requests.take_due(now))?;
        Some(Layer(due as u8))
    }
}
