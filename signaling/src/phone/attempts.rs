// SPDX-License-Identifier: EUPL-1.2
//! How many wrong codes are borne, of a call, of a number, of a trunk's address, of a meeting, and of all callers together.
//! It opens no socket and reads no clock: time is an argument. What is borne of ids alone and of one meeting's PINs is shared by
//! all servers ([`shared_budgets`](super::shared_budgets)); here it is what this one knows of it.
//!
//! # The arithmetic
//!
//! An id has ten digits and does not begin with 0: there are 9·10⁹. Let 1,000 meetings be open at a time (500 is a large
//! installation). One id alone then is somebody's with 1,000 / 9·10⁹ = 1.1·10⁻⁷.
//!
//! * **An id alone** is answered while there is room in [`OF_STRANGERS`] and in the share of the trunk's address
//!   ([`OF_PEER`]); for numbers that are known, in [`OF_KNOWN`]. A right one gives back what it took. So at most 24 + 72 wrong
//!   ones of strangers and 12 + 36 of known numbers are answered in a day: 144 · 1.1·10⁻⁷ = **1.6·10⁻⁵** hits a day.
//! * **Afterwards** an id alone is never confirmed: right and wrong ones alike are followed by the question for a PIN, after
//!   the same time, and only both together get in. A PIN has 6 digits (the meeting's) or 8 (the host's, and one of each
//!   person). With 100 people a try hits with 1.1·10⁻⁷ · (10⁻⁶ + 101·10⁻⁸) = 2.2·10⁻¹³. [`OF_PINS`] bears 25 wrong ones
//!   a second of each server, 2.2 million a day: **0.4·10⁻⁵** hits a day of eight servers.
//! * **Who knows an id** and guesses its PINs has [`OF_PLACE`] for the meeting's: 20 + 12 wrong ones a day, 32 · 10⁻⁶ =
//!   **3.2·10⁻⁵**; and [`OF_PERSONS`] for the longer ones. A wrong one of these costs as many as there are, for so many it could have
//!   hit: 3,006 + 1,440 a day, 4,446 · 10⁻⁸ = **4.5·10⁻⁵**, however many people are invited. Beyond that no PIN of that length leads
//!   further than to that meeting's lobby, unless it invites the caller's number.
//! * **What is found beyond that** is worth no more later. Right and wrong PINs are still told apart there, and [`OF_PINS`] bears 2.2
//!   million wrong ones a day: 2.2 · 10⁶ · 101 · 10⁻⁸ = 2.2 right ones. So whoever found one would only have to come back once
//!   something may be tried again. A PIN that was right then is therefore exposed from then on, until it has other digits
//!   ([`PinTry::reach`]).
//! * Together: **9.6·10⁻⁵** hits a day at all limits, one in 28 years of attack without a pause. What a hit of an id, or of the
//!   meeting's PIN, is worth: a place in the lobby, unless the policy lets strangers in.
//!
//! With 5,000 meetings open, whoever knows no id has 8.0·10⁻⁵ + 1.9·10⁻⁵ = 9.9·10⁻⁵ hits a day.
//!
//! A test works this out from the constants, another one lives through a day of it.

#[cfg(test)]
pub(super) mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::bucket::{Bucket, Buckets, Limit};
use super::shared_budgets::UsedUp;
use super::sources::Sources;

/// By what numbers, addresses and meetings are counted: a hash under the installation's secret.
pub(crate) type Key = [u8; 32];

/// How many ids there are.
#[cfg(test)]
const IDS: f64 = 9e9;

/// Wrong codes of one call.
pub(super) const OF_CALL: u32 = 3;

/// Wrong ids of all strangers together that are answered without a PIN. As many as mistype in a large installation, and what
/// the arithmetic allows.
const OF_STRANGERS: Limit = Limit { at_once: 24, every: Duration::from_secs(20 * 60) };

/// Of these, those from one address of a trunk: a single one that is misused leaves something for others.
const OF_PEER: Limit = Limit { at_once: 12, every: Duration::from_secs(40 * 60) };

/// Wrong ids of all numbers together that are known.
const OF_KNOWN: Limit = Limit { at_once: 12, every: Duration::from_secs(40 * 60) };

/// Wrong PINs of all callers together, of one server. Far more than people make, so that this keeps nobody out; beyond it, nobody
/// is answered who is not known.
const OF_PINS: Limit = Limit { at_once: 200, every: Duration::from_millis(40) };

/// Wrong PINs of one meeting that are as long as its own, which everybody has who is invited.
const OF_PLACE: Limit = Limit { at_once: 20, every: Duration::from_secs(2 * 3600) };

/// Wrong PINs of one meeting that are as long as those of its hosts and of each person: each costs as many as there are such PINs,
/// for so many it could have hit. Enough for the host of 500 people who mistypes five times. It is not the budget of the short
/// ones, because whoever uses up that one must not keep a host out.
const OF_PERSONS: Limit = Limit { at_once: 6 * 501, every: Duration::from_secs(60) };

