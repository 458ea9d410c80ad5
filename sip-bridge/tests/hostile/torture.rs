// SPDX-License-Identifier: EUPL-1.2
//! The messages of RFC 4475, sent to the socket as they are; and that the bridge lives after each of them.

use std::path::PathBuf;

use sip_bridge::sip::message::{Message, Response, Transport};
use sip_bridge::sip::parse::parse;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running, TRUNK};
use super::isolation::isolated;
use super::phone::request;

/// What a bridge for telephones, which is no registrar and takes no messages, answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// With that status at last.
    Status(u16),
    /// Not at all.
    Nothing,
}
use Answer::{Nothing, Status};

/// In the order of the RFC.
const EXPECTED: [(&str, Answer); 49] = [
    ("wsinv", Status(481)),
    ("intmeth", Status(501)),
    ("esc01", Status(200)),
    ("escnull", Status(405)),
    ("esc02", Status(501)),
    ("lwsdisp", Status(200)),
    ("longreq", Status(200)),
    ("dblreq", Status(405)),
    ("semiuri", Status(200)),
    ("transports", Status(200)),
    ("mpart01", Status(405)),
    ("unreason", Nothing),
    ("noreason", Nothing),
    ("badinv01", Status(400)),
    ("clerr", Status(400)),
    ("ncl", Status(400)),
    ("scalar02", Status(400)),
    ("scalarlg", Nothing),
    ("quotbal", Status(400)),
    ("ltgtruri", Status(400)),
    ("lwsruri", Status(400)),
    ("lwsstart", Status(400)),
    ("trws", Status(400)),
    ("escruri", Status(400)),
    ("baddate", Status(400)),
    ("regbadct", Status(400)),
    ("badaspec", Status(400)),
    ("baddn", Status(400)),
    ("badvers", Status(505)),
    ("mismatch01", Status(400)),
    ("mismatch02", Status(501)),
    ("bigcode", Nothing),
    ("badbranch", Status(400)),
    ("insuf", Nothing),
    ("unkscm", Status(416)),
    ("novelsc", Status(416)),
    ("unksm2", Status(405)),
    ("bext01", Status(420)),
    ("invut", Status(415)),
    ("regaut01", Status(405)),
    ("multi01", Status(400)),
    ("mcl01", Status(400)),
    ("bcast", Nothing),
    ("zeromf", Status(200)),
    ("cparam01", Status(405)),
    ("cparam02", Status(405)),
    ("regescrt", Status(405)),
    ("sdp01", Status(406)),
    // It has no Contact, without which RFC 3261 §8.1.1.8 begins no dialog. Only who keeps to RFC 2543, too, takes it.
    ("inv2543", Status(400)),
];

/// Ports that the messages name in Via, to which answers go when `rport` is not asked for (RFC 3261 §18.2.2).
const VIA_PORTS: [u16; 2] = [5_060, 5_050];

#[test]
fn each_message_is_answered_as_the_rfc_says_and_the_bridge_lives() {
    isolated("torture::each_message_is_answered_as_the_rfc_says_and_the_bridge_lives", async {
        let running = Running::start(None);
        let bridge = running.address(Transport::Udp);
        let mut sockets = Vec::new();
        for port in VIA_PORTS {
            let socket = UdpSocket::bind((TRUNK, port)).await.unwrap();
            socket.connect(bridge).await.unwrap();
            sockets.push(socket);
        }
        let mut wrong = Vec::new();
        for (place, (name, expected)) in EXPECTED.into_iter().enumerate() {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rfc4475").join(format!("{name}.dat"));
            sockets[0].send(&std::fs::read(path).unwrap()).await.unwrap();
            // Provisional answers come before.
            let answer = if expected == Nothing { Nothing } else { Status(last_status(&sockets).await) };
            if answer != expected {
                wrong.push(format!("{name}: {answer:?} instead of {expected:?}"));
            }
            // An answer to what gets none would come before this one.
            let alive = request("OPTIONS", "UDP", &format!("alive{place}"), 1, None, "");
            sockets[0].send(alive.as_bytes()).await.unwrap();
            let response = receive(&sockets).await;
            assert_eq!((response.status, response.headers.call_id), (200, format!("alive{place}")), "after {name}");
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        running.bridge.shutdown(PATIENCE).await;
    });
}

async fn last_status(sockets: &[UdpSocket]) -> u16 {
    loop {
        let response = receive(sockets).await;
        if response.status >= 200 {
            return response.status;
        }
    }
}

/// The next response at any of the sockets. Answers that copy what is malformed cannot all be parsed; of these only the
/// status is read.
async fn receive(sockets: &[UdpSocket]) -> Response {
    let mut buffer = vec![0; 65_536];
    let [one, other] = sockets else { panic!("two sockets") };
    let mut second = vec![0; 65_536];
    let received = async {
        tokio::select! {
            length = one.recv(&mut buffer) => buffer[..length.unwrap()].to_vec(),
            length = other.recv(&mut second) => second[..length.unwrap()].to_vec(),
        }
    };
    let bytes = timeout(PATIENCE, received).await.expect("no answer");
    match parse(&bytes, Transport::Udp) {
        Ok(Message::Response(response)) => response,
        Ok(Message::Request(request)) => panic!("a request: {}", request.method),
        Err(_) => bare(&bytes),
    }
}

fn bare(bytes: &[u8]) -> Response {
    let text = String::from_utf8_lossy(bytes);
    let status = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).and_then(|status| status.parse().ok());
    let usual = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:a@a>;tag=2\r\n\
                 Call-ID: unreadable\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
    let Ok(Message::Response(response)) = parse(usual.as_bytes(), Transport::Udp) else { panic!("{usual}") };
    Response { status: status.unwrap_or_else(|| panic!("no response: {text}")), ..response }
}
