// SPDX-License-Identifier: EUPL-1.2
//! The budgets one by one, what they allow in a day, and a day of guessing beside people who mistype.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::phone::call::{Again, Looked, Reply, Tries};
use crate::phone::sources::REMEMBERED;

/// The requirement: most meetings that may be hit in a day.
const MOST_HITS_A_DAY: f64 = 1e-4;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Meetings that are open at a time: twice as many as in a large installation.
const OPEN: f64 = 1_000.0;

/// The same in an installation that is larger than any.
const MOST_OPEN: f64 = 5_000.0;

/// Servers that answer calls. They share what is borne of ids alone, and of a meeting's PINs.
const SERVERS: f64 = 8.0;

/// With how many people each.
const PEOPLE: f64 = 100.0;

/// How often a PIN is one of those of a given meeting: one of 6 digits; the host's and each person's of 8.
fn pin_hits() -> f64 {
    1e-6 + (PEOPLE + 1.0) * 1e-8
}

fn key(kind: u8, number: u32) -> Key {
    let mut key = [kind; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    key
}

/// How often a PIN of that length is a given one.
const fn pin_hit(length: PinLength) -> f64 {
    match length {
        PinLength::Place => 1e-6,
        PinLength::Person => 1e-8,
    }
}

/// PINs of a meeting.
const fn target(place: Key, length: PinLength, pins: u32) -> Target {
    Target { place, length, pins }
}

/// Somebody nobody knows, with a number of their own.
pub(in crate::phone) fn stranger(number: u32) -> Source {
    Source { number: Some(key(1, number)), peer: key(2, 0), is_known: false }
}

/// Where strangers have just used up what they had.
pub(in crate::phone) fn drained() -> (Instant, Attempts) {
    let start = Instant::now();
    let (mut attempts, now) = (Attempts::new(start), start + DAY);
    for number in 0..1_000 {
        let source = Source { number: None, peer: key(2, 1_000 + number), is_known: false };
        if attempts.begin_id(now, &source) == IdTry::OnlyWithPin {
            return (now, attempts);
        }
        attempts.wrong_id(now, &source);
    }
    panic!("ids alone are answered without end");
}

#[test]
fn what_is_allowed_makes_few_enough_hits_a_day() {
    let without_id = |open: f64| {
        let id_hits = open / IDS;
        let ids = OF_STRANGERS.most_a_day() + OF_KNOWN.most_a_day();
        ids * id_hits + SERVERS * OF_PINS.most_a_day() * id_hits * pin_hits()
    };
    // A long one costs as many as it could hit, so it does not matter how many there are.
    let with_id =
        OF_PLACE.most_a_day() * pin_hit(PinLength::Place) + OF_PERSONS.most_a_day() * pin_hit(PinLength::Person);
    let usual = ("1,000 meetings, and one whose number is known", without_id(OPEN) + with_id);
    for (case, hits) in [usual, ("5,000 meetings", without_id(MOST_OPEN))] {
        println!("{case}: {hits:.2e} hits a day at the most that is allowed");
        assert!(hits < MOST_HITS_A_DAY, "{hits:e} hits a day");
        assert!(hits > MOST_HITS_A_DAY * 0.9, "it could be more generous: {hits:e}");
    }
}

#[test]
fn the_host_of_five_hundred_people_may_mistype_five_times() {
    let now = Instant::now();
    let mut attempts = Attempts::new(now);
    let pins = Some(target(key(3, 1), PinLength::Person, 501));
    for mistakes in 0..5 {
        let pin = attempts.begin_pin(now, &stranger(1), pins).expect("answered");
        assert!(!pin.is_place_guessed, "{mistakes}");
    }
    let right = attempts.begin_pin(now, &stranger(1), pins).expect("answered");
    assert!(!right.is_place_guessed, "and then hosts");
    attempts.right_pin(right);
    assert!(!attempts.begin_pin(now, &stranger(2), pins).expect("answered").is_place_guessed, "which cost nothing");
    assert!(attempts.begin_pin(now, &stranger(2), pins).expect("answered").is_place_guessed);
}

#[test]
fn what_others_have_tried_of_a_meetings_pins_is_there_again_bit_by_bit() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    let pins = target(key(3, 1), PinLength::Place, 1);
    attempts.adopt_pins(start, &pins, DAY * 10);
    let mut is_guessed = |now| attempts.begin_pin(now, &stranger(1), Some(pins)).expect("answered").is_place_guessed;
    assert!(is_guessed(start));
    assert!(!is_guessed(start + OF_PLACE.every));
    assert!(is_guessed(start + OF_PLACE.every));
}

