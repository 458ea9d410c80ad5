// SPDX-License-Identifier: EUPL-1.2
//! Being registered at the first of a trunk's destinations that is there. The endpoint renews a registration and tries it
//! again; here is decided where, and when to go elsewhere.
//!
//! Whoever goes elsewhere keeps the registration that is until the new one is there. The old one is forgotten and not taken
//! away: it has the same Contact, and where two destinations share what they know, taking it away would take both.

use std::time::{Duration, Instant};

use bus::phone::{RegistrationState, TrunkRegistration};
use rand::rngs::StdRng;

use super::probing::Probing;
use crate::sip::command::Registration;
use crate::sip::endpoint::Endpoint;
use crate::sip::event::RegistrationId;
use crate::sip::flow::Flow;
use crate::sip::message::{Host, NameAddr, Params, Scheme, SipUri, Uri};

/// After all were tried in vain: the first pause. It doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// The longest. Whoever answers a probe again is tried at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Until one that has refused us is preferred again, although it answers probes.
const RETURN_PAUSE: Duration = Duration::from_secs(300);

/// A registration at one address.
#[derive(Clone, Copy)]
struct At {
    id: RegistrationId,
    flow: Flow,
}

/// A trunk's registration.
pub(super) struct Registering {
    wanted: TrunkRegistration,
    contact_user: String,
    /// Where we are registered.
    serving: Option<At>,
    /// Where we want to be.
    trying: Option<At>,
    /// Where we have been refused since we were registered last.
    tried: Vec<Flow>,
    /// How often all were tried in vain.
    rounds: u32,
    retry_at: Option<Instant>,
    return_at: Option<Instant>,
    state: RegistrationState,
    /// Those that are being taken away.
    leaving: Vec<RegistrationId>,
    wants_to_leave: bool,
}

impl Registering {
    pub(super) fn new(wanted: TrunkRegistration, contact_user: String) -> Self {
        Self {
            wanted,
            contact_user,
            serving: None,
            trying: None,
            tried: Vec::new(),
            rounds: 0,
            retry_at: None,
            return_at: None,
            state: RegistrationState::Trying,
            leaving: Vec::new(),
            wants_to_leave: false,
        }
    }

    pub(super) const fn state(&self) -> RegistrationState {
        self.state
    }

    /// Who we are there.
    pub(super) fn address_of_record(&self) -> NameAddr {
        name(Some(&self.wanted.user), &self.wanted.domain)
    }

    /// The registration by which we are known, and where.
    pub(super) fn serving(&self) -> Option<(RegistrationId, Flow)> {
        self.serving.map(|at| (at.id, at.flow))
    }

    /// Whose users we call.
    pub(super) fn domain(&self) -> &str {
        &self.wanted.domain
    }

    /// Who we are there.
    pub(super) fn user(&self) -> &str {
        &self.wanted.user
    }

    pub(super) fn owns(&self, id: RegistrationId) -> bool {
        let at = |at: &Option<At>| at.is_some_and(|at| at.id == id);
        at(&self.serving) || at(&self.trying) || self.leaving.contains(&id)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match (&self.trying, &self.serving) {
            _ if self.wants_to_leave => None,
            (Some(_), _) => None,
            (None, Some(_)) => [self.retry_at, self.return_at].into_iter().flatten().min(),
            (None, None) => self.retry_at,
        }
    }

    /// Does what follows from how the destinations are, and from the time.
    pub(super) fn go_on(&mut self, now: Instant, endpoint: &mut Endpoint, probing: &Probing, rng: &mut StdRng) {
        for due in [&mut self.retry_at, &mut self.return_at] {
            due.take_if(|at| *at <= now);
        }
        if self.wants_to_leave || probing.targets().is_empty() {
            return;
        }
        if let Some(at) = self.trying {
            let is_sick = !probing.is_healthy(now, at.flow);
            let other = probing.choose(now, &[at.flow], rng).map(|target| target.flow);
            if is_sick && other.is_some_and(|flow| probing.is_healthy(now, flow)) {
                self.give_up(endpoint, at);
                self.try_next(now, endpoint, probing, rng);
            }
            return;
        }
        let wants_one = match self.serving {
            None => self.retry_at.is_none(),
            Some(at) if !probing.is_healthy(now, at.flow) => {
                self.note_tried(at.flow);
                self.retry_at.is_none()
            }
            Some(at) => {
                self.tried.clear();
                self.return_at.is_none() && probing.has_better_than(now, at.flow)
            }
        };
        if wants_one {
            self.try_next(now, endpoint, probing, rng);
        }
    }

    /// Tries all again, without a pause: a destination is there that was not.
    pub(super) fn begin_anew(&mut self) {
        self.retry_at = None;
        self.rounds = 0;
        self.tried.clear();
    }

