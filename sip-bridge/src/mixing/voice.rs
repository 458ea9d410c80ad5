// SPDX-License-Identifier: EUPL-1.2
//! A caller's voice as a track: Opus at 16 kHz (RFC 6716, RFC 7587), which pauses while the caller does not speak.
//!
//! Whether somebody speaks is decided elsewhere. A pause looks as browsers know it from libopus's discontinuous
//! transmission: a packet that says so, then nothing, and every 400 ms a frame of what the background sounds like.

use ropus::{Application, Bitrate, Channels, Encoder, Signal};

use crate::audio::{Frame, SAMPLE_RATE_HZ};
use crate::media::level::SILENT_DBOV;
use crate::media::opus_packet::RTP_TICKS_PER_FRAME;

/// Good for wideband speech; a telephone has no more.
const BITRATE_BPS: u32 = 24_000;

/// Half the work of the highest, and no difference on a telephone's voice: 139 µs a frame instead of 267.
const COMPLEXITY: u8 = 5;

/// A frame of background need not be good, and the callers of a silent room should cost next to nothing.
const REFRESH_COMPLEXITY: u8 = 0;

/// After the last speech, so many frames are still sent, so that soft ends of words are not cut: 200 ms, as libopus.
const HANGOVER_TICKS: u32 = 10;

/// In a pause, so many ticks are from one frame of background to the next: 400 ms, as libopus.
const REFRESH_TICKS: u32 = 20;

/// Room for a packet: twenty times what the bit rate gives.
const MAX_PACKET_BYTES: usize = 1_276;

/// Opus's first byte (RFC 6716 §3.1) for 20 ms of wideband speech in one frame, until the encoder has said otherwise.
const USUAL_TOC: u8 = 9 << 3;

/// The encoder refused its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Opus encoder cannot be set up")]
pub struct VoiceError;

/// What the RTP packet around the Opus packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusPacket {
    /// By how much its time stamp is after that of the packet before, in ticks of 1/48,000 s: 960 for each tick, also for
    /// those without a packet.
    pub advance_rtp_ticks: u32,
    /// The first after a pause (RFC 7587 §4.2).
    pub marker: bool,
    /// How loud it is, 0 to 127 dB below overload (RFC 6464).
    pub level_dbov: u8,
    /// Whether it is no pause.
    pub is_sound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Speech was so many ticks ago.
    Speaking { quiet_ticks: u32 },
    /// The last frame of background was so many ticks ago, and it was said, or not, that nothing comes now.
    Pausing { ticks: u32, is_said: bool },
}

/// One caller's encoder.
pub struct Voice {
    encoder: Encoder,
    state: State,
    advance_rtp_ticks: u32,
    toc: u8,
}

impl Voice {
    /// A voice that has not spoken yet.
    ///
    /// # Errors
    ///
    /// The codec refuses its settings, which it does only if it was built differently from how it was tested.
    pub fn new() -> Result<Self, VoiceError> {
        let encoder = Encoder::builder(SAMPLE_RATE_HZ, Channels::Mono, Application::Voip)
            .bitrate(Bitrate::Bits(BITRATE_BPS))
            .complexity(COMPLEXITY)
            .signal(Signal::Voice)
            .build()
            .map_err(|_| VoiceError)?;
        let state = State::Pausing { ticks: REFRESH_TICKS, is_said: true };
        Ok(Self { encoder, state, advance_rtp_ticks: 0, toc: USUAL_TOC })
    }

