// SPDX-License-Identifier: EUPL-1.2
//! Sender reports to a receiver (RFC 3550 §6.4.1). They carry the publisher's clock, not ours, so that its audio and its
//! video stay in step at the receiver; and they measure the round trip to the receiver.

use std::time::{Duration, Instant};

use crate::rtcp::reports::{ReportBlock, SenderReport, middle_of_ntp};
use crate::rtp::rtp_time::RtpTime;

/// Between two reports. Receivers need two of them before they bring audio and video in step.
const INTERVAL: Duration = Duration::from_secs(1);
/// Until another attempt when the publisher has not reported yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Reports that a receiver may refer to.
const REMEMBERED: usize = 4;

/// Round trips beyond are not measured but made up.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(10);

/// The reports of one outgoing stream.
#[derive(Debug, Default)]
pub(crate) struct SenderReports {
    /// Packets and payload octets since the start; both wrap as the report's fields do.
    packets: u32,
    octets: u32,
    /// `None` while nothing was sent since the last report.
    due: Option<Instant>,
    not_before: Option<Instant>,
    /// Middle of the NTP time and when it was sent, newest first.
    recent: [Option<(u32, Instant)>; REMEMBERED],
    round_trip: Option<Duration>,
    fraction_lost: u8,
}

impl SenderReports {
    /// Counts a packet that was forwarded.
    pub(crate) fn handle_forwarded(&mut self, now: Instant, payload_bytes: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload_bytes as u32);
        if self.due.is_none() {
            self.due = Some(self.not_before.map_or(now, |not_before| not_before.max(now)));
        }
    }

    pub(crate) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// There is nothing to report yet.
    pub(crate) fn postpone(&mut self, now: Instant) {
        self.due = None;
        self.not_before = Some(now + RETRY_INTERVAL);
    }

    /// The report that is due, with the publisher's clock and our media clock at this moment.
    pub(crate) fn take(&mut self, now: Instant, ssrc: u32, ntp: u64, rtp_timestamp: RtpTime) -> SenderReport {
        self.due = None;
        self.not_before = Some(now + INTERVAL);
        self.recent.rotate_right(1);
        self.recent[0] = Some((middle_of_ntp(ntp), now));
        SenderReport { ssrc, ntp, rtp_timestamp: rtp_timestamp.0, packets: self.packets, octets: self.octets }
    }

    /// Takes what the receiver says about the stream.
    pub(crate) fn handle_report_block(&mut self, now: Instant, block: &ReportBlock) {
        self.fraction_lost = block.fraction_lost;
        let named = self.recent.iter().flatten().find(|(middle, _)| *middle == block.last_sender_report);
        let Some((_, sent)) = named.filter(|(middle, _)| *middle != 0) else { return };
        let round_trip = now.saturating_duration_since(*sent).saturating_sub(block.delay());
        if round_trip <= MAX_ROUND_TRIP {
            self.round_trip = Some(round_trip);
        }
    }

    pub(crate) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    pub(crate) const fn fraction_lost(&self) -> u8 {
        self.fraction_lost
    }
}