    fn try_next(&mut self, now: Instant, endpoint: &mut Endpoint, probing: &Probing, rng: &mut StdRng) {
        let target = probing.choose(now, &self.tried, rng);
        // One that is sick is no better than where we are.
        let target = target.filter(|target| self.serving.is_none() || probing.is_healthy(now, target.flow));
        let begun = target.map(|target| (target.flow, endpoint.register(now, self.registration(target.flow))));
        match begun {
            Some((flow, Ok(id))) => {
                self.trying = Some(At { id, flow });
                if self.serving.is_none() && !matches!(self.state, RegistrationState::Failed { .. }) {
                    self.state = RegistrationState::Trying;
                }
            }
            // All were tried, or there is no room.
            None | Some((_, Err(_))) => {
                self.tried.clear();
                let pause = FIRST_PAUSE.saturating_mul(1 << self.rounds.min(16)).min(LONGEST_PAUSE);
                self.rounds = self.rounds.saturating_add(1);
                self.retry_at = Some(now + pause);
            }
        }
    }

    fn registration(&self, flow: Flow) -> Registration {
        Registration {
            registrar: name(None, &self.wanted.domain).uri,
            flow,
            address_of_record: self.address_of_record(),
            contact_user: self.contact_user.clone(),
            expires: self.wanted.expires,
        }
    }

    fn give_up(&mut self, endpoint: &mut Endpoint, at: At) {
        // It is there: it has not been forgotten before.
        let _ = endpoint.forget_registration(at.id);
        self.trying = None;
        self.note_tried(at.flow);
    }

    /// Each address once, so there are no more than the trunk has.
    fn note_tried(&mut self, flow: Flow) {
        if !self.tried.contains(&flow) {
            self.tried.push(flow);
        }
    }

    /// The registrar has us.
    pub(super) fn handle_registered(&mut self, id: RegistrationId, endpoint: &mut Endpoint) -> Option<Flow> {
        if let Some(at) = self.trying.filter(|at| at.id == id) {
            if let Some(before) = self.serving.take() {
                let _ = endpoint.forget_registration(before.id);
            }
            self.serving = self.trying.take();
            self.begin_anew();
            self.state = RegistrationState::Registered;
            return Some(at.flow);
        }
        let at = self.serving.filter(|at| at.id == id)?;
        self.state = RegistrationState::Registered;
        Some(at.flow)
    }

    /// It has not.
    pub(super) fn handle_failed(
        &mut self,
        now: Instant,
        (id, status): (RegistrationId, Option<u16>),
        endpoint: &mut Endpoint,
        probing: &mut Probing,
        rng: &mut StdRng,
    ) {
        // No answer, or a fault of that server: elsewhere it may go better. All else is the same everywhere.
        let is_of_server = status.is_none_or(|status| status == 408 || (500..600).contains(&status));
        if let Some(at) = self.serving.filter(|at| at.id == id) {
            self.serving = None;
            self.trying = Some(at);
        }
        let Some(at) = self.trying.filter(|at| at.id == id) else { return };
        if is_of_server {
            probing.handle_unheard(now, at.flow, status.is_some());
        }
        if status.is_some() {
            self.return_at = Some(now + RETURN_PAUSE);
        }
        if let Some(serving) = self.serving {
            // Where we are is good enough.
            self.give_up(endpoint, at);
            if !probing.is_healthy(now, serving.flow) {
                self.try_next(now, endpoint, probing, rng);
            }
            return;
        }
        self.state = RegistrationState::Failed { status };
        if is_of_server {
            self.give_up(endpoint, at);
            self.try_next(now, endpoint, probing, rng);
        }
        // Else the endpoint tries again there, by and by.
    }

    /// Takes what there is away, for good.
    pub(super) fn leave(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.wants_to_leave = true;
        for at in [self.trying.take(), self.serving.take()].into_iter().flatten() {
            self.leaving.push(at.id);
            // It is there, and says when it is not any more.
            let _ = endpoint.unregister(now, at.id);
        }
    }

    pub(super) fn handle_unregistered(&mut self, id: RegistrationId) {
        self.leaving.retain(|known| *known != id);
    }

    /// Whether nothing is left to be taken away.
    pub(super) fn is_gone(&self) -> bool {
        self.wants_to_leave && self.leaving.is_empty()
    }
}

/// `sip:user@domain`.
pub(super) fn name(user: Option<&str>, domain: &str) -> NameAddr {
    NameAddr { display_name: None, uri: uri(user, host(domain), None), params: Params::default() }
}

pub(super) fn host(text: &str) -> Host {
    text.parse().map_or_else(|_| Host::Name(text.to_ascii_lowercase()), Host::Address)
}

pub(super) fn uri(user: Option<&str>, host: Host, port: Option<u16>) -> Uri {
    Uri::Sip(SipUri {
        scheme: Scheme::Sip,
        user: user.map(str::to_owned),
        password: None,
        host,
        port,
        params: Params::default(),
        headers: Vec::new(),
    })
}
