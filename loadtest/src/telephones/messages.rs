// SPDX-License-Identifier: EUPL-1.2
//! SIP as the made-up callers write it. What the bridge answers is read by the bridge's own parser; what they send is text
//! of their own, so that a mistake in the one is not hidden by the other.

use std::net::SocketAddr;

use sip_bridge::sip::message::{Message, Response, Transport};
use sip_bridge::sip::parse::parse;

/// RTP payload types of the offer (RFC 3551 §6, RFC 4733 §2.4.1).
pub(super) const PCMA: u8 = 8;
pub(super) const TELEPHONE_EVENT: u8 = 101;

/// Headers that an answer copies (RFC 3261 §8.2.6.2).
const COPIED: [&str; 5] = ["via:", "from:", "to:", "call-id:", "cseq:"];

/// One call as SIP names it.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    /// Where the bridge takes calls.
    pub(super) bridge: SocketAddr,
    /// Where the caller's SIP and RTP come from.
    pub(super) sip: SocketAddr,
    pub(super) rtp: SocketAddr,
    /// Who calls: the end of their number.
    pub(super) number: usize,
    /// Unique among all runs.
    pub(super) call_id: String,
    /// The bridge's, once it has answered.
    pub(super) remote_tag: Option<String>,
}

impl Dialog {
    pub(super) fn invite(&self) -> String {
        self.request("INVITE", 1, "z1", &self.offer())
    }

    /// Acknowledges an answer: in a transaction of its own when it was a success (RFC 3261 §13.2.2.4), and in the INVITE's
    /// when not (§17.1.1.3).
    pub(super) fn ack(&self, is_success: bool) -> String {
        self.request("ACK", 1, if is_success { "z2" } else { "z1" }, "")
    }

    pub(super) fn bye(&self) -> String {
        self.request("BYE", 2, "z3", "")
    }

    fn request(&self, method: &str, cseq: u32, branch: &str, body: &str) -> String {
        let Self { bridge, sip, number, call_id, .. } = self;
        let to_tag = self.remote_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:+4961199999@{bridge} SIP/2.0\r\nVia: SIP/2.0/UDP {sip};branch=z9hG4bK{branch}{call_id};rport\r\n\
             From: <sip:+491701{number:06}@{sip}>;tag=f{number}\r\nTo: <sip:+4961199999@{bridge}>{to_tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{sip}>\r\nMax-Forwards: 70\r\n\
             {content_type}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn offer(&self) -> String {
        let (ip, port) = (self.rtp.ip(), self.rtp.port());
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {PCMA} {TELEPHONE_EVENT}\r\n\
             a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000\r\na=fmtp:{TELEPHONE_EVENT} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        )
    }
}

/// What came from the bridge.
pub(super) enum Arrived {
    Response(Box<Response>),
    /// A request: of which call, by which method, and the answer to it.
    Request {
        call_id: String,
        method: String,
        answer: String,
    },
}

/// Reads a datagram. `None`: it is no message.
pub(super) fn read(datagram: &[u8]) -> Option<Arrived> {
    match parse(datagram, Transport::Udp).ok()? {
        Message::Response(response) => Some(Arrived::Response(Box::new(response))),
        Message::Request(request) => Some(Arrived::Request {
            call_id: request.headers.call_id.clone(),
            method: request.method.as_str().to_owned(),
            answer: ok_to(datagram),
        }),
    }
}

/// A success in answer to a request, in the request's own words.
fn ok_to(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
    for line in text.lines().skip(1).take_while(|line| !line.is_empty()) {
        let name = line.split_once(':').map(|(name, _)| name.trim().to_ascii_lowercase() + ":").unwrap_or_default();
        if COPIED.contains(&name.as_str()) {
            answer += line;
            answer += "\r\n";
        }
    }
    answer + "Content-Length: 0\r\n\r\n"
}

/// The port at which the other side takes sound, by its description.
pub(super) fn audio_port(description: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(description).ok()?;
    let media = text.lines().find_map(|line| line.strip_prefix("m=audio "))?;
    media.split(' ').next()?.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog() -> Dialog {
        Dialog {
            bridge: "127.0.0.1:5060".parse().unwrap(),
            sip: "127.0.0.1:40000".parse().unwrap(),
            rtp: "127.0.0.1:40002".parse().unwrap(),
            number: 7,
            call_id: "x-7".to_owned(),
            remote_tag: None,
        }
    }

    #[test]
    fn requests_are_understood_and_offer_a_law() {
        let Some(Arrived::Request { call_id, method, answer }) = read(dialog().invite().as_bytes()) else { panic!() };
        assert_eq!((call_id.as_str(), method.as_str()), ("x-7", "INVITE"));
        let Some(Arrived::Response(response)) = read(answer.as_bytes()) else { panic!("{answer}") };
        assert_eq!((response.status, response.headers.cseq.number), (200, 1));
        assert_eq!(audio_port(dialog().offer().as_bytes()), Some(40_002));
    }

    #[test]
    fn refusals_are_acknowledged_in_the_transaction_of_the_invite() {
        let branch = |text: &str| text.split_once("branch=").unwrap().1.split(';').next().unwrap().to_owned();
        let dialog = dialog();
        assert_eq!(branch(&dialog.ack(false)), branch(&dialog.invite()));
        assert_ne!(branch(&dialog.ack(true)), branch(&dialog.invite()));
        assert_ne!(branch(&dialog.bye()), branch(&dialog.ack(true)));
    }
}
