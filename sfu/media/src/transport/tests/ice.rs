// SPDX-License-Identifier: EUPL-1.2
//! Where the client is, and for how long it consents to being sent to.

use std::net::SocketAddr;
use std::time::Duration;

use super::call::{Call, PASSWORD, USER_NAME, credentials};
use super::client::AS_BROWSERS;
use crate::shard::message::{DataChannel, TransportFailure};
use crate::transport::{StunOutcome, TransportEvent};

#[test]
fn every_check_is_answered() {
    let mut call = Call::connected(AS_BROWSERS);
    let before = call.stun_responses;
    call.run(Duration::from_secs(10));
    assert_eq!(call.stun_responses - before, 4);
}

#[test]
fn a_client_that_falls_silent_loses_its_transport() {
    let mut call = Call::connected(AS_BROWSERS);
    call.run(Duration::from_secs(60));
    assert_eq!(call.take_events(), []);
    call.checks = false;
    call.run(Duration::from_secs(27));
    assert_eq!(call.take_events(), []);
    call.run(Duration::from_secs(4));
    assert_eq!(call.take_events(), [TransportEvent::Failed(TransportFailure::ConsentLost)]);
    assert_eq!(call.check(true), StunOutcome::default());
    call.run(Duration::from_secs(1));
    assert!(call.client.is_closed, "the client is told, should it hear it");
}

#[test]
fn a_client_that_was_never_heard_loses_its_transport() {
    let mut call = Call::new(AS_BROWSERS);
    call.checks = false;
    call.run(Duration::from_secs(31));
    assert_eq!(call.take_events(), [TransportEvent::Failed(TransportFailure::ConsentLost)]);
}

#[test]
fn a_client_may_move_to_another_address() {
    let mut call = Call::with_data();
    let moved: SocketAddr = "[2001:db8::7]:50001".parse().unwrap();
    call.client_address = moved;
    assert_eq!(call.check(true), StunOutcome { is_verified: true, became_selected: true, forgotten: None });
    assert_eq!(call.transport.remote(), Some(moved));
    call.transport.send_data(call.now, DataChannel::Reliable, b"still here").unwrap();
    call.run(Duration::from_secs(1));
    assert_eq!(call.client.received.len(), 1);
}

#[test]
fn an_ice_restart_keeps_everything_above_it() {
    let mut call = Call::with_data();
    call.transport.restart_ice(credentials("ours2", "our-second-password-22"), credentials("theirs2", "unused"));
    let second = |call: &Call, nominates| call.client.check("ours2:theirs2", "our-second-password-22", nominates);
    assert!(call.check(true).is_verified, "the old credentials hold until a nomination with the new");

    call.client_address.set_port(50_002);
    let check = second(&call, false);
    let outcome = call.transport.handle_stun(call.now, call.client_address, &check);
    assert!(outcome.is_verified && !outcome.became_selected);
    let check = second(&call, true);
    assert!(call.transport.handle_stun(call.now, call.client_address, &check).became_selected);
    assert!(!call.check(true).is_verified);

    call.checks = false;
    call.transport.send_data(call.now, DataChannel::Reliable, b"after the restart").unwrap();
    call.run(Duration::from_secs(1));
    assert_eq!(call.client.received.len(), 1);
    assert!(call.transport.is_connected());
}

#[test]
fn a_stranger_cannot_take_the_transport_over() {
    let mut call = Call::connected(AS_BROWSERS);
    let stranger: SocketAddr = ([198, 51, 100, 9], 4444).into();
    for check in [
        call.client.check(USER_NAME, "a-guessed-password-of-22", true),
        call.client.check("ours:guess", PASSWORD, true),
        call.client.check("guess:theirs", PASSWORD, true),
    ] {
        assert_eq!(call.transport.handle_stun(call.now, stranger, &check), StunOutcome::default());
    }
    assert_eq!(call.transport.poll_datagram(), None, "no answer to what was forged");
    assert_eq!(call.transport.remote(), Some(call.client_address));
    assert_eq!(call.transport.stats().stun_refused, 3);
}
