// SPDX-License-Identifier: EUPL-1.2
//! One press is one press.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::*;

const END: u8 = 0x80;

/// A receiver with a clock, and what it has heard.
struct Phone {
    start: Instant,
    received: ReceivedDigits,
    heard: String,
    durations_ms: Vec<u128>,
}

impl Phone {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            received: ReceivedDigits::new(8_000, 16),
            heard: String::new(),
            durations_ms: Vec::new(),
        }
    }

    fn note(&mut self, press: Option<Press>) {
        if let Some(press) = press {
            self.heard.push(press.digit.as_char());
            self.durations_ms.push(press.duration.as_millis());
        }
    }

    fn packet(&mut self, ms: u64, rtp_timestamp: u32, event: u8, flags: u8, duration: u16) {
        self.marked(ms, rtp_timestamp, false, event, flags, duration);
    }

    fn marked(&mut self, ms: u64, rtp_timestamp: u32, marker: bool, event: u8, flags: u8, duration: u16) {
        self.pass(ms);
        let [high, low] = duration.to_be_bytes();
        let now = self.start + Duration::from_millis(ms);
        let presses = self.received.handle(now, RtpTime(rtp_timestamp), marker, &[event, flags, high, low]);
        presses.into_iter().for_each(|press| self.note(press));
    }

    fn pass(&mut self, ms: u64) {
        let press = self.received.handle_timeout(self.start + Duration::from_millis(ms));
        self.note(press);
    }
}

#[test]
fn repeated_ends_are_one_press() {
    let mut phone = Phone::new();
    for n in 1..=4 {
        phone.marked(u64::from(n) * 20, 1_000, n == 1, 5, 10, n * 160);
    }
    for n in 5..=7 {
        phone.packet(n * 20, 1_000, 5, 10 | END, 800);
    }
    phone.pass(5_000);
    assert_eq!((phone.heard.as_str(), phone.durations_ms.as_slice()), ("5", &[100][..]));
}

#[test]
fn a_lost_start_does_not_matter() {
    let mut phone = Phone::new();
    phone.packet(0, 1_000, 5, 10 | END, 800);
    phone.packet(20, 1_000, 5, 10 | END, 800);
    assert_eq!(phone.heard, "5");
}

#[test]
fn a_lost_end_is_a_timeout_after_100_ms() {
    let mut phone = Phone::new();
    phone.packet(0, 1_000, 5, 10, 160);
    phone.packet(20, 1_000, 5, 10, 320);
    assert_eq!(phone.received.poll_timeout(), Some(phone.start + Duration::from_millis(120)));
    phone.pass(119);
    assert_eq!(phone.heard, "");
    phone.pass(120);
    assert_eq!((phone.heard.as_str(), phone.durations_ms.as_slice()), ("5", &[40][..]));
    assert_eq!(phone.received.poll_timeout(), None);
    phone.packet(140, 1_000, 5, 10 | END, 1_280);
    phone.pass(5_000);
    assert_eq!(phone.heard, "5", "its end that comes after all");
}

#[test]
fn a_newer_event_ends_the_one_before() {
    let mut phone = Phone::new();
    phone.packet(0, 1_000, 5, 10, 160);
    phone.marked(60, 1_480, true, 5, 10, 160);
    assert_eq!(phone.heard, "5");
    phone.packet(80, 1_640, 6, 10, 160);
    assert_eq!(phone.heard, "55");
    // The first one's end, late, changes nothing.
    phone.packet(90, 1_000, 5, 10 | END, 480);
    phone.pass(500);
    assert_eq!(phone.heard, "556");
}

#[test]
fn a_marker_on_each_of_the_first_packets_is_one_press() {
    let mut phone = Phone::new();
    for ms in [0, 1, 2] {
        phone.marked(ms, 1_000, true, 9, 10, 160);
    }
    phone.packet(20, 1_000, 9, 10 | END, 320);
    assert_eq!(phone.heard, "9");
}

