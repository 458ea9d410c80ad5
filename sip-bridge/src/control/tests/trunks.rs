// SPDX-License-Identifier: EUPL-1.2
//! Calls of trunks that are administered: how many, by whose password, by a registration, and while trunks change.

use std::collections::BTreeSet;
use std::time::Duration;

use bus::phone::{RegistrationState, TrunkConfig, TrunkStates, TrunkTransport};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::rig::{OFFER, Rig};
use crate::control::core::Output;
use crate::sip::digest::Account;
use crate::sip::flow::ConnectionId;
use crate::sip::message::Transport;
use crate::sound::SoundEvent;
use crate::trunks::testing::{config, credentials, destination, registering};

const SDP: &str = "Content-Type: application/sdp\r\n";

/// A server of a trunk, and an address of its network.
const SERVER: &str = "198.51.100.7:5060";

fn states(rig: &Rig) -> TrunkStates {
    let mut told = rig.outputs.iter().rev().filter_map(|output| match output {
        Output::TrunkStates(states) => Some(states.clone()),
        _ => None,
    });
    told.next().unwrap()
}

fn incoming(rig: &Rig) -> Vec<(String, String)> {
    let opened = rig.outputs.iter().filter_map(|output| match output {
        Output::OpenLine { incoming, .. } => Some((incoming.trunk.clone(), incoming.called.clone())),
        _ => None,
    });
    opened.collect()
}

/// An answer of the server to the last request of that method.
fn answer(rig: &mut Rig, method: &str, status: u16, lines: &[(&str, &str)]) {
    let request = (*rig.requests(method).last().unwrap()).clone();
    let mut response = request.response(status, "Answer");
    response.headers.contact = request.headers.contact;
    for (name, value) in lines {
        response.headers.push(name, *value);
    }
    let text = String::from_utf8(response.to_bytes()).unwrap();
    rig.send(&text);
}

#[test]
fn a_trunk_has_its_own_limit_and_gets_back_what_it_had() {
    let mut rig = Rig::new(1);
    rig.list(&[TrunkConfig { max_calls: Some(1), ..config("a", &["198.51.100.0/24"]) }]);
    rig.source = SERVER;
    rig.invite("one", SDP, OFFER);
    rig.invite("two", SDP, OFFER);
    assert_eq!(rig.statuses("two"), [100, 486]);
    assert_eq!(rig.metrics.refused_calls.with_label_values(&["too_many_of_trunk"]).get(), 1);
    assert_eq!(states(&rig).get("a").unwrap().calls, 1);
    rig.source = "127.0.0.1:5062";
    rig.invite("other", SDP, OFFER);
    assert_eq!(rig.statuses("other"), [100, 180], "another trunk's");
    let call = rig.calls()[0];
    rig.tell(|core, now| core.handle_notice(now, call, None));
    assert_eq!(states(&rig).get("a").unwrap().calls, 0);
    rig.source = SERVER;
    rig.invite("three", SDP, OFFER);
    assert_eq!(rig.statuses("three"), [100, 180]);
}

#[test]
fn a_caller_with_a_password_is_asked_and_then_taken_or_refused() {
    let mut rig = Rig::new(1);
    let caller_credentials = Some(credentials("alice", "right"));
    rig.list(&[TrunkConfig { caller_credentials, ..config("a", &["198.51.100.0/24"]) }]);
    rig.source = SERVER;
    rig.invite("one", SDP, OFFER);
    assert_eq!(rig.statuses("one"), [100, 401]);
    assert!(rig.calls().is_empty());
    let asked: Vec<String> = rig.answer("one").headers.all("WWW-Authenticate").map(str::to_owned).collect();
    assert_eq!(asked.len(), 2, "SHA-256 and MD5");
    let authorization = |password: &str| {
        let mut account = Account::new("alice".to_owned(), password.to_owned().into());
        account.handle_challenges(&mut StdRng::seed_from_u64(1), asked.iter().map(String::as_str)).unwrap();
        account.authorization("INVITE", "sip:+49301@saal.example").unwrap()
    };
    rig.invite("wrong", &format!("Authorization: {}\r\n{SDP}", authorization("wrong")), OFFER);
    assert_eq!(rig.statuses("wrong"), [100, 403]);
    assert_eq!(rig.metrics.refused_calls.with_label_values(&["wrong_password"]).get(), 1);
    rig.invite("right", &format!("Authorization: {}\r\n{SDP}", authorization("right")), OFFER);
    assert_eq!(rig.statuses("right"), [100, 180]);
    assert_eq!(incoming(&rig), [("a".to_owned(), "+49301".to_owned())]);
    rig.invite("torn", &format!("Authorization: Digest realm\r\n{SDP}"), OFFER);
    assert_eq!(rig.statuses("torn"), [100, 400]);
}

#[test]
fn a_call_goes_on_while_its_trunk_is_changed_and_removed() {
    let mut rig = Rig::new(1);
    rig.list(&[config("a", &["198.51.100.0/24"])]);
    rig.source = SERVER;
    rig.answered("one");
    rig.list(&[config("a", &["203.0.113.0/24"])]);
    rig.list(&[]);
    let source = "198.51.100.9".parse().unwrap();
    assert!(rig.trunks.current().knows(source), "its messages are still let in");
    rig.invite("two", SDP, OFFER);
    assert_eq!(rig.statuses("two"), [100, 403], "no new one");
    assert!(rig.requests("BYE").is_empty());
    rig.in_dialog("BYE", "one", "", "");
    assert_eq!(rig.responses("one").last().unwrap().status, 200);
    assert!(!rig.trunks.current().knows(source));
}

