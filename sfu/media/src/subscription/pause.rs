// SPDX-License-Identifier: EUPL-1.2
//! What a receiver wants of a track, and that it can change its mind: nothing for a while, or a smaller picture.

use crate::feed::layer_activity::LayerActivity;
use crate::ids::Layer;
use crate::session::MediaKind;
use crate::shard::message::SubscriptionSettings;
use crate::subscription::Subscription;

impl Subscription {
    /// What the receiver wants at present.
    #[must_use]
    pub const fn settings(&self) -> SubscriptionSettings {
        SubscriptionSettings { is_paused: self.is_paused, max_layer: self.switching.max_layer() }
    }

    /// The receiver wants something else from now on. After a pause the stream goes on without a gap in its numbers,
    /// video with a keyframe.
    pub fn configure(&mut self, settings: SubscriptionSettings, activity: &LayerActivity) {
        if settings.is_paused && !self.is_paused {
            self.interrupt();
        }
        self.is_paused = settings.is_paused;
        self.switching.set_max_layer(settings.max_layer, activity.live());
    }

    /// Packets were left out that the receiver shall not miss. The stream goes on without a gap in its numbers, video with
    /// a keyframe.
    pub fn interrupt(&mut self) {
        self.rewriter.interrupt();
        self.switching.interrupt();
        self.is_keyframe_asked_for = false;
    }

    /// The largest layer that it wants; `None` while it is paused.
    #[must_use]
    pub fn wanted_layer(&self) -> Option<Layer> {
        (!self.is_paused).then(|| self.switching.max_layer())
    }

    /// The layer that it needs a keyframe of.
    #[must_use]
    pub fn wanted_keyframe(&self) -> Option<Layer> {
        if self.is_paused || self.codec.codec.kind() == MediaKind::Audio {
            return None;
        }
        let of_current = || self.switching.current().filter(|_| self.is_keyframe_asked_for);
        self.switching.awaited().or_else(of_current)
    }
}
