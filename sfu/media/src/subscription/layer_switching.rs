// SPDX-License-Identifier: EUPL-1.2
//! Which layer a receiver is given: the largest one that it may have and that is being sent. A layer can be entered at
//! one of its keyframes only, so the old one goes on until then.

use crate::ids::Layer;
use crate::media_packet::PacketMeta;
use crate::shard::counters::DropReason;
use crate::subscription::rewriter::Relation;
use crate::track::layers::LayerSet;

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Forward it with those before.
    Forward,
    /// Forward it as a late packet of the epoch at this place.
    ForwardLate(usize),
    /// Forward it as the first of its layer.
    StartHere,
    /// Leave it out.
    Drop(DropReason),
}

/// The layer a receiver is given, and the one it shall be given.
#[derive(Debug)]
pub(crate) struct LayerSwitching {
    max_layer: Layer,
    /// `None` until a keyframe, and after an interruption.
    current: Option<Layer>,
    /// `None` as long as nothing is known of the layers.
    target: Option<Layer>,
}

impl LayerSwitching {
    pub(crate) const fn new(max_layer: Layer) -> Self {
        Self { max_layer, current: None, target: None }
    }

    /// The receiver may have layers up to this one.
    pub(crate) fn set_max_layer(&mut self, max_layer: Layer, live: LayerSet) {
        self.max_layer = max_layer;
        self.target = live.best_up_to(max_layer).or(self.target);
    }

    /// Nothing more can be decoded without a keyframe.
    pub(crate) const fn interrupt(&mut self) {
        self.current = None;
    }

    pub(crate) const fn max_layer(&self) -> Layer {
        self.max_layer
    }

    pub(crate) const fn current(&self) -> Option<Layer> {
        self.current
    }

    /// The layer whose keyframe is waited for.
    pub(crate) fn awaited(&self) -> Option<Layer> {
        let target = self.target.unwrap_or(self.max_layer);
        (self.current != Some(target)).then_some(target)
    }

    pub(crate) fn choose(&mut self, meta: &PacketMeta, relation: Relation, live: LayerSet) -> Choice {
        self.target = live.best_up_to(self.max_layer);
        match relation {
            Relation::Continues => Choice::Forward,
            Relation::Belongs(place) => Choice::ForwardLate(place),
            Relation::TooLate => Choice::Drop(DropReason::TooLate),
            Relation::StartsAfresh => {
                self.current = None;
                self.enter(meta)
            }
            Relation::Unrelated => self.enter(meta),
        }
    }

    fn enter(&mut self, meta: &PacketMeta) -> Choice {
        // Who sees nothing yet is glad of a smaller picture.
        let is_wanted = self.target == Some(meta.layer) || self.current.is_none() && Some(meta.layer) < self.target;
        if meta.starts_keyframe && is_wanted {
            self.current = Some(meta.layer);
            return Choice::StartHere;
        }
        Choice::Drop(if self.current.is_none() { DropReason::AwaitsKeyframe } else { DropReason::OtherLayer })
    }
}
