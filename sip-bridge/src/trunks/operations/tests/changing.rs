// SPDX-License-Identifier: EUPL-1.2
//! Trunks that are changed and removed while there are calls.

use bus::phone::{RegistrationState, TrunkConfig};

use super::{FIRST, Rig, SECOND, s};
use crate::trunks::DEV_TRUNK;
use crate::trunks::testing::{config, credentials, registering};

fn ids(rig: &Rig, source: &str) -> Vec<String> {
    rig.peers.at(source.parse().unwrap()).iter().map(|peer| peer.config.id.clone()).collect()
}

fn knows(rig: &Rig, source: &str) -> bool {
    rig.peers.knows(source.parse().unwrap())
}

#[test]
fn a_removed_trunk_takes_its_registration_away_and_is_a_stranger_then() {
    let mut rig = Rig::new();
    rig.list(&[registering("a", &[FIRST])]);
    assert_eq!(ids(&rig, FIRST), ["a"]);
    rig.registers();
    rig.list(&[]);
    let registers = rig.registers();
    assert!(matches!(&registers[..], [(server, expires, _)] if server == FIRST && expires == "0"), "{registers:?}");
    assert!(rig.operations.states().is_empty() && rig.operations.leaving.is_empty());
    assert!(!knows(&rig, FIRST));
}

#[test]
fn a_registrar_that_does_not_answer_the_good_bye_is_let_in_until_that_ends() {
    let mut rig = Rig::new();
    rig.list(&[registering("a", &[FIRST])]);
    rig.silence(FIRST);
    rig.list(&[]);
    assert!(ids(&rig, FIRST).is_empty() && knows(&rig, FIRST));
    rig.run(s(33));
    assert!(!knows(&rig, FIRST));
    assert!(rig.operations.leaving.is_empty());
    assert_eq!(rig.endpoint.transactions(), 0);
}

#[test]
fn who_may_call_changes_without_a_word_to_the_registrar() {
    let mut rig = Rig::new();
    rig.list(&[registering("a", &[FIRST])]);
    rig.sent.clear();
    let changed = TrunkConfig {
        networks: vec!["203.0.113.0/24".parse().unwrap()],
        caller_credentials: Some(credentials("a", "b")),
        max_calls: Some(1),
        ..registering("a", &[FIRST])
    };
    rig.list(&[changed]);
    assert!(rig.sent.is_empty());
    assert_eq!(ids(&rig, "203.0.113.9"), ["a"]);
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
}

#[test]
fn another_registration_replaces_the_one_before_and_has_a_contact_of_its_own() {
    let mut rig = Rig::new();
    rig.list(&[registering("a", &[FIRST])]);
    let old = rig.registers().remove(0).2;
    let mut changed = registering("a", &[FIRST]);
    changed.credentials = Some(credentials("line", "another"));
    rig.silence(FIRST);
    rig.list(std::slice::from_ref(&changed));
    let registers = rig.registers();
    let [(_, gone, of_old), (_, asked, of_new)] = &registers[..] else { panic!("{registers:?}") };
    assert_eq!((gone.as_str(), asked.as_str()), ("0", "600"));
    assert!(*of_old == old && *of_new != old, "taking the old away must not hit the new");
    assert!(rig.operations.has_contact(of_old) && rig.operations.has_contact(of_new));
    // And again, while the first is still leaving.
    changed.destinations.clone_from(&registering("a", &[SECOND]).destinations);
    rig.list(&[changed]);
    let third = rig.registers().pop().unwrap();
    assert_eq!(third.0, SECOND);
    assert!(third.2 != old && third.2 != *of_new);
    rig.run(s(70));
    assert!(rig.operations.leaving.is_empty());
}

#[test]
fn calls_that_go_on_are_heard_until_the_last_is_over() {
    let network = |network: &str| config("a", &[network]);
    let mut rig = Rig::new();
    rig.list(&[network("198.51.100.0/24")]);
    rig.operations.handle_call_began("a");
    rig.operations.handle_call_began("a");
    rig.list(&[network("203.0.113.0/24")]);
    assert!(knows(&rig, "198.51.100.1") && ids(&rig, "198.51.100.1").is_empty(), "no new calls from there");
    assert_eq!(rig.state("a").calls, 2);
    rig.list(&[]);
    assert!(knows(&rig, "198.51.100.1") && knows(&rig, "203.0.113.1"));
    rig.operations.handle_call_ended("a");
    rig.settle();
    assert!(knows(&rig, "198.51.100.1"));
    rig.operations.handle_call_ended("a");
    rig.settle();
    assert!(!knows(&rig, "198.51.100.1") && !knows(&rig, "203.0.113.1"));
    assert!(rig.operations.calls.is_empty());
}

#[test]
fn what_calls_keep_is_bounded() {
    let mut rig = Rig::new();
    rig.operations.handle_call_began("a");
    for at in 0..600 {
        rig.list(&[config("a", &[&format!("10.{}.{}.0/24", at / 256, at % 256)])]);
    }
    assert_eq!(rig.peers.former.len(), super::super::MAX_FORMER);
}

#[test]
fn this_machine_is_a_trunk_in_dev_mode_and_only_then() {
    let mut rig = Rig::with_dev(true);
    for source in ["127.0.0.1", "127.3.2.1", "::1"] {
        assert_eq!(ids(&rig, source), [DEV_TRUNK], "{source}");
    }
    assert!(!knows(&rig, "10.0.0.1"));
    rig.list(&[config("a", &["127.0.0.0/8"]), config("a", &["10.0.0.0/8"]), config(DEV_TRUNK, &["10.0.0.0/8"])]);
    assert_eq!(ids(&rig, "127.0.0.1"), ["a", DEV_TRUNK], "who is administered comes first");
    assert!(!knows(&rig, "10.0.0.1"), "an id is used once");
    rig.list(&[]);
    assert_eq!(ids(&rig, "127.0.0.1"), [DEV_TRUNK]);
    assert!(!knows(&Rig::new(), "127.0.0.1"));
}

#[test]
fn after_the_shutdown_nothing_is_begun() {
    let mut rig = Rig::new();
    rig.list(&[registering("a", &[FIRST])]);
    rig.operations.shut_down();
    rig.endpoint.drain(rig.now);
    rig.settle();
    assert_eq!(rig.registers().pop().map(|(_, expires, _)| expires).as_deref(), Some("0"));
    assert!(rig.endpoint.is_drained());
    rig.list(&[registering("a", &[FIRST]), registering("b", &[SECOND])]);
    rig.run(s(600));
    assert!(rig.sent.is_empty());
}
