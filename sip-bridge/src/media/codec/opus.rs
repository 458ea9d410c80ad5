// SPDX-License-Identifier: EUPL-1.2
//! Opus (RFC 6716) by the crate `ropus`, at 16 kHz with one channel, whatever the sender has.

use ropus::{Application, Bitrate, Channels, DecodeMode, Decoder, Encoder, InbandFec, Signal};

use super::{CodecError, DecodeError, MAX_PAYLOAD_BYTES, OpusSettings};
use crate::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};
use crate::media::opus_packet::{self, RTP_TICKS_PER_FRAME};

/// The granularity of what the library can conceal: 2.5 ms.
const SHORTEST_FRAME_SAMPLES: usize = 40;

/// Opus counts in 48,000 parts of a second, whatever it is decoded to (RFC 7587 §4.1).
const RTP_TICKS_PER_SAMPLE: u32 = RTP_TICKS_PER_FRAME / FRAME_SAMPLES as u32;

/// How many samples of 16 kHz a packet holds.
pub(super) fn samples_in(payload: &[u8]) -> Option<usize> {
    let rtp_ticks = opus_packet::duration_rtp_ticks(payload)?;
    usize::try_from(rtp_ticks / RTP_TICKS_PER_SAMPLE).ok()
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

    /// The library would also make something up where there is no copy, but that is 12 dB and more below what was heard
    /// before: our own [concealment](crate::media::concealment) does better.
    pub(super) fn recover(&mut self, after: &[u8], out: &mut [i16]) -> bool {
        if !has_copy(after) || out.is_empty() || !out.len().is_multiple_of(SHORTEST_FRAME_SAMPLES) {
            return false;
        }
        match self.decoder.decode(after, out, DecodeMode::Fec) {
            Ok(samples) => {
                out.get_mut(samples..).unwrap_or_default().fill(0);
                true
            }
            Err(_) => false,
        }
    }
}

/// Whether a packet carries a copy of the one before (LBRR). The flags are the first bits of a SILK frame: one for voice
/// activity for each 20 ms, then this one, for each channel (RFC 6716 §4.2.3 and §4.2.4); their odds are even, so they are
/// plain bits. Of packets with several frames only the first is looked at, where it is easily found.
fn has_copy(payload: &[u8]) -> bool {
    let (Some(toc), Some(flags)) = (payload.first(), payload.get(1)) else {
        return false;
    };
    let is_celt = toc & 0x80 != 0;
    let is_first_frame_next = toc & 3 < 2;
    if is_celt || !is_first_frame_next {
        return false;
    }
    // 10 and 20 ms have one voice flag, 40 and 60 ms two and three.
    let voice_flags = if toc >> 3 < 12 { ((toc >> 3) & 3).max(1) } else { 1 };
    let is_stereo = toc & 4 != 0;
    let has_first = (flags >> (7 - voice_flags)) & 1 == 1;
    let has_second = is_stereo && (flags >> (6 - 2 * voice_flags)) & 1 == 1;
    has_first || has_second
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
