// SPDX-License-Identifier: EUPL-1.2
//! Transactions (RFC 3261 §17, RFC 6026): a request and its answers, what is sent again when it is lost, and what of others is
//! a repetition. The four state machines are in files of their own; here are the tables and the messages.

mod client;
mod client_invite;
mod client_request;
mod kept_answer;
mod key;
mod server_invite;
mod server_request;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use client::{Client, ClientMachine};
pub(super) use client::{NoAnswer, OtherWay};
use client_invite::ClientInvite;
use client_request::ClientRequest;
use kept_answer::KeptAnswer;
use key::{ClientKey, MergeKey, ServerKey};
use server_invite::ServerInvite;
use server_request::ServerRequest;

use super::challenge::Attempts;
use super::config::Timers;
use super::deadlines::Deadlines;
use super::event::CallId;
use super::flow::{Carrier, Flow, Transmit, reply_flow, reply_flow_without_connection};
use super::message::{Message, Method, Request, Response};
use super::owner::Owner;

/// Dialogs that one INVITE can have made, of which we remember that their 2xx was acknowledged. Further ones are dropped.
const MAX_ACKS: usize = 16;

/// One transaction, ours or another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TransactionId(u64);

/// What a client machine wants done with an answer.
enum ClientVerdict {
    Deliver,
    AckAndDeliver,
    Ack,
    Drop,
}

/// What a machine wants done when its time has come.
enum Expiry {
    Nothing,
    Retransmit,
    TimedOut,
    Finished,
}

enum ServerMachine {
    Invite(ServerInvite),
    Other(ServerRequest),
}

struct Server {
    key: ServerKey,
    merge_key: Option<MergeKey>,
    flow: Flow,
    /// Of the request's Via: where whoever sent it listens.
    via_port: Option<u16>,
    machine: ServerMachine,
    last_answer: Option<KeptAnswer>,
    /// The call that an INVITE made.
    call: Option<CallId>,
}

impl Server {
    /// The last answer once more, where there is one.
    fn answer_again(&self) -> Option<Transmit> {
        let answer = self.last_answer.as_ref()?.response()?;
        Some(Transmit { flow: self.flow, message: Message::Response(answer) })
    }
}

/// What a request is to the transactions.
pub(super) enum Arrival {
    /// New, and to be answered.
    New(TransactionId),
    /// An ACK that belongs to no transaction, or to one that a 2xx has answered: it may be that of the 2xx.
    StrayAck,
    /// A repetition, or the ACK of a refusal. It has been seen to.
    Absorbed,
    /// It came by another way before (RFC 3261 §8.2.2.2).
    Merged(TransactionId),
    /// There is no room.
    Full,
}

/// An answer to a request of ours.
pub(super) struct Delivery {
    pub(super) id: TransactionId,
    pub(super) owner: Owner,
    pub(super) request: Request,
    pub(super) attempts: Attempts,
    pub(super) response: Response,
}

/// A request of ours that will have no answer.
pub(super) struct Failure {
    pub(super) owner: Owner,
    pub(super) why: NoAnswer,
}

/// The table of clients is full.
#[derive(Debug)]
pub(super) struct TableFull;

pub(super) struct Transactions {
    timers: Timers,
    max_clients: usize,
    max_servers: usize,
    next_id: u64,
    clients: HashMap<TransactionId, Client>,
    client_keys: HashMap<ClientKey, TransactionId>,
    servers: HashMap<TransactionId, Server>,
    server_keys: HashMap<ServerKey, TransactionId>,
    merge_keys: HashMap<MergeKey, TransactionId>,
    deadlines: Deadlines<TransactionId>,
    /// Drained by the caller after each input, each of which adds at most one message for each transaction.
    transmits: VecDeque<Transmit>,
    /// Likewise.
    failures: VecDeque<Failure>,
}

impl Transactions {
    pub(super) fn new(timers: Timers, max_clients: usize, max_servers: usize) -> Self {
        Self {
            timers,
            max_clients,
            max_servers,
            next_id: 0,
            clients: HashMap::new(),
            client_keys: HashMap::new(),
            servers: HashMap::new(),
            server_keys: HashMap::new(),
            merge_keys: HashMap::new(),
            deadlines: Deadlines::new(),
            transmits: VecDeque::new(),
            failures: VecDeque::new(),
        }
    }

