// SPDX-License-Identifier: EUPL-1.2
//! Call control without I/O: messages, notices of signaling, events of sound and the time go in; messages, requests and
//! orders come out. After each input [`ControlCore::poll_output`] is to be drained.
//!
//! SIP's endpoint and each caller's way are state machines of their own, held here. What is decided here is what one says
//! to the other.

mod dialling;
mod incoming;
mod meeting;
mod moving;
mod session;
mod transferring;
mod trunks;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::phone::{IncomingCall, PhoneRequest, TrunkStates};
use rand::rngs::StdRng;

use self::moving::Moving;
use super::call::{Call, Transfer};
use super::outcome;
use crate::caller::{EndReason, Input};
use crate::media::rtp::Ports;
use crate::metrics::Metrics;
use crate::sip::command::Reason;
use crate::sip::config::Config;
use crate::sip::deadlines::Deadlines;
use crate::sip::endpoint::Endpoint;
use crate::sip::event::{CallId, Cause, Event};
use crate::sip::flow::{Carrier, ConnectionId, Flow, Transmit};
use crate::sip::message::Message;
use crate::sound::{CallKey, RtpSockets, SoundOrder};
use crate::trunks::{Callers, Locals, LookUp, Operations, Trunks};

/// How long the answers to our BYEs are waited for at the end.
const BYE_TIME: Duration = Duration::from_secs(3);

/// Where media is, and who may call.
pub(crate) struct CoreSettings {
    /// Where sound is received.
    pub(crate) rtp_address: IpAddr,
    /// Where the sockets see who may send. It is written here.
    pub(crate) trunks: Arc<Trunks>,
    /// From where trunks are spoken to, and what telephones are told.
    pub(crate) locals: Locals,
    /// Whether this machine may call, too.
    pub(crate) is_dev: bool,
    /// When so many are there, further ones get 503.
    pub(crate) max_calls: usize,
    /// Threads of sound. At least one.
    pub(crate) threads: usize,
}

impl CoreSettings {
    /// Where whoever is on that way is to send sound.
    fn media_address(&self, flow: &Flow) -> Option<IpAddr> {
        let address = self.locals.media_address(self.rtp_address, flow);
        if address.is_none() {
            tracing::warn!(
                "a call cannot have sound: no address of this machine leads to the trunk; set sip.advertise"
            );
        }
        address
    }
}

/// Makes the sockets of a port.
pub(crate) type Bind = Box<dyn FnMut(u16) -> io::Result<RtpSockets> + Send>;

/// Something to do.
#[derive(Debug)]
pub(crate) enum Output {
    /// Send a message.
    Transmit(Box<Transmit>),
    /// Hand a call in at signaling's desk, and say whether that worked.
    OpenLine {
        /// Which.
        call: CallKey,
        /// Who calls.
        incoming: Box<IncomingCall>,
    },
    /// Ask signaling.
    Request {
        /// On whose line.
        call: CallKey,
        /// What.
        request: PhoneRequest,
    },
    /// The call is over: its line is closed.
    CloseLine {
        /// Which.
        call: CallKey,
    },
    /// Keep these connections open, and no others longer than they are used.
    Keep(BTreeSet<ConnectionId>),
    /// Find out where a trunk's destination is.
    LookUp(Box<LookUp>),
    /// Tell how the trunks are.
    TrunkStates(TrunkStates),
    /// Tell a thread of sound.
    Sound {
        /// Which.
        thread: usize,
        /// About which call.
        call: CallKey,
        /// What.
        order: SoundOrder,
    },
    /// Have a thread of sound give a call to another one.
    MoveSound {
        /// Which.
        call: CallKey,
        /// By which thread.
        from: usize,
        /// To which.
        to: usize,
    },
}

