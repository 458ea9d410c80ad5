// SPDX-License-Identifier: EUPL-1.2
//! What calls and registrations share: the transactions, the events, randomness, and which call a dialog belongs to.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::challenge::Attempts;
use super::config::Config;
use super::dialog::{Dialog, DialogKey, transmit};
use super::event::{CallId, Event};
use super::flow::{Flow, Transmit};
use super::message::{Method, Request, Response};
use super::own_headers::{self, NO_SUCH_CALL};
use super::owner::Owner;
use super::tokens::Tokens;
use super::transaction::{Delivery, TableFull, TransactionId, Transactions};

pub(super) struct Core {
    pub(super) config: Config,
    pub(super) tokens: Tokens,
    pub(super) transactions: Transactions,
    /// Drained by the caller after each input, each of which adds a few; a time-out at most a few for each call that is due.
    pub(super) events: VecDeque<Event>,
    /// At most as many for each call as it has legs.
    pub(super) dialogs: HashMap<DialogKey, CallId>,
}

impl Core {
    /// Sends a request, with a Via of its own.
    pub(super) fn send(
        &mut self,
        now: Instant,
        flow: Flow,
        request: Request,
        owner: Owner,
    ) -> Result<TransactionId, TableFull> {
        self.send_again(now, flow, request, owner, Attempts::default())
    }

    /// The same for one that was sent before, and challenged.
    pub(super) fn send_again(
        &mut self,
        now: Instant,
        flow: Flow,
        mut request: Request,
        owner: Owner,
        attempts: Attempts,
    ) -> Result<TransactionId, TableFull> {
        let branch = self.tokens.branch();
        request.headers.via = vec![own_headers::via(&flow, &self.config, branch)];
        self.transactions.send_request(now, flow, request, owner, attempts)
    }

    /// Answers a request. Gives what was sent.
    pub(super) fn respond(&mut self, now: Instant, id: TransactionId, mut response: Response) -> Option<Transmit> {
        own_headers::sign(&mut response, &self.config);
        self.transactions.respond(now, id, response)
    }

    /// Answers a request by a status alone.
    pub(super) fn refuse(&mut self, now: Instant, id: TransactionId, request: &Request, status: u16, reason: &str) {
        let tag = self.tokens.tag();
        let response = own_headers::answer(request, status, reason, &tag, &self.config);
        self.respond(now, id, response);
    }

    /// Answers a request of a call that is not there, or not any more.
    pub(super) fn refuse_unknown(&mut self, now: Instant, id: TransactionId, request: &Request) {
        self.refuse(now, id, request, 481, NO_SUCH_CALL);
    }

    /// The same with another header.
    pub(super) fn refuse_with(
        &mut self,
        now: Instant,
        id: TransactionId,
        request: &Request,
        (status, reason): (u16, &str),
        (name, value): (&str, String),
    ) {
        let tag = self.tokens.tag();
        let mut response = own_headers::answer(request, status, reason, &tag, &self.config);
        response.headers.push(name, value);
        self.respond(now, id, response);
    }

    /// Acknowledges a 2xx (RFC 3261 §13.2.2.4), now and whenever it is repeated.
    pub(super) fn acknowledge(&mut self, id: TransactionId, invite: &Request, dialog: &Dialog, sdp: Option<Vec<u8>>) {
        let branch = self.tokens.branch();
        let (mut ack, flow) = dialog.ack(invite, branch, &self.config);
        if let Some(sdp) = sdp {
            own_headers::describe(&mut ack.headers, &mut ack.body, sdp);
        }
        self.transactions.acknowledge(id, dialog.remote_tag(), transmit(ack, flow));
    }

    /// A 2xx that nobody wants: of another fork, or after the call was given up. It is acknowledged, and that call ended.
    pub(super) fn refuse_fork(&mut self, now: Instant, flow: Flow, delivery: &Delivery, says_bye: bool) {
        if !self.transactions.has_room_for_ack(delivery.id) {
            return;
        }
        let user = self.config.contact_user.clone();
        let Some(mut dialog) = Dialog::of_answer(&delivery.request, &delivery.response, flow, &user) else { return };
        self.acknowledge(delivery.id, &delivery.request, &dialog, None);
        if says_bye {
            let (bye, flow) = dialog.request(Method::Bye, &self.config);
            // Without room the other side's session timer or missing sound has to end it.
            let _ = self.send(now, flow, bye, Owner::Nobody);
        }
    }
}
