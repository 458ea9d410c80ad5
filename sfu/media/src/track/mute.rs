// SPDX-License-Identifier: EUPL-1.2
//! Muting at the SFU: nothing that the publisher sends reaches the audience, whatever the publisher's client does. Its
//! packets still count for its reports and NACKs, so that it neither notices nor retransmits in vain afterwards.

use std::time::Instant;

use crate::ids::Layer;
use crate::session::MediaKind;
use crate::track::Track;

impl Track {
    /// Whether the audience gets nothing.
    #[must_use]
    pub const fn is_muted(&self) -> bool {
        self.is_muted
    }

    /// Mutes or unmutes the track. Video needs a keyframe afterwards: the audience saw nothing of what the next frames
    /// refer to.
    pub fn handle_mute(&mut self, now: Instant, is_muted: bool) {
        if self.is_muted == is_muted {
            return;
        }
        self.is_muted = is_muted;
        self.loudness.clear();
        if is_muted {
            return;
        }
        for layer in 0..self.streams.len() {
            self.streams[layer].skip_ahead();
            if self.codec.codec.kind() == MediaKind::Video && self.streams[layer].ssrc.is_some() {
                self.request_keyframe(now, Layer(layer as u8));
            }
        }
    }
}