    /// Whether there is room for more than ending what there is.
    pub(super) fn has_room_for_more(&self) -> bool {
        self.clients.len() < self.max_clients / 4 * 3
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    pub(super) fn poll_failure(&mut self) -> Option<Failure> {
        self.failures.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Sends what has no transaction: an ACK of a 2xx, an answer without state, a 2xx once more.
    pub(super) fn send_once(&mut self, flow: Flow, message: Message) {
        self.transmits.push_back(Transmit { flow, message });
    }

    /// Sends a request that has its Via, and sees to it until there is an answer.
    pub(super) fn send_request(
        &mut self,
        now: Instant,
        flow: Flow,
        request: Request,
        owner: Owner,
        attempts: Attempts,
    ) -> Result<TransactionId, TableFull> {
        let Some(key) = ClientKey::of_request(&request) else { return Err(TableFull) };
        if self.clients.len() >= self.max_clients || self.client_keys.contains_key(&key) {
            return Err(TableFull);
        }
        let is_reliable = flow.transport.is_reliable();
        let machine = if request.method == Method::Invite {
            ClientMachine::Invite(ClientInvite::new(now, &self.timers, is_reliable))
        } else {
            ClientMachine::Other(ClientRequest::new(now, &self.timers, is_reliable))
        };
        let id = self.allot();
        self.transmits.push_back(Transmit { flow, message: Message::Request(request.clone()) });
        self.client_keys.insert(key.clone(), id);
        self.clients.insert(id, Client::new(key, owner, flow, request, machine, attempts));
        self.arm(id);
        Ok(id)
    }

    /// A request that was handed out for `flow` was given to a connection.
    pub(super) fn handle_sent(&mut self, flow: &Flow, request: &Request, carrier: Carrier) {
        let id = ClientKey::of_request(request).and_then(|key| self.client_keys.get(&key));
        if let Some(client) = id.and_then(|id| self.clients.get_mut(id)) {
            client.handle_sent(flow, carrier);
        }
    }

    /// An answer came. `None`: it belongs to nothing, or has been seen to.
    pub(super) fn handle_response(&mut self, now: Instant, flow: Flow, response: Response) -> Option<Delivery> {
        let id = *self.client_keys.get(&ClientKey::of_response(&response)?)?;
        let client = self.clients.get_mut(&id)?;
        client.handle_heard(&flow);
        let verdict = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.handle_response(now, response.status, &self.timers),
            ClientMachine::Other(machine) => machine.handle_response(now, response.status, &self.timers),
        };
        if matches!(verdict, ClientVerdict::Ack | ClientVerdict::AckAndDeliver) {
            let ack = ack_of_refusal(&client.request, &response);
            self.transmits.push_back(Transmit { flow: client.flow, message: Message::Request(ack) });
        }
        let is_known = (200..300).contains(&response.status)
            && client.acks.iter().any(|(tag, _)| Some(tag.as_str()) == response.headers.to.tag());
        let delivery = match verdict {
            ClientVerdict::Deliver if is_known => {
                let tag = response.headers.to.tag();
                let ack = client.acks.iter().find(|(known, _)| Some(known.as_str()) == tag);
                self.transmits.extend(ack.map(|(_, ack)| ack.clone()));
                None
            }
            ClientVerdict::Deliver | ClientVerdict::AckAndDeliver => Some(Delivery {
                id,
                owner: client.owner,
                request: client.request.clone(),
                attempts: client.attempts.clone(),
                response,
            }),
            ClientVerdict::Ack | ClientVerdict::Drop => None,
        };
        self.arm(id);
        delivery
    }

    /// Sends the ACK of a 2xx, and again whenever that 2xx is repeated while the transaction lives.
    pub(super) fn acknowledge(&mut self, id: TransactionId, tag: &str, ack: Transmit) {
        if let Some(client) = self.clients.get_mut(&id)
            && client.acks.len() < MAX_ACKS
        {
            client.acks.push((tag.to_owned(), ack.clone()));
        }
        self.transmits.push_back(ack);
    }

    /// Sends the CANCEL of an INVITE (RFC 3261 §9.1): the same in all that tells it apart. Without room it is not sent, and the
    /// INVITE is forgotten in time.
    pub(super) fn send_cancel(&mut self, now: Instant, invite: TransactionId, owner: Owner, reason: Option<String>) {
        let Some(client) = self.clients.get(&invite) else { return };
        let flow = client.flow;
        let mut cancel = strip(&client.request, Method::Cancel);
        if let Some(reason) = reason {
            cancel.headers.push("Reason", reason);
        }
        let _ = self.send_request(now, flow, cancel, owner, Attempts::default());
    }

    /// Whether another dialog's 2xx can still be remembered.
    pub(super) fn has_room_for_ack(&self, id: TransactionId) -> bool {
        self.clients.get(&id).is_some_and(|client| client.acks.len() < MAX_ACKS)
    }

    /// Forgets a request of ours, as after a CANCEL that had no effect (RFC 3261 §9.1).
    pub(super) fn forget(&mut self, id: TransactionId) {
        self.end(id);
    }

    /// A request came, with its source in its Via. A quarter of the room is for those of calls that there are (`is_of_call`), so
    /// that whoever fills the rest cannot keep them from being hung up.
    pub(super) fn handle_request(&mut self, now: Instant, flow: Flow, request: &Request, is_of_call: bool) -> Arrival {
        let Some(key) = ServerKey::of(request) else { return Arrival::Absorbed };
        if let Some(&id) = self.server_keys.get(&key) {
            if request.method == Method::Ack && self.was_accepted(id) {
                // Of a 2xx, with the INVITE's branch, as before RFC 3261: it is for the call (RFC 6026 §7.1).
                return Arrival::StrayAck;
            }
            self.handle_repetition(now, id, flow, request);
            return Arrival::Absorbed;
        }
        if request.method == Method::Ack {
            return Arrival::StrayAck;
        }
        let merge_key = MergeKey::of(request);
        let twin = merge_key.as_ref().and_then(|key| self.merge_keys.get(key)).copied();
        let room = if is_of_call { self.max_servers } else { self.max_servers - self.max_servers / 4 };
        if self.servers.len() >= room {
            return Arrival::Full;
        }
        let Some(via) = request.headers.via.first() else { return Arrival::Absorbed };
        let (flow, via_port) = (reply_flow(flow, via), via.port);
        let is_reliable = flow.transport.is_reliable();
        let machine = if request.method == Method::Invite {
            ServerMachine::Invite(ServerInvite::new(&self.timers, is_reliable))
        } else {
            ServerMachine::Other(ServerRequest::new(now, &self.timers, is_reliable))
        };
        let id = self.allot();
        self.server_keys.insert(key.clone(), id);
        if let (Some(key), None) = (&merge_key, twin) {
            self.merge_keys.insert(key.clone(), id);
        }
        let merge_key = merge_key.filter(|_| twin.is_none());
        let server = Server { key, merge_key, flow, via_port, machine, last_answer: None, call: None };
        self.servers.insert(id, server);
        self.arm(id);
        if twin.is_some() { Arrival::Merged(id) } else { Arrival::New(id) }
    }

    fn was_accepted(&self, id: TransactionId) -> bool {
        let machine = self.servers.get(&id).map(|server| &server.machine);
        matches!(machine, Some(ServerMachine::Invite(machine)) if machine.is_accepted())
    }

    fn handle_repetition(&mut self, now: Instant, id: TransactionId, flow: Flow, request: &Request) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        // That of the first may be gone, and we not know it yet (RFC 3261 §18.2.2).
        if flow.transport.is_reliable() && flow.transport == server.flow.transport {
            server.flow = flow;
        }
        let answers_again = match &mut server.machine {
            ServerMachine::Invite(machine) if request.method == Method::Ack => {
                machine.handle_ack(now, &self.timers);
                false
            }
            ServerMachine::Invite(machine) => machine.handle_repetition(),
            ServerMachine::Other(_) => true,
        };
        if let (true, Some(answer)) = (answers_again, server.answer_again()) {
            self.transmits.push_back(answer);
        }
        self.arm(id);
    }

