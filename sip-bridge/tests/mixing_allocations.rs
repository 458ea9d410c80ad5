// SPDX-License-Identifier: EUPL-1.2
//! Mixing allocates nothing once everybody was heard once, apart from what the Opus codec itself allocates for some packets.

// Clippy knows tests by their attribute, and helpers have none.
#![allow(clippy::unwrap_used)]

use std::f32::consts::TAU;
use std::time::Instant;

use counting_allocator::{CountingAllocator, allocations_of};
use ropus::{Application, Bitrate, Channels, Encoder, OpusDecoder};
use sip_bridge::audio::{FRAME_SAMPLES, FRAME_TIME, Frame, SILENCE};
use sip_bridge::mixing::{CallerId, HoldMusic, Player, RoomMix, SoundToken, SourceId, Voice};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn tone(tick: usize) -> Frame {
    std::array::from_fn(|at| (8_000.0 * (TAU * 440.0 * (tick * FRAME_SAMPLES + at) as f32 / 16_000.0).sin()) as i16)
}

/// What a browser sends of a tone.
fn packets(ticks: usize) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::builder(48_000, Channels::Mono, Application::Voip)
        .bitrate(Bitrate::Bits(32_000))
        .complexity(3)
        .build()
        .unwrap();
    (0..ticks)
        .map(|tick| {
            let pcm: Vec<i16> = (0..960)
                .map(|at| (8_000.0 * (TAU * 440.0 * (tick * 960 + at) as f32 / 48_000.0).sin()) as i16)
                .collect();
            let mut packet = vec![0; 400];
            let length = encoder.encode(&pcm, &mut packet).unwrap();
            packet.truncate(length);
            packet
        })
        .collect()
}

#[test]
fn a_room_of_callers_allocates_nothing() {
    let mut room = RoomMix::default();
    let mut now = Instant::now();
    for id in 0..50 {
        room.add_caller(CallerId(id)).unwrap();
    }
    room.set_volume(CallerId(40), 3);
    let mut run = |ticks: std::ops::Range<usize>| {
        for tick in ticks {
            now += FRAME_TIME;
            for id in 0..50 {
                // They take turns, and some of them shout at the same time.
                let is_speech = id as usize % 10 == tick / 30 % 10;
                room.caller_frame(CallerId(id), Some(&tone(tick)), is_speech, 15 + (id % 7) as u8 * 3);
            }
            let mixes = room.tick(now);
            std::hint::black_box(mixes.of(CallerId(3)).frame());
        }
    };
    run(0..300);
    assert_eq!(allocations_of(|| run(300..900)), 0);
}

#[test]
fn browsers_cost_no_allocation_but_those_of_the_codec() {
    let packets = packets(700);
    let mut decoder = OpusDecoder::new(16_000, 1).unwrap();
    let mut of_codec = 0;
    for (number, packet) in packets.iter().enumerate() {
        let mut out = SILENCE;
        let count = allocations_of(|| {
            decoder.decode(Some(packet), &mut out, FRAME_SAMPLES as i32, false).unwrap();
        });
        of_codec += if number >= 300 { count } else { 0 };
    }
    let mut room = RoomMix::default();
    room.add_caller(CallerId(1)).unwrap();
    let mut now = Instant::now();
    let mut run = |ticks: std::ops::Range<usize>| {
        for tick in ticks {
            now += FRAME_TIME;
            for id in 0..3 {
                room.handle_packet(now, SourceId(id), tick as u16, tick as u32 * 960, Some(20), &packets[tick]);
            }
            std::hint::black_box(room.tick(now).of(CallerId(1)).frame());
        }
    };
    run(0..300);
    let allocations = allocations_of(|| run(300..700));
    // A packet or two may wait at either end.
    assert!(
        allocations <= 3 * of_codec + 3 * of_codec / 100 + 12,
        "{allocations}, the codec alone {of_codec} for one source"
    );
}

#[test]
fn a_silent_room_allocates_nothing() {
    let mut room = RoomMix::default();
    room.add_caller(CallerId(1)).unwrap();
    let now = Instant::now();
    let run = || {
        for tick in 0..100 {
            room.caller_frame(CallerId(1), Some(&SILENCE), false, 127);
            assert!(room.tick(now + tick * FRAME_TIME).of(CallerId(1)).frame().is_none());
        }
    };
    assert_eq!(allocations_of(run), 0);
}

#[test]
fn a_voice_that_pauses_allocates_nothing_and_one_that_speaks_only_in_the_codec() {
    let mut encoder = Encoder::builder(16_000, Channels::Mono, Application::Voip)
        .bitrate(Bitrate::Bits(24_000))
        .complexity(5)
        .signal(ropus::Signal::Voice)
        .build()
        .unwrap();
    let mut voice = Voice::new().unwrap();
    let mut packet = Vec::with_capacity(1_500);
    let (mut of_codec, mut of_voice) = (0, 0);
    for tick in 0..100 {
        let frame = tone(tick);
        let mut out = [0; 1_276];
        of_codec += allocations_of(|| {
            encoder.encode(&frame, &mut out).unwrap();
        });
        of_voice += allocations_of(|| {
            voice.encode(&frame, true, 20, &mut packet).unwrap();
        });
    }
    assert_eq!(of_voice, of_codec);
    let mut sent = 0;
    let pause = |voice: &mut Voice, packet: &mut Vec<u8>| voice.encode(&SILENCE, false, 127, packet).is_some();
    for _ in 0..12 {
        pause(&mut voice, &mut packet);
    }
    assert_eq!(allocations_of(|| sent += usize::from((0..15).any(|_| pause(&mut voice, &mut packet)))), 0);
    assert_eq!(sent, 0);
}

#[test]
fn a_player_allocates_nothing_while_it_plays() {
    let mut player = Player::new();
    player.start_music(HoldMusic::generate());
    player.play(vec![1_000; 16_000].into(), SoundToken(1)).unwrap();
    let mut out = SILENCE;
    let meeting = tone(0);
    player.tick(Some(&meeting), &mut out);
    let run = || {
        for _ in 0..45 {
            assert!(player.tick(Some(&meeting), &mut out));
        }
    };
    assert_eq!(allocations_of(run), 0);
}