#[test]
fn what_others_have_used_up_is_there_again_bit_by_bit() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    attempts.adopt(start, UsedUp { strangers: DAY, known: Duration::ZERO });
    let known = Source { is_known: true, ..stranger(2) };
    assert_eq!(attempts.begin_id(start, &known), IdTry::Alone(Paid::Known), "another budget");
    assert_eq!(attempts.begin_id(start, &stranger(1)), IdTry::OnlyWithPin);
    assert!(!attempts.is_attack(start), "nobody has done anything yet");
    let later = start + OF_STRANGERS.every;
    assert_eq!(attempts.begin_id(later, &stranger(1)), IdTry::Alone(Paid::Strangers));
    attempts.adopt(later, UsedUp::default());
    assert_eq!(attempts.begin_id(later, &stranger(1)), IdTry::OnlyWithPin, "what is known is not forgotten");
}

#[test]
fn right_ids_cost_nothing() {
    let start = Instant::now();
    let (mut attempts, now) = (Attempts::new(start), start + DAY);
    for number in 0..10_000 {
        let source = stranger(number);
        let IdTry::Alone(paid) = attempts.begin_id(now, &source) else { panic!("{number}") };
        attempts.right_id(&source, paid);
    }
}

#[test]
fn one_address_leaves_something_for_the_others() {
    let start = Instant::now();
    let (mut attempts, now) = (Attempts::new(start), start + DAY);
    let from = |number| Source { peer: key(2, number), ..stranger(0) };
    let answered = (0..1_000).filter(|_| attempts.begin_id(now, &from(1)) != IdTry::OnlyWithPin).count();
    assert_eq!(answered, OF_PEER.at_once as usize);
    assert_eq!(attempts.begin_id(now, &from(2)), IdTry::Alone(Paid::Strangers));
}

#[test]
fn known_numbers_have_something_of_their_own_and_it_is_bounded() {
    let (now, mut attempts) = drained();
    let known = |number| Source { is_known: true, ..stranger(number) };
    let answered = (0..1_000).filter(|number| attempts.begin_id(now, &known(*number)) != IdTry::OnlyWithPin).count();
    assert_eq!(answered, OF_KNOWN.at_once as usize);
}

#[test]
fn an_attack_is_told_once_an_hour_and_ends_by_itself() {
    let (mut now, mut attempts) = drained();
    assert!(attempts.is_attack(now));
    assert_eq!((attempts.poll_alarm(), attempts.poll_alarm()), (Some(Alarm::Attack), None));
    let anonymous = Source { number: None, ..stranger(0) };
    for _ in 0..59 {
        now += Duration::from_secs(60);
        attempts.wrong_pin(now, &anonymous);
        assert!(attempts.is_attack(now), "it goes on");
    }
    assert_eq!(attempts.poll_alarm(), None);
    assert!(!attempts.is_attack(now + DAY), "it is over");
    let mut next = now + DAY;
    while attempts.poll_alarm().is_none() {
        assert!(next < now + 2 * DAY, "another one is told, too");
        attempts.wrong_pin(next, &anonymous);
        next += Duration::from_secs(1);
    }
}

#[test]
fn a_few_mistakes_of_known_people_are_no_attack() {
    let start = Instant::now();
    let (now, mut attempts) = (start + DAY, Attempts::new(start));
    for number in 0..200 {
        attempts.wrong_pin(now, &Source { is_known: true, ..stranger(number) });
    }
    assert!(!attempts.is_attack(now));
}

#[test]
fn who_guesses_the_pins_of_one_meeting_gets_no_further_than_to_its_lobby() {
    let now = Instant::now();
    let mut attempts = Attempts::new(now);
    let (guessed, other) = (key(3, 1), key(3, 2));
    let unmarked = (0..1_000)
        .take_while(|number| {
            let pins = Some(target(guessed, PinLength::Place, 1));
            let pin = attempts.begin_pin(now + Duration::from_secs(*number), &stranger(0), pins);
            !pin.expect("answered").is_place_guessed
        })
        .count();
    assert_eq!(unmarked, OF_PLACE.at_once as usize);
    let now = now + Duration::from_secs(1_000);
    let pins = Some(target(other, PinLength::Place, 1));
    let pin = attempts.begin_pin(now, &stranger(1), pins).expect("answered");
    assert!(!pin.is_place_guessed, "another meeting");
    attempts.right_pin(pin);
    let nowhere = attempts.begin_pin(now, &stranger(1), None).expect("answered");
    assert!(!nowhere.is_place_guessed);
}

