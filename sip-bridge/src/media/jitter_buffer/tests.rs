// SPDX-License-Identifier: EUPL-1.2
//! The jitter buffer on a virtual clock, with a player that follows its pace.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const CLOCK_HZ: u32 = 8000;

/// Sends and plays: packets that are under way, and what is left to play.
struct Call {
    start: Instant,
    buffer: JitterBuffer,
    /// By arrival in µs since the start, and then by number: sequence number, timestamp, ticks.
    under_way: BTreeMap<(u64, u64), (u16, u32, u32)>,
    ahead_us: i64,
    played: Vec<u16>,
    gaps: u32,
    lost: u32,
    late: u32,
    longest_delay_us: u64,
    /// What is played is silent, so that any piece of it may be left out.
    is_silent: bool,
}

impl Call {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            buffer: JitterBuffer::new(CLOCK_HZ),
            under_way: BTreeMap::new(),
            ahead_us: 0,
            played: Vec::new(),
            gaps: 0,
            lost: 0,
            late: 0,
            longest_delay_us: 0,
            is_silent: false,
        }
    }

    fn send(&mut self, arrives_us: u64, seq_no: u16, rtp_timestamp: u32, ticks: u32) {
        let number = self.under_way.len() as u64;
        self.under_way.insert((arrives_us, number), (seq_no, rtp_timestamp, ticks));
    }

    /// Plays until this time.
    fn play(&mut self, from_us: u64, until_us: u64) {
        let mut at = from_us;
        while at < until_us {
            self.arrive(at);
            self.frame(at);
            at += 20_000;
        }
    }

    fn arrive(&mut self, at_us: u64) {
        while let Some(entry) = self.under_way.first_entry() {
            let arrives_us = entry.key().0;
            if arrives_us > at_us {
                return;
            }
            let (seq_no, rtp_timestamp, rtp_ticks) = entry.remove();
            // The packet says which one it is.
            let payload = seq_no.to_be_bytes();
            let packet = Packet { seq_no, rtp_timestamp, rtp_ticks, kind: PacketKind::Sound, payload: &payload };
            self.buffer.handle_packet(self.start + Duration::from_micros(arrives_us), &packet);
        }
    }

    fn frame(&mut self, at_us: u64) {
        let now = self.start + Duration::from_micros(at_us);
        for _ in 0..20 {
            if self.ahead_us >= 20_000 {
                break;
            }
            self.fetch(now);
        }
        let ahead = Duration::from_micros(self.ahead_us as u64);
        // As much as is left out or said twice: 10 ms in silence, and about a pitch period otherwise.
        let piece_us = if self.is_silent { 10_000 } else { 8_000 };
        match self.buffer.pace(now, ahead, self.is_silent) {
            Pace::Normal => {}
            Pace::Faster => {
                self.fetch(now);
                self.ahead_us -= piece_us;
            }
            Pace::Slower => self.ahead_us += piece_us,
        }
        self.longest_delay_us = self.longest_delay_us.max(u64::from(self.buffer.statistics().delay_ms) * 1000);
        self.ahead_us -= 20_000;
    }

    fn fetch(&mut self, now: Instant) {
        let ahead = Duration::from_micros(self.ahead_us.max(0) as u64);
        self.ahead_us += match self.buffer.pull(now, ahead) {
            Pulled::Sound(payload) => {
                self.played.push(u16::from_be_bytes(payload.try_into().unwrap()));
                20_000
            }
            Pulled::Lost { rtp_ticks, .. } => {
                self.lost += 1;
                i64::from(rtp_ticks) * 125
            }
            Pulled::Late => {
                self.late += 1;
                20_000
            }
            Pulled::Gap => {
                self.gaps += 1;
                20_000
            }
            Pulled::ComfortNoise(_) => 0,
        };
    }

    /// What was played is in order and without repetition.
    fn is_in_order(&self) -> bool {
        self.played.windows(2).all(|pair| (1..1000).contains(&pair[1].wrapping_sub(pair[0])))
    }
}

/// 20 ms packets whose numbers and timestamps wrap soon.
fn steady(call: &mut Call, packets: u64, mut delay_us: impl FnMut(u64) -> Option<u64>) {
    for n in 0..packets {
        if let Some(delay) = delay_us(n) {
            let timestamp = (u32::MAX - 4000).wrapping_add(160 * n as u32);
            call.send(n * 20_000 + delay, 65_000u16.wrapping_add(n as u16), timestamp, 160);
        }
    }
}

