// SPDX-License-Identifier: EUPL-1.2
//! Somebody who has found out the port of a call sends sound and keys to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{CallEnd, CallTerms, PhoneNotice, PhoneRequest, TrunkOperation, desk, dialer, trunks};
use sip_bridge::Bridge;
use sip_bridge::bridge::BridgeConfig;
use sip_bridge::prompts::Prompts;
use sip_bridge::sip::message::Transport;
use sip_bridge::sound::{SoundConfig, SoundLibrary, SoundThread};
use sip_bridge::transport::{Listen, Roots};
use sip_bridge::trunks::SystemDns;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::bridge::{PATIENCE, STRANGER, TRUNK, trunk};
use super::isolation::isolated;
use super::phone::{Phone, request};
use super::sound::Sound;

/// Another host of the trunk, which is not the one that the call's sound comes from.
const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// Takes the first call, and hands out what its caller keys in.
async fn attend(mut calls: mpsc::Receiver<CallEnd>, codes: mpsc::Sender<String>) {
    let Some(CallEnd { mut requests, notices, .. }) = calls.recv().await else { return };
    let terms = CallTerms { languages: vec!["de".to_owned()], is_direct: false, tenant: None };
    notices.send(PhoneNotice::Begun(terms)).await.unwrap();
    while let Some(request) = requests.recv().await {
        if let PhoneRequest::CheckId { digits, .. } = request {
            codes.send(digits.as_str().to_owned()).await.unwrap();
        }
    }
}

fn config(local: SocketAddr, trunks: TrunkOperation) -> BridgeConfig {
    BridgeConfig {
        listen: Listen { udp: vec![local], ..Listen::default() },
        tls: None,
        roots: Roots::default(),
        advertised: None,
        rtp_address: local.ip(),
        rtp_ports: 43_000..=43_009,
        trunks,
        dials: dialer().1,
        dns: Arc::new(SystemDns::without_servers()),
        max_calls: 2,
        is_dev: false,
    }
}

#[test]
fn keys_from_another_address_are_not_heard() {
    isolated("strange_sound::keys_from_another_address_are_not_heard", async {
        let (desk, calls) = desk();
        let (codes, mut keyed_in) = mpsc::channel(16);
        tokio::spawn(attend(calls, codes));
        let (events, heard) = mpsc::channel(1_024);
        let library = Arc::new(SoundLibrary::new(Prompts::embedded()));
        let (orders, thread) = SoundThread::spawn(None, SoundConfig::new(library), events).unwrap();
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let registry = prometheus::Registry::new();
        let (administration, operation) = trunks();
        administration.list.send_replace([trunk("trunk", &["127.0.0.0/29"])].into());
        let bridge = Bridge::start(config(local, operation), desk, vec![orders], heard, &registry).unwrap();
        let (_, address) = *bridge.local_addresses().iter().find(|(kind, _)| *kind == Transport::Udp).unwrap();

        let phone = Phone::at(TRUNK, address).await;
        let sound = UdpSocket::bind((TRUNK, 0)).await.unwrap();
        let port = sound.local_addr().unwrap().port();
        let offer = format!(
            "v=0\r\no=- 1 1 IN IP4 {TRUNK}\r\ns=-\r\nc=IN IP4 {TRUNK}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\n"
        );
        phone.send(&request("INVITE", "UDP", "one", 1, None, &offer)).await;
        let answer = phone.expect(200).await;
        let tag = answer.headers.to.tag().unwrap().to_owned();
        phone.send(&request("ACK", "UDP", "one", 1, Some(&tag), "")).await;
        let body = String::from_utf8(answer.body).unwrap();
        let media = body.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
        let target = SocketAddr::new(local.ip(), media.split(' ').next().unwrap().parse().unwrap());

        // The greeting comes, so the thread takes packets; from the telephone's first one on, it is that one's call.
        let mut buffer = [0; 2_048];
        timeout(PATIENCE, sound.recv_from(&mut buffer)).await.unwrap().unwrap();
        let mut own = Sound { seq_no: 1_000, timestamp: 1_000 };
        sound.send_to(&own.silence(), target).await.unwrap();
        let others = [
            UdpSocket::bind((TRUNK, 0)).await.unwrap(),
            UdpSocket::bind((NEIGHBOUR, 0)).await.unwrap(),
            UdpSocket::bind((STRANGER, 0)).await.unwrap(),
        ];
        // With a stream of their own, and with the telephone's, whose numbers they have seen.
        for (other, mut strange) in others.iter().zip([
            Sound { seq_no: 9, timestamp: 9 },
            Sound { seq_no: own.seq_no, timestamp: own.timestamp },
            Sound { seq_no: own.seq_no + 40, timestamp: own.timestamp + 40 * 160 },
        ]) {
            for _ in 0..4 {
                other.send_to(&strange.silence(), target).await.unwrap();
            }
            for packet in strange.key(9) {
                other.send_to(&packet, target).await.unwrap();
            }
        }
        for event in [1, 2, 3, 4, 5, 6, 7, 8, 0, 1] {
            for packet in own.key(event) {
                sound.send_to(&packet, target).await.unwrap();
            }
        }
        let code = timeout(PATIENCE, keyed_in.recv()).await.unwrap().unwrap();
        assert_eq!(code, "1234567801");
        // Nor is anything sent to them: all of it goes to the telephone.
        for other in &others {
            assert!(other.try_recv_from(&mut buffer).is_err());
        }
        phone.send(&request("BYE", "UDP", "one", 2, Some(&tag), "")).await;
        phone.expect(200).await;
        bridge.shutdown(Duration::ZERO).await;
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    });
}
