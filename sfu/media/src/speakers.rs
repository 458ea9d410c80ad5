// SPDX-License-Identifier: EUPL-1.2
//! Who speaks: the loudness of tracks by the audio levels in their packets (RFC 6464), compared within a group and told
//! when it changes.
//!
//! A shard compares only the tracks that are published on it; whoever knows all shards of a group puts them together.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::opus;
use crate::ids::{SpeakerGroup, TrackId};

/// Between two comparisons. Faces that change places more often are tiring to watch.
const INTERVAL: Duration = Duration::from_millis(500);
/// The same in ticks of the RTP clock of Opus.
const INTERVAL_RTP_TICKS: u32 = 24_000;

/// Most speech of one interval. Jitter lets packets of one interval arrive in another.
const MAX_SPEECH_RTP_TICKS: u32 = 2 * INTERVAL_RTP_TICKS;

/// Frames at least this loud are speech, in −dBov as packets say it: 0 is the loudest, 127 silence.
const SPEECH_LEVEL: u8 = 35;
/// This share of an interval must be speech, in percent: a cough or a key stroke is shorter.
const SPEECH_SHARE_PERCENT: u32 = 40;

/// How far the loudness follows one interval. The rest is what it was before.
const SMOOTHING: f32 = 2.0 / 3.0;
/// Smoothed loudness below this is silence: the amplitude of [`SPEECH_LEVEL`].
const MIN_LOUDNESS: f32 = 0.0178;
/// Steps in which loudness is told, so that it does not change all the time.
const STEPS: f32 = 8.0;

/// The loudness of one track.
#[derive(Debug, Default)]
pub(crate) struct Loudness {
    speech_rtp_ticks: u32,
    /// Sum of amplitude times duration over the interval's speech.
    amplitude_ticks: f32,
    smoothed: f32,
}

impl Loudness {
    /// Counts a packet of audio with its level, if it has one.
    pub(crate) fn handle_packet(&mut self, level: Option<u8>, payload: &[u8]) {
        // The upper bit is the sender's guess of voice activity, which browsers compute in different ways.
        let Some(level) = level.map(|level| level & 0x7f).filter(|level| *level <= SPEECH_LEVEL) else { return };
        let Some(ticks) = opus::duration_rtp_ticks(payload) else { return };
        // More than there is time for is made up, and must not count as loudness, either.
        let ticks = ticks.min(MAX_SPEECH_RTP_TICKS - self.speech_rtp_ticks);
        self.speech_rtp_ticks += ticks;
        self.amplitude_ticks += amplitude(level) * ticks as f32;
    }

    /// Silence from now on.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Ends an interval and gives the loudness in steps, 0 being silence.
    fn take_steps(&mut self) -> u8 {
        let is_speech = self.speech_rtp_ticks * 100 >= INTERVAL_RTP_TICKS * SPEECH_SHARE_PERCENT;
        let loudness = if is_speech { self.amplitude_ticks / self.speech_rtp_ticks as f32 } else { 0.0 };
        (self.speech_rtp_ticks, self.amplitude_ticks) = (0, 0.0);
        self.smoothed += (loudness - self.smoothed) * SMOOTHING;
        if self.smoothed < MIN_LOUDNESS {
            self.smoothed = 0.0;
        }
        (self.smoothed * STEPS).ceil().clamp(0.0, STEPS) as u8
    }
}

/// Amplitude of a level in −dBov, 1.0 being the loudest.
fn amplitude(level: u8) -> f32 {
    10.0_f32.powf(-f32::from(level) / 20.0)
}

/// A track that is compared with the others of its group.
#[derive(Debug)]
pub(crate) struct Voice<'a> {
    pub(crate) track: TrackId,
    pub(crate) group: SpeakerGroup,
    pub(crate) loudness: &'a mut Loudness,
}

/// The speakers of one group with their loudness in steps, loudest first.
type Speakers = Vec<(TrackId, u8)>;

/// A speaker such that sorting puts groups together and the loudest of each first.
type Entry = (SpeakerGroup, Reverse<u8>, TrackId);

/// The speakers of a shard's groups. A comparison that changes nothing allocates nothing.
#[derive(Debug, Default)]
pub struct SpeakerDetector {
    next: Option<Instant>,
    /// Who spoke at the last comparison, sorted.
    speaking: Vec<Entry>,
    /// Who spoke at the one before; kept for its memory.
    before: Vec<Entry>,
    /// Groups whose speakers changed.
    changed: VecDeque<(SpeakerGroup, Speakers)>,
}

impl SpeakerDetector {
    /// A detector that waits for the first track.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// There is a track: intervals start unless they run already.
    pub fn start(&mut self, now: Instant) {
        if self.next.is_none() {
            self.next = Some(now + INTERVAL);
        }
    }

    /// When `handle_timeout` has something to do.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// Ends the interval, if it is over, for all tracks of the shard.
    pub(crate) fn handle_timeout<'a>(&mut self, now: Instant, voices: impl Iterator<Item = Voice<'a>>) {
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        std::mem::swap(&mut self.speaking, &mut self.before);
        self.speaking.clear();
        let mut has_tracks = false;
        for voice in voices {
            has_tracks = true;
            let steps = voice.loudness.take_steps();
            if steps > 0 {
                self.speaking.push((voice.group, Reverse(steps), voice.track));
            }
        }
        self.speaking.sort_unstable();
        for speakers in groups(&self.speaking).filter(|speakers| *speakers != of_group(&self.before, speakers[0].0)) {
            let told = speakers.iter().map(|(_, Reverse(steps), track)| (*track, *steps)).collect();
            self.changed.push_back((speakers[0].0, told));
        }
        for silent in groups(&self.before).filter(|speakers| of_group(&self.speaking, speakers[0].0).is_empty()) {
            self.changed.push_back((silent[0].0, Vec::new()));
        }
        self.next = has_tracks.then(|| now + INTERVAL);
    }

    /// A group whose speakers changed, with its tracks and their loudness from 0.0 to 1.0, loudest first; silent ones
    /// are left out.
    pub fn poll_change(&mut self) -> Option<(SpeakerGroup, Vec<(TrackId, f32)>)> {
        let (group, speakers) = self.changed.pop_front()?;
        Some((group, speakers.into_iter().map(|(track, steps)| (track, f32::from(steps) / STEPS)).collect()))
    }
}

/// The groups in which somebody speaks, each with its speakers.
fn groups(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    entries.chunk_by(|(one, ..), (other, ..)| one == other)
}

fn of_group(entries: &[Entry], group: SpeakerGroup) -> &[Entry] {
    let start = entries.partition_point(|(other, ..)| *other < group);
    let end = entries.partition_point(|(other, ..)| *other <= group);
    &entries[start..end]
}

#[cfg(test)]
mod tests;
