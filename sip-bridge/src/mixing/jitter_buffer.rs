// SPDX-License-Identifier: EUPL-1.2
//! Puts the Opus packets of one source in order and gives them out in time: as late as their jitter demands, and no later.
//!
//! It works by RTP time (RFC 3550 §5.1), so it knows a pause of the sender, whose time stamps go on while its sequence
//! numbers do not (RFC 7587 §4.1), from a loss. It does not decode: it says what to play next.
//!
//! It is another one than that of telephones (`media/jitter_buffer.rs`), which says why there are two.

mod delays;
#[cfg(test)]
mod tests;

use std::time::Instant;

use super::rtp_counters::{RtpTimes, SeqNos};
use crate::media::opus_packet::{self, MAX_PACKET_BYTES, RTP_TICKS_PER_FRAME};
use delays::Delays;

/// Packets kept at most: 320 ms of those that browsers send. When one more comes, the oldest is dropped.
const MAX_PACKETS: usize = 16;

/// What a packet's memory holds without growing: 20 ms at 160 kb/s.
const USUAL_PACKET_BYTES: usize = 400;

/// After so many frames in a row that were made up (100 ms), silence is the better guess.
const MAX_CONCEALED: u32 = 5;

/// What begins later after what was played last than this (120 ms) begins anew, with the delay that is right by then.
const NEW_TALK_SPURT_RTP_TICKS: i64 = 6 * RTP_TICKS_PER_FRAME as i64;

/// A sequence number this far from the newest is of another stream: a minute of loss at 20 ms.
const RESTART_SEQ_NOS: i64 = 3_000;

/// Who comes so late after a pause, in microseconds, is not waited for: no packet is delayed longer on purpose.
const REBASE_US: i64 = 120_000;

/// So much longer than needed may packets wait before one is left out, in microseconds: one frame and a half, because
/// ticks and packets do not meet at the same moment.
const SPLICE_EXCESS_US: i64 = 30_000;

/// So much less than needed may they wait before 20 ms are made up, so that the next ones wait longer, in microseconds: half
/// of what is told apart.
const STRETCH_LACK_US: i64 = 5_000;

/// Above this, several are left out at once: the thread stood still, or the network did.
const JUMP_EXCESS_US: i64 = 120_000;

/// Between two corrections of the delay there are so many frames, so that speech is not hurried or drawn out noticeably.
const CORRECTION_INTERVAL: u32 = 10;

/// What to play next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A packet, which is [`JitterBuffer::current`]. If `is_spliced`, what belongs before it was left out, and a hard cut
    /// would be heard.
    Packet { is_spliced: bool },
    /// 20 ms to make up. If `in_next`, the packet after it has come and may carry a copy: [`JitterBuffer::upcoming`].
    Lost { in_next: bool },
    /// Nothing; the source pauses.
    Pause,
}

#[derive(Debug)]
struct Packet {
    /// RTP time of its first sample, extended.
    time: i64,
    seq_no: i64,
    duration: i64,
    payload: Vec<u8>,
}

impl Packet {
    fn end(&self) -> i64 {
        self.time.saturating_add(self.duration)
    }
}

/// The packets of one source.
#[derive(Debug)]
pub(super) struct JitterBuffer {
    /// By RTP time.
    packets: Vec<Packet>,
    spare: Vec<Vec<u8>>,
    current: Vec<u8>,
    seq_nos: SeqNos,
    times: RtpTimes,
    delays: Delays,
    /// RTP time of the next sample to play, while something plays.
    next_time: Option<i64>,
    /// RTP time up to which it was played, also while nothing plays.
    played_until: i64,
    last_seq_no: i64,
    /// Frames made up since the last packet.
    concealed: u32,
    /// How much of that was while nothing was there, so that time stood still.
    held_rtp_ticks: i64,
    pauses: bool,
    since_correction: u32,
}

