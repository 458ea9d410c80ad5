// SPDX-License-Identifier: EUPL-1.2
//! Identifiers as they stand on the wire. Each is its own type, so that one cannot be passed for another.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One SFU process.
    NodeId
);
id!(
    /// One life of a room, `RM_…`: a room that empties and is made again has another one.
    RoomSid
);
id!(
    /// One stay of a participant in a room, `PA_…`.
    ParticipantSid
);
id!(
    /// One published track, `TR_…`.
    TrackSid
);
id!(
    /// One transport between a client and an SFU node.
    TransportSid
);