/// Call control.
pub(crate) struct ControlCore {
    settings: CoreSettings,
    endpoint: Endpoint,
    operations: Operations,
    callers: Callers,
    /// As it was told last.
    trunk_states: TrunkStates,
    contact_user: String,
    ports: Ports,
    bind: Bind,
    rng: StdRng,
    metrics: Metrics,
    /// As many as the endpoint has at most. The key of one that came in is the endpoint's number of it.
    calls: HashMap<CallKey, Call>,
    /// Of a call that we make, the key is a number of its own: wherever it is tried, it has another of the endpoint's.
    dialled: HashMap<CallId, CallKey>,
    /// The trunks of those that we hang up, until the endpoint has done so: a BYE may have to prove who we are.
    ending: HashMap<CallId, String>,
    /// Calls of each thread.
    loads: Vec<usize>,
    /// Calls between two threads, and those that were hung up there: as many as threads have orders for.
    moving: HashMap<CallKey, Moving>,
    /// When a call has been between two threads for too long.
    moves_due: Deadlines<CallKey>,
    /// When each caller's way has to go on.
    deadlines: Deadlines<CallKey>,
    /// When a call of ours has been without an answer for too long, or a transfer without an end.
    due: Deadlines<CallKey>,
    /// Drained after each input, each of which adds a few for each call.
    outputs: VecDeque<Output>,
    /// Since it is being shut down: when those who are still there are hung up.
    goodbye_until: Option<Instant>,
    /// Since its last call is over: until when answers are waited for.
    quiet_until: Option<Instant>,
}

impl ControlCore {
    pub(crate) fn new(
        now: Instant,
        settings: CoreSettings,
        config: Config,
        ports: Ports,
        bind: Bind,
        metrics: Metrics,
        [endpoint_rng, trunks_rng, mut rng]: [StdRng; 3],
    ) -> Self {
        let loads = vec![0; settings.threads];
        let contact_user = config.contact_user.clone();
        let operations = Operations::new(now, settings.locals.clone(), settings.is_dev, trunks_rng);
        let mut core = Self {
            callers: Callers::new(now, &mut rng),
            settings,
            endpoint: Endpoint::new(config, endpoint_rng),
            operations,
            trunk_states: TrunkStates::default(),
            contact_user,
            ports,
            bind,
            rng,
            metrics,
            calls: HashMap::new(),
            dialled: HashMap::new(),
            ending: HashMap::new(),
            loads,
            moving: HashMap::new(),
            moves_due: Deadlines::new(),
            deadlines: Deadlines::new(),
            due: Deadlines::new(),
            outputs: VecDeque::new(),
            goodbye_until: None,
            quiet_until: None,
        };
        core.settle(now);
        core
    }

    /// A message came.
    pub(crate) fn handle_message(&mut self, now: Instant, flow: Flow, message: Message) {
        self.endpoint.handle_message(now, flow, message);
        self.settle(now);
    }

    /// A message was given to a connection.
    pub(crate) fn handle_sent(&mut self, transmit: &Transmit, carrier: Carrier) {
        self.endpoint.handle_sent(transmit, carrier);
    }

    /// Nothing took a message.
    pub(crate) fn handle_unsent(&mut self, now: Instant, transmit: &Transmit) {
        self.endpoint.handle_unsent(now, transmit);
        self.settle(now);
    }

    /// A connection broke.
    pub(crate) fn handle_transport_failed(&mut self, now: Instant, flow: Flow) {
        self.endpoint.handle_transport_failed(now, flow);
        self.settle(now);
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        while let Some(call) = self.deadlines.pop_due(now) {
            if let Some(caller) = self.calls.get_mut(&call).and_then(|call| call.caller.as_mut()) {
                caller.handle_timeout(now);
            }
            self.follow_caller(now, call);
        }
        while let Some(call) = self.due.pop_due(now) {
            if self.calls.get(&call).is_some_and(Call::is_dialling) {
                self.handle_silence(now, call);
            } else {
                self.end_transfer(now, call, None);
            }
        }
        while let Some(call) = self.moves_due.pop_due(now) {
            self.handle_move_overdue(now, call);
        }
        self.operations.handle_timeout(now, &mut self.endpoint);
        if self.goodbye_until.is_some_and(|until| until <= now) {
            let left: Vec<CallKey> = self.calls.keys().copied().collect();
            for call in left {
                self.hang_up(now, call, EndReason::Restarting);
            }
        }
        self.settle(now);
    }

