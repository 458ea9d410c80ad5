// SPDX-License-Identifier: EUPL-1.2
//! A bridge's place among the shards: what its callers say, and whom they hear.
//!
//! To the shards a bridge is one more of them, with an id behind theirs. It is the home of its callers' tracks, whose
//! audience is the shards with subscribers, and it joins the audience of each track that one of its callers hears, once
//! for all of them. It has neither clients nor feeds: it gets a packet as a shard gets it, and what comes of it (decoding,
//! mixing, a telephone's codec) is the business of whoever drives this.
//!
//! Sound is all there is: keyframes are never asked for, and lost packets are not sent again to a bridge, as they are not
//! between shards.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::ids::{Layer, ShardId, SpeakerGroup, TrackId, TransportId};
use crate::media_packet::{MediaPacket, PacketMeta};
use crate::rtcp::SenderClock;
use crate::rtcp::reports::ntp_duration;
use crate::shard::counters::{DropReason, DroppedPackets};
use crate::shard::message::{ShardEvent, ShardMessage};
use crate::speakers::{Loudness, SpeakerDetector, Voice};
use crate::track::MAX_PAYLOAD_BYTES;
use crate::track::audience::Audience;

/// Packets that may wait for one shard until they are taken. What comes on top is dropped and counted; a shard's mailbox
/// would not take more either.
pub const MAX_WAITING_PACKETS: usize = 8_192;

/// How often an audience is told how a track's RTP time maps to our clock: as often as browsers report on sound (RFC 3550
/// §6.2).
const CLOCK_INTERVAL: Duration = Duration::from_secs(5);

/// After a home said that a track has ended, until it is asked again where control says nothing of an end. It may have
/// been asked before it knew the track: its orders and our messages come by different ways.
const REJOIN_INTERVAL: Duration = Duration::from_millis(500);

/// What our clock shows at the beginning. Zero would mean that there is no clock (RFC 3550 §6.4.1).
const FIRST_NTP: u64 = 1 << 32;

/// A packet of a caller's voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoicePacket {
    /// Opus (RFC 6716), at most [`MAX_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
    /// Time of its first sample at 48 kHz (RFC 7587 §4.1). It goes on over silence and over what is dropped.
    pub rtp_timestamp: u32,
    /// First packet after a silence (RFC 3551 §4.1).
    pub marker: bool,
    /// Loudness as browsers tell it (RFC 6464 §3): −dBov in the lower seven bits, voice activity in the upper one. Who
    /// speaks is found out by it.
    pub audio_level: u8,
}

/// What the callers of a bridge are told by the shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A packet of a track that somebody here hears, as its home took it in: not put in order, and with gaps. Its payload
    /// is one Opus packet, because the SFU agrees with its clients on no redundant form (RFC 2198).
    Media {
        /// Of which track.
        track: TrackId,
        /// The packet.
        packet: Box<MediaPacket>,
    },
    /// A track that somebody here hears has ended at its home. Control's order to hear it no longer follows.
    Ended {
        /// Which.
        track: TrackId,
    },
}

/// What a bridge has counted since it started, and what it holds at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BridgeCounters {
    /// Packets of tracks that callers hear, each once however many of them do.
    pub heard_packets: u64,
    /// Packets of callers, once for each shard that they were given to.
    pub published_packets: u64,
    /// Packets of either direction that went no further.
    pub dropped_packets: DroppedPackets,
    /// Messages that no bridge is ever sent.
    pub misdirected_messages: u64,
    /// Tracks published here.
    pub tracks: u64,
    /// Tracks heard here.
    pub heard_tracks: u64,
}

/// A caller's track.
#[derive(Debug)]
struct Published {
    leg: TransportId,
    group: SpeakerGroup,
    is_muted: bool,
    has_started: bool,
    /// Counts what the audience gets, so that nobody takes a mute for loss.
    next_index: u64,
    audience: Audience,
    loudness: Loudness,
    /// When the audience is told the clock; `None` for with the next packet.
    clock_due: Option<Instant>,
}

/// A track that somebody here hears.
#[derive(Debug)]
struct Heard {
    home: ShardId,
    legs: SmallVec<[TransportId; 4]>,
    /// Its home was asked for it, and has not said since that it ended.
    is_joined: bool,
}

/// What a bridge publishes and hears. As many tracks as control lets it have.
#[derive(Debug)]
pub struct BridgeTracks {
    id: ShardId,
    /// From when our clock counts.
    origin: Instant,
    /// In the order of their age: what follows from an input is the same in each run.
    published: BTreeMap<TrackId, Published>,
    heard: BTreeMap<TrackId, Heard>,
    speakers: SpeakerDetector,
    /// When homes are asked again.
    rejoin_due: Option<Instant>,
    messages: Vec<(ShardId, Vec<ShardMessage>)>,
    events: VecDeque<ShardEvent>,
    counters: BridgeCounters,
}

