// SPDX-License-Identifier: EUPL-1.2

//! What a telephone says, and how it is known again at another one. It says words with a tone behind them: a tone alone is not
//! taken for a voice.

use std::f64::consts::TAU;

use sip_bridge::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};
use sip_bridge::media::codec::{OpusSettings, PhoneCodec, PhoneDecoder, PhoneEncoder};

/// A spoken sentence of four seconds; the README beside it says where it is from.
const SENTENCE: &[u8] = include_bytes!("../../sip-bridge/tests/sounds/sentence.wav");

/// Where the samples begin in a plain WAV file.
const WAV_HEADER_BYTES: usize = 44;

/// Higher than any voice and any chime. A frame is a whole number of periods.
const TONE_HZ: f64 = 2_500.0;

/// How high it swings: somewhat louder than a voice.
const TONE_PEAK: f64 = 9_000.0;

/// Frames of words without the silence in front of them, and of the tone.
const LEAD_FRAMES: usize = 8;
const WORD_FRAMES: usize = 100;
const TONE_FRAMES: usize = 15;

/// Frames of the tone in a row by which it is known: 100 ms.
const KNOWN_FRAMES: usize = 5;

/// The share of their power that is at the tone, of frames that have it.
const TONE_SHARE: f64 = 0.6;

/// What is quieter is nothing, as mean power of samples: −50 dBov.
const QUIET: f64 = 32_768.0 * 32_768.0 * 1e-5;

/// Words and the tone as packets of PCMA, to be said over and over.
pub(crate) fn words_and_tone() -> Vec<Vec<u8>> {
    let mut samples =
        SENTENCE[WAV_HEADER_BYTES..].chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]));
    let words = (0..LEAD_FRAMES + WORD_FRAMES)
        .map(|_| -> Frame { std::array::from_fn(|_| samples.next().expect("a sentence that is longer")) })
        .skip(LEAD_FRAMES);
    let tone: Frame =
        std::array::from_fn(|at| (TONE_PEAK * (TAU * TONE_HZ * at as f64 / f64::from(SAMPLE_RATE_HZ)).sin()) as i16);
    let mut encoder = PhoneEncoder::new(PhoneCodec::Pcma, OpusSettings::default()).expect("an encoder");
    let encode = |frame: Frame| {
        let mut payload = Vec::new();
        encoder.encode(&frame, &mut payload).expect("encoded");
        payload
    };
    words.chain(std::iter::repeat_n(tone, TONE_FRAMES)).map(encode).collect()
}

/// Listens for the tone.
pub(crate) struct Ear {
    decoder: PhoneDecoder,
    in_a_row: usize,
    knows_it: bool,
}

impl Ear {
    /// One that has heard nothing yet.
    pub(crate) fn new() -> Self {
        Self { decoder: PhoneDecoder::new(PhoneCodec::Pcma).expect("a decoder"), in_a_row: 0, knows_it: false }
    }

    /// Hears a packet of PCMA.
    pub(crate) fn hear(&mut self, payload: &[u8]) {
        let mut frame = SILENCE;
        let samples = self.decoder.decode(payload, &mut frame).expect("20 ms of PCMA");
        assert_eq!(samples, FRAME_SAMPLES);
        self.in_a_row = if tone_share(&frame) > TONE_SHARE { self.in_a_row + 1 } else { 0 };
        self.knows_it |= self.in_a_row >= KNOWN_FRAMES;
    }

    /// Whether the tone was heard so far.
    pub(crate) fn has_heard_tone(&self) -> bool {
        self.knows_it
    }
}

/// Which share of a frame's power is at the tone, by Goertzel's algorithm; nothing for what is quiet.
fn tone_share(frame: &Frame) -> f64 {
    let power: f64 = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    if power < QUIET * FRAME_SAMPLES as f64 {
        return 0.0;
    }
    let coefficient = 2.0 * (TAU * TONE_HZ / f64::from(SAMPLE_RATE_HZ)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in frame {
        (last, before) = (f64::from(*sample) + coefficient * last - before, last);
    }
    let at_tone = last * last + before * before - coefficient * last * before;
    2.0 * at_tone / (FRAME_SAMPLES as f64 * power)
}
