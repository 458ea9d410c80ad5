// SPDX-License-Identifier: EUPL-1.2
//! From the first check until DTLS is up, and how it fails.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::call::{Call, Direction};
use super::client::{AS_BROWSERS, Client, SHA1_ONLY};
use crate::shard::message::TransportFailure;
use crate::transport::{SrtpProfile, TransportEvent};

#[test]
fn gcm_is_chosen_although_the_client_lists_sha1_first() {
    let call = Call::connected(AS_BROWSERS);
    assert_eq!(call.transport.srtp_profile(), Some(SrtpProfile::AeadAes128Gcm));
    assert!(call.transport.is_connected());
}

#[test]
fn sha1_is_chosen_when_the_client_knows_nothing_else() {
    let call = Call::connected(SHA1_ONLY);
    assert_eq!(call.transport.srtp_profile(), Some(SrtpProfile::Aes128CmHmacSha1_80));
}

#[test]
fn another_certificate_than_the_announced_one_fails_the_handshake() {
    let mut call = Call::with_client(Client::new(AS_BROWSERS), [7; 32]);
    call.check(true);
    call.client.start_dtls(call.now);
    call.run(Duration::from_secs(2));
    assert_eq!(call.take_events(), [TransportEvent::Failed(TransportFailure::HandshakeFailed)]);
    assert!(!call.transport.is_connected() && call.client.media.is_none());
}

#[test]
fn a_client_that_never_starts_dtls_times_out() {
    let mut call = Call::new(AS_BROWSERS);
    call.run(Duration::from_millis(9990));
    assert_eq!(call.take_events(), []);
    call.run(Duration::from_millis(20));
    assert_eq!(call.take_events(), [TransportEvent::Failed(TransportFailure::HandshakeTimeout)]);
    assert_eq!(call.transport.poll_timeout(), None);
}

#[test]
fn any_one_lost_datagram_delays_the_handshake_but_does_not_end_it() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        for lost in 0..8 {
            let mut call = Call::new(AS_BROWSERS);
            call.link = Box::new(move |d, number, _| d != direction || number != lost);
            call.check(true);
            call.client.start_dtls(call.now);
            call.run(Duration::from_secs(8));
            assert_eq!(call.take_events(), [TransportEvent::Connected], "{direction:?} {lost}");
            assert!(call.client.media.is_some(), "{direction:?} {lost}");
        }
    }
}

#[test]
fn a_handshake_gets_through_a_lossy_network() {
    for seed in 0..30 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut call = Call::new(AS_BROWSERS);
        call.link = Box::new(move |_, _, _| !rng.random_ratio(1, 10));
        call.check(true);
        call.client.start_dtls(call.now);
        call.run(Duration::from_secs(9));
        assert_eq!(call.take_events(), [TransportEvent::Connected], "seed {seed}");
    }
}
