// SPDX-License-Identifier: EUPL-1.2
//! Who speaks: levels that SFU shards measure become changes that receivers are told.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use bus::{ParticipantSid, SpeakerLevel};

use super::Room;
use super::lifetime::Timer;
use crate::rooms::input::Now;
use crate::rooms::output::{Notice, Speaker};

/// How often changes are told, at most. LiveKit's figure.
const SPEAKERS_INTERVAL: Duration = Duration::from_millis(500);

/// Levels are told in eighths, so that a voice that hardly changes is not told again.
const LEVEL_STEPS: f32 = 8.0;

/// Loud tracks that a shard can name at a time.
const MAX_LEVELS: usize = 256;

/// The state of the ears.
#[derive(Default)]
pub(super) struct Speakers {
    /// The last that each shard counted.
    heard: HashMap<u16, Vec<SpeakerLevel>>,
    /// What receivers know, in eighths. Who is silent is not in it.
    told: BTreeMap<ParticipantSid, u8>,
    told_at: Option<Instant>,
}

impl Speakers {
    /// Somebody is gone; those who are told so need not hear that it is silent.
    pub(super) fn forget(&mut self, sid: &ParticipantSid) {
        self.told.remove(sid);
    }
}

impl Room {
    /// A shard counted.
    pub(super) fn speaker_levels(&mut self, now: Now, source: u16, mut levels: Vec<SpeakerLevel>) {
        levels.truncate(MAX_LEVELS);
        if levels.is_empty() {
            self.speakers.heard.remove(&source);
        } else {
            self.speakers.heard.insert(source, levels);
        }
        let due = self.speakers.told_at.map(|told_at| told_at + SPEAKERS_INTERVAL);
        match due.filter(|due| *due > now.instant) {
            Some(due) => self.schedule(due, Timer::Speakers),
            None => self.tell_speakers(now),
        }
    }

    /// Tells receivers what has changed since they last heard.
    pub(super) fn tell_speakers(&mut self, now: Now) {
        let levels = self.levels();
        let silent = self.speakers.told.keys().filter(|sid| !levels.contains_key(sid)).map(|sid| speaker(sid, 0));
        let louder = levels.iter().filter(|(sid, level)| self.speakers.told.get(sid) != Some(level));
        let changed: Vec<_> = louder.map(|(sid, level)| speaker(sid, *level)).chain(silent).collect();
        if changed.is_empty() {
            return;
        }
        self.speakers.told = levels;
        self.speakers.told_at = Some(now.instant);
        let receivers: Vec<_> = self.participants.keys().cloned().collect();
        for receiver in receivers {
            let heard = changed.iter().filter(|speaker| self.hears(&receiver, &speaker.participant));
            let heard: Vec<_> = heard.cloned().collect();
            if !heard.is_empty() {
                self.notify(&receiver, Notice::Speakers(heard));
            }
        }
    }

    /// Tells a new receiver that a publisher is speaking.
    pub(super) fn tell_speaker(&mut self, receiver: &ParticipantSid, publisher: &ParticipantSid) {
        if let Some(level) = self.speakers.told.get(publisher) {
            let speaker = speaker(publisher, *level);
            self.notify(receiver, Notice::Speakers(vec![speaker]));
        }
    }

    /// Tells a client that resumed who speaks and who does not.
    pub(super) fn repeat_speakers(&mut self, receiver: &ParticipantSid) {
        let publishers = self.participants.keys().filter(|publisher| self.hears(receiver, publisher));
        let level = |publisher| self.speakers.told.get(publisher).copied().unwrap_or_default();
        let speakers: Vec<_> = publishers.map(|publisher| speaker(publisher, level(publisher))).collect();
        if !speakers.is_empty() {
            self.notify(receiver, Notice::Speakers(speakers));
        }
    }

    /// The loudest track of each participant that is heard, in eighths.
    fn levels(&self) -> BTreeMap<ParticipantSid, u8> {
        let mut levels = BTreeMap::new();
        for SpeakerLevel { track, level } in self.speakers.heard.values().flatten() {
            let Some(publisher) = self.tracks.get(track).and_then(|sid| self.participants.get(sid)) else { continue };
            let is_muted = publisher.tracks.get(track).is_none_or(|track| track.info.is_muted);
            let eighths = in_eighths(*level);
            if !is_muted && eighths > 0 {
                let entry = levels.entry(publisher.sid.clone()).or_insert(eighths);
                *entry = eighths.max(*entry);
            }
        }
        levels
    }

    /// Whether a receiver gets sound of a publisher, or is it.
    fn hears(&self, receiver: &ParticipantSid, publisher: &ParticipantSid) -> bool {
        let Some(receiver) = self.participants.get(receiver) else { return false };
        let Some(publisher) = self.participants.get(publisher) else { return false };
        receiver.sid == publisher.sid || publisher.tracks.keys().any(|track| receiver.subscriptions.contains(track))
    }
}

/// Rounds up: whoever is heard at all is told as speaking. What is no number is silence.
fn in_eighths(level: f32) -> u8 {
    // Saturates; at most 8.
    (level.clamp(0.0, 1.0) * LEVEL_STEPS).ceil() as u8
}

fn speaker(sid: &ParticipantSid, eighths: u8) -> Speaker {
    Speaker { participant: sid.clone(), level: f32::from(eighths) / LEVEL_STEPS, is_active: eighths > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_told_in_eighths() {
        for (level, eighths) in [(0.0, 0), (0.001, 1), (0.5, 4), (0.51, 5), (1.0, 8), (7.0, 8), (-1.0, 0)] {
            assert_eq!(in_eighths(level), eighths, "{level}");
        }
        assert_eq!(in_eighths(f32::NAN), 0);
    }
}
