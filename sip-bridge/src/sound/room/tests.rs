// SPDX-License-Identifier: EUPL-1.2
//! Rooms with callers and somebody in a browser, on a virtual clock.

mod band;

use bus::TrackSid;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sfu_media::ids::{Layer, ShardId, SpeakerGroup};
use sfu_media::media_packet::PacketMeta;

use super::*;
use crate::audio::FRAME_TIME;
use crate::media::rtp::RtpConfig;
use crate::mixing::{DEFAULT_SPEAKERS, Voice};
use crate::sound::call::CallSound;
use crate::sound::testing::{Phone, USUAL, agreed, share, whistle};

/// Where browsers' tracks are.
const SHARD: ShardId = ShardId(0);

/// In a browser.
const ANNAS: TrackId = TrackId(900);

struct Rig {
    now: Instant,
    ticks: usize,
    rooms: Rooms,
    anna: Voice,
    anna_timestamp: u32,
}

/// The call with a number has the leg and the track of the same number.
fn call(number: u64) -> CallKey {
    CallKey(number)
}

fn leg_sid(number: u64) -> TransportSid {
    format!("TP_{number}").into()
}

/// What a caller says whose number is 1, 2 ...: a tone of that many times 500 Hz.
fn words(number: u64, tick: usize) -> Said {
    Said { frame: whistle(tick, hz(number)), is_speech: true, is_tone: false, is_worth_sending: true, level_dbov: 18 }
}

fn hz(number: u64) -> f64 {
    500.0 * number as f64
}

impl Rig {
    fn new() -> Self {
        let rooms = Rooms::new(DEFAULT_SPEAKERS);
        Self { now: Instant::now(), ticks: 0, rooms, anna: Voice::new().unwrap(), anna_timestamp: 0 }
    }

    fn open_leg(&mut self, number: u64, room: &str) {
        let (leg, sid) = (TransportId(number), leg_sid(number));
        self.rooms.handle_command(&BridgeCommand::OpenLeg { leg, sid, room: room.into() });
    }

    fn publish(&mut self, number: u64, is_muted: bool) {
        let (leg, track, sid) = (TransportId(number), TrackId(number), TrackSid::from("TR_1"));
        let group = SpeakerGroup(1);
        self.rooms.handle_command(&BridgeCommand::Publish { leg, track, sid, group, is_muted });
    }

    fn hear(&mut self, number: u64, track: TrackId) {
        let (leg, sid) = (TransportId(number), TrackSid::from("TR_1"));
        self.rooms.handle_command(&BridgeCommand::Hear { leg, track, sid, home: SHARD });
    }

    /// A caller with a leg and a track in a room.
    fn seat(&mut self, number: u64, room: &str) {
        self.open_leg(number, room);
        self.publish(number, false);
        self.rooms.connect(call(number), &leg_sid(number), 0);
    }

    /// A caller with a place in a room, whose call is open: what follows from an offer with these lines.
    fn take_call(&mut self, number: u64, room: &str, lines: &str) -> CallSound {
        self.seat(number, room);
        let rng = &mut StdRng::seed_from_u64(number);
        let mut sound = CallSound::new(self.now, call(number), RtpConfig::default(), &agreed(lines), rng).unwrap();
        sound.open(self.now);
        sound
    }

    /// Anna says something in her browser: a tone of 250 Hz.
    fn anna_speaks(&mut self) {
        let mut payload = Vec::new();
        let frame = whistle(self.ticks, 250.0);
        let header = self.anna.encode(&frame, true, 18, &mut payload).unwrap();
        self.anna_sends(header.advance_rtp_ticks, payload);
    }

    /// A packet of Anna's, so long after the one before.
    fn anna_sends(&mut self, rtp_ticks: u32, payload: Vec<u8>) {
        self.anna_timestamp += rtp_ticks;
        let meta = PacketMeta {
            rtp_timestamp: self.anna_timestamp,
            audio_level: Some(0x80 | 18),
            ..PacketMeta::new(Layer(0), self.ticks as u64, self.now)
        };
        let packet = Box::new(MediaPacket { meta, payload, padding: 0 });
        self.rooms.handle_incoming(&Incoming::Media { track: ANNAS, packet });
    }

    /// A tick in which these say something, and what each caller with a place hears.
    fn tick(&mut self, speaking: &[u64]) -> Vec<(CallKey, Option<Frame>)> {
        for number in speaking {
            self.rooms.listen_to(call(*number), &words(*number, self.ticks));
        }
        let mut heard = Vec::new();
        self.rooms.tick(self.now, |call, frame| heard.push((call, frame.copied())));
        self.now += FRAME_TIME;
        self.ticks += 1;
        heard
    }

    /// What one hears after a while, as the share of each frequency.
    fn settled(&mut self, speaking: &[u64], listener: u64, hz: f64) -> f64 {
        let mut last = None;
        for _ in 0..100 {
            last = self.tick(speaking).into_iter().find(|(heard, _)| *heard == call(listener));
        }
        last.and_then(|(_, frame)| frame).map_or(0.0, |frame| share(&frame, hz))
    }
}

