// SPDX-License-Identifier: EUPL-1.2
//! Being registered at a provider or a telephone system (RFC 3261 §10.2), so that calls find us: renewed before it ends, tried
//! again when it fails, with pauses that grow.

use std::time::{Duration, Instant};

use super::command::Registration;
use super::core::Core;
use super::event::{Event, RegistrationId};
use super::flow::{ConnectionId, Flow};
use super::message::{CSeq, Method, Params, Request, Response, Uri};
use super::own_headers;
use super::owner::Owner;
use super::transaction::TableFull;
use super::uac::retry_after;

/// The shortest and longest that is believed.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(86_400);
/// How long a registration by a connection has to stand, so that the end of that is no reason to think that the next one ends as well.
const LONG_LIVED: Duration = Duration::from_secs(300);
/// Between two requests. A registrar that grants less has us unregistered in between, rather than asking it all the time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a 423 is followed at once.
const MAX_TOO_BRIEF: u8 = 3;
/// Hops of a Service-Route or Path that are kept.
const MAX_ROUTE: usize = 20;

enum State {
    /// A request is under way, or waits for credentials.
    Asking,
    /// Nothing to do until then.
    Waiting(Instant),
    /// The last request, which takes the registration away.
    Leaving,
    /// It is gone.
    Over,
}

/// One of them.
pub(super) struct Registrar {
    id: RegistrationId,
    wanted: Registration,
    call_id: String,
    tag: String,
    cseq: u32,
    state: State,
    expires: Duration,
    failures: u32,
    too_brief: u8,
    /// To be taken away as soon as the request under way is answered.
    wants_to_leave: bool,
    is_registered: bool,
    /// By which connection the registrar has us, if by one. Calls come by it.
    connection: Option<ConnectionId>,
    registered_at: Instant,
    /// Connections that ended soon, one after the other.
    lost: u32,
    service_route: Vec<String>,
}

impl Registrar {
    /// Begins, and sends the first REGISTER.
    pub(super) fn new(now: Instant, core: &mut Core, id: RegistrationId, wanted: Registration) -> Self {
        let expires = wanted.expires.clamp(SHORTEST, LONGEST);
        let mut registrar = Self {
            id,
            wanted,
            call_id: core.tokens.call_id(),
            tag: core.tokens.tag(),
            cseq: core.tokens.first_number(),
            state: State::Asking,
            expires,
            failures: 0,
            too_brief: 0,
            wants_to_leave: false,
            is_registered: false,
            connection: None,
            registered_at: now,
            lost: 0,
            service_route: Vec::new(),
        };
        registrar.ask(now, core);
        registrar
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn service_route(&self) -> &[String] {
        &self.service_route
    }

    pub(super) fn contact_user(&self) -> &str {
        &self.wanted.contact_user
    }

    /// The way of a REGISTER whose connection is gone.
    pub(super) fn other_way(&self) -> Flow {
        Flow { connection: None, ..self.wanted.flow }
    }

    /// The connection that must stay, because we are registered by it.
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        self.connection.filter(|_| !self.is_over())
    }

    pub(super) fn next_cseq(&mut self) -> u32 {
        self.cseq = self.cseq.saturating_add(1);
        self.cseq
    }

    fn ask(&mut self, now: Instant, core: &mut Core) {
        self.state = if self.wants_to_leave { State::Leaving } else { State::Asking };
        let expires = if self.wants_to_leave { Duration::ZERO } else { self.expires };
        if self.send(now, core, expires).is_err() {
            self.fail(now, core, None, None);
        }
    }

    fn send(&mut self, now: Instant, core: &mut Core, expires: Duration) -> Result<(), TableFull> {
        let number = self.next_cseq();
        let (mut from, mut to) = (self.wanted.address_of_record.clone(), self.wanted.address_of_record.clone());
        from.params.set("tag", Some(self.tag.clone()));
        to.params.remove("tag");
        let cseq = CSeq { number, method: Method::Register };
        let mut headers = own_headers::request_headers(from, to, self.call_id.clone(), cseq, &core.config);
        let mut contact = own_headers::contact(&self.wanted.flow, &core.config, &self.wanted.contact_user);
        contact.params = Params(vec![("expires".to_owned(), Some(expires.as_secs().to_string()))]);
        headers.contact = vec![contact];
        headers.set("Expires", expires.as_secs().to_string());
        headers.set("Supported", "path");
        headers.set("Allow", own_headers::ALLOW);
        let request =
            Request { method: Method::Register, uri: self.wanted.registrar.clone(), headers, body: Vec::new() };
        // By the connection by which they have us, as long as there is one.
        let flow = Flow { connection: self.connection.or(self.wanted.flow.connection), ..self.wanted.flow };
        core.send(now, flow, request, Owner::Registration(self.id)).map(|_| ())
    }

    /// The command: takes the registration away, after what is under way.
    pub(super) fn leave(&mut self, now: Instant, core: &mut Core) {
        if self.wants_to_leave {
            return;
        }
        self.wants_to_leave = true;
        if matches!(self.state, State::Waiting(_)) {
            if self.is_registered {
                self.ask(now, core);
            } else {
                self.finish(core);
            }
        }
    }

    fn finish(&mut self, core: &mut Core) {
        self.state = State::Over;
        core.events.push_back(Event::Unregistered { registration: self.id });
    }

