// SPDX-License-Identifier: EUPL-1.2
//! Who of a room is heard: the few that are loudest, without changing places at every syllable.

use super::Speaker;
use crate::media::level::SILENT_DBOV;

/// Nobody who is quieter begins to be heard: -60 dBov. Voices are at -15 to -45, a quiet room below -65.
const ENTER: f32 = (SILENT_DBOV - 60) as f32;

/// Whoever is heard stays so until they are quieter: -67 dBov.
const LEAVE: f32 = (SILENT_DBOV - 67) as f32;

/// Who wants the place of somebody else is louder by at least so much, in dB.
const LOUDER_DB: f32 = 6.0;

/// Who has a place keeps it at least this long, unless they fall silent: 400 ms, about a word.
const HOLD_TICKS: u32 = 20;

/// How much of the way to a louder level is gone in a tick: a voice is in by its second frame, a click of one is not.
const RISE: f32 = 0.6;

/// By how much loudness falls in a tick, in dB: the pauses between words are bridged, and a second after the last word its
/// speaker is gone.
const FALL_DB: f32 = 0.7;

/// How loud somebody is over some time, in dB above silence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loudness(f32);

impl Loudness {
    /// Goes on by one tick, in which the level was this, in -dBov as RFC 6464 counts; none if nothing was heard.
    pub(super) fn tick(&mut self, level_dbov: Option<u8>) {
        let now = f32::from(SILENT_DBOV.saturating_sub(level_dbov.unwrap_or(SILENT_DBOV)));
        if now > self.0 {
            self.0 += (now - self.0) * RISE;
        } else {
            self.0 = (self.0 - FALL_DB).max(now);
        }
    }

    /// Silence at once.
    pub(super) fn silence(&mut self) {
        self.0 = 0.0;
    }

    /// The value, for comparing.
    pub(super) fn db(self) -> f32 {
        self.0
    }
}

#[derive(Clone, Copy, Debug)]
struct Member {
    speaker: Speaker,
    db: f32,
    ticks: u32,
}

/// The loudest of a room.
#[derive(Debug)]
pub(super) struct Loudest {
    limit: usize,
    members: Vec<Member>,
    waiting: Vec<(f32, Speaker)>,
}

impl Loudest {
    /// At most `limit` at a time.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, members: Vec::with_capacity(limit), waiting: Vec::with_capacity(limit) }
    }

    /// Begins a tick: [`Self::offer`] follows for everybody of the room, then [`Self::decide`].
    pub(super) fn begin(&mut self) {
        self.waiting.clear();
        for member in &mut self.members {
            member.db = 0.0;
            member.ticks = member.ticks.saturating_add(1);
        }
    }

    /// Somebody and how loud they are.
    pub(super) fn offer(&mut self, speaker: Speaker, loudness: Loudness) {
        let db = loudness.db();
        if let Some(member) = self.members.iter_mut().find(|member| member.speaker == speaker) {
            member.db = db;
        } else if db >= ENTER && self.limit > 0 {
            // No more of those who wait than there are places can matter: the quietest makes way.
            if self.waiting.len() == self.limit {
                let quietest = (0..self.waiting.len()).min_by(|&a, &b| order(self.waiting[a], self.waiting[b]));
                match quietest {
                    Some(at) if order(self.waiting[at], (db, speaker)).is_lt() => {
                        self.waiting.swap_remove(at);
                    }
                    _ => return,
                }
            }
            self.waiting.push((db, speaker));
        }
    }

    /// Ends a tick: who is too quiet or was not offered leaves, who is loudest of the others takes free places, or the place
    /// of somebody who is much quieter.
    pub(super) fn decide(&mut self) {
        self.members.retain(|member| member.db >= LEAVE);
        self.waiting.sort_unstable_by(|&a, &b| order(b, a));
        for &(db, speaker) in &self.waiting {
            let entrant = Member { speaker, db, ticks: 0 };
            if self.members.len() < self.limit {
                self.members.push(entrant);
                continue;
            }
            let held = |member: &&mut Member| member.ticks >= HOLD_TICKS;
            let weakest = self.members.iter_mut().filter(held).min_by(|a, b| a.db.total_cmp(&b.db));
            match weakest {
                Some(member) if db >= member.db + LOUDER_DB => *member = entrant,
                _ => break,
            }
        }
    }

    /// Whether somebody is among the loudest.
    pub(super) fn contains(&self, speaker: Speaker) -> bool {
        self.members.iter().any(|member| member.speaker == speaker)
    }

    /// All of them.
    pub(super) fn speakers(&self) -> impl Iterator<Item = Speaker> + '_ {
        self.members.iter().map(|member| member.speaker)
    }
}