#[test]
fn callers_of_a_room_hear_each_other_and_not_themselves() {
    let mut rig = Rig::new();
    (1..=3).for_each(|number| rig.seat(number, "RM_1"));
    rig.seat(4, "RM_2");
    assert!(rig.settled(&[1, 4], 2, hz(1)) > 0.95);
    assert!(rig.settled(&[1, 4], 3, hz(1)) > 0.95);
    assert_eq!(rig.settled(&[1, 4], 1, hz(1)), 0.0);
    assert_eq!(rig.settled(&[1, 4], 4, hz(1)), 0.0);
    assert_eq!(rig.rooms.len(), 2);
    let both = (rig.settled(&[1, 2], 3, hz(1)), rig.settled(&[1, 2], 3, hz(2)));
    assert!(both.0 > 0.4 && both.1 > 0.4, "{both:?}");
}

#[test]
fn a_leg_may_be_known_before_the_call_or_after_it() {
    let mut rig = Rig::new();
    rig.seat(1, "RM_1");
    rig.rooms.connect(call(2), &leg_sid(2), 0);
    assert!(!rig.rooms.has_place(call(2)));
    rig.open_leg(2, "RM_1");
    assert!(rig.rooms.has_place(call(2)));
    assert!(rig.settled(&[1], 2, hz(1)) > 0.95);
    // One that is gone before its leg comes.
    rig.rooms.connect(call(3), &leg_sid(3), 0);
    rig.rooms.disconnect(call(3));
    rig.open_leg(3, "RM_1");
    assert!(!rig.rooms.has_place(call(3)));
    assert_eq!(rig.tick(&[]).len(), 2);
}

#[test]
fn who_is_muted_or_has_no_track_is_not_mixed() {
    let mut rig = Rig::new();
    rig.seat(1, "RM_1");
    rig.seat(2, "RM_1");
    let mute = |is_muted| BridgeCommand::Mute { track: TrackId(1), is_muted };
    rig.rooms.handle_command(&mute(true));
    assert_eq!(rig.settled(&[1], 2, hz(1)), 0.0);
    rig.rooms.handle_command(&mute(false));
    assert!(rig.settled(&[1], 2, hz(1)) > 0.95);
    rig.rooms.handle_command(&BridgeCommand::Unpublish { track: TrackId(1) });
    assert_eq!(rig.settled(&[1], 2, hz(1)), 0.0);
    rig.publish(1, true);
    assert_eq!(rig.settled(&[1], 2, hz(1)), 0.0);
    assert!(rig.rooms.voice_packet(call(1), &words(1, 0), &mut Vec::new()).unwrap().is_none());
}

#[test]
fn somebody_in_a_browser_is_heard_by_all_callers_until_nobody_shall() {
    let mut rig = Rig::new();
    rig.seat(1, "RM_1");
    rig.seat(2, "RM_1");
    rig.hear(1, ANNAS);
    rig.hear(2, ANNAS);
    let listen = |rig: &mut Rig| {
        let mut whole = [0; 2];
        for _ in 0..100 {
            rig.anna_speaks();
            for (call, frame) in rig.tick(&[]) {
                whole[call.0 as usize - 1] += usize::from(frame.is_some_and(|frame| share(&frame, 250.0) > 0.9));
            }
        }
        whole
    };
    let heard = listen(&mut rig);
    assert!(heard.iter().all(|frames| *frames > 85), "{heard:?}");
    let stop = |leg| BridgeCommand::StopHearing { leg: TransportId(leg), track: ANNAS };
    rig.rooms.handle_command(&stop(1));
    assert!(listen(&mut rig)[1] > 95);
    rig.rooms.handle_command(&stop(2));
    listen(&mut rig);
    assert_eq!(listen(&mut rig), [0, 0]);
    rig.hear(1, ANNAS);
    listen(&mut rig);
    rig.rooms.handle_incoming(&Incoming::Ended { track: ANNAS });
    rig.tick(&[]);
    rig.tick(&[]);
    assert!(rig.tick(&[]).iter().all(|(_, frame)| frame.is_none()));
}

#[test]
fn a_caller_who_moves_hears_the_other_room_as_loud_as_before() {
    let mut rig = Rig::new();
    rig.seat(1, "RM_1");
    rig.seat(2, "RM_2");
    rig.rooms.connect(call(3), &leg_sid(3), -4);
    rig.open_leg(3, "RM_1");
    let level = |rig: &mut Rig, speaker| {
        let mut level = 0;
        for _ in 0..100 {
            let heard = rig.tick(&[speaker]);
            let frame = heard.iter().find(|(heard, _)| *heard == call(3)).and_then(|(_, frame)| *frame);
            level = frame.map_or(127, |frame| crate::media::level::level_dbov(&frame));
        }
        level
    };
    let quiet = level(&mut rig, 1);
    rig.open_leg(4, "RM_2");
    rig.rooms.connect(call(3), &leg_sid(4), -4);
    assert_eq!(level(&mut rig, 1), 127);
    assert_eq!(level(&mut rig, 2), quiet);
    rig.rooms.set_volume(call(3), 0);
    assert_eq!(level(&mut rig, 2), quiet - 12);
}

