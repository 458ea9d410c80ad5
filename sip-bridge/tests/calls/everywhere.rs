// SPDX-License-Identifier: EUPL-1.2
//! A bridge that listens on all addresses and was told of none: each side hears the one by which it is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bus::phone::{CallPurpose, TrunkConfig, TrunkDestination, TrunkRegistration, TrunkTransport};
use sip_bridge::sip::message::{Headers, Host, Message, Method, Request, Response, Transport, Uri};
use sip_bridge::sip::parse::parse;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running, Setup, trunk};
use super::callee::Ordered;
use super::phone::{Phone, invite, request};
use super::stream_phone;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn running(trunks: Vec<TrunkConfig>) -> Running {
    Running::with(Setup { trunks, listen: Ipv4Addr::UNSPECIFIED.into(), ..Setup::default() })
}

/// Where it listens, as who is on this machine knows it.
fn at(running: &Running, transport: Transport) -> SocketAddr {
    SocketAddr::new(HERE, running.address(transport).port())
}

/// Where the sender of a message wants requests to be sent.
fn contact(headers: &Headers) -> SocketAddr {
    let Uri::Sip(uri) = &headers.contact[0].uri else { panic!("{:?}", headers.contact) };
    let Host::Address(address) = uri.host else { panic!("a name") };
    SocketAddr::new(address, uri.port.unwrap())
}

fn assert_sound_goes_here(body: &[u8]) {
    let text = std::str::from_utf8(body).unwrap();
    assert!(text.contains("\r\nc=IN IP4 127.0.0.1\r\n"), "{text}");
    assert!(!text.contains("0.0.0.0"), "{text}");
}

fn assert_answer(answer: &Response, bridge: SocketAddr) {
    assert_eq!(contact(&answer.headers), bridge);
    assert_sound_goes_here(&answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_from_here_is_told_the_inner_address() {
    let running = running(Setup::default().trunks);
    let bridge = at(&running, Transport::Udp);
    let phone = Phone::at(HERE, bridge).await;
    phone.send(&invite("UDP", "one")).await;
    let answer = phone.expect(200).await;
    assert_answer(&answer, bridge);
    let tag = answer.headers.to.tag().unwrap();
    phone.send(&request("ACK", "UDP", "one", 1, Some(tag), "")).await;
    // What is told in the call is the same.
    phone.send(&request("UPDATE", "UDP", "one", 2, Some(tag), "")).await;
    assert_eq!(contact(&phone.expect(200).await.headers), bridge);
    phone.send(&request("BYE", "UDP", "one", 3, Some(tag), "")).await;
    phone.expect(200).await;

    let bridge = at(&running, Transport::Tcp);
    let mut phone = stream_phone::Phone::on(TcpStream::connect(bridge).await.unwrap());
    phone.send(&invite("TCP", "two")).await;
    let answer = phone.expect(200).await;
    assert_answer(&answer, bridge);
    let tag = answer.headers.to.tag();
    phone.send(&request("ACK", "TCP", "two", 1, tag, "")).await;
    phone.send(&request("BYE", "TCP", "two", 2, tag, "")).await;
    phone.expect(200).await;
    running.bridge.shutdown(PATIENCE).await;
}

/// A server of a trunk, which answers what is not an INVITE, and hands on what came.
struct Server(UdpSocket);

impl Server {
    async fn next(&self, method: &Method) -> Request {
        let mut buffer = vec![0; 65_536];
        loop {
            let (length, from) = timeout(PATIENCE, self.0.recv_from(&mut buffer)).await.unwrap().unwrap();
            let Ok(Message::Request(request)) = parse(&buffer[..length], Transport::Udp) else { continue };
            let (status, reason) = if request.method == Method::Invite { (486, "Busy Here") } else { (200, "OK") };
            let mut answer = request.response(status, reason);
            answer.headers.to.params.set("tag", Some("server".to_owned()));
            answer.headers.contact.clone_from(&request.headers.contact);
            if request.method != Method::Ack {
                self.0.send_to(&answer.to_bytes(), from).await.unwrap();
            }
            if request.method == *method {
                return request;
            }
        }
    }
}

fn provider(server: SocketAddr, registration: Option<TrunkRegistration>) -> TrunkConfig {
    let destination =
        TrunkDestination { host: server.ip().to_string(), port: Some(server.port()), transport: TrunkTransport::Udp };
    let keep_alive = Some(Duration::from_secs(1));
    TrunkConfig { destinations: vec![destination], registration, keep_alive, ..trunk("provider", &[]) }
}

fn assert_names(request: &Request, bridge: SocketAddr) {
    let via = &request.headers.via[0];
    assert_eq!((&via.host, via.port), (&Host::Address(bridge.ip()), Some(bridge.port())), "{}", request.method);
    assert_eq!(contact(&request.headers), bridge, "{}", request.method);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trunk_on_this_machine_is_told_the_inner_address_in_all_requests() {
    let server = Server(UdpSocket::bind((HERE, 0)).await.unwrap());
    let address = server.0.local_addr().unwrap();
    let running = running(vec![provider(address, None)]);
    let bridge = at(&running, Transport::Udp);
    let options = server.next(&Method::Options).await;
    assert_names(&options, bridge);
    let Uri::Sip(from) = &options.headers.from.uri else { panic!("no SIP URI") };
    assert_eq!(from.host, Host::Address(HERE));
    let ordered = Ordered::new(&running, CallPurpose::Invitation, PATIENCE);
    let invite = server.next(&Method::Invite).await;
    assert_names(&invite, bridge);
    assert_sound_goes_here(&invite.body);
    drop(ordered);

    let (domain, user) = ("provider.example".to_owned(), "+49301".to_owned());
    let registration = TrunkRegistration { domain, user, expires: Duration::from_secs(600) };
    running.administer(vec![provider(address, Some(registration))]);
    assert_names(&server.next(&Method::Register).await, bridge);
}
