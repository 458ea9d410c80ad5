// SPDX-License-Identifier: EUPL-1.2
//! A thread's way to rooms: an end of a node, in this process or in another. Both are used in the same steps.

use std::time::Instant;

use link::RemoteEnd;
use sfu_media::bridge::VoicePacket;
use sfu_media::ids::TrackId;
use sfu_media::shard::counters::DropReason;
use sfu_node::{BridgeEnd, Told};

/// An end of a node. Boxed where it is large; there is one for each thread.
pub enum RoomEnd {
    /// The node is in this process.
    Here(Box<BridgeEnd>),
    /// It is in another, over a link.
    Linked(RemoteEnd),
}

impl RoomEnd {
    /// What the thread is called by, among those of this process.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Here(end) => format!("sound-{}", end.id()),
            Self::Linked(end) => format!("sound-{}", end.number()),
        }
    }

    /// Takes over what there is.
    pub(super) fn collect(&mut self) {
        match self {
            Self::Here(end) => end.collect(),
            Self::Linked(end) => end.collect(),
        }
    }

    /// The next of what was collected.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Told> {
        match self {
            Self::Here(end) => end.poll(now),
            Self::Linked(end) => end.poll(now),
        }
    }

    /// Gives a packet of a caller's track away, with the next [`Self::hand_over`]. An error is counted by whoever tells it.
    pub(super) fn publish(&mut self, now: Instant, track: TrackId, packet: VoicePacket) -> Result<(), DropReason> {
        match self {
            Self::Here(end) => end.publish(now, track, packet),
            Self::Linked(end) => end.publish(track, packet),
        }
    }

    /// Gives away what there is for others.
    pub(super) fn hand_over(&mut self, now: Instant) {
        match self {
            Self::Here(end) => end.hand_over(now),
            Self::Linked(end) => end.hand_over(),
        }
    }

    /// Whether nothing comes any more.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Here(end) => end.is_closed(),
            Self::Linked(end) => end.is_closed(),
        }
    }
}

impl From<BridgeEnd> for RoomEnd {
    fn from(end: BridgeEnd) -> Self {
        Self::Here(Box::new(end))
    }
}

impl From<RemoteEnd> for RoomEnd {
    fn from(end: RemoteEnd) -> Self {
        Self::Linked(end)
    }
}