#[test]
fn voices_are_opus_whose_time_goes_on_while_they_are_muted() {
    let mut rig = Rig::new();
    rig.seat(1, "RM_1");
    let mut opus = Vec::new();
    let mut stamps = Vec::new();
    for tick in 0..100 {
        let is_muted = (40..60).contains(&tick);
        rig.rooms.handle_command(&BridgeCommand::Mute { track: TrackId(1), is_muted });
        let packet = rig.rooms.voice_packet(call(1), &words(1, tick), &mut opus).unwrap();
        assert_eq!(packet.is_none(), is_muted);
        if let Some((track, packet)) = packet {
            assert_eq!((track, packet.audio_level), (TrackId(1), 0x80 | 18));
            assert_eq!(packet.rtp_timestamp, 960 * (tick as u32 + 1));
            assert_eq!(packet.marker, tick == 0 || tick == 60);
            stamps.push(packet.rtp_timestamp);
        }
    }
    assert_eq!(stamps.len(), 80);
}

#[test]
fn nothing_is_left_when_all_have_gone() {
    let mut rig = Rig::new();
    for number in 1..=20 {
        rig.seat(number, if number % 2 == 0 { "RM_1" } else { "RM_2" });
        rig.hear(number, ANNAS);
        rig.rooms.connect(call(number + 100), &leg_sid(number + 100), 0);
    }
    for number in 1..=20 {
        // Legs go first for half of them, and calls for the others.
        if number <= 10 {
            rig.rooms.handle_command(&BridgeCommand::CloseLeg { leg: TransportId(number) });
            assert!(!rig.rooms.has_place(call(number)));
            rig.rooms.disconnect(call(number));
        } else {
            rig.rooms.disconnect(call(number));
            rig.rooms.handle_command(&BridgeCommand::CloseLeg { leg: TransportId(number) });
        }
        rig.rooms.disconnect(call(number + 100));
    }
    let rooms = &rig.rooms;
    assert!(rooms.is_empty() && rooms.numbers.is_empty() && rooms.legs.is_empty() && rooms.names.is_empty());
    assert!(rooms.seats.is_empty() && rooms.wanted.is_empty() && rooms.heard.is_empty() && rooms.voices.is_empty());
}

/// From the tick in which a sound comes from one telephone to that in which it goes to another: what the bridge itself
/// delays, beside the 20 ms of a packet and the 10 ms that it waits for its tick on average.
#[test]
fn a_sound_is_through_the_bridge_within_three_ticks() {
    let mut rig = Rig::new();
    let mut calls = [1, 2].map(|number| (rig.take_call(number, "RM_1", USUAL), Phone::new()));
    let mut speaker = crate::sound::testing::Whistler::new();
    let (mut began, mut heard, mut was_whistling) = (None, Vec::new(), false);
    for tick in 0..400 {
        rig.now += FRAME_TIME;
        let words = speaker.next();
        let whistles = share(&words, 1_000.0) > 0.99;
        if whistles && !was_whistling && tick > 200 {
            began = Some(tick);
        }
        was_whistling = whistles;
        let mut packet = calls[0].1.say(&words);
        calls[0].0.handle_datagram(rig.now, "192.0.2.1:4000".parse().unwrap(), &mut packet);
        for (number, (sound, _)) in (1..).zip(&mut calls) {
            sound.listen(rig.now);
            rig.rooms.listen_to(call(number), sound.said());
        }
        let now = rig.now;
        rig.rooms.tick(now, |key, meeting| {
            let (sound, phone) = &mut calls[key.0 as usize - 1];
            sound.speak(now, meeting, &mut Vec::new(), |_, packet| {
                let sound = phone.hear(packet);
                if key == call(2) && sound.is_some_and(|frame| share(&frame, 1_000.0) > 0.9) {
                    heard.push(tick);
                }
            });
        });
        if let Some(began) = began
            && let Some(first) = heard.iter().find(|heard| **heard >= began)
        {
            println!("a sound is through the bridge after {} ms", (first - began) * 20);
            assert!((1..=3).contains(&(first - began)), "{} ticks", first - began);
            return;
        }
    }
    panic!("it was never heard");
}

#[test]
fn a_tone_is_heard_by_all_and_is_nobodys_voice() {
    let mut rig = Rig::new();
    rig.seat(1, "RM_1");
    rig.seat(2, "RM_1");
    let tone = |tick| Said { is_speech: false, is_tone: true, ..words(1, tick) };
    let mut heard = 0;
    for tick in 0..50 {
        rig.rooms.listen_to(call(1), &tone(tick));
        rig.now += FRAME_TIME;
        rig.rooms.tick(rig.now, |who, frame| {
            heard += usize::from(who == call(2) && frame.is_some_and(|frame| share(frame, hz(1)) > 0.8));
        });
        let packet = rig.rooms.voice_packet(call(1), &tone(tick), &mut Vec::new()).unwrap();
        let (_, packet) = packet.expect("a packet in each tick");
        assert_eq!(packet.audio_level, 18, "how loud it is, and that it is no voice");
    }
    assert!(heard > 40, "{heard} of 50");
}
