// SPDX-License-Identifier: EUPL-1.2
//! The rooms whose callers are on one thread: legs as the node orders them, who sits on which, and each room's mix. Without
//! I/O and clock.
//!
//! A leg can come before call control says whose it is, and after. It is bounded by control of the node, which opens one for
//! each caller in a room; of those that call control names and the node does not, each call has one at most.
//!
//! Callers of one room hear each other here, before anything is encoded; so a track whose home is this bridge itself is
//! heard without packets. What somebody says is heard in the room, here and elsewhere alike, while they have a track
//! and it is not muted.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use bus::{RoomSid, TransportSid};
use sfu_media::bridge::{Incoming, VoicePacket};
use sfu_media::ids::{TrackId, TransportId};
use sfu_media::media_packet::MediaPacket;
use sfu_node::BridgeCommand;

use super::CallKey;
use super::call::Said;
use super::seat::Seat;
use crate::audio::Frame;
use crate::mixing::{CallerId, RoomMix, SourceId, VoiceError};

/// An audio level without what else is in its byte (RFC 6464 §3).
const LEVEL: u8 = 0x7f;

/// A room, within a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RoomNumber(u64);

struct Room {
    sid: RoomSid,
    mix: RoomMix,
    /// Legs in the room, with callers or without.
    legs: usize,
    calls: Vec<CallKey>,
}

struct Leg {
    sid: TransportSid,
    room: RoomNumber,
    call: Option<CallKey>,
    voice: Option<Published>,
}

/// A caller's track.
#[derive(Clone, Copy)]
struct Published {
    track: TrackId,
    is_muted: bool,
}

/// Who hears a track.
#[derive(Default)]
struct Heard {
    legs: Vec<TransportId>,
    /// Theirs, each once: nearly always a single one.
    rooms: Vec<RoomNumber>,
}

/// The rooms whose callers are on one thread.
pub struct Rooms {
    speakers: usize,
    next_number: u64,
    rooms: BTreeMap<RoomNumber, Room>,
    numbers: HashMap<RoomSid, RoomNumber>,
    legs: HashMap<TransportId, Leg>,
    names: HashMap<TransportSid, TransportId>,
    seats: BTreeMap<CallKey, Seat>,
    /// Whose a leg is that the node has not told of.
    wanted: HashMap<TransportSid, CallKey>,
    heard: HashMap<TrackId, Heard>,
    /// By which leg a caller's track is published.
    voices: HashMap<TrackId, TransportId>,
}

impl Rooms {
    /// None yet. In each at most so many speakers are heard at once.
    #[must_use]
    pub fn new(speakers: usize) -> Self {
        Self {
            speakers,
            next_number: 0,
            rooms: BTreeMap::new(),
            numbers: HashMap::new(),
            legs: HashMap::new(),
            names: HashMap::new(),
            seats: BTreeMap::new(),
            wanted: HashMap::new(),
            heard: HashMap::new(),
            voices: HashMap::new(),
        }
    }

    /// The node orders something.
    pub fn handle_command(&mut self, command: &BridgeCommand) {
        match command {
            BridgeCommand::OpenLeg { leg, sid, room } => self.open_leg(*leg, sid, room),
            BridgeCommand::CloseLeg { leg } => self.close_leg(*leg),
            BridgeCommand::Publish { leg, track, is_muted, .. } => self.publish(*leg, *track, *is_muted),
            BridgeCommand::Mute { track, is_muted } => self.mute(*track, *is_muted),
            BridgeCommand::Unpublish { track } => self.unpublish(*track),
            BridgeCommand::Hear { leg, track, .. } => self.hear(*leg, *track),
            BridgeCommand::StopHearing { leg, track } => self.stop_hearing(*leg, *track),
        }
    }

    /// The shards have something.
    pub fn handle_incoming(&mut self, incoming: &Incoming) {
        match incoming {
            Incoming::Media { track, packet } => self.handle_packet(*track, packet),
            Incoming::Ended { track } => self.end_source(*track),
        }
    }

    /// A call is in a room from now on, by that leg, in place of the one before, and hears it so many steps louder than it
    /// is.
    pub fn connect(&mut self, call: CallKey, leg: &TransportSid, volume: i8) {
        if self.seats.get(&call).is_some_and(|seat| seat.wanted == *leg) {
            return;
        }
        self.stand_up(call);
        let seat = self.seats.entry(call).or_insert_with(|| Seat::new(leg.clone()));
        if self.wanted.get(&seat.wanted) == Some(&call) {
            self.wanted.remove(&seat.wanted);
        }
        (seat.wanted, seat.volume) = (leg.clone(), volume);
        match self.names.get(leg).copied() {
            Some(known) => self.sit_down(call, known),
            None => {
                self.wanted.insert(leg.clone(), call);
            }
        }
    }

