// SPDX-License-Identifier: EUPL-1.2
//! Opus (RFC 6716) by the crate `ropus`, at 16 kHz with one channel, whatever the sender has.

use ropus::{Application, Bitrate, Channels, DecodeMode, Decoder, Encoder, InbandFec, Signal};

use super::{CodecError, DecodeError, MAX_PACKET_SAMPLES, MAX_PAYLOAD_BYTES, OpusSettings};
use crate::audio::{Frame, SAMPLE_RATE_HZ};

/// The granularity of what the library can conceal: 2.5 ms.
const SHORTEST_FRAME_SAMPLES: usize = 40;

/// How many samples of 16 kHz a packet holds, by its first one or two bytes (RFC 6716 §3.1 and §3.2).
pub(super) fn samples_in(payload: &[u8]) -> Option<usize> {
    let (toc, rest) = payload.split_first()?;
    let frame = match toc >> 3 {
        // SILK: 10, 20, 40, 60 ms.
        config @ 0..12 => [160, 320, 640, 960][usize::from(config & 3)],
        // Hybrid: 10, 20 ms.
        config @ 12..16 => [160, 320][usize::from(config & 1)],
        // CELT: 2.5, 5, 10, 20 ms.
        config => SHORTEST_FRAME_SAMPLES << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(rest.first()? & 0x3f),
    };
    let samples = frame * frames;
    (1..=MAX_PACKET_SAMPLES).contains(&samples).then_some(samples)
}

pub(super) struct OpusDecoder {
    decoder: Decoder,
}

impl OpusDecoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        let decoder = Decoder::new(SAMPLE_RATE_HZ, Channels::Mono).map_err(|_| CodecError::Opus)?;
        Ok(Self { decoder })
    }

    pub(super) fn decode(&mut self, payload: &[u8], out: &mut [i16]) -> Result<usize, DecodeError> {
        self.decoder.decode(payload, out, DecodeMode::Normal).map_err(|_| DecodeError::Malformed)
    }

    pub(super) fn conceal(&mut self, after: Option<&[u8]>, out: &mut [i16]) -> bool {
        let whole = out.len() - out.len() % SHORTEST_FRAME_SAMPLES;
        let (out, rest) = out.split_at_mut(whole);
        rest.fill(0);
        if out.is_empty() {
            return true;
        }
        // The library conceals by itself when the packet has no copy in it, or when that is shorter than the hole.
        let filled = match after {
            Some(packet) if !packet.is_empty() => self.decoder.decode(packet, out, DecodeMode::Fec),
            _ => self.decoder.decode(&[], out, DecodeMode::Normal),
        };
        match filled {
            Ok(samples) => {
                out.get_mut(samples..).unwrap_or_default().fill(0);
                true
            }
            Err(_) => false,
        }
    }
}

pub(super) struct OpusEncoder {
    encoder: Encoder,
}

impl OpusEncoder {
    pub(super) fn new(settings: OpusSettings) -> Result<Self, CodecError> {
        let bitrate = Bitrate::try_bits(settings.bitrate_bps.clamp(6000, 128_000)).map_err(|_| CodecError::Opus)?;
        let fec = if settings.has_fec { InbandFec::Enabled } else { InbandFec::Disabled };
        let encoder = Encoder::builder(SAMPLE_RATE_HZ, Channels::Mono, Application::Voip)
            .bitrate(bitrate)
            .complexity(settings.complexity.min(10))
            .signal(Signal::Voice)
            .inband_fec(fec)
            .packet_loss_perc(settings.expected_loss_percent.min(100))
            .build()
            .map_err(|_| CodecError::Opus)?;
        Ok(Self { encoder })
    }

    pub(super) fn encode(&mut self, frame: &Frame, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let before = out.len();
        out.resize(before + MAX_PAYLOAD_BYTES, 0);
        let written = out.get_mut(before..).and_then(|place| self.encoder.encode(frame, place).ok());
        out.truncate(before + written.unwrap_or_default());
        written.map(drop).ok_or(CodecError::Opus)
    }

    /// A decoder that hears its first packet begins softly by itself, and Opus packets may be missing: so this encodes,
    /// and nobody gets it.
    pub(super) fn hear_before(&mut self, frame: &Frame) {
        let mut unsent = [0; MAX_PAYLOAD_BYTES];
        // When this fails, so does the next frame, which is sent and counted.
        let _ = self.encoder.encode(frame, &mut unsent);
    }
}
