// SPDX-License-Identifier: EUPL-1.2
//! What a shard does when there is more to do than it can: it leaves out video, so that sound goes on.
//!
//! Whoever has too little time loses packets at random, and a lost packet of sound is heard by everybody. So the shard
//! first keeps the large layers of pictures from its receivers, then all but the smallest, then all video. Each of these
//! concerns all of its receivers, and none of other shards: those have time of their own.

mod ladder;

use std::time::Instant;

pub(super) use self::ladder::Ladder;
use self::ladder::Level;
use super::Shard;
use crate::session::MediaKind;

impl Shard {
    /// Whoever runs the shard has not caught up with its inputs for a while. Repeated as long as that is so.
    pub fn handle_overload(&mut self, now: Instant) {
        let before = self.shedding.level();
        self.shedding.handle_overload(now);
        self.apply_shedding(before);
    }

    /// Lets some of the video pass again, if it is time to try.
    pub(super) fn recover_from_overload(&mut self, now: Instant) {
        let before = self.shedding.level();
        self.shedding.handle_timeout(now);
        self.apply_shedding(before);
    }

    fn apply_shedding(&mut self, before: Level) {
        let level = self.shedding.level();
        if level == before {
            return;
        }
        match (before, level) {
            (Level::Nothing, _) => tracing::warn!(shard = %self.id, "overloaded, video is left out"),
            (_, Level::Nothing) => tracing::info!(shard = %self.id, "no longer overloaded, all video is forwarded"),
            _ => tracing::debug!(shard = %self.id, ?level, "leaving out more or less video"),
        }
        for local in self.feeds.values_mut() {
            local.feed.limit_layers(level.max_layer());
        }
        if before == Level::AllVideo {
            self.interrupt_video();
        }
    }

    /// What receivers got before the gap is of no use for what comes after it.
    fn interrupt_video(&mut self) {
        for local in self.feeds.values().filter(|local| local.feed.codec().kind() == MediaKind::Video) {
            for listener in &local.listeners {
                self.subscriptions[listener.key.0].subscription.interrupt();
            }
        }
    }
}
