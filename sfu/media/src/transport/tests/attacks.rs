// SPDX-License-Identifier: EUPL-1.2
//! Datagrams that try to disturb the handshake or to break the process.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rtc_sctp::PayloadProtocolIdentifier as Protocol;

use super::call::{Call, Direction, PASSWORD, USER_NAME};
use super::client::{AS_BROWSERS, Client};
use crate::shard::demux::{DatagramKind, classify};
use crate::shard::message::DataChannel;
use crate::transport::{StunOutcome, TransportEvent};

/// The first flight of a stranger.
fn foreign_client_hello(call: &Call) -> Vec<u8> {
    let mut stranger = Client::new(AS_BROWSERS);
    stranger.start_dtls(call.now);
    stranger.take_datagrams().remove(0)
}

/// A fragment that fits no handshake, 37 bytes long.
fn junk_fragment(message_type: u8, message_seq: u8, message_len: u8) -> Vec<u8> {
    let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24];
    datagram.extend([message_type, 0, 0, message_len, 0, message_seq, 0, 0, 0, 0, 0, 12]);
    datagram.extend([0xaa; 12]);
    datagram
}

fn alert(level: u8, description: u8) -> Vec<u8> {
    vec![21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, level, description]
}

#[test]
fn an_unverified_address_reaches_nothing() {
    let mut call = Call::new(AS_BROWSERS);
    let hello = foreign_client_hello(&call);
    assert_eq!(classify(&hello), DatagramKind::Dtls);
    for datagram in [hello, junk_fragment(1, 0, 200), alert(2, 40)] {
        // The shard asks for the source first, and this is what it hears.
        let outcome = call.transport.handle_stun(call.now, ([198, 51, 100, 9], 1).into(), &datagram);
        assert_eq!(outcome, StunOutcome::default());
        // Even so, DTLS takes nothing before a check has been valid.
        assert!(!call.transport.handle_dtls(call.now, &datagram));
        assert_eq!(call.transport.poll_datagram(), None);
    }
    assert_eq!(call.transport.stats().dtls_refused, 3);
    call.check(true);
    call.client.start_dtls(call.now);
    call.run(Duration::from_secs(2));
    assert_eq!(call.take_events(), [TransportEvent::Connected]);
}

#[test]
fn what_is_of_no_use_to_dtls_is_counted() {
    let encrypted = |content_type| [&[content_type, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 16][..], &[7; 16]].concat();
    for junk in [vec![20], vec![63; 500], vec![22; 40], encrypted(23)] {
        let mut call = Call::new(AS_BROWSERS);
        call.check(true);
        assert!(!call.transport.handle_dtls(call.now, &junk), "{junk:?}");
        assert_eq!(call.transport.stats().dtls_refused, 1);
    }
    let mut call = Call::new(AS_BROWSERS);
    call.check(true);
    let hello = foreign_client_hello(&call);
    assert!(call.transport.handle_dtls(call.now, &hello));
    assert_eq!(call.transport.stats().dtls_refused, 0);
}

/// What even the owner of the client's address cannot do with a datagram or two, wherever in the handshake.
#[test]
fn junk_from_the_clients_address_does_not_end_the_handshake() {
    let hello = foreign_client_hello(&Call::new(AS_BROWSERS));
    let mut no_srtp = hello.clone();
    no_srtp.truncate(60);
    let mut junk = vec![no_srtp, alert(2, 40), alert(1, 0), alert(2, 0), vec![22], vec![20; 14]];
    let mut encrypted = junk_fragment(20, 5, 12);
    encrypted[4] = 1;
    junk.push(encrypted);
    for message_type in [0, 1, 2, 11, 15, 16, 20] {
        for message_seq in 0..7 {
            junk.push(junk_fragment(message_type, message_seq, 24));
            // A whole message of the type that is due cannot be told from the client's.
            if ![(11, 2), (16, 3), (15, 4)].contains(&(message_type, message_seq)) {
                junk.push(junk_fragment(message_type, message_seq, 12));
            }
        }
    }
    for junk in junk {
        for step in 0..8 {
            let mut call = Call::new(AS_BROWSERS);
            call.check(true);
            call.client.start_dtls(call.now);
            call.run(Duration::from_millis(10 * step));
            for _ in 0..3 {
                call.transport.handle_dtls(call.now, &junk);
            }
            call.run(Duration::from_secs(9));
            assert_eq!(call.take_events(), [TransportEvent::Connected], "{step} {junk:?}");
        }
    }
}

#[test]
fn a_connected_transport_ignores_what_is_not_encrypted() {
    let mut call = Call::with_data();
    let hello = foreign_client_hello(&call);
    for _ in 0..50 {
        for datagram in [hello.clone(), junk_fragment(20, 5, 12), alert(1, 0), alert(2, 40)] {
            call.transport.handle_dtls(call.now, &datagram);
        }
    }
    let answers = std::iter::from_fn(|| call.transport.poll_datagram()).count();
    assert!(answers <= 16, "the last flight is repeated a few times at most, not {answers} times");
    call.client.send(call.now, 0, Protocol::Binary, b"still here");
    call.run(Duration::from_secs(1));
    assert_eq!(call.take_messages().len(), 1);
}