    /// A call is in no room any more.
    pub fn disconnect(&mut self, call: CallKey) {
        self.stand_up(call);
        if let Some(seat) = self.seats.remove(&call)
            && self.wanted.get(&seat.wanted) == Some(&call)
        {
            self.wanted.remove(&seat.wanted);
        }
    }

    /// How many steps of 3 dB the meeting is louder for a caller than it is, -4 to 4.
    pub fn set_volume(&mut self, call: CallKey, volume: i8) {
        if let Some(seat) = self.seats.get_mut(&call) {
            seat.volume = volume;
        }
        if let Some(room) = self.room_of(call).and_then(|room| self.rooms.get_mut(&room)) {
            room.mix.set_volume(caller(call), volume);
        }
    }

    /// Whether a call has a place in a room, so that [`Self::tick`] tells what it hears.
    #[must_use]
    pub fn has_place(&self, call: CallKey) -> bool {
        self.room_of(call).is_some()
    }

    /// What a caller says in this tick, before [`Self::tick`].
    pub fn listen_to(&mut self, call: CallKey, said: &Said) {
        let Some(leg) = self.leg_of(call) else { return };
        let is_heard = leg.voice.is_some_and(|voice| !voice.is_muted) && said.is_worth_sending;
        let room = leg.room;
        if let Some(room) = self.rooms.get_mut(&room) {
            let frame = is_heard.then_some(&said.frame);
            room.mix.caller_frame(caller(call), frame, said.is_sound(), said.level_dbov);
        }
    }

    /// Goes on by 20 ms, and tells what each caller with a place hears.
    pub fn tick(&mut self, now: Instant, mut hear: impl FnMut(CallKey, Option<&Frame>)) {
        for room in self.rooms.values_mut().filter(|room| !room.calls.is_empty()) {
            let mixes = room.mix.tick(now);
            for call in &room.calls {
                hear(*call, mixes.of(caller(*call)).frame());
            }
        }
    }

    /// The packet of a caller's track for this tick, if there is one. It is encoded into `opus` first.
    ///
    /// # Errors
    ///
    /// When the caller's voice cannot be encoded.
    pub fn voice_packet(
        &mut self,
        call: CallKey,
        said: &Said,
        opus: &mut Vec<u8>,
    ) -> Result<Option<(TrackId, VoicePacket)>, VoiceError> {
        let voice = self.leg_of(call).and_then(|leg| leg.voice);
        let Some(seat) = self.seats.get_mut(&call) else { return Ok(None) };
        match voice {
            Some(Published { track, is_muted: false }) => Ok(seat.encode(said, opus)?.map(|packet| (track, packet))),
            _ => {
                seat.keep_silent();
                Ok(None)
            }
        }
    }

