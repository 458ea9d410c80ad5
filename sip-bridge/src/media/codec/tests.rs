// SPDX-License-Identifier: EUPL-1.2
//! The codecs against their standards, against another implementation, and against nonsense.

use std::f64::consts::TAU;

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

use super::*;
use crate::audio::SILENCE;
use crate::media::sample_speech::speech;

const CODECS: [PhoneCodec; 4] = [PhoneCodec::Pcma, PhoneCodec::Pcmu, PhoneCodec::G722, PhoneCodec::Opus];

fn through(codec: PhoneCodec, sound: &[Frame]) -> Vec<i16> {
    let mut encoder = PhoneEncoder::new(codec, OpusSettings::default()).unwrap();
    let mut decoder = PhoneDecoder::new(codec).unwrap();
    let mut out = Vec::new();
    for frame in sound {
        let mut payload = Vec::new();
        let mut heard = SILENCE;
        encoder.encode(frame, &mut payload).unwrap();
        assert_eq!(codec.samples_in(&payload), Some(FRAME_SAMPLES));
        assert_eq!(decoder.decode(&payload, &mut heard).unwrap(), FRAME_SAMPLES);
        out.extend(heard);
    }
    out
}

/// The signal over the noise, in dB, at the delay where they fit best.
fn snr(sound: &[i16], heard: &[i16]) -> f64 {
    let at = |delay: usize| {
        let (mut signal, mut noise) = (0.0, 1.0);
        for (a, b) in sound.iter().zip(&heard[delay..]) {
            signal += f64::from(*a).powi(2);
            noise += (f64::from(*a) - f64::from(*b)).powi(2);
        }
        10.0 * (signal / noise).log10()
    };
    (0..200).map(at).fold(f64::NEG_INFINITY, f64::max)
}

fn tone(hz: f64) -> Vec<Frame> {
    let sample = |n: usize| (6000.0 * (TAU * hz * n as f64 / 16_000.0).sin()).round() as i16;
    (0..50).map(|at| std::array::from_fn(|n| sample(at * FRAME_SAMPLES + n))).collect()
}

fn energy(sound: &[i16]) -> f64 {
    sound.iter().map(|sample| f64::from(*sample).powi(2)).sum()
}