    /// Encodes a tick's frame into `packet`, which is emptied before. `is_sound` says that it is no pause, `level_dbov` is how loud it is, 0 to 127 dB below
    /// overload. Nothing is to be sent in this tick if the answer is `None`.
    pub fn encode(
        &mut self,
        frame: &Frame,
        is_sound: bool,
        level_dbov: u8,
        packet: &mut Vec<u8>,
    ) -> Option<OpusPacket> {
        packet.clear();
        self.advance_rtp_ticks = self.advance_rtp_ticks.wrapping_add(RTP_TICKS_PER_FRAME);
        let was_pausing = matches!(self.state, State::Pausing { .. });
        self.state = match self.state {
            _ if is_sound => State::Speaking { quiet_ticks: 0 },
            State::Speaking { quiet_ticks } if quiet_ticks < HANGOVER_TICKS => {
                State::Speaking { quiet_ticks: quiet_ticks + 1 }
            }
            State::Speaking { .. } => State::Pausing { ticks: 0, is_said: false },
            State::Pausing { ticks, is_said } => State::Pausing { ticks: ticks.saturating_add(1), is_said },
        };
        match &mut self.state {
            State::Speaking { .. } => {}
            State::Pausing { is_said: is_said @ false, .. } => {
                *is_said = true;
                // One frame without content: nothing comes now, and nothing was lost (RFC 6716 §3.2.1).
                packet.push(self.toc);
                return Some(self.packet(false, SILENT_DBOV, false));
            }
            State::Pausing { ticks, is_said } if *ticks >= REFRESH_TICKS => (*ticks, *is_said) = (0, false),
            State::Pausing { .. } => return None,
        }
        let is_near_sound = matches!(self.state, State::Speaking { .. });
        // Both are in the range that it takes, so it does not refuse; if it did, it would only be slower.
        let _ = self.encoder.set_complexity(if is_near_sound { COMPLEXITY } else { REFRESH_COMPLEXITY });
        packet.resize(MAX_PACKET_BYTES, 0);
        let Ok(length) = self.encoder.encode(frame, packet) else {
            // It has room and a frame of the right length, so it does not fail; if it did, this frame would be lost.
            packet.clear();
            return None;
        };
        packet.truncate(length);
        // The same coding, one frame in the packet.
        self.toc = packet.first().map_or(self.toc, |toc| toc & !3);
        Some(self.packet(is_near_sound && was_pausing, level_dbov.min(SILENT_DBOV), is_sound))
    }

    /// A tick in which there is nothing to encode, as the caller is muted or their sound does not come. Only time goes on.
    pub fn skip(&mut self) {
        self.advance_rtp_ticks = self.advance_rtp_ticks.wrapping_add(RTP_TICKS_PER_FRAME);
        self.state = State::Pausing { ticks: REFRESH_TICKS, is_said: true };
    }

    fn packet(&mut self, marker: bool, level_dbov: u8, is_sound: bool) -> OpusPacket {
        let advance_rtp_ticks = std::mem::take(&mut self.advance_rtp_ticks);
        OpusPacket { advance_rtp_ticks, marker, level_dbov, is_sound }
    }
}

#[cfg(test)]
mod tests {
    use ropus::{DecodeMode, Decoder};

    use super::*;
    use crate::audio::{FRAME_SAMPLES, SILENCE};

    fn tone(tick: usize) -> Frame {
        std::array::from_fn(|at| {
            let time = (tick * FRAME_SAMPLES + at) as f32 / SAMPLE_RATE_HZ as f32;
            (8_000.0 * (std::f32::consts::TAU * 440.0 * time).sin()) as i16
        })
    }

    /// What is sent of so many ticks of a tone, of which those of `speech` are speech: the tick, the packet, its length.
    fn sent(ticks: usize, speech: std::ops::Range<usize>) -> Vec<(usize, OpusPacket, usize)> {
        let mut voice = Voice::new().unwrap();
        let mut packet = Vec::new();
        let mut sent = Vec::new();
        for tick in 0..ticks {
            let is_speech = speech.contains(&tick);
            let frame = if is_speech { tone(tick) } else { SILENCE };
            if let Some(header) = voice.encode(&frame, is_speech, if is_speech { 15 } else { 80 }, &mut packet) {
                sent.push((tick, header, packet.len()));
            }
        }
        sent
    }

