// SPDX-License-Identifier: EUPL-1.2
//! Whether a trunk's destinations are there: each of their addresses is asked by OPTIONS, and [`Destinations`] reckons what
//! that means.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bus::phone::DestinationState;
use rand::rngs::StdRng;

use super::destinations::{Destination, DestinationId, Destinations, ProbeTimes};
use crate::sip::endpoint::Endpoint;
use crate::sip::event::OptionsId;
use crate::sip::flow::Flow;
use crate::sip::message::{NameAddr, Uri};

/// For how long an answer is waited for. The transaction goes on (32 s), and an answer that comes late counts; but callers do
/// not wait so long for a trunk that is gone.
const PROBE_TIME: Duration = Duration::from_secs(5);

/// The shortest pause between two probes, whatever the configuration says: a flood of our own is none that a trunk must bear.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// How long a destination that is never asked gets no calls after one has failed.
const UNASKED_PAUSE: Duration = Duration::from_secs(300);

/// One address of a destination.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The place of the destination in the trunk's list.
    pub(super) destination: usize,
    /// The way there.
    pub(super) flow: Flow,
    /// As a request to it is addressed.
    pub(super) uri: Uri,
    /// Lower ones are taken first; equal ones by weight.
    pub(super) rank: u16,
    /// As in SRV.
    pub(super) weight: u16,
}

struct Probe {
    flow: Flow,
    /// When it counts as not answered; `None`: it does.
    silent_at: Option<Instant>,
}

/// All addresses of a trunk.
pub(super) struct Probing {
    /// Whether anybody is asked.
    is_on: bool,
    destinations: Destinations,
    targets: Vec<Target>,
    /// Whether it answered last, for each target; `None`: nobody has asked.
    answers: Vec<Option<bool>>,
    /// Whether it answers, but not as we want it, for each target.
    refusals: Vec<bool>,
    /// At most as many for each target as probes fit into the life of a transaction.
    under_way: BTreeMap<OptionsId, Probe>,
}

impl Probing {
    pub(super) fn new(now: Instant, keep_alive: Option<Duration>) -> Self {
        let usual = ProbeTimes::default();
        let interval = keep_alive.map_or(usual.interval, |interval| interval.max(SHORTEST_INTERVAL));
        let times = ProbeTimes { interval, first_backoff: usual.first_backoff.min(interval), ..usual };
        Self {
            is_on: keep_alive.is_some(),
            destinations: Destinations::new(now, &[], times),
            targets: Vec::new(),
            answers: Vec::new(),
            refusals: Vec::new(),
            under_way: BTreeMap::new(),
        }
    }

    /// Takes other addresses. What is known of those that stay is kept.
    pub(super) fn rearrange(&mut self, now: Instant, targets: Vec<Target>) {
        let before: Vec<_> = targets.iter().map(|target| self.find(target.flow)).collect();
        let destination = |target: &Target| Destination { priority: target.rank, weight: target.weight };
        let arranged: Vec<_> = targets.iter().map(destination).zip(before.iter().copied()).collect();
        self.destinations.rearrange(now, &arranged);
        let answer = |id: &Option<DestinationId>| id.and_then(|id| self.answers.get(id.0).copied().flatten());
        self.answers = before.iter().map(answer).collect();
        let refusal = |id: &Option<DestinationId>| id.is_some_and(|id| self.refusals.get(id.0) == Some(&true));
        self.refusals = before.iter().map(refusal).collect();
        self.targets = targets;
    }

    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn find(&self, flow: Flow) -> Option<DestinationId> {
        let same = |target: &Target| target.flow.transport == flow.transport && target.flow.remote == flow.remote;
        self.targets.iter().position(same).map(DestinationId)
    }

    /// Whose address that is: the place of the destination in the trunk's list.
    pub(super) fn destination_of(&self, flow: Flow) -> Option<usize> {
        self.find(flow).and_then(|id| self.targets.get(id.0)).map(|target| target.destination)
    }

    /// Whether that address is one of ours and gets calls.
    pub(super) fn is_healthy(&self, now: Instant, flow: Flow) -> bool {
        self.find(flow).is_some_and(|id| self.destinations.is_healthy(now, id))
    }

    /// The next address to try: a healthy one if there is any that was not tried.
    pub(super) fn choose(&self, now: Instant, tried: &[Flow], rng: &mut StdRng) -> Option<&Target> {
        let tried: Vec<_> = tried.iter().filter_map(|flow| self.find(*flow)).collect();
        self.destinations.choose(now, &tried, rng).and_then(|id| self.targets.get(id.0))
    }

    /// Whether an address that answers is to be taken before that one.
    pub(super) fn has_better_than(&self, now: Instant, flow: Flow) -> bool {
        let Some(at) = self.find(flow).and_then(|id| self.targets.get(id.0)) else { return false };
        self.targets.iter().enumerate().any(|(index, target)| {
            let answers = self.answers.get(index) == Some(&Some(true));
            target.rank < at.rank && answers && self.destinations.is_healthy(now, DestinationId(index))
        })
    }

