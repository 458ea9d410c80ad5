// SPDX-License-Identifier: EUPL-1.2
//! Messages that are none, over datagrams and on a stream.

use sip_bridge::sip::message::Transport;

use super::bridge::{PATIENCE, Running, TRUNK};
use super::isolation::isolated;
use super::phone::{Phone, invite, request};
use super::stream_phone;

#[test]
fn what_is_malformed_is_refused_and_life_goes_on() {
    isolated("malformed::what_is_malformed_is_refused_and_life_goes_on", async {
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
    });
}

#[test]
fn refusals_of_malformed_datagrams_are_bounded() {
    isolated("malformed::refusals_of_malformed_datagrams_are_bounded", async {
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
    });
}

#[test]
fn a_malformed_message_is_refused_and_a_broken_stream_is_closed() {
    isolated("malformed::a_malformed_message_is_refused_and_a_broken_stream_is_closed", async {
        let running = Running::start(None);
        let mut phone = stream_phone::Phone::tcp(&running).await;
        phone.send(&invite("TCP", "bad").replace("CSeq: 1 INVITE", "CSeq: 1 BYE")).await;
        phone.expect(400).await;
        phone.call("TCP", "good").await;
        phone.send(&invite("TCP", "endless").replace("Content-Length: ", "Content-Length: 9999")).await;
        phone.expect(413).await;
        assert_eq!(phone.frame().await, None);
        assert_eq!(running.counted("sip_closed_connections_total", Some("malformed")), 1.0);
        running.bridge.shutdown(PATIENCE).await;
    });
}
