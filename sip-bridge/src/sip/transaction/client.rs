// SPDX-License-Identifier: EUPL-1.2
//! A request of ours and its way, which may be another one once its connection is gone.

use super::client_invite::ClientInvite;
use super::client_request::ClientRequest;
use super::key::ClientKey;
use crate::sip::challenge::Attempts;
use crate::sip::flow::{ConnectionId, Flow, Transmit};
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
    /// The connection that broke before there was an answer, so that the request was sent once more on another.
    pub(super) left: Option<ConnectionId>,
    /// The ACKs of 2xx, by the tag of To, for when the 2xx is repeated (RFC 3261 §13.2.2.4).
    pub(super) acks: Vec<(String, Transmit)>,
}

impl Client {
    pub(super) fn is_open(&self) -> bool {
        match &self.machine {
            ClientMachine::Invite(machine) => machine.is_open(),
            ClientMachine::Other(machine) => machine.is_open(),
        }
    }

    /// Whether a failure concerns it. The end of a connection may be told after it was left.
    pub(super) fn is_hit_by(&self, failed: &Flow) -> bool {
        self.flow.is_hit_by(failed) && (self.left.is_none() || self.left != failed.connection)
    }

    /// The request once more, by another way than the connection that broke. Only once.
    pub(super) fn go_elsewhere(
        &mut self,
        failed: &Flow,
        other_way: impl Fn(Owner, &Request) -> Option<Flow>,
    ) -> Option<Transmit> {
        if self.left.is_some() || failed.connection.is_none() || self.flow.connection != failed.connection {
            return None;
        }
        // Its Via says by what it travels.
        let flow = other_way(self.owner, &self.request).filter(|flow| flow.transport == self.flow.transport)?;
        self.left = failed.connection;
        self.flow = flow;
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
