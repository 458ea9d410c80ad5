// SPDX-License-Identifier: EUPL-1.2
//! Packets of a telephone's sound wait here until it is their turn: in order, each once, and after a delay that is just long
//! enough for most of them to be there.
//!
//! The delay is counted from the fastest packet of late: that is how long playing stays behind what would be possible. It
//! aims at a target which `transit` derives from how packets were spread, within 20 and 200 ms. Whoever plays asks for
//! the next piece whenever there is less than a frame left, says how much that is, and follows [`JitterBuffer::pace`] by
//! playing a little faster or slower. Pauses are where the delay changes without being heard. The same control follows a
//! sender whose clock runs fast or slow.
//!
//! Sequence numbers and timestamps are those of RFC 3550; they may wrap, jump or begin anew.
//!
//! Beside this one there is that of what people in the room say (`mixing/jitter_buffer.rs`). A telephone is alone, may send what
//! it likes in packets of any length, and is played by pieces, faster or slower; of a room's many sources each has its place
//! in the tick of all, in whole frames of Opus, which are left out or made up. So neither could do what the other does.

use std::time::{Duration, Instant};

use self::transit::Transit;
use crate::audio::FRAME_TIME;

mod transit;

#[cfg(test)]
mod tests;

/// The shortest delay that is aimed at: one packet of the usual length is always in hand, so one that comes up to a tick late
/// is in time.
pub const SHORTEST_TARGET: Duration = Duration::from_millis(20);

/// The longest delay that is aimed at.
pub const LONGEST_TARGET: Duration = Duration::from_millis(200);

/// Packets that wait at most: 640 ms of the shortest ones (10 ms), three times the longest target.
const SLOTS: usize = 64;

/// The largest payload that is taken: what an Ethernet frame carries.
const MAX_PAYLOAD_BYTES: usize = 1500;

/// What a slot has room for from the beginning: 40 ms of G.711. It grows once when larger payloads come.
const USUAL_PAYLOAD_BYTES: usize = 320;

/// A sequence number further back than this does not belong to the stream any more (RFC 3550 appendix A.1, MAX_MISORDER).
const MAX_MISORDER: i64 = 100;

/// A sequence number further ahead than this does not belong to it either (RFC 3550 appendix A.1, MAX_DROPOUT).
const MAX_DROPOUT: i64 = 3000;

/// When nothing has come for so long, the sender pauses; until then the next packet may just be late.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// A hole longer than this is not concealed, it is a pause.
const LONGEST_HOLE: Duration = Duration::from_millis(200);

/// A hole shorter than this is not worth a patch: the shortest that Opus conceals.
const SMALLEST_HOLE_US: i64 = 2500;

/// This far over the target whole packets are left out: playing faster would take seconds.
const CATCH_UP_OVER: Duration = Duration::from_millis(250);

/// When timestamp and arrival part by more than this, the sender's timestamps have jumped.
const TIMESTAMP_JUMP_US: i64 = 2_000_000;

/// What is left out at once at most, while nothing is heard and while something is. The delay may be less than that over the
/// target.
const PIECE_IN_SILENCE_US: i64 = 10_000;
const PIECE_IN_SOUND_US: i64 = 15_000;

/// What the times at which frames are asked for may be inexact by.
const INEXACT_US: i64 = 1_000;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// It has sound.
    Sound,
    /// It describes the noise of a pause (RFC 3389).
    ComfortNoise,
    /// It has a sequence number of the stream and nothing to play, such as a telephone event (RFC 4733).
    Other,
}

/// A packet of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// RTP's sequence number.
    pub seq_no: u16,
    /// RTP's timestamp.
    pub rtp_timestamp: u32,
    /// How long its sound lasts, in the timestamp's units. Not looked at for other kinds than sound.
    pub rtp_ticks: u32,
    /// What it is for.
    pub kind: PacketKind,
    /// What it carries, without RTP's header.
    pub payload: &'a [u8],
}

