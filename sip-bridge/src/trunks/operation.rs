// SPDX-License-Identifier: EUPL-1.2
//! One trunk, from when it is taken up until it is given up: its destinations are looked up and asked whether they are there,
//! and we are registered at the first that is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use bus::phone::{Credentials, DestinationState, RegistrationState, TrunkConfig, TrunkDestination, TrunkState};
use rand::rngs::StdRng;

use super::locals::Locals;
use super::locate::{DnsError, Located, LocatedAddress, known};
use super::peers::{Peer, Place, is_contact};
use super::probing::{Probing, Target};
use super::registering::{Registering, host, uri};
use super::routing::{Route, Tried};
use crate::sip::endpoint::Endpoint;
use crate::sip::event::{OptionsId, RegistrationId};
use crate::sip::flow::{Flow, TlsName};
use crate::sip::message::{Host, NameAddr, Params, Transport, Uri};

/// What is looked up holds at least so long, whatever its owner says: some say zero.
const SHORTEST_VALIDITY: Duration = Duration::from_secs(30);

/// And at most, so that what has changed is noticed within the hour.
const LONGEST_VALIDITY: Duration = Duration::from_secs(3600);

/// After a look-up that found nothing. It doubles.
const FIRST_RETRY: Duration = Duration::from_secs(10);

/// The longest pause between these.
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// When a look-up of which nothing was heard is asked for again: longer than one may take.
const LOST_LOOK_UP: Duration = Duration::from_secs(60);

/// Bytes of the hash in the user of our Contact: enough that no two trunks have the same.
const CONTACT_BYTES: usize = 8;

/// A destination, and what is known of it.
struct Destination {
    wanted: TrunkDestination,
    host: Arc<str>,
    addresses: Vec<LocatedAddress>,
    /// A look-up has ended, by whatever.
    was_looked_up: bool,
    /// `None` for an address.
    look_up_at: Option<Instant>,
    failures: u32,
}

/// A trunk in operation.
pub(super) struct Operation {
    pub(super) config: Arc<TrunkConfig>,
    /// Tells it from others with the same id, before or after it.
    pub(super) serial: u64,
    /// Parts our registrations from those that this id had before, so that taking those away does not hit ours.
    pub(super) generation: u32,
    contact_user: String,
    destinations: Vec<Destination>,
    probing: Probing,
    registering: Option<Registering>,
}

impl Operation {
    pub(super) fn new(now: Instant, config: Arc<TrunkConfig>, serial: u64, generation: u32, locals: &Locals) -> Self {
        let destination = |wanted: &TrunkDestination| {
            let address = known(wanted);
            Destination {
                wanted: wanted.clone(),
                host: Arc::from(wanted.host.as_str()),
                look_up_at: address.is_none().then_some(now),
                was_looked_up: address.is_some(),
                addresses: address.into_iter().collect(),
                failures: 0,
            }
        };
        let contact_user = contact_user(&config.id);
        let contact = if generation == 0 { contact_user.clone() } else { format!("{contact_user}.{generation}") };
        let mut operation = Self {
            destinations: config.destinations.iter().map(destination).collect(),
            probing: Probing::new(now, config.keep_alive),
            registering: config.registration.clone().map(|wanted| Registering::new(wanted, contact)),
            contact_user,
            config,
            serial,
            generation,
        };
        operation.arrange(now, locals);
        operation
    }

    /// Takes a configuration in which only what concerns calls to us has changed.
    pub(super) fn reconfigure(&mut self, config: Arc<TrunkConfig>) {
        self.config = config;
    }

    /// Whether that can be: where and as whom we are registered is the same.
    pub(super) fn can_become(&self, config: &TrunkConfig) -> bool {
        let ours = &self.config;
        ours.destinations == config.destinations
            && ours.credentials == config.credentials
            && ours.registration == config.registration
            && ours.keep_alive == config.keep_alive
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        self.config.credentials.as_ref()
    }

    /// As who is called is to see it.
    pub(super) fn peer(&self) -> Peer {
        let place = |target: &Target| {
            let destination = self.destinations.get(target.destination)?;
            let TrunkDestination { transport, .. } = destination.wanted;
            Some(Place { transport, address: target.flow.remote, host: destination.host.clone() })
        };
        Peer {
            config: self.config.clone(),
            places: self.probing.targets().iter().filter_map(place).collect(),
            contact_user: self.contact_user.clone(),
        }
    }

    /// Whether a user in a Request-URI is its Contact.
    pub(super) fn has_contact(&self, user: &str) -> bool {
        is_contact(user, &self.contact_user)
    }

