// SPDX-License-Identifier: EUPL-1.2
//! Turns what a jitter buffer gives out into frames of 20 ms: decoded by Opus, or made up by it where something is lost.
//!
//! Decoders are large and are lent to those who are heard; see [`DecoderPool`].

use std::time::Instant;

use ropus::OpusDecoder;

use super::fade;
use super::jitter_buffer::{JitterBuffer, Next};
use crate::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

/// The longest packet, 120 ms.
const MAX_PACKET_SAMPLES: usize = 6 * FRAME_SAMPLES;

/// The shortest packets last 2.5 ms, so that eight make a frame. More are only asked for when packets are of no use.
const MAX_PACKETS_PER_FRAME: usize = 16;

/// A decoder, and what it decoded beyond the last frame.
pub(super) struct OpusDecoding {
    decoder: OpusDecoder,
    samples: [i16; FRAME_SAMPLES + MAX_PACKET_SAMPLES],
    len: usize,
    is_sounding: bool,
}

impl OpusDecoding {
    /// Nothing if the codec refuses, which it does not for 16 kHz and one channel.
    fn new() -> Option<Self> {
        let decoder = OpusDecoder::new(SAMPLE_RATE_HZ as i32, 1).ok()?;
        Some(Self { decoder, samples: [0; FRAME_SAMPLES + MAX_PACKET_SAMPLES], len: 0, is_sounding: false })
    }

    fn reset(&mut self) {
        self.decoder.reset();
        self.len = 0;
        self.is_sounding = false;
    }

    /// The next 20 ms. False if there is nothing to hear, and `frame` is untouched then. Where sound begins and ends, it fades.
    pub(super) fn next_frame(&mut self, now: Instant, buffer: &mut JitterBuffer, frame: &mut Frame) -> bool {
        let mut ends = false;
        for _ in 0..MAX_PACKETS_PER_FRAME {
            if self.len >= FRAME_SAMPLES {
                break;
            }
            match buffer.poll_next(now) {
                Next::Packet { is_spliced: true } if self.is_sounding => self.splice(buffer.current()),
                Next::Packet { .. } => self.decode(Some(buffer.current()), false),
                Next::Lost { in_next: true } => self.decode(buffer.upcoming(), true),
                Next::Lost { in_next: false } => self.conceal(),
                Next::Pause if self.is_sounding || self.len > 0 => {
                    ends = true;
                    self.conceal();
                }
                Next::Pause => return false,
            }
        }
        if self.len < FRAME_SAMPLES {
            self.samples[self.len..FRAME_SAMPLES].fill(0);
            self.len = FRAME_SAMPLES;
        }
        frame.copy_from_slice(&self.samples[..FRAME_SAMPLES]);
        self.samples.copy_within(FRAME_SAMPLES..self.len, 0);
        self.len -= FRAME_SAMPLES;
        if !self.is_sounding {
            fade::fade_in(frame);
        }
        if ends {
            fade::fade_out(frame);
            self.len = 0;
        }
        self.is_sounding = !ends;
        true
    }

    /// Appends what a packet holds. If `is_copy`, only the copy of the packet before that it may carry (RFC 6716 §2.1.7).
    fn decode(&mut self, packet: Option<&[u8]>, is_copy: bool) {
        let room = &mut self.samples[self.len..];
        let length = if is_copy { FRAME_SAMPLES } else { room.len().min(MAX_PACKET_SAMPLES) };
        match self.decoder.decode(packet, room, length as i32, is_copy) {
            Ok(samples) => self.len += usize::try_from(samples).unwrap_or(0).min(length),
            // Not Opus after all. What it would have been is made up.
            Err(_) => self.conceal(),
        }
    }

    /// Appends 20 ms that Opus makes up from what came before.
    fn conceal(&mut self) {
        let room = &mut self.samples[self.len..];
        if self.decoder.decode(None, room, FRAME_SAMPLES as i32, false).is_err() {
            room[..FRAME_SAMPLES].fill(0);
        }
        self.len += FRAME_SAMPLES;
    }

    /// Appends a packet before which some were left out: what Opus would have made up goes over into it.
    fn splice(&mut self, packet: &[u8]) {
        let start = self.len;
        self.conceal();
        let mut made_up = [0; FRAME_SAMPLES];
        made_up.copy_from_slice(&self.samples[start..start + FRAME_SAMPLES]);
        self.len = start;
        self.decode(Some(packet), false);
        if let Some(Ok(joint)) = self.samples.get_mut(start..start + FRAME_SAMPLES).map(<&mut Frame>::try_from)
            && self.len >= start + FRAME_SAMPLES
        {
            fade::cross_fade(&made_up, joint);
        }
    }
}

/// Decoders that nobody needs at the moment. There are as many as were ever needed at once: twice as many as are heard, as
/// one that was heard still fades out while the next comes in.
#[derive(Default)]
pub(super) struct DecoderPool {
    idle: Vec<Box<OpusDecoding>>,
}

impl DecoderPool {
    /// One that remembers nothing of whoever used it before.
    pub(super) fn take(&mut self) -> Option<Box<OpusDecoding>> {
        match self.idle.pop() {
            Some(mut decoding) => {
                decoding.reset();
                Some(decoding)
            }
            None => OpusDecoding::new().map(Box::new),
        }
    }

    /// Takes one back.
    pub(super) fn give_back(&mut self, decoding: Box<OpusDecoding>) {
        self.idle.push(decoding);
    }
}
