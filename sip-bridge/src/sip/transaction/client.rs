// SPDX-License-Identifier: EUPL-1.2
//! A request of ours and its way, which may be another one once its connection is gone.

use super::client_invite::ClientInvite;
use super::client_request::ClientRequest;
use super::key::ClientKey;
use crate::sip::challenge::Attempts;
use crate::sip::flow::{Carrier, Flow, Transmit};
use crate::sip::message::{Message, Request};
use crate::sip::owner::Owner;

/// How a request goes on whose connection is gone.
pub(in crate::sip) enum OtherWay {
    /// It is sent once more, by this.
    Again(Flow),
    /// It got there, and only its answer is waited for. What belongs to it goes by this.
    Waiting(Flow),
}

impl OtherWay {
    const fn flow(&self) -> Flow {
        match self {
            Self::Again(flow) | Self::Waiting(flow) => *flow,
        }
    }
}

/// Why a request of ours will have no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) enum NoAnswer {
    /// None came in time.
    TimedOut,
    /// It could not be delivered.
    NotSent,
    /// Its connection, which was there before it, broke, and it was not sent by another.
    ConnectionLost,
}

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

    /// It goes on by another way than the connection that broke: with the request once more, or with nothing to be sent.
    /// It is sent once more only once, and not where the connection was opened for it: then nobody is there.
    pub(super) fn go_elsewhere(
        &mut self,
        other_way: impl Fn(Owner, &Request, Flow) -> Option<OtherWay>,
    ) -> Result<Option<Transmit>, NoAnswer> {
        // Its Via says by what it travels.
        let way = other_way(self.owner, &self.request, self.flow);
        match way.filter(|way| way.flow().transport == self.flow.transport) {
            Some(OtherWay::Waiting(flow)) => {
                self.flow = flow;
                Ok(None)
            }
            _ if self.has_moved || self.has_opened => Err(NoAnswer::NotSent),
            Some(OtherWay::Again(flow)) => {
                (self.flow, self.has_moved) = (flow, true);
                Ok(Some(Transmit { flow, message: Message::Request(self.request.clone()) }))
            }
            None => Err(NoAnswer::ConnectionLost),
        }
    }

    /// Whoever repeats a 2xx has not got its ACK.
    pub(super) fn acknowledge_elsewhere(
        &mut self,
        failed: &Flow,
        other_way: impl Fn(Owner, &Request, Flow) -> Option<OtherWay>,
    ) {
        for (_, Transmit { flow, message }) in &mut self.acks {
            let is_gone = failed.connection.is_some() && flow.connection == failed.connection;
            if let (true, Message::Request(ack)) = (is_gone, &*message)
                && let Some(way) = other_way(self.owner, ack, *flow)
            {
                *flow = way.flow();
            }
        }
    }
}