#[test]
fn a_steady_stream_is_played_whole_with_little_delay() {
    let mut call = Call::new();
    steady(&mut call, 2000, |_| Some(5000));
    call.play(0, 40_000_000);
    assert!(call.is_in_order());
    assert_eq!((call.lost, call.late), (0, 0));
    assert!(call.played.len() >= 1995, "{}", call.played.len());
    let statistics = call.buffer.statistics();
    assert_eq!(statistics.target_ms, 20);
    // Packets come between ticks: one of them is in hand, and up to a frame waits in part.
    assert!(call.longest_delay_us <= 60_000 && statistics.delay_ms <= 50, "{statistics:?}");
}

#[test]
fn a_wired_telephone_ends_at_one_packet() {
    // Packets are read in ticks, so all that a steady line shows is the same way for each of them.
    let mut call = Call::new();
    call.is_silent = true;
    steady(&mut call, 400, |_| Some(0));
    call.play(0, 8_000_000);
    let statistics = call.buffer.statistics();
    assert_eq!((statistics.target_ms, statistics.delay_ms), (20, 20));
    assert_eq!((call.lost, call.late), (0, 0));
}

#[test]
fn a_telephone_between_two_ticks_is_played_without_holes() {
    // Every third packet is read a tick later than the others.
    let mut call = Call::new();
    call.is_silent = true;
    steady(&mut call, 3_000, |n| Some(if n % 3 == 0 { 20_000 } else { 0 }));
    call.play(0, 59_900_000);
    let statistics = call.buffer.statistics();
    assert!((20..=30).contains(&statistics.delay_ms), "{statistics:?}");
    assert_eq!((call.lost, call.late), (0, 0));
}

#[test]
fn who_is_late_all_at_once_is_waited_for_at_once() {
    let mut call = Call::new();
    call.is_silent = true;
    steady(&mut call, 1_000, |n| Some(if n >= 500 && n % 2 == 0 { 60_000 } else { 0 }));
    call.play(0, 10_000_000);
    assert_eq!(call.buffer.statistics().target_ms, 20);
    call.play(10_000_000, 10_500_000);
    assert!(call.buffer.statistics().target_ms >= 60, "{:?}", call.buffer.statistics());
    let before = (call.lost, call.late);
    assert!(before.0 + before.1 <= 8, "{before:?}");
    call.play(10_500_000, 19_900_000);
    assert_eq!((call.lost, call.late), before, "and not a second time");
}

#[test]
fn packets_of_every_length_are_played() {
    for ms in [10, 20, 30, 40, 60u64] {
        let mut buffer = JitterBuffer::new(CLOCK_HZ);
        let start = Instant::now();
        let (mut sent, mut ahead, mut sound, mut lost) = (0, 0, 0, 0);
        for at in (0..6000).step_by(20) {
            let now = start + Duration::from_millis(at);
            while sent * ms <= at {
                let ticks = 8 * ms as u32;
                let (seq_no, rtp_timestamp) = (sent as u16, sent as u32 * ticks);
                let kind = PacketKind::Sound;
                buffer.handle_packet(now, &Packet { seq_no, rtp_timestamp, rtp_ticks: ticks, kind, payload: &[1] });
                sent += 1;
            }
            while ahead < 20 {
                ahead += match buffer.pull(now, Duration::from_millis(ahead)) {
                    Pulled::Sound(_) => {
                        sound += ms;
                        ms
                    }
                    Pulled::Gap => 20,
                    _ => {
                        lost += 1;
                        20
                    }
                };
            }
            ahead -= 20;
        }
        assert!(sound > 5800 && lost <= 3, "{ms} ms: {sound} ms played, {lost} pieces made up");
    }
}

#[test]
fn order_is_restored_and_copies_are_dropped() {
    let mut call = Call::new();
    steady(&mut call, 500, |n| Some(if n % 5 == 3 { 25_000 } else { 0 }));
    steady(&mut call, 500, |n| (n % 7 == 2).then_some(1000));
    call.play(0, 10_100_000);
    assert!(call.is_in_order());
    assert_eq!(call.lost, 0);
    let statistics = call.buffer.statistics();
    assert_eq!(statistics.duplicate_packets, 500 / 7 + 1);
    assert!(call.played.len() >= 495);
}

