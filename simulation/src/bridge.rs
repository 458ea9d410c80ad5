// SPDX-License-Identifier: EUPL-1.2
//! The bridge of a deployment: its callers speak all the time, and it writes down what they are given to hear.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bus::TrackSid;
use sfu_media::bridge::{BridgeCounters, BridgeTracks, Incoming, VoicePacket};
use sfu_media::ids::{ShardId, TrackId};
use sfu_media::shard::message::{ShardEvent, ShardMessage};
use sfu_node::BridgeCommand;

use crate::client::Stamp;

/// A packet each.
const TICK: Duration = Duration::from_millis(20);
const TICK_RTP_TICKS: u32 = 960;

/// Loud enough to be a speaker.
const AUDIO_LEVEL: u8 = 20;

/// A bridge as its thread would run it.
pub struct Bridge {
    tracks: BridgeTracks,
    next_tick: Instant,
    ticks: u32,
    /// Who speaks, with the number of the next packet.
    callers: BTreeMap<TrackId, u32>,
    names: HashMap<TrackId, TrackSid>,
    heard: HashMap<TrackSid, Vec<u32>>,
    ended: Vec<TrackSid>,
}

impl Bridge {
    /// A bridge without callers.
    pub(crate) fn new(now: Instant, id: ShardId) -> Self {
        Self {
            tracks: BridgeTracks::new(now, id),
            next_tick: now + TICK,
            ticks: 0,
            callers: BTreeMap::new(),
            names: HashMap::new(),
            heard: HashMap::new(),
            ended: Vec::new(),
        }
    }

    /// By what the shards know it.
    pub(crate) const fn id(&self) -> ShardId {
        self.tracks.id()
    }

    /// The numbers of a track's frames that callers were given, in the order in which they came.
    #[must_use]
    pub fn heard(&self, track: &TrackSid) -> &[u32] {
        self.heard.get(track).map_or(&[], Vec::as_slice)
    }

    /// The tracks that were heard and have ended.
    #[must_use]
    pub fn ended(&self) -> &[TrackSid] {
        &self.ended
    }

    /// What it counted.
    #[must_use]
    pub fn counters(&self) -> BridgeCounters {
        self.tracks.counters()
    }

    pub(crate) fn handle_command(&mut self, now: Instant, command: &BridgeCommand) {
        command.carry_out(now, &mut self.tracks);
        if self.callers.is_empty() {
            self.next_tick = now + TICK;
        }
        match command {
            BridgeCommand::Publish { track, .. } => drop(self.callers.insert(*track, 0)),
            BridgeCommand::Unpublish { track } => drop(self.callers.remove(track)),
            BridgeCommand::Hear { track, sid, .. } => drop(self.names.insert(*track, sid.clone())),
            _ => {}
        }
    }

    pub(crate) fn handle_messages(&mut self, now: Instant, from: ShardId, messages: Vec<ShardMessage>) {
        for message in messages {
            match self.tracks.handle_message(now, from, message) {
                Some(Incoming::Media { track, packet }) => {
                    let stamp = Stamp::read(&packet.payload).expect("publishers stamp what they send");
                    self.heard.entry(self.names[&track].clone()).or_default().push(stamp.frame);
                }
                Some(Incoming::Ended { track }) => self.ended.push(self.names[&track].clone()),
                None => {}
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.tracks.poll_timeout().is_some_and(|due| due <= now) {
            self.tracks.handle_timeout(now);
        }
        while self.next_tick <= now {
            self.next_tick += TICK;
            self.ticks += 1;
            self.speak(now);
        }
    }

    fn speak(&mut self, now: Instant) {
        for (track, frame) in &mut self.callers {
            let mut payload = Vec::new();
            Stamp { layer: 0, frame: *frame, packet: 0, of: 1 }.write(&mut payload);
            payload.resize(80, 0xAA);
            let rtp_timestamp = self.ticks.wrapping_mul(TICK_RTP_TICKS);
            let packet = VoicePacket { payload, rtp_timestamp, marker: false, audio_level: AUDIO_LEVEL };
            // What nobody gets is counted.
            let _ = self.tracks.handle_voice(now, *track, packet);
            *frame += 1;
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let tick = (!self.callers.is_empty()).then_some(self.next_tick);
        [tick, self.tracks.poll_timeout()].into_iter().flatten().min()
    }

    pub(crate) fn poll_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)> {
        self.tracks.poll_messages()
    }

    pub(crate) fn poll_event(&mut self) -> Option<ShardEvent> {
        self.tracks.poll_event()
    }
}
