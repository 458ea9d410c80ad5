// SPDX-License-Identifier: EUPL-1.2
//! What made-up callers and people in rooms say, and how it is recognised.

use std::f64::consts::TAU;
use std::sync::Arc;

use anyhow::{Context, Result};
use sip_bridge::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};
use sip_bridge::media::codec::{OpusSettings, PhoneCodec, PhoneDecoder, PhoneEncoder};

/// A spoken sentence of four seconds; `sip-bridge/tests/sounds/README.md` says where it is from.
const SENTENCE: &[u8] = include_bytes!("../../../sip-bridge/tests/sounds/sentence.wav");

/// Where the samples begin in a plain WAV file.
const WAV_HEADER_BYTES: usize = 44;

/// What is whistled. A period is a whole number of samples at 8 and at 16 kHz, and a frame a whole number of periods.
pub(super) const WHISTLE_HZ: f64 = 1_000.0;

/// How high it swings: loud beside three people who speak.
const WHISTLE_PEAK: f64 = 12_000.0;

/// The share of a frame's power at [`WHISTLE_HZ`] from which somebody whistles.
pub(super) const WHISTLED: f64 = 0.6;

/// What is quieter is nothing, as mean power of samples: −50 dBov.
const QUIET: f64 = 32_768.0 * 32_768.0 * 1e-5;

/// Frames at the beginning of the sentence that are silent.
const LEAD_FRAMES: usize = 8;

/// The level to which speech is evened out, in −dBov: as loud as people are on the telephone.
const EVEN_DBOV: u8 = 22;

/// In pieces of so many samples, 10 ms.
const EVEN_SAMPLES: usize = FRAME_SAMPLES / 2;

/// Pieces of the sentence that are louder than that, in −dBov, are speech.
const SPOKEN_DBOV: u8 = 38;

/// Sound, 20 ms after 20 ms, over and over.
pub(super) type Payloads = Arc<[Box<[u8]>]>;

pub(super) fn sentence() -> Vec<Frame> {
    let samples: Vec<i16> =
        SENTENCE[WAV_HEADER_BYTES..].chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect();
    samples.chunks_exact(FRAME_SAMPLES).filter_map(|frame| frame.try_into().ok()).collect()
}

/// A frame of the whistle. All are the same.
pub(super) fn whistle() -> Frame {
    std::array::from_fn(|at| {
        let time = at as f64 / f64::from(SAMPLE_RATE_HZ);
        (WHISTLE_PEAK * (TAU * WHISTLE_HZ * time).sin()) as i16
    })
}

/// So many frames of speech, and so many of the whistle behind them: a tone alone is not taken for a voice, one that
/// follows on words belongs to them.
pub(super) fn words_and_whistle(words: usize, whistled: usize) -> Vec<Frame> {
    let words = sentence().into_iter().skip(LEAD_FRAMES).cycle().take(words);
    words.chain(std::iter::repeat_n(whistle(), whistled)).collect()
}

/// Speech without pauses and of one level, in which a gap is told by its level alone: the spoken pieces of the sentence, each
/// with the gain that makes it as loud as the others. They are shorter than frames, so that frames are even wherever a
/// receiver lets them begin. It has been through a telephone before: hissing that is beyond what one carries would be a gap
/// afterwards.
pub(super) fn even_speech() -> Result<Vec<Frame>> {
    let mut decoder = PhoneDecoder::new(PhoneCodec::Pcma)?;
    let mut narrow = Vec::new();
    for payload in encode(PhoneCodec::Pcma, &sentence())?.iter() {
        let mut frame = SILENCE;
        decoder.decode(payload, &mut frame)?;
        narrow.extend(frame);
    }
    let mut even: Vec<i16> = Vec::with_capacity(narrow.len());
    for piece in narrow.chunks_exact(EVEN_SAMPLES) {
        let power = piece.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / EVEN_SAMPLES as f64;
        let below = -10.0 * (power / (32_768.0 * 32_768.0)).log10();
        if below < f64::from(SPOKEN_DBOV) {
            let gain = 10_f64.powf((below - f64::from(EVEN_DBOV)) / 20.0);
            even.extend(piece.iter().map(|sample| (f64::from(*sample) * gain).clamp(-32_768.0, 32_767.0) as i16));
        }
    }
    Ok(even.chunks_exact(FRAME_SAMPLES).filter_map(|frame| frame.try_into().ok()).collect())
}

/// The frames as packets of a codec. They are encoded twice and the second time counts, so that the end goes over into the
/// beginning.
pub(super) fn encode(codec: PhoneCodec, frames: &[Frame]) -> Result<Payloads> {
    let mut encoder = PhoneEncoder::new(codec, OpusSettings::default())?;
    let mut payloads = Vec::with_capacity(2 * frames.len());
    for frame in frames.iter().chain(frames) {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).context("sound that cannot be encoded")?;
        payloads.push(payload.into_boxed_slice());
    }
    Ok(payloads.split_off(frames.len()).into())
}

pub(super) fn silence() -> Vec<Frame> {
    vec![SILENCE]
}

/// Which share of some samples' power is at the whistle's frequency, by Goertzel's algorithm; nothing for what is quiet.
pub(super) fn whistled_share(samples: &[i16], rate_hz: u32) -> f64 {
    let all: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    if all < QUIET * samples.len() as f64 {
        return 0.0;
    }
    let coefficient = 2.0 * (TAU * WHISTLE_HZ / f64::from(rate_hz)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (f64::from(*sample) + coefficient * last - before, last);
    }
    let at_frequency = last * last + before * before - coefficient * last * before;
    2.0 * at_frequency / (samples.len() as f64 * all)
}

#[cfg(test)]
mod tests {
    use sip_bridge::media::level::level_dbov;

    use super::*;

    #[test]
    fn a_whistle_is_told_from_speech() {
        assert!(whistled_share(&whistle(), SAMPLE_RATE_HZ) > 0.99);
        assert_eq!(whistled_share(&SILENCE, SAMPLE_RATE_HZ), 0.0);
        let whistled = |frame: &&Frame| whistled_share(&frame[..], SAMPLE_RATE_HZ) > WHISTLED;
        assert!(sentence().iter().filter(whistled).count() < 3);
        assert_eq!(words_and_whistle(30, 10).iter().filter(whistled).count(), 10);
    }

    #[test]
    fn even_speech_has_no_pause() {
        let even = even_speech().unwrap();
        assert!(even.len() > 100, "{}", even.len());
        assert!(even.iter().all(|frame| (EVEN_DBOV - 3..=EVEN_DBOV + 3).contains(&level_dbov(frame))));
    }

    #[test]
    fn what_is_encoded_goes_on_where_it_ends() {
        for codec in [PhoneCodec::Pcma, PhoneCodec::Opus] {
            let payloads = encode(codec, &[whistle(); 10]).unwrap();
            let mut decoder = PhoneDecoder::new(codec).unwrap();
            let mut frame = SILENCE;
            let heard = payloads.iter().chain(payloads.iter()).map(|payload| {
                decoder.decode(payload, &mut frame).unwrap();
                whistled_share(&frame, SAMPLE_RATE_HZ)
            });
            assert!(heard.skip(3).all(|share| share > 0.95), "{codec:?}");
        }
    }
}