#[test]
fn a_lost_packet_is_told_once_and_the_next_is_shown() {
    let mut buffer = JitterBuffer::new(CLOCK_HZ);
    let start = Instant::now();
    for n in (0..10u16).filter(|n| *n != 4) {
        let payload = [n as u8];
        let kind = PacketKind::Sound;
        let packet = Packet { seq_no: n, rtp_timestamp: 160 * u32::from(n), rtp_ticks: 160, kind, payload: &payload };
        buffer.handle_packet(start + Duration::from_millis(20) * u32::from(n), &packet);
    }
    let now = start + Duration::from_millis(200);
    for n in 0..4u8 {
        assert_eq!(buffer.pull(now, Duration::ZERO), Pulled::Sound(&[n]));
    }
    assert_eq!(buffer.pull(now, Duration::ZERO), Pulled::Lost { rtp_ticks: 160, after: Some(&[5]) });
    assert_eq!(buffer.pull(now, Duration::ZERO), Pulled::Sound(&[5]));
    // Now it comes after all.
    let late = Packet { seq_no: 4, rtp_timestamp: 640, rtp_ticks: 160, kind: PacketKind::Sound, payload: &[4] };
    buffer.handle_packet(now, &late);
    buffer.handle_packet(now, &late);
    assert_eq!(buffer.pull(now, Duration::ZERO), Pulled::Sound(&[6]));
    let statistics = buffer.statistics();
    assert_eq!((statistics.lost_packets, statistics.late_packets, statistics.duplicate_packets), (1, 1, 1));
}

#[test]
fn the_delay_grows_with_jitter_and_shrinks_slowly_after_it() {
    let mut rng = StdRng::seed_from_u64(11);
    let mut call = Call::new();
    steady(&mut call, 5000, |n| Some(if (1000..2000).contains(&n) { rng.random_range(0..120_000) } else { 0 }));
    call.play(0, 20_000_000);
    assert_eq!(call.buffer.statistics().target_ms, 20);
    call.play(20_000_000, 23_000_000);
    let grown = call.buffer.statistics();
    assert!((110..=150).contains(&grown.target_ms), "{grown:?}");
    let (lost, late) = (call.lost, call.late);
    call.play(23_000_000, 40_000_000);
    assert!(call.lost - lost + call.late - late < 25, "{} lost, {} late of 850", call.lost - lost, call.late - late);
    call.play(40_000_000, 43_000_000);
    assert!(call.buffer.statistics().target_ms > 80, "not at once");
    call.play(43_000_000, 90_000_000);
    let shrunk = call.buffer.statistics();
    assert!(shrunk.target_ms <= 25 && shrunk.delay_ms <= 45, "{shrunk:?}");
    assert!(call.is_in_order());
}

#[test]
fn a_clock_that_drifts_is_followed_for_an_hour() {
    for ppm in [-200i64, 200] {
        let mut call = Call::new();
        let packets = 180_000u64;
        for n in 0..packets {
            let sent_us = n * 20_000;
            let arrives_us = sent_us as i64 + sent_us as i64 * ppm / 1_000_000 + (n * 7919 % 10_000) as i64;
            call.send(arrives_us as u64, n as u16, (n as u32).wrapping_mul(160), 160);
        }
        // Until the last has come.
        call.play(0, 3_599_200_000);
        let longest = call.longest_delay_us;
        assert!(call.is_in_order());
        assert!(call.played.len() > 179_900, "{ppm} ppm: {}", call.played.len());
        assert!(call.lost == 0 && call.late < 10, "{ppm} ppm: {} lost, {} late", call.lost, call.late);
        assert!(longest < 120_000, "{ppm} ppm: {longest} µs");
    }
}

#[test]
fn pauses_are_silent_and_end_at_the_target() {
    let mut call = Call::new();
    // Every second second the sender sends nothing; its timestamps go on, its numbers wait.
    for (seq_no, n) in (0..1000u64).filter(|n| n / 50 % 2 == 0).enumerate() {
        call.send(n * 20_000, seq_no as u16, n as u32 * 160, 160);
    }
    call.play(0, 20_000_000);
    assert_eq!(call.lost, 0);
    assert_eq!(call.played.len(), 500, "nothing is cut off");
    assert!(call.gaps > 300, "{}", call.gaps);
    assert!(call.longest_delay_us <= 100_000);
}

