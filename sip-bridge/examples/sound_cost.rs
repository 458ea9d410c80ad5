// SPDX-License-Identifier: EUPL-1.2
//! What each piece of a call's sound costs on this machine, in µs for each frame of 20 ms:
//! `cargo run --release -p sip-bridge --example sound_cost`. On a machine that does other things, the best round counts.

#![allow(clippy::unwrap_used, reason = "a program for developers")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use sip_bridge::audio::{FRAME_SAMPLES, Frame, SILENCE};
use sip_bridge::media::codec::{MAX_PAYLOAD_BYTES, OpusSettings, PhoneCodec, PhoneDecoder, PhoneEncoder};
use sip_bridge::media::comfort_noise::ComfortNoise;
use sip_bridge::media::concealment::Concealment;
use sip_bridge::media::downlink::{Downlink, DownlinkSettings};
use sip_bridge::media::in_band_digits::InBandDigits;
use sip_bridge::media::jitter_buffer::{JitterBuffer, Packet, PacketKind};
use sip_bridge::media::level::{LevelControl, level_dbov};
use sip_bridge::media::resample::{Halver, Upsampler};
use sip_bridge::media::time_scaling::{Care, shorten};
use sip_bridge::media::uplink::{Uplink, UplinkSettings};
use sip_bridge::media::voice_activity::VoiceActivity;

const ROUNDS: u32 = 7;

/// Prints what one call of `work` costs: the best of some rounds over all frames.
fn cost(name: &str, sound: &[Frame], mut work: impl FnMut(usize, &Frame)) {
    let round = |work: &mut dyn FnMut(usize, &Frame)| {
        let start = Instant::now();
        for (n, frame) in sound.iter().enumerate() {
            work(n, frame);
        }
        start.elapsed()
    };
    let best = (0..ROUNDS).map(|_| round(&mut work)).min().unwrap_or_default();
    println!("{name:<34} {:>8.2} µs", best.as_secs_f64() * 1e6 / sound.len() as f64);
}

fn main() {
    let wav = include_bytes!("../tests/sounds/sentence.wav");
    let samples: Vec<i16> = wav[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let sound: Vec<Frame> = samples.chunks_exact(FRAME_SAMPLES).map(|frame| frame.try_into().unwrap()).collect();
    for codec in [PhoneCodec::Pcma, PhoneCodec::Pcmu, PhoneCodec::G722, PhoneCodec::Opus] {
        codec_costs(codec, &sound);
    }
    piece_costs(&sound);
}

fn codec_costs(codec: PhoneCodec, sound: &[Frame]) {
    let mut encoder = PhoneEncoder::new(codec, OpusSettings::default()).unwrap();
    let mut payload = Vec::with_capacity(MAX_PAYLOAD_BYTES);
    cost(&format!("encode {codec:?}"), sound, |_, frame| {
        payload.clear();
        encoder.encode(frame, &mut payload).unwrap();
    });
    let payloads: Vec<Vec<u8>> = sound
        .iter()
        .map(|frame| {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload).unwrap();
            payload
        })
        .collect();
    let mut decoder = PhoneDecoder::new(codec).unwrap();
    let mut out = SILENCE;
    cost(&format!("decode {codec:?}"), sound, |n, _| {
        decoder.decode(&payloads[n], &mut out).unwrap();
    });
    let mut rng = StdRng::seed_from_u64(1);
    for listens_for_digits in [false, true] {
        let settings = UplinkSettings { codec, listens_for_digits, controls_level: true };
        let mut uplink = Uplink::new(settings, &mut rng).unwrap();
        let start = Instant::now();
        let mut at = 0u32;
        let digits = if listens_for_digits { " with digits" } else { "" };
        cost(&format!("uplink {codec:?}{digits}, 1 % lost"), sound, |n, _| {
            let now = start + Duration::from_millis(20) * at;
            if at % 100 != 50 {
                let timestamp = codec.rtp_ticks(FRAME_SAMPLES).wrapping_mul(at);
                uplink.handle_payload(now, at as u16, timestamp, PacketKind::Sound, &payloads[n]);
            }
            black_box(uplink.pull(now).level_dbov);
            at += 1;
        });
    }
    let settings = DownlinkSettings { codec, opus: OpusSettings::default(), may_leave_out_silence: false };
    let mut downlink = Downlink::new(settings, &mut rng).unwrap();
    cost(&format!("downlink {codec:?}"), sound, |_, frame| {
        payload.clear();
        downlink.push(frame, &mut payload);
    });
}

fn piece_costs(sound: &[Frame]) {
    let mut narrow = [0; FRAME_SAMPLES / 2];
    let mut wide = SILENCE;
    let mut halver = Halver::new();
    cost("16 to 8 kHz", sound, |_, frame| halver.process(frame, &mut narrow));
    let mut upsampler = Upsampler::new();
    cost("8 to 16 kHz", sound, |_, frame| upsampler.process(&frame[..FRAME_SAMPLES / 2], &mut wide));
    let mut jitter = JitterBuffer::new(8000);
    let (start, mut at) = (Instant::now(), 0u32);
    cost("jitter buffer", sound, |_, _| {
        let now = start + Duration::from_millis(20) * at;
        let kind = PacketKind::Sound;
        let packet = Packet { seq_no: at as u16, rtp_timestamp: 160 * at, rtp_ticks: 160, kind, payload: &[0; 160] };
        jitter.handle_packet(now, &packet);
        black_box(jitter.pull(now, Duration::ZERO));
        black_box(jitter.pace(now, Duration::ZERO, false));
        at += 1;
    });
    let mut concealment = Concealment::new();
    cost("concealment: remember", sound, |_, frame| concealment.hear(&mut frame.clone()));
    cost("concealment: one frame lost of two", sound, |n, frame| {
        let mut frame = *frame;
        if n % 2 == 0 { concealment.hear(&mut frame) } else { concealment.conceal(&mut frame) }
    });
    cost("leave out a piece", &sound[1..], |n, frame| {
        let mut both = [0; 2 * FRAME_SAMPLES];
        both[..FRAME_SAMPLES].copy_from_slice(&sound[n]);
        both[FRAME_SAMPLES..].copy_from_slice(frame);
        black_box(shorten(&mut both, Care::Sound(0.75)));
    });
    let mut level = LevelControl::new();
    cost("level control", sound, |_, frame| level.process(&mut frame.clone(), true));
    cost("level", sound, |_, frame| {
        black_box(level_dbov(frame));
    });
    let mut activity = VoiceActivity::new();
    cost("voice activity", sound, |_, frame| {
        black_box(activity.hear(frame));
    });
    let mut digits = InBandDigits::new();
    cost("digits as tones", sound, |_, frame| {
        black_box(digits.hear(frame));
    });
    let mut noise = ComfortNoise::new(60, &mut StdRng::seed_from_u64(1));
    cost("comfort noise", sound, |_, _| noise.fill(&mut wide));
}
