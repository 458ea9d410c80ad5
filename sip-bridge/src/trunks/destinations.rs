// SPDX-License-Identifier: EUPL-1.2
//! Which of several destinations of a trunk a call takes. Each is asked by OPTIONS whether it is there; one that does not
//! answer, or says 503, gets no calls until it does again.
//!
//! It sends nothing itself: the layer above sends an OPTIONS for each probe, and tells what came of it.

use std::time::{Duration, Instant};

use rand::Rng;

/// Probes that a destination may leave unanswered before it counts as gone: over UDP, one may simply be lost.
const FAILURES_ALLOWED: u32 = 1;

/// The place of a destination in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DestinationId(pub(super) usize);

/// How a destination is chosen, as by SRV records (RFC 2782): the lowest priority first, and among equals by weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// Lower ones are taken first.
    pub(super) priority: u16,
    /// The share of calls among those of the same priority. Zero: as little as possible.
    pub(super) weight: u16,
}

/// How often destinations are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProbeTimes {
    /// Between two probes of a destination that is there.
    pub(super) interval: Duration,
    /// Between two of one that is not, at first. It doubles.
    pub(super) first_backoff: Duration,
    /// The longest pause.
    pub(super) longest_backoff: Duration,
}

impl Default for ProbeTimes {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            first_backoff: Duration::from_secs(10),
            longest_backoff: Duration::from_secs(300),
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    destination: Destination,
    is_healthy: bool,
    failures: u32,
    /// `None` while a probe is under way.
    probe_at: Option<Instant>,
    /// No calls until then, as the destination asked by Retry-After.
    paused_until: Option<Instant>,
}

/// A trunk's destinations, and how they are.
pub(super) struct Destinations {
    entries: Vec<Entry>,
    times: ProbeTimes,
}

impl Destinations {
    /// All are taken for healthy until they show otherwise, and are asked at once.
    pub(super) fn new(now: Instant, destinations: &[Destination], times: ProbeTimes) -> Self {
        Self { entries: destinations.iter().map(|destination| Entry::new(now, *destination)).collect(), times }
    }

    /// Takes other destinations, as after a look-up. Each may be one of those before: then what is known of it stays.
    pub(super) fn rearrange(&mut self, now: Instant, destinations: &[(Destination, Option<DestinationId>)]) {
        let entry = |(destination, before): &(Destination, Option<DestinationId>)| {
            let known = before.and_then(|id| self.entries.get(id.0));
            known.map_or_else(|| Entry::new(now, *destination), |known| Entry { destination: *destination, ..*known })
        };
        self.entries = destinations.iter().map(entry).collect();
    }