    pub(super) fn state(&self, calls: u32) -> TrunkState {
        let state = |(index, destination): (usize, &Destination)| match self.probing.state_of(index) {
            Some(state) => state,
            None if destination.was_looked_up => DestinationState::NotFound,
            None => DestinationState::Unknown,
        };
        let destinations: Vec<_> = self.destinations.iter().enumerate().map(state).collect();
        let is_nowhere = destinations.iter().all(|state| *state == DestinationState::NotFound);
        let registration = self.registering.as_ref().map(|registering| match registering.state() {
            RegistrationState::Trying if is_nowhere => RegistrationState::Failed { status: None },
            state => state,
        });
        TrunkState { registration, destinations, calls }
    }

    /// The next destination that is to be looked up.
    pub(super) fn poll_look_up(&mut self, now: Instant) -> Option<(usize, TrunkDestination)> {
        let is_due = |(_, one): &(usize, &mut Destination)| one.look_up_at.is_some_and(|at| at <= now);
        let (index, destination) = self.destinations.iter_mut().enumerate().find(is_due)?;
        destination.look_up_at = Some(now + LOST_LOOK_UP);
        Some((index, destination.wanted.clone()))
    }

    /// What a look-up has found. `true`: the addresses are others now.
    pub(super) fn handle_located(
        &mut self,
        now: Instant,
        index: usize,
        located: Result<Located, DnsError>,
        locals: &Locals,
    ) -> bool {
        let Some(destination) = self.destinations.get_mut(index) else { return false };
        destination.was_looked_up = true;
        let before = destination.addresses.clone();
        let pause = match located {
            Ok(Located { addresses, valid_for }) => {
                destination.addresses = addresses;
                destination.failures = 0;
                valid_for.clamp(SHORTEST_VALIDITY, LONGEST_VALIDITY)
            }
            Err(error) => {
                // When nobody can say where it is, it is where it was.
                if error == DnsError::NotThere {
                    destination.addresses.clear();
                }
                let pause = FIRST_RETRY.saturating_mul(1 << destination.failures.min(16)).min(LONGEST_RETRY);
                destination.failures = destination.failures.saturating_add(1);
                pause
            }
        };
        destination.look_up_at = Some(now + pause);
        let has_changed = destination.addresses != before;
        if has_changed {
            self.arrange(now, locals);
        }
        has_changed
    }

    /// Puts the addresses of all destinations into their order: by destination, then by priority.
    fn arrange(&mut self, now: Instant, locals: &Locals) {
        let mut found: Vec<(usize, LocatedAddress)> = Vec::new();
        for (index, destination) in self.destinations.iter().enumerate() {
            found.extend(destination.addresses.iter().map(|address| (index, *address)));
        }
        found.sort_by_key(|(index, address)| (*index, address.priority));
        let mut targets: Vec<Target> = Vec::new();
        let (mut rank, mut last) = (0_u16, None);
        for (index, located) in found {
            let Some(destination) = self.destinations.get(index) else { continue };
            let transport = destination.wanted.transport;
            let Some(flow) = locals.flow_to(transport, located.address) else { continue };
            let is_tls = flow.transport == Transport::Tls;
            let flow = Flow { tls_name: is_tls.then(|| TlsName::of(&destination.host)), ..flow };
            let place = (index, located.priority);
            if last.replace(place).is_some_and(|last| last != place) {
                rank = rank.saturating_add(1);
            }
            // Two names for one address are one.
            let is_same = |known: Flow| known.transport == flow.transport && known.remote == flow.remote;
            if !targets.iter().any(|target| is_same(target.flow)) {
                let uri = destination_uri(&destination.wanted, flow.transport);
                targets.push(Target { destination: index, flow, uri, rank, weight: located.weight });
            }
        }
        self.probing.rearrange(now, targets);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let look_up = self.destinations.iter().filter_map(|destination| destination.look_up_at).min();
        let registering = self.registering.as_ref().and_then(Registering::poll_timeout);
        [look_up, self.probing.poll_timeout(), registering].into_iter().flatten().min()
    }

    /// Does what is due, and what follows from what has happened.
    pub(super) fn go_on(&mut self, now: Instant, endpoint: &mut Endpoint, locals: &Locals, rng: &mut StdRng) {
        let registering = self.registering.as_ref();
        let from = |flow: &Flow| match registering {
            Some(registering) => registering.address_of_record(),
            None => {
                let uri = uri(Some("saal"), locals.host(flow), None);
                NameAddr { display_name: None, uri, params: Params::default() }
            }
        };
        self.probing.handle_timeout(now, endpoint, rng, from);
        if let Some(registering) = &mut self.registering {
            registering.go_on(now, endpoint, &self.probing, rng);
        }
    }

    pub(super) fn owns_options(&self, id: OptionsId) -> bool {
        self.probing.owns(id)
    }

    pub(super) fn owns_registration(&self, id: RegistrationId) -> bool {
        self.registering.as_ref().is_some_and(|registering| registering.owns(id))
    }

