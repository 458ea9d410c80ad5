// SPDX-License-Identifier: EUPL-1.2
//! Who gets a track's packets: this shard's own feed, and other shards, each once.

use smallvec::SmallVec;

use crate::ids::ShardId;

/// The destinations of one track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// The publisher's shard has subscriptions of its own.
    has_local_feed: bool,
    /// Ascending. A node has as many shards as cores.
    shards: SmallVec<[ShardId; 8]>,
}

impl Audience {
    /// The publisher's shard itself has, or no longer has, a feed of the track.
    pub const fn set_local_feed(&mut self, has_local_feed: bool) {
        self.has_local_feed = has_local_feed;
    }

    /// Whether the publisher's shard has a feed of the track.
    #[must_use]
    pub const fn has_local_feed(&self) -> bool {
        self.has_local_feed
    }

    /// Another shard wants the packets; says whether it is new.
    pub fn join(&mut self, shard: ShardId) -> bool {
        self.shards.binary_search(&shard).inspect_err(|at| self.shards.insert(*at, shard)).is_err()
    }

    /// Another shard wants the packets no longer.
    pub fn leave(&mut self, shard: ShardId) {
        self.shards.retain(|member| *member != shard);
    }

    /// The other shards.
    #[must_use]
    pub fn shards(&self) -> &[ShardId] {
        &self.shards
    }

    /// Whether nobody wants the packets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.has_local_feed && self.shards.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_is_a_destination_once() {
        let mut audience = Audience::default();
        assert!(audience.is_empty());
        assert!(audience.join(ShardId(3)));
        assert!(!audience.join(ShardId(3)));
        assert!(audience.join(ShardId(1)));
        assert_eq!(audience.shards(), [ShardId(1), ShardId(3)]);
        audience.leave(ShardId(3));
        audience.leave(ShardId(9));
        assert_eq!(audience.shards(), [ShardId(1)]);
        audience.leave(ShardId(1));
        audience.set_local_feed(true);
        assert!(!audience.is_empty());
        audience.set_local_feed(false);
        assert!(audience.is_empty());
    }
}