/// FNV-1a, to compare much by little.
fn digest(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn g711_has_the_values_of_the_standard() {
    // Ends of segments from G.711 tables 1a and 2a, scaled to 16 bits.
    for (code, value) in [(0xd5, 8), (0x55, -8), (0xd4, 24), (0xc5, 264), (0xaa, 32_256), (0x2a, -32_256), (0x80, 5504)]
    {
        assert_eq!(g711::ALAW[code], value, "A-law {code:#x}");
    }
    for (code, value) in [(0xff, 0), (0x7f, 0), (0xfe, 8), (0xef, 132), (0x80, 32_124), (0x00, -32_124), (0x8f, 16_764)]
    {
        assert_eq!(g711::MULAW[code], value, "µ-law {code:#x}");
    }
}

#[test]
fn every_g711_code_comes_back() {
    for code in 0..=255u8 {
        assert_eq!(g711::compress_alaw(g711::expand(&g711::ALAW, code)), code);
        // µ-law has two zeros.
        let expected = if code == 0x7f { 0xff } else { code };
        assert_eq!(g711::compress_mulaw(g711::expand(&g711::MULAW, code)), expected);
    }
}

#[test]
fn every_sample_gets_a_g711_code_of_its_interval() {
    let check = |table: &[i16; 256], compress: fn(i16) -> u8, loudest: i32| {
        let mut values: Vec<i32> = table.iter().map(|value| i32::from(*value)).collect();
        values.sort_unstable();
        values.dedup();
        for sample in i16::MIN..=i16::MAX {
            let sample = i32::from(sample);
            let error = (i32::from(table[usize::from(compress(sample as i16))]) - sample).abs();
            let above = values.partition_point(|value| *value < sample).min(values.len() - 1);
            let nearest = [above.saturating_sub(1), above].map(|index| (values[index] - sample).abs());
            // Where intervals of two sizes meet, the border is not in the middle.
            let best = nearest[0].min(nearest[1]);
            assert!(error == best || error <= nearest[0].max(nearest[1]) && error <= best * 2 + 2, "{sample}");
            assert!(error <= loudest, "{sample} is {error} off");
        }
    };
    check(&g711::ALAW, g711::compress_alaw, 512);
    check(&g711::MULAW, g711::compress_mulaw, 644);
}

#[test]
fn g722_agrees_bit_by_bit_with_another_implementation() {
    // libg722 1.2.8 (PyPI), given the same sentence.
    let mut encoder = PhoneEncoder::new(PhoneCodec::G722, OpusSettings::default()).unwrap();
    let mut payload = Vec::new();
    for frame in speech() {
        encoder.encode(&frame, &mut payload).unwrap();
    }
    assert_eq!(digest(payload.iter().copied()), 0x3885_f03a_8ebd_8a34, "encoder");
    let mut decoder = PhoneDecoder::new(PhoneCodec::G722).unwrap();
    let mut sound = Vec::new();
    for payload in payload.chunks(160) {
        let mut frame = SILENCE;
        decoder.decode(payload, &mut frame).unwrap();
        sound.extend(frame.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    assert_eq!(digest(sound.into_iter()), 0x9e8c_4502_1923_8986, "decoder");
}

#[test]
fn g722_keeps_tones_up_to_7_khz() {
    for hz in [100.0, 300.0, 1000.0, 2000.0, 3000.0, 3900.0, 4100.0, 5000.0, 6000.0, 6500.0, 6800.0, 7000.0] {
        let sound = tone(hz);
        let heard = through(PhoneCodec::G722, &sound);
        let before = energy(&sound[5..].concat());
        let kept = 10.0 * (energy(&heard[5 * FRAME_SAMPLES..]) / before).log10();
        assert!(kept.abs() < 1.0, "{hz} Hz: {kept} dB");
    }
}

#[test]
fn speech_survives_every_codec() {
    let sound = speech();
    let flat = sound.concat();
    // Narrow codecs lose what is above 3.4 kHz, and Opus does not keep waveforms.
    for (codec, least) in
        [(PhoneCodec::G722, 18.0), (PhoneCodec::Pcma, 9.0), (PhoneCodec::Pcmu, 9.0), (PhoneCodec::Opus, 5.0)]
    {
        let ratio = snr(&flat[..flat.len() - 200], &through(codec, &sound));
        assert!(ratio > least, "{codec:?}: {ratio} dB");
    }
    // Below 3.4 kHz, G.711 does as well as its steps allow.
    let low = tone(1000.0);
    let flat = low.concat();
    for codec in [PhoneCodec::Pcma, PhoneCodec::Pcmu] {
        let ratio = snr(&flat[..flat.len() - 200], &through(codec, &low));
        assert!(ratio > 30.0, "{codec:?}: {ratio} dB");
    }
}

#[test]
fn timestamps_count_as_the_standards_say() {
    for (codec, ticks) in CODECS.into_iter().zip([160, 160, 160, 960]) {
        assert_eq!(codec.rtp_ticks(FRAME_SAMPLES), ticks);
    }
    for (bytes, samples) in [(80, 160), (160, 320), (240, 480), (480, 960)] {
        assert_eq!(PhoneCodec::Pcma.samples_in(&vec![0xd5; bytes]), Some(samples));
    }
    assert_eq!(PhoneCodec::G722.samples_in(&[]), None);
    assert_eq!(PhoneCodec::G722.samples_in(&[0; 961]), None, "more than 120 ms");
    // RFC 6716 §3.1: SILK 60 ms, hybrid 20 ms twice, CELT 2.5 ms five times.
    assert_eq!(PhoneCodec::Opus.samples_in(&[3 << 3]), Some(960));
    assert_eq!(PhoneCodec::Opus.samples_in(&[13 << 3 | 1]), Some(640));
    assert_eq!(PhoneCodec::Opus.samples_in(&[16 << 3 | 3, 5]), Some(200));
    assert_eq!(PhoneCodec::Opus.samples_in(&[3 << 3 | 3, 3]), None, "180 ms");
}

#[test]
fn opus_uses_the_copy_of_a_lost_packet() {
    let settings = OpusSettings { has_fec: true, expected_loss_percent: 20, ..OpusSettings::default() };
    let mut encoder = PhoneEncoder::new(PhoneCodec::Opus, settings).unwrap();
    let sound = speech();
    let payloads: Vec<Vec<u8>> = sound
        .iter()
        .map(|frame| {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload).unwrap();
            payload
        })
        .collect();
    // Every tenth packet is lost: how far is what is heard from what would have been?
    let mut whole = PhoneDecoder::new(PhoneCodec::Opus).unwrap();
    let mut lossy = PhoneDecoder::new(PhoneCodec::Opus).unwrap();
    let (mut error, mut all, mut recovered, mut lost) = (0.0, 0.0, 0, 0);
    for (at, payload) in payloads.iter().enumerate() {
        let (mut real, mut heard) = (SILENCE, SILENCE);
        whole.decode(payload, &mut real).unwrap();
        if at % 10 == 5 {
            lost += 1;
            if lossy.recover(payloads.get(at + 1).map(Vec::as_slice), &mut heard) {
                recovered += 1;
                let difference: Vec<i16> = real.iter().zip(heard).map(|(a, b)| a.saturating_sub(b)).collect();
                error += energy(&difference);
                all += energy(&real);
            }
        } else {
            lossy.decode(payload, &mut heard).unwrap();
        }
    }
    assert!(recovered * 2 > lost, "{recovered} of {lost}");
    assert!(error < all * 0.2, "{} dB", 10.0 * (error / all).log10());
    let mut plain = PhoneEncoder::new(PhoneCodec::Opus, OpusSettings::default()).unwrap();
    for frame in &sound {
        let mut payload = Vec::new();
        plain.encode(frame, &mut payload).unwrap();
        assert!(!lossy.recover(Some(&payload), &mut [0; FRAME_SAMPLES]), "no copy is in there");
    }
}

#[test]
fn nonsense_is_refused_or_decoded_but_nothing_breaks() {
    let mut rng = StdRng::seed_from_u64(7);
    for codec in CODECS {
        let mut decoder = PhoneDecoder::new(codec).unwrap();
        let mut out = [0; MAX_PACKET_SAMPLES];
        for _ in 0..3000 {
            let mut payload = vec![0; rng.random_range(0..200)];
            rng.fill_bytes(&mut payload);
            if let Ok(samples) = decoder.decode(&payload, &mut out) {
                assert!((1..=MAX_PACKET_SAMPLES).contains(&samples));
            }
            if rng.random_bool(0.1) {
                decoder.recover(Some(&payload), &mut out[..320]);
                decoder.recover(Some(&payload), &mut out[..37]);
            }
        }
        assert!(decoder.decode(&[0xd5; 160], &mut []).is_err());
    }
}
