// SPDX-License-Identifier: EUPL-1.2
//! The sound from one telephone: RTP payloads in, frames out, one every 20 ms whatever the network does.
//!
//! [`jitter_buffer`](super::jitter_buffer) puts packets in order and says what is missing, the codec's decoder or
//! [`concealment`](super::concealment) makes that up, [`time_scaling`] keeps the delay, and
//! [`level`](super::level) makes all telephones equally loud.

use std::time::{Duration, Instant};

use rand::Rng;

use super::codec::{CodecError, MAX_PACKET_SAMPLES, PhoneCodec, PhoneDecoder};
use super::comfort_noise::{ComfortNoise, TOWARDS_PHONES_DBOV};
use super::concealment::Concealment;
use super::in_band_digits::InBandDigits;
use super::jitter_buffer::{JitterBuffer, JitterStatistics, Pace, Packet, PacketKind, Pulled};
use super::level::{LevelControl, level_dbov, power};
use super::time_scaling::{self, Care, MAX_ADDED_SAMPLES};
use super::voice_activity::VoiceActivity;
use crate::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};

#[cfg(test)]
mod tests;

/// Decoded sound that waits: less than [`ENOUGH_TO_SHORTEN`], then a packet, then what stretching adds.
const QUEUE: usize = ENOUGH_TO_SHORTEN + MAX_PACKET_SAMPLES + MAX_ADDED_SAMPLES;

/// With so much, 30 ms, a piece can be left out.
const ENOUGH_TO_SHORTEN: usize = 480;

/// Pulls for one frame at most. Opus packets of 2.5 ms need eight, what does not decode uses up some more.
const MAX_PULLS: usize = 16;

/// How often sound is made shorter or longer at most, in frames: more is heard as a warble.
const FRAMES_BETWEEN_CHANGES: u32 = 4;

/// Quieter than -50 dBov, the end and the beginning of a piece need not be alike.
const SEAM_THRESHOLD_DBOV: u8 = 50;

/// How much alike they must be otherwise; after so many frames without such a place, any is taken.
const ALIKE: f32 = 0.75;
const LONGEST_SEARCH_FRAMES: u32 = 15;

/// How the telephone's stream is understood.
#[derive(Clone, Copy, Debug)]
pub struct UplinkSettings {
    /// What was negotiated.
    pub codec: PhoneCodec,
    /// Whether keys are to be heard as tones: only where telephone events were not negotiated.
    pub listens_for_digits: bool,
    /// Whether the level is changed towards that of others.
    pub controls_level: bool,
}

/// 20 ms of a telephone.
#[derive(Clone, Copy)]
pub struct Heard<'a> {
    /// The sound.
    pub frame: &'a Frame,
    /// Whether somebody speaks in it.
    pub is_speech: bool,
    /// Whether somebody plays or whistles a tone.
    pub is_tone: bool,
    /// Whether it needs to be mixed and encoded: speech or a tone, or a short pause after it.
    pub is_worth_sending: bool,
    /// How loud it is, 0 (full scale) to 127 (silence), as RFC 6464 says it.
    pub level_dbov: u8,
    /// A key that was heard as tones.
    pub digit: Option<char>,
}

/// What has happened so far. All but the delays only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UplinkStatistics {
    /// What happened to the packets.
    pub jitter: JitterStatistics,
    /// Payloads that were none of the codec's.
    pub malformed_packets: u64,
    /// Samples (16 kHz) that were made up.
    pub concealed_samples: u64,
    /// Samples of lost packets that were in the next packet as a copy.
    pub recovered_samples: u64,
    /// Samples that were left out to reduce the delay.
    pub removed_samples: u64,
    /// Samples that were added to increase it.
    pub added_samples: u64,
}

/// See the [module](self).
pub struct Uplink {
    settings: UplinkSettings,
    is_on_hold: bool,
    jitter: JitterBuffer,
    decoder: PhoneDecoder,
    concealment: Concealment,
    noise: ComfortNoise,
    /// Whether the sender describes the noise of its pauses. Otherwise they are silent.
    has_noise: bool,
    was_gap: bool,
    /// What comes next is another stream, which may begin anywhere in a sound.
    begins_anew: bool,
    queue: Box<[i16; QUEUE]>,
    queued: usize,
    frames_since_change: u32,
    searched_frames: u32,
    activity: VoiceActivity,
    level: LevelControl,
    digits: InBandDigits,
    frame: Frame,
    statistics: UplinkStatistics,
}

