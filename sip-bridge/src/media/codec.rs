// SPDX-License-Identifier: EUPL-1.2
//! What telephones speak, between RTP payloads and samples of 16 kHz: G.711 A-law and µ-law, G.722, Opus.
//!
//! Narrow sound is resampled here, so that nobody else meets another rate. G.711 and G.722 are written by ourselves, because
//! the crates for them bring a media framework along; Opus is the crate `ropus`.
//!
//! Nothing here allocates once it is made, except inside `ropus`, whose port of libopus takes its scratch memory from the heap.

use thiserror::Error;

use self::g722::{G722Decoder, G722Encoder};
use self::opus::{OpusDecoder, OpusEncoder};
use super::resample::{Halver, MAX_LATENCY_SAMPLES, Upsampler};
use crate::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

pub mod g711;
pub mod g722;
pub mod opus;

#[cfg(test)]
mod tests;

/// The most samples (16 kHz) a payload may decode to: 120 ms, the longest Opus packet (RFC 6716 §2.1.4). Longer payloads of
/// other codecs are refused.
pub const MAX_PACKET_SAMPLES: usize = 1920;

/// The most bytes that [`PhoneEncoder::encode`] appends for a frame (RFC 6716 §3.4, the largest Opus frame).
pub const MAX_PAYLOAD_BYTES: usize = 1275;

/// Samples of a frame at 8 kHz.
const NARROW_FRAME_SAMPLES: usize = FRAME_SAMPLES / 2;

/// How a telephone's sound is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhoneCodec {
    /// G.711 A-law, 8 kHz, 64 kb/s.
    Pcma,
    /// G.711 µ-law, 8 kHz, 64 kb/s.
    Pcmu,
    /// G.722, 16 kHz, 64 kb/s.
    G722,
    /// Opus (RFC 6716), here at 16 kHz with one channel.
    Opus,
}

impl PhoneCodec {
    /// The rate of its RTP timestamps. G.722 has 16,000 samples a second and says 8000, by an old mistake that
    /// RFC 3551 §4.5.2 keeps. Opus always says 48,000 (RFC 7587 §4.1).
    pub fn rtp_clock_hz(self) -> u32 {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 => 8000,
            Self::Opus => 48_000,
        }
    }

    /// How far the RTP timestamp moves in as many samples of 16 kHz.
    pub fn rtp_ticks(self, samples: usize) -> u32 {
        let ticks = samples as u64 * u64::from(self.rtp_clock_hz()) / u64::from(SAMPLE_RATE_HZ);
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// How many samples of 16 kHz a payload holds, without decoding it. `None`: none, too many, or it is not well-formed.
    pub fn samples_in(self, payload: &[u8]) -> Option<usize> {
        let samples = match self {
            Self::Pcma | Self::Pcmu | Self::G722 => payload.len() * 2,
            Self::Opus => opus::samples_in(payload)?,
        };
        (1..=MAX_PACKET_SAMPLES).contains(&samples).then_some(samples)
    }
}

/// Why a payload gave no sound.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// It is empty, longer than 120 ms, or its length is not that of an Opus packet.
    #[error("the payload's length fits no packet of this codec")]
    Length,
    /// The place for the samples is smaller than what the payload holds.
    #[error("no room for the payload's samples")]
    NoRoom,
    /// The Opus decoder refused it.
    #[error("the payload is no valid Opus packet")]
    Malformed,
}

/// Why there is no coder.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CodecError {
    /// The Opus library refused its settings.
    #[error("the Opus library refuses its settings")]
    Opus,
}

/// How Opus is encoded. The other codecs have nothing to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusSettings {
    /// 6000 to 128,000.
    pub bitrate_bps: u32,
    /// 0 (cheap) to 10. Measured on speech, 5 costs half of 10.
    pub complexity: u8,
    /// Whether each packet also carries a coarse copy of the one before (RFC 6716 §2.1.7). Costs processor time and bits.
    pub has_fec: bool,
    /// What share of packets is expected to be lost, in percent. Without any, no copies are made.
    pub expected_loss_percent: u8,
}

impl Default for OpusSettings {
    fn default() -> Self {
        Self { bitrate_bps: 24_000, complexity: 5, has_fec: false, expected_loss_percent: 0 }
    }
}

/// From payloads to samples of 16 kHz. Keeps the codec's state: one for each stream.
pub struct PhoneDecoder {
    kind: DecoderKind,
}

enum DecoderKind {
    Pcma(Upsampler),
    Pcmu(Upsampler),
    G722(Box<G722Decoder>),
    Opus(Box<OpusDecoder>),
}

impl PhoneDecoder {
    /// A decoder that has heard nothing yet.
    ///
    /// # Errors
    /// [`CodecError::Opus`] when the library refuses, which it does not for these settings.
    pub fn new(codec: PhoneCodec) -> Result<Self, CodecError> {
        let kind = match codec {
            PhoneCodec::Pcma => DecoderKind::Pcma(Upsampler::new()),
            PhoneCodec::Pcmu => DecoderKind::Pcmu(Upsampler::new()),
            PhoneCodec::G722 => DecoderKind::G722(Box::new(G722Decoder::new())),
            PhoneCodec::Opus => DecoderKind::Opus(Box::new(OpusDecoder::new()?)),
        };
        Ok(Self { kind })
    }

