// SPDX-License-Identifier: EUPL-1.2
//! Over datagrams.

use sip_bridge::sip::message::Transport;
use tokio::net::UdpSocket;

use super::bridge::{PATIENCE, Running, STRANGER, TRUNK};
use super::phone::{Phone, invite, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_answered_and_hung_up() {
    let running = Running::start(None);
    let phone = Phone::at(TRUNK, running.address(Transport::Udp)).await;
    phone.call("one").await;
    assert_eq!(running.order_names(), ["Begin", "Open", "End"]);
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_strangers_does_not_stop_a_trunks_calls() {
    let running = Running::start(None);
    let address = running.address(Transport::Udp);
    let strangers = UdpSocket::bind((STRANGER, 0)).await.unwrap();
    let phone = Phone::at(TRUNK, address).await;
    for at in 0..10 {
        for more in 0..500 {
            strangers.send_to(invite("UDP", &format!("flood{at}-{more}")).as_bytes(), address).await.unwrap();
        }
        phone.call(&format!("call{at}")).await;
    }
    let dropped = running.counted("sip_dropped_datagrams_total", Some("stranger"));
    let refused = running.counted("sip_refused_calls_total", Some("stranger"));
    assert!(dropped > 1_000.0, "{dropped} dropped");
    // A burst of ten, and two a second.
    assert!((1.0..100.0).contains(&refused), "{refused} refused");
    assert_eq!(running.counted("sip_answered_calls_total", None), 10.0);
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_hears_that_it_may_not_and_then_nothing() {
    let running = Running::start(None);
    let stranger = Phone::at(STRANGER, running.address(Transport::Udp)).await;
    stranger.send(&invite("UDP", "one")).await;
    stranger.expect(403).await;
    stranger.send(&request("ACK", "UDP", "one", 1, None, "")).await;
    assert!(running.order_names().is_empty());
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_and_life_goes_on() {
    let running = Running::start(None);
    let phone = Phone::at(TRUNK, running.address(Transport::Udp)).await;
    phone.send("\r\n\r\n").await;
    phone.send("nonsense").await;
    phone.send(&invite("UDP", "bad").replace("CSeq: 1 INVITE", "CSeq: 1 BYE")).await;
    let refusal = phone.receive().await;
    assert_eq!(refusal.status, 400);
    assert!(refusal.headers.to.tag().is_some());
    assert!(refusal.headers.via[0].params.get("received").is_some());
    phone.call("good").await;
    assert_eq!(running.counted("sip_malformed_messages_total", None), 2.0, "a keep-alive is none");
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_malformed_datagrams_are_bounded() {
    let running = Running::start(None);
    let phone = Phone::at(TRUNK, running.address(Transport::Udp)).await;
    for at in 0..300 {
        phone.send(&invite("UDP", &format!("bad{at}")).replace("CSeq: 1 INVITE", "CSeq: 1 BYE")).await;
    }
    // Its answers come behind all refusals.
    phone.send(&request("OPTIONS", "UDP", "end", 1, None, "")).await;
    let mut refusals = 0;
    while phone.receive().await.headers.call_id != "end" {
        refusals += 1;
    }
    let malformed = running.counted("sip_malformed_messages_total", None);
    assert!(malformed >= 100.0, "{malformed}");
    assert!((50..=150).contains(&refusals), "{refusals}");
    assert!(phone.received().is_empty());
    running.bridge.shutdown(PATIENCE).await;
}
