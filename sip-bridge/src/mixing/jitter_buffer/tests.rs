// SPDX-License-Identifier: EUPL-1.2
//! What is played of a stream that a network has mistreated.

use std::time::Duration;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// 20 ms of wideband speech in one frame; the rest says which packet it is.
fn payload(number: u16) -> [u8; 4] {
    let [high, low] = number.to_be_bytes();
    [0x48, high, low, 0]
}

/// A buffer with a clock, and what came out of it.
struct Bench {
    start: Instant,
    buffer: JitterBuffer,
    played: Vec<u16>,
    lost: usize,
    lost_in_next: usize,
    pauses: usize,
    spliced: usize,
}

impl Bench {
    fn new() -> Self {
        let start = Instant::now();
        let buffer = JitterBuffer::new(start);
        Self { start, buffer, played: Vec::new(), lost: 0, lost_in_next: 0, pauses: 0, spliced: 0 }
    }

    fn put(&mut self, at_ms: u32, number: u16) -> bool {
        self.put_as(at_ms, number, u32::from(number) * 960, &payload(number))
    }

    fn put_as(&mut self, at_ms: u32, seq_no: u16, timestamp: u32, payload: &[u8]) -> bool {
        self.buffer.handle_packet(self.start + at_ms * MS, seq_no, timestamp, payload)
    }

    /// One tick, for which one packet of 20 ms is enough.
    fn tick(&mut self, at_ms: u32) -> Next {
        let next = self.buffer.poll_next(self.start + at_ms * MS);
        match next {
            Next::Packet { is_spliced } => {
                let current = self.buffer.current();
                let byte = |at: usize| current.get(at).copied().unwrap_or(0);
                self.played.push(u16::from_be_bytes([byte(1), byte(2)]));
                self.spliced += usize::from(is_spliced);
            }
            Next::Lost { in_next } => {
                self.lost += 1;
                self.lost_in_next += usize::from(in_next);
            }
            Next::Pause => self.pauses += 1,
        }
        next
    }

    /// Sends packets at the times of `arrivals`, each with its number, and ticks every 20 ms until `until_ms`.
    fn run(&mut self, arrivals: &[(u32, u16)], until_ms: u32) {
        let mut arrivals = arrivals.to_vec();
        arrivals.sort_unstable();
        let mut next = 0;
        for at in 0..until_ms {
            while next < arrivals.len() && arrivals[next].0 == at {
                self.put(at, arrivals[next].1);
                next += 1;
            }
            if at % 20 == 7 {
                self.tick(at);
            }
        }
    }
}

#[test]
fn a_steady_stream_is_played_in_order_with_little_delay() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> = (0..100).map(|number| (u32::from(number) * 20, number)).collect();
    bench.run(&arrivals, 2_000);
    assert_eq!((bench.lost, bench.spliced), (0, bench.spliced));
    assert!(bench.pauses <= 3, "{}", bench.pauses);
    assert!(bench.played.is_sorted() && bench.played.len() >= 96, "{:?}", bench.played);
    let newest = bench.played.last().unwrap();
    assert!(99 - newest <= 2, "no more than 60 ms late: {newest}");
}

#[test]
fn a_browser_without_jitter_ends_with_less_than_a_packet_in_hand() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> = (0..500).map(|number| (u32::from(number) * 20, number)).collect();
    bench.run(&arrivals, 10_000);
    assert_eq!(bench.buffer.delays.target_us(), 10_000);
    // Ticks are 7 ms after packets: so the wait is 27 ms, where 7 would be too short.
    assert_eq!(499 - bench.played.last().unwrap(), 1);
    assert_eq!(bench.lost, 0);
}

#[test]
fn packets_in_the_wrong_order_are_put_right() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> =
        (0..100_u16).map(|number| (u32::from(number) * 20 + if number % 5 == 2 { 25 } else { 0 }, number)).collect();
    bench.run(&arrivals, 2_000);
    assert!(bench.played.windows(2).all(|pair| pair[1] == pair[0] + 1), "{:?}", bench.played);
    assert_eq!(bench.lost, 0);
}

