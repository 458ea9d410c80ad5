// SPDX-License-Identifier: EUPL-1.2
//! One browser's sound in a room's mix: its packets, how loud it is, and its decoder while it is heard.

use std::time::Instant;

use super::SourceId;
use super::fade;
use super::jitter_buffer::{JitterBuffer, Next};
use super::loudest::Loudness;
use super::opus_decoding::{DecoderPool, OpusDecoding};
use crate::audio::Frame;
use crate::media::level::{SILENT_DBOV, level_dbov};
use crate::media::opus_packet::{self, RTP_TICKS_PER_FRAME};

/// How loud somebody is taken to be whose packets do not say: audible, and less than most who speak.
const ASSUMED_LEVEL_DBOV: u8 = 45;

/// The shortest packets last 2.5 ms, so that eight make a frame.
const MAX_PACKETS_PER_FRAME: usize = 8;

/// A browser's sound.
pub(super) struct Source {
    pub(super) id: SourceId,
    buffer: JitterBuffer,
    decoding: Option<Box<OpusDecoding>>,
    loudness: Loudness,
    /// The loudest of the packets since the last tick.
    level_dbov: Option<u8>,
    /// How loud its last frame was, if its packets do not say and it was decoded.
    measured_dbov: Option<u8>,
    last_packet: Instant,
    /// What was passed over of packets that are longer than a tick, while it is not heard.
    passed_over_rtp_ticks: u32,
    is_leaving: bool,
}

impl Source {
    pub(super) fn new(now: Instant, id: SourceId) -> Self {
        Self {
            id,
            buffer: JitterBuffer::new(now),
            decoding: None,
            loudness: Loudness::default(),
            level_dbov: None,
            measured_dbov: None,
            last_packet: now,
            passed_over_rtp_ticks: 0,
            is_leaving: false,
        }
    }

    /// A packet has come.
    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        seq_no: u16,
        timestamp: u32,
        level_dbov: Option<u8>,
        payload: &[u8],
    ) {
        if !self.buffer.handle_packet(now, seq_no, timestamp, payload) {
            // Malformed, late, or there already.
            return;
        }
        self.last_packet = now;
        self.is_leaving = false;
        let level = match level_dbov {
            Some(level) => {
                self.measured_dbov = None;
                level.min(SILENT_DBOV)
            }
            None if opus_packet::is_pause(payload) => SILENT_DBOV,
            None => *self.measured_dbov.get_or_insert(ASSUMED_LEVEL_DBOV),
        };
        self.level_dbov = Some(self.level_dbov.map_or(level, |loudest| loudest.min(level)));
    }

    /// Nothing more will come of it.
    pub(super) fn leave(&mut self) {
        self.is_leaving = true;
        self.loudness.silence();
    }

    /// Whether it has left and has faded out.
    pub(super) fn is_gone(&self) -> bool {
        self.is_leaving && self.decoding.is_none()
    }

    pub(super) fn is_decoded(&self) -> bool {
        self.decoding.is_some()
    }

    pub(super) fn last_packet(&self) -> Instant {
        self.last_packet
    }

    /// Begins a tick: how loud it is by now.
    pub(super) fn tick_loudness(&mut self) -> Loudness {
        let level = self.level_dbov.take();
        if !self.is_leaving {
            self.loudness.tick(level);
        }
        self.loudness
    }

    pub(super) fn loudness(&self) -> Loudness {
        self.loudness
    }

    /// Its sound in this tick. False if there is none, and `frame` is untouched then.
    pub(super) fn tick_sound(
        &mut self,
        now: Instant,
        is_heard: bool,
        pool: &mut DecoderPool,
        frame: &mut Frame,
    ) -> bool {
        let was_heard = self.decoding.is_some();
        if !is_heard && !was_heard {
            self.pass_over(now);
            return false;
        }
        if self.decoding.is_none() {
            self.decoding = pool.take();
            self.passed_over_rtp_ticks = 0;
        }
        // A new decoder fades in by itself.
        let Some(decoding) = &mut self.decoding else { return false };
        let sounds = decoding.next_frame(now, &mut self.buffer, frame);
        if sounds && self.measured_dbov.is_some() {
            self.measured_dbov = Some(level_dbov(frame));
        }
        if !is_heard {
            if sounds {
                fade::fade_out(frame);
            }
            self.give_back(pool);
        }
        sounds
    }

    /// Gives its decoder back, for it is not heard any more.
    pub(super) fn give_back(&mut self, pool: &mut DecoderPool) {
        if let Some(decoding) = self.decoding.take() {
            pool.give_back(decoding);
        }
        if self.measured_dbov.is_some() {
            // It may be louder by now; without decoding nobody knows.
            self.measured_dbov = Some(ASSUMED_LEVEL_DBOV);
        }
    }

    /// Lets the packets of a tick pass without decoding them.
    fn pass_over(&mut self, now: Instant) {
        for _ in 0..MAX_PACKETS_PER_FRAME {
            if self.passed_over_rtp_ticks >= RTP_TICKS_PER_FRAME {
                break;
            }
            self.passed_over_rtp_ticks += match self.buffer.poll_next(now) {
                Next::Packet { .. } => opus_packet::duration_rtp_ticks(self.buffer.current()).unwrap_or(0),
                Next::Lost { .. } => RTP_TICKS_PER_FRAME,
                Next::Pause => {
                    self.passed_over_rtp_ticks = 0;
                    return;
                }
            };
        }
        self.passed_over_rtp_ticks = self.passed_over_rtp_ticks.saturating_sub(RTP_TICKS_PER_FRAME);
    }
}
