// SPDX-License-Identifier: EUPL-1.2
//! The front door: all of SIP for one process. Messages go in and come out, commands go in, events come out, and time is an
//! argument. After each input, `poll_transmit` and `poll_event` are to be drained.
//!
//! It answers requests as a user agent (RFC 3261 §8), never as a proxy; so no request of others is ever sent on, and
//! there can be no loop.

mod commands;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;

use super::call::Call;
use super::challenge::{Challenge, Challenges, Held};
use super::check::is_for_sender;
use super::config::{Config, Timers};
use super::core::Core;
use super::deadlines::Deadlines;
use super::dialog::DialogKey;
use super::event::{CallId, Event, OptionsId, RegistrationId};
use super::flow::{Carrier, ConnectionId, Flow, Transmit, reply_flow, stamp_source};
use super::message::{Message, Method, Request, Response};
use super::own_headers::{self, ALLOW};
use super::owner::{Job, Owner};
use super::registration::Registrar;
use super::tokens::Tokens;
use super::transaction::{Arrival, Delivery, NoAnswer, OtherWay, TransactionId, Transactions};

/// Who has a deadline. Transactions keep their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Timer {
    Call(CallId),
    Registration(RegistrationId),
}

/// One for each process.
pub struct Endpoint {
    core: Core,
    calls: HashMap<CallId, Box<Call>>,
    registrations: HashMap<RegistrationId, Registrar>,
    challenges: Challenges,
    deadlines: Deadlines<Timer>,
    /// The connections that stay, as they were told last.
    kept: BTreeSet<ConnectionId>,
    has_registrations_changed: bool,
    next_id: u64,
    /// No new calls are taken or made.
    is_declining: bool,
    /// Nor are registrations kept.
    is_draining: bool,
}

impl Endpoint {
    /// An endpoint without calls. `rng` makes what nobody may guess, and must be seeded from the system.
    #[must_use]
    pub fn new(mut config: Config, rng: StdRng) -> Self {
        // Without any pause a repetition would follow itself for ever.
        let least = Duration::from_millis(1);
        let Timers { t1, t2, .. } = config.timers;
        (config.timers.t1, config.timers.t2) = (t1.max(least), t2.max(least));
        let (first, longest) = config.registration_backoff;
        config.registration_backoff = (first.max(least), longest.max(least));
        let transactions =
            Transactions::new(config.timers, config.max_client_transactions, config.max_server_transactions);
        let tokens = Tokens::new(rng);
        Self {
            core: Core { config, tokens, transactions, events: VecDeque::new(), dialogs: HashMap::new() },
            calls: HashMap::new(),
            registrations: HashMap::new(),
            challenges: Challenges::new(),
            deadlines: Deadlines::new(),
            kept: BTreeSet::new(),
            has_registrations_changed: false,
            next_id: 0,
            is_declining: false,
            is_draining: false,
        }
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Instant, flow: Flow, message: Message) {
        match message {
            Message::Request(request) => self.handle_request(now, flow, request),
            Message::Response(response) => self.handle_response(now, flow, response),
        }
        self.handle_failures(now);
    }

    /// A message was given to a connection, which need not be open yet. To be told before anything else of that
    /// connection.
    pub fn handle_sent(&mut self, transmit: &Transmit, carrier: Carrier) {
        // An answer is not sent again by who made it, and an ACK goes by whatever there is when it is repeated.
        if let Message::Request(request) = &transmit.message {
            self.core.transactions.handle_sent(&transmit.flow, request, carrier);
        }
    }

    /// A message was taken by nothing. Where it was for one connection, that is gone. Otherwise it concerns this message alone:
    /// others to the same address may have more luck, and an answer will be asked for again.
    pub fn handle_unsent(&mut self, now: Instant, transmit: &Transmit) {
        if transmit.flow.connection.is_some() {
            return self.handle_transport_failed(now, transmit.flow);
        }
        if let Message::Request(request) = &transmit.message {
            self.core.transactions.handle_unsent(request);
        }
        self.handle_failures(now);
    }