#[test]
fn jitter_makes_the_delay_grow_until_nothing_is_late() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> =
        (0..500_u16).map(|number| (u32::from(number) * 20 + u32::from(number) * 7_919 % 75, number)).collect();
    bench.run(&arrivals, 4_000);
    let lost_at_first = bench.lost;
    assert!(bench.buffer.delays.target_us() >= 60_000, "{}", bench.buffer.delays.target_us());
    let mut bench = Bench::new();
    bench.run(&arrivals, 10_000);
    assert!(bench.lost <= lost_at_first + 6, "{} {lost_at_first}", bench.lost);
    assert!(lost_at_first < 20, "{lost_at_first}");
    assert!(bench.played.is_sorted());
}

#[test]
fn the_delay_shrinks_again_when_the_network_calms_down() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> = (0..1_000_u16)
        .map(|number| {
            let jitter = if number < 300 { u32::from(number) * 7_919 % 90 } else { 0 };
            (u32::from(number) * 20 + jitter, number)
        })
        .collect();
    bench.run(&arrivals, 20_000);
    assert!(999 - bench.played.last().unwrap() <= 3, "{:?}", bench.played.last());
    assert!(bench.spliced > 0, "packets were left out to get there");
    assert_eq!(bench.buffer.delays.target_us(), 10_000);
}

#[test]
fn a_lost_packet_is_made_up_once() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> =
        (0..500_u16).filter(|number| number % 10 != 5).map(|number| (u32::from(number) * 20, number)).collect();
    bench.run(&arrivals, 10_000);
    assert!((46..=54).contains(&bench.lost), "{}", bench.lost);
    assert!(bench.played.len() >= 440);
    assert!(499 - bench.played.last().unwrap() <= 4, "losses do not add up to delay");
}

#[test]
fn a_loss_that_is_seen_in_time_can_be_repaired_by_the_next() {
    let mut bench = Bench::new();
    for number in [0, 1, 3, 4] {
        bench.put(number * 20, number as u16);
    }
    let mut at = 100;
    while bench.played.len() < 4 {
        let next = bench.tick(at);
        if bench.played == [0, 1] && bench.lost == 1 && bench.lost_in_next == 1 && matches!(next, Next::Lost { .. }) {
            assert_eq!(bench.buffer.upcoming(), Some(&payload(3)[..]));
        }
        at += 20;
    }
    assert_eq!((bench.played, bench.lost, bench.lost_in_next), (vec![0, 1, 3, 4], 1, 1));
}

#[test]
fn late_and_doubled_packets_are_dropped() {
    let mut bench = Bench::new();
    assert!(bench.put(0, 10));
    assert!(!bench.put(1, 10), "twice");
    bench.put(20, 12);
    for at in [60, 80, 100] {
        bench.tick(at);
    }
    assert_eq!(bench.played, [10, 12]);
    assert!(!bench.put(105, 11), "late");
    assert!(!bench.put(106, 12), "played already");
    for at in (110..400).step_by(20) {
        bench.tick(at);
    }
    assert!(!bench.put(400, 12), "played already, and nothing plays now");
    assert_eq!(bench.played, [10, 12]);
}

#[test]
fn a_sender_that_pauses_is_not_concealed() {
    let mut bench = Bench::new();
    for number in 0..10 {
        bench.put_as(u32::from(number) * 20, number, u32::from(number) * 960, &payload(number));
        bench.tick(u32::from(number) * 20 + 7);
    }
    // It says that it pauses, and goes on after 600 ms with the next sequence number.
    bench.put_as(200, 10, 10 * 960, &[0x48]);
    for at in (207..800).step_by(20) {
        bench.tick(at);
    }
    assert_eq!(bench.lost, 0);
    for number in 11..20_u16 {
        let at = 800 + u32::from(number - 11) * 20;
        bench.put_as(at, number, at / 20 * 960, &payload(number));
        bench.tick(at + 7);
    }
    assert_eq!(bench.lost, 0);
    assert!(bench.played.ends_with(&[11, 12, 13, 14, 15, 16, 17]), "{:?}", bench.played);
}

