// SPDX-License-Identifier: EUPL-1.2
//! The small identifiers of the media core.
//!
//! They are numbers because they are compared and hashed near the packet path. Whoever drives the core maps them
//! to the names that people and protocols use; the core never sees those.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    };
}

id!(
    /// One core's world: its transports, tracks, feeds and subscriptions.
    ShardId(u16), "shard-"
);
id!(
    /// One ICE and DTLS association with one client. Unique on a node for the life of its process.
    TransportId(u64), "transport-"
);
id!(
    /// One published track. Unique on a node for the life of its process.
    TrackId(u64), "track-"
);
id!(
    /// Tracks whose loudness is compared with one another: a room, without the core knowing what a room is.
    SpeakerGroup(u64), "group-"
);
id!(
    /// A spatial layer of a track, 0 being the smallest picture. Tracks without simulcast have layer 0 only.
    Layer(u8), "layer-"
);
