// SPDX-License-Identifier: EUPL-1.2
//! The sound towards one telephone: frames in, RTP payloads out.

use rand::Rng;

use super::codec::{CodecError, OpusSettings, PhoneCodec, PhoneEncoder};
use super::comfort_noise::{ComfortNoise, TOWARDS_PHONES_DBOV};
use super::level::level_dbov;
use crate::audio::{Frame, SILENCE};

/// Quieter than -70 dBov nobody speaks.
const SILENCE_THRESHOLD_DBOV: u8 = 70;

/// How many silent frames are still sent before sending stops: 400 ms.
const SENT_SILENT_FRAMES: u32 = 20;

/// In silence every so many frames one is sent all the same, 400 ms apart as Opus does: for the routers on the way and for
/// telephones that hang up when nothing comes.
const SENT_IN_SILENCE_EVERY: u32 = 20;

/// How the telephone's stream is made.
#[derive(Clone, Copy, Debug)]
pub struct DownlinkSettings {
    /// What was negotiated.
    pub codec: PhoneCodec,
    /// What Opus is told, if it is that.
    pub opus: OpusSettings,
    /// Whether silence may be left out: only when the telephone has said so (`usedtx=1` of RFC 7587, or comfort noise,
    /// RFC 3389). Others take a pause for a dead line.
    pub may_leave_out_silence: bool,
}

/// A payload was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// How many bytes.
    pub bytes: usize,
    /// Whether frames before it were left out: RTP's marker bit (RFC 3551 §4.1).
    pub is_first_after_silence: bool,
}

/// See the [module](self).
pub struct Downlink {
    settings: DownlinkSettings,
    encoder: PhoneEncoder,
    noise: ComfortNoise,
    /// The last frame, for an encoder that takes over.
    last: Frame,
    silent_frames: u32,
    has_left_out: bool,
    failed_frames: u64,
}

impl Downlink {
    /// # Errors
    /// [`CodecError`] when there is no such encoder.
    pub fn new(settings: DownlinkSettings, rng: &mut impl Rng) -> Result<Self, CodecError> {
        Ok(Self {
            settings,
            encoder: PhoneEncoder::new(settings.codec, settings.opus)?,
            noise: ComfortNoise::new(TOWARDS_PHONES_DBOV, rng),
            last: SILENCE,
            silent_frames: 0,
            has_left_out: true,
            failed_frames: 0,
        })
    }

    /// What is being sent.
    pub fn codec(&self) -> PhoneCodec {
        self.settings.codec
    }

    /// How far RTP's timestamp moves for each frame that was pushed, whether it was sent or left out.
    pub fn rtp_ticks_per_frame(&self) -> u32 {
        self.settings.codec.rtp_ticks(crate::audio::FRAME_SAMPLES)
    }

    /// Frames that could not be encoded.
    pub fn failed_frames(&self) -> u64 {
        self.failed_frames
    }

    /// Something else was negotiated. The new encoder goes on where the old one stopped, so that no click is heard.
    ///
    /// # Errors
    /// [`CodecError`] when there is no such encoder; everything is then as before.
    pub fn switch(&mut self, settings: DownlinkSettings) -> Result<(), CodecError> {
        if settings.codec != self.settings.codec || settings.opus != self.settings.opus {
            let mut encoder = PhoneEncoder::new(settings.codec, settings.opus)?;
            encoder.hear_before(&self.last);
            self.encoder = encoder;
        }
        self.settings = settings;
        Ok(())
    }

