// SPDX-License-Identifier: EUPL-1.2
//! Calls that the bridge makes, with sipp as whoever is called.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bus::TransportSid;
use bus::phone::{
    CallPurpose, MeetingEvent, NotReachedReason, PhoneNotice, PhoneRequest, RoomStatus, TrunkConfig, TrunkTransport,
    Verdict,
};
use tokio::net::UdpSocket;

use super::bridge::{PATIENCE, Running, Setup, credentials};
use super::callee::{Ordered, Server, provider};

/// Longer than any of these lets it ring.
const RING: Duration = Duration::from_secs(60);

/// Each test has addresses of its own, which are no other trunk's.
const fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 5, last))
}

fn running(servers: &[IpAddr]) -> Running {
    running_with(provider(servers, TrunkTransport::Udp))
}

fn running_with(config: TrunkConfig) -> Running {
    Running::with(Setup { trunks: vec![config], ..Setup::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_has_sound_until_they_are_hung_up() {
    const CALLS: u32 = 20;
    let server = Server::start(address(1), "answering.xml", CALLS);
    let running = running(&[address(1)]);
    let mut calls: Vec<Ordered> = (0..CALLS).map(|_| Ordered::new(&running, CallPurpose::Invitation, RING)).collect();
    for call in &mut calls {
        call.until_answered().await;
        call.end.notices.send(PhoneNotice::GiveUp).await.unwrap();
    }
    for call in calls {
        call.expect_not_reached(NotReachedReason::GivenUp, None).await;
    }
    server.finish().await;
    assert_eq!(running.counted("sip_answered_calls_total", None), f64::from(CALLS));
    assert_eq!(running.counted("sip_outgoing_calls_total", Some("given_up")), f64::from(CALLS));
    let orders = running.order_names();
    for name in ["Begin", "Open", "End"] {
        assert_eq!(orders.iter().filter(|order| *order == name).count(), CALLS as usize, "{name}");
    }
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_busy_is_told_as_such() {
    let server = Server::start(address(2), "busy.xml", 3);
    let running = running(&[address(2)]);
    for _ in 0..3 {
        let call = Ordered::new(&running, CallPurpose::Invitation, RING);
        call.expect_not_reached(NotReachedReason::Busy, Some(486)).await;
    }
    server.finish().await;
    assert!(running.order_names().is_empty(), "no sound");
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_is_rung_for_as_long_as_ordered() {
    let server = Server::start(address(3), "unanswered.xml", 2);
    let running = running(&[address(3)]);
    let patient = Ordered::new(&running, CallPurpose::Invitation, Duration::from_secs(3));
    let mut given_up = Ordered::new(&running, CallPurpose::Invitation, RING);
    assert_eq!(given_up.progress().await, bus::phone::DialProgress::Ringing);
    // Signaling drops its end.
    drop(given_up);
    patient.expect_not_reached(NotReachedReason::NotAnswered, None).await;
    server.finish().await;
    assert_eq!(running.counted("sip_outgoing_calls_total", Some("given_up")), 1.0);
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_we_are_is_proven_by_digest() {
    let server = Server::start(address(4), "asking.xml", 2);
    let trunk = provider(&[address(4)], TrunkTransport::Udp);
    let running = running_with(TrunkConfig { credentials: credentials("line", "secret"), ..trunk });
    for _ in 0..2 {
        let mut call = Ordered::new(&running, CallPurpose::Invitation, RING);
        call.until_answered().await;
        call.end.notices.send(PhoneNotice::GiveUp).await.unwrap();
        call.expect_not_reached(NotReachedReason::GivenUp, None).await;
    }
    server.finish().await;
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_is_not_followed() {
    let server = Server::start(address(5), "moved.xml", 1);
    let elsewhere = UdpSocket::bind((address(5), 5999)).await.unwrap();
    let running = running(&[address(5)]);
    let call = Ordered::new(&running, CallPurpose::Invitation, RING);
    call.expect_not_reached(NotReachedReason::NotAllowed, Some(302)).await;
    server.finish().await;
    running.bridge.shutdown(PATIENCE).await;
    assert!(elsewhere.try_recv(&mut [0; 1]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_first_server_is_out_of_order_the_second_is_called() {
    let first = Server::start(address(6), "out-of-order.xml", 1);
    let second = Server::start(address(7), "answering.xml", 1);
    let running = running(&[address(6), address(7)]);
    let mut call = Ordered::new(&running, CallPurpose::Invitation, RING);
    call.until_answered().await;
    call.end.notices.send(PhoneNotice::GiveUp).await.unwrap();
    call.expect_not_reached(NotReachedReason::GivenUp, None).await;
    first.finish().await;
    second.finish().await;
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_is_at_the_first_address_the_second_is_called() {
    let second = Server::start(address(9), "answering.xml", 1);
    let running = running(&[address(8), address(9)]);
    let mut call = Ordered::new(&running, CallPurpose::Invitation, RING);
    call.until_answered().await;
    call.end.notices.send(PhoneNotice::GiveUp).await.unwrap();
    call.expect_not_reached(NotReachedReason::GivenUp, None).await;
    second.finish().await;
    running.bridge.shutdown(PATIENCE).await;
}

/// Leads whoever was called into the meeting, and has them connected elsewhere.
async fn transfer(call: &mut Ordered) {
    call.until_answered().await;
    let Some(PhoneRequest::CheckRoom { check }) = call.next().await else { panic!("no check") };
    let status = RoomStatus { count: 2, is_muted: false, may_unmute: true, recording: None };
    let notices = &call.end.notices;
    notices.send(PhoneNotice::Verdict { check, verdict: Verdict::Admitted }).await.unwrap();
    notices.send(PhoneNotice::Event(MeetingEvent::Arrived(status))).await.unwrap();
    notices.send(PhoneNotice::Connected { leg: TransportSid::from("leg".to_owned()) }).await.unwrap();
    notices.send(PhoneNotice::Transfer { to: "+4930999".to_owned() }).await.unwrap();
    assert!(matches!(call.next().await, Some(PhoneRequest::Join)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_a_meeting_can_be_connected_elsewhere() {
    let server = Server::start(address(10), "transferring.xml", 1);
    let running = running(&[address(10)]);
    let mut call = Ordered::new(&running, CallPurpose::Connection, RING);
    transfer(&mut call).await;
    assert!(matches!(call.next().await, Some(PhoneRequest::TransferEnded(Ok(())))));
    assert!(call.next().await.is_none());
    server.finish().await;
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_that_is_not_possible_they_stay() {
    let server = Server::start(address(11), "not-transferring.xml", 1);
    let running = running(&[address(11)]);
    let mut call = Ordered::new(&running, CallPurpose::Connection, RING);
    transfer(&mut call).await;
    assert!(matches!(call.next().await, Some(PhoneRequest::TransferEnded(Err(Some(603))))));
    call.end.notices.send(PhoneNotice::GiveUp).await.unwrap();
    assert!(call.next().await.is_none());
    server.finish().await;
    let orders = running.order_names();
    let of_room = orders.iter().filter(|name| ["Connect", "Disconnect"].contains(&name.as_str()));
    assert_eq!(of_room.collect::<Vec<_>>(), ["Connect", "Disconnect", "Connect"]);
    running.bridge.shutdown(PATIENCE).await;
}