impl BridgeTracks {
    /// A bridge without callers, which the shards know by `id`.
    #[must_use]
    pub fn new(now: Instant, id: ShardId) -> Self {
        Self {
            id,
            origin: now,
            published: BTreeMap::new(),
            heard: BTreeMap::new(),
            speakers: SpeakerDetector::new(),
            rejoin_due: None,
            messages: Vec::new(),
            events: VecDeque::new(),
            counters: BridgeCounters::default(),
        }
    }

    /// By what the shards know it.
    #[must_use]
    pub const fn id(&self) -> ShardId {
        self.id
    }

    /// A caller of `leg` has a track from now on, compared with those of `group`.
    pub fn handle_publish(
        &mut self,
        now: Instant,
        leg: TransportId,
        track: TrackId,
        group: SpeakerGroup,
        is_muted: bool,
    ) {
        self.published.entry(track).or_insert_with(|| Published {
            leg,
            group,
            is_muted,
            has_started: false,
            next_index: 0,
            audience: Audience::default(),
            loudness: Loudness::default(),
            clock_due: None,
        });
        self.speakers.start(now);
    }

    /// Nothing of a caller's track goes to anybody while it is muted.
    pub fn handle_mute(&mut self, track: TrackId, is_muted: bool) {
        if let Some(published) = self.published.get_mut(&track)
            && published.is_muted != is_muted
        {
            published.is_muted = is_muted;
            published.loudness.clear();
        }
    }

    /// A caller's track is over, for everybody who receives it.
    pub fn handle_unpublish(&mut self, track: TrackId) {
        let Some(published) = self.published.remove(&track) else { return };
        for shard in published.audience.shards() {
            self.tell(*shard, ShardMessage::TrackEnded { track });
        }
    }

    /// The callers of `leg` hear a track that is published on `home`. Its packets come once, however many legs hear it.
    /// Those of a track that is published here do not come at all, because their sound is here before they are.
    pub fn handle_hear(&mut self, leg: TransportId, track: TrackId, home: ShardId) {
        let is_new = !self.heard.contains_key(&track);
        let is_joined = home != self.id;
        let heard = self.heard.entry(track).or_insert_with(|| Heard { home, legs: SmallVec::new(), is_joined });
        if !heard.legs.contains(&leg) {
            heard.legs.push(leg);
        }
        if is_new && is_joined {
            self.tell(home, ShardMessage::JoinAudience { track });
        }
    }

    /// The callers of `leg` hear a track no longer.
    pub fn handle_stop_hearing(&mut self, leg: TransportId, track: TrackId) {
        let Some(heard) = self.heard.get_mut(&track) else { return };
        heard.legs.retain(|other| *other != leg);
        if !heard.legs.is_empty() {
            return;
        }
        if let Some(Heard { home, is_joined: true, .. }) = self.heard.remove(&track) {
            self.tell(home, ShardMessage::LeaveAudience { track });
        }
    }

    /// A leg is gone, with all that it published and heard.
    pub fn handle_leg_closed(&mut self, leg: TransportId) {
        let published = self.published.iter().filter(|(_, published)| published.leg == leg);
        for track in published.map(|(track, _)| *track).collect::<Vec<_>>() {
            self.handle_unpublish(track);
        }
        for track in self.heard.keys().copied().collect::<Vec<_>>() {
            self.handle_stop_hearing(leg, track);
        }
    }

    /// The bridge ends.
    pub fn handle_end(&mut self) {
        while let Some(track) = self.published.keys().next().copied() {
            self.handle_unpublish(track);
        }
        while let Some((track, heard)) = self.heard.pop_first() {
            if heard.is_joined {
                self.tell(heard.home, ShardMessage::LeaveAudience { track });
            }
        }
    }

    /// Takes in what a shard says, and gives what of it the callers must be told.
    pub fn handle_message(&mut self, now: Instant, from: ShardId, message: ShardMessage) -> Option<Incoming> {
        match message {
            ShardMessage::Media { track, packet } => return self.hear(track, packet),
            ShardMessage::TrackEnded { track } => return self.end_heard(now, track),
            ShardMessage::JoinAudience { track } => self.join_audience(track, from),
            ShardMessage::LeaveAudience { track } => {
                if let Some(published) = self.published.get_mut(&track) {
                    published.audience.leave(from);
                }
            }
            // Sound needs no keyframe, and whoever mixes it brings it into step by when it came.
            ShardMessage::RequestKeyframe { .. } | ShardMessage::SenderClock { .. } => {}
            ShardMessage::Datagram { .. } => self.counters.misdirected_messages += 1,
        }
        None
    }

    /// Gives a packet of a caller's track to its audience.
    ///
    /// # Errors
    ///
    /// The reason why nobody gets it, which is counted.
    pub fn handle_voice(&mut self, now: Instant, track: TrackId, packet: VoicePacket) -> Result<(), DropReason> {
        let published = self.publish(now, track, packet);
        if let Err(reason) = published {
            self.counters.dropped_packets.count(reason);
        }
        published
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let voices = self.published.iter_mut().map(|(track, published)| Voice {
            track: *track,
            group: published.group,
            loudness: &mut published.loudness,
        });
        self.speakers.handle_timeout(now, voices);
        while let Some((group, levels)) = self.speakers.poll_change() {
            self.events.push_back(ShardEvent::Speakers { group, levels });
        }
        if self.rejoin_due.is_some_and(|due| due <= now) {
            self.rejoin_due = None;
            self.rejoin();
        }
    }