impl Uplink {
    /// # Errors
    /// [`CodecError`] when there is no such decoder.
    pub fn new(settings: UplinkSettings, rng: &mut impl Rng) -> Result<Self, CodecError> {
        Ok(Self {
            settings,
            is_on_hold: false,
            jitter: JitterBuffer::new(settings.codec.rtp_clock_hz()),
            decoder: PhoneDecoder::new(settings.codec)?,
            concealment: Concealment::new(),
            noise: ComfortNoise::new(TOWARDS_PHONES_DBOV, rng),
            has_noise: false,
            was_gap: true,
            begins_anew: false,
            queue: Box::new([0; QUEUE]),
            queued: 0,
            frames_since_change: 0,
            searched_frames: 0,
            activity: VoiceActivity::new(),
            level: LevelControl::new(),
            digits: InBandDigits::new(),
            frame: SILENCE,
            statistics: UplinkStatistics::default(),
        })
    }

    /// What is being understood.
    pub fn codec(&self) -> PhoneCodec {
        self.settings.codec
    }

    /// Something else was negotiated. Packets that wait are dropped, and what follows joins what was heard without a click.
    ///
    /// # Errors
    /// [`CodecError`] when there is no such decoder; everything is then as before.
    pub fn switch(&mut self, settings: UplinkSettings) -> Result<(), CodecError> {
        if settings.codec != self.settings.codec {
            self.decoder = PhoneDecoder::new(settings.codec)?;
            self.settings = settings;
            self.restart();
        }
        self.settings = settings;
        Ok(())
    }

    /// The sender has begun a new stream, with another SSRC. Packets that wait are dropped.
    pub fn restart(&mut self) {
        self.jitter.restart(self.settings.codec.rtp_clock_hz());
        self.begins_anew = true;
        self.has_noise = false;
    }

    /// Whether the telephone's side holds the call. Whoever holds it is not there: what comes meanwhile is music for us alone, of
    /// which nothing is heard and nothing is learnt, and what still waits of it in the end is dropped.
    pub fn set_on_hold(&mut self, is_on_hold: bool) {
        let was_on_hold = std::mem::replace(&mut self.is_on_hold, is_on_hold);
        if was_on_hold && !is_on_hold {
            self.restart();
            self.queued = 0;
            // What made up sound or told speech by what was just heard would go on from music, or from before the hold.
            self.concealment = Concealment::new();
            self.activity = VoiceActivity::new();
            self.digits = InBandDigits::new();
        }
    }

    /// A packet has come, with the payload type of the codec, of comfort noise, or another one of the stream.
    pub fn handle_payload(&mut self, now: Instant, seq_no: u16, rtp_timestamp: u32, kind: PacketKind, payload: &[u8]) {
        let rtp_ticks = match kind {
            PacketKind::Sound => match self.settings.codec.samples_in(payload) {
                Some(samples) => self.settings.codec.rtp_ticks(samples),
                None => {
                    // Its number is used up all the same, or it would count as lost, too.
                    self.statistics.malformed_packets += 1;
                    let packet = Packet { seq_no, rtp_timestamp, rtp_ticks: 0, kind: PacketKind::Other, payload: &[] };
                    return self.jitter.handle_packet(now, &packet);
                }
            },
            PacketKind::ComfortNoise | PacketKind::Other => 0,
        };
        self.jitter.handle_packet(now, &Packet { seq_no, rtp_timestamp, rtp_ticks, kind, payload });
    }

