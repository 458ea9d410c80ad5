// SPDX-License-Identifier: EUPL-1.2
//! Who sends, and how much of it arrives (RFC 3550 Appendix A.1, A.3 and A.8).

use std::time::{Duration, Instant};

use super::numbers::{RtpTime, SeqNo};

/// Gaps of this many packets and more are another stream (RFC 3550 §A.1).
const MAX_DROPOUT: i16 = 3_000;

/// Packets older than this after the newest are too late, and if two follow each other another stream.
const MAX_MISORDER: i16 = 127;

/// Differences of transit time above this come from a clock that was set anew, and say nothing of the network.
const MAX_TRANSIT_CHANGE: Duration = Duration::from_secs(2);

/// What a packet is for the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Part of the stream.
    Accepted {
        /// Which stream of the call: another number when the sender or its numbering changed.
        stream: u32,
        /// Its sequence number without the wrap.
        index: u64,
    },
    /// The first of another sender, which two in a row confirm.
    Probation,
    /// Here already.
    Duplicate,
    /// Too old, or far ahead; two such in a row begin another stream.
    OutOfRange,
}

/// What a report says about the stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) ssrc: u32,
    /// In 1/256, since the report before.
    pub(super) fraction_lost: u8,
    /// Negative when duplicates outweigh.
    pub(super) cumulative_lost: i32,
    pub(super) highest_seq_no: u32,
    pub(super) jitter_rtp_ticks: u32,
}

/// The stream that a call receives.
pub(super) struct Reception {
    epoch: Instant,
    clock_rate_hz: u32,
    source: Option<Source>,
    /// SSRC of another sender, and its next sequence number.
    candidate: Option<(u32, SeqNo)>,
    streams: u32,
    /// Of streams that have ended.
    ended_lost: u64,
}

struct Source {
    ssrc: u32,
    base: u64,
    highest: u64,
    /// Bit `n` is the packet `n` before the highest.
    seen: u128,
    received: u64,
    /// What would be next if a jump was meant.
    after_jump: Option<SeqNo>,
    /// As the sixteenth of a tick.
    jitter_q4: u32,
    transit: Option<u32>,
    expected_before: u64,
    received_before: u64,
}

impl Source {
    fn new(ssrc: u32, seq_no: SeqNo) -> Self {
        // The period before the first exists, for packets that the first one overtook.
        let first = 0x1_0000 + u64::from(seq_no.0);
        Self {
            ssrc,
            base: first,
            highest: first,
            seen: 1,
            received: 1,
            after_jump: None,
            jitter_q4: 0,
            transit: None,
            expected_before: 0,
            received_before: 0,
        }
    }

    const fn expected(&self) -> u64 {
        self.highest - self.base + 1
    }

    const fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }
}

impl Reception {
    pub(super) const fn new(now: Instant, clock_rate_hz: u32) -> Self {
        Self { epoch: now, clock_rate_hz, source: None, candidate: None, streams: 0, ended_lost: 0 }
    }

    /// Timestamps have another clock from now on.
    pub(super) fn set_clock(&mut self, clock_rate_hz: u32) {
        if self.clock_rate_hz != clock_rate_hz {
            self.clock_rate_hz = clock_rate_hz;
            if let Some(source) = &mut self.source {
                (source.jitter_q4, source.transit) = (0, None);
            }
        }
    }

    /// The next packet of this sender is believed: it has sent a row of them already.
    pub(super) const fn expect(&mut self, ssrc: u32, seq_no: SeqNo) {
        self.candidate = Some((ssrc, seq_no));
    }

