// SPDX-License-Identifier: EUPL-1.2
//! What those hear who are in a room by telephone: the loudest of it, whether in browsers or on the telephone, in one mix for
//! all who listen, and one without themselves for each caller among the loudest.
//!
//! Callers hear each other here directly, without a way through Opus and the SFU.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::limiter::Limiter;
use super::loudest::Loudest;
use super::opus_decoding::DecoderPool;
use super::room_caller::RoomCaller;
use super::source::Source;
use super::{CallerId, SourceId, Speaker};
use crate::audio::{FRAME_SAMPLES, Frame, SILENCE};

/// So many are heard at once unless the room is told otherwise: with more, nobody is understood on the telephone.
pub const DEFAULT_SPEAKERS: usize = 3;

/// More are never heard at once, whatever a room is told.
pub const MAX_SPEAKERS: usize = 10;

/// Sources a room knows. When one more comes, the one is forgotten that is quietest; the SFU sends only its loudest anyway.
pub const MAX_SOURCES: usize = 64;

/// Callers in a room. One more is refused.
pub const MAX_CALLERS: usize = 1_000;

/// A source of which nothing came for so long is forgotten, also one that pauses: it would send something every 400 ms.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(10);

/// The room has [`MAX_CALLERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the room has no place for another caller")]
pub struct RoomFull;

/// What a caller hears in a tick.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'mix> {
    /// Nothing.
    Silence,
    /// What all hear who do not speak; whoever encodes it needs to do so only once.
    Shared(&'mix Frame),
    /// What this caller alone hears: the others, or another volume.
    Own(&'mix Frame),
}

impl<'mix> Heard<'mix> {
    /// The frame, or none for silence.
    pub fn frame(self) -> Option<&'mix Frame> {
        match self {
            Heard::Silence => None,
            Heard::Shared(frame) | Heard::Own(frame) => Some(frame),
        }
    }
}

/// The mixes of a tick.
pub struct Mixes<'mix> {
    room: &'mix RoomMix,
}

impl<'mix> Mixes<'mix> {
    /// What this caller hears. Somebody who is not in the room hears nothing.
    pub fn of(&self, caller: CallerId) -> Heard<'mix> {
        let Some(caller) = self.room.caller(caller).filter(|caller| !caller.has_left()) else { return Heard::Silence };
        match caller.own_mix() {
            Some(frame) => Heard::Own(frame),
            None => self.shared(),
        }
    }

    /// What all hear who do not speak and have not changed their volume.
    pub fn shared(&self) -> Heard<'mix> {
        if self.room.has_sound { Heard::Shared(&self.room.shared) } else { Heard::Silence }
    }
}

/// A room's sound for telephones. It belongs to one thread, and can be given to another.
pub struct RoomMix {
    /// By id.
    sources: Vec<Source>,
    /// By id.
    callers: Vec<RoomCaller>,
    loudest: Loudest,
    pool: DecoderPool,
    sum: [i32; FRAME_SAMPLES],
    has_sound: bool,
    shared: Frame,
    limiter: Limiter,
}

impl Default for RoomMix {
    fn default() -> Self {
        Self::new(DEFAULT_SPEAKERS)
    }
}

impl RoomMix {
    /// A room in which at most so many are heard at once, 1 to [`MAX_SPEAKERS`].
    pub fn new(speakers: usize) -> Self {
        Self {
            sources: Vec::with_capacity(8),
            callers: Vec::with_capacity(8),
            loudest: Loudest::new(speakers.clamp(1, MAX_SPEAKERS)),
            pool: DecoderPool::default(),
            sum: [0; FRAME_SAMPLES],
            has_sound: false,
            shared: SILENCE,
            limiter: Limiter::default(),
        }
    }

