// SPDX-License-Identifier: EUPL-1.2
//! Answers to NACKs: as a retransmission stream of their own (RFC 4588) where the receiver speaks it, else as the same
//! packet again. Both within a budget, so that a receiver that asks for everything harms itself alone.

use std::time::{Duration, Instant};

use crate::rtp::seq_no::SeqNo;
use crate::session::{Downlink, MediaKind};

/// A packet is not sent again before the last time could have arrived.
const MIN_SPACING: Duration = Duration::from_millis(20);

/// Share of the forwarded bytes that may be sent again, in percent, and the most that may be saved up. Video over a
/// link that loses a tenth needs 11 %; audio is small, and its loss is heard at once.
const VIDEO_SHARE_PERCENT: i64 = 15;
const VIDEO_BURST_BYTES: i64 = 128 * 1_024;
const AUDIO_SHARE_PERCENT: i64 = 50;
const AUDIO_BURST_BYTES: i64 = 16 * 1_024;

/// Packets whose last retransmission is remembered, a power of two.
const REMEMBERED: usize = 256;

/// The stream that carries retransmissions.
#[derive(Debug)]
pub(crate) struct RtxStream {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    next: u64,
}

impl RtxStream {
    /// The number of the next packet.
    pub(crate) fn take_seq_no(&mut self) -> SeqNo {
        self.next += 1;
        SeqNo::of_index(self.next)
    }
}

/// What is sent again to one receiver.
#[derive(Debug)]
pub(crate) struct Retransmission {
    pub(crate) rtx: Option<RtxStream>,
    share_percent: i64,
    max_budget_bytes: i64,
    budget_bytes: i64,
    created: Instant,
    /// By number modulo [`REMEMBERED`]: number and milliseconds since `created`. Empty until the first NACK.
    sent: Vec<(SeqNo, u32)>,
}

impl Retransmission {
    pub(crate) fn new(now: Instant, downlink: &Downlink) -> Self {
        let (share_percent, max_budget_bytes) = match downlink.codec.codec.kind() {
            MediaKind::Audio => (AUDIO_SHARE_PERCENT, AUDIO_BURST_BYTES),
            MediaKind::Video => (VIDEO_SHARE_PERCENT, VIDEO_BURST_BYTES),
        };
        let mut retransmission = Self {
            rtx: None,
            share_percent,
            max_budget_bytes,
            budget_bytes: max_budget_bytes,
            created: now,
            sent: Vec::new(),
        };
        retransmission.handle_renegotiation(downlink);
        retransmission
    }

    /// The retransmission stream may have changed. Its numbers go on as long as its SSRC stays.
    pub(crate) fn handle_renegotiation(&mut self, downlink: &Downlink) {
        self.rtx = downlink.codec.rtx_payload_type.zip(downlink.rtx_ssrc).map(|(payload_type, ssrc)| {
            let next =
                self.rtx.as_ref().filter(|rtx| rtx.ssrc == ssrc).map_or_else(|| first_index(ssrc), |rtx| rtx.next);
            RtxStream { ssrc, payload_type, next }
        });
    }

    /// Earns the share of a forwarded packet.
    pub(crate) fn handle_forwarded(&mut self, bytes: usize) {
        let earned = self.budget_bytes + bytes as i64 * self.share_percent / 100;
        self.budget_bytes = earned.min(self.max_budget_bytes);
    }

    /// Whether a packet may be sent again now. Saying yes counts as sending it.
    pub(crate) fn permit(&mut self, now: Instant, seq_no: SeqNo, bytes: usize, round_trip: Option<Duration>) -> bool {
        if self.budget_bytes < bytes as i64 {
            return false;
        }
        if self.sent.is_empty() {
            self.sent = vec![(SeqNo(0), u32::MAX); REMEMBERED];
        }
        let at_ms = now.saturating_duration_since(self.created).as_millis() as u32;
        let spacing_ms = round_trip.unwrap_or(MIN_SPACING).max(MIN_SPACING).as_millis() as u32;
        let sent = &mut self.sent[usize::from(seq_no.0) % REMEMBERED];
        if sent.0 == seq_no && sent.1 != u32::MAX && at_ms.wrapping_sub(sent.1) < spacing_ms {
            return false;
        }
        *sent = (seq_no, at_ms);
        self.budget_bytes -= bytes as i64;
        true
    }
}

/// Where the indices of an outgoing stream start. SRTP counts the wraps of a stream from its first packet, so the first
/// wrap must be far away: the receiver may miss what comes before it (RFC 3711 §3.3.1).
pub(crate) const fn first_index(ssrc: u32) -> u64 {
    (ssrc & 0x3fff) as u64
}
