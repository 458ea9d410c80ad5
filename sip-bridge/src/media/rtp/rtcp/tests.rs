// SPDX-License-Identifier: EUPL-1.2
//! What we write is what others read.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;

fn compound(is_goodbye: bool) -> Vec<u8> {
    let sender = SenderInfo {
        ntp: NtpTime::of(Duration::from_millis(2_500)),
        rtp_timestamp: 0x0102_0304,
        packets: 5,
        payload_bytes: 800,
    };
    let report = Report {
        ssrc: 0xaabb_ccdd,
        fraction_lost: 12,
        cumulative_lost: -2,
        highest_seq_no: 0x1_0005,
        jitter_rtp_ticks: 33,
    };
    let last = LastSenderReport { middle: 0x1111_2222, age: 0x3333 };
    let mut out = Vec::new();
    Compound { ssrc: 7, sender: Some(sender), report: Some((report, last)), cname: "abc", is_goodbye }.write(&mut out);
    out
}

#[test]
fn a_compound_packet_has_the_bytes_of_the_standard() {
    let expected = [
        0x81, 200, 0, 12, 0, 0, 0, 7, 0, 0, 0, 2, 0x80, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 3, 0x20, // sender
        0xaa, 0xbb, 0xcc, 0xdd, 12, 0xff, 0xff, 0xfe, 0, 1, 0, 5, 0, 0, 0, 33, 0x11, 0x11, 0x22, 0x22, 0, 0, 0x33,
        0x33, // report
        0x81, 202, 0, 3, 0, 0, 0, 7, 1, 3, b'a', b'b', b'c', 0, 0, 0, // description
        0x81, 203, 0, 1, 0, 0, 0, 7,
    ];
    assert_eq!(compound(true), expected);
}

#[test]
fn it_is_read_by_whom_it_is_about() {
    let heard = Heard::parse(&compound(true), 0xaabb_ccdd).unwrap();
    assert_eq!(heard.sender_report, Some((7, 0x2_8000)));
    assert_eq!(heard.goodbye, Some(7));
    let about = heard.about_us.unwrap();
    assert_eq!(about.fraction_lost, 12);
    assert_eq!(about.last, LastSenderReport { middle: 0x1111_2222, age: 0x3333 });
    assert_eq!(Heard::parse(&compound(false), 1).unwrap().about_us, None);
}

#[test]
fn what_does_not_add_up_is_refused() {
    let whole = compound(false);
    for len in 1..whole.len() {
        let is_boundary = len == 52;
        assert_eq!(Heard::parse(&whole[..len], 1).is_some(), is_boundary, "{len}");
    }
    assert_eq!(Heard::parse(&[0x82, 201, 0, 1, 0, 0, 0, 1], 1), None, "reports that are not there");
}

#[test]
fn damaged_packets_do_no_harm() {
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..20_000 {
        let mut packet = compound(rng.random());
        for _ in 0..rng.random_range(1..8) {
            let at = rng.random_range(0..packet.len());
            packet[at] = rng.random();
        }
        packet.truncate(rng.random_range(0..=packet.len()));
        let _ = Heard::parse(&packet, 7);
    }
}

#[test]
fn times_are_fixed_point() {
    let time = NtpTime::of(Duration::from_millis(70_250));
    assert_eq!(time.middle(), (70 << 16) | 0x4000);
    assert_eq!(duration_of(0x1_8000), Duration::from_millis(1_500));
}