    #[test]
    fn every_frame_of_speech_is_sent_with_about_the_bit_rate() {
        let sent = sent(500, 0..500);
        assert_eq!(sent.len(), 500);
        let bytes: usize = sent.iter().map(|(_, _, bytes)| bytes).sum();
        assert!((12_000..48_000).contains(&(bytes * 8 / 10)), "{} b/s", bytes * 8 / 10);
        assert!(sent.iter().all(|(_, header, _)| header.advance_rtp_ticks == 960 && header.is_sound));
    }

    #[test]
    fn only_the_first_packet_after_a_pause_has_the_marker() {
        let sent = sent(300, 100..200);
        let marked: Vec<_> = sent.iter().filter(|(_, header, _)| header.marker).map(|(tick, ..)| *tick).collect();
        assert_eq!(marked, [100]);
    }

    #[test]
    fn a_pause_is_a_hangover_then_its_announcement_then_a_refresh_now_and_then() {
        let sent = sent(300, 0..100);
        let after: Vec<_> = sent.iter().filter(|(tick, ..)| *tick >= 100).collect();
        let ticks: Vec<_> = after.iter().map(|(tick, ..)| *tick).collect();
        let expected: Vec<usize> =
            (100..110).chain([110]).chain((1..10).flat_map(|n| [110 + n * 20, 111 + n * 20])).collect();
        assert_eq!(ticks, expected.into_iter().filter(|tick| *tick < 300).collect::<Vec<_>>());
        for (tick, header, bytes) in after {
            assert!(!header.is_sound);
            assert_eq!(
                *bytes == 1,
                *tick == 110 || *tick > 110 && (tick - 111).is_multiple_of(20),
                "tick {tick}: {bytes}"
            );
        }
    }

    #[test]
    fn time_goes_on_in_pauses() {
        let sent = sent(1_000, 400..410);
        let mut time = 0;
        for (tick, header, _) in sent {
            time += header.advance_rtp_ticks;
            assert_eq!(time, 960 * (tick as u32 + 1));
        }
    }

    #[test]
    fn time_goes_on_while_muted() {
        let mut voice = Voice::new().unwrap();
        let mut packet = Vec::new();
        voice.encode(&tone(0), true, 15, &mut packet).unwrap();
        for _ in 0..50 {
            voice.skip();
        }
        let header = voice.encode(&tone(0), true, 15, &mut packet).unwrap();
        assert_eq!((header.advance_rtp_ticks, header.marker), (51 * 960, true));
    }

    #[test]
    fn what_is_sent_is_the_voice() {
        let mut voice = Voice::new().unwrap();
        let mut decoder = Decoder::new(SAMPLE_RATE_HZ, Channels::Mono).unwrap();
        let (mut packet, mut energy) = (Vec::new(), 0.0);
        for tick in 0..50 {
            voice.encode(&tone(tick), true, 15, &mut packet).unwrap();
            let mut out = SILENCE;
            assert_eq!(decoder.decode(&packet, &mut out, DecodeMode::Normal), Ok(FRAME_SAMPLES));
            if tick >= 10 {
                energy +=
                    out.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / (40 * FRAME_SAMPLES) as f64;
            }
        }
        let level = energy.sqrt() / (8_000.0 / 2_f64.sqrt());
        assert!((0.8..1.25).contains(&level), "{level}");
    }

    #[test]
    fn what_announces_a_pause_is_understood_by_a_decoder() {
        let mut voice = Voice::new().unwrap();
        let mut decoder = Decoder::new(SAMPLE_RATE_HZ, Channels::Mono).unwrap();
        let mut packet = Vec::new();
        let mut lengths = Vec::new();
        for tick in 0..60 {
            if voice.encode(&tone(tick), tick < 10, 15, &mut packet).is_some() {
                let mut out = SILENCE;
                assert_eq!(decoder.decode(&packet, &mut out, DecodeMode::Normal), Ok(FRAME_SAMPLES));
                lengths.push(packet.len());
            }
        }
        assert!(lengths.contains(&1));
    }
}