/// What is to be played next.
#[derive(Debug, PartialEq, Eq)]
pub enum Pulled<'a> {
    /// A packet with sound.
    Sound(&'a [u8]),
    /// A packet is missing: as much sound is to be made up.
    Lost {
        /// How much is missing, in the timestamp's units.
        rtp_ticks: u32,
        /// The packet after it, if that is there: Opus may have a copy of the missing one in it.
        after: Option<&'a [u8]>,
    },
    /// Nothing is there, but sound is expected: 20 ms are to be made up, and the late packet will still be played.
    Late,
    /// The sender says nothing, and the noise of this is described so. What comes next is as with a gap.
    ComfortNoise(&'a [u8]),
    /// The sender says nothing for at least 20 ms.
    Gap,
}

/// Whether to play faster or slower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it is.
    Normal,
    /// Leave a little out.
    Faster,
    /// Stretch a little.
    Slower,
}

/// What has happened to the packets of a stream, and how it is doing. The counts only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterStatistics {
    /// Packets that came.
    pub received_packets: u64,
    /// Packets that came after their time.
    pub late_packets: u64,
    /// Packets that were not there at their time, whether they came later or not.
    pub lost_packets: u64,
    /// Packets that came more than once.
    pub duplicate_packets: u64,
    /// Packets that were thrown away because there were too many, or because they did not belong to the stream.
    pub discarded_packets: u64,
    /// How often 20 ms were made up because nothing was there.
    pub expanded_frames: u64,
    /// How often the sender began anew, with other sequence numbers.
    pub restarts: u64,
    /// How long playing stays behind the fastest packet, when it was last asked for.
    pub delay_ms: u32,
    /// What it aims at.
    pub target_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is being said. The next packet waits for the target, so the delay is chosen anew.
    Pause,
    /// Sound is played; `waited_us` of it was made up since the last packet.
    Playing { waited_us: i64 },
}

struct Slot {
    /// `None`: empty.
    seq_no: Option<i64>,
    ticks: i64,
    duration: u32,
    kind: PacketKind,
    payload: Vec<u8>,
}

/// See the [module](self).
pub struct JitterBuffer {
    clock_hz: i64,
    /// Indexed by the extended sequence number modulo their count.
    slots: Box<[Slot]>,
    /// What all times are counted from.
    origin: Option<Instant>,
    /// The highest extended sequence number and its timestamp.
    newest: Option<(i64, i64)>,
    /// Added to the extended timestamps; changes when these jump.
    jump_ticks: i64,
    /// What is to be played next: extended sequence number and timestamp.
    next_seq: i64,
    next_ticks: i64,
    /// How long the last packet lasted.
    usual_duration: u32,
    state: State,
    transit: Transit,
    /// The packets before `next_seq` that were not there, newest in the lowest bit.
    missed: u64,
    /// The sequence number after one that does not belong to the stream. If it comes, a new stream has begun.
    new_stream: Option<u16>,
    statistics: JitterStatistics,
}

impl JitterBuffer {
    /// For timestamps of this rate; 0 is taken as 1.
    pub fn new(rtp_clock_hz: u32) -> Self {
        let slot = || Slot {
            seq_no: None,
            ticks: 0,
            duration: 0,
            kind: PacketKind::Other,
            payload: Vec::with_capacity(USUAL_PAYLOAD_BYTES),
        };
        Self {
            clock_hz: i64::from(rtp_clock_hz.max(1)),
            slots: (0..SLOTS).map(|_| slot()).collect(),
            origin: None,
            newest: None,
            jump_ticks: 0,
            next_seq: 0,
            next_ticks: 0,
            usual_duration: 0,
            state: State::Pause,
            transit: Transit::new(),
            missed: 0,
            new_stream: None,
            statistics: JitterStatistics::default(),
        }
    }

    /// Forgets the stream, because another begins: another sender (SSRC), or another rate. The counts stay.
    pub fn restart(&mut self, rtp_clock_hz: u32) {
        self.clock_hz = i64::from(rtp_clock_hz.max(1));
        for slot in &mut self.slots {
            slot.seq_no = None;
        }
        self.newest = None;
        self.jump_ticks = 0;
        self.usual_duration = 0;
        self.state = State::Pause;
        self.transit.restart();
        self.missed = 0;
        self.new_stream = None;
    }

