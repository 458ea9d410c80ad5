// SPDX-License-Identifier: EUPL-1.2
//! A small telephone: it writes requests and reads answers.

use std::net::{IpAddr, SocketAddr};

use sip_bridge::sip::message::{Message, Response, Transport};
use sip_bridge::sip::parse::parse;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::bridge::PATIENCE;

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                         m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

/// A request of a call, outside a dialog or with the tag of the other side.
pub(crate) fn request(method: &str, transport: &str, id: &str, cseq: u32, tag: Option<&str>, body: &str) -> String {
    let to_tag = tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
    let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:+49301@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} phone.invalid;branch=z9hG4bK{method}{id}{cseq};rport\r\n\
         From: <sip:+491701@phone.invalid>;tag=f{id}\r\nTo: <sip:+49301@127.0.0.1>{to_tag}\r\nCall-ID: {id}\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:phone@phone.invalid>\r\nMax-Forwards: 70\r\n{content_type}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn invite(transport: &str, id: &str) -> String {
    request("INVITE", transport, id, 1, None, OFFER)
}

pub(crate) fn response(bytes: &[u8]) -> Response {
    match parse(bytes, Transport::Udp).unwrap() {
        Message::Response(response) => response,
        Message::Request(request) => panic!("a request: {}", request.method),
    }
}

/// One with a socket for datagrams.
pub(crate) struct Phone {
    socket: UdpSocket,
}

impl Phone {
    pub(crate) async fn at(address: IpAddr, bridge: SocketAddr) -> Self {
        let socket = UdpSocket::bind((address, 0)).await.unwrap();
        socket.connect(bridge).await.unwrap();
        Self { socket }
    }

    pub(crate) async fn send(&self, text: &str) {
        self.socket.send(text.as_bytes()).await.unwrap();
    }

    /// The next answer.
    pub(crate) async fn receive(&self) -> Response {
        let mut buffer = vec![0; 65_536];
        let length = timeout(PATIENCE, self.socket.recv(&mut buffer)).await.unwrap().unwrap();
        response(&buffer[..length])
    }

    /// The answers so far, without waiting.
    pub(crate) fn received(&self) -> Vec<Response> {
        let mut buffer = vec![0; 65_536];
        let mut all = Vec::new();
        while let Ok(length) = self.socket.try_recv(&mut buffer) {
            all.push(response(&buffer[..length]));
        }
        all
    }

    /// Waits for an answer of that status. Those before it are provisional.
    pub(crate) async fn expect(&self, status: u16) -> Response {
        loop {
            let response = self.receive().await;
            if response.status == status {
                return response;
            }
            assert!(response.status < 200, "{} {}", response.status, response.reason);
        }
    }

    /// A call, from INVITE to BYE.
    pub(crate) async fn call(&self, id: &str) {
        self.send(&invite("UDP", id)).await;
        let answer = self.expect(200).await;
        let tag = answer.headers.to.tag().unwrap().to_owned();
        self.send(&request("ACK", "UDP", id, 1, Some(&tag), "")).await;
        self.send(&request("BYE", "UDP", id, 2, Some(&tag), "")).await;
        self.expect(200).await;
    }
}