    /// A connection broke or could not be opened. Calls outlive it: peers close connections that have
    /// been quiet (Kamailio after two minutes), and what was sent in a call on one that is gone is sent once more on another.
    pub fn handle_transport_failed(&mut self, now: Instant, flow: Flow) {
        if let Some(connection) = flow.connection {
            for call in self.calls.values_mut() {
                call.handle_connection_lost(connection);
            }
            let registered = self.registrations.iter().filter(|(_, one)| one.connection() == Some(connection));
            let lost: Vec<RegistrationId> = registered.map(|(id, _)| *id).collect();
            for id in lost {
                self.with_registration(id, |one, core| one.handle_connection_lost(now, core, connection));
            }
        }
        let (calls, registrations, config) = (&self.calls, &self.registrations, &self.core.config);
        let other_way = |owner: Owner, request: &Request, flow: Flow| match owner {
            Owner::Call(id, _) => calls.get(&id).and_then(|call| call.way_of(request, config)),
            Owner::Registration(id) => registrations.get(&id).map(|one| OtherWay::Again(one.other_way())),
            Owner::Options(_) => Some(OtherWay::Again(Flow { connection: None, ..flow })),
            Owner::Nobody => None,
        };
        self.core.transactions.handle_transport_failed(&flow, other_way);
        self.handle_failures(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.core.transactions.handle_timeout(now);
        self.handle_failures(now);
        while let Some(held) = self.challenges.pop_due(now) {
            self.deliver_without_credentials(now, held);
        }
        while let Some(timer) = self.deadlines.pop_due(now) {
            match timer {
                Timer::Call(id) => self.with_call(id, |call, core| call.handle_timeout(now, core)),
                Timer::Registration(id) => self.with_registration(id, |one, core| one.handle_timeout(now, core)),
            };
        }
    }

    /// When [`Endpoint::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let transactions = self.core.transactions.poll_timeout();
        [transactions, self.deadlines.next(), self.challenges.poll_timeout()].into_iter().flatten().min()
    }