    /// The next 20 ms. To be asked for every 20 ms.
    pub fn pull(&mut self, now: Instant) -> Heard<'_> {
        self.fill_queue(now);
        self.keep_pace(now);
        // What was left out may have been more than there was beyond the frame.
        self.fill_queue(now);
        self.take_frame();
        if self.is_on_hold {
            return self.heard_on_hold();
        }
        let digit = if self.settings.listens_for_digits { self.digits.hear(&self.frame) } else { None };
        let is_speech = self.activity.hear(&self.frame);
        if self.settings.controls_level {
            self.level.process(&mut self.frame, is_speech);
        }
        Heard {
            frame: &self.frame,
            is_speech,
            is_tone: self.activity.is_tone(),
            is_worth_sending: self.activity.is_worth_sending(),
            level_dbov: level_dbov(&self.frame),
            digit,
        }
    }

    /// What has happened so far.
    pub fn statistics(&self) -> UplinkStatistics {
        UplinkStatistics { jitter: self.jitter.statistics(), ..self.statistics }
    }

    fn heard_on_hold(&mut self) -> Heard<'_> {
        self.frame = SILENCE;
        // Its limiter still has the last words, which would otherwise be the first after the hold.
        if self.settings.controls_level {
            self.level.process(&mut self.frame, false);
            self.frame = SILENCE;
        }
        let level_dbov = level_dbov(&self.frame);
        Heard { frame: &self.frame, is_speech: false, is_tone: false, is_worth_sending: false, level_dbov, digit: None }
    }

    fn ahead(&self) -> Duration {
        Duration::from_micros(self.queued as u64 * 1_000_000 / u64::from(SAMPLE_RATE_HZ))
    }

    fn fill_queue(&mut self, now: Instant) {
        for _ in 0..MAX_PULLS {
            if self.queued >= FRAME_SAMPLES {
                return;
            }
            self.fetch(now);
        }
    }

    /// Adds a piece to the queue.
    fn fetch(&mut self, now: Instant) {
        let ahead = self.ahead();
        let (_, free) = self.queue.split_at_mut(self.queued);
        let mut is_gap = false;
        let added = match self.jitter.pull(now, ahead) {
            Pulled::Sound(payload) => match self.decoder.decode(payload, free) {
                Ok(samples) => {
                    if std::mem::take(&mut self.begins_anew) {
                        self.concealment.join_next();
                    }
                    self.concealment.hear(&mut free[..samples]);
                    samples
                }
                Err(_) => {
                    self.statistics.malformed_packets += 1;
                    let out = &mut free[..FRAME_SAMPLES];
                    make_up(&mut self.concealment, &mut self.statistics, out)
                }
            },
            Pulled::Lost { rtp_ticks, after } => {
                let clock_hz = u64::from(self.settings.codec.rtp_clock_hz());
                let samples = u64::from(rtp_ticks) * u64::from(SAMPLE_RATE_HZ) / clock_hz;
                let samples = usize::try_from(samples).unwrap_or(MAX_PACKET_SAMPLES).clamp(1, MAX_PACKET_SAMPLES);
                let out = &mut free[..samples];
                if self.decoder.recover(after, out) {
                    self.statistics.recovered_samples += samples as u64;
                    self.concealment.hear(out);
                    samples
                } else {
                    make_up(&mut self.concealment, &mut self.statistics, out)
                }
            }
            Pulled::Late => {
                let out = &mut free[..FRAME_SAMPLES];
                make_up(&mut self.concealment, &mut self.statistics, out)
            }
            Pulled::ComfortNoise(payload) => {
                self.noise.describe(payload);
                self.has_noise = true;
                0
            }
            Pulled::Gap => {
                is_gap = true;
                let mut frame = SILENCE;
                if self.has_noise {
                    self.noise.fill(&mut frame);
                }
                if !self.was_gap {
                    self.concealment.join_next();
                }
                self.concealment.hear(&mut frame);
                free[..FRAME_SAMPLES].copy_from_slice(&frame);
                FRAME_SAMPLES
            }
        };
        if added > 0 {
            self.was_gap = is_gap;
        }
        self.queued += added;
    }

    /// Leaves a piece out or says one twice, when the delay asks for it and enough time has passed.
    fn keep_pace(&mut self, now: Instant) {
        self.frames_since_change = self.frames_since_change.saturating_add(1);
        let ahead = self.ahead();
        let is_silent = is_silent(&self.queue[..self.queued.min(FRAME_SAMPLES)]);
        let pace = self.jitter.pace(now, ahead, is_silent);
        if pace == Pace::Normal || (self.frames_since_change < FRAMES_BETWEEN_CHANGES && !is_silent) {
            self.searched_frames = 0;
            return;
        }
        if pace == Pace::Faster && self.queued < ENOUGH_TO_SHORTEN {
            self.fetch(now);
        }
        let is_silent = is_silent && self::is_silent(&self.queue[..self.queued]);
        let care = match (is_silent, self.searched_frames >= LONGEST_SEARCH_FRAMES) {
            (true, _) => Care::Silence,
            (false, false) => Care::Sound(ALIKE),
            (false, true) => Care::Sound(-1.0),
        };
        let changed = match pace {
            Pace::Faster if self.queued >= ENOUGH_TO_SHORTEN => {
                let removed = time_scaling::shorten(&mut self.queue[..self.queued], care);
                self.queued -= removed;
                self.statistics.removed_samples += removed as u64;
                removed
            }
            Pace::Slower => {
                let added = time_scaling::lengthen(self.queue.as_mut_slice(), self.queued, care);
                self.queued += added;
                self.statistics.added_samples += added as u64;
                added
            }
            _ => return,
        };
        if changed > 0 {
            self.frames_since_change = 0;
            self.searched_frames = 0;
        } else {
            self.searched_frames += 1;
        }
    }

    fn take_frame(&mut self) {
        let taken = self.queued.min(FRAME_SAMPLES);
        self.frame[..taken].copy_from_slice(&self.queue[..taken]);
        // Only when nothing that came decodes.
        self.frame[taken..].fill(0);
        self.queue.copy_within(taken..self.queued, 0);
        self.queued -= taken;
    }
}

/// Fills `out` in place of what is missing, by what was heard before.
fn make_up(concealment: &mut Concealment, statistics: &mut UplinkStatistics, out: &mut [i16]) -> usize {
    concealment.conceal(out);
    statistics.concealed_samples += out.len() as u64;
    out.len()
}

/// Whether nothing is heard in it.
fn is_silent(sound: &[i16]) -> bool {
    let limit = 32_768.0 * 10f32.powf(-f32::from(SEAM_THRESHOLD_DBOV) / 20.0);
    power(sound) <= limit * limit
}
