// SPDX-License-Identifier: EUPL-1.2
//! Dialogs (RFC 3261 §12): who talks to whom in which call, by which way, and what the next request is numbered.

use std::net::SocketAddr;

use super::config::Config;
use super::flow::{ConnectionId, Flow, Transmit};
use super::message::{CSeq, Message, Method, NameAddr, Request, Response, Transport, Uri};
use super::next_hop::{flow_after_loss, flow_to, is_loose};
use super::own_headers;

/// Hops that we carry in each request. A longer Record-Route is refused: it would only make us send large messages.
const MAX_ROUTE: usize = 20;

/// By what a request is known to belong to a dialog (§12).
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct DialogKey {
    call_id: String,
    local_tag: String,
    remote_tag: String,
}

impl DialogKey {
    /// Of a request that somebody sends us. `None`: it belongs to no dialog, since it has no tag of ours.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let headers = &request.headers;
        Some(Self {
            call_id: headers.call_id.clone(),
            local_tag: headers.to.tag()?.to_owned(),
            // Before RFC 3261 there need not be one (§12.1.1).
            remote_tag: headers.from.tag().unwrap_or_default().to_owned(),
        })
    }
}

/// One of them.
#[derive(Clone)]
pub(super) struct Dialog {
    call_id: String,
    local: NameAddr,
    remote: NameAddr,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    remote_target: Uri,
    route_set: Vec<NameAddr>,
    contact_user: String,
    /// Where our INVITE went: there somebody listens.
    dialled: Option<SocketAddr>,
    /// It began over TLS, and stays there: what we describe may have keys in it.
    is_secure: bool,
    /// Where the last message of the dialog came from.
    heard_on: Flow,
    /// Where the next one of ours goes, unless the route or the target says otherwise.
    flow: Flow,
}

impl Dialog {
    /// Of an INVITE that we got (§12.1.1). `None`: it has no Contact, or too long a route.
    pub(super) fn of_incoming(
        invite: &Request,
        local_tag: &str,
        flow: Flow,
        cseq: u32,
        config: &Config,
    ) -> Option<Self> {
        let headers = &invite.headers;
        let mut local = headers.to.clone();
        local.params.set("tag", Some(local_tag.to_owned()));
        if headers.record_route.len() > MAX_ROUTE {
            return None;
        }
        Some(Self {
            call_id: headers.call_id.clone(),
            local,
            remote: headers.from.clone(),
            local_cseq: cseq,
            remote_cseq: Some(headers.cseq.number),
            remote_target: headers.contact.first()?.uri.clone(),
            route_set: headers.record_route.clone(),
            contact_user: config.contact_user.clone(),
            dialled: None,
            is_secure: flow.transport == Transport::Tls,
            heard_on: flow,
            flow,
        })
    }

    /// Of an answer to an INVITE of ours (§12.1.2). `None`: it has no tag, or too long a route. Without a Contact, which some
    /// leave out of provisional answers, the INVITE's target stays.
    pub(super) fn of_answer(invite: &Request, response: &Response, flow: Flow, contact_user: &str) -> Option<Self> {
        let headers = &response.headers;
        headers.to.tag()?;
        if headers.record_route.len() > MAX_ROUTE {
            return None;
        }
        Some(Self {
            call_id: invite.headers.call_id.clone(),
            local: invite.headers.from.clone(),
            remote: headers.to.clone(),
            local_cseq: invite.headers.cseq.number,
            remote_cseq: None,
            remote_target: headers.contact.first().map_or_else(|| invite.uri.clone(), |contact| contact.uri.clone()),
            route_set: headers.record_route.iter().rev().cloned().collect(),
            contact_user: contact_user.to_owned(),
            dialled: Some(flow.remote),
            is_secure: flow.transport == Transport::Tls,
            heard_on: flow,
            flow,
        })
    }

    /// The 2xx decides on the route, whatever the provisional answers said (§13.2.2.4).
    pub(super) fn handle_final_answer(&mut self, response: &Response, flow: Flow) {
        if response.headers.record_route.len() <= MAX_ROUTE {
            self.route_set = response.headers.record_route.iter().rev().cloned().collect();
        }
        self.refresh_target(&response.headers.contact);
        self.handle_heard(flow);
    }

    /// A message of theirs came by this way, by which ours go, too.
    pub(super) fn handle_heard(&mut self, flow: Flow) {
        self.heard_on = flow;
        if !self.is_secure || flow.transport == Transport::Tls {
            self.flow = flow;
        }
    }

