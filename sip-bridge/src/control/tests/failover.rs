// SPDX-License-Identifier: EUPL-1.2
//! Calls that we make, where a trunk's servers are out of order.

use std::time::Duration;

use bus::phone::{CallPurpose, DialProgress, NotReachedReason, TrunkConfig, TrunkTransport};

use super::callee::{FIRST, SECOND, dialling, not_reached, order};
use super::rig::{OFFER, Rig};
use crate::control::core::Output;
use crate::sip::flow::{Carrier, ConnectionId, Flow, Transmit};
use crate::sip::message::Transport;
use crate::trunks::testing::{config, destination};

const ANSWERED: DialProgress = DialProgress::Answered { bridge: 0 };

/// Where INVITEs went, each place once.
fn tried(rig: &Rig) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for place in rig.requests("INVITE").into_iter().map(|invite| rig.sent_to(invite)) {
        if !all.contains(&place) {
            all.push(place);
        }
    }
    all
}

#[test]
fn the_next_is_tried_where_the_first_is_out_of_order() {
    let (mut rig, call) = dialling(CallPurpose::Invitation);
    rig.respond("INVITE", 503, "", &[]);
    assert_eq!(tried(&rig), [FIRST, SECOND]);
    rig.source = SECOND;
    rig.respond("INVITE", 180, "", &[]);
    rig.respond("INVITE", 200, OFFER, &[]);
    assert_eq!(rig.progress(), [DialProgress::Ringing, ANSWERED]);
    rig.tell(|core, now| core.handle_notice(now, call, None));
    assert_eq!(rig.sent_to(&rig.last_request("BYE")), SECOND);
    assert_eq!(rig.metrics.calls.get(), 0);
}

#[test]
fn when_none_is_left_the_last_answer_is_told() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    rig.respond("INVITE", 503, "", &[]);
    rig.source = SECOND;
    rig.respond("INVITE", 503, "", &[]);
    assert_eq!(rig.progress(), [not_reached(NotReachedReason::TrunkFailed, Some(503))]);
    assert_eq!((rig.requests("INVITE").len(), rig.closed_lines()), (2, 1));
}

#[test]
fn one_that_asks_for_a_pause_gets_no_calls_until_then() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    rig.respond("INVITE", 503, "", &[("Retry-After", "60")]);
    rig.dial(order(CallPurpose::Invitation));
    assert_eq!(tried(&rig), [FIRST, SECOND]);
    rig.run(Duration::from_secs(61));
    rig.dial(order(CallPurpose::Invitation));
    assert_eq!(rig.sent_to(&rig.last_request("INVITE")), FIRST);
}

#[test]
fn a_silent_one_is_left_after_four_seconds_and_its_late_answer_hung_up() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    let first = rig.last_request("INVITE");
    rig.run(Duration::from_millis(3_999));
    assert_eq!(tried(&rig), [FIRST]);
    rig.run(Duration::from_millis(1));
    assert_eq!(tried(&rig), [FIRST, SECOND]);
    let second = rig.last_request("INVITE");
    assert_ne!(first.headers.call_id, second.headers.call_id);
    rig.source = SECOND;
    rig.respond_to(&second, "t", 200, OFFER, &[]);
    assert_eq!(rig.progress(), [ANSWERED]);
    rig.source = FIRST;
    rig.respond_to(&first, "late", 200, OFFER, &[]);
    let byes: Vec<_> = rig.requests("BYE").into_iter().map(|bye| bye.headers.call_id.clone()).collect();
    assert_eq!(byes, [first.headers.call_id]);
    assert_eq!(rig.metrics.calls.get(), 1);
    // It is asked last from now on.
    rig.dial(order(CallPurpose::Invitation));
    assert_eq!(rig.sent_to(&rig.last_request("INVITE")), SECOND);
}

#[test]
fn one_that_is_slow_to_ring_is_not_left() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    rig.respond("INVITE", 100, "", &[]);
    rig.run(Duration::from_secs(20));
    assert_eq!(tried(&rig), [FIRST]);
}

#[test]
fn the_last_one_is_waited_for_as_long_as_a_transaction_lasts() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    rig.run(Duration::from_secs(35));
    assert!(rig.progress().is_empty());
    rig.run(Duration::from_secs(2));
    assert_eq!(rig.progress(), [not_reached(NotReachedReason::TrunkFailed, None)]);
    assert_eq!(tried(&rig).last().map(String::as_str), Some(SECOND));
    assert_eq!(rig.metrics.calls.get(), 0);
}