    /// When [`Destinations::poll_probe`] next has something.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.entries.iter().filter_map(|entry| entry.probe_at).min()
    }

    /// One that is to be asked now. Its answer, or that there was none, has to be told.
    pub(super) fn poll_probe(&mut self, now: Instant) -> Option<DestinationId> {
        let due = |entry: &Entry| entry.probe_at.is_some_and(|at| at <= now);
        let index = self.entries.iter().position(due)?;
        if let Some(entry) = self.entries.get_mut(index) {
            entry.probe_at = None;
        }
        Some(DestinationId(index))
    }

    /// A probe was answered. Any answer but 503 and 408 shows that somebody is there, who need not like OPTIONS.
    pub(super) fn handle_probe_answered(&mut self, now: Instant, id: DestinationId, status: u16, rng: &mut impl Rng) {
        if matches!(status, 503 | 408) {
            return self.handle_probe_failed(now, id, rng);
        }
        let interval = jittered(self.times.interval, rng);
        if let Some(entry) = self.entries.get_mut(id.0) {
            entry.is_healthy = true;
            entry.failures = 0;
            entry.probe_at = Some(now + interval);
        }
    }

    /// A probe was not answered, or could not be sent.
    pub(super) fn handle_probe_failed(&mut self, now: Instant, id: DestinationId, rng: &mut impl Rng) {
        let times = self.times;
        let Some(entry) = self.entries.get_mut(id.0) else { return };
        entry.failures = entry.failures.saturating_add(1);
        if entry.failures > FAILURES_ALLOWED {
            entry.is_healthy = false;
        }
        let doublings = entry.failures.saturating_sub(1).min(16);
        let pause = times.first_backoff.saturating_mul(1 << doublings).min(times.longest_backoff);
        entry.probe_at = Some(now + jittered(pause, rng));
    }

    /// A call to it got no answer, or 503 with the time after which it wants calls again. It is asked anew at once.
    pub(super) fn handle_call_failed(&mut self, now: Instant, id: DestinationId, retry_after: Option<Duration>) {
        let longest = self.times.longest_backoff;
        let Some(entry) = self.entries.get_mut(id.0) else { return };
        if let Some(wait) = retry_after {
            entry.paused_until = Some(now + wait.min(longest));
            return;
        }
        entry.is_healthy = false;
        entry.failures = entry.failures.max(FAILURES_ALLOWED);
        if entry.probe_at.is_some() {
            entry.probe_at = Some(now);
        }
    }

    /// Whether a destination gets calls.
    pub(super) fn is_healthy(&self, now: Instant, id: DestinationId) -> bool {
        self.entries.get(id.0).is_some_and(|entry| entry.takes_calls(now))
    }

    /// Where a call goes, leaving out those that it was tried at. When none is healthy, one that is not: a probe may be
    /// wrong, and no call is the worse result.
    pub(super) fn choose(&self, now: Instant, tried: &[DestinationId], rng: &mut impl Rng) -> Option<DestinationId> {
        let untried = || self.entries.iter().enumerate().filter(|(index, _)| !tried.contains(&DestinationId(*index)));
        let healthy: Vec<_> = untried().filter(|(_, entry)| entry.takes_calls(now)).collect();
        let candidates = if healthy.is_empty() { untried().collect() } else { healthy };
        let priority = candidates.iter().map(|(_, entry)| entry.destination.priority).min()?;
        let equals: Vec<_> =
            candidates.into_iter().filter(|(_, entry)| entry.destination.priority == priority).collect();
        // A weight of zero is a hundredth of one.
        let share =
            |entry: &Entry| u64::from(entry.destination.weight) * 100 + u64::from(entry.destination.weight == 0);
        let total: u64 = equals.iter().map(|(_, entry)| share(entry)).sum();
        let mut point = rng.random_range(0..total.max(1));
        for (index, entry) in &equals {
            if point < share(entry) {
                return Some(DestinationId(*index));
            }
            point -= share(entry);
        }
        equals.last().map(|(index, _)| DestinationId(*index))
    }
}

impl Entry {
    const fn new(now: Instant, destination: Destination) -> Self {
        Self { destination, is_healthy: true, failures: 0, probe_at: Some(now), paused_until: None }
    }

    fn takes_calls(&self, now: Instant) -> bool {
        self.is_healthy && self.paused_until.is_none_or(|until| until <= now)
    }
}