#[test]
fn a_pin_that_is_right_while_pins_are_guessed_is_exposed_once_unless_the_number_proves_who_calls() {
    let calm = PinTry { from_all: true, charged: None, is_place_guessed: false };
    let guessed = PinTry { is_place_guessed: true, ..calm };
    assert_eq!(calm.reach(false, false), Reach::Full);
    assert_eq!(guessed.reach(false, false), Reach::Lobby { exposes: true });
    assert_eq!(guessed.reach(true, false), Reach::Lobby { exposes: false }, "that is known");
    assert_eq!(calm.reach(true, false), Reach::Lobby { exposes: false }, "also once nobody guesses any more");
    for (pin, is_exposed) in [(calm, true), (guessed, false), (guessed, true)] {
        assert_eq!(pin.reach(is_exposed, true), Reach::Full);
    }
}

#[test]
fn who_guesses_the_short_pins_of_a_meeting_keeps_nobody_out_who_has_a_long_one() {
    let now = Instant::now();
    let mut attempts = Attempts::new(now);
    let mut is_guessed = |number, length, pins| {
        let pins = Some(target(key(3, 1), length, pins));
        let pin = attempts.begin_pin(now + Duration::from_secs(number), &stranger(0), pins);
        pin.expect("answered").is_place_guessed
    };
    assert!((0..1_000).any(|number| is_guessed(number, PinLength::Place, 1)));
    let unmarked = (1_000..2_000).take_while(|number| !is_guessed(*number, PinLength::Person, 101)).count();
    assert_eq!(unmarked, 29, "as many as the budget has for so many people");
}

#[test]
fn nobody_is_answered_who_is_not_known_when_more_wrong_pins_come_than_people_make() {
    let now = Instant::now();
    let mut attempts = Attempts::new(now);
    let answered = (0..10_000).take_while(|_| attempts.begin_pin(now, &stranger(0), None).is_some()).count();
    assert_eq!(answered, OF_PINS.at_once as usize);
    let known = Source { is_known: true, ..stranger(1) };
    let pin = attempts.begin_pin(now, &known, None).expect("answered");
    attempts.right_pin(pin);
    assert!(attempts.begin_pin(now, &stranger(0), None).is_none(), "what was not taken is not given back");
    assert!(attempts.begin_pin(now + OF_PINS.every, &stranger(0), None).is_some());
}

#[test]
fn numbers_that_change_with_each_call_fill_neither_memory_nor_the_audit_log() {
    let now = Instant::now();
    let mut attempts = Attempts::new(now);
    let mut told = 0;
    for number in 0..2 * REMEMBERED as u32 {
        for _ in 0..6 {
            attempts.wrong_pin(now, &stranger(number));
        }
        while let Some(alarm) = attempts.poll_alarm() {
            told += usize::from(matches!(alarm, Alarm::Blocked { .. }));
        }
    }
    assert!(attempts.sources.len() <= REMEMBERED);
    assert_eq!(told, TOLD.at_once as usize);
}

/// Somebody who wants to join, and does not always type what they read.
struct Person {
    source: Source,
    /// Their number is invited to their meeting.
    is_invited: bool,
    /// The PINs of their meeting that are as long as theirs.
    pins: Target,
    /// They have the host's, mistype only that, and begin the meeting.
    hosts: bool,
    /// Codes that they still get wrong.
    mistakes: u32,
    tries: Option<Tries>,
}

/// What a day of guessing comes to.
#[derive(Debug, Default)]
struct Day {
    /// Meetings that are hit by guessing their numbers, as far as chance goes.
    hits_of_ids: f64,
    /// By guessing a PIN behind a number that was guessed.
    hits_of_ids_with_pins: f64,
    /// By guessing the PINs of a meeting whose number is known.
    hits_of_pins: f64,
    guessed: u64,
    /// Real callers who are in.
    joined: usize,
    /// Hosts who are, as such.
    hosted: usize,
    calls: usize,
    was_attack: bool,
}