#[test]
fn a_connection_that_cannot_be_opened_is_the_next_one_s_turn() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    let transmit = last_sent(&rig);
    rig.tell(|core, now| core.handle_unsent(now, &transmit));
    assert_eq!(tried(&rig), [FIRST, SECOND]);
    // Where it has rung it would ring again.
    rig.source = SECOND;
    rig.respond("INVITE", 180, "", &[]);
    rig.respond("INVITE", 503, "", &[]);
    assert_eq!(rig.progress()[1..], [not_reached(NotReachedReason::TrunkFailed, Some(503))]);
}

/// A trunk by TCP with these servers, which were spoken to by connection 1, of which nobody knew that it was dead.
fn dialling_by_a_dead_connection(servers: &[&str]) -> Rig {
    let destination = |server: &&str| {
        let (host, port) = server.split_once(':').unwrap();
        destination(host, port.parse().ok(), TrunkTransport::Tcp)
    };
    let mut rig = Rig::new(1);
    rig.transport = Transport::Tcp;
    rig.list(&[TrunkConfig { destinations: servers.iter().map(destination).collect(), ..config("a", &[]) }]);
    rig.dial(order(CallPurpose::Invitation));
    break_last(&mut rig, 1, false);
    rig
}

fn last_sent(rig: &Rig) -> Transmit {
    let sent = rig.outputs.iter().rev().find_map(|output| match output {
        Output::Transmit(transmit) => Some((**transmit).clone()),
        _ => None,
    });
    sent.unwrap()
}

/// The last INVITE was given to a connection, which breaks.
fn break_last(rig: &mut Rig, connection: u64, is_new: bool) {
    let transmit = last_sent(rig);
    assert_eq!(transmit.flow.connection, None);
    let connection = ConnectionId(connection);
    rig.tell(|core, now| {
        core.handle_sent(&transmit, Carrier { connection, is_new });
        core.handle_transport_failed(now, Flow { connection: Some(connection), ..transmit.flow });
    });
}

#[test]
fn an_exchange_that_was_begun_anew_is_called_by_another_connection() {
    let mut rig = dialling_by_a_dead_connection(&[FIRST]);
    assert_eq!((rig.requests("INVITE").len(), tried(&rig)), (2, vec![FIRST.to_owned()]));
    rig.source = FIRST;
    rig.respond("INVITE", 200, OFFER, &[]);
    assert_eq!(rig.progress(), [ANSWERED]);
}

#[test]
fn an_exchange_that_takes_no_connection_is_not_called_again() {
    let mut rig = dialling_by_a_dead_connection(&[FIRST]);
    break_last(&mut rig, 2, true);
    assert_eq!(rig.requests("INVITE").len(), 2);
    assert_eq!(rig.progress(), [not_reached(NotReachedReason::TrunkFailed, None)]);
    assert_eq!((rig.closed_lines(), rig.metrics.calls.get()), (1, 0));
}

#[test]
fn connections_that_break_one_after_the_other_end_the_call() {
    let mut rig = dialling_by_a_dead_connection(&[FIRST]);
    break_last(&mut rig, 2, false);
    assert_eq!(rig.requests("INVITE").len(), 2);
    assert_eq!(rig.progress(), [not_reached(NotReachedReason::TrunkFailed, None)]);
}

#[test]
fn another_server_is_called_before_the_connection_to_the_first_is_made_again() {
    let rig = dialling_by_a_dead_connection(&[FIRST, SECOND]);
    assert_eq!((rig.requests("INVITE").len(), tried(&rig)), (2, vec![FIRST.to_owned(), SECOND.to_owned()]));
}

#[test]
fn the_time_to_ring_is_shared_by_all() {
    let (mut rig, _) = dialling(CallPurpose::Invitation);
    rig.run(Duration::from_secs(4));
    rig.source = SECOND;
    rig.respond("INVITE", 180, "", &[]);
    rig.run(Duration::from_secs(55));
    assert!(rig.requests("CANCEL").is_empty());
    rig.run(Duration::from_secs(1));
    assert_eq!(rig.requests("CANCEL").len(), 1);
}
