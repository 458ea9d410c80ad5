// SPDX-License-Identifier: EUPL-1.2
//! What our messages say of ourselves: Via, Contact, Allow, Supported, the name of the software.

use super::config::Config;
use super::flow::Flow;
use super::message::{CSeq, Headers, Host, NameAddr, Params, Request, Response, Scheme, SipUri, Transport, Uri, Via};
use super::session_body::session_description;

/// What we answer (RFC 3261 §20.5).
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, NOTIFY, REFER";
/// The extensions that we have (§20.37).
pub(crate) const SUPPORTED: &str = "100rel, timer";
/// Bodies that we understand.
pub(crate) const ACCEPT: &str = "application/sdp, application/dtmf-relay, application/dtmf, message/sipfrag, \
                                 multipart/mixed, multipart/alternative, multipart/related";
/// What 481 means (§21.4.19).
pub(crate) const NO_SUCH_CALL: &str = "Call/Transaction Does Not Exist";
/// The type of session descriptions.
pub(crate) const SDP: &str = "application/sdp";
/// Hops that a request may take (§8.1.1.6).
const MAX_FORWARDS: u8 = 70;

fn sent_by(flow: &Flow, config: &Config) -> (Host, u16) {
    let told = config.sent_by.iter().find(|(transport, _, _)| *transport == flow.transport);
    let own = || (Host::Address(flow.own_ip(config.own_address)), flow.local.port());
    told.map_or_else(own, |(_, host, port)| (host.clone(), *port))
}

/// Our Via; with `rport`, so that answers come back through a NAT (RFC 3581), and with `alias` where nobody could connect to us, so that
/// requests come back by the same connection (RFC 5923).
pub(super) fn via(flow: &Flow, config: &Config, branch: String) -> Via {
    let (host, port) = sent_by(flow, config);
    let mut params = Params(vec![("branch".to_owned(), Some(branch)), ("rport".to_owned(), None)]);
    if config.unlistened.contains(&flow.transport) {
        params.set("alias", None);
    }
    Via { transport: flow.transport.as_str().to_owned(), host, port: Some(port), params }
}

/// Our Contact, for messages on this flow.
pub(super) fn contact(flow: &Flow, config: &Config, user: &str) -> NameAddr {
    let (host, port) = sent_by(flow, config);
    let mut params = Params::default();
    match flow.transport {
        Transport::Udp => {}
        Transport::Tcp => params.set("transport", Some("tcp".to_owned())),
        Transport::Tls => params.set("transport", Some("tls".to_owned())),
    }
    let uri = Uri::Sip(SipUri {
        scheme: Scheme::Sip,
        user: Some(user.to_owned()),
        password: None,
        host,
        port: Some(port),
        params,
        headers: Vec::new(),
    });
    NameAddr { display_name: None, uri, params: Params::default() }
}

/// The headers of a request outside and inside dialogs, without a Via.
pub(super) fn request_headers(from: NameAddr, to: NameAddr, call_id: String, cseq: CSeq, config: &Config) -> Headers {
    let mut headers = Headers {
        via: Vec::new(),
        from,
        to,
        call_id,
        cseq,
        max_forwards: Some(MAX_FORWARDS),
        contact: Vec::new(),
        is_contact_star: false,
        route: Vec::new(),
        record_route: Vec::new(),
        content_type: None,
        others: Vec::new(),
    };
    if !config.user_agent.is_empty() {
        headers.set("User-Agent", config.user_agent.as_str());
    }
    headers
}

/// Names the software in an answer.
pub(super) fn sign(response: &mut Response, config: &Config) {
    if !config.user_agent.is_empty() {
        response.headers.set("Server", config.user_agent.as_str());
    }
}

/// Puts a session description into a message.
pub(super) fn describe(headers: &mut Headers, body: &mut Vec<u8>, sdp: Vec<u8>) {
    headers.content_type = Some(SDP.to_owned());
    *body = sdp;
}

/// The session description of a message, if it has one, alone or beside other parts.
pub(super) fn description(headers: &Headers, body: &[u8]) -> Option<Vec<u8>> {
    session_description(headers, body).map(<[u8]>::to_vec)
}

/// Whether a request says that its sender answers this method.
pub(super) fn allows(headers: &Headers, method: &str) -> bool {
    headers.tokens("Allow").any(|known| known == method)
}

/// Whether the sender has this extension, by Supported or Require.
pub(super) fn supports(headers: &Headers, extension: &str) -> bool {
    headers.has_token("Supported", extension) || headers.has_token("Require", extension)
}

/// Sets the tag of To in an answer that we make, unless the request had one.
pub(super) fn set_tag(response: &mut Response, tag: &str) {
    if response.headers.to.tag().is_none() {
        response.headers.to.params.set("tag", Some(tag.to_owned()));
    }
}

/// An answer outside of dialogs and calls.
pub(super) fn answer(request: &Request, status: u16, reason: &str, tag: &str, config: &Config) -> Response {
    let mut response = request.response(status, reason);
    if status > 100 {
        set_tag(&mut response, tag);
        sign(&mut response, config);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_be_connected_to_asks_for_the_connection_to_be_used_both_ways() {
        let address = "192.0.2.1:5061".parse().unwrap();
        let config = Config { unlistened: vec![Transport::Tls], ..Config::default() };
        let has_alias = |transport| {
            let flow = Flow { transport, local: address, remote: address, connection: None, tls_name: None };
            via(&flow, &config, "z9hG4bK1".to_owned()).params.get("alias").is_some()
        };
        assert!(has_alias(Transport::Tls));
        assert!(!has_alias(Transport::Tcp) && !has_alias(Transport::Udp));
    }
}
