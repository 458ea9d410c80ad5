// SPDX-License-Identifier: EUPL-1.2
//! Sender reports to a receiver (RFC 3550 §6.4.1). They carry the publisher's clock, not ours, so that its audio and its
//! video stay in step at the receiver; and they measure the round trip to the receiver.

use std::time::{Duration, Instant};

use crate::rtcp::reports::{ReportBlock, SenderReport, middle_of_ntp};
use crate::rtp::rtp_time::RtpTime;
use crate::session::MediaKind;

/// Between two reports on video, and between the first ones on sound: receivers need two of them before they bring audio
/// and video in step.
const INTERVAL: Duration = Duration::from_secs(1);

/// Between two reports on sound later on (RFC 3550 §6.2), as browsers do: there are as many for the little that sound is.
const SOUND_INTERVAL: Duration = Duration::from_secs(5);

/// Reports on sound that come as often as those on video.
const FIRST_REPORTS: u8 = 3;

/// Until another attempt when the publisher has not reported yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Reports that a receiver may refer to.
const REMEMBERED: usize = 4;

/// Round trips beyond are not measured but made up.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(10);

/// The reports of one outgoing stream.
#[derive(Debug)]
pub(crate) struct SenderReports {
    kind: MediaKind,
    /// How many of the [`FIRST_REPORTS`] are to come.
    first_left: u8,
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
    pub(crate) fn new(kind: MediaKind) -> Self {
        Self {
            kind,
            first_left: FIRST_REPORTS,
            packets: 0,
            octets: 0,
            due: None,
            not_before: None,
            recent: [None; REMEMBERED],
            round_trip: None,
            fraction_lost: 0,
        }
    }

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
        self.first_left = self.first_left.saturating_sub(1);
        let is_calm = self.kind == MediaKind::Audio && self.first_left == 0;
        self.not_before = Some(now + if is_calm { SOUND_INTERVAL } else { INTERVAL });
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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests choose the time that they count from")]
mod tests {
    use super::*;

    /// Seconds at which reports are sent on a stream that goes on all the time.
    fn reported_at(kind: MediaKind) -> Vec<u64> {
        let start = Instant::now();
        let mut reports = SenderReports::new(kind);
        let mut sent = Vec::new();
        for second in 0..15 {
            let now = start + Duration::from_secs(second);
            reports.handle_forwarded(now, 100);
            if reports.is_due(now) {
                reports.take(now, 1, second << 32, RtpTime(0));
                sent.push(second);
            }
        }
        sent
    }

    #[test]
    fn sound_is_reported_on_less_often_once_receivers_are_in_step() {
        assert_eq!(reported_at(MediaKind::Audio), [0, 1, 2, 7, 12]);
        assert_eq!(reported_at(MediaKind::Video), (0..15).collect::<Vec<_>>());
    }
}