    /// A packet has come.
    pub fn handle_packet(&mut self, now: Instant, packet: &Packet<'_>) {
        self.statistics.received_packets += 1;
        if packet.payload.len() > MAX_PAYLOAD_BYTES {
            self.statistics.discarded_packets += 1;
            return;
        }
        let now_us = self.since_origin_us(now);
        let Some((seq, ticks)) = self.extend(packet) else {
            self.statistics.discarded_packets += 1;
            return;
        };
        let ticks = if packet.kind == PacketKind::Sound { self.observe(now_us, ticks) } else { ticks };
        self.remember_newest(seq, ticks);
        if seq < self.next_seq && !self.makes_room_before(seq) {
            let was_missed = self.next_seq - seq <= 64 && (self.missed >> (self.next_seq - seq - 1)) & 1 == 1;
            if was_missed {
                self.statistics.late_packets += 1;
                self.missed &= !(1 << (self.next_seq - seq - 1));
            } else {
                self.statistics.duplicate_packets += 1;
            }
            return;
        }
        self.make_room_for(seq);
        let slot = &mut self.slots[slot_of(seq)];
        if slot.seq_no == Some(seq) {
            self.statistics.duplicate_packets += 1;
            return;
        }
        slot.seq_no = Some(seq);
        slot.ticks = ticks;
        slot.kind = packet.kind;
        slot.duration = if packet.kind == PacketKind::Sound { packet.rtp_ticks } else { 0 };
        slot.payload.clear();
        slot.payload.extend_from_slice(packet.payload);
    }