    /// Notes which call an INVITE made.
    pub(super) fn set_call(&mut self, id: TransactionId, call: CallId) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.call = Some(call);
        }
    }

    /// Whether the INVITE of a CANCEL is here, and the call that it made.
    pub(super) fn cancelled(&self, cancel: &Request) -> Option<Option<CallId>> {
        let id = self.server_keys.get(&ServerKey::of_cancelled(cancel)?)?;
        self.servers.get(id).map(|server| server.call)
    }

    /// Where the answers to a request go, as far as that is known.
    pub(super) fn reply_flow(&self, id: TransactionId) -> Option<Flow> {
        self.servers.get(&id).map(|server| server.flow)
    }

    /// Answers a request. Gives what was sent, for who repeats it; `None` when it is too late for this answer.
    pub(super) fn respond(&mut self, now: Instant, id: TransactionId, response: Response) -> Option<Transmit> {
        let server = self.servers.get_mut(&id)?;
        let may_send = match &mut server.machine {
            ServerMachine::Invite(machine) => machine.handle_answer(now, response.status, &self.timers),
            ServerMachine::Other(machine) => machine.handle_answer(now, response.status, &self.timers),
        };
        if !may_send {
            return None;
        }
        server.last_answer = Some(KeptAnswer::new(&response));
        let transmit = Transmit { flow: server.flow, message: Message::Response(response) };
        self.transmits.push_back(transmit.clone());
        self.arm(id);
        Some(transmit)
    }

    /// Nothing took this request of ours: no connection could be opened for it, or the system refused the datagram (RFC 3261
    /// §17.1.4).
    pub(super) fn handle_unsent(&mut self, request: &Request) {
        let id = ClientKey::of_request(request).and_then(|key| self.client_keys.get(&key)).copied();
        let client = id.and_then(|id| self.clients.get(&id)).filter(|client| client.is_open());
        if let (Some(id), Some(client)) = (id, client) {
            self.failures.push_back(Failure { owner: client.owner, why: NoAnswer::NotSent });
            self.end(id);
        }
    }

    /// A connection broke (RFC 3261 §17.1.4, §17.2.4). Where there is another way for a request,
    /// it is sent once more by that, with the branch that it has: whoever knows it already takes it for a repetition. Answers
    /// go to where the request's Via says (§18.2.2), also those that there are only later.
    pub(super) fn handle_transport_failed(
        &mut self,
        failed: &Flow,
        other_way: impl Fn(Owner, &Request, Flow) -> Option<OtherWay>,
    ) {
        let is_hit = |flow: &Flow| flow.is_hit_by(failed);
        let hit: Vec<TransactionId> = {
            let clients = self.clients.iter().filter(|(_, client)| is_hit(&client.flow));
            clients.map(|(id, _)| *id).collect()
        };
        for id in hit {
            let Some(client) = self.clients.get_mut(&id) else { continue };
            client.acknowledge_elsewhere(failed, &other_way);
            // One that has its answer only waits for repetitions.
            if !client.is_open() {
                continue;
            }
            match client.go_elsewhere(&other_way) {
                Ok(transmit) => self.transmits.extend(transmit),
                Err(why) => {
                    self.failures.push_back(Failure { owner: client.owner, why });
                    self.end(id);
                }
            }
        }
        for server in self.servers.values_mut().filter(|server| is_hit(&server.flow)) {
            if server.flow.connection.is_some() {
                server.flow = reply_flow_without_connection(server.flow, server.via_port);
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.deadlines.pop_due(now) {
            self.expire(now, id);
        }
    }

    fn expire(&mut self, now: Instant, id: TransactionId) {
        if let Some(client) = self.clients.get_mut(&id) {
            let expiry = match &mut client.machine {
                ClientMachine::Invite(machine) => machine.handle_timeout(now),
                ClientMachine::Other(machine) => machine.handle_timeout(now, &self.timers),
            };
            match expiry {
                Expiry::Nothing => {}
                Expiry::Retransmit => {
                    let message = Message::Request(client.request.clone());
                    self.transmits.push_back(Transmit { flow: client.flow, message });
                }
                Expiry::TimedOut => {
                    self.failures.push_back(Failure { owner: client.owner, why: NoAnswer::TimedOut });
                    self.end(id);
                }
                Expiry::Finished => self.end(id),
            }
        } else if let Some(server) = self.servers.get_mut(&id) {
            let expiry = match &mut server.machine {
                ServerMachine::Invite(machine) => machine.handle_timeout(now, &self.timers),
                ServerMachine::Other(machine) => machine.handle_timeout(now),
            };
            match expiry {
                Expiry::Nothing => {}
                Expiry::Retransmit => self.transmits.extend(server.answer_again()),
                Expiry::TimedOut | Expiry::Finished => self.end(id),
            }
        }
        self.arm(id);
    }

    fn allot(&mut self) -> TransactionId {
        self.next_id += 1;
        TransactionId(self.next_id)
    }

    fn arm(&mut self, id: TransactionId) {
        let client = self.clients.get(&id).and_then(|client| match &client.machine {
            ClientMachine::Invite(machine) => machine.next_timeout(),
            ClientMachine::Other(machine) => machine.next_timeout(),
        });
        let server = self.servers.get(&id).and_then(|server| match &server.machine {
            ServerMachine::Invite(machine) => machine.next_timeout(),
            ServerMachine::Other(machine) => machine.next_timeout(),
        });
        self.deadlines.set(id, client.or(server));
    }

    fn end(&mut self, id: TransactionId) {
        if let Some(client) = self.clients.remove(&id) {
            self.client_keys.remove(&client.key);
        }
        if let Some(server) = self.servers.remove(&id) {
            self.server_keys.remove(&server.key);
            if let Some(key) = server.merge_key {
                self.merge_keys.remove(&key);
            }
        }
        self.deadlines.set(id, None);
    }
}

/// The ACK of an answer of 300 and above, which belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
fn ack_of_refusal(invite: &Request, response: &Response) -> Request {
    let mut ack = strip(invite, Method::Ack);
    ack.headers.to = response.headers.to.clone();
    ack
}

/// The parts of an INVITE that its ACK and its CANCEL repeat.
fn strip(invite: &Request, method: Method) -> Request {
    let mut request = invite.clone();
    request.method = method.clone();
    request.body = Vec::new();
    request.headers.via.truncate(1);
    request.headers.cseq.method = method;
    request.headers.contact = Vec::new();
    request.headers.content_type = None;
    // Route is text where it came from a Service-Route.
    let kept = ["Authorization", "Proxy-Authorization", "Route", "User-Agent"];
    request.headers.others.retain(|(name, _)| kept.iter().any(|kept| kept.eq_ignore_ascii_case(name)));
    request
}