    /// Takes a packet.
    pub(super) fn handle(&mut self, ssrc: u32, seq_no: SeqNo) -> Verdict {
        match &mut self.source {
            Some(source) if source.ssrc == ssrc => {
                let step = seq_no.packets_since(SeqNo((source.highest & 0xffff) as u16));
                let verdict = if (1..MAX_DROPOUT).contains(&step) {
                    let step = u64::from(step.unsigned_abs());
                    source.highest += step;
                    source.seen = if step < 128 { source.seen << step | 1 } else { 1 };
                    Verdict::Accepted { stream: self.streams, index: source.highest }
                } else if (-MAX_MISORDER..=0).contains(&step) {
                    let age = step.unsigned_abs();
                    let index = source.highest.saturating_sub(u64::from(age));
                    if source.seen & (1 << age) != 0 {
                        return Verdict::Duplicate;
                    }
                    source.seen |= 1 << age;
                    source.base = source.base.min(index);
                    Verdict::Accepted { stream: self.streams, index }
                } else if source.after_jump == Some(seq_no) {
                    return self.begin(ssrc, seq_no);
                } else {
                    source.after_jump = Some(seq_no.next());
                    return Verdict::OutOfRange;
                };
                source.after_jump = None;
                source.received += 1;
                // Two senders in turns are not a change of sender.
                self.candidate = None;
                verdict
            }
            _ if self.candidate == Some((ssrc, seq_no)) => self.begin(ssrc, seq_no),
            _ => {
                self.candidate = Some((ssrc, seq_no.next()));
                Verdict::Probation
            }
        }
    }

    fn begin(&mut self, ssrc: u32, seq_no: SeqNo) -> Verdict {
        if let Some(ended) = self.source.replace(Source::new(ssrc, seq_no)) {
            self.ended_lost += ended.lost();
        }
        self.candidate = None;
        self.streams = self.streams.wrapping_add(1);
        Verdict::Accepted { stream: self.streams, index: 0x1_0000 + u64::from(seq_no.0) }
    }

    /// Notes when a packet of sound arrived (RFC 3550 §A.8). Events repeat their timestamps and would disturb it.
    pub(super) fn note_arrival(&mut self, now: Instant, rtp_timestamp: RtpTime) {
        let Some(source) = &mut self.source else { return };
        let arrival = RtpTime::ticks_in(now.saturating_duration_since(self.epoch), self.clock_rate_hz);
        let transit = arrival.wrapping_sub(rtp_timestamp.0);
        let Some(before) = source.transit.replace(transit) else { return };
        let change = transit.wrapping_sub(before).cast_signed().unsigned_abs();
        if change <= RtpTime::ticks_in(MAX_TRANSIT_CHANGE, self.clock_rate_hz) {
            source.jitter_q4 = source.jitter_q4 + change - ((source.jitter_q4 + 8) >> 4);
        }
    }

    /// Who sends.
    pub(super) fn ssrc(&self) -> Option<u32> {
        self.source.as_ref().map(|source| source.ssrc)
    }

    /// What to tell the sender; begins the next interval.
    pub(super) fn report(&mut self) -> Option<Report> {
        let source = self.source.as_mut()?;
        let expected = source.expected() - source.expected_before;
        let received = source.received - source.received_before;
        (source.expected_before, source.received_before) = (source.expected(), source.received);
        let lost = expected.saturating_sub(received);
        let fraction = (lost << 8).checked_div(expected).unwrap_or(0);
        let cumulative = source.expected().cast_signed() - source.received.cast_signed();
        Some(Report {
            ssrc: source.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            // 24 bits with a sign.
            cumulative_lost: cumulative.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_seq_no: ((source.highest - 0x1_0000) & 0xffff_ffff) as u32,
            jitter_rtp_ticks: source.jitter_q4 >> 4,
        })
    }

    /// Packets of the whole call that never came.
    pub(super) fn lost(&self) -> u64 {
        self.ended_lost + self.source.as_ref().map_or(0, Source::lost)
    }