#[test]
fn a_sender_that_ends_is_concealed_for_a_moment() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> = (0..50).map(|number| (u32::from(number) * 20, number)).collect();
    bench.run(&arrivals, 5_000);
    assert_eq!(bench.lost as u32, MAX_CONCEALED);
    assert_eq!(bench.played.len(), 50);
}

#[test]
fn counters_that_wrap_change_nothing() {
    let mut bench = Bench::new();
    for number in 0..200_u32 {
        let seq_no = 65_450_u16.wrapping_add(number as u16);
        assert!(bench.put_as(
            number * 20,
            seq_no,
            (u32::MAX - 50_000).wrapping_add(number * 960),
            &payload(number as u16)
        ));
        bench.tick(number * 20 + 7);
    }
    assert_eq!(bench.lost, 0);
    assert!(bench.played.is_sorted() && bench.played.len() >= 196);
}

#[test]
fn a_source_that_begins_anew_is_played_soon() {
    for (seq_no, timestamp) in [(40_000, 1_000_000_000), (120, 3_000_000_000), (101, 5), (90, 70 * 960)] {
        let mut bench = Bench::new();
        for number in 0..100_u32 {
            bench.put(number * 20, number as u16);
            bench.tick(number * 20 + 7);
        }
        bench.played.clear();
        for number in 0..50_u16 {
            let at = 2_400 + u32::from(number) * 20;
            let timestamp = u32::wrapping_add(timestamp, u32::from(number) * 960);
            bench.put_as(at, u16::wrapping_add(seq_no, number), timestamp, &payload(1_000 + number));
            bench.tick(at + 7);
        }
        let enough = if (seq_no, timestamp) == (90, 70 * 960) { 15 } else { 40 };
        assert!(bench.played.len() >= enough, "{seq_no} {timestamp}: {:?}", bench.played);
    }
}

#[test]
fn after_a_standstill_it_catches_up_at_once() {
    let mut bench = Bench::new();
    for number in 0..50_u32 {
        bench.put(number * 20, number as u16);
        bench.tick(number * 20 + 7);
    }
    for number in 50..80_u32 {
        bench.put(number * 20, number as u16);
    }
    let mut at = 1_607;
    for number in 80..100_u32 {
        bench.tick(at);
        bench.put(number * 20, number as u16);
        at += 20;
    }
    assert!(99 - bench.played.last().unwrap() <= 8, "{:?}", bench.played);
    assert!(bench.buffer.packets.len() <= MAX_PACKETS);
}

#[test]
fn a_clock_that_is_too_fast_does_not_add_delay() {
    let mut bench = Bench::new();
    // 0.5 %: 19.9 ms instead of 20.
    let arrivals: Vec<_> = (0..3_000_u16).map(|number| (u32::from(number) * 199 / 10, number)).collect();
    bench.run(&arrivals, 59_700);
    assert!(2_999 - bench.played.last().unwrap() <= 5, "{:?}", bench.played.last());
    assert!(bench.lost <= 3, "{}", bench.lost);
}

#[test]
fn a_clock_that_is_too_slow_is_waited_for() {
    let mut bench = Bench::new();
    let arrivals: Vec<_> = (0..2_900_u16).map(|number| (u32::from(number) * 201 / 10, number)).collect();
    bench.run(&arrivals, 58_200);
    assert!(2_899 - bench.played.last().unwrap() <= 5);
    assert!(bench.lost <= 20, "{}", bench.lost);
    assert!(bench.played.len() >= 2_880, "{}", bench.played.len());
}

#[test]
fn packets_that_are_no_opus_are_refused() {
    let mut bench = Bench::new();
    for bad in [&[][..], &[0x4b], &[0x4b, 0], &[0x4b, 0x3f], &[0; MAX_PACKET_BYTES + 1]] {
        assert!(!bench.put_as(0, 0, 0, bad));
    }
}

#[test]
fn memory_is_bounded() {
    let mut bench = Bench::new();
    for number in 0..10_000_u16 {
        bench.put_as(1, number, u32::from(number) * 960 % 90_000, &payload(number));
    }
    assert!(bench.buffer.packets.len() <= MAX_PACKETS);
    assert!(bench.buffer.spare.len() <= MAX_PACKETS);
}