    /// Asks those whose time has come. `from` is who asks, for each way.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        rng: &mut StdRng,
        from: impl Fn(&Flow) -> NameAddr,
    ) {
        if !self.is_on {
            return;
        }
        let is_silent = |probe: &&mut Probe| probe.silent_at.is_some_and(|at| at <= now);
        let silent: Vec<Flow> = self
            .under_way
            .values_mut()
            .filter(is_silent)
            .map(|probe| {
                probe.silent_at = None;
                probe.flow
            })
            .collect();
        for flow in silent {
            self.note_silence(now, flow, rng);
        }
        while let Some(id) = self.destinations.poll_probe(now) {
            let Some(target) = self.targets.get(id.0) else { continue };
            match endpoint.options(now, target.flow, target.uri.clone(), from(&target.flow)) {
                Ok(options) => {
                    let probe = Probe { flow: target.flow, silent_at: Some(now + PROBE_TIME) };
                    self.under_way.insert(options, probe);
                }
                // Without room for a transaction it is tried again as after silence.
                Err(_) => self.destinations.handle_probe_failed(now, id, rng),
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let next_probe = self.is_on.then(|| self.destinations.poll_timeout()).flatten();
        let silence = self.under_way.values().filter_map(|probe| probe.silent_at).min();
        [next_probe, silence].into_iter().flatten().min()
    }

    pub(super) fn owns(&self, options: OptionsId) -> bool {
        self.under_way.contains_key(&options)
    }

    /// A probe was answered. `true`: by somebody who did not answer before, so that what failed there may work now.
    pub(super) fn handle_answered(&mut self, now: Instant, options: OptionsId, status: u16, rng: &mut StdRng) -> bool {
        let Some(id) = self.under_way.remove(&options).and_then(|probe| self.find(probe.flow)) else { return false };
        let answer = |answers: &[Option<bool>]| answers.get(id.0).copied().flatten();
        let before = answer(&self.answers);
        self.destinations.handle_probe_answered(now, id, status, rng);
        self.judge(now, id);
        let has_refused = self.refusals.get(id.0) == Some(&true);
        before == Some(false) && answer(&self.answers) == Some(true) && !has_refused
    }

    /// A probe was not.
    pub(super) fn handle_failed(&mut self, now: Instant, options: OptionsId, rng: &mut StdRng) {
        if let Some(probe) = self.under_way.remove(&options)
            && probe.silent_at.is_some()
        {
            self.note_silence(now, probe.flow, rng);
        }
    }

    fn note_silence(&mut self, now: Instant, flow: Flow, rng: &mut StdRng) {
        if let Some(id) = self.find(flow) {
            self.destinations.handle_probe_failed(now, id, rng);
            // One may be lost.
            if !self.destinations.is_healthy(now, id) {
                self.judge(now, id);
            }
        }
    }

    /// Something else than a probe was answered there.
    pub(super) fn handle_heard(&mut self, now: Instant, flow: Flow) {
        if let Some(id) = self.find(flow)
            && let Some(answer) = self.answers.get_mut(id.0)
            && self.destinations.is_healthy(now, id)
        {
            *answer = Some(true);
            self.note_refusal(id, false);
        }
    }

    fn note_refusal(&mut self, id: DestinationId, has_refused: bool) {
        if let Some(refusal) = self.refusals.get_mut(id.0) {
            *refusal = has_refused;
        }
    }

    /// Something else than a probe was not, or by a fault of that server.
    pub(super) fn handle_unheard(&mut self, now: Instant, flow: Flow, has_refused: bool) {
        let Some(id) = self.find(flow) else { return };
        self.note_refusal(id, has_refused);
        self.destinations.handle_call_failed(now, id, (!self.is_on).then_some(UNASKED_PAUSE));
        if let Some(answer) = self.answers.get_mut(id.0) {
            *answer = Some(false);
        }
    }

    /// Somebody is there, and wants no calls for so long.
    pub(super) fn handle_busy(&mut self, now: Instant, flow: Flow, time: Duration) {
        if let Some(id) = self.find(flow) {
            self.destinations.handle_call_failed(now, id, Some(time));
        }
    }

    fn judge(&mut self, now: Instant, id: DestinationId) {
        if let Some(answer) = self.answers.get_mut(id.0) {
            *answer = Some(self.destinations.is_healthy(now, id));
        }
    }

    /// How a destination is; `None` while none of its addresses is known.
    pub(super) fn state_of(&self, destination: usize) -> Option<DestinationState> {
        let of_it = || self.targets.iter().zip(&self.answers).filter(|(target, _)| target.destination == destination);
        of_it().next()?;
        let some = |wanted: Option<bool>| of_it().any(|(_, answer)| *answer == wanted);
        Some(match (some(Some(true)), some(None)) {
            (true, _) => DestinationState::Reachable,
            (false, true) => DestinationState::Unknown,
            (false, false) => DestinationState::Unreachable,
        })
    }
}