#[test]
fn a_long_press_in_parts_is_one() {
    let mut phone = Phone::new();
    let mut rtp_timestamp = 1_000;
    for tick in 0..1_000_u64 {
        let ticks = u32::try_from(tick * 160).unwrap();
        if ticks - (rtp_timestamp - 1_000) > 0xffff {
            rtp_timestamp += 0xffff;
        }
        let duration = u16::try_from(1_000 + ticks - rtp_timestamp).unwrap();
        phone.packet(tick * 20, rtp_timestamp, 1, 10, duration);
    }
    phone.packet(20_000, rtp_timestamp, 1, 10 | END, 0x7000);
    assert_eq!(phone.heard, "1");
    assert!((19_000..=21_000).contains(&phone.durations_ms[0]), "{:?}", phone.durations_ms);
}

#[test]
fn a_long_press_with_a_hole_is_one_too() {
    let mut phone = Phone::new();
    let send = |phone: &mut Phone, tick: u64| {
        let ticks = u32::try_from(tick * 160).unwrap();
        let part = ticks / 0xffff;
        phone.packet(tick * 20, 1_000 + part * 0xffff, 1, 10, u16::try_from(ticks - part * 0xffff).unwrap());
    };
    (0..200).chain(230..600).for_each(|tick| send(&mut phone, tick));
    phone.pass(60_000);
    assert_eq!(phone.heard, "1");
}

#[test]
fn flashes_noise_and_rubbish_are_no_keys() {
    let mut phone = Phone::new();
    phone.packet(0, 1_000, 16, 10 | END, 800);
    phone.packet(0, 2_000, 255, 10 | END, 800);
    phone.packet(0, 3_000, 5, 56 | END, 800);
    for len in 0..4 {
        let now = phone.start;
        assert_eq!(phone.received.handle(now, RtpTime(4_000), true, &[5, END, 0, 1][..len]), [None, None]);
    }
    phone.packet(0, 5_000, 5, 55 | END, 800);
    assert_eq!(phone.heard, "5");
}

#[test]
fn more_presses_than_anybody_makes_are_dropped() {
    let mut phone = Phone::new();
    for press in 0..2_000 {
        phone.packet(u64::from(press), press * 8, 5, 10 | END, 8);
    }
    assert_eq!(phone.heard.len(), 2 * 16);
    assert_eq!(phone.received.dropped(), 2_000 - 32);
    assert!(phone.received.recent.len() <= 16);
}

#[test]
fn timestamps_may_begin_anew_after_a_while() {
    let mut phone = Phone::new();
    phone.packet(0, 1_000_000, 5, 10 | END, 800);
    phone.packet(1_999, 1_000, 6, 10 | END, 800);
    phone.packet(4_100, 1_000, 6, 10 | END, 800);
    assert_eq!(phone.heard, "56");
    let now = phone.start + Duration::from_millis(4_200);
    assert_eq!(phone.received.restart(now), None);
    phone.packet(4_200, 500, 7, 10 | END, 800);
    assert_eq!(phone.heard, "567");
}

#[test]
fn presses_survive_loss_disorder_and_duplication() {
    for seed in 0..300 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut phone = Phone::new();
        let mut packets = Vec::new();
        let pressed: String = (0..12).map(|_| "0123456789*#".as_bytes()[rng.random_range(0..12)] as char).collect();
        for (press, label) in (0_u64..).zip(pressed.chars()) {
            let event = Digit::from_char(label).unwrap().event();
            let began = press * 200;
            // Of each press at least one packet arrives.
            let sure = rng.random_range(0..8);
            for n in 0..8_u64 {
                if n != sure && rng.random_ratio(3, 10) {
                    continue;
                }
                let duration = u16::try_from((n + 1).min(6) * 160).unwrap();
                let flags = if n < 5 { 10 } else { 10 | END };
                for _ in 0..1 + u32::from(rng.random_ratio(1, 10)) {
                    let delay = rng.random_range(0..60);
                    let timestamp = u32::try_from(began * 8).unwrap().wrapping_add(u32::MAX - 4_000);
                    packets.push((began + n * 20 + delay, timestamp, n == 0, event, flags, duration));
                }
            }
        }
        packets.shuffle(&mut rng);
        packets.sort_by_key(|packet| packet.0);
        for (ms, timestamp, marker, event, flags, duration) in packets {
            phone.marked(ms, timestamp, marker, event, flags, duration);
        }
        phone.pass(10_000);
        assert_eq!(phone.heard, pressed, "seed {seed}");
    }
}