    /// By which way their last message came.
    pub(super) const fn heard_on(&self) -> Flow {
        self.heard_on
    }

    pub(super) fn key(&self) -> DialogKey {
        DialogKey {
            call_id: self.call_id.clone(),
            local_tag: self.local.tag().unwrap_or_default().to_owned(),
            remote_tag: self.remote.tag().unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn remote_tag(&self) -> &str {
        self.remote.tag().unwrap_or_default()
    }

    pub(super) fn local_tag(&self) -> &str {
        self.local.tag().unwrap_or_default()
    }

    /// Whether a request of theirs comes in order, and notes its number. One that skips numbers does (§12.2.2): the skipped
    /// ones may have been refused or challenged on the way.
    pub(super) fn accept_cseq(&mut self, number: u32) -> bool {
        let is_in_order = self.remote_cseq.is_none_or(|last| number > last);
        if is_in_order {
            self.remote_cseq = Some(number);
        }
        is_in_order
    }

    /// Takes the Contact of a re-INVITE, an UPDATE or an answer to these (§12.2).
    pub(super) fn refresh_target(&mut self, contact: &[NameAddr]) {
        if let Some(contact) = contact.first() {
            self.remote_target = contact.uri.clone();
        }
    }

    /// A connection is gone. If it was the dialog's, the next request opens another.
    pub(super) fn handle_connection_lost(&mut self, connection: ConnectionId) {
        if self.flow.connection == Some(connection) {
            self.flow = flow_after_loss(self.next_hop(), self.flow, self.dialled);
        }
    }

    /// The way of our next request.
    pub(super) fn next_flow(&self, config: &Config) -> Flow {
        flow_to(self.next_hop(), self.flow, config)
    }

    fn next_hop(&self) -> &Uri {
        self.route_set.first().map_or(&self.remote_target, |hop| &hop.uri)
    }

    /// The number of our next request.
    pub(super) fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.local_cseq
    }

    pub(super) fn contact(&self, config: &Config) -> NameAddr {
        own_headers::contact(&self.flow, config, &self.contact_user)
    }

    /// Our next request, without a Via, and where to send it (§12.2.1.1).
    pub(super) fn request(&mut self, method: Method, config: &Config) -> (Request, Flow) {
        let number = self.next_cseq();
        self.build(method, number, config)
    }

    /// The ACK of a 2xx (§13.2.2.4). It carries the credentials of its INVITE (§22.1).
    pub(super) fn ack(&self, invite: &Request, branch: String, config: &Config) -> (Request, Flow) {
        let (mut ack, flow) = self.build(Method::Ack, invite.headers.cseq.number, config);
        for name in ["Authorization", "Proxy-Authorization"] {
            for value in invite.headers.all(name) {
                ack.headers.push(name, value);
            }
        }
        ack.headers.via.push(own_headers::via(&flow, config, branch));
        (ack, flow)
    }

    fn build(&self, method: Method, number: u32, config: &Config) -> (Request, Flow) {
        let cseq = CSeq { number, method: method.clone() };
        let (local, remote) = (self.local.clone(), self.remote.clone());
        let mut headers = own_headers::request_headers(local, remote, self.call_id.clone(), cseq, config);
        let mut uri = self.remote_target.clone();
        match self.route_set.split_first() {
            None => {}
            Some((first, _)) if is_loose(first) => headers.route = self.route_set.clone(),
            Some((first, rest)) => {
                // A hop from before RFC 3261 wants itself in the Request-URI, and the target as the last of the route.
                headers.route = rest.to_vec();
                headers.route.push(NameAddr { display_name: None, uri, params: super::message::Params::default() });
                uri = without_header_parameters(&first.uri);
            }
        }
        (Request { method, uri, headers, body: Vec::new() }, self.next_flow(config))
    }
}

/// What may not be in a Request-URI (§19.1.1, table 1).
fn without_header_parameters(uri: &Uri) -> Uri {
    let mut uri = uri.clone();
    if let Uri::Sip(sip) = &mut uri {
        sip.headers.clear();
        sip.params.remove("method");
    }
    uri
}

/// A message with where it goes.
pub(super) fn transmit(request: Request, flow: Flow) -> Transmit {
    Transmit { flow, message: Message::Request(request) }
}
