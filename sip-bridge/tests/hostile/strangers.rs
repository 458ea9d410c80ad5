// SPDX-License-Identifier: EUPL-1.2
//! Those who are no trunk: what they are told, and how little they get.

use std::net::SocketAddr;

use sip_bridge::sip::message::Transport;
use sip_bridge::sip::parse::Frame;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, UdpSocket};

use super::bridge::{PATIENCE, Running, STRANGER, TRUNK};
use super::isolation::isolated;
use super::phone::{Phone, invite, request, response};
use super::stream_phone;

#[test]
fn a_stranger_hears_that_it_may_not_and_then_nothing() {
    isolated("strangers::a_stranger_hears_that_it_may_not_and_then_nothing", async {
        let running = Running::start(None);
        let stranger = Phone::at(STRANGER, running.address(Transport::Udp)).await;
        stranger.send(&invite("UDP", "one")).await;
        stranger.expect(403).await;
        stranger.send(&request("ACK", "UDP", "one", 1, None, "")).await;
        assert!(running.order_names().is_empty());
        running.bridge.shutdown(PATIENCE).await;
    });
}

#[test]
fn a_flood_of_strangers_does_not_stop_a_trunks_calls() {
    isolated("strangers::a_flood_of_strangers_does_not_stop_a_trunks_calls", async {
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
    });
}

#[test]
fn a_stranger_has_few_connections_and_few_messages() {
    isolated("strangers::a_stranger_has_few_connections_and_few_messages", async {
        let running = Running::start(None);
        let connect = async || {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::new(STRANGER, 0)).unwrap();
            stream_phone::Phone::on(socket.connect(running.address(Transport::Tcp)).await.unwrap())
        };
        let mut phones = Vec::new();
        for _ in 0..4 {
            let mut phone = connect().await;
            phone.send("\r\n\r\n").await;
            assert_eq!(phone.frame().await, Some(Frame::Pong));
            phones.push(phone);
        }
        assert_eq!(connect().await.frame().await, None, "one too many");
        let phone = &mut phones[0];
        for at in 0..50 {
            // The connection is closed at some point, after which this fails.
            let _ = phone.stream.write_all(invite("TCP", &format!("call{at}")).as_bytes()).await;
        }
        let mut refused = 0;
        while let Some(Frame::Message(bytes)) = phone.frame().await {
            refused += u32::from(response(&bytes).status == 403);
        }
        assert!(refused <= 12, "{refused}");
        assert_eq!(running.counted("sip_closed_connections_total", Some("stranger")), 1.0);
        stream_phone::Phone::tcp(&running).await.call("TCP", "trunk").await;
        running.bridge.shutdown(PATIENCE).await;
    });
}
