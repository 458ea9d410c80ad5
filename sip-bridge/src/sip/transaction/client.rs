// SPDX-License-Identifier: EUPL-1.2
//! A request of ours and its way, which may be another one once its connection is gone.

use super::client_invite::ClientInvite;
use super::client_request::ClientRequest;
use super::key::ClientKey;
use crate::sip::challenge::Attempts;
use crate::sip::flow::{Carrier, Flow, Transmit};
use crate::sip::message::{Message, Request};
use crate::sip::owner::Owner;

pub(super) enum ClientMachine {
    Invite(ClientInvite),
    Other(ClientRequest),
}

pub(super) struct Client {
    pub(super) key: ClientKey,
    pub(super) owner: Owner,
    pub(super) flow: Flow,
    pub(super) request: Request,
    pub(super) machine: ClientMachine,
    pub(super) attempts: Attempts,
    /// Its connection was opened for it, and nothing has come by that yet.
    has_opened: bool,
    /// A connection broke before there was an answer, so that the request was sent once more on another.
    has_moved: bool,
    /// The ACKs of 2xx, by the tag of To, for when the 2xx is repeated (RFC 3261 §13.2.2.4).
    pub(super) acks: Vec<(String, Transmit)>,
}

impl Client {
    pub(super) fn new(
        key: ClientKey,
        owner: Owner,
        flow: Flow,
        request: Request,
        machine: ClientMachine,
        attempts: Attempts,
    ) -> Self {
        let (has_opened, has_moved, acks) = (false, false, Vec::new());
        Self { key, owner, flow, request, machine, attempts, has_opened, has_moved, acks }
    }

    pub(super) fn is_open(&self) -> bool {
        match &self.machine {
            ClientMachine::Invite(machine) => machine.is_open(),
            ClientMachine::Other(machine) => machine.is_open(),
        }
    }

    /// It was given to that connection. Since it was handed out for `flow` it may have been sent elsewhere.
    pub(super) fn handle_sent(&mut self, flow: &Flow, carrier: Carrier) {
        if self.flow == *flow {
            self.flow.connection = Some(carrier.connection);
            self.has_opened = carrier.is_new;
        }
    }

    /// An answer came by that way: somebody is there.
    pub(super) fn handle_heard(&mut self, flow: &Flow) {
        self.has_opened = false;
        if self.flow.connection.is_none() && self.flow.transport == flow.transport {
            self.flow.connection = flow.connection;
        }
    }

    /// The request once more, by another way than the connection that broke. Only once, and not where that was opened for it: then
    /// nobody is there.
    pub(super) fn go_elsewhere(
        &mut self,
        failed: &Flow,
        other_way: impl Fn(Owner, &Request) -> Option<Flow>,
    ) -> Option<Transmit> {
        if self.has_moved || self.has_opened || failed.connection.is_none() {
            return None;
        }
        // Its Via says by what it travels.
        let flow = other_way(self.owner, &self.request).filter(|flow| flow.transport == self.flow.transport)?;
        (self.flow, self.has_moved) = (flow, true);
        Some(Transmit { flow, message: Message::Request(self.request.clone()) })
    }

    /// Whoever repeats a 2xx has not got its ACK.
    pub(super) fn acknowledge_elsewhere(&mut self, failed: &Flow, other_way: impl Fn(Owner, &Request) -> Option<Flow>) {
        for (_, Transmit { flow, message }) in &mut self.acks {
            let is_gone = failed.connection.is_some() && flow.connection == failed.connection;
            if let (true, Message::Request(ack)) = (is_gone, &*message)
                && let Some(way) = other_way(self.owner, ack)
            {
                *flow = way;
            }
        }
    }
}