impl Day {
    fn hits(&self) -> f64 {
        self.hits_of_ids + self.hits_of_ids_with_pins + self.hits_of_pins
    }
}

/// The attackers of one second: as many codes as the limits let them have answers for, and more. Each call has another
/// number and comes over another address, or withholds the number; a few are from numbers that are known.
fn attack(day: &mut Day, rng: &mut StdRng, now: Instant, attempts: &mut Attempts, open: f64) {
    const CALLS_A_SECOND: u32 = 4;
    for _ in 0..CALLS_A_SECOND {
        let source = Source {
            number: rng.random_bool(0.8).then(|| key(4, rng.random_range(0..100_000))),
            peer: key(5, rng.random_range(0..20)),
            is_known: rng.random_bool(0.01),
        };
        if attempts.blocked_for(now, &source).is_some() {
            continue;
        }
        let mut tries = Tries::new(source);
        for _ in 0..OF_CALL {
            let Ok(id) = tries.id(now, attempts) else { break };
            day.guessed += 1;
            if id != IdTry::OnlyWithPin {
                day.hits_of_ids += open / IDS;
            }
            let (reply, _) = tries.id_looked_up(now, attempts, id, Looked::Nothing);
            if let Reply::AskPin { .. } = reply
                && let Ok(pin) = tries.pin(now, attempts, None)
            {
                day.hits_of_ids_with_pins += open / IDS * pin_hits();
                tries.pin_looked_up(now, attempts, pin, false);
            }
        }
    }
}

/// How often a try gets in that finds a PIN so often: with this call, or with another one, once some may be tried again.
fn guessed_hits(pin: PinTry, hit: f64) -> f64 {
    let is_exposed = match pin.reach(false, false) {
        Reach::Full => return hit,
        Reach::Lobby { exposes } => exposes,
    };
    let later = PinTry { is_place_guessed: false, ..pin };
    if later.reach(is_exposed, false) == Reach::Full { hit } else { 0.0 }
}

/// Somebody who knows the number of one meeting and tries its PINs, those of 100 people, too.
fn guess_pins(day: &mut Day, now: Instant, attempts: &mut Attempts) {
    let mut tries = Tries::new(Source { number: None, peer: key(5, 0), is_known: false });
    let Ok(id) = tries.id(now, attempts) else { return };
    tries.id_looked_up(now, attempts, id, Looked::Place { may_skip: false, is_invited: false });
    for (length, pins) in [(PinLength::Place, 1), (PinLength::Person, 101), (PinLength::Person, 101)] {
        let Ok(pin) = tries.pin(now, attempts, Some(target(key(9, 0), length, pins))) else { return };
        day.guessed += 1;
        day.hits_of_pins += guessed_hits(pin, f64::from(pins) * pin_hit(length));
        tries.pin_looked_up(now, attempts, pin, false);
    }
}

/// What a real caller does now. None: they are in. Otherwise, after how many seconds they go on.
fn dial(day: &mut Day, rng: &mut StdRng, person: &mut Person, now: Instant, attempts: &mut Attempts) -> Option<u64> {
    /// How long it takes to type, and to find the letter with the code.
    const TYPING: u64 = 10;
    const REDIAL: u64 = 90;
    if let Some(wait) = attempts.blocked_for(now, &person.source) {
        person.tries = None;
        return Some(wait.as_secs() + rng.random_range(1..60));
    }
    let is_new_call = person.tries.is_none();
    day.calls += usize::from(is_new_call);
    let tries = person.tries.get_or_insert_with(|| Tries::new(person.source));
    let is_mistake = person.mistakes > 0;
    let mistypes_id = is_mistake && !person.hosts && rng.random_bool(0.5);
    let Ok(id) = tries.id(now, attempts) else {
        person.tries = None;
        return Some(REDIAL);
    };
    let here = Looked::Place { may_skip: false, is_invited: person.is_invited };
    let looked = if mistypes_id { Looked::Nothing } else { here };
    let (reply, _) = tries.id_looked_up(now, attempts, id, looked);
    person.mistakes -= u32::from(is_mistake);
    let reply = match reply {
        Reply::AskPin { .. } => match tries.pin(now, attempts, (!mistypes_id).then_some(person.pins)) {
            Ok(pin) => {
                day.hosted += usize::from(person.hosts && !is_mistake && !pin.is_place_guessed);
                tries.pin_looked_up(now, attempts, pin, !is_mistake).0
            }
            Err(reply) => reply,
        },
        reply => reply,
    };
    match reply {
        Reply::Right => None,
        Reply::Wrong(Again::Id | Again::Pin) => Some(TYPING),
        _ => {
            person.tries = None;
            Some(REDIAL)
        }
    }
}