impl JitterBuffer {
    /// Waits for its first packet. The times of packets are counted from `now`.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            packets: Vec::with_capacity(MAX_PACKETS),
            spare: Vec::with_capacity(MAX_PACKETS),
            current: Vec::with_capacity(USUAL_PACKET_BYTES),
            seq_nos: SeqNos::default(),
            times: RtpTimes::default(),
            delays: Delays::new(now),
            next_time: None,
            played_until: i64::MIN,
            last_seq_no: 0,
            concealed: 0,
            held_rtp_ticks: 0,
            pauses: false,
            since_correction: 0,
        }
    }

    /// A packet has come. False if it is of no use: malformed, too late, or there already.
    pub(super) fn handle_packet(&mut self, now: Instant, seq_no: u16, timestamp: u32, payload: &[u8]) -> bool {
        let Some(duration) = opus_packet::duration_rtp_ticks(payload) else { return false };
        if payload.len() > MAX_PACKET_BYTES {
            return false;
        }
        let (mut seq_nos, mut times) = (self.seq_nos, self.times);
        let (mut seq, mut time) = (seq_nos.extend(seq_no), times.extend(timestamp));
        let is_other_stream = self.seq_nos.is_far(seq, RESTART_SEQ_NOS) || self.delays.is_far(now, time);
        if is_other_stream {
            self.restart(now);
            (seq_nos, times) = (SeqNos::default(), RtpTimes::default());
            (seq, time) = (seq_nos.extend(seq_no), times.extend(timestamp));
        }
        (self.seq_nos, self.times) = (seq_nos, times);
        if self.next_time.is_none() && self.packets.is_empty() && self.delays.of(now, time) > REBASE_US {
            // The sender's clock stood still while it paused, or the path has become longer.
            self.delays.restart(now);
        }
        self.delays.packet(now, time);
        let duration = i64::from(duration);
        if time.saturating_add(duration) <= self.played_until {
            return false;
        }
        let at = self.packets.partition_point(|packet| packet.time < time);
        if self.packets.iter().any(|packet| packet.seq_no == seq || packet.time == time) {
            return false;
        }
        let mut at = at;
        if self.packets.len() == MAX_PACKETS {
            // Full: the oldest goes, which may be the one that comes.
            if at == 0 {
                return false;
            }
            self.drop_first();
            at -= 1;
        }
        let mut copy = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(USUAL_PACKET_BYTES));
        copy.clear();
        copy.extend_from_slice(payload);
        self.packets.insert(at, Packet { time, seq_no: seq, duration, payload: copy });
        true
    }

    /// What to play next. Ask until 20 ms are full: packets are not all of 20 ms.
    pub(super) fn poll_next(&mut self, now: Instant) -> Next {
        let next_time = match self.next_time {
            Some(next_time) => next_time,
            None if self.is_due(now) => self.packets.first().map_or(0, |packet| packet.time),
            None => return Next::Pause,
        };
        let is_first = self.next_time.is_none();
        self.since_correction = self.since_correction.saturating_add(1);
        self.play_on_at(next_time);
        if !is_first && self.must_wait(now, next_time) {
            return self.hold();
        }
        let is_spliced = !is_first && self.leave_out(now, next_time);
        let next_time = self.next_time.unwrap_or(next_time);
        while self.packets.first().is_some_and(|packet| packet.end() <= next_time) {
            self.drop_first();
        }
        let Some(first) = self.packets.first() else { return self.nothing_there() };
        let gap = first.time.saturating_sub(next_time);
        let is_lost = first.seq_no != self.last_seq_no.saturating_add(1);
        if gap > NEW_TALK_SPURT_RTP_TICKS {
            self.next_time = None;
            return Next::Pause;
        }
        // Up to 2.5 ms, Opus's shortest frame, is no gap; and one that was bridged before it was known to be one is none.
        if gap < 120 || is_lost && gap <= self.held_rtp_ticks {
            return self.play_first(is_spliced);
        }
        self.play_on_at(next_time.saturating_add(gap.min(i64::from(RTP_TICKS_PER_FRAME))));
        if !is_lost {
            return Next::Pause;
        }
        self.concealed = self.concealed.saturating_add(1);
        Next::Lost { in_next: gap <= i64::from(RTP_TICKS_PER_FRAME) }
    }

    /// The packet that [`Self::poll_next`] gave out last.
    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }

    /// The packet that comes next, if it is there.
    pub(super) fn upcoming(&self) -> Option<&[u8]> {
        self.packets.first().map(|packet| packet.payload.as_slice())
    }

    /// Forgets what it has, for a stream that begins anew.
    fn restart(&mut self, now: Instant) {
        while !self.packets.is_empty() {
            self.drop_first();
        }
        self.next_time = None;
        self.played_until = i64::MIN;
        self.delays.restart(now);
        self.forget_gaps();
    }

    fn play_on_at(&mut self, time: i64) {
        self.next_time = Some(time);
        self.played_until = time;
    }

    fn forget_gaps(&mut self) {
        self.concealed = 0;
        self.held_rtp_ticks = 0;
    }

    /// Whether the first packet has waited long enough for those that may be later than it.
    fn is_due(&self, now: Instant) -> bool {
        self.packets.first().is_some_and(|first| self.delays.of(now, first.time) >= self.delays.target_us())
    }

    /// Whether packets have become later than what plays allows for, so that it has to play later.
    fn must_wait(&mut self, now: Instant, next_time: i64) -> bool {
        let lack = self.delays.target_us().saturating_sub(self.delays.of(now, next_time));
        if lack <= STRETCH_LACK_US || self.since_correction < CORRECTION_INTERVAL || self.packets.is_empty() {
            return false;
        }
        self.since_correction = 0;
        true
    }

    /// Leaves out what makes the delay larger than it need be. True if something was.
    fn leave_out(&mut self, now: Instant, next_time: i64) -> bool {
        let target = self.delays.target_us();
        let mut next_time = next_time;
        let mut excess = self.delays.of(now, next_time).saturating_sub(target);
        if excess <= SPLICE_EXCESS_US || self.since_correction < CORRECTION_INTERVAL && excess <= JUMP_EXCESS_US {
            return false;
        }
        let mut left_out = false;
        while self.packets.len() > 1 && (!left_out || excess > JUMP_EXCESS_US) {
            self.last_seq_no = self.packets.first().map_or(self.last_seq_no, |packet| packet.seq_no);
            self.drop_first();
            next_time = self.packets.first().map_or(next_time, |packet| packet.time);
            excess = self.delays.of(now, next_time).saturating_sub(target);
            left_out = true;
        }
        if left_out {
            self.play_on_at(next_time);
            self.since_correction = 0;
        }
        left_out
    }

    /// Nothing is there to play: it may be late, lost, or the sender has ended.
    fn nothing_there(&mut self) -> Next {
        if self.pauses || self.concealed >= MAX_CONCEALED {
            self.next_time = None;
            self.forget_gaps();
            return Next::Pause;
        }
        self.hold()
    }

    /// Makes up 20 ms while time stands still: what comes late is played after all, and all after it have more time.
    fn hold(&mut self) -> Next {
        self.concealed = self.concealed.saturating_add(1);
        self.held_rtp_ticks = self.held_rtp_ticks.saturating_add(i64::from(RTP_TICKS_PER_FRAME));
        Next::Lost { in_next: false }
    }

    fn play_first(&mut self, is_spliced: bool) -> Next {
        let mut packet = self.packets.remove(0);
        std::mem::swap(&mut self.current, &mut packet.payload);
        self.play_on_at(packet.end());
        self.last_seq_no = packet.seq_no;
        self.pauses = opus_packet::is_pause(&self.current);
        self.spare.push(packet.payload);
        self.forget_gaps();
        Next::Packet { is_spliced }
    }

    fn drop_first(&mut self) {
        if !self.packets.is_empty() {
            let packet = self.packets.remove(0);
            self.spare.push(packet.payload);
        }
    }
}
