// SPDX-License-Identifier: EUPL-1.2
//! Whom we call: the servers of a trunk, and a telephone behind them.

use std::time::Duration;

use bus::phone::{
    CallPurpose, DialProgress, NotReached, NotReachedReason, OutgoingCall, PhoneRequest, TrunkConfig, TrunkTransport,
};

use super::rig::{OFFER, Rig};
use crate::sip::message::Request;
use crate::sound::CallKey;
use crate::trunks::testing::{config, destination};

/// The trunk's servers, in their order.
pub(super) const FIRST: &str = "198.51.100.7:5060";
pub(super) const SECOND: &str = "198.51.100.8:5060";

pub(super) const SDP: (&str, &str) = ("Content-Type", "application/sdp");

/// A trunk with both servers, by datagrams.
pub(super) fn trunk() -> TrunkConfig {
    let host = |address: &str| address.split(':').next().unwrap().to_owned();
    let destinations = [FIRST, SECOND].map(|address| destination(&host(address), Some(5060), TrunkTransport::Udp));
    TrunkConfig { destinations: destinations.into(), ..config("a", &[]) }
}

pub(super) fn order(purpose: CallPurpose) -> OutgoingCall {
    OutgoingCall {
        trunk: "a".to_owned(),
        to: "+4930777".to_owned(),
        from: Some("+4930111".to_owned()),
        language: "de".to_owned(),
        tenant: Some("ministry-a".to_owned()),
        purpose,
        ring_time: Duration::from_secs(60),
    }
}

/// A rig with that trunk, that has just dialled.
pub(super) fn dialling(purpose: CallPurpose) -> (Rig, CallKey) {
    let mut rig = Rig::new(1);
    rig.list(&[trunk()]);
    rig.source = FIRST;
    let call = rig.dial(order(purpose));
    (rig, call)
}

/// The same, answered, after the first word.
pub(super) fn answered(purpose: CallPurpose) -> (Rig, CallKey) {
    let (mut rig, call) = dialling(purpose);
    rig.respond("INVITE", 200, OFFER, &[]);
    rig.run(Duration::from_secs(1));
    (rig, call)
}

pub(super) fn not_reached(reason: NotReachedReason, status: Option<u16>) -> DialProgress {
    DialProgress::NotReached(NotReached { reason, status })
}

impl Rig {
    /// What has been told of calls that we make.
    pub(super) fn progress(&self) -> Vec<DialProgress> {
        let told = self.requested().into_iter().filter_map(|request| match request {
            PhoneRequest::Progress(progress) => Some(*progress),
            _ => None,
        });
        told.collect()
    }

    pub(super) fn last_request(&self, method: &str) -> Request {
        (*self.requests(method).last().unwrap()).clone()
    }

    /// The server answers the last request of that method.
    pub(super) fn respond(&mut self, method: &str, status: u16, body: &str, lines: &[(&str, &str)]) {
        let request = self.last_request(method);
        self.respond_to(&request, "t", status, body, lines);
    }

    /// It answers that one, by the telephone with this tag.
    pub(super) fn respond_to(&mut self, request: &Request, tag: &str, status: u16, body: &str, lines: &[(&str, &str)]) {
        let mut response = request.response(status, "Answer");
        if response.headers.to.tag().is_none() {
            response.headers.to.params.set("tag", Some(tag.to_owned()));
        }
        response.headers.contact = vec![format!("<sip:phone@{}>", self.source).parse().unwrap()];
        if !body.is_empty() {
            response.headers.content_type = Some(SDP.1.to_owned());
            response.body = body.as_bytes().to_vec();
        }
        for (name, value) in lines {
            response.headers.push(name, *value);
        }
        let text = String::from_utf8(response.to_bytes()).unwrap();
        self.send(&text);
    }

    /// A request of the telephone's, in the dialog of the last INVITE of ours.
    pub(super) fn request_by_callee(&mut self, method: &str, cseq: u32, lines: &str, body: &str) {
        let headers = self.last_request("INVITE").headers;
        let source = self.source;
        self.send(&format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK{method}{cseq};rport\r\n\
             From: {};tag=t\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:phone@{source}>\r\n\
             {lines}Content-Length: {}\r\n\r\n{body}",
            headers.contact[0].uri,
            headers.to,
            headers.from,
            headers.call_id,
            body.len()
        ));
    }
}