    /// A message to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.core.transactions.poll_transmit()
    }

    /// Which connections have to stay, where that has changed: those by which registrars have us, and calls come.
    pub fn poll_kept(&mut self) -> Option<BTreeSet<ConnectionId>> {
        if !std::mem::take(&mut self.has_registrations_changed) {
            return None;
        }
        let kept: BTreeSet<ConnectionId> = self.registrations.values().filter_map(Registrar::connection).collect();
        if kept == self.kept {
            return None;
        }
        self.kept.clone_from(&kept);
        Some(kept)
    }

    /// Something that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// How many calls there are, those that end included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether nothing was answered to a call of ours, not even that it is being tried. Somebody who is there says so within 200 ms
    /// (RFC 3261 §17.2.1).
    #[must_use]
    pub fn is_unheard(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|call| call.is_unheard())
    }

    /// A number for the layer above, which is never that of a call here.
    pub fn reserve(&mut self) -> u64 {
        self.allot()
    }

    /// How many transactions there are.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.core.transactions.len()
    }

    /// How many requests of ours wait for credentials.
    #[must_use]
    pub fn challenges(&self) -> usize {
        self.challenges.len()
    }

    /// Whether no new calls are taken any more.
    #[must_use]
    pub fn is_declining(&self) -> bool {
        self.is_declining
    }

    /// Whether draining has come to its end: there are neither calls nor registrations any more.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.is_draining && self.calls.is_empty() && self.registrations.is_empty()
    }

    fn handle_request(&mut self, now: Instant, flow: Flow, mut request: Request) {
        let Some(via) = request.headers.via.first_mut() else { return };
        stamp_source(via, flow.remote);
        let is_of_call = self.is_of_call(&request);
        match self.core.transactions.handle_request(now, flow, &request, is_of_call) {
            Arrival::New(id) => self.handle_new_request(now, flow, id, request),
            Arrival::StrayAck => self.handle_stray_ack(now, flow, &request),
            Arrival::Absorbed => {}
            Arrival::Merged(id) => self.core.refuse(now, id, &request, 482, "Loop Detected"),
            Arrival::Full => self.refuse_without_state(flow, &request),
        }
    }

    /// Whether it is a request in a dialog, or the CANCEL of a call that comes in.
    fn is_of_call(&self, request: &Request) -> bool {
        if request.method == Method::Cancel {
            return self.core.transactions.cancelled(request).is_some();
        }
        DialogKey::of(request).is_some_and(|key| self.core.dialogs.contains_key(&key))
    }

    /// 503 by somebody who has no room to remember it.
    fn refuse_without_state(&mut self, flow: Flow, request: &Request) {
        let tag = self.core.tokens.tag();
        let mut response = own_headers::answer(request, 503, "Service Unavailable", &tag, &self.core.config);
        response.headers.push("Retry-After", self.core.config.retry_after.as_secs().to_string());
        let Some(via) = request.headers.via.first() else { return };
        self.core.transactions.send_once(reply_flow(flow, via), Message::Response(response));
    }

    fn handle_stray_ack(&mut self, now: Instant, flow: Flow, ack: &Request) {
        let call = DialogKey::of(ack).and_then(|key| self.core.dialogs.get(&key)).copied();
        if let Some(id) = call {
            self.with_call(id, |call, core| call.handle_ack(now, core, flow, ack));
        }
    }

    fn handle_new_request(&mut self, now: Instant, flow: Flow, id: TransactionId, request: Request) {
        // The one place where a request is checked against the rules and the extensions that it requires.
        if let Some(check) = self.core.config.check
            && let Err(rejection) = check(&request)
        {
            let mut response = rejection.response(&request);
            own_headers::set_tag(&mut response, &self.core.tokens.tag());
            self.core.respond(now, id, response);
            return;
        }
        if request.method == Method::Cancel {
            return self.handle_cancel(now, id, &request);
        }
        match DialogKey::of(&request) {
            None => self.handle_request_outside(now, flow, id, request),
            Some(key) => match self.core.dialogs.get(&key).copied() {
                Some(call) => {
                    self.with_call(call, |call, core| call.handle_request(now, core, flow, id, request));
                }
                // OPTIONS in a dialog that is gone says just that; so does all else (§12.2.2).
                None => self.core.refuse_unknown(now, id, &request),
            },
        }
    }

    /// §9.2.
    fn handle_cancel(&mut self, now: Instant, id: TransactionId, cancel: &Request) {
        let Some(call) = self.core.transactions.cancelled(cancel) else {
            return self.core.refuse_unknown(now, id, cancel);
        };
        let call = call.filter(|call| self.calls.contains_key(call));
        let mut response = cancel.response(200, "OK");
        let known = call.and_then(|call| self.calls.get(&call)).map(|call| call.local_tag().to_owned());
        let tag = known.unwrap_or_else(|| self.core.tokens.tag());
        own_headers::set_tag(&mut response, &tag);
        self.core.respond(now, id, response);
        if let Some(call) = call {
            self.with_call(call, |call, core| call.handle_cancel(now, core, cancel));
        }
    }

    fn handle_request_outside(&mut self, now: Instant, flow: Flow, id: TransactionId, request: Request) {
        match request.method {
            Method::Invite => self.handle_invite(now, flow, id, request),
            Method::Options => self.core.answer_options(now, id, &request, self.is_declining),
            Method::Subscribe => self.core.refuse(now, id, &request, 489, "Bad Event"),
            // Their dialogs and subscriptions are not here.
            Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Notify => {
                self.core.refuse_unknown(now, id, &request);
            }
            Method::Refer => self.core.refuse(now, id, &request, 403, "Forbidden"),
            Method::Register | Method::Message | Method::Publish => self.refuse_method(now, id, &request, 405),
            Method::Other(_) => self.refuse_method(now, id, &request, 501),
            Method::Ack | Method::Cancel => {}
        }
    }

    fn refuse_method(&mut self, now: Instant, id: TransactionId, request: &Request, status: u16) {
        let reason = if status == 501 { "Not Implemented" } else { "Method Not Allowed" };
        self.core.refuse_with(now, id, request, (status, reason), ("Allow", ALLOW.to_owned()));
    }

    fn handle_invite(&mut self, now: Instant, flow: Flow, id: TransactionId, request: Request) {
        if self.is_declining || self.calls.len() >= self.core.config.max_calls {
            let header = ("Retry-After", self.core.config.retry_after.as_secs().to_string());
            return self.core.refuse_with(now, id, &request, (503, "Service Unavailable"), header);
        }
        let call_id = CallId(self.allot());
        if let Some(call) = Call::incoming(now, &mut self.core, call_id, flow, id, request) {
            self.calls.insert(call_id, Box::new(call));
            self.settle_call(call_id);
        }
    }

    fn handle_response(&mut self, now: Instant, flow: Flow, response: Response) {
        // What belongs to no request of ours is dropped; so is what went through somebody else (§8.1.3.3).
        if !is_for_sender(&response) {
            return;
        }
        let Some(delivery) = self.core.transactions.handle_response(now, flow, response) else { return };
        match Challenge::of(&delivery.response) {
            Some(challenge) => self.handle_challenge(now, flow, delivery, challenge),
            None => self.deliver(now, flow, delivery),
        }
    }

    /// A request of ours wants credentials.
    fn handle_challenge(&mut self, now: Instant, flow: Flow, delivery: Delivery, challenge: Challenge) {
        let Some(purpose) = delivery.owner.purpose() else { return };
        let is_wanted = match delivery.owner {
            Owner::Call(id, Job::Invite) => {
                let core = &mut self.core;
                self.calls.get_mut(&id).is_some_and(|call| call.handle_challenged(core, delivery.id))
            }
            Owner::Call(id, job) => job != Job::Cancel && self.calls.contains_key(&id),
            Owner::Registration(id) => self.registrations.contains_key(&id),
            Owner::Options(_) => true,
            Owner::Nobody => false,
        };
        if !is_wanted {
            return self.deliver(now, flow, delivery);
        }
        let Delivery { id, owner, request, attempts, response } = delivery;
        let (method, uri) = (request.method.clone(), request.uri.clone());
        let held = Held::new(now, request, flow, owner, attempts, id, response);
        let until = now + self.core.config.timers.patience();
        match self.challenges.hold(held, &challenge, until) {
            Ok(id) => {
                let Challenge { is_proxy, values } = challenge;
                self.core.events.push_back(Event::Challenged { challenge: id, purpose, is_proxy, values, method, uri });
            }
            Err(held) => self.deliver_without_credentials(now, *held),
        }
    }

    /// There are no credentials, or they do not help: then the challenge is a refusal.
    fn deliver_without_credentials(&mut self, now: Instant, held: Held) {
        let Held { request, flow, owner, attempts, transaction, response, .. } = held;
        if let Owner::Call(id, Job::Invite) = owner
            && let Some(call) = self.calls.get_mut(&id)
        {
            call.handle_given_up(transaction);
        }
        self.deliver(now, flow, Delivery { id: transaction, owner, request, attempts, response });
    }

    fn deliver(&mut self, now: Instant, flow: Flow, delivery: Delivery) {
        match delivery.owner {
            Owner::Call(id, job) if self.calls.contains_key(&id) => {
                self.with_call(id, |call, core| call.handle_response(now, core, flow, job, delivery));
            }
            // The call is over, but the other side has just taken it.
            Owner::Call(_, job @ (Job::Invite | Job::Reinvite)) if (200..300).contains(&delivery.response.status) => {
                self.core.refuse_fork(now, flow, &delivery, job == Job::Invite);
            }
            Owner::Call(..) | Owner::Nobody => {}
            Owner::Registration(id) => {
                let response = &delivery.response;
                self.with_registration(id, |one, core| one.handle_response(now, core, response, flow.connection));
            }
            Owner::Options(options) => self.handle_options_response(options, delivery.response.status),
        }
    }

    fn handle_options_response(&mut self, options: OptionsId, status: u16) {
        if status >= 200 {
            self.core.events.push_back(Event::OptionsAnswered { options, status });
        }
    }

    fn handle_failures(&mut self, now: Instant) {
        while let Some(failure) = self.core.transactions.poll_failure() {
            self.fail(now, failure.owner, failure.why);
        }
    }

    /// A request will have no answer.
    fn fail(&mut self, now: Instant, owner: Owner, why: NoAnswer) {
        match owner {
            Owner::Call(id, job) => {
                self.with_call(id, |call, core| call.handle_failure(now, core, job, why));
            }
            Owner::Registration(id) => {
                self.with_registration(id, |one, core| one.handle_failure(now, core));
            }
            Owner::Options(options) => self.core.events.push_back(Event::OptionsFailed { options }),
            Owner::Nobody => {}
        }
    }

    fn allot(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Does something to a call, and what follows from it for the tables. `None`: there is no such call.
    fn with_call<T>(&mut self, id: CallId, f: impl FnOnce(&mut Call, &mut Core) -> T) -> Option<T> {
        let result = f(self.calls.get_mut(&id)?, &mut self.core);
        self.settle_call(id);
        Some(result)
    }

    fn settle_call(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        if !call.is_over() {
            return self.deadlines.set(Timer::Call(id), call.next_timeout());
        }
        self.calls.remove(&id);
        self.deadlines.set(Timer::Call(id), None);
        self.challenges.drop_of(|owner| matches!(owner, Owner::Call(call, _) if call == id));
    }

    fn with_registration(&mut self, id: RegistrationId, f: impl FnOnce(&mut Registrar, &mut Core)) -> Option<()> {
        let registrar = self.registrations.get_mut(&id)?;
        self.has_registrations_changed = true;
        f(registrar, &mut self.core);
        if registrar.is_over() {
            self.registrations.remove(&id);
            self.deadlines.set(Timer::Registration(id), None);
            self.challenges.drop_of(|owner| owner == Owner::Registration(id));
        } else {
            let at = registrar.next_timeout();
            self.deadlines.set(Timer::Registration(id), at);
        }
        Some(())
    }

    /// Nobody shall look for us here any more.
    fn leave_registrations(&mut self, now: Instant) {
        let ids: Vec<RegistrationId> = self.registrations.keys().copied().collect();
        for id in ids {
            self.with_registration(id, |one, core| one.leave(now, core));
        }
    }
}
