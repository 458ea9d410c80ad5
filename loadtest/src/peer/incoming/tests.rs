// SPDX-License-Identifier: EUPL-1.2
//! Losses, repeats, disorder and broken pictures, as a client must see them.

use super::*;
use crate::sdp::VP8;
use crate::source::{SINGLE, write_vp8_head};
use sfu_media::rtp::packet::{OutgoingHeader, write_header};
use sfu_media::rtp::rtp_time::RtpTime;

struct Feed {
    now: Instant,
    stream: IncomingStream,
}

/// Two packets for each frame, numbered from 65,530.
fn packet(number: u64, keyframes: &[u64], picture_offset: u16) -> Vec<u8> {
    let frame = number / 2;
    let mut bytes = vec![0; 100];
    let header = OutgoingHeader {
        marker: number % 2 == 1,
        payload_type: VP8,
        seq_no: SeqNo(65_530_u16.wrapping_add(number as u16)),
        timestamp: RtpTime(frame as u32 * 3_000),
        ssrc: 1,
        extensions: Default::default(),
    };
    let len = write_header(&header, &mut bytes).unwrap();
    let is_first = number.is_multiple_of(2);
    let picture = (frame as u16 + picture_offset) & 0x7fff;
    write_vp8_head(&mut bytes[len..], &SINGLE, picture, is_first, keyframes.contains(&frame));
    bytes
}

impl Feed {
    fn new() -> Self {
        Self { now: Instant::now(), stream: IncomingStream::new(Kind::Video, 1) }
    }

    fn take(&mut self, numbers: impl IntoIterator<Item = u64>, keyframes: &[u64]) {
        for number in numbers {
            self.take_one(&packet(number, keyframes, 0));
        }
    }

    fn take_one(&mut self, packet: &[u8]) {
        self.now += Duration::from_millis(16);
        self.stream.handle_packet(self.now, &RtpView::parse(packet).unwrap());
    }

    fn nacks(&mut self) -> Vec<u16> {
        self.stream.due_nacks(self.now).map(|seq_no| seq_no.0).collect()
    }
}

#[test]
fn an_unbroken_stream_is_all_shown() {
    let mut feed = Feed::new();
    feed.take(0..20, &[0]);
    let counters = feed.stream.counters;
    assert_eq!((counters.packets, counters.frames, counters.keyframes), (20, 10, 1));
    assert_eq!((counters.lost, counters.broken_frames, counters.bad_starts, counters.duplicates), (0, 0, 0, 0));
    assert!(feed.nacks().is_empty());
    assert!(!feed.stream.takes_keyframe_request(feed.now));
}

#[test]
fn a_missing_packet_is_asked_for_and_repaired() {
    let mut feed = Feed::new();
    feed.take([0, 1, 2, 4, 5], &[0]);
    assert_eq!(feed.nacks(), [65_533]);
    assert!(feed.nacks().is_empty(), "not twice at once");
    assert_eq!(feed.stream.counters.frames, 1, "nothing is shown past the hole");
    let original = packet(3, &[0], 0);
    let view = RtpView::parse(&original).unwrap();
    let mut repair = 65_533_u16.to_be_bytes().to_vec();
    repair.extend(view.payload);
    let mut rtx = original[..12].to_vec();
    rtx[2..4].copy_from_slice(&9_u16.to_be_bytes());
    rtx.extend(repair);
    assert!(feed.stream.handle_retransmission(feed.now, &RtpView::parse(&rtx).unwrap()));
    assert_eq!((feed.stream.counters.frames, feed.stream.counters.repaired), (3, 1));
    assert!(feed.nacks().is_empty());
}

#[test]
fn a_packet_that_never_comes_is_lost_and_breaks_pictures_until_a_keyframe() {
    let mut feed = Feed::new();
    feed.take([0, 1, 2, 4, 5], &[0, 5]);
    for _ in 0..=MAX_NACKS {
        feed.now += NACK_INTERVAL;
        feed.nacks();
    }
    assert_eq!(feed.stream.counters.lost, 1);
    feed.take(6..10, &[5]);
    assert!(feed.stream.counters.broken_frames > 0);
    assert!(!feed.stream.takes_keyframe_request(feed.now), "the first one may be on its way");
    feed.now += KEYFRAME_REQUEST_INTERVAL;
    assert!(feed.stream.takes_keyframe_request(feed.now));
    let before = feed.stream.counters.frames;
    feed.take(10..14, &[5]);
    assert_eq!(feed.stream.counters.frames, before + 2);
    assert!(!feed.stream.takes_keyframe_request(feed.now));
}

#[test]
fn disorder_and_repeats_are_counted_and_harm_nothing() {
    let mut feed = Feed::new();
    feed.take([0, 1, 3, 2, 2, 4, 5], &[0]);
    let counters = feed.stream.counters;
    assert_eq!((counters.reordered, counters.duplicates, counters.lost, counters.frames), (1, 1, 0, 3));
}

#[test]
fn what_comes_late_from_before_our_first_packet_is_no_repeat() {
    let mut feed = Feed::new();
    feed.take(600..604, &[300]);
    feed.take([599, 0], &[300]);
    let counters = feed.stream.counters;
    assert_eq!((counters.reordered, counters.duplicates, counters.lost, counters.frames), (1, 0, 0, 2));
    feed.take([604, 604], &[300]);
    assert_eq!(feed.stream.counters.duplicates, 1);
}

#[test]
fn a_stream_must_begin_with_a_keyframe() {
    let mut feed = Feed::new();
    feed.take(0..4, &[]);
    assert_eq!((feed.stream.counters.bad_starts, feed.stream.counters.frames), (1, 0));
}

#[test]
fn a_jump_of_picture_ids_breaks_the_picture() {
    let mut feed = Feed::new();
    feed.take(0..4, &[0]);
    for number in 4..8 {
        feed.take_one(&packet(number, &[0], 3));
    }
    assert_eq!((feed.stream.counters.frames, feed.stream.counters.broken_frames), (2, 2));
}

#[test]
fn reports_say_what_was_lost() {
    let mut feed = Feed::new();
    feed.take([0, 1, 2, 4, 5], &[0]);
    let block = feed.stream.report(feed.now).unwrap();
    assert_eq!((block.cumulative_lost, block.fraction_lost), (1, 42));
    feed.take([6, 7], &[0]);
    assert_eq!(feed.stream.report(feed.now).unwrap().fraction_lost, 0);
}