    /// An RTP packet of a browser's Opus has come (RFC 7587), without redundancy (RFC 2198) around it. `level_dbov` is its
    /// audio level, 0 to 127 dB below overload (RFC 6464), if it says so. A source needs no announcement.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        source: SourceId,
        seq_no: u16,
        timestamp: u32,
        level_dbov: Option<u8>,
        payload: &[u8],
    ) {
        let at = match self.sources.binary_search_by_key(&source, |known| known.id) {
            Ok(at) => at,
            Err(_) => {
                if self.sources.len() >= MAX_SOURCES {
                    self.forget_a_source();
                }
                let at = self.sources.partition_point(|known| known.id < source);
                self.sources.insert(at, Source::new(now, source));
                at
            }
        };
        self.sources[at].handle_packet(now, seq_no, timestamp, level_dbov, payload);
    }

    /// A source has ended. What was heard of it fades out.
    pub fn remove_source(&mut self, source: SourceId) {
        if let Ok(at) = self.sources.binary_search_by_key(&source, |known| known.id) {
            self.sources[at].leave();
        }
    }

    /// Somebody comes by telephone, with the volume as it is. Nothing changes for who is there already.
    ///
    /// # Errors
    ///
    /// The room is full.
    pub fn add_caller(&mut self, caller: CallerId) -> Result<(), RoomFull> {
        match self.callers.binary_search_by_key(&caller, |known| known.id) {
            Ok(at) if self.callers[at].has_left() => self.callers[at].return_to_room(),
            Ok(_) => {}
            Err(_) if self.callers.len() >= MAX_CALLERS => return Err(RoomFull),
            Err(at) => self.callers.insert(at, RoomCaller::new(caller)),
        }
        Ok(())
    }

    /// Somebody hangs up. What was heard of them fades out.
    pub fn remove_caller(&mut self, caller: CallerId) {
        if let Some(caller) = self.caller_mut(caller) {
            caller.leave();
        }
    }

    /// What a caller says in the tick that comes, whether that is no pause, and how loud it is, 0 to 127 dB below overload (RFC 6464): once before each
    /// tick. Of two frames before one tick, the second counts; without any, or with `None`, the caller is silent.
    pub fn caller_frame(&mut self, caller: CallerId, frame: Option<&Frame>, is_sound: bool, level_dbov: u8) {
        if let Some(caller) = self.caller_mut(caller).filter(|caller| !caller.has_left()) {
            caller.handle_frame(frame, is_sound, level_dbov);
        }
    }

    /// How loud the room is for a caller, in steps of 3 dB from -4 to 4; 0 is as it is.
    pub fn set_volume(&mut self, caller: CallerId, steps: i8) {
        if let Some(caller) = self.caller_mut(caller) {
            caller.set_volume(steps);
        }
    }

    /// Goes on by 20 ms and makes what everybody hears.
    pub fn tick(&mut self, now: Instant) -> Mixes<'_> {
        self.choose_speakers(now);
        self.has_sound = false;
        self.sum.fill(0);
        self.add_sources(now);
        self.add_callers();
        if self.has_sound {
            let before = self.limiter;
            self.limiter.process(&self.sum, (1.0, 1.0), &mut self.shared);
            for caller in &mut self.callers {
                caller.tick_mix(&self.sum, &before);
            }
        } else {
            self.limiter.rest();
            for caller in &mut self.callers {
                caller.rest();
            }
        }
        Mixes { room: self }
    }

    /// Who is among the loudest.
    pub fn speakers(&self) -> impl Iterator<Item = Speaker> + '_ {
        self.loudest.speakers()
    }

    /// Callers in the room.
    pub fn callers(&self) -> usize {
        self.callers.iter().filter(|caller| !caller.has_left()).count()
    }

    /// Decides who is heard in this tick, and forgets who is gone.
    fn choose_speakers(&mut self, now: Instant) {
        let pool = &mut self.pool;
        self.sources.retain_mut(|source| {
            let is_over = now.saturating_duration_since(source.last_packet()) > SOURCE_TIMEOUT;
            if is_over {
                source.give_back(pool);
            }
            !is_over && !source.is_gone()
        });
        self.callers.retain(|caller| !caller.is_gone());
        self.loudest.begin();
        for source in &mut self.sources {
            self.loudest.offer(Speaker::Source(source.id), source.tick_loudness());
        }
        for caller in &mut self.callers {
            self.loudest.offer(Speaker::Caller(caller.id), caller.tick_loudness());
        }
        self.loudest.decide();
    }

    fn add_sources(&mut self, now: Instant) {
        let mut frame = SILENCE;
        for source in &mut self.sources {
            let is_heard = self.loudest.contains(Speaker::Source(source.id));
            if source.tick_sound(now, is_heard, &mut self.pool, &mut frame) {
                add(&mut self.sum, &frame);
                self.has_sound = true;
            }
        }
    }

    fn add_callers(&mut self) {
        for caller in &mut self.callers {
            if let Some(voice) = caller.tick_voice(self.loudest.contains(Speaker::Caller(caller.id))) {
                add(&mut self.sum, voice);
                self.has_sound = true;
            }
        }
    }

    /// Makes room for a source: of those that are not heard, the quietest goes, and of these the one that is quiet for longest.
    fn forget_a_source(&mut self) {
        let quietest = (0..self.sources.len()).filter(|&at| !self.sources[at].is_decoded()).min_by(|&a, &b| {
            let (a, b) = (&self.sources[a], &self.sources[b]);
            a.loudness().db().total_cmp(&b.loudness().db()).then(a.last_packet().cmp(&b.last_packet()))
        });
        // Far fewer are heard than known, so there is always one.
        if let Some(at) = quietest {
            self.sources.remove(at);
        }
    }

    fn caller(&self, caller: CallerId) -> Option<&RoomCaller> {
        let at = self.callers.binary_search_by_key(&caller, |known| known.id).ok()?;
        self.callers.get(at)
    }

    fn caller_mut(&mut self, caller: CallerId) -> Option<&mut RoomCaller> {
        let at = self.callers.binary_search_by_key(&caller, |known| known.id).ok()?;
        self.callers.get_mut(at)
    }
}

fn add(sum: &mut [i32; FRAME_SAMPLES], frame: &Frame) {
    for (sum, sample) in sum.iter_mut().zip(frame) {
        *sum += i32::from(*sample);
    }
}