    /// Rooms with callers or legs here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    fn open_leg(&mut self, id: TransportId, sid: &TransportSid, room: &RoomSid) {
        if self.legs.contains_key(&id) {
            return;
        }
        let number = self.number_of(room);
        if let Some(room) = self.rooms.get_mut(&number) {
            room.legs += 1;
        }
        self.legs.insert(id, Leg { sid: sid.clone(), room: number, call: None, voice: None });
        self.names.insert(sid.clone(), id);
        if let Some(call) = self.wanted.remove(sid) {
            self.sit_down(call, id);
        }
    }

    /// The room's number; a room that is new here is begun.
    fn number_of(&mut self, sid: &RoomSid) -> RoomNumber {
        if let Some(number) = self.numbers.get(sid) {
            return *number;
        }
        let number = RoomNumber(self.next_number);
        self.next_number += 1;
        let room = Room { sid: sid.clone(), mix: RoomMix::new(self.speakers), legs: 0, calls: Vec::new() };
        self.rooms.insert(number, room);
        self.numbers.insert(sid.clone(), number);
        number
    }

    fn close_leg(&mut self, id: TransportId) {
        if let Some(call) = self.legs.get(&id).and_then(|leg| leg.call) {
            self.stand_up(call);
        }
        let Some(leg) = self.legs.remove(&id) else { return };
        self.names.remove(&leg.sid);
        if let Some(voice) = leg.voice {
            self.voices.remove(&voice.track);
        }
        let heard: Vec<_> =
            self.heard.iter().filter(|(_, heard)| heard.legs.contains(&id)).map(|(track, _)| *track).collect();
        for track in heard {
            self.stop_hearing(id, track);
        }
        if let Some(room) = self.rooms.get_mut(&leg.room) {
            room.legs -= 1;
            if room.legs == 0 {
                self.numbers.remove(&room.sid);
                self.rooms.remove(&leg.room);
            }
        }
    }

    fn publish(&mut self, id: TransportId, track: TrackId, is_muted: bool) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        // A caller has one microphone: of two tracks, the later is theirs.
        if let Some(before) = leg.voice.replace(Published { track, is_muted }) {
            self.voices.remove(&before.track);
        }
        self.voices.insert(track, id);
    }

    fn mute(&mut self, track: TrackId, is_muted: bool) {
        if let Some(voice) = self.voices.get(&track).and_then(|leg| self.legs.get_mut(leg)?.voice.as_mut()) {
            voice.is_muted = is_muted;
        }
    }

    fn unpublish(&mut self, track: TrackId) {
        if let Some(leg) = self.voices.remove(&track).and_then(|leg| self.legs.get_mut(&leg)) {
            leg.voice = None;
        }
    }

    fn hear(&mut self, id: TransportId, track: TrackId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let heard = self.heard.entry(track).or_default();
        if !heard.legs.contains(&id) {
            heard.legs.push(id);
        }
        if !heard.rooms.contains(&leg.room) {
            heard.rooms.push(leg.room);
        }
    }

    fn stop_hearing(&mut self, id: TransportId, track: TrackId) {
        let Some(heard) = self.heard.get_mut(&track) else { return };
        heard.legs.retain(|leg| *leg != id);
        let legs = &self.legs;
        let has_listener =
            |room: RoomNumber| heard.legs.iter().any(|leg| legs.get(leg).is_some_and(|leg| leg.room == room));
        let left: Vec<_> = heard.rooms.iter().copied().filter(|room| !has_listener(*room)).collect();
        heard.rooms.retain(|room| !left.contains(room));
        if heard.legs.is_empty() {
            self.heard.remove(&track);
        }
        for room in left {
            if let Some(room) = self.rooms.get_mut(&room) {
                room.mix.remove_source(source(track));
            }
        }
    }

    fn handle_packet(&mut self, track: TrackId, packet: &MediaPacket) {
        let Some(heard) = self.heard.get(&track) else { return };
        let meta = &packet.meta;
        for room in &heard.rooms {
            // A room without callers goes on by no ticks, so what came would only wait.
            if let Some(room) = self.rooms.get_mut(room).filter(|room| !room.calls.is_empty()) {
                // The low bits, as they stand in packets.
                let seq_no = (meta.index & 0xffff) as u16;
                let level = meta.audio_level.map(|level| level & LEVEL);
                let payload = &packet.payload;
                room.mix.handle_packet(meta.arrival, source(track), seq_no, meta.rtp_timestamp, level, payload);
            }
        }
    }

    fn end_source(&mut self, track: TrackId) {
        let Some(heard) = self.heard.get(&track) else { return };
        for room in &heard.rooms {
            if let Some(room) = self.rooms.get_mut(room) {
                room.mix.remove_source(source(track));
            }
        }
    }

    /// Gives a call its place on a leg that is there.
    fn sit_down(&mut self, call: CallKey, id: TransportId) {
        // A leg is one caller's. Should it be somebody's already, the order that came later counts.
        if let Some(other) = self.legs.get(&id).and_then(|leg| leg.call) {
            self.stand_up(other);
        }
        let (Some(leg), Some(seat)) = (self.legs.get_mut(&id), self.seats.get_mut(&call)) else { return };
        let Some(room) = self.rooms.get_mut(&leg.room) else { return };
        if room.mix.add_caller(caller(call)).is_err() {
            // A thread has not as many calls as a mix has places, by far.
            tracing::warn!("a room has no place for another caller");
            return;
        }
        room.mix.set_volume(caller(call), seat.volume);
        room.calls.push(call);
        leg.call = Some(call);
        seat.leg = Some(id);
    }

    /// Takes a call from its place, if it has one.
    fn stand_up(&mut self, call: CallKey) {
        let Some(id) = self.seats.get_mut(&call).and_then(|seat| seat.leg.take()) else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.call = None;
        if let Some(room) = self.rooms.get_mut(&leg.room) {
            room.mix.remove_caller(caller(call));
            room.calls.retain(|other| *other != call);
            if room.calls.is_empty() {
                // Without ticks, what it holds of anybody would be old when somebody comes again.
                room.mix = RoomMix::new(self.speakers);
            }
        }
    }

    fn leg_of(&self, call: CallKey) -> Option<&Leg> {
        self.legs.get(&self.seats.get(&call)?.leg?)
    }

    fn room_of(&self, call: CallKey) -> Option<RoomNumber> {
        self.leg_of(call).map(|leg| leg.room)
    }
}

const fn caller(call: CallKey) -> CallerId {
    CallerId(call.0)
}

const fn source(track: TrackId) -> SourceId {
    SourceId(track.0)
}
