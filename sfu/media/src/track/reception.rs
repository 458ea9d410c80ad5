// SPDX-License-Identifier: EUPL-1.2
//! How well one stream of a publisher is received (RFC 3550 §6.4.1, appendices A.3 and A.8): the report block that
//! tells the publisher. Retransmissions are left out, so that repaired loss still counts as loss.

use std::time::{Duration, Instant};

use crate::rtcp::reports::{ReportBlock, middle_of_ntp};
use crate::rtp::rtp_time::RtpTime;

/// Statistics of one stream.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    /// `None` until the first packet.
    first: Option<First>,
    received: u64,
    /// Expected and received packets at the last report.
    expected_before: u64,
    received_before: u64,
    last_transit_rtp_ticks: u32,
    /// Sixteen times the jitter, as RFC 3550 A.8 keeps it.
    jitter_rtp_ticks_x16: u64,
    last_sender_report: Option<(u32, Instant)>,
    has_news: bool,
}

#[derive(Debug)]
struct First {
    highest_seq: u64,
    arrival: Instant,
}

impl Reception {
    /// Counts a packet of the stream itself. `highest_seq` is the extended number of the newest one.
    pub(crate) fn count(&mut self, now: Instant, timestamp: RtpTime, highest_seq: u64, clock_rate_hz: u32) {
        let is_first = self.first.is_none();
        let first = self.first.get_or_insert(First { highest_seq, arrival: now });
        self.received += 1;
        self.has_news = true;
        let arrival = RtpTime::ticks_in(now.saturating_duration_since(first.arrival), clock_rate_hz);
        let transit = arrival.wrapping_sub(timestamp.0);
        if !is_first {
            let difference = u64::from(transit.wrapping_sub(self.last_transit_rtp_ticks).cast_signed().unsigned_abs());
            self.jitter_rtp_ticks_x16 += difference;
            self.jitter_rtp_ticks_x16 -= (self.jitter_rtp_ticks_x16 - difference + 8) >> 4;
        }
        self.last_transit_rtp_ticks = transit;
    }

    /// Notes a sender report, which the next block refers to.
    pub(crate) const fn handle_sender_report(&mut self, now: Instant, ntp: u64) {
        self.last_sender_report = Some((middle_of_ntp(ntp), now));
    }

    /// The block for what came since the last one; `None` when nothing did.
    pub(crate) fn report(&mut self, now: Instant, ssrc: u32, highest_seq: u64) -> Option<ReportBlock> {
        let first = self.first.as_ref().filter(|_| self.has_news)?;
        let expected = highest_seq.saturating_sub(first.highest_seq) + 1;
        let expected_since = expected.saturating_sub(self.expected_before);
        let lost_since = expected_since.saturating_sub(self.received - self.received_before);
        let fraction_lost = (lost_since * 256).checked_div(expected_since).unwrap_or(0).min(255) as u8;
        let lost = expected.cast_signed() - self.received.cast_signed();
        (self.expected_before, self.received_before, self.has_news) = (expected, self.received, false);
        let (last_sender_report, delay) = match self.last_sender_report {
            Some((middle, received)) => (middle, delay_since(now.saturating_duration_since(received))),
            None => (0, 0),
        };
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest_seq: (highest_seq & 0xffff_ffff) as u32,
            jitter_rtp_ticks: u32::try_from(self.jitter_rtp_ticks_x16 >> 4).unwrap_or(u32::MAX),
            last_sender_report,
            delay_since_last_sender_report: delay,
        })
    }
}

/// In 1/65536 s.
fn delay_since(elapsed: Duration) -> u32 {
    u32::try_from(elapsed.as_nanos() * 65_536 / 1_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ms, start};

    const SSRC: u32 = 7;
    const FIRST: u64 = 65_000;

    /// Packets 20 ms apart at 48 kHz, each delayed as said.
    fn receive(reception: &mut Reception, start: Instant, packets: impl IntoIterator<Item = (u64, u64)>) -> u64 {
        let mut highest = FIRST;
        for (place, delay_ms) in packets {
            highest = highest.max(FIRST + place);
            reception.count(start + ms(place * 20 + delay_ms), RtpTime((place * 960) as u32), highest, 48_000);
        }
        highest
    }

    #[test]
    fn an_even_stream_has_neither_loss_nor_jitter() {
        let start = start();
        let mut reception = Reception::default();
        let highest = receive(&mut reception, start, (0..600).map(|place| (place, 30)));
        let block = reception.report(start, SSRC, highest).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost, block.jitter_rtp_ticks), (0, 0, 0));
        assert_eq!(block.highest_seq, 65_599, "cycles in the upper half");
        assert_eq!((block.last_sender_report, block.delay_since_last_sender_report), (0, 0));
    }

    #[test]
    fn loss_counts_since_the_last_report_and_since_the_start() {
        let start = start();
        let mut reception = Reception::default();
        let highest =
            receive(&mut reception, start, (0..100).filter(|place| place % 4 != 3 || *place == 99).map(|p| (p, 0)));
        let block = reception.report(start, SSRC, highest).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), ((24 * 256 / 100) as u8, 24));
        let highest = receive(&mut reception, start, (100..200).map(|place| (place, 0)));
        let block = reception.report(start, SSRC, highest).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 24));
        assert_eq!(reception.report(start, SSRC, highest), None, "no news");
    }

    #[test]
    fn repeats_can_make_the_loss_negative() {
        let start = start();
        let mut reception = Reception::default();
        let highest = receive(&mut reception, start, (0..100).flat_map(|place| [(place, 0), (place, 1)]));
        let block = reception.report(start, SSRC, highest).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, -100));
    }

    #[test]
    fn uneven_delay_shows_as_jitter() {
        let start = start();
        let mut reception = Reception::default();
        let highest = receive(&mut reception, start, (0..1_000).map(|place| (place, place % 2 * 10)));
        let block = reception.report(start, SSRC, highest).unwrap();
        assert!((470..=480).contains(&block.jitter_rtp_ticks), "10 ms are 480 ticks: {}", block.jitter_rtp_ticks);
    }

    #[test]
    fn the_block_says_how_long_ago_the_last_sender_report_came() {
        let start = start();
        let mut reception = Reception::default();
        let highest = receive(&mut reception, start, [(0, 0)]);
        reception.handle_sender_report(start, 0x0000_aaaa_bbbb_0000);
        let block = reception.report(start + ms(250), SSRC, highest).unwrap();
        assert_eq!(block.last_sender_report, 0xaaaa_bbbb);
        assert_eq!(block.delay(), ms(250));
    }
}