    /// When [`Self::handle_timeout`] is wanted next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let goodbye = self.goodbye_until.map(|until| if self.calls.is_empty() { until + BYE_TIME } else { until });
        let sip = [self.endpoint.poll_timeout(), self.operations.poll_timeout()];
        let calls = [self.deadlines.next(), self.due.next(), self.moves_due.next()];
        sip.into_iter().chain(calls).chain([goodbye, self.quiet_until]).flatten().min()
    }

    /// Something to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// No new calls any more, neither of others nor of ours. Those that there are go on, and registrations stay.
    pub(crate) fn drain(&mut self) {
        self.endpoint.decline();
    }

    /// Whether there is no call.
    pub(crate) fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    /// No new calls any more. Callers hear that we restart, and are hung up; after `goodbye` also those who are still hearing
    /// it. The two sentences take seven seconds in the slower language.
    pub(crate) fn shut_down(&mut self, now: Instant, goodbye: Duration) {
        if self.goodbye_until.is_some() {
            return;
        }
        self.goodbye_until = Some(now + goodbye);
        self.operations.shut_down();
        self.endpoint.drain(now);
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for call in calls {
            let Some(known) = self.calls.get(&call) else { continue };
            if known.caller.is_some() {
                self.tell_caller(now, call, Input::ShuttingDown);
            } else if known.is_dialling() {
                self.give_up(now, call);
            } else {
                self.refuse(now, call, &incoming::UNAVAILABLE);
            }
        }
        self.settle(now);
    }

    /// Whether the shutdown has come to its end: there are neither calls nor registrations, or somebody does not answer.
    pub(crate) fn is_shut_down(&self, now: Instant) -> bool {
        let is_quiet = self.calls.is_empty() && self.endpoint.is_drained();
        let is_late = self.quiet_until.is_some_and(|until| now >= until);
        self.goodbye_until.is_some_and(|until| is_quiet || is_late || now >= until + BYE_TIME)
    }

    /// Does what the endpoint has to tell, until it has nothing more to say.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.endpoint.poll_event() {
            self.handle_event(now, event);
        }
        if self.goodbye_until.is_some() && self.quiet_until.is_none() && self.endpoint.calls() == 0 {
            self.quiet_until = Some(now + BYE_TIME);
        }
        self.settle_trunks(now);
        if let Some(kept) = self.endpoint.poll_kept() {
            self.outputs.push_back(Output::Keep(kept));
        }
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.outputs.push_back(Output::Transmit(Box::new(transmit)));
        }
        self.metrics.calls.set(i64::try_from(self.calls.len()).unwrap_or(i64::MAX));
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Incoming { call, request, flow, sdp } => self.handle_incoming(now, call, &request, flow, sdp),
            Event::Ringing { call, .. } | Event::Progress { call, .. } => self.handle_ringing(self.key_of(call)),
            Event::Answered { call, sdp, .. } => self.handle_answered(now, self.key_of(call), sdp),
            Event::Acked { call, flow, sdp } => self.handle_acked(now, self.key_of(call), flow, sdp),
            Event::Reinvite { call, flow, sdp } => self.handle_reinvite(now, call, flow, sdp),
            Event::ReinviteAnswered { call, sdp: Some(sdp) } => self.handle_answer(self.key_of(call), None, &sdp),
            Event::Info { call, content_type: Some(kind), body } => self.handle_info(self.key_of(call), &kind, &body),
            Event::ReferProgress { call, status } => self.handle_refer_progress(now, self.key_of(call), status),
            Event::Ended { call, cause } => self.handle_ended(now, call, &cause),
            Event::Challenged { .. } => self.handle_challenged(now, &event),
            Event::Registered { .. }
            | Event::RegistrationFailed { .. }
            | Event::Unregistered { .. }
            | Event::OptionsAnswered { .. }
            | Event::OptionsFailed { .. } => self.operations.handle_event(now, &event, &mut self.endpoint),
            // Refreshes without a description, what the configuration does not allow, and answers to what we do not send.
            Event::ReinviteAnswered { sdp: None, .. }
            | Event::Info { content_type: None, .. }
            | Event::ReinviteFailed { .. }
            | Event::InfoAnswered { .. }
            | Event::Refer { .. } => {}
        }
    }

    /// SIP's end of a call, whether we have hung it up or they.
    fn handle_ended(&mut self, now: Instant, id: CallId, cause: &Cause) {
        let call = self.key_of(id);
        self.ending.remove(&id);
        self.dialled.remove(&id);
        let Some(known) = self.calls.get(&call) else { return };
        if known.is_dialling() {
            return self.handle_not_answered(now, call, cause);
        }
        let is_by_peer = matches!(cause, Cause::HungUpByPeer { .. });
        // Whoever has taken a REFER and hangs up has taken the caller along.
        if is_by_peer && known.transfer == Some(Transfer::Accepted) {
            self.handle_refer_progress(now, call, 200);
            return;
        }
        if is_by_peer {
            self.note_outcome(call, outcome::hung_up());
        }
        let Some(known) = self.calls.get(&call) else { return };
        let (counter, reason) = match (known.caller.is_some(), cause) {
            (true, Cause::HungUpByPeer { .. }) => (&self.metrics.ended_calls, "hung up"),
            (true, Cause::NoAck) => (&self.metrics.ended_calls, "no ACK"),
            (true, Cause::SessionExpired) => (&self.metrics.ended_calls, "session expired"),
            (true, _) => (&self.metrics.ended_calls, "unreachable"),
            (false, Cause::Cancelled) => (&self.metrics.refused_calls, "cancelled"),
            (false, _) => (&self.metrics.refused_calls, "unreachable"),
        };
        counter.with_label_values(&[reason]).inc();
        self.remove(now, call);
    }

    /// Ends a call by BYE, or by a refusal when it is not answered yet.
    fn hang_up(&mut self, now: Instant, call: CallKey, reason: EndReason) {
        self.note_outcome(call, outcome::of_end(reason));
        self.hang_up_for(now, call, reason.text(), &Reason::Q850(reason.cause(), reason.text().to_owned()));
    }

    fn hang_up_for(&mut self, now: Instant, call: CallKey, label: &str, reason: &Reason) {
        let Some(known) = self.calls.get(&call) else { return };
        let (sip, trunk) = (known.sip, known.trunk.clone());
        if known.caller.is_some() {
            self.metrics.ended_calls.with_label_values(&[label]).inc();
        }
        self.end_sip(now, sip, trunk, reason);
        self.remove(now, call);
    }

    fn end_sip(&mut self, now: Instant, sip: CallId, trunk: String, reason: &Reason) {
        // It fails when the other side has hung up meanwhile.
        if self.endpoint.hang_up(now, sip, reason).is_ok() {
            self.ending.insert(sip, trunk);
        }
    }

    /// From now on there is this call, too.
    fn take_up(&mut self, key: CallKey, call: Call) {
        if let Some(load) = self.loads.get_mut(call.thread) {
            *load += 1;
        }
        self.operations.handle_call_began(&call.trunk);
        self.calls.insert(key, call);
    }

    /// Forgets a call, and has its sound and its line ended. What signaling waits for is told before.
    fn remove(&mut self, now: Instant, key: CallKey) {
        let Some(call) = self.calls.remove(&key) else { return };
        if let Some(outgoing) = &call.outgoing {
            self.tell_outcome(key, outgoing.outcome);
        }
        if call.transfer.is_some() {
            self.tell_transfer_ended(key, Err(None));
        }
        self.dialled.remove(&call.sip);
        self.due.set(key, None);
        self.operations.handle_call_ended(&call.trunk);
        if call.has_begun() {
            self.sound(key, call.thread, SoundOrder::End { call: key });
        }
        self.outputs.push_back(Output::CloseLine { call: key });
        if call.is_port_told {
            self.ports.give_back(now, call.port);
        } else {
            self.ports.give_back_unused(call.port);
        }
        self.deadlines.set(key, None);
        self.unload(call.thread);
    }

    fn sound(&mut self, call: CallKey, thread: usize, order: SoundOrder) {
        if let Some(order) = self.hold_order(call, order) {
            self.outputs.push_back(Output::Sound { thread, call, order });
        }
    }

    /// The thread with the fewest calls.
    fn least_loaded(&self) -> usize {
        self.loads.iter().enumerate().min_by_key(|(_, load)| **load).map_or(0, |(thread, _)| thread)
    }

    /// The key of the endpoint's call.
    fn key_of(&self, call: CallId) -> CallKey {
        self.dialled.get(&call).copied().unwrap_or(CallKey(call.0))
    }
}