/// Datagrams of a whole call, in both directions.
fn recorded_call(call: &mut Call) -> Vec<Vec<u8>> {
    let recording = Rc::new(RefCell::new(Vec::new()));
    let recorder = Rc::clone(&recording);
    call.link = Box::new(move |_: Direction, _, datagram: &[u8]| {
        recorder.borrow_mut().push(datagram.to_vec());
        true
    });
    call.check(true);
    call.client.start_dtls(call.now);
    call.run(Duration::from_secs(1));
    call.client.start_data(call.now);
    call.run(Duration::from_secs(1));
    call.client.open_channel(call.now, 0, "_reliable", 0, 0);
    call.client.send(call.now, 0, Protocol::Binary, &[1; 5000]);
    call.transport.send_data(call.now, DataChannel::Reliable, &[2; 5000]).unwrap();
    call.run(Duration::from_secs(1));
    let media = call.client.media.as_mut().unwrap();
    let mut rtp = vec![0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0];
    rtp.extend([7; 50]);
    let mut recording = recording.borrow().clone();
    recording.push(media.sends.encrypt_rtp(&rtp).unwrap().to_vec());
    recording.push(media.sends.encrypt_rtcp(&[0x80, 200, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1]).unwrap().to_vec());
    recording.push(call.client.check(USER_NAME, PASSWORD, true));
    recording
}

fn mutate(rng: &mut StdRng, datagram: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..6) {
        if datagram.is_empty() {
            return;
        }
        let at = rng.random_range(0..datagram.len());
        match rng.random_range(0..6) {
            0 => datagram[at] = rng.random(),
            1 => datagram[at] ^= 1 << rng.random_range(0..8),
            2 => datagram[at] = *[0, 1, 0x7f, 0x80, 0xff].choose(rng).unwrap(),
            3 => datagram.truncate(at),
            4 => drop(datagram.splice(at..at, (0..rng.random_range(1..20)).map(|byte| byte * 13))),
            _ => datagram.extend_from_within(at..),
        }
    }
}

#[test]
fn mutated_datagrams_never_panic() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut during_handshake = Call::new(AS_BROWSERS);
    let mut recording = recorded_call(&mut during_handshake);
    recording.extend([junk_fragment(1, 0, 24), alert(2, 40), foreign_client_hello(&during_handshake)]);
    let mut call = during_handshake;
    for round in 0..20_000 {
        if round % 200 == 0 {
            // Half of the time a fresh transport, in some stage of its handshake; half of the time a connected one.
            call = if round % 400 == 0 { Call::new(AS_BROWSERS) } else { Call::with_data() };
            call.check(true);
            call.client.start_dtls(call.now);
            call.run(Duration::from_millis(rng.random_range(0..60)));
        }
        let mut datagram = recording.choose(&mut rng).unwrap().clone();
        mutate(&mut rng, &mut datagram);
        let now = call.now + Duration::from_millis(round % 200);
        match classify(&datagram) {
            DatagramKind::Rtp => drop(call.transport.open_rtp(&mut datagram)),
            DatagramKind::Rtcp => drop(call.transport.open_rtcp(&mut datagram)),
            DatagramKind::Dtls => {
                call.transport.handle_dtls(now, &datagram);
            }
            DatagramKind::Stun | DatagramKind::Unknown => {
                call.transport.handle_stun(now, call.client_address, &datagram);
            }
        }
        while call.transport.poll_datagram().is_some() {}
        while call.transport.poll_event().is_some() {}
    }
}

/// Someone on the way changes what the client sends, so that each stage of a handshake gets its own kind of nonsense.
#[test]
fn a_handshake_mutated_on_its_way_never_panics() {
    for seed in 0..200 {
        let mut rng = StdRng::seed_from_u64(seed);
        let changed = Rc::new(RefCell::new(Vec::new()));
        let on_the_way = Rc::clone(&changed);
        let mut call = Call::new(AS_BROWSERS);
        call.link = Box::new(move |direction, _, datagram| {
            if direction == Direction::ToClient || rng.random_ratio(1, 2) {
                return true;
            }
            let mut copy = datagram.to_vec();
            mutate(&mut rng, &mut copy);
            on_the_way.borrow_mut().push(copy);
            rng.random_ratio(1, 2)
        });
        call.check(true);
        call.client.start_dtls(call.now);
        for _ in 0..100 {
            call.run(Duration::from_millis(30));
            for datagram in changed.take() {
                call.transport.handle_dtls(call.now, &datagram);
            }
        }
    }
}
