// SPDX-License-Identifier: EUPL-1.2
//! Where a trunk is registered, and when it goes elsewhere.

use bus::phone::{DestinationState, RegistrationState, TrunkConfig};

use super::{FIRST, Rig, SECOND, s};
use crate::sip::message::Method;
use crate::trunks::testing::registering;

#[test]
fn it_registers_at_the_first_and_stays_there() {
    let mut rig = Rig::new();
    rig.list(&[registering("a", &[FIRST, SECOND])]);
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    assert_eq!(rig.destinations("a"), [DestinationState::Reachable; 2]);
    let first = rig.sent.iter().find(|(_, request)| request.method == Method::Register).unwrap().1.clone();
    assert_eq!(first.uri.to_string(), "sip:provider.example");
    assert_eq!(first.headers.from.uri.to_string(), "sip:4930555@provider.example");
    rig.run(s(3_600));
    let registers = rig.registers();
    assert!((6..=13).contains(&registers.len()), "{registers:?}");
    assert!(registers.iter().all(|(server, expires, _)| server == FIRST && expires == "600"), "{registers:?}");
}

#[test]
fn a_challenge_is_met_with_the_trunk_s_account() {
    let mut rig = Rig::new();
    rig.asks = true;
    rig.list(&[registering("a", &[FIRST])]);
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    let value = rig.sent.iter().find_map(|(_, request)| request.headers.get("Authorization")).unwrap();
    assert!(value.contains("username=\"line\"") && value.contains("SHA-256"), "{value}");
    assert!(!format!("{:?}", rig.operations.states()).contains("line"));
    let mut rig = Rig::new();
    rig.asks = true;
    rig.list(&[TrunkConfig { credentials: None, ..registering("a", &[FIRST]) }]);
    assert_eq!(rig.registration("a"), RegistrationState::Failed { status: Some(401) });
}

#[test]
fn when_the_first_falls_silent_it_goes_to_the_second_and_back() {
    let mut rig = Rig::new();
    rig.list(&[registering("a", &[FIRST, SECOND])]);
    rig.registers();
    rig.silence(FIRST);
    rig.run(s(120));
    assert_eq!(rig.destinations("a"), [DestinationState::Unreachable, DestinationState::Reachable]);
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    let registers = rig.registers();
    assert!(registers.iter().any(|(server, expires, _)| server == SECOND && expires == "600"), "{registers:?}");
    assert!(registers.iter().all(|(_, expires, _)| expires != "0"), "nothing is taken away: {registers:?}");
    // The Contact is the same, so that the one replaces the other.
    let contacts: Vec<_> = registers.iter().map(|(_, _, contact)| contact).collect();
    assert!(contacts.windows(2).all(|pair| pair[0] == pair[1]));
    rig.wake(FIRST);
    rig.run(s(301));
    assert_eq!(rig.destinations("a"), [DestinationState::Reachable; 2]);
    assert_eq!(rig.registered_at().first().map(String::as_str), Some(FIRST));
    rig.run(s(1_800));
    assert!(rig.registered_at().iter().all(|server| server == FIRST), "the second is left alone");
}

#[test]
fn a_silent_first_is_left_before_its_transaction_gives_up() {
    let mut rig = Rig::new();
    rig.silence(FIRST);
    rig.list(&[registering("a", &[FIRST, SECOND])]);
    assert_eq!(rig.registration("a"), RegistrationState::Trying);
    rig.run(s(25));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    assert_eq!(rig.registered_at(), [FIRST, SECOND]);
}

#[test]
fn a_fault_of_the_first_leads_to_the_second_and_a_refusal_does_not() {
    let mut rig = Rig::new();
    rig.refusing.insert(FIRST.parse().unwrap(), 503);
    rig.list(&[registering("a", &[FIRST, SECOND])]);
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    assert_eq!(rig.registered_at(), [FIRST, SECOND]);
    // It answers probes, so it is tried now and then, and we stay where we are.
    rig.run(s(1_200));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    let tries = rig.registered_at().iter().filter(|server| *server == FIRST).count();
    assert!((2..=6).contains(&tries), "{tries}");

    let mut rig = Rig::new();
    rig.refusing.insert(FIRST.parse().unwrap(), 403);
    rig.list(&[registering("a", &[FIRST, SECOND])]);
    rig.run(s(1_200));
    assert_eq!(rig.registration("a"), RegistrationState::Failed { status: Some(403) });
    let tried = rig.registered_at();
    assert!(tried.iter().all(|server| server == FIRST), "{tried:?}");
    assert!((3..=12).contains(&tried.len()), "{tried:?}");
    rig.refusing.clear();
    rig.run(s(1_800));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
}

#[test]
fn when_nobody_answers_it_is_tried_with_pauses_and_at_once_when_somebody_does() {
    let mut rig = Rig::new();
    rig.silence(FIRST);
    rig.silence(SECOND);
    rig.list(&[registering("a", &[FIRST, SECOND])]);
    rig.run(s(7_200));
    assert_eq!(rig.registration("a"), RegistrationState::Failed { status: None });
    assert_eq!(rig.destinations("a"), [DestinationState::Unreachable; 2]);
    let tries = rig.registered_at().len();
    assert!((20..=60).contains(&tries), "{tries}");
    assert!(rig.endpoint.transactions() < 10);
    rig.wake(SECOND);
    // The longest pause between two probes.
    rig.run(s(301));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    assert_eq!(rig.registered_at().last().map(String::as_str), Some(SECOND));
}

#[test]
fn a_first_that_is_back_is_not_kept_waiting_by_the_fault_of_the_second() {
    let mut rig = Rig::new();
    rig.silence(FIRST);
    rig.refusing.insert(SECOND.parse().unwrap(), 503);
    rig.list(&[registering("a", &[FIRST, SECOND])]);
    rig.run(s(3_600));
    assert_eq!(rig.registration("a"), RegistrationState::Failed { status: Some(503) });
    let tries = rig.registered_at().len();
    assert!((10..=50).contains(&tries), "{tries}: who answers probes and refuses is not asked all the time");
    rig.wake(FIRST);
    let began = rig.now;
    while rig.destinations("a")[0] != DestinationState::Reachable {
        rig.run(s(1));
        assert!(rig.now < began + s(301), "the longest pause between two probes");
    }
    // If the second was being asked just then, it has had its turn.
    rig.run(s(1));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
}

#[test]
fn without_keep_alives_nobody_is_asked_and_a_failure_still_leads_on() {
    let quiet = |hosts: &[&str]| TrunkConfig { keep_alive: None, ..registering("a", hosts) };
    let mut rig = Rig::new();
    rig.list(&[quiet(&[FIRST, SECOND])]);
    assert_eq!(rig.destinations("a"), [DestinationState::Reachable, DestinationState::Unknown]);
    rig.silence(FIRST);
    rig.run(s(700));
    assert_eq!(rig.destinations("a"), [DestinationState::Unreachable, DestinationState::Reachable]);
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    assert!(rig.sent.iter().all(|(_, request)| request.method == Method::Register));
}

#[test]
fn a_trunk_without_registration_is_asked_whether_it_is_there() {
    let mut rig = Rig::new();
    rig.list(&[TrunkConfig { registration: None, ..registering("a", &[FIRST]) }]);
    assert_eq!(rig.state("a").registration, None);
    assert_eq!(rig.destinations("a"), [DestinationState::Reachable]);
    assert_eq!(rig.sent[0].1.headers.from.uri.to_string(), "sip:saal@198.51.100.1");
    rig.silence(FIRST);
    rig.run(s(200));
    assert_eq!(rig.destinations("a"), [DestinationState::Unreachable]);
}
