// SPDX-License-Identifier: EUPL-1.2
//! Which meetings there are at the same time, and what people do in them.

use anyhow::{Result, ensure};
use serde::Serialize;

use super::room::{Group, Receives, Room, Sends, View};
use super::streams::Stream;
use crate::source::{CAMERA, Noise};

/// From this size on a meeting is a town hall: a few send, the others watch.
pub(crate) const TOWN_HALL_PEOPLE: usize = 100;

/// How unequal meetings are: the spread of the logarithm of what a meeting has beyond two people. With 6 to 7 people on
/// average, half of the meetings have 2 to 5, and about one in thirty has 20 to 50.
const SIZE_SPREAD: f64 = 1.1;

/// More is a mistake in typing.
const MOST_PEOPLE: usize = 1_000_000;

/// As many tiles beside the large picture are shown in the middle layer, more of them in the small one.
const LARGE_TILES: usize = 3;

/// The sizes of all meetings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// A skewed distribution that sums up exactly, and some town halls of given sizes among them.
    Skewed { people: usize, meetings: usize, town_halls: Vec<usize> },
    /// So many meetings of so many people each.
    Listed(Vec<(usize, usize)>),
}

/// What people do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Habits {
    /// Share of the people whose camera is on.
    pub(crate) cameras: f64,
    /// Share of the people who have called by phone: they send and get sound alone.
    pub(crate) phones: f64,
    /// Others that are visible beside a large picture of who speaks.
    pub(crate) tiles: usize,
    /// Those who send in a town hall.
    pub(crate) on_stage: usize,
}

impl Sizes {
    /// The size of each meeting, largest first; by chance, from a seed.
    pub(crate) fn draw(&self, seed: u64) -> Result<Vec<usize>> {
        let mut sizes = match self {
            Self::Skewed { people, meetings, town_halls } => skewed(*people, *meetings, town_halls, seed)?,
            Self::Listed(listed) => {
                let people =
                    listed.iter().try_fold(0_usize, |sum, (count, size)| sum.checked_add(count.checked_mul(*size)?));
                ensure!(
                    people.is_some_and(|sum| (1..=MOST_PEOPLE).contains(&sum)),
                    "that is nobody, or too many people"
                );
                ensure!(listed.iter().all(|(_, size)| *size > 0), "a meeting has somebody in it");
                listed.iter().flat_map(|(count, size)| std::iter::repeat_n(*size, *count)).collect()
            }
        };
        sizes.sort_unstable_by(|left, right| right.cmp(left));
        Ok(sizes)
    }

    /// So many times of it: more meetings, and larger town halls where these have given sizes.
    pub(crate) fn times(&self, factor: f64) -> Self {
        let scaled = |count: usize| (count as f64 * factor).round() as usize;
        match self {
            Self::Skewed { people, meetings, town_halls } => {
                let town_halls = town_halls.iter().map(|size| scaled(*size).max(1)).collect();
                let (people, meetings) = (scaled(*people), scaled(*meetings).max(1));
                Self::Skewed { people: people.max(2 * meetings), meetings, town_halls }
            }
            Self::Listed(listed) => {
                Self::Listed(listed.iter().map(|(count, size)| (scaled(*count).max(1), *size)).collect())
            }
        }
    }
}

fn skewed(people: usize, meetings: usize, town_halls: &[usize], seed: u64) -> Result<Vec<usize>> {
    ensure!((1..=MOST_PEOPLE).contains(&people), "--people takes a number from 1 to {MOST_PEOPLE}");
    let in_halls = town_halls.iter().try_fold(0_usize, |sum, size| sum.checked_add(*size));
    let others = in_halls.and_then(|in_halls| people.checked_sub(in_halls));
    let small = meetings.checked_sub(town_halls.len());
    let (Some(others), Some(small)) = (others, small) else {
        anyhow::bail!("{people} people and {meetings} meetings are fewer than the town halls have");
    };
    ensure!(small > 0 || others == 0, "{others} people are left over when all meetings are town halls");
    ensure!(others >= 2 * small, "a meeting has at least two people: {others} are too few for {small} meetings");
    let mut noise = Noise::new(seed);
    let weights: Vec<f64> = (0..small).map(|_| (SIZE_SPREAD * normal(&mut noise)).exp()).collect();
    let each: f64 = (others - 2 * small) as f64 / weights.iter().sum::<f64>();
    // Rounding the running sum, not the sizes, loses nobody.
    let (mut exact, mut given) = (0.0, 0);
    let mut sizes = town_halls.to_vec();
    for (place, weight) in weights.iter().enumerate() {
        exact += weight * each;
        let upto =
            if place + 1 == small { others - 2 * small } else { (exact.round() as usize).min(others - 2 * small) };
        sizes.push(2 + upto - given);
        given = upto;
    }
    Ok(sizes)
}

