// SPDX-License-Identifier: EUPL-1.2
//! Control's orders to a bridge, by the names that signaling knows and the ids that the shards know.

use std::time::Instant;

use bus::{RoomSid, TrackSid, TransportSid};
use serde::{Deserialize, Serialize};
use sfu_media::bridge::BridgeTracks;
use sfu_media::ids::{ShardId, SpeakerGroup, TrackId, TransportId};

/// An order of the node's control. What it names is there: control has looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BridgeCommand {
    /// Callers of this bridge come into a room.
    OpenLeg {
        /// What later orders name.
        leg: TransportId,
        /// Its name.
        sid: TransportSid,
        /// Where.
        room: RoomSid,
    },
    /// A leg is gone, with all that it published and heard.
    CloseLeg {
        /// Which.
        leg: TransportId,
    },
    /// A caller has a track: what [`super::BridgeEnd::publish`] takes by this id is their voice.
    Publish {
        /// By which leg.
        leg: TransportId,
        /// The track.
        track: TrackId,
        /// Its name.
        sid: TrackSid,
        /// Whose loudness it is compared with.
        group: SpeakerGroup,
        /// Nothing of it goes to anybody while set.
        is_muted: bool,
    },
    /// Drop or give to others what a caller says.
    Mute {
        /// On which track.
        track: TrackId,
        /// From now on.
        is_muted: bool,
    },
    /// A caller's track is over.
    Unpublish {
        /// Which.
        track: TrackId,
    },
    /// The callers of a leg hear a track.
    Hear {
        /// Which leg.
        leg: TransportId,
        /// The track.
        track: TrackId,
        /// Its name.
        sid: TrackSid,
        /// Where it is published. The bridge's own id says that it is a caller's of this bridge, whose packets do not come
        /// because their sound is here before they are.
        home: ShardId,
    },
    /// The callers of a leg hear a track no longer.
    StopHearing {
        /// Which leg.
        leg: TransportId,
        /// The track.
        track: TrackId,
    },
}

impl BridgeCommand {
    /// What it means for the bridge's place among the shards.
    pub fn carry_out(&self, now: Instant, tracks: &mut BridgeTracks) {
        match self {
            Self::OpenLeg { .. } => {}
            Self::CloseLeg { leg } => tracks.handle_leg_closed(*leg),
            Self::Publish { leg, track, group, is_muted, .. } => {
                tracks.handle_publish(now, *leg, *track, *group, *is_muted);
            }
            Self::Mute { track, is_muted } => tracks.handle_mute(*track, *is_muted),
            Self::Unpublish { track } => tracks.handle_unpublish(*track),
            Self::Hear { leg, track, home, .. } => tracks.handle_hear(*leg, *track, *home),
            Self::StopHearing { leg, track } => tracks.handle_stop_hearing(*leg, *track),
        }
    }
}
