// SPDX-License-Identifier: EUPL-1.2
//! One RTP stream as a client receives it: what came, in which order, what is missing, and whether a decoder could
//! have shown it.

use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use sfu_media::rtcp::reports::{ReportBlock, SenderReport, middle_of_ntp};
use sfu_media::rtp::packet::RtpView;
use sfu_media::rtp::seq_no::SeqNo;

use super::pictures::Pictures;
use crate::sdp::Kind;

/// Packets behind the newest that can still be told apart, a power of two.
const WINDOW: u64 = 512;

/// A packet that is missing is asked for in this rhythm.
const NACK_INTERVAL: Duration = Duration::from_millis(50);
/// How often, before the gap is given up.
const MAX_NACKS: u8 = 6;
/// A jump of more than this is a new start rather than a loss.
const MAX_GAP: u64 = 200;
/// How many gaps are kept account of at the same time.
const MAX_MISSING: usize = 64;
/// Keyframes are asked for again in this rhythm.
const KEYFRAME_REQUEST_INTERVAL: Duration = Duration::from_millis(500);

/// What was counted of a stream since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counters {
    /// Packets, each counted once.
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Packets that did not come, nor again when asked for.
    pub(crate) lost: u64,
    /// Packets that came again on request.
    pub(crate) repaired: u64,
    /// Packets that came after later ones, repaired ones apart.
    pub(crate) reordered: u64,
    /// Packets that came twice.
    pub(crate) duplicates: u64,
    /// Frames that a decoder could show.
    pub(crate) frames: u64,
    /// Keyframes among them.
    pub(crate) keyframes: u64,
    /// Frames that no decoder could show, because of what is missing before them.
    pub(crate) broken_frames: u64,
    /// Longest time between two frames that could be shown.
    #[serde(rename = "longest_freeze_ms", serialize_with = "milliseconds")]
    pub(crate) longest_freeze: Duration,
    /// Streams of pictures that did not begin with a keyframe.
    pub(crate) bad_starts: u64,
}

impl Counters {
    /// Adds what another stream counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.repaired += other.repaired;
        self.reordered += other.reordered;
        self.duplicates += other.duplicates;
        self.frames += other.frames;
        self.keyframes += other.keyframes;
        self.broken_frames += other.broken_frames;
        self.longest_freeze = self.longest_freeze.max(other.longest_freeze);
        self.bad_starts += other.bad_starts;
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1_000.0)
}

/// A stream that is received.
pub(crate) struct IncomingStream {
    pub(crate) kind: Kind,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: Option<u32>,
    /// Extended number of the newest packet; `None` before the first.
    highest: Option<u64>,
    first: u64,
    seen: Box<[bool]>,
    missing: Vec<Missing>,
    pictures: Pictures,
    next_keyframe_request: Option<Instant>,
    last_sender_report: Option<(u32, Instant)>,
    /// Of the whole life, for receiver reports.
    received: u64,
    reported: (u64, u64),
    pub(crate) counters: Counters,
}

struct Missing {
    index: u64,
    next_nack: Instant,
    nacks: u8,
}

impl IncomingStream {
    pub(crate) fn new(kind: Kind, ssrc: u32) -> Self {
        Self {
            kind,
            ssrc,
            rtx_ssrc: None,
            highest: None,
            first: 0,
            seen: vec![false; WINDOW as usize].into(),
            missing: Vec::new(),
            pictures: Pictures::default(),
            next_keyframe_request: None,
            last_sender_report: None,
            received: 0,
            reported: (0, 0),
            counters: Counters::default(),
        }
    }

    /// Takes in a packet. Returns whether it is seen for the first time.
    pub(crate) fn handle_packet(&mut self, now: Instant, packet: &RtpView<'_>) -> bool {
        self.place(now, packet, packet.seq_no, packet.payload, false)
    }

    /// Takes in a retransmission, whose payload starts with the number of the packet that it repeats (RFC 4588 §4).
    pub(crate) fn handle_retransmission(&mut self, now: Instant, packet: &RtpView<'_>) -> bool {
        // Without a payload it is padding, by which servers measure the path.
        let Some((original, payload)) = packet.payload.split_first_chunk() else { return false };
        self.place(now, packet, SeqNo(u16::from_be_bytes(*original)), payload, true)
    }