/// Hosts who come in a day.
const HOSTS: u32 = 12;

/// How many seconds are between the calls of whoever knows a meeting's number.
const GUESSED_EVERY: u64 = 20;

fn live_through_a_day(seed: u64, open: f64) -> Day {
    const PERSONS: u32 = 1_000;
    const MEETINGS: u32 = 20;
    let (mut rng, start) = (StdRng::seed_from_u64(seed), Instant::now());
    let mut attempts = Attempts::new(start);
    let start = start + DAY;
    let mut people: Vec<_> = (0..PERSONS)
        .map(|number| {
            // One in five calls from a company whose people share a number, some withhold theirs.
            let shared = rng.random_bool(0.2).then(|| key(7, number % 20));
            let own = rng.random_bool(0.9).then(|| key(8, number));
            Person {
                source: Source { number: shared.or(own), peer: key(5, number % 20), is_known: rng.random_bool(0.3) },
                is_invited: rng.random_bool(0.3),
                pins: target(key(6, number % MEETINGS), PinLength::Person, PERSONS / MEETINGS + 1),
                hosts: false,
                mistakes: if rng.random_bool(0.15) { rng.random_range(1..=4) } else { 0 },
                tries: None,
            }
        })
        .collect();
    // They all come within the first 20 hours, so that whoever has to wait is still in on the same day.
    let mut due: BinaryHeap<_> =
        (0..people.len()).map(|index| Reverse((rng.random_range(0..20 * 3600_u64), index))).collect();
    // Each hour, for half a day, somebody begins a meeting of 500 people, and mistypes five times.
    for hour in 0..HOSTS {
        due.push(Reverse((u64::from(hour) * 3600, people.len())));
        people.push(Person {
            source: stranger(hour),
            is_invited: false,
            pins: target(key(6, MEETINGS + hour), PinLength::Person, 501),
            hosts: true,
            mistakes: 5,
            tries: None,
        });
    }
    let mut day = Day::default();
    for second in 0..DAY.as_secs() {
        let now = start + Duration::from_secs(second);
        attack(&mut day, &mut rng, now, &mut attempts, open);
        if second % GUESSED_EVERY == 0 {
            guess_pins(&mut day, now, &mut attempts);
        }
        day.was_attack |= attempts.is_attack(now);
        while let Some(Reverse((at, index))) = due.peek().copied()
            && at <= second
        {
            due.pop();
            match dial(&mut day, &mut rng, &mut people[index], now, &mut attempts) {
                None => day.joined += 1,
                Some(wait) => due.push(Reverse((second + wait.max(1), index))),
            }
        }
        while attempts.poll_alarm().is_some() {}
    }
    assert_eq!(day.joined + due.len(), people.len());
    day
}

#[test]
fn a_day_of_guessing_from_everywhere_hits_nothing_and_keeps_nobody_out() {
    let seed = 20_261_122;
    let day = live_through_a_day(seed, OPEN);
    for (case, hits) in [
        ("ids alone", day.hits_of_ids),
        ("ids with PINs", day.hits_of_ids_with_pins),
        ("PINs of an id that is known", day.hits_of_pins),
        ("all", day.hits()),
    ] {
        println!("{case}: {hits:.2e} expected hits in a day, at most {MOST_HITS_A_DAY:.0e}");
    }
    assert!(day.hits() < MOST_HITS_A_DAY, "seed {seed}: {day:?}");
    assert!(day.hits() > MOST_HITS_A_DAY / 2.0, "otherwise nothing was tried: {day:?}");
    assert_eq!(day.joined, 1_000 + HOSTS as usize, "seed {seed}: {day:?}");
    assert_eq!(day.hosted, HOSTS as usize, "seed {seed}: {day:?}");
    assert!(day.was_attack && day.guessed > 500_000, "otherwise this shows nothing: {day:?}");
    assert!(day.calls >= 1_000, "{day:?}");
}