/// Addresses of trunks that are remembered. Only those of trunks that are set up come here.
const PEERS: usize = 1_000;

/// Meetings that are remembered because of wrong PINs.
const PLACES: usize = 10_000;

/// What is told of numbers at most: whoever changes theirs with each call shall not fill the audit log.
const TOLD: Limit = Limit { at_once: 60, every: Duration::from_secs(60) };

/// Wrong codes of strangers, with PINs and without, that are not yet taken for guessing.
const UNSUSPICIOUS: Limit = Limit { at_once: 24, every: Duration::from_secs(150) };

/// How often it is told at most that codes are being guessed.
const TELL_INTERVAL: Duration = Duration::from_secs(3600);

/// What waits to be told at most. More are dropped: the counters have them.
const MAX_ALARMS: usize = 64;

/// Who calls, as far as budgets go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// The trunk and the caller's number, where the trunk vouches for it.
    pub(super) number: Option<Key>,
    /// The trunk and the address from which it speaks to us.
    pub(super) peer: Key,
    /// The number is an account's, or got in of late without a wrong code.
    pub(super) is_known: bool,
}

/// How an id is answered. It is charged before it is looked up, so that many at once are counted, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum IdTry {
    /// By itself.
    Alone(Paid),
    /// Only together with a PIN, right and wrong ones alike.
    OnlyWithPin,
}

/// Whose budget an id was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paid {
    Known,
    Strangers,
}

impl Paid {
    pub(super) const fn limit(self) -> Limit {
        match self {
            Self::Known => OF_KNOWN,
            Self::Strangers => OF_STRANGERS,
        }
    }
}

/// Whose a PIN can be, by its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PinLength {
    /// The meeting's.
    Place,
    /// A host's, or one person's.
    Person,
}

impl PinLength {
    const fn limit(self) -> Limit {
        match self {
            Self::Place => OF_PLACE,
            Self::Person => OF_PERSONS,
        }
    }
}

/// What a PIN could hit: those of one meeting that are as long as it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) place: Key,
    pub(super) length: PinLength,
    /// How many there are: a try costs as many of what may be tried.
    pub(super) pins: u32,
}

impl Target {
    /// How long it takes until what a try costs is there again.
    pub(super) fn costs(&self) -> Duration {
        self.length.limit().every * self.pins
    }
}

/// A PIN that is charged, before it is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct PinTry {
    from_all: bool,
    /// Of whose PINs it was taken, if there was enough left.
    pub(super) charged: Option<Target>,
    /// Somebody guesses this meeting's PINs of that length: they lead no further than to the lobby.
    pub(super) is_place_guessed: bool,
}

/// How far a right PIN leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// As far as it says.
    Full,
    /// No further than to the lobby, as a stranger.
    Lobby {
        /// It must be noted, before it is answered, that whoever called may have guessed it.
        exposes: bool,
    },
}

impl PinTry {
    /// How far it leads if it is right. A number that the meeting invites proves who calls, whatever is guessed. `is_exposed` is
    /// whether somebody may have guessed it before.
    pub(super) const fn reach(self, is_exposed: bool, is_invited: bool) -> Reach {
        if is_invited || !(self.is_place_guessed || is_exposed) {
            return Reach::Full;
        }
        Reach::Lobby { exposes: !is_exposed }
    }
}

/// Something that whoever runs Saal is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// A number is not answered for a while.
    Blocked { source: Key, lasts: Duration },
    /// Codes are being guessed.
    Attack,
}

/// The budgets.
#[derive(Debug)]
pub(super) struct Attempts {
    /// What all servers have used up of it, as far as this one knows.
    strangers: Bucket,
    /// The same.
    known: Bucket,
    pins: Bucket,
    told: Bucket,
    peers: Buckets,
    places: Buckets,
    persons: Buckets,
    sources: Sources,
    unsuspicious: Bucket,
    /// Codes were being guessed when the last wrong one came.
    is_attack: bool,
    attack_told_at: Option<Instant>,
    alarms: VecDeque<Alarm>,
}

impl Attempts {
    /// Before anything was wrong. What was before a start, and on other servers, is told by [`Self::adopt`].
    pub(super) fn new(now: Instant) -> Self {
        Self {
            strangers: Bucket::full(now, OF_STRANGERS),
            known: Bucket::full(now, OF_KNOWN),
            pins: Bucket::full(now, OF_PINS),
            told: Bucket::full(now, TOLD),
            peers: Buckets::new(OF_PEER, PEERS),
            places: Buckets::new(OF_PLACE, PLACES),
            persons: Buckets::new(OF_PERSONS, PLACES),
            sources: Sources::default(),
            unsuspicious: Bucket::full(now, UNSUSPICIOUS),
            is_attack: false,
            attack_told_at: None,
            alarms: VecDeque::new(),
        }
    }

