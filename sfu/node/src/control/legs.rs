// SPDX-License-Identifier: EUPL-1.2
//! Legs: what the callers of a bridge have in place of transports.
//!
//! Nothing is negotiated with them. What a leg publishes is there at once, with the bridge as its home; what it hears, the
//! bridge is told as soon as the publisher's client is connected and sends it, and for as long as that lasts.

use std::collections::BTreeMap;

use bus::{MediaKind, Publication, RoomSid, SfuEvent, SfuRefusal, Subscription, TrackSid, TransportSid};
use sfu_media::ids::{ShardId, TrackId, TransportId};
use sfu_media::session;
use tracing::debug;

use super::publications::codec_of;
use super::{Control, ControlOutput, TrackEntry};
use crate::bridge_end::BridgeCommand;

/// Legs that a node has at most, with one for each caller: what its threads can mix for, several times over. More are
/// refused.
pub(crate) const MAX_LEGS: usize = 4_096;

/// Tracks that a leg publishes at most, with one leg for all callers in a room: more than a room has callers. More are
/// refused. It hears no more than clients and legs publish.
pub(crate) const MAX_TRACKS_PER_LEG: usize = 512;

/// The callers of a bridge in a room, or one of them.
pub(super) struct LegEntry {
    sid: TransportSid,
    room: RoomSid,
    bridge: ShardId,
    published: usize,
    hears: BTreeMap<TrackId, Hearing>,
}

impl LegEntry {
    pub(super) const fn names(&self) -> (&TransportSid, &RoomSid) {
        (&self.sid, &self.room)
    }
}

/// A track that a leg shall hear.
struct Hearing {
    is_paused: bool,
    /// The bridge was told.
    is_running: bool,
}

impl Control {
    /// The same with bridges, which the shards know by these ids.
    #[must_use]
    pub fn with_bridges(mut self, bridges: impl IntoIterator<Item = ShardId>) -> Self {
        self.bridges = bridges.into_iter().map(Some).collect();
        self
    }

    /// A bridge has ended: its legs are gone, and their tracks for everybody.
    pub fn handle_bridge_ended(&mut self, bridge: ShardId) {
        for place in self.bridges.iter_mut().filter(|place| **place == Some(bridge)) {
            *place = None;
        }
        let legs: Vec<_> = self.legs.iter().filter(|(_, leg)| leg.bridge == bridge).map(|(id, _)| *id).collect();
        for id in legs {
            let reason = bus::TransportFailure::BridgeEnded;
            self.report(id, |transport| SfuEvent::Failed { transport, reason });
            self.close_leg(id);
        }
    }

    /// How many legs are open.
    #[must_use]
    pub fn leg_count(&self) -> usize {
        self.legs.len()
    }

    pub(super) fn open_leg(&mut self, sid: TransportSid, room: RoomSid, bridge: u16) -> Result<(), SfuRefusal> {
        if self.transport_ids.contains_key(&sid) {
            return Ok(());
        }
        let bridge = self.bridges.get(usize::from(bridge)).copied().flatten().ok_or(SfuRefusal::NoSuchBridge)?;
        if self.legs.len() >= MAX_LEGS {
            return Err(SfuRefusal::Full);
        }
        let id = TransportId(self.next_id());
        debug!(leg = %id, %sid, %room, %bridge, "a bridge's leg opens");
        self.enter_room(&room);
        self.transport_ids.insert(sid.clone(), id);
        let open = BridgeCommand::OpenLeg { leg: id, sid: sid.clone(), room: room.clone() };
        self.legs.insert(id, LegEntry { sid, room, bridge, published: 0, hears: BTreeMap::new() });
        self.tell_bridge_of(id, open);
        self.report(id, |transport| SfuEvent::Connected { transport });
        Ok(())
    }

    pub(super) fn close_leg(&mut self, id: TransportId) {
        self.tell_bridge_of(id, BridgeCommand::CloseLeg { leg: id });
        let Some(leg) = self.legs.remove(&id) else { return };
        self.transport_ids.remove(&leg.sid);
        for track in self.published_by(id) {
            self.forget_track(track);
        }
        self.leave_room(&leg.room);
    }

    /// A caller has a track, which needs no offer.
    pub(super) fn publish_from_leg(&mut self, id: TransportId, publication: Publication) -> Result<(), SfuRefusal> {
        if publication.kind != MediaKind::Audio {
            return Err(SfuRefusal::NotOnABridge);
        }
        let track = TrackId(self.next_id());
        let leg = self.legs.get_mut(&id).ok_or(SfuRefusal::UnknownTransport)?;
        if leg.published >= MAX_TRACKS_PER_LEG {
            return Err(SfuRefusal::Full);
        }
        let group = self.rooms.get(&leg.room).ok_or(SfuRefusal::UnknownTransport)?.group;
        leg.published += 1;
        let Publication { track: sid, is_muted, .. } = publication;
        self.track_ids.insert(sid.clone(), track);
        let codec = codec_of(publication.kind);
        self.tracks.insert(track, TrackEntry { sid: sid.clone(), transport: id, codec, is_muted });
        self.tell_bridge_of(id, BridgeCommand::Publish { leg: id, track, sid, group, is_muted });
        Ok(())
    }