    /// An answer to a REGISTER, challenges aside, and by what connection it came.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        core: &mut Core,
        response: &Response,
        connection: Option<ConnectionId>,
    ) {
        match (response.status, &self.state) {
            (..200, _) | (_, State::Waiting(_) | State::Over) => {}
            // Whatever the answer: it ends by itself, too.
            (_, State::Leaving) => self.finish(core),
            (200..300, State::Asking) => self.handle_success(now, core, response, connection),
            (423, State::Asking) if self.too_brief < MAX_TOO_BRIEF => self.handle_too_brief(now, core, response),
            (status, State::Asking) => {
                let wait = retry_after(response);
                self.fail(now, core, Some(status), wait);
            }
        }
    }

    fn handle_success(&mut self, now: Instant, core: &mut Core, response: &Response, connection: Option<ConnectionId>) {
        let header = response.headers.get("Expires").and_then(|value| value.trim().parse().ok());
        let own = response.headers.contact.iter().find(|contact| self.is_ours(&contact.uri));
        let parameter = own.and_then(|contact| contact.params.get("expires")).and_then(|value| value.parse().ok());
        let granted = parameter.or(header).map_or(self.expires, |seconds: u32| Duration::from_secs(seconds.into()));
        let granted = granted.min(LONGEST);
        if granted.is_zero() {
            return self.fail(now, core, Some(response.status), None);
        }
        (self.failures, self.too_brief, self.is_registered) = (0, 0, true);
        (self.connection, self.registered_at) = (connection, now);
        // Anywhere in there, so that many of us do not come at once.
        let renew_in = core.tokens.between(granted / 2, granted.mul_f64(0.9)).max(SHORTEST_PAUSE);
        self.state = State::Waiting(now + renew_in);
        self.service_route = response.headers.all("Service-Route").take(MAX_ROUTE).map(str::to_owned).collect();
        if self.wants_to_leave {
            return self.ask(now, core);
        }
        core.events.push_back(Event::Registered {
            registration: self.id,
            expires: granted,
            service_route: self.service_route.clone(),
            path: response.headers.all("Path").take(MAX_ROUTE).map(str::to_owned).collect(),
        });
    }

    /// Whether a Contact is the one that we sent. Host and port may have been rewritten for a NAT.
    fn is_ours(&self, uri: &Uri) -> bool {
        matches!(uri, Uri::Sip(uri) if uri.user.as_deref() == Some(&self.wanted.contact_user))
    }

    fn handle_too_brief(&mut self, now: Instant, core: &mut Core, response: &Response) {
        let least = response.headers.get("Min-Expires").and_then(|value| value.trim().parse::<u32>().ok());
        let least = least.map(|seconds| Duration::from_secs(seconds.into()).min(LONGEST));
        match least.filter(|least| *least > self.expires) {
            Some(least) => {
                self.too_brief += 1;
                self.expires = least;
                self.ask(now, core);
            }
            None => self.fail(now, core, Some(423), None),
        }
    }

    /// A connection has ended. If the registrar has us by it, no call finds us any more, so we register again: at once, and
    /// later each time with somebody who closes connections soon.
    pub(super) fn handle_connection_lost(&mut self, now: Instant, core: &mut Core, connection: ConnectionId) {
        if self.connection != Some(connection) {
            return;
        }
        self.connection = None;
        // What is under way goes by another connection, and brings the registration there.
        let State::Waiting(renewal) = self.state else { return };
        if now.saturating_duration_since(self.registered_at) >= LONG_LIVED {
            self.lost = 0;
        }
        let pause = if self.lost == 0 { Duration::ZERO } else { backoff(core, self.lost - 1) };
        self.lost = self.lost.saturating_add(1);
        self.state = State::Waiting(renewal.min(now + pause));
    }

    /// No answer.
    pub(super) fn handle_failure(&mut self, now: Instant, core: &mut Core) {
        match self.state {
            State::Leaving => self.finish(core),
            State::Asking => self.fail(now, core, None, None),
            State::Waiting(_) | State::Over => {}
        }
    }

    fn fail(&mut self, now: Instant, core: &mut Core, status: Option<u16>, at_least: Option<Duration>) {
        (self.is_registered, self.connection) = (false, None);
        if self.wants_to_leave {
            return self.finish(core);
        }
        let pause = backoff(core, self.failures);
        self.failures = self.failures.saturating_add(1);
        self.too_brief = 0;
        // Not before they allow.
        let retry_in = pause.max(at_least.unwrap_or_default().min(LONGEST));
        self.state = State::Waiting(now + retry_in);
        core.events.push_back(Event::RegistrationFailed { registration: self.id, status, retry_in });
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Waiting(until) => Some(until),
            State::Asking | State::Leaving | State::Over => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, core: &mut Core) {
        if matches!(self.state, State::Waiting(until) if until <= now) {
            self.ask(now, core);
        }
    }
}

/// The pause after so many failures in a row: between half of it and all (RFC 5626 §4.5).
fn backoff(core: &mut Core, failures: u32) -> Duration {
    let (first, longest) = core.config.registration_backoff;
    let pause = first.saturating_mul(1 << failures.min(16)).min(longest);
    core.tokens.between(pause / 2, pause)
}