    /// Takes over what is used up in the whole installation.
    pub(super) fn adopt(&mut self, now: Instant, used: UsedUp) {
        self.strangers.is_used_up_for(now, used.strangers);
        self.known.is_used_up_for(now, used.known);
    }

    /// Takes over what is used up in the whole installation of what may be tried there.
    pub(super) fn adopt_pins(&mut self, now: Instant, target: &Target, used: Duration) {
        self.of_length(target.length).is_used_up_for(now, &target.place, used);
    }

    /// How long that number is not answered yet.
    pub(super) fn blocked_for(&self, now: Instant, source: &Source) -> Option<Duration> {
        self.sources.blocked_for(now, source.number.as_ref()?)
    }

    /// Charges an id that somebody has typed.
    pub(super) fn begin_id(&mut self, now: Instant, source: &Source) -> IdTry {
        if source.is_known && self.known.take(now) {
            return IdTry::Alone(Paid::Known);
        }
        // The address first: a stranger whom that stops takes nothing from the others.
        if self.strangers.has_room(now) && self.peers.take(now, &source.peer, 1) {
            let _ = self.strangers.take(now);
            return IdTry::Alone(Paid::Strangers);
        }
        IdTry::OnlyWithPin
    }

    /// It was a right one.
    pub(super) fn right_id(&mut self, source: &Source, paid: Paid) {
        match paid {
            Paid::Known => self.known.give_back(),
            Paid::Strangers => {
                self.strangers.give_back();
                self.peers.give_back(&source.peer, 1);
            }
        }
    }

    /// It was a wrong one. Returns for how long the number is not answered, if so.
    pub(super) fn wrong_id(&mut self, now: Instant, source: &Source) -> Option<Duration> {
        self.suspect(now, source);
        self.wrong(now, source)
    }

    /// Charges a PIN that somebody has typed, for a meeting that is there or for none. None: more wrong ones come than people
    /// make, and nobody is answered who is not known.
    pub(super) fn begin_pin(&mut self, now: Instant, source: &Source, target: Option<Target>) -> Option<PinTry> {
        let from_all = self.pins.take(now);
        if !from_all && !source.is_known {
            return None;
        }
        let charged = target.filter(|target| self.of_length(target.length).take(now, &target.place, target.pins));
        Some(PinTry { from_all, charged, is_place_guessed: target != charged })
    }

    /// It was a right one, or was not looked up.
    pub(super) fn right_pin(&mut self, pin: PinTry) {
        if pin.from_all {
            self.pins.give_back();
        }
        if let Some(target) = pin.charged {
            self.of_length(target.length).give_back(&target.place, target.pins);
        }
    }

    /// Somebody came in without a wrong code.
    pub(super) fn clean_entry(&mut self, now: Instant, source: &Source) {
        if let Some(number) = &source.number {
            self.sources.right(now, number);
        }
    }

    /// What of each meeting's PINs of that length may be tried.
    const fn of_length(&mut self, length: PinLength) -> &mut Buckets {
        match length {
            PinLength::Place => &mut self.places,
            PinLength::Person => &mut self.persons,
        }
    }

    /// It was a wrong one, or the id before it was. Returns for how long the number is not answered, if so.
    pub(super) fn wrong_pin(&mut self, now: Instant, source: &Source) -> Option<Duration> {
        self.suspect(now, source);
        self.wrong(now, source)
    }

    /// Whether codes are being guessed: more wrong ones come than people make, or what strangers have is used up.
    pub(super) fn is_attack(&self, now: Instant) -> bool {
        let is_calm = self.unsuspicious.is_half_full(now) && self.strangers.has_room(now);
        self.is_attack && !is_calm
    }

    /// What is to be told next.
    pub(super) fn poll_alarm(&mut self) -> Option<Alarm> {
        self.alarms.pop_front()
    }

    fn wrong(&mut self, now: Instant, source: &Source) -> Option<Duration> {
        let number = source.number?;
        let block = self.sources.wrong(now, &number)?;
        if block.is_news && self.told.take(now) {
            self.tell(Alarm::Blocked { source: number, lasts: block.lasts });
        }
        Some(block.lasts)
    }

    fn suspect(&mut self, now: Instant, source: &Source) {
        if source.is_known {
            return;
        }
        let was_attack = self.is_attack(now);
        let is_suspicious = !self.unsuspicious.take(now);
        let is_used_up = !self.strangers.has_room(now);
        self.is_attack = was_attack || is_suspicious || is_used_up;
        let is_news = self.attack_told_at.is_none_or(|told| now.saturating_duration_since(told) >= TELL_INTERVAL);
        if self.is_attack && !was_attack && is_news {
            self.attack_told_at = Some(now);
            self.tell(Alarm::Attack);
        }
    }

    fn tell(&mut self, alarm: Alarm) {
        // Dropped when full: whoever polls does so after each code.
        if self.alarms.len() < MAX_ALARMS {
            self.alarms.push_back(alarm);
        }
    }
}
