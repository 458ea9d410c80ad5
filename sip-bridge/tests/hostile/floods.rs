// SPDX-License-Identifier: EUPL-1.2
//! Requests that come too fast, and calls that nobody goes on with.

use std::time::Duration;

use sip_bridge::sip::message::Transport;
use tokio::net::UdpSocket;

use super::bridge::{Running, STRANGER, TRUNK};
use super::isolation::{isolated, memory_kib};
use super::phone::{Phone, invite, request};

/// Requests of a flood.
const MANY: usize = 20_000;

/// Of these between two looks at whether the bridge lives, so that none is lost in front of its socket.
const ROUND: usize = 200;

/// What memory may grow by.
const MOST_KIB: u64 = 50 * 1_024;

/// Calls that the bridge of these tests has at the same time.
const MOST_CALLS: usize = 100;

/// A call that goes on: its telephone, and the bridge's tag.
async fn call(running: &Running) -> (Phone, String) {
    let phone = Phone::at(TRUNK, running.address(Transport::Udp)).await;
    phone.send(&invite("UDP", "kept")).await;
    let tag = phone.expect(200).await.headers.to.tag().unwrap().to_owned();
    phone.send(&request("ACK", "UDP", "kept", 1, Some(&tag), "")).await;
    (phone, tag)
}

async fn is_alive(phone: &Phone, id: &str) {
    phone.send(&request("OPTIONS", "UDP", id, 1, None, "")).await;
    phone.expect(200).await;
}

async fn hang_up(phone: &Phone, tag: &str) {
    phone.send(&request("BYE", "UDP", "kept", 2, Some(tag), "")).await;
    phone.expect(200).await;
}

#[test]
fn registrations_by_the_thousand_harm_nobody() {
    isolated("floods::registrations_by_the_thousand_harm_nobody", async {
        let running = Running::start(None);
        let (phone, tag) = call(&running).await;
        let address = running.address(Transport::Udp);
        let strangers = UdpSocket::bind((STRANGER, 0)).await.unwrap();
        let trunk = UdpSocket::bind((TRUNK, 0)).await.unwrap();
        let before = memory_kib();
        for at in 0..MANY {
            let text = request("REGISTER", "UDP", &format!("flood{at}"), 1, None, "");
            let socket = if at % 2 == 0 { &strangers } else { &trunk };
            socket.send_to(text.as_bytes(), address).await.unwrap();
            if at % ROUND == 0 {
                is_alive(&phone, &format!("alive{at}")).await;
            }
        }
        is_alive(&phone, "alive").await;
        let grown = memory_kib().saturating_sub(before);
        println!("memory has grown by {grown} KiB");
        assert!(grown < MOST_KIB, "memory has grown by {grown} KiB");
        let dropped = running.counted("sip_dropped_datagrams_total", Some("stranger"));
        assert!(dropped > MANY as f64 / 4.0, "{dropped}");
        // Its call went on all the time, and others can be made.
        hang_up(&phone, &tag).await;
        phone.call("another").await;
        running.bridge.shutdown(Duration::ZERO).await;
    });
}

#[test]
fn calls_that_nobody_acknowledges_are_bounded() {
    isolated("floods::calls_that_nobody_acknowledges_are_bounded", async {
        let running = Running::start(None);
        let (phone, tag) = call(&running).await;
        let silent = UdpSocket::bind((TRUNK, 0)).await.unwrap();
        let before = memory_kib();
        for at in 0..10 * MOST_CALLS {
            silent
                .send_to(invite("UDP", &format!("silent{at}")).as_bytes(), running.address(Transport::Udp))
                .await
                .unwrap();
            if at % ROUND == 0 {
                is_alive(&phone, &format!("alive{at}")).await;
            }
        }
        is_alive(&phone, "alive").await;
        let grown = memory_kib().saturating_sub(before);
        println!("memory has grown by {grown} KiB");
        assert!(grown < MOST_KIB, "memory has grown by {grown} KiB");
        // Each has two ports, of which there are as many as calls.
        let answered = running.counted("sip_answered_calls_total", None);
        assert!((2.0..=MOST_CALLS as f64).contains(&answered), "{answered} answered");
        let refused = running.counted("sip_refused_calls_total", None);
        assert!(refused >= (9 * MOST_CALLS) as f64, "{refused} refused");
        hang_up(&phone, &tag).await;
        running.bridge.shutdown(Duration::ZERO).await;
    });
}