    /// What became of a probe. `None`: there was no answer.
    pub(super) fn handle_probed(&mut self, now: Instant, id: OptionsId, status: Option<u16>, rng: &mut StdRng) {
        let is_back = match status {
            Some(status) => self.probing.handle_answered(now, id, status, rng),
            None => {
                self.probing.handle_failed(now, id, rng);
                false
            }
        };
        if is_back && let Some(registering) = &mut self.registering {
            registering.begin_anew();
        }
    }

    pub(super) fn handle_registered(&mut self, now: Instant, id: RegistrationId, endpoint: &mut Endpoint) {
        let Some(registering) = &mut self.registering else { return };
        if let Some(flow) = registering.handle_registered(id, endpoint) {
            self.probing.handle_heard(now, flow);
        }
    }

    pub(super) fn handle_registration_failed(
        &mut self,
        now: Instant,
        failure: (RegistrationId, Option<u16>),
        endpoint: &mut Endpoint,
        rng: &mut StdRng,
    ) {
        if let Some(registering) = &mut self.registering {
            registering.handle_failed(now, failure, endpoint, &mut self.probing, rng);
        }
    }

    pub(super) fn handle_unregistered(&mut self, id: RegistrationId) {
        if let Some(registering) = &mut self.registering {
            registering.handle_unregistered(id);
        }
    }

    /// Takes our registration away, if there is one.
    pub(super) fn leave(&mut self, now: Instant, endpoint: &mut Endpoint) {
        if let Some(registering) = &mut self.registering {
            registering.leave(now, endpoint);
        }
    }

    /// Whether nothing of it is left.
    pub(super) fn is_gone(&self) -> bool {
        self.registering.as_ref().is_none_or(Registering::is_gone)
    }

    /// The way that a call of ours takes next: where we are registered, then by the order of the destinations, those that answer
    /// first. `None`: all were tried.
    pub(super) fn route(&self, now: Instant, tried: &[Flow], locals: &Locals, rng: &mut StdRng) -> Option<Route> {
        let serving = self.registering.as_ref().and_then(Registering::serving);
        let registered = serving.filter(|(_, flow)| !tried.contains(flow) && self.probing.is_healthy(now, *flow));
        let flow = match registered {
            Some((_, flow)) => flow,
            None => self.probing.choose(now, tried, rng)?.flow,
        };
        let destination = self.destinations.get(self.probing.destination_of(flow)?)?;
        let registering = self.registering.as_ref();
        let of_destination = || (host(&destination.wanted.host), destination.wanted.port);
        let (domain, port) = registering.map_or_else(of_destination, |registering| (host(registering.domain()), None));
        let username = self.config.credentials.as_ref().map(|credentials| credentials.username.clone());
        // Who knows us by our address is told that, and who knows us by a name of theirs their own domain.
        let (user, own) = match (registering, username) {
            (Some(registering), _) => (registering.user().to_owned(), domain.clone()),
            (None, Some(username)) => (username, domain.clone()),
            (None, None) => ("saal".to_owned(), locals.host(&flow)),
        };
        let registration = registered.map(|(id, _)| id);
        Some(Route { flow, registration, domain, port, user, own })
    }

    /// What a call has shown of where it was tried.
    pub(super) fn handle_tried(&mut self, now: Instant, flow: Flow, tried: Tried) {
        match tried {
            // Where we are registered, that says more than a call does.
            Tried::Heard if self.registering.is_none() => self.probing.handle_heard(now, flow),
            Tried::Heard => {}
            Tried::Unheard => self.probing.handle_unheard(now, flow, false),
            Tried::Busy(time) => self.probing.handle_busy(now, flow, time),
        }
    }

    /// Whose users its numbers are; `None`: it has neither a domain nor a host.
    pub(super) fn domain(&self) -> Option<Host> {
        let registered = self.registering.as_ref().map(|registering| host(registering.domain()));
        registered.or_else(|| self.destinations.first().map(|destination| host(&destination.wanted.host)))
    }

    /// Where we are reached by it.
    pub(super) fn remotes(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.probing.targets().iter().map(|target| target.flow.remote)
    }
}

/// The user in our Contact. It is the same whenever the trunk is taken up, so that after a crash the registrar replaces what
/// it still knows of us.
fn contact_user(id: &str) -> String {
    let hash = digest(&SHA256, id.as_bytes());
    let hex = hash.as_ref().iter().take(CONTACT_BYTES).map(|byte| format!("{byte:02x}"));
    format!("saal-{}", hex.collect::<String>())
}

/// As a request to a destination is addressed.
fn destination_uri(destination: &TrunkDestination, transport: Transport) -> Uri {
    let mut uri = uri(None, host(&destination.host), destination.port);
    if let Uri::Sip(uri) = &mut uri
        && transport.is_reliable()
    {
        uri.params.set("transport", Some(transport.as_str().to_ascii_lowercase()));
    }
    uri
}