#[test]
fn a_call_by_a_registration_is_the_trunk_s_and_says_who_was_called() {
    let mut rig = Rig::new(1);
    let twins = ["a", "b"].map(|id| registering(id, &["198.51.100.7"]));
    rig.list(&twins);
    rig.source = SERVER;
    let contact = |index: usize, rig: &Rig| rig.requests("REGISTER")[index].headers.contact[0].uri.to_string();
    let (a, b) = (contact(0, &rig), contact(1, &rig));
    assert_ne!(a, b);
    for (id, uri) in [("first", &b), ("second", &a)] {
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKi{id};rport\r\n\
             From: <sip:+491701@a.example>;tag=f{id}\r\nTo: <sip:+4930555@provider.example>\r\nCall-ID: {id}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:a@198.51.100.7:5060>\r\n{SDP}Content-Length: {}\r\n\r\n{OFFER}",
            OFFER.len()
        );
        rig.send(&text);
    }
    let called = "+4930555".to_owned();
    assert_eq!(incoming(&rig), [("b".to_owned(), called.clone()), ("a".to_owned(), called)]);
}

#[test]
fn who_we_are_is_proven_in_calls_too() {
    let mut rig = Rig::new(1);
    rig.list(&[TrunkConfig { registration: None, ..registering("a", &["198.51.100.7"]) }]);
    rig.source = SERVER;
    let call = rig.answered("one");
    rig.tell(|core, now| core.handle_sound(now, SoundEvent::Lost { call }));
    assert_eq!(rig.requests("BYE").len(), 1);
    answer(&mut rig, "BYE", 407, &[("Proxy-Authenticate", "Digest realm=\"r\", nonce=\"n\"")]);
    let value = rig.requests("BYE").last().and_then(|bye| bye.headers.get("Proxy-Authorization")).unwrap();
    assert!(value.contains("username=\"line\""), "{value}");
    // A second time it is a refusal.
    answer(&mut rig, "BYE", 407, &[("Proxy-Authenticate", "Digest realm=\"r\", nonce=\"other\"")]);
    assert_eq!(rig.requests("BYE").len(), 2);
}

#[test]
fn states_are_told_when_they_change_and_registrations_end_at_shutdown() {
    let mut rig = Rig::new(1);
    rig.list(&[registering("a", &["198.51.100.7"])]);
    rig.source = SERVER;
    assert_eq!(states(&rig).get("a").unwrap().registration, Some(RegistrationState::Trying));
    answer(&mut rig, "REGISTER", 200, &[("Expires", "600")]);
    assert_eq!(states(&rig).get("a").unwrap().registration, Some(RegistrationState::Registered));
    assert_eq!(rig.metrics.registrations.with_label_values(&["registered"]).get(), 1);
    let told = |rig: &Rig| rig.outputs.iter().filter(|output| matches!(output, Output::TrunkStates(_))).count();
    let count = told(&rig);
    rig.list(&[registering("a", &["198.51.100.7"])]);
    rig.run(Duration::from_millis(400));
    assert_eq!(told(&rig), count, "nothing has changed");
    rig.tell(|core, now| core.shut_down(now, Duration::from_secs(12)));
    assert_eq!(rig.requests("REGISTER").last().unwrap().headers.get("Expires"), Some("0"));
    assert!(!rig.core.is_shut_down(rig.now));
    answer(&mut rig, "REGISTER", 200, &[]);
    assert!(rig.core.is_shut_down(rig.now));
}

#[test]
fn the_connection_of_a_registration_is_to_be_kept_until_that_ends() {
    let mut rig = Rig::new(1);
    let destinations = vec![destination("198.51.100.7", Some(5060), TrunkTransport::Tcp)];
    rig.list(&[TrunkConfig { destinations, ..registering("a", &[]) }]);
    let kept = |rig: &Rig| {
        let kept = rig.outputs.iter().filter_map(|output| match output {
            Output::Keep(connections) => Some(connections.clone()),
            _ => None,
        });
        kept.collect::<Vec<_>>()
    };
    assert!(kept(&rig).is_empty());
    (rig.source, rig.transport, rig.connection) = (SERVER, Transport::Tcp, Some(ConnectionId(3)));
    answer(&mut rig, "REGISTER", 200, &[("Expires", "600")]);
    assert_eq!(kept(&rig), [BTreeSet::from([ConnectionId(3)])]);
    rig.list(&[]);
    answer(&mut rig, "REGISTER", 200, &[]);
    assert_eq!(kept(&rig).last(), Some(&BTreeSet::new()));
}

#[test]
fn a_registrar_that_is_gone_does_not_hold_up_the_shutdown() {
    let mut rig = Rig::new(1);
    rig.list(&[registering("a", &["198.51.100.7"])]);
    rig.source = SERVER;
    answer(&mut rig, "REGISTER", 200, &[("Expires", "600")]);
    rig.tell(|core, now| core.shut_down(now, Duration::from_secs(12)));
    rig.run(Duration::from_millis(2_900));
    assert!(!rig.core.is_shut_down(rig.now));
    rig.run(Duration::from_millis(200));
    assert!(rig.core.is_shut_down(rig.now));
}