    /// A track is over that may have been a leg's.
    pub(super) fn end_on_leg(&mut self, id: TransportId, track: TrackId) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.published -= 1;
            self.tell_bridge_of(id, BridgeCommand::Unpublish { track });
        }
    }

    /// The callers of a leg hear tracks. One that has ended meanwhile is passed over, and so are pictures.
    pub(super) fn hear(&mut self, id: TransportId, subscriptions: &[Subscription]) {
        for subscription in subscriptions {
            let Some(track) = self.track_ids.get(&subscription.track).copied() else { continue };
            let is_sound = |entry: &TrackEntry| entry.codec.kind() == session::MediaKind::Audio;
            let (true, Some(leg)) = (self.tracks.get(&track).is_some_and(is_sound), self.legs.get_mut(&id)) else {
                continue;
            };
            let is_paused = subscription.settings.is_paused;
            leg.hears.entry(track).or_insert(Hearing { is_paused, is_running: false });
            self.settle_hearing(id, track);
        }
    }

    /// The callers of a leg hear tracks no longer.
    pub(super) fn stop_hearing(&mut self, id: TransportId, tracks: &[TrackId]) {
        for &track in tracks {
            let Some(hearing) = self.legs.get_mut(&id).and_then(|leg| leg.hears.remove(&track)) else { continue };
            if hearing.is_running {
                self.tell_bridge_of(id, BridgeCommand::StopHearing { leg: id, track });
            }
        }
    }

    pub(super) fn pause_hearing(&mut self, id: TransportId, track: TrackId, is_paused: bool) {
        if let Some(hearing) = self.legs.get_mut(&id).and_then(|leg| leg.hears.get_mut(&track)) {
            hearing.is_paused = is_paused;
            self.settle_hearing(id, track);
        }
    }

    /// No leg hears a track any more, which is over.
    pub(super) fn forget_hearing(&mut self, track: TrackId) {
        for leg in self.legs_that_hear(track) {
            self.stop_hearing(leg, &[track]);
        }
    }

    /// A client connected, or sends something else than before: the bridges hear what of it they shall hear.
    pub(super) fn settle_hearing_of_publisher(&mut self, publisher: TransportId) {
        if self.legs.is_empty() {
            return;
        }
        for track in self.published_by(publisher) {
            for leg in self.legs_that_hear(track) {
                self.settle_hearing(leg, track);
            }
        }
    }

    /// The bridge that a leg is of.
    pub(super) fn bridge_of(&self, id: TransportId) -> Option<ShardId> {
        self.legs.get(&id).map(|leg| leg.bridge)
    }

    /// Sends an order to the bridge that a leg is of, if it is a leg.
    pub(super) fn tell_bridge_of(&mut self, id: TransportId, command: BridgeCommand) {
        if let Some(bridge) = self.bridge_of(id) {
            self.outputs.push(ControlOutput::ToBridge(bridge, command));
        }
    }

    pub(super) fn legs_that_hear(&self, track: TrackId) -> Vec<TransportId> {
        self.legs.iter().filter(|(_, leg)| leg.hears.contains_key(&track)).map(|(id, _)| *id).collect()
    }

    /// Tells the bridge what has changed of whether a leg hears a track.
    fn settle_hearing(&mut self, id: TransportId, track: TrackId) {
        let found = self.home_of_what_is_sent(track);
        let Some(hearing) = self.legs.get_mut(&id).and_then(|leg| leg.hears.get_mut(&track)) else { return };
        let home = found.filter(|_| !hearing.is_paused);
        let was_running = std::mem::replace(&mut hearing.is_running, home.is_some());
        match home {
            Some((home, sid)) if !was_running => {
                self.tell_bridge_of(id, BridgeCommand::Hear { leg: id, track, sid, home });
            }
            None if was_running => self.tell_bridge_of(id, BridgeCommand::StopHearing { leg: id, track }),
            _ => {}
        }
    }

    /// Where a track is published, with its name, while its publisher is connected and has an m-line for it. A shard
    /// that does not know the track yet would say that it has ended.
    fn home_of_what_is_sent(&self, track: TrackId) -> Option<(ShardId, TrackSid)> {
        let entry = self.tracks.get(&track)?;
        let home = match self.transports.get(&entry.transport) {
            Some(publisher) => {
                let is_sent = publisher.session.uplinks.iter().any(|uplink| uplink.track == track);
                publisher.shard.filter(|_| is_sent)
            }
            None => self.bridge_of(entry.transport),
        };
        Some((home?, entry.sid.clone()))
    }
}
