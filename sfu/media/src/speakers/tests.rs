// SPDX-License-Identifier: EUPL-1.2
//! Who counts as a speaker, and how loud.

use super::*;
use crate::ids::Layer;
use crate::rtp::extensions::HeaderExtensions;
use crate::rtp::packet::RtpView;
use crate::test_support::{OPUS, TestPacket, ms, opus_payload, start, uplink};
use crate::track::Track;

/// A track that is given its level for each 20 ms.
struct Person {
    track: Track,
    seq_no: u16,
}

impl Person {
    fn new(id: u64, group: u64) -> Self {
        let mut uplink = uplink(id, OPUS, 0);
        uplink.speaker_group = SpeakerGroup(group);
        Self { track: Track::new(&uplink), seq_no: 0 }
    }

    fn say(&mut self, now: Instant, level: Option<u8>) {
        let packet = TestPacket::new(self.track.id().0 as u32, 111, self.seq_no, 0, &opus_payload()).bytes();
        let view = RtpView::parse(&packet).unwrap();
        let extensions = HeaderExtensions { audio_level: level, ..HeaderExtensions::default() };
        let _ = self.track.handle_rtp(now, &view, &extensions, Layer(0), false);
        self.seq_no += 1;
    }
}

struct Room {
    now: Instant,
    detector: SpeakerDetector,
    voices: Vec<Person>,
}

type Change = (SpeakerGroup, Vec<(TrackId, f32)>);

impl Room {
    fn new(voices: impl IntoIterator<Item = Person>) -> Self {
        let mut detector = SpeakerDetector::new();
        let now = start();
        detector.start(now);
        Self { now, detector, voices: voices.into_iter().collect() }
    }

    /// One interval, in which each voice has the level that `levels` gives for its number and the frame's.
    fn interval(&mut self, levels: impl Fn(usize, usize) -> u8) -> Vec<Change> {
        for frame in 0..25 {
            for (number, voice) in self.voices.iter_mut().enumerate() {
                voice.say(self.now, Some(levels(number, frame)));
            }
            self.now += ms(20);
        }
        assert_eq!(self.detector.poll_timeout(), Some(self.now));
        self.detector.handle_timeout(self.now, self.voices.iter_mut().map(|voice| voice.track.voice_mut()));
        std::iter::from_fn(|| self.detector.poll_change()).collect()
    }
}

const SILENCE: u8 = 127;

#[test]
fn the_loudest_comes_first_and_silent_ones_are_left_out() {
    let mut room = Room::new([Person::new(1, 7), Person::new(2, 7), Person::new(3, 7)]);
    let changes = room.interval(|number, _| [25, 10, 60][number]);
    let [(group, speakers)] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(*group, SpeakerGroup(7));
    let tracks: Vec<_> = speakers.iter().map(|(track, _)| track.0).collect();
    assert_eq!(tracks, [2, 1]);
    assert!(speakers.iter().all(|(_, level)| *level > 0.0 && *level <= 1.0 && (level * STEPS).fract() == 0.0));
    assert!(speakers[0].1 > speakers[1].1);
}

#[test]
fn steady_speech_is_told_once() {
    let mut room = Room::new([Person::new(1, 7)]);
    room.interval(|_, _| 20);
    room.interval(|_, _| 20);
    for _ in 0..10 {
        assert_eq!(room.interval(|_, frame| 19 + (frame % 3) as u8), []);
    }
}

#[test]
fn a_cough_is_no_speech() {
    let mut room = Room::new([Person::new(1, 7)]);
    assert_eq!(room.interval(|_, frame| if frame < 9 { 5 } else { SILENCE }), []);
    assert_eq!(room.interval(|_, frame| if frame < 10 { 5 } else { SILENCE }).len(), 1, "40 % of the interval");
}

#[test]
fn whoever_stops_is_silent_within_two_seconds() {
    let mut room = Room::new([Person::new(1, 7)]);
    for _ in 0..4 {
        room.interval(|_, _| 0);
    }
    let mut last = None;
    for _ in 0..4 {
        last = room.interval(|_, _| SILENCE).pop().or(last);
    }
    assert_eq!(last, Some((SpeakerGroup(7), Vec::new())));
    assert_eq!(room.interval(|_, _| SILENCE), []);
}

#[test]
fn a_client_that_sends_too_much_is_no_louder_for_it() {
    let mut room = Room::new([Person::new(1, 7)]);
    let now = room.now;
    for _ in 0..10_000 {
        room.voices[0].say(now, Some(0));
    }
    let Some((_, speakers)) = room.interval(|_, _| 0).pop() else { panic!("no speaker") };
    assert_eq!(speakers, [(TrackId(1), 0.75)], "two thirds of the way to the loudest, in steps");
    let mut last = None;
    for _ in 0..4 {
        last = room.interval(|_, _| SILENCE).pop().or(last);
    }
    assert_eq!(last, Some((SpeakerGroup(7), Vec::new())), "as silent as anybody who stops");
}

#[test]
fn groups_do_not_mix() {
    let mut room = Room::new([Person::new(1, 7), Person::new(2, 8)]);
    let changes = room.interval(|_, _| 10);
    let groups: Vec<_> = changes.iter().map(|(group, speakers)| (group.0, speakers.len())).collect();
    assert_eq!(groups, [(7, 1), (8, 1)]);
    for _ in 0..5 {
        room.interval(|_, _| 10);
    }
    assert_eq!(room.interval(|number, _| [10, SILENCE][number]).len(), 1, "only the group that changed");
}

#[test]
fn a_muted_track_is_silent_at_once() {
    let mut room = Room::new([Person::new(1, 7)]);
    room.interval(|_, _| 10);
    let now = room.now;
    room.voices[0].track.handle_mute(now, true);
    assert_eq!(room.interval(|_, _| 10), [(SpeakerGroup(7), Vec::new())]);
}

#[test]
fn a_track_that_ends_is_a_speaker_no_longer() {
    let mut room = Room::new([Person::new(1, 7), Person::new(2, 8)]);
    room.interval(|_, _| 10);
    room.voices.pop();
    let changes = room.interval(|_, _| 10);
    assert!(changes.contains(&(SpeakerGroup(8), Vec::new())), "{changes:?}");
    room.voices.clear();
    room.now += INTERVAL;
    room.detector.handle_timeout(room.now, std::iter::empty());
    assert_eq!(room.detector.poll_timeout(), None, "an empty shard sleeps");
}

#[test]
fn packets_without_a_level_say_nothing() {
    let mut room = Room::new([Person::new(1, 7)]);
    for _ in 0..25 {
        room.voices[0].say(room.now, None);
        room.now += ms(20);
    }
    room.detector.handle_timeout(room.now, room.voices.iter_mut().map(|voice| voice.track.voice_mut()));
    assert_eq!(room.detector.poll_change(), None);
}