    /// Which codec it decodes.
    pub fn codec(&self) -> PhoneCodec {
        match self.kind {
            DecoderKind::Pcma(_) => PhoneCodec::Pcma,
            DecoderKind::Pcmu(_) => PhoneCodec::Pcmu,
            DecoderKind::G722(_) => PhoneCodec::G722,
            DecoderKind::Opus(_) => PhoneCodec::Opus,
        }
    }

    /// Decodes a payload to the beginning of `out` and says how many samples there are.
    ///
    /// # Errors
    /// When the payload is not one, or `out` is too small. The state is then as before, for Opus nearly so.
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = self.codec().samples_in(payload).ok_or(DecodeError::Length)?;
        let out = out.get_mut(..samples).ok_or(DecodeError::NoRoom)?;
        match &mut self.kind {
            DecoderKind::Pcma(upsampler) => expand(payload, &g711::ALAW, upsampler, out),
            DecoderKind::Pcmu(upsampler) => expand(payload, &g711::MULAW, upsampler, out),
            DecoderKind::G722(decoder) => decoder.decode(payload, out),
            DecoderKind::Opus(decoder) => return decoder.decode(payload, out),
        }
        Ok(samples)
    }

    /// Fills `out` in place of a packet that is missing, from the copy that the packet `after` it has: only Opus makes such
    /// copies, and not always. `false`: there is none, `out` is untouched.
    pub fn recover(&mut self, after: Option<&[u8]>, out: &mut [i16]) -> bool {
        match (&mut self.kind, after) {
            (DecoderKind::Opus(decoder), Some(after)) => decoder.recover(after, out),
            _ => false,
        }
    }
}

/// From 8 kHz by a table to 16 kHz. `out` has two places for each byte of the payload.
fn expand(payload: &[u8], table: &[i16; 256], upsampler: &mut Upsampler, out: &mut [i16]) {
    let mut narrow = [0; NARROW_FRAME_SAMPLES];
    for (bytes, out) in payload.chunks(NARROW_FRAME_SAMPLES).zip(out.chunks_mut(FRAME_SAMPLES)) {
        for (sample, byte) in narrow.iter_mut().zip(bytes) {
            *sample = g711::expand(table, *byte);
        }
        upsampler.process(&narrow[..bytes.len()], out);
    }
}

/// From frames to payloads. Keeps the codec's state: one for each stream.
pub struct PhoneEncoder {
    kind: EncoderKind,
}

enum EncoderKind {
    Pcma(Halver),
    Pcmu(Halver),
    G722(Box<G722Encoder>),
    Opus(Box<OpusEncoder>),
}

impl PhoneEncoder {
    /// An encoder that has encoded nothing yet. `opus` matters to that codec only.
    ///
    /// # Errors
    /// [`CodecError::Opus`] when the library refuses the settings.
    pub fn new(codec: PhoneCodec, opus: OpusSettings) -> Result<Self, CodecError> {
        let kind = match codec {
            PhoneCodec::Pcma => EncoderKind::Pcma(Halver::new()),
            PhoneCodec::Pcmu => EncoderKind::Pcmu(Halver::new()),
            PhoneCodec::G722 => EncoderKind::G722(Box::new(G722Encoder::new())),
            PhoneCodec::Opus => EncoderKind::Opus(Box::new(OpusEncoder::new(opus)?)),
        };
        Ok(Self { kind })
    }

    /// Which codec it encodes to.
    pub fn codec(&self) -> PhoneCodec {
        match self.kind {
            EncoderKind::Pcma(_) => PhoneCodec::Pcma,
            EncoderKind::Pcmu(_) => PhoneCodec::Pcmu,
            EncoderKind::G722(_) => PhoneCodec::G722,
            EncoderKind::Opus(_) => PhoneCodec::Opus,
        }
    }

    /// Appends the frame's payload to `out` and says how many bytes that are. Does not allocate where `out` has room for
    /// [`MAX_PAYLOAD_BYTES`] more.
    ///
    /// # Errors
    /// [`CodecError::Opus`] when the library fails; nothing is appended then.
    pub fn encode(&mut self, frame: &Frame, out: &mut Vec<u8>) -> Result<usize, CodecError> {
        let before = out.len();
        match &mut self.kind {
            EncoderKind::Pcma(halver) => out.extend(halve(frame, halver).map(g711::compress_alaw)),
            EncoderKind::Pcmu(halver) => out.extend(halve(frame, halver).map(g711::compress_mulaw)),
            EncoderKind::G722(encoder) => encoder.encode(frame, out),
            EncoderKind::Opus(encoder) => encoder.encode(frame, out)?,
        }
        Ok(out.len() - before)
    }

    /// Lets the encoder's filters hear the frame that another encoder has just encoded, so that the next frame follows on
    /// it and not on silence, which would be a click. What a decoder must have in common with the encoder stays as it was.
    pub fn hear_before(&mut self, frame: &Frame) {
        match &mut self.kind {
            EncoderKind::Pcma(halver) | EncoderKind::Pcmu(halver) => {
                let _ = halve(frame, halver);
            }
            EncoderKind::G722(encoder) => encoder.hear_before(&frame[FRAME_SAMPLES - MAX_LATENCY_SAMPLES..]),
            EncoderKind::Opus(encoder) => encoder.hear_before(frame),
        }
    }
}

/// To 8 kHz.
fn halve(frame: &Frame, halver: &mut Halver) -> impl Iterator<Item = i16> + use<> {
    let mut narrow = [0; NARROW_FRAME_SAMPLES];
    halver.process(frame, &mut narrow);
    narrow.into_iter()
}