    fn place(&mut self, now: Instant, packet: &RtpView<'_>, seq_no: SeqNo, payload: &[u8], is_repair: bool) -> bool {
        let Some(highest) = self.highest else {
            if is_repair {
                return false;
            }
            let index = seq_no.first_index();
            (self.highest, self.first) = (Some(index), index);
            self.accept(now, index, packet, payload, is_repair);
            return true;
        };
        let index = seq_no.extend(highest);
        if index > highest {
            self.open_gap(now, highest, index);
            self.highest = Some(index);
        } else if highest - index >= WINDOW || self.seen[(index % WINDOW) as usize] {
            // What comes from before our first packet was meant for those who were there earlier.
            self.counters.duplicates += u64::from(!is_repair && index >= self.first);
            return false;
        } else {
            self.counters.reordered += u64::from(!is_repair);
            self.missing.retain(|missing| missing.index != index);
        }
        self.accept(now, index, packet, payload, is_repair);
        true
    }

    fn open_gap(&mut self, now: Instant, highest: u64, index: u64) {
        if index - highest > MAX_GAP {
            self.counters.lost += index - highest - 1;
            self.missing.clear();
            self.seen.fill(false);
            self.pictures.skip_to(index);
            return;
        }
        for skipped in highest + 1..index {
            self.seen[(skipped % WINDOW) as usize] = false;
            if self.missing.len() < MAX_MISSING {
                self.missing.push(Missing { index: skipped, next_nack: now, nacks: 0 });
            } else {
                self.counters.lost += 1;
                self.pictures.give_up(skipped);
            }
        }
    }

    fn accept(&mut self, now: Instant, index: u64, packet: &RtpView<'_>, payload: &[u8], is_repair: bool) {
        self.seen[(index % WINDOW) as usize] = true;
        self.received += 1;
        self.counters.packets += 1;
        self.counters.bytes += payload.len() as u64;
        self.counters.repaired += u64::from(is_repair);
        match self.kind {
            Kind::Audio => self.counters.frames += 1,
            Kind::Video => self.pictures.handle_packet(now, index, packet, payload, &mut self.counters),
        }
    }

    /// The server says how its clock runs.
    pub(crate) fn handle_sender_report(&mut self, now: Instant, report: &SenderReport) {
        self.last_sender_report = Some((middle_of_ntp(report.ntp), now));
    }

    /// Packets to ask for again now; gives up those that were asked for too often.
    pub(crate) fn due_nacks(&mut self, now: Instant) -> impl Iterator<Item = SeqNo> {
        let (counters, pictures, kind) = (&mut self.counters, &mut self.pictures, self.kind);
        self.missing.retain(|missing| {
            let is_lost = missing.next_nack <= now && (missing.nacks >= MAX_NACKS || kind == Kind::Audio);
            if is_lost {
                counters.lost += 1;
                pictures.give_up(missing.index);
            }
            !is_lost
        });
        self.missing.iter_mut().filter(move |missing| missing.next_nack <= now).map(move |missing| {
            missing.nacks += 1;
            missing.next_nack = now + NACK_INTERVAL;
            SeqNo::of_index(missing.index)
        })
    }

    /// Whether to ask for a keyframe now.
    pub(crate) fn takes_keyframe_request(&mut self, now: Instant) -> bool {
        if !self.pictures.wants_keyframe() || self.highest.is_none() {
            self.next_keyframe_request = None;
            return false;
        }
        // The first keyframe is on its way when a stream begins.
        let due = *self.next_keyframe_request.get_or_insert(now + KEYFRAME_REQUEST_INTERVAL);
        if due <= now {
            self.next_keyframe_request = Some(now + KEYFRAME_REQUEST_INTERVAL);
        }
        due <= now
    }

    /// What a receiver report says of the stream, when it has begun.
    pub(crate) fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        let highest = self.highest?;
        let expected = highest - self.first + 1;
        let (expected_before, received_before) = std::mem::replace(&mut self.reported, (expected, self.received));
        let (expected_now, received_now) = (expected - expected_before, self.received - received_before);
        let lost_now = expected_now.saturating_sub(received_now);
        let delay = self.last_sender_report.map(|(_, at)| now.saturating_duration_since(at));
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8,
            cumulative_lost: i32::try_from(expected.cast_signed() - self.received.cast_signed()).unwrap_or(i32::MAX),
            highest_seq: highest as u32,
            jitter_rtp_ticks: 0,
            last_sender_report: self.last_sender_report.map_or(0, |(ntp, _)| ntp),
            delay_since_last_sender_report: delay.map_or(0, |delay| (delay.as_micros() * 65_536 / 1_000_000) as u32),
        })
    }

    /// Whether anything has come.
    pub(crate) const fn has_arrived(&self) -> bool {
        self.highest.is_some()
    }

    /// Whether something has come that can be played.
    pub(crate) const fn has_begun(&self) -> bool {
        match self.kind {
            Kind::Audio => self.has_arrived(),
            Kind::Video => self.pictures.has_shown(),
        }
    }

    /// Forgets what was counted.
    pub(crate) fn reset(&mut self) {
        self.counters = Counters::default();
    }
}

#[cfg(test)]
mod tests;
