// SPDX-License-Identifier: EUPL-1.2
//! All trunks in operation: taken up, changed and given up as they are administered, while calls go on.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use bus::phone::{TrunkConfig, TrunkDestination, TrunkList, TrunkStates};
use ipnet::IpNet;
use rand::rngs::StdRng;

use super::locals::Locals;
use super::locate::{DnsError, Located};
use super::operation::Operation;
use super::peers::Peers;
use super::routing::{Route, Tried};
use crate::sip::digest::Account;
use crate::sip::endpoint::Endpoint;
use crate::sip::event::{ChallengeId, Event, Purpose};
use crate::sip::flow::Flow;
use crate::sip::message::Host;

/// The id of the trunk that is there while somebody develops: whatever runs on this machine.
pub const DEV_TRUNK: &str = "dev";

/// Networks from which a trunk's calls that go on may come, beside those that it has now. Further ones are left out: it takes
/// a call that outlives hundreds of changes.
const MAX_FORMER: usize = 256;

/// Which look-up it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LookUpKey {
    serial: u64,
    destination: usize,
}

/// Something to be looked up. There is at most one under way for each destination of each trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LookUp {
    /// By what the answer is told.
    pub(crate) key: LookUpKey,
    /// What.
    pub(crate) destination: TrunkDestination,
}

/// What calls that go on need of a trunk.
#[derive(Default)]
struct Calls {
    count: u32,
    /// All networks that the trunk has had since the first of them.
    networks: BTreeSet<IpNet>,
}

/// All of them.
pub(crate) struct Operations {
    locals: Locals,
    is_dev: bool,
    rng: StdRng,
    next_serial: u64,
    /// As they are administered, behind them that of [`DEV_TRUNK`].
    running: Vec<Operation>,
    /// Whose registrations are being taken away, which a transaction bounds.
    leaving: Vec<Operation>,
    /// Of trunks with calls.
    calls: BTreeMap<String, Calls>,
    /// Who may send has changed.
    has_other_peers: bool,
    /// How they are may have changed.
    has_changed: bool,
    is_shut_down: bool,
}

impl Operations {
    pub(crate) fn new(now: Instant, locals: Locals, is_dev: bool, rng: StdRng) -> Self {
        let mut operations = Self {
            locals,
            is_dev,
            rng,
            next_serial: 0,
            running: Vec::new(),
            leaving: Vec::new(),
            calls: BTreeMap::new(),
            has_other_peers: true,
            has_changed: true,
            is_shut_down: false,
        };
        if is_dev {
            let dev = operations.make(now, Arc::new(dev_trunk()));
            operations.running.push(dev);
        }
        operations
    }

    fn make(&mut self, now: Instant, config: Arc<TrunkConfig>) -> Operation {
        self.next_serial += 1;
        let is_unlistened = |wanted: &TrunkDestination| !self.locals.listens_for(wanted.transport);
        if config.registration.is_some() && config.destinations.iter().any(is_unlistened) {
            tracing::warn!(
                trunk = %config.id,
                "calls of this trunk come only by the connection that we open, since nothing is listened for by its transport; \
                 if they do not come, set sip.listen_tls"
            );
        }
        let others = self.leaving.iter().filter(|one| one.config.id == config.id);
        let generation = others.map(|one| one.generation + 1).max().unwrap_or(0);
        Operation::new(now, config, self.next_serial, generation, &self.locals)
    }

    /// The trunks are to be these.
    pub(crate) fn handle_list(&mut self, now: Instant, list: &TrunkList, endpoint: &mut Endpoint) {
        if self.is_shut_down {
            return;
        }
        let dev = self.is_dev.then(dev_trunk);
        let mut before = std::mem::take(&mut self.running);
        let mut running: Vec<Operation> = Vec::new();
        // The one of development is not administered, and gives way to others with the same network.
        let administered = list.iter().filter(|config| dev.is_none() || config.id != DEV_TRUNK);
        for config in administered.chain(&dev) {
            // Ids are used once.
            if running.iter().any(|one| one.config.id == config.id) {
                continue;
            }
            let known = before.iter().position(|one| one.config.id == config.id);
            let one = match known.map(|index| before.remove(index)) {
                Some(one) if *one.config == *config => one,
                Some(mut one) if one.can_become(config) => {
                    one.reconfigure(Arc::new(config.clone()));
                    one
                }
                other => {
                    other.into_iter().for_each(|one| self.leave(now, one, endpoint));
                    self.make(now, Arc::new(config.clone()))
                }
            };
            running.push(one);
        }
        for one in before {
            self.leave(now, one, endpoint);
        }
        self.running = running;
        self.has_other_peers = true;
        self.go_on(now, endpoint);
    }