    /// When [`Self::handle_timeout`] has something to do next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.speakers.poll_timeout(), self.rejoin_due].into_iter().flatten().min()
    }

    /// Messages for a shard, all that wait for it.
    pub fn poll_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)> {
        self.messages.pop()
    }

    /// The next event for the node's control.
    pub fn poll_event(&mut self) -> Option<ShardEvent> {
        self.events.pop_front()
    }

    /// What was counted, with the present sizes.
    #[must_use]
    pub fn counters(&self) -> BridgeCounters {
        let (tracks, heard_tracks) = (self.published.len() as u64, self.heard.len() as u64);
        BridgeCounters { tracks, heard_tracks, ..self.counters }
    }

    fn hear(&mut self, track: TrackId, packet: Box<MediaPacket>) -> Option<Incoming> {
        if !self.heard.contains_key(&track) {
            // Its home learns soon that nobody here hears it any more.
            self.counters.dropped_packets.count(DropReason::NoAudience);
            return None;
        }
        self.counters.heard_packets += 1;
        Some(Incoming::Media { track, packet })
    }

    /// A home has a track no longer, or not yet.
    fn end_heard(&mut self, now: Instant, track: TrackId) -> Option<Incoming> {
        let heard = self.heard.get_mut(&track).filter(|heard| heard.is_joined)?;
        heard.is_joined = false;
        self.rejoin_due.get_or_insert(now + REJOIN_INTERVAL);
        Some(Incoming::Ended { track })
    }

    fn rejoin(&mut self) {
        let id = self.id;
        let gone = self.heard.iter_mut().filter(|(_, heard)| !heard.is_joined && heard.home != id);
        let again: Vec<_> = gone
            .map(|(track, heard)| {
                heard.is_joined = true;
                (*track, heard.home)
            })
            .collect();
        for (track, home) in again {
            self.tell(home, ShardMessage::JoinAudience { track });
        }
    }

    /// A shard wants a caller's track.
    fn join_audience(&mut self, track: TrackId, shard: ShardId) {
        match self.published.get_mut(&track) {
            Some(published) => {
                published.audience.join(shard);
                published.clock_due = None;
            }
            None => self.tell(shard, ShardMessage::TrackEnded { track }),
        }
    }

    fn publish(&mut self, now: Instant, track: TrackId, packet: VoicePacket) -> Result<(), DropReason> {
        let published = self.published.get_mut(&track).ok_or(DropReason::UnknownStream)?;
        if packet.payload.is_empty() || packet.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(DropReason::Malformed);
        }
        if published.is_muted {
            return Err(DropReason::Muted);
        }
        published.loudness.handle_packet(Some(packet.audio_level), &packet.payload);
        if !std::mem::replace(&mut published.has_started, true) {
            self.events.push_back(ShardEvent::TrackStarted { track });
        }
        if published.audience.is_empty() {
            return Err(DropReason::NoAudience);
        }
        let meta = PacketMeta {
            rtp_timestamp: packet.rtp_timestamp,
            marker: packet.marker,
            starts_keyframe: true, // As every packet of sound.
            audio_level: Some(packet.audio_level),
            ..PacketMeta::new(Layer(0), published.next_index, now)
        };
        published.next_index += 1;
        let tells_clock = published.clock_due.is_none_or(|due| due <= now);
        if tells_clock {
            published.clock_due = Some(now + CLOCK_INTERVAL);
        }
        let ntp = FIRST_NTP + ntp_duration(now.saturating_duration_since(self.origin));
        let clock = SenderClock { ntp, rtp_timestamp: packet.rtp_timestamp, received: now };
        let shards: SmallVec<[ShardId; 8]> = published.audience.shards().into();
        for shard in shards {
            let packet = MediaPacket { meta, payload: packet.payload.clone(), padding: 0 };
            self.give(shard, track, packet);
            if tells_clock {
                self.tell(shard, ShardMessage::SenderClock { track, layer: Layer(0), clock });
            }
        }
        Ok(())
    }

    /// Queues a packet for a shard, or drops and counts it where too many wait.
    fn give(&mut self, shard: ShardId, track: TrackId, packet: MediaPacket) {
        let waiting = self.messages.iter().find(|(to, _)| *to == shard).map_or(0, |(_, messages)| messages.len());
        if waiting >= MAX_WAITING_PACKETS {
            return self.counters.dropped_packets.count(DropReason::Overload);
        }
        self.counters.published_packets += 1;
        self.tell(shard, ShardMessage::Media { track, packet: Box::new(packet) });
    }

    /// Queues a message; those for one shard travel together.
    fn tell(&mut self, shard: ShardId, message: ShardMessage) {
        match self.messages.iter_mut().find(|(to, _)| *to == shard) {
            Some((_, messages)) => messages.push(message),
            None => self.messages.push((shard, vec![message])),
        }
    }
}

#[cfg(test)]
mod tests;