/// Between nine tenths and all, so that probes do not keep step.
fn jittered(pause: Duration, rng: &mut impl Rng) -> Duration {
    pause.mul_f64(0.9 + 0.1 * rng.random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const FIRST: DestinationId = DestinationId(0);
    const SECOND: DestinationId = DestinationId(1);

    fn of(now: Instant, ranks: &[(u16, u16)]) -> Destinations {
        let make = |(priority, weight): &(u16, u16)| Destination { priority: *priority, weight: *weight };
        Destinations::new(now, &ranks.iter().map(make).collect::<Vec<_>>(), ProbeTimes::default())
    }

    #[test]
    fn a_destination_that_stays_silent_gets_no_calls_until_it_answers() {
        let (now, rng) = (Instant::now(), &mut StdRng::seed_from_u64(1));
        let mut destinations = of(now, &[(1, 1), (2, 1)]);
        assert_eq!(destinations.choose(now, &[], rng), Some(FIRST));
        assert_eq!(destinations.poll_probe(now), Some(FIRST));
        assert_eq!(destinations.poll_probe(now), Some(SECOND));
        assert_eq!(destinations.poll_probe(now), None);
        destinations.handle_probe_answered(now, SECOND, 405, rng);
        destinations.handle_probe_failed(now, FIRST, rng);
        assert_eq!(destinations.choose(now, &[], rng), Some(FIRST), "one probe may be lost");
        let next = destinations.poll_timeout().unwrap();
        assert!(next > now && next <= now + Duration::from_secs(10));
        assert_eq!(destinations.poll_probe(next), Some(FIRST));
        destinations.handle_probe_failed(next, FIRST, rng);
        assert!(!destinations.is_healthy(next, FIRST));
        assert_eq!(destinations.choose(next, &[], rng), Some(SECOND));
        let later = next + Duration::from_secs(20);
        assert_eq!(destinations.poll_probe(later), Some(FIRST));
        destinations.handle_probe_answered(later, FIRST, 200, rng);
        assert_eq!(destinations.choose(later, &[], rng), Some(FIRST));
    }

    #[test]
    fn pauses_between_probes_of_a_dead_destination_grow_to_a_limit() {
        let (mut now, rng) = (Instant::now(), &mut StdRng::seed_from_u64(2));
        let mut destinations = of(now, &[(1, 1)]);
        let mut pauses = Vec::new();
        for _ in 0..40 {
            assert_eq!(destinations.poll_probe(now), Some(FIRST));
            destinations.handle_probe_failed(now, FIRST, rng);
            let next = destinations.poll_timeout().unwrap();
            pauses.push(next.saturating_duration_since(now));
            now = next;
        }
        assert!(pauses[0] <= Duration::from_secs(10) && pauses[1] > Duration::from_secs(10));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(300)));
        assert!(pauses[39] >= Duration::from_secs(270));
    }

    #[test]
    fn calls_are_shared_by_weight_among_equals() {
        let (now, rng) = (Instant::now(), &mut StdRng::seed_from_u64(3));
        let destinations = of(now, &[(1, 3), (1, 1), (1, 0), (2, 100)]);
        let mut counts = [0_u32; 4];
        for _ in 0..4_000 {
            counts[destinations.choose(now, &[], rng).unwrap().0] += 1;
        }
        assert!((2_800..3_200).contains(&counts[0]), "{counts:?}");
        assert!((800..1_200).contains(&counts[1]), "{counts:?}");
        assert!(counts[2] < 50 && counts[3] == 0, "{counts:?}");
    }

    #[test]
    fn a_call_moves_on_to_who_was_not_tried_and_tries_the_sick_last() {
        let (now, rng) = (Instant::now(), &mut StdRng::seed_from_u64(4));
        let mut destinations = of(now, &[(1, 1), (2, 1)]);
        destinations.handle_call_failed(now, FIRST, None);
        assert_eq!(destinations.choose(now, &[], rng), Some(SECOND));
        assert_eq!(destinations.choose(now, &[SECOND], rng), Some(FIRST));
        assert_eq!(destinations.choose(now, &[FIRST, SECOND], rng), None);
        destinations.handle_call_failed(now, SECOND, Some(Duration::from_secs(30)));
        assert!(!destinations.is_healthy(now, SECOND));
        assert!(destinations.is_healthy(now + Duration::from_secs(30), SECOND));
    }

    #[test]
    fn what_is_known_of_a_destination_survives_another_arrangement() {
        let (now, rng) = (Instant::now(), &mut StdRng::seed_from_u64(5));
        let mut destinations = of(now, &[(1, 1), (2, 1)]);
        destinations.handle_call_failed(now, FIRST, None);
        let at = |priority| Destination { priority, weight: 1 };
        destinations.rearrange(now, &[(at(1), None), (at(2), Some(FIRST)), (at(3), Some(SECOND))]);
        assert!(destinations.is_healthy(now, FIRST), "a new one");
        assert!(!destinations.is_healthy(now, SECOND), "the first of before");
        assert_eq!(destinations.choose(now, &[FIRST], rng), Some(DestinationId(2)));
    }
}