    fn leave(&mut self, now: Instant, mut one: Operation, endpoint: &mut Endpoint) {
        one.leave(now, endpoint);
        if !one.is_gone() {
            self.leaving.push(one);
        }
    }

    /// Nothing is begun any more. The endpoint takes registrations away when its calls are over.
    pub(crate) fn shut_down(&mut self) {
        self.is_shut_down = true;
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.is_shut_down {
            return None;
        }
        self.running.iter().filter_map(Operation::poll_timeout).min()
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.go_on(now, endpoint);
        }
    }

    fn go_on(&mut self, now: Instant, endpoint: &mut Endpoint) {
        if self.is_shut_down {
            return;
        }
        for one in &mut self.running {
            one.go_on(now, endpoint, &self.locals, &mut self.rng);
        }
        self.has_changed = true;
    }

    /// Something to be looked up.
    pub(crate) fn poll_look_up(&mut self, now: Instant) -> Option<LookUp> {
        if self.is_shut_down {
            return None;
        }
        self.running.iter_mut().find_map(|one| {
            let (destination, wanted) = one.poll_look_up(now)?;
            Some(LookUp { key: LookUpKey { serial: one.serial, destination }, destination: wanted })
        })
    }

    /// What was found.
    pub(crate) fn handle_located(
        &mut self,
        now: Instant,
        key: LookUpKey,
        located: Result<Located, DnsError>,
        endpoint: &mut Endpoint,
    ) {
        // Else the trunk is not there any more, or another.
        let Some(one) = self.running.iter_mut().find(|one| one.serial == key.serial) else { return };
        if one.handle_located(now, key.destination, located, &self.locals) {
            self.has_other_peers = true;
        }
        self.go_on(now, endpoint);
    }

    /// An event of registrations and of probes. Calls' are not for here.
    pub(crate) fn handle_event(&mut self, now: Instant, event: &Event, endpoint: &mut Endpoint) {
        let Self { running, leaving, rng, .. } = self;
        let mut all = running.iter_mut().chain(leaving);
        match event {
            Event::Registered { registration, .. } => {
                if let Some(one) = all.find(|one| one.owns_registration(*registration)) {
                    one.handle_registered(now, *registration, endpoint);
                }
            }
            Event::RegistrationFailed { registration, status, .. } => {
                if let Some(one) = all.find(|one| one.owns_registration(*registration)) {
                    one.handle_registration_failed(now, (*registration, *status), endpoint, rng);
                }
            }
            Event::Unregistered { registration } => {
                if let Some(one) = all.find(|one| one.owns_registration(*registration)) {
                    one.handle_unregistered(*registration);
                }
            }
            Event::OptionsAnswered { options, status } => {
                if let Some(one) = all.find(|one| one.owns_options(*options)) {
                    one.handle_probed(now, *options, Some(*status), rng);
                }
            }
            Event::OptionsFailed { options } => {
                if let Some(one) = all.find(|one| one.owns_options(*options)) {
                    one.handle_probed(now, *options, None, rng);
                }
            }
            _ => return,
        }
        let count = self.leaving.len();
        self.leaving.retain(|one| !one.is_gone());
        self.has_other_peers |= self.leaving.len() != count;
        self.go_on(now, endpoint);
    }

    /// A request of ours is to prove who we are. `trunk`: whose call it belongs to, if it belongs to one.
    pub(crate) fn handle_challenged(
        &mut self,
        now: Instant,
        event: &Event,
        trunk: Option<&str>,
        endpoint: &mut Endpoint,
    ) {
        let Event::Challenged { challenge, purpose, is_proxy, values, method, uri } = event else { return };
        let mut all = self.running.iter().chain(&self.leaving);
        let one = match purpose {
            Purpose::Call(_) => trunk.and_then(|id| all.find(|one| one.config.id == id)),
            Purpose::Registration(id) => all.find(|one| one.owns_registration(*id)),
            // A challenge is an answer, too: somebody is there.
            Purpose::Options(_) => None,
        };
        let value = one.and_then(Operation::credentials).and_then(|credentials| {
            // A new one each time: that the same is not answered for ever is seen to by the endpoint.
            let mut account = Account::new(credentials.username.clone(), (*credentials.password).clone());
            account.handle_challenges(&mut self.rng, values.iter().map(String::as_str)).ok()?;
            account.authorization(method.as_str(), &uri.to_string())
        });
        answer_challenge(now, *challenge, *is_proxy, value, endpoint);
    }

    /// A call of a trunk has begun.
    pub(crate) fn handle_call_began(&mut self, trunk: &str) {
        self.has_changed = true;
        let calls = self.calls.entry(trunk.to_owned()).or_default();
        calls.count += 1;
        if let Some(one) = self.running.iter().find(|one| one.config.id == trunk) {
            remember(calls, one);
        }
    }

    /// One is over.
    pub(crate) fn handle_call_ended(&mut self, trunk: &str) {
        let Some(calls) = self.calls.get_mut(trunk) else { return };
        self.has_changed = true;
        calls.count = calls.count.saturating_sub(1);
        if calls.count == 0 {
            let networks = self.calls.remove(trunk).map(|calls| calls.networks).unwrap_or_default();
            let one = self.running.iter().find(|one| one.config.id == trunk);
            let now: BTreeSet<IpNet> = one.map(|one| one.peer().networks().collect()).unwrap_or_default();
            self.has_other_peers |= !networks.is_subset(&now);
        }
    }

    /// How many calls of a trunk go on.
    pub(crate) fn calls_of(&self, trunk: &str) -> u32 {
        self.calls.get(trunk).map_or(0, |calls| calls.count)
    }

    /// The configuration of a trunk that is there.
    pub(crate) fn config_of(&self, trunk: &str) -> Option<Arc<TrunkConfig>> {
        self.find(trunk).map(|one| one.config.clone())
    }

    /// The way that a call of ours takes next. `None`: the trunk is not there, or all its addresses were tried.
    pub(crate) fn route(&mut self, now: Instant, trunk: &str, tried: &[Flow]) -> Option<Route> {
        let Self { running, locals, rng, .. } = self;
        running.iter().find(|one| one.config.id == trunk)?.route(now, tried, locals, rng)
    }

    /// What a call of ours has shown of where it was tried.
    pub(crate) fn handle_tried(&mut self, now: Instant, trunk: &str, flow: Flow, tried: Tried) {
        if let Some(one) = self.running.iter_mut().find(|one| one.config.id == trunk) {
            one.handle_tried(now, flow, tried);
            self.has_changed = true;
        }
    }

    /// Whose users a trunk's numbers are.
    pub(crate) fn domain_of(&self, trunk: &str) -> Option<Host> {
        self.find(trunk).and_then(Operation::domain)
    }

    fn find(&self, trunk: &str) -> Option<&Operation> {
        self.running.iter().find(|one| one.config.id == trunk)
    }

    /// Whether a user in a Request-URI is one of our Contacts.
    pub(crate) fn has_contact(&self, user: &str) -> bool {
        self.running.iter().chain(&self.leaving).any(|one| one.has_contact(user))
    }

    /// Who may send from now on, if that has changed.
    pub(crate) fn poll_peers(&mut self) -> Option<Peers> {
        if !std::mem::take(&mut self.has_other_peers) {
            return None;
        }
        for one in &self.running {
            if let Some(calls) = self.calls.get_mut(&one.config.id) {
                remember(calls, one);
            }
        }
        let of_calls = self.calls.values().flat_map(|calls| calls.networks.iter().copied());
        let of_leaving = self.leaving.iter().flat_map(Operation::remotes);
        let former: BTreeSet<IpNet> =
            of_calls.chain(of_leaving.map(|remote| IpNet::from(remote.ip().to_canonical()))).collect();
        Some(Peers { trunks: self.running.iter().map(Operation::peer).collect(), former: former.into_iter().collect() })
    }

    /// Whether it is worth asking how all are, since this was asked last.
    pub(crate) fn poll_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// How all are.
    pub(crate) fn states(&self) -> TrunkStates {
        let state = |one: &Operation| (one.config.id.clone(), one.state(self.calls_of(&one.config.id)));
        Arc::new(self.running.iter().map(state).collect())
    }
}

fn remember(calls: &mut Calls, one: &Operation) {
    let room = MAX_FORMER.saturating_sub(calls.networks.len());
    let new: Vec<_> = one.peer().vouched().filter(|network| !calls.networks.contains(network)).take(room).collect();
    calls.networks.extend(new);
}

/// `None`: there is no answer to it. What the endpoint says of either is that the request is gone meanwhile, or comes as an
/// event of it.
fn answer_challenge(now: Instant, id: ChallengeId, is_proxy: bool, value: Option<String>, endpoint: &mut Endpoint) {
    let name = if is_proxy { "Proxy-Authorization" } else { "Authorization" };
    let _ = match value {
        Some(value) => endpoint.authorize(now, id, name, value),
        None => endpoint.give_up(now, id),
    };
}

/// Whatever runs on this machine, and is believed who calls.
fn dev_trunk() -> TrunkConfig {
    let networks = ["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok()).collect();
    TrunkConfig { vouches_for_callers: true, ..TrunkConfig::of_networks(DEV_TRUNK, networks) }
}