    /// Appends the frame's payload to `payload`. `None`: it is left out, because nobody speaks (or could not be encoded).
    pub fn push(&mut self, frame: &Frame, payload: &mut Vec<u8>) -> Option<Appended> {
        let is_silent = level_dbov(frame) >= SILENCE_THRESHOLD_DBOV;
        self.silent_frames = if is_silent { self.silent_frames.saturating_add(1) } else { 0 };
        self.last = *frame;
        if is_silent {
            let mut noise = SILENCE;
            self.noise.fill(&mut noise);
            for (sample, noise) in self.last.iter_mut().zip(noise) {
                *sample = sample.saturating_add(noise);
            }
        }
        if self.settings.may_leave_out_silence
            && self.silent_frames > SENT_SILENT_FRAMES
            && !self.silent_frames.is_multiple_of(SENT_IN_SILENCE_EVERY)
        {
            self.has_left_out = true;
            return None;
        }
        match self.encoder.encode(&self.last, payload) {
            Ok(bytes) => {
                let is_first_after_silence = !is_silent && std::mem::take(&mut self.has_left_out);
                Some(Appended { bytes, is_first_after_silence })
            }
            Err(_) => {
                self.failed_frames += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::audio::FRAME_SAMPLES;
    use crate::media::codec::{PhoneDecoder, g711};

    const CODECS: [PhoneCodec; 4] = [PhoneCodec::Pcma, PhoneCodec::Pcmu, PhoneCodec::G722, PhoneCodec::Opus];

    fn settings(codec: PhoneCodec) -> DownlinkSettings {
        DownlinkSettings { codec, opus: OpusSettings::default(), may_leave_out_silence: false }
    }

    fn table(codec: PhoneCodec) -> Option<[i16; 256]> {
        match codec {
            PhoneCodec::Pcma => Some(g711::ALAW),
            PhoneCodec::Pcmu => Some(g711::MULAW),
            PhoneCodec::G722 | PhoneCodec::Opus => None,
        }
    }

    fn tone(at: usize) -> Frame {
        std::array::from_fn(|n| (9000.0 * ((at * FRAME_SAMPLES + n) as f64 * 0.08).sin()) as i16)
    }

    #[test]
    fn a_telephone_always_hears_something() {
        for codec in CODECS {
            let mut downlink = Downlink::new(settings(codec), &mut StdRng::seed_from_u64(1)).unwrap();
            let mut decoder = PhoneDecoder::new(codec).unwrap();
            let mut heard = [0; FRAME_SAMPLES];
            let mut audible = 0;
            for _ in 0..100 {
                let mut payload = Vec::new();
                assert!(downlink.push(&SILENCE, &mut payload).is_some());
                decoder.decode(&payload, &mut heard).unwrap();
                assert!(level_dbov(&heard) > 50, "{codec:?}");
                audible += usize::from(level_dbov(&heard) < 80);
            }
            assert!(audible > 80, "{codec:?}: {audible} of 100");
        }
    }

    #[test]
    fn silence_is_left_out_where_that_is_allowed() {
        let settings = DownlinkSettings { may_leave_out_silence: true, ..settings(PhoneCodec::Pcma) };
        let mut downlink = Downlink::new(settings, &mut StdRng::seed_from_u64(1)).unwrap();
        let mut payload = Vec::new();
        assert!(downlink.push(&tone(0), &mut payload).unwrap().is_first_after_silence);
        assert!(!downlink.push(&tone(1), &mut payload).unwrap().is_first_after_silence);
        let sent = (0..205).filter(|_| downlink.push(&SILENCE, &mut payload).is_some()).count();
        assert_eq!(sent, 20 + 9);
        assert!(downlink.push(&tone(2), &mut payload).unwrap().is_first_after_silence);
    }

    #[test]
    fn another_codec_takes_over_without_a_click() {
        for from in CODECS {
            for to in CODECS.into_iter().filter(|to| *to != from) {
                let mut downlink = Downlink::new(settings(from), &mut StdRng::seed_from_u64(1)).unwrap();
                let mut payload = Vec::new();
                for at in 0..10 {
                    downlink.push(&tone(at), &mut payload).unwrap();
                }
                downlink.switch(settings(to)).unwrap();
                let last = *payload.last().unwrap();
                let mut decoder = PhoneDecoder::new(to).unwrap();
                let mut sound = Vec::new();
                for at in 10..20 {
                    let mut heard = [0; FRAME_SAMPLES];
                    payload.clear();
                    downlink.push(&tone(at), &mut payload).unwrap();
                    if at == 10
                        && let (Some(old), Some(new)) = (table(from), table(to))
                    {
                        // What the telephone plays one after the other, at 8 kHz.
                        let step = i32::from(old[usize::from(last)]) - i32::from(new[usize::from(payload[0])]);
                        assert!(step.abs() < 2000, "{from:?} to {to:?}: a step of {step}");
                    }
                    decoder.decode(&payload, &mut heard).unwrap();
                    sound.extend(heard);
                }
                // At first our own decoder's filter begins from silence, which no telephone does.
                let sound = &sound[60..];
                // The tone's own steps are 720; Opus begins softly by itself.
                let steepest = sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
                assert!(steepest.unwrap() < 2000, "{from:?} to {to:?}: a step of {steepest:?}");
            }
        }
    }
}
