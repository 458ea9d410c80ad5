// SPDX-License-Identifier: EUPL-1.2
//! Sealing and opening media allocates nothing once an SSRC is known.

// Clippy knows tests by their attribute, and helpers have none.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../src/transport/tests/client.rs"]
mod client;
#[path = "../src/transport/tests/packets.rs"]
mod packets;

use std::net::SocketAddr;
use std::time::Instant;

use counting_allocator::{CountingAllocator, allocations_of};

use client::{AS_BROWSERS, Client, Profile, SHA1_ONLY};
use packets::{rtcp, rtp};
use sfu_media::ids::TransportId;
use sfu_media::session::{Fingerprint, IceCredentials, Session, TransportSetup};
use sfu_media::transport::{
    DtlsIdentity, SEAL_OVERHEAD_BYTES, SEAL_RTCP_OVERHEAD_BYTES, SrtpProfile, StreamPlace, Transport, TransportEvent,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// A transport and a client with DTLS between them, without a network.
fn connected(profiles: &[Profile]) -> (Transport, Client) {
    #[allow(clippy::disallowed_methods)]
    let now = Instant::now();
    let address: SocketAddr = ([203, 0, 113, 7], 50_000).into();
    let credentials = |ufrag: &str| IceCredentials { ufrag: ufrag.into(), password: "a-password-of-22-chars".into() };
    let mut client = Client::new(profiles);
    let setup = TransportSetup {
        id: TransportId(1),
        local: credentials("ours"),
        remote: credentials("theirs"),
        remote_fingerprint: Fingerprint(client.fingerprint()),
        session: Session::default(),
    };
    let mut transport = Transport::new(now, &DtlsIdentity::generate().unwrap(), &setup);
    let check = client.check("ours:theirs", "a-password-of-22-chars", true);
    assert!(transport.handle_stun(now, address, &check).became_selected);
    transport.poll_datagram().unwrap();
    client.start_dtls(now);
    while client.media.is_none() {
        for datagram in client.take_datagrams() {
            transport.handle_dtls(now, &datagram);
        }
        while let Some((_, datagram)) = transport.poll_datagram() {
            client.handle_datagram(now, &datagram);
        }
    }
    assert_eq!(transport.poll_event(), Some(TransportEvent::Connected));
    (transport, client)
}

const CASES: [(&[Profile], SrtpProfile); 2] =
    [(AS_BROWSERS, SrtpProfile::AeadAes128Gcm), (SHA1_ONLY, SrtpProfile::Aes128CmHmacSha1_80)];
const SSRCS: u32 = 8;

/// Over a wrap of the sequence number.
fn packet_ids() -> impl Iterator<Item = (u32, u16)> {
    (65_300..65_800_u32).flat_map(|seq_no| (0..SSRCS).map(move |ssrc| (ssrc, seq_no as u16)))
}

#[test]
fn sealing_allocates_nothing() {
    for (profiles, profile) in CASES {
        let (mut transport, _) = connected(profiles);
        assert_eq!(transport.srtp_profile(), Some(profile));
        let mut packets: Vec<_> = packet_ids().map(|(ssrc, seq_no)| rtp(ssrc, seq_no)).collect();
        let len = packets[0].len();
        packets.iter_mut().for_each(|packet| packet.resize(len + SEAL_OVERHEAD_BYTES, 0));
        let (first, steady) = packets.split_at_mut(SSRCS as usize);
        first
            .iter_mut()
            .for_each(|packet| assert!(transport.seal_rtp(&mut StreamPlace::default(), packet, len).is_some()));
        let allocations = allocations_of(|| {
            steady
                .iter_mut()
                .for_each(|packet| assert!(transport.seal_rtp(&mut StreamPlace::default(), packet, len).is_some()));
        });
        assert_eq!(allocations, 0, "{profile:?}");

        let mut packet = rtcp(1);
        let len = packet.len();
        packet.resize(len + SEAL_RTCP_OVERHEAD_BYTES, 0);
        assert_eq!(allocations_of(|| assert!(transport.seal_rtcp(&mut packet, len).is_some())), 0);
    }
}

#[test]
fn opening_allocates_nothing() {
    for (profiles, profile) in CASES {
        let (mut transport, mut client) = connected(profiles);
        let media = client.media.as_mut().unwrap();
        let mut packets: Vec<_> =
            packet_ids().map(|(ssrc, seq_no)| media.sends.encrypt_rtp(&rtp(ssrc, seq_no)).unwrap()).collect();
        let (first, steady) = packets.split_at_mut(SSRCS as usize);
        first.iter_mut().for_each(|packet| assert!(transport.open_rtp(packet).is_ok()));
        let allocations = allocations_of(|| {
            steady.iter_mut().for_each(|packet| assert!(transport.open_rtp(packet).is_ok()));
        });
        assert_eq!(allocations, 0, "{profile:?}");

        let mut reports: Vec<_> = (0..2).map(|_| media.sends.encrypt_rtcp(&rtcp(1)).unwrap()).collect();
        transport.open_rtcp(&mut reports[0]).unwrap();
        assert_eq!(allocations_of(|| assert!(transport.open_rtcp(&mut reports[1]).is_ok())), 0);
    }
}

#[test]
fn refusing_allocates_nothing() {
    for (profiles, profile) in CASES {
        let (mut transport, _) = connected(profiles);
        let mut forged: Vec<_> = packet_ids().map(|(ssrc, seq_no)| rtp(ssrc, seq_no)).collect();
        let allocations = allocations_of(|| {
            forged.iter_mut().for_each(|packet| assert!(transport.open_rtp(packet).is_err()));
        });
        assert_eq!(allocations, 0, "{profile:?}");
    }
}