/// Louder is greater; of two that are as loud, the one with the smaller id, so that it is always the same.
fn order(a: (f32, Speaker), b: (f32, Speaker)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))
}

#[cfg(test)]
mod tests {
    use super::super::{CallerId, SourceId};
    use super::*;

    fn speaker(id: usize) -> Speaker {
        if id.is_multiple_of(2) { Speaker::Source(SourceId(id as u64)) } else { Speaker::Caller(CallerId(id as u64)) }
    }

    /// A room of which everybody's level can be set.
    struct Room {
        loudest: Loudest,
        people: Vec<Loudness>,
        changes: usize,
    }

    impl Room {
        fn new(limit: usize, people: usize) -> Self {
            Self { loudest: Loudest::new(limit), people: vec![Loudness::default(); people], changes: 0 }
        }

        fn tick(&mut self, levels: &[u8]) {
            let before: Vec<_> = self.loudest.speakers().collect();
            self.loudest.begin();
            for (id, (loudness, level)) in self.people.iter_mut().zip(levels).enumerate() {
                loudness.tick(Some(*level));
                self.loudest.offer(speaker(id), *loudness);
            }
            self.loudest.decide();
            self.changes += self.loudest.speakers().filter(|speaker| !before.contains(speaker)).count();
        }

        fn heard(&self) -> Vec<usize> {
            (0..self.people.len()).filter(|&id| self.loudest.contains(speaker(id))).collect()
        }
    }

    #[test]
    fn the_loudest_are_heard() {
        let mut room = Room::new(3, 6);
        for _ in 0..5 {
            room.tick(&[50, 20, 30, 127, 25, 40]);
        }
        assert_eq!(room.heard(), [1, 2, 4]);
    }

    #[test]
    fn nobody_is_heard_in_silence() {
        let mut room = Room::new(3, 4);
        for _ in 0..50 {
            room.tick(&[127, 70, 80, 61]);
        }
        assert!(room.heard().is_empty());
    }

    #[test]
    fn a_click_of_one_frame_is_not_heard() {
        let mut room = Room::new(3, 1);
        for level in [127, 127, 20, 127, 127, 127] {
            room.tick(&[level]);
            assert!(room.heard().is_empty());
        }
    }

    #[test]
    fn a_voice_is_in_by_its_second_frame() {
        let mut room = Room::new(3, 1);
        room.tick(&[30]);
        room.tick(&[30]);
        assert_eq!(room.heard(), [0]);
    }

    #[test]
    fn pauses_between_words_keep_the_place_and_silence_ends_it() {
        let mut room = Room::new(1, 1);
        for _ in 0..10 {
            room.tick(&[30]);
        }
        for _ in 0..25 {
            room.tick(&[127]);
            assert_eq!(room.heard(), [0]);
        }
        for _ in 0..50 {
            room.tick(&[127]);
        }
        assert!(room.heard().is_empty());
    }

    #[test]
    fn speakers_of_about_the_same_loudness_do_not_change_places() {
        let mut room = Room::new(2, 4);
        for tick in 0..1_000_u32 {
            // Each goes up and down by 4 dB, and every other tick somebody else is loudest.
            let levels: Vec<u8> = (0..4).map(|id| 30 + ((tick * 7 + id * 13) % 5) as u8).collect();
            room.tick(&levels);
        }
        assert_eq!(room.changes, 2, "the first two entered, and nobody after them");
    }

    #[test]
    fn who_is_much_louder_takes_the_place_of_the_quietest_after_a_while() {
        let mut room = Room::new(2, 3);
        for _ in 0..5 {
            room.tick(&[40, 30, 127]);
        }
        assert_eq!(room.heard(), [0, 1]);
        let mut ticks = 0;
        while room.heard() != [1, 2] {
            room.tick(&[40, 30, 20]);
            ticks += 1;
            assert!(ticks < 30);
        }
        assert!(ticks > 10, "who has a place keeps it for a while");
    }

    #[test]
    fn who_is_not_offered_any_more_leaves() {
        let mut room = Room::new(2, 2);
        for _ in 0..5 {
            room.tick(&[30, 30]);
        }
        room.tick(&[30]);
        assert_eq!(room.heard(), [0]);
    }

    #[test]
    fn only_so_many_are_heard_in_a_large_room() {
        let mut room = Room::new(3, 500);
        let levels: Vec<u8> = (0..500).map(|id| (id * 37 % 50 + 10) as u8).collect();
        for _ in 0..100 {
            room.tick(&levels);
            assert!(room.heard().len() <= 3);
        }
        assert!(room.heard().iter().all(|&id| levels[id] == 10));
    }
}
