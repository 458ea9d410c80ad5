// SPDX-License-Identifier: EUPL-1.2
//! From a received datagram to the datagrams for all receivers, a shard allocates nothing once it has run for a while:
//! not per packet, not per receiver, not for the reports and feedback that go with them.

// Clippy knows tests by their attribute, and helpers have none.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../src/transport/tests/client.rs"]
mod client;
#[allow(dead_code)]
mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::{AS_BROWSERS, Client};
use common::{Kind, Publisher};
use counting_allocator::{CountingAllocator, allocations_of};
use sfu_media::ids::{ShardId, SpeakerGroup, TrackId, TransportId};
use sfu_media::session::{Downlink, Fingerprint, IceCredentials, Mid, Session, TransportSetup, Uplink};
use sfu_media::shard::message::ShardCommand;
use sfu_media::shard::{DatagramKind, Shard, classify};
use sfu_media::transport::DtlsIdentity;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const RECEIVERS: u16 = 12;
const PASSWORD: &str = "a-password-of-22-chars";

/// Connects a client with this session and gives it with its address.
fn connect(shard: &mut Shard, now: Instant, number: u16, session: Session) -> (Client, SocketAddr) {
    let credentials = |ufrag: String| IceCredentials { ufrag: ufrag.into(), password: PASSWORD.into() };
    let mut client = Client::new(AS_BROWSERS);
    let address = ([203, 0, 113, 7], 50_000 + number).into();
    let setup = TransportSetup {
        id: TransportId(number.into()),
        local: credentials(format!("ours{number}")),
        remote: credentials("theirs".to_owned()),
        remote_fingerprint: Fingerprint(client.fingerprint()),
        session,
    };
    shard.handle_command(now, ShardCommand::AddTransport(Box::new(setup)));
    shard.handle_datagram(now, address, &mut client.check(&format!("ours{number}:theirs"), PASSWORD, true));
    client.start_dtls(now);
    while client.media.is_none() {
        for mut datagram in client.take_datagrams() {
            shard.handle_datagram(now, address, &mut datagram);
        }
        for (_, datagram) in shard.transmits().iter().filter(|(_, datagram)| classify(datagram) == DatagramKind::Dtls) {
            client.handle_datagram(now, datagram);
        }
        shard.transmits().clear();
    }
    (client, address)
}

fn check(kind: Kind) {
    #[allow(clippy::disallowed_methods)]
    let mut now = Instant::now();
    let mut shard = Shard::new(ShardId(0), DtlsIdentity::generate().unwrap(), 1);
    let (mid, codec) = (Mid::parse("0").unwrap(), kind.codec());
    let uplink = Uplink {
        mid: mid.clone(),
        track: TrackId(1),
        speaker_group: SpeakerGroup(1),
        codec,
        rids: Vec::new(),
        ssrcs: vec![(10, Some(11))],
    };
    let sends = Session { extensions: common::IDS, uplinks: vec![uplink], ..Session::default() };
    let (mut publisher, address) = connect(&mut shard, now, 0, sends);
    for number in 1..=RECEIVERS {
        let rtx_ssrc = codec.rtx_payload_type.map(|_| 5_000 + u32::from(number));
        let downlink =
            Downlink { mid: mid.clone(), track: TrackId(1), codec, ssrc: 1_000 + u32::from(number), rtx_ssrc };
        let receives = Session { extensions: common::IDS, downlinks: vec![downlink], ..Session::default() };
        connect(&mut shard, now, number, receives);
        let transport = TransportId(number.into());
        shard.handle_command(now, ShardCommand::Subscribe { transport, track: TrackId(1), home: ShardId(0) });
    }
    while shard.poll_event().is_some() {}

    let epoch = now;
    let mut media = Publisher::new(kind);
    let mut sent = 0;
    // Twenty seconds, in which clients need not renew their consent.
    for is_counted in [false, true] {
        let mut allocations = 0;
        while now < epoch + Duration::from_secs(if is_counted { 20 } else { 12 }) {
            let (packet, elapsed) = media.next_packet();
            now = epoch + elapsed;
            let mut datagram = publisher.media.as_mut().unwrap().sends.encrypt_rtp(packet).unwrap();
            allocations += allocations_of(|| {
                shard.handle_datagram(now, address, &mut datagram);
                shard.handle_timeout(now);
                let _ = shard.poll_timeout();
                sent += shard.transmits().len();
                shard.transmits().clear();
            });
            while shard.poll_event().is_some() {}
        }
        assert!(!is_counted || allocations == 0, "{allocations} allocations");
    }
    let forwarded = shard.counters().forwarded_packets;
    assert!(sent as u64 > forwarded && forwarded > 900 * u64::from(RECEIVERS), "{forwarded} of {sent}");
}

#[test]
fn a_shard_forwards_video_without_allocations() {
    check(Kind::Video);
}