/// Chance from 0 to 1.
fn chance(noise: &mut Noise) -> f64 {
    (noise.next() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Normally distributed (Box and Muller 1958).
fn normal(noise: &mut Noise) -> f64 {
    let (radius, angle) = (1.0 - chance(noise), chance(noise));
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// What is sent in meetings, worked out once for all of them.
pub(crate) struct Sources {
    camera: Vec<Stream>,
    speech: Stream,
    silence: Stream,
}

impl Sources {
    pub(crate) fn new() -> Self {
        Self {
            camera: CAMERA.iter().map(Stream::video).collect(),
            speech: Stream::speech(),
            silence: Stream::silence(),
        }
    }

    fn of(&self, has_camera: bool, microphone: Stream) -> Sends {
        let camera = if has_camera { self.camera.clone() } else { Vec::new() };
        Sends { microphone: Some(microphone), camera }
    }

    /// A meeting of so many people.
    pub(crate) fn meeting(&self, people: usize, habits: &Habits, noise: &mut Noise) -> Room {
        let by_phone = (0..people).filter(|_| chance(noise) < habits.phones).count();
        if people >= TOWN_HALL_PEOPLE {
            return self.town_hall(people, by_phone, habits);
        }
        let in_browsers = people - by_phone;
        let cameras = (0..in_browsers).filter(|_| chance(noise) < habits.cameras).count();
        // Who speaks is large; whom that one sees large instead spoke before; the next ones are tiles.
        let previous = cameras.saturating_sub(1).min(1);
        let tiles = cameras.saturating_sub(2).min(habits.tiles.saturating_sub(previous));
        let small = View::Layer(usize::from(previous + tiles <= LARGE_TILES));
        let hidden = cameras.saturating_sub(2).saturating_sub(tiles);
        // Who spoke before is the first of the others' tiles.
        let previous_tile = if habits.tiles > 0 { small } else { View::Hidden };
        let speaker_by_phone = usize::from(in_browsers == 0);
        let counts = [
            (usize::from(in_browsers > 0), self.of(cameras > 0, self.speech)),
            (previous, self.of(true, self.silence)),
            (tiles, self.of(true, self.silence)),
            (hidden, self.of(true, self.silence)),
            (in_browsers - cameras.max(usize::from(in_browsers > 0)), self.of(false, self.silence)),
            (speaker_by_phone, self.of(false, self.speech)),
            (by_phone - speaker_by_phone, self.of(false, self.silence)),
        ];
        let large = View::Layer(CAMERA.len() - 1);
        let hears = |sees| Receives { hears: true, sees };
        let views = [large, previous_tile, small, View::Hidden, View::None, View::None, View::None].map(hears);
        let receives = |group: usize| match group {
            // Nobody is large to themselves.
            0 => [View::None, large, small, View::Hidden, View::None, View::None, View::None].map(hears).to_vec(),
            5.. => vec![hears(View::None); views.len()],
            _ => views.to_vec(),
        };
        let groups = counts.into_iter().enumerate().map(|(group, (count, sends))| Group {
            count,
            are_people: true,
            sends,
            receives: receives(group),
        });
        Room { groups: groups.collect() }
    }

    fn town_hall(&self, people: usize, by_phone: usize, habits: &Habits) -> Room {
        let on_stage = habits.on_stage.clamp(1, people - by_phone.min(people - 1));
        let by_phone = by_phone.min(people - on_stage);
        let tiles = (on_stage - 1).min(habits.tiles);
        let small = View::Layer(usize::from(tiles <= LARGE_TILES));
        let large = View::Layer(CAMERA.len() - 1);
        let hears = |sees| Receives { hears: true, sees };
        let group = |count, sends, receives: [View; 3]| Group {
            count,
            are_people: true,
            sends,
            receives: receives.map(hears).to_vec(),
        };
        let groups = vec![
            group(1, self.of(true, self.speech), [View::None, small, View::Hidden]),
            group(tiles, self.of(true, self.silence), [large, small, View::Hidden]),
            group(on_stage - 1 - tiles, self.of(true, self.silence), [large, small, View::Hidden]),
            group(people - on_stage - by_phone, Sends::default(), [large, small, View::Hidden]),
            group(by_phone, Sends::default(), [View::None; 3]),
        ];
        Room { groups }
    }

    /// All meetings.
    pub(crate) fn rooms(&self, sizes: &[usize], habits: &Habits, seed: u64) -> Vec<Room> {
        let mut noise = Noise::new(seed.wrapping_add(1));
        sizes.iter().map(|size| self.meeting(*size, habits, &mut noise)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABITS: Habits = Habits { cameras: 0.8, phones: 0.05, tiles: 9, on_stage: 3 };

    fn draw(people: usize, meetings: usize, town_halls: &[usize], seed: u64) -> Result<Vec<usize>> {
        Sizes::Skewed { people, meetings, town_halls: town_halls.to_vec() }.draw(seed)
    }

    #[test]
    fn sizes_sum_up_exactly_whatever_the_seed() {
        for seed in 0..200 {
            let sizes = draw(2_000, 200, &[500, 200], seed).unwrap();
            assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (200, 2_000), "seed {seed}");
            assert!(sizes.iter().all(|size| *size >= 2), "seed {seed}: {sizes:?}");
        }
        for (people, meetings) in [(2, 1), (10, 5), (11, 5), (1_000, 1)] {
            assert_eq!(draw(people, meetings, &[], 1).unwrap().iter().sum::<usize>(), people);
        }
    }

    #[test]
    fn many_meetings_are_small_and_a_few_are_not() {
        let sizes = draw(2_000, 200, &[500, 200], 1).unwrap();
        assert_eq!(sizes[..2], [500, 200]);
        let count = |range: std::ops::RangeInclusive<usize>| sizes.iter().filter(|size| range.contains(size)).count();
        assert!(count(2..=8) > 120, "{sizes:?}");
        assert!((2..30).contains(&count(20..=60)), "{sizes:?}");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(draw(2_000, 200, &[1_500, 600], 1).is_err(), "more in town halls than there are");
        assert!(draw(100, 60, &[], 1).is_err(), "less than two people each");
        assert!(draw(700, 2, &[500, 100], 1).is_err(), "people left over");
        assert!(draw(usize::MAX, 200, &[], 1).is_err());
        assert!(draw(2_000, 200, &[usize::MAX, 2], 1).is_err());
        assert!(Sizes::Listed(vec![(usize::MAX, 2)]).draw(1).is_err());
        assert!(Sizes::Listed(vec![(3, 0)]).draw(1).is_err());
    }

    #[test]
    fn everybody_is_in_the_room_and_one_speaks() {
        let sources = Sources::new();
        for people in 1..130 {
            for habits in [HABITS, Habits { cameras: 0.0, ..HABITS }, Habits { phones: 1.0, ..HABITS }] {
                let room = sources.meeting(people, &habits, &mut Noise::new(people as u64));
                assert_eq!(room.people(), people, "{habits:?}");
                let speaks = |group: &&Group| group.sends.microphone == Some(sources.speech);
                let speakers: usize = room.groups.iter().filter(speaks).map(|group| group.count).sum();
                assert_eq!(speakers, 1, "{people} people, {habits:?}");
            }
        }
    }

    #[test]
    fn everybody_sees_one_large_and_the_tiles() {
        let sources = Sources::new();
        let habits = Habits { cameras: 1.0, phones: 0.0, tiles: 9, on_stage: 1 };
        let room = sources.meeting(30, &habits, &mut Noise::new(1));
        for (place, viewer) in room.groups.iter().enumerate().filter(|(_, group)| group.count > 0) {
            let seen = |wanted: View| -> usize {
                let groups = room.groups.iter().enumerate();
                let seen = groups.filter(|(from, _)| viewer.receives[*from].sees == wanted);
                seen.map(|(from, group)| group.count - usize::from(from == place)).sum()
            };
            assert_eq!(seen(View::Layer(2)), 1, "group {place}");
            // Who is a tile does not see itself.
            let own = usize::from((0..=2).contains(&place));
            assert_eq!(seen(View::Layer(0)), 9 - own, "group {place}");
            assert_eq!(seen(View::Layer(0)) + seen(View::Layer(2)) + seen(View::Hidden), 29, "group {place}");
        }
    }

    #[test]
    fn nobody_sees_more_tiles_than_asked_for() {
        let sources = Sources::new();
        for (people, on_stage) in [(30, 1), (150, 7)] {
            for tiles in 0..=4 {
                let habits = Habits { cameras: 1.0, phones: 0.0, tiles, on_stage };
                let room = sources.meeting(people, &habits, &mut Noise::new(1));
                let from = |viewer: &Group, sees: fn(View) -> bool| -> usize {
                    let groups = room.groups.iter().zip(&viewer.receives);
                    groups.filter(|(_, receives)| sees(receives.sees)).map(|(group, _)| group.count).sum()
                };
                for viewer in room.groups.iter().filter(|group| group.count > 0) {
                    let shown = from(viewer, |sees| matches!(sees, View::Layer(0..=1)));
                    assert!(shown <= tiles, "{shown} instead of {tiles}: {viewer:?}");
                    let with_camera = from(viewer, |sees| sees != View::None);
                    assert!(with_camera + 1 >= if people < TOWN_HALL_PEOPLE { people } else { on_stage });
                }
            }
        }
    }

    #[test]
    fn growth_keeps_the_kind_of_meetings() {
        let sizes = Sizes::Skewed { people: 2_000, meetings: 200, town_halls: vec![500, 200] };
        assert_eq!(sizes.times(0.5).draw(1).unwrap().iter().sum::<usize>(), 1_000);
        let listed = Sizes::Listed(vec![(150, 4), (1, 500)]);
        assert_eq!(listed.times(2.0), Sizes::Listed(vec![(300, 4), (2, 500)]));
        assert_eq!(listed.times(0.1), Sizes::Listed(vec![(15, 4), (1, 500)]));
    }
}