    pub(super) fn jitter(&self) -> Duration {
        let ticks = self.source.as_ref().map_or(0, |source| source.jitter_q4 >> 4);
        Duration::from_micros(u64::from(ticks) * 1_000_000 / u64::from(self.clock_rate_hz.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reception() -> Reception {
        let mut reception = Reception::new(Instant::now(), 8_000);
        reception.expect(1, SeqNo(65_530));
        assert_eq!(reception.handle(1, SeqNo(65_530)), Verdict::Accepted { stream: 1, index: 0x1_fffa });
        reception
    }

    #[test]
    fn a_new_sender_needs_two_packets_in_a_row() {
        let mut reception = reception();
        assert_eq!(reception.handle(2, SeqNo(5)), Verdict::Probation);
        assert_eq!(reception.handle(2, SeqNo(7)), Verdict::Probation);
        assert_eq!(reception.handle(2, SeqNo(8)), Verdict::Accepted { stream: 2, index: 0x1_0008 });
        assert_eq!(reception.ssrc(), Some(2));
    }

    #[test]
    fn two_senders_in_turns_are_no_change() {
        let mut reception = reception();
        for step in 0..20 {
            assert_eq!(reception.handle(2, SeqNo(step)), Verdict::Probation);
            let seq_no = SeqNo(65_531_u16.wrapping_add(step));
            assert!(matches!(reception.handle(1, seq_no), Verdict::Accepted { stream: 1, .. }));
        }
    }

    #[test]
    fn order_and_duplicates_are_seen_over_the_wrap() {
        let mut reception = reception();
        assert_eq!(reception.handle(1, SeqNo(2)), Verdict::Accepted { stream: 1, index: 0x2_0002 });
        assert_eq!(reception.handle(1, SeqNo(65_535)), Verdict::Accepted { stream: 1, index: 0x1_ffff });
        assert_eq!(reception.handle(1, SeqNo(65_535)), Verdict::Duplicate);
        assert_eq!(reception.handle(1, SeqNo(65_529)), Verdict::Accepted { stream: 1, index: 0x1_fff9 });
        // 65529 to 2 are ten, of which four came.
        assert_eq!(reception.lost(), 6);
        let report = reception.report().unwrap();
        assert_eq!((report.cumulative_lost, report.fraction_lost, report.highest_seq_no), (6, 153, 0x1_0002));
        assert_eq!(reception.handle(1, SeqNo(3)), Verdict::Accepted { stream: 1, index: 0x2_0003 });
        assert_eq!(reception.report().unwrap().fraction_lost, 0, "of the interval only");
    }

    #[test]
    fn a_jump_is_believed_when_the_next_packet_follows_it() {
        let mut reception = reception();
        assert_eq!(reception.handle(1, SeqNo(20_000)), Verdict::OutOfRange);
        assert_eq!(reception.handle(1, SeqNo(65_531)), Verdict::Accepted { stream: 1, index: 0x1_fffb });
        assert_eq!(reception.handle(1, SeqNo(20_001)), Verdict::OutOfRange, "the stream went on in between");
        assert_eq!(reception.handle(1, SeqNo(20_002)), Verdict::Accepted { stream: 2, index: 0x1_4e22 });
    }

    #[test]
    fn jitter_is_what_the_standard_computes() {
        let start = Instant::now();
        let mut reception = Reception::new(start, 8_000);
        reception.expect(1, SeqNo(0));
        let mut expected = 0_f64;
        let mut before: Option<i64> = None;
        for packet in 0..500_u16 {
            reception.handle(1, SeqNo(packet));
            let delay_ms = [0, 10, 3, 25, 7][usize::from(packet % 5)];
            let at = Duration::from_millis(u64::from(packet) * 20 + delay_ms);
            reception.note_arrival(start + at, RtpTime(u32::from(packet) * 160));
            let transit = delay_ms.cast_signed() * 8;
            if let Some(before) = before.replace(transit) {
                expected += ((transit - before).abs() as f64 - expected) / 16.0;
            }
        }
        let jitter = f64::from(reception.report().unwrap().jitter_rtp_ticks);
        assert!((jitter - expected).abs() < 2.0, "{jitter} {expected}");
        assert!((reception.jitter().as_secs_f64() * 8_000.0 - expected).abs() < 2.0);
    }

    #[test]
    fn a_clock_that_is_set_anew_is_no_jitter() {
        let start = Instant::now();
        let mut reception = Reception::new(start, 8_000);
        reception.expect(1, SeqNo(0));
        reception.handle(1, SeqNo(0));
        reception.note_arrival(start, RtpTime(0));
        reception.note_arrival(start, RtpTime(u32::MAX / 2));
        assert_eq!(reception.jitter(), Duration::ZERO);
    }
}