    /// What to play next, when only `ahead` of what was pulled before is left. To be asked until there is a frame. Each pull
    /// uses up a packet or stands for at least 2.5 ms.
    pub fn pull(&mut self, now: Instant, ahead: Duration) -> Pulled<'_> {
        let now_us = self.since_origin_us(now) + micros(ahead);
        self.skip_others();
        if let State::Playing { .. } = self.state {
            self.catch_up(now_us);
        }
        match self.state {
            State::Pause => self.pull_after_pause(now_us),
            State::Playing { waited_us } => self.pull_while_playing(now_us, waited_us),
        }
    }

    /// Whether to change the speed now, with `ahead` of sound left to play that is silent or not.
    pub fn pace(&mut self, now: Instant, ahead: Duration, is_silent: bool) -> Pace {
        self.statistics.target_ms = u32::try_from(self.transit.target_us() / 1000).unwrap_or_default();
        // While something is waited for, what would be the delay is not known.
        if self.state != (State::Playing { waited_us: 0 }) {
            return Pace::Normal;
        }
        let now_us = self.since_origin_us(now) + micros(ahead);
        let delay_us = self.delay_us(now_us);
        self.statistics.delay_ms = u32::try_from(delay_us / 1000).unwrap_or_default();
        // What is in hand beyond this frame is not enough for the next, for which a packet has to be there however little of it
        // is needed: so late it may then be.
        let rest_us = (micros(ahead) - micros(FRAME_TIME)).max(0);
        let reserve_us = delay_us - rest_us;
        let needed_us = self.transit.target_us() - INEXACT_US;
        let piece_us = if is_silent { PIECE_IN_SILENCE_US } else { PIECE_IN_SOUND_US };
        // Where the rest is too short for the piece, the next packet is needed a frame earlier.
        let bears_it = rest_us >= piece_us || reserve_us - micros(FRAME_TIME) >= needed_us;
        // Playing faster what is not there yet would only end in a hole.
        let is_there = self.slots[slot_of(self.next_seq)].seq_no == Some(self.next_seq);
        if reserve_us < needed_us {
            Pace::Slower
        } else if delay_us - self.transit.target_us() >= piece_us && bears_it && is_there {
            Pace::Faster
        } else {
            Pace::Normal
        }
    }

    /// What has happened so far.
    pub fn statistics(&self) -> JitterStatistics {
        self.statistics
    }

    /// How late what is played next is, compared to the fastest packet of late.
    fn delay_us(&self, now_us: i64) -> i64 {
        now_us - self.ticks_to_us(self.next_ticks) - self.transit.base_us()
    }

    fn ticks_to_us(&self, ticks: i64) -> i64 {
        ticks.saturating_mul(1_000_000) / self.clock_hz
    }

    fn us_to_ticks(&self, us: i64) -> i64 {
        us.saturating_mul(self.clock_hz) / 1_000_000
    }

    fn since_origin_us(&mut self, now: Instant) -> i64 {
        let origin = *self.origin.get_or_insert(now);
        micros(now.saturating_duration_since(origin))
    }

    /// The packet's sequence number and timestamp without wrapping. `None`: it does not belong to the stream.
    fn extend(&mut self, packet: &Packet<'_>) -> Option<(i64, i64)> {
        let Some((newest_seq, newest_ticks)) = self.newest else {
            return Some(self.begin(packet));
        };
        let step = i64::from(packet.seq_no.wrapping_sub(newest_seq as u16) as i16);
        if !(-MAX_MISORDER..=MAX_DROPOUT).contains(&step) {
            // A single stray packet does not end the stream, two in a row are a new one.
            let is_second = self.new_stream == Some(packet.seq_no);
            self.new_stream = Some(packet.seq_no.wrapping_add(1));
            if !is_second {
                return None;
            }
            self.statistics.restarts += 1;
            self.restart(u32::try_from(self.clock_hz).unwrap_or(1));
            return Some(self.begin(packet));
        }
        self.new_stream = None;
        let raw_newest = newest_ticks - self.jump_ticks;
        let ticks = raw_newest + i64::from(packet.rtp_timestamp.wrapping_sub(raw_newest as u32) as i32);
        Some((newest_seq + step, ticks + self.jump_ticks))
    }

    /// The first packet of a stream.
    fn begin(&mut self, packet: &Packet<'_>) -> (i64, i64) {
        // Far enough from zero that what comes before it has a number, too.
        let seq = (1 << 32) | i64::from(packet.seq_no);
        let ticks = i64::from(packet.rtp_timestamp);
        self.newest = Some((seq, ticks));
        self.next_seq = seq;
        self.next_ticks = ticks;
        (seq, ticks)
    }

    /// Notes how long the packet took. When its timestamp has jumped, it continues with the time at which it came.
    fn observe(&mut self, now_us: i64, ticks: i64) -> i64 {
        let transit_us = now_us - self.ticks_to_us(ticks);
        match self.transit.relative_us(transit_us) {
            Some(relative) if relative.abs() > TIMESTAMP_JUMP_US => {
                let jump = self.us_to_ticks(relative);
                self.jump_ticks += jump;
                self.transit.observe(now_us, transit_us - relative);
                ticks + jump
            }
            _ => {
                self.transit.observe(now_us, transit_us);
                ticks
            }
        }
    }

    fn remember_newest(&mut self, seq: i64, ticks: i64) {
        match &mut self.newest {
            Some(newest) if seq > newest.0 => *newest = (seq, ticks),
            _ => {}
        }
    }

    /// While nothing has been played since the pause, packets that came before the first in order may still take its place.
    fn makes_room_before(&mut self, seq: i64) -> bool {
        let nothing_played = self.state == State::Pause && self.usual_duration == 0;
        let fits = nothing_played && self.newest.is_some_and(|(newest, _)| newest - seq < SLOTS as i64);
        if fits {
            self.next_seq = seq;
        }
        fits
    }

    /// Full: the oldest are thrown away and counted, because what is newest is what people talk about now.
    fn make_room_for(&mut self, seq: i64) {
        let first = seq - SLOTS as i64 + 1;
        if first <= self.next_seq {
            return;
        }
        let mut discarded = 0;
        for slot in &mut self.slots {
            if slot.seq_no.is_some_and(|kept| kept < first) {
                slot.seq_no = None;
                discarded += 1;
            }
        }
        self.statistics.discarded_packets += discarded;
        self.next_seq = first;
        self.missed = 0;
        // Its timestamp is that of the first that is left, which ends whatever was being waited for.
        self.state = State::Pause;
        self.usual_duration = self.usual_duration.max(1);
    }

    /// What is not to be played only uses up its number.
    fn skip_others(&mut self) {
        for _ in 0..SLOTS {
            let slot = &mut self.slots[slot_of(self.next_seq)];
            if slot.seq_no != Some(self.next_seq) || slot.kind != PacketKind::Other {
                return;
            }
            slot.seq_no = None;
            self.step_over(false);
        }
    }

    /// Leaves out packets that are far too late to be caught up with by playing faster.
    fn catch_up(&mut self, now_us: i64) {
        let over_us = self.transit.target_us() + micros(CATCH_UP_OVER);
        if self.delay_us(now_us) <= over_us {
            return;
        }
        for _ in 0..SLOTS {
            let next = slot_of(self.next_seq + 1);
            let both_here = self.slots[slot_of(self.next_seq)].seq_no == Some(self.next_seq)
                && self.slots[next].seq_no == Some(self.next_seq + 1);
            if !both_here || self.delay_us(now_us) <= self.transit.target_us() {
                return;
            }
            self.slots[slot_of(self.next_seq)].seq_no = None;
            self.next_ticks = self.slots[next].ticks;
            self.statistics.discarded_packets += 1;
            self.step_over(false);
        }
    }

    /// The first packet after a pause is played when its delay has reached the target, as nearly as it must.
    fn pull_after_pause(&mut self, now_us: i64) -> Pulled<'_> {
        let Some(first) = self.first_from(self.next_seq) else {
            return Pulled::Gap;
        };
        let slot = &self.slots[slot_of(first)];
        let wait_us = self.transit.target_us() - INEXACT_US;
        let due_us = self.ticks_to_us(slot.ticks) + self.transit.base_us() + wait_us;
        if slot.kind == PacketKind::Sound && now_us < due_us {
            return Pulled::Gap;
        }
        self.step_to(first);
        self.deliver()
    }

    fn pull_while_playing(&mut self, now_us: i64, waited_us: i64) -> Pulled<'_> {
        let Some(first) = self.first_from(self.next_seq) else {
            return self.wait(waited_us);
        };
        let hole = self.slots[slot_of(first)].ticks - self.next_ticks;
        let hole_us = self.ticks_to_us(hole);
        if first == self.next_seq {
            // A step in the timestamp alone: the sender was silent for so long.
            let is_pause = hole_us > waited_us + SMALLEST_HOLE_US;
            if !is_pause {
                return self.deliver();
            }
            self.state = State::Pause;
            return self.pull_after_pause(now_us);
        }
        if hole_us <= waited_us + SMALLEST_HOLE_US || self.usual_duration == 0 {
            self.step_to(first);
            return self.deliver();
        }
        if hole_us - waited_us > micros(LONGEST_HOLE) {
            self.state = State::Pause;
            return self.pull_after_pause(now_us);
        }
        // What was waited for has been made up already; what remains of the hole is, packet by packet.
        let missing = (hole - self.us_to_ticks(waited_us)).clamp(1, i64::from(self.usual_duration));
        self.state = State::Playing { waited_us: 0 };
        self.next_ticks += missing + self.us_to_ticks(waited_us);
        self.statistics.lost_packets += 1;
        self.step_over(true);
        let slot = &self.slots[slot_of(self.next_seq)];
        let is_next = slot.seq_no == Some(self.next_seq) && slot.kind == PacketKind::Sound;
        Pulled::Lost {
            rtp_ticks: u32::try_from(missing).unwrap_or_default(),
            after: is_next.then_some(slot.payload.as_slice()),
        }
    }

    /// Nothing is there.
    fn wait(&mut self, waited_us: i64) -> Pulled<'_> {
        let waited_us = waited_us + micros(FRAME_TIME);
        if waited_us > micros(LONGEST_WAIT) {
            self.state = State::Pause;
            return Pulled::Gap;
        }
        self.state = State::Playing { waited_us };
        self.statistics.expanded_frames += 1;
        Pulled::Late
    }

    /// Hands out the packet with the next number, which is there.
    fn deliver(&mut self) -> Pulled<'_> {
        let index = slot_of(self.next_seq);
        let slot = &mut self.slots[index];
        slot.seq_no = None;
        self.next_ticks = slot.ticks + i64::from(slot.duration);
        let kind = slot.kind;
        if kind == PacketKind::Sound {
            self.usual_duration = slot.duration;
            self.state = State::Playing { waited_us: 0 };
        } else {
            self.state = State::Pause;
        }
        self.step_over(false);
        let payload = self.slots[index].payload.as_slice();
        if kind == PacketKind::Sound { Pulled::Sound(payload) } else { Pulled::ComfortNoise(payload) }
    }

    /// The lowest number from here on that waits.
    fn first_from(&self, seq: i64) -> Option<i64> {
        (seq..seq + SLOTS as i64).find(|seq| self.slots[slot_of(*seq)].seq_no == Some(*seq))
    }

    /// The number of the packet to be played next, and what is before it is missing.
    fn step_to(&mut self, seq: i64) {
        while self.next_seq < seq {
            self.statistics.lost_packets += 1;
            self.step_over(true);
        }
    }

    fn step_over(&mut self, was_missed: bool) {
        self.next_seq += 1;
        self.missed = (self.missed << 1) | u64::from(was_missed);
    }
}

fn slot_of(seq: i64) -> usize {
    seq.rem_euclid(SLOTS as i64) as usize
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}
