// SPDX-License-Identifier: EUPL-1.2
//! What the trunks' operation needs of call control: the list, what was looked up, and who is told what has become of it.

use std::time::Instant;

use bus::phone::{DestinationState, RegistrationState, TrunkList, TrunkState};

use super::{ControlCore, Output};
use crate::sip::event::{Event, Purpose};
use crate::trunks::{DnsError, Located, LookUpKey};

impl ControlCore {
    /// The trunks are to be these. Calls that go on do.
    pub(crate) fn handle_trunks(&mut self, now: Instant, list: &TrunkList) {
        self.operations.handle_list(now, list, &mut self.endpoint);
        self.settle(now);
    }

    /// A look-up has ended.
    pub(crate) fn handle_located(&mut self, now: Instant, look_up: LookUpKey, located: Result<Located, DnsError>) {
        let result = match &located {
            Ok(_) => "found",
            Err(DnsError::NotThere) => "not_there",
            Err(DnsError::Failed) => "failed",
        };
        self.metrics.look_ups.with_label_values(&[result]).inc();
        self.operations.handle_located(now, look_up, located, &mut self.endpoint);
        self.settle(now);
    }

    /// A request of ours is to prove who we are.
    pub(super) fn handle_challenged(&mut self, now: Instant, event: &Event) {
        let trunk = match event {
            Event::Challenged { purpose: Purpose::Call(call), .. } => {
                let of_call = self.calls.get(&self.key_of(*call)).map(|call| &call.trunk);
                of_call.or_else(|| self.ending.get(call)).map(String::as_str)
            }
            _ => None,
        };
        self.operations.handle_challenged(now, event, trunk, &mut self.endpoint);
    }

    /// Tells the sockets who may send, and everybody else how the trunks are, where that has changed.
    pub(super) fn settle_trunks(&mut self, now: Instant) {
        if let Some(peers) = self.operations.poll_peers() {
            self.settings.trunks.replace(peers);
        }
        while let Some(look_up) = self.operations.poll_look_up(now) {
            self.outputs.push_back(Output::LookUp(Box::new(look_up)));
        }
        if !self.operations.poll_changed() {
            return;
        }
        let states = self.operations.states();
        if states == self.trunk_states {
            return;
        }
        for (id, state) in states.iter() {
            let before = self.trunk_states.get(id).and_then(|state| state.registration);
            if before != state.registration {
                log_registration(id, state.registration);
            }
        }
        self.count_states(states.values());
        self.trunk_states = states.clone();
        self.outputs.push_back(Output::TrunkStates(states));
    }

    fn count_states<'a>(&self, states: impl Iterator<Item = &'a TrunkState> + Clone) {
        let of_registrations = |wanted: &str| {
            let all = states.clone().filter_map(|state| state.registration);
            all.filter(|state| registration_label(*state) == wanted).count()
        };
        for label in ["trying", "registered", "failed"] {
            let count = i64::try_from(of_registrations(label)).unwrap_or(i64::MAX);
            self.metrics.registrations.with_label_values(&[label]).set(count);
        }
        let of_destinations = |wanted: &str| {
            let all = states.clone().flat_map(|state| &state.destinations);
            all.filter(|state| destination_label(**state) == wanted).count()
        };
        for label in ["unknown", "reachable", "unreachable", "not_found"] {
            let count = i64::try_from(of_destinations(label)).unwrap_or(i64::MAX);
            self.metrics.destinations.with_label_values(&[label]).set(count);
        }
    }
}

const fn registration_label(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Trying => "trying",
        RegistrationState::Registered => "registered",
        RegistrationState::Failed { .. } => "failed",
    }
}

const fn destination_label(state: DestinationState) -> &'static str {
    match state {
        DestinationState::Unknown => "unknown",
        DestinationState::Reachable => "reachable",
        DestinationState::Unreachable => "unreachable",
        DestinationState::NotFound => "not_found",
    }
}

fn log_registration(trunk: &str, state: Option<RegistrationState>) {
    match state {
        Some(RegistrationState::Registered) => tracing::info!(%trunk, "registered"),
        Some(RegistrationState::Failed { status }) => {
            tracing::warn!(%trunk, status, "not registered: calls of this trunk do not reach us");
        }
        Some(RegistrationState::Trying) | None => {}
    }
}