#[test]
fn a_stream_that_begins_anew_is_followed() {
    let mut call = Call::new();
    for n in 0..500u64 {
        call.send(n * 20_000, n as u16, n as u32 * 160, 160);
    }
    for n in 500..1000u64 {
        call.send(n * 20_000, (n as u16).wrapping_add(40_000), (n as u32 * 160).wrapping_add(3_000_000_000), 160);
    }
    call.play(0, 20_000_000);
    assert_eq!(call.buffer.statistics().restarts, 1);
    assert!(call.played.len() >= 990, "{}", call.played.len());
    assert!(call.longest_delay_us <= 100_000);
}

#[test]
fn timestamps_may_jump_while_numbers_go_on() {
    for jump in [500_000_000u32, 4_000_000_000, 40_000] {
        let mut call = Call::new();
        for n in 0..1000u64 {
            let jumped = if n >= 500 { jump } else { 0 };
            call.send(n * 20_000, n as u16, (n as u32 * 160).wrapping_add(jumped), 160);
        }
        call.play(0, 20_000_000);
        assert!(call.is_in_order());
        assert!(call.played.len() >= 985, "{jump}: {}", call.played.len());
        let statistics = call.buffer.statistics();
        assert!(statistics.delay_ms <= 90 && call.longest_delay_us <= 150_000, "{jump}: {statistics:?}");
    }
}

#[test]
fn a_way_that_becomes_longer_is_adapted_to() {
    let mut call = Call::new();
    steady(&mut call, 3000, |n| Some(if n >= 1000 { 400_000 } else { 0 }));
    call.play(0, 60_000_000);
    assert!(call.is_in_order());
    let statistics = call.buffer.statistics();
    assert!(statistics.delay_ms <= 90, "{statistics:?}");
    assert!(call.played.len() > 2950, "{}", call.played.len());
}

#[test]
fn after_a_stall_the_delay_is_back_within_seconds() {
    let mut call = Call::new();
    // Nothing for a second, then everything at once.
    steady(&mut call, 1000, |n| Some(if (300..350).contains(&n) { (350 - n) * 20_000 } else { 0 }));
    call.play(0, 12_000_000);
    let statistics = call.buffer.statistics();
    assert!(statistics.delay_ms <= 250, "{statistics:?}");
    assert!(call.is_in_order());
}

#[test]
fn events_use_up_numbers_and_nothing_else() {
    let mut buffer = JitterBuffer::new(CLOCK_HZ);
    let now = Instant::now();
    let packet = |seq_no, kind, payload| Packet {
        seq_no,
        rtp_timestamp: 160 * u32::from(seq_no),
        rtp_ticks: 160,
        kind,
        payload,
    };
    buffer.handle_packet(now, &packet(0, PacketKind::Sound, &[0]));
    buffer.handle_packet(now, &packet(1, PacketKind::Other, &[]));
    buffer.handle_packet(now, &packet(2, PacketKind::Other, &[]));
    buffer.handle_packet(now, &packet(3, PacketKind::ComfortNoise, &[60]));
    let later = now + Duration::from_millis(300);
    assert_eq!(buffer.pull(later, Duration::ZERO), Pulled::Sound(&[0]));
    assert!(matches!(buffer.pull(later, Duration::ZERO), Pulled::Gap | Pulled::ComfortNoise(_)));
    assert_eq!(buffer.statistics().lost_packets, 0);
}

#[test]
fn nonsense_neither_breaks_nor_grows_it() {
    let mut rng = StdRng::seed_from_u64(13);
    for _ in 0..30 {
        let mut buffer = JitterBuffer::new(rng.random());
        let mut now = Instant::now();
        let payload = [0; 2000];
        for _ in 0..3000 {
            now += Duration::from_micros(rng.random_range(0..40_000));
            let kind = [PacketKind::Sound, PacketKind::ComfortNoise, PacketKind::Other][rng.random_range(0..3)];
            let seq_no = if rng.random_bool(0.5) { rng.random() } else { rng.random_range(0..200) };
            let (rtp_timestamp, rtp_ticks) = (rng.random(), if rng.random_bool(0.1) { rng.random() } else { 160 });
            let payload = &payload[..rng.random_range(0..2000)];
            buffer.handle_packet(now, &Packet { seq_no, rtp_timestamp, rtp_ticks, kind, payload });
            let ahead = Duration::from_micros(rng.random_range(0..20_000));
            buffer.pull(now, ahead);
            buffer.pace(now, ahead, rng.random());
        }
        assert_eq!(buffer.slots.len(), SLOTS);
        assert!(buffer.slots.iter().all(|slot| slot.payload.capacity() <= 2 * MAX_PAYLOAD_BYTES));
    }
}
