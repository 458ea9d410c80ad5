// SPDX-License-Identifier: EUPL-1.2
//! Destinations that are names.

use bus::phone::{DestinationState, RegistrationState, TrunkConfig, TrunkTransport};

use super::{FIRST, Rig, SECOND, s};
use crate::trunks::locate::{DnsError, Located, LocatedAddress};
use crate::trunks::testing::{destination, registering};

const NAME: &str = "sip.provider.example";

fn named() -> TrunkConfig {
    let destinations = vec![destination(NAME, None, TrunkTransport::Udp)];
    TrunkConfig { destinations, ..registering("a", &[]) }
}

fn found(addresses: &[(&str, u16)]) -> Result<Located, DnsError> {
    let address = |(ip, priority): &(&str, u16)| LocatedAddress {
        address: format!("{ip}:5060").parse().unwrap(),
        priority: *priority,
        weight: 1,
    };
    Ok(Located { addresses: addresses.iter().map(address).collect(), valid_for: s(300) })
}

impl Rig {
    /// Answers the one look-up that is under way.
    fn located(&mut self, located: Result<Located, DnsError>) {
        let look_up = self.look_ups.remove(0);
        assert!(self.look_ups.is_empty());
        assert_eq!(look_up.destination.host, NAME);
        self.operations.handle_located(self.now, look_up.key, located, &mut self.endpoint);
        self.settle();
    }
}

#[test]
fn a_name_is_looked_up_and_its_addresses_are_the_trunk_s() {
    let mut rig = Rig::new();
    rig.list(&[named()]);
    assert_eq!(rig.destinations("a"), [DestinationState::Unknown]);
    assert!(rig.sent.is_empty());
    rig.located(found(&[(SECOND, 20), (FIRST, 10)]));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
    assert_eq!(rig.registered_at(), [FIRST], "by priority");
    for source in [FIRST, SECOND] {
        assert_eq!(rig.peers.at(source.parse().unwrap()).len(), 1);
    }
    let names = |server: &str| {
        rig.peers.trunks[0].places.iter().any(|place| place.address.ip().to_string() == server && &*place.host == NAME)
    };
    assert!(names(FIRST) && names(SECOND));
}

#[test]
fn addresses_are_looked_up_again_when_they_have_lost_their_validity() {
    let mut rig = Rig::new();
    rig.list(&[named()]);
    rig.located(found(&[(FIRST, 1)]));
    rig.registers();
    rig.run(s(299));
    assert!(rig.look_ups.is_empty());
    rig.run(s(2));
    rig.located(found(&[(SECOND, 1)]));
    assert_eq!(rig.registered_at().last().map(String::as_str), Some(SECOND), "it has moved");
    assert!(!rig.peers.knows(FIRST.parse().unwrap()));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
}

#[test]
fn when_nobody_can_say_where_it_is_it_is_where_it_was() {
    let mut rig = Rig::new();
    rig.list(&[named()]);
    rig.located(found(&[(FIRST, 1)]));
    rig.run(s(301));
    rig.located(Err(DnsError::Failed));
    assert_eq!(rig.destinations("a"), [DestinationState::Reachable]);
    rig.run(s(11));
    rig.located(Err(DnsError::NotThere));
    assert_eq!(rig.destinations("a"), [DestinationState::NotFound]);
    assert!(!rig.peers.knows(FIRST.parse().unwrap()));
}

#[test]
fn what_is_not_found_is_looked_for_with_pauses_that_grow() {
    let mut rig = Rig::new();
    rig.list(&[named()]);
    rig.located(Err(DnsError::Failed));
    assert_eq!(rig.destinations("a"), [DestinationState::NotFound]);
    assert_eq!(rig.registration("a"), RegistrationState::Failed { status: None });
    let mut count = 0;
    for _ in 0..3_600 {
        rig.run(s(1));
        if !rig.look_ups.is_empty() {
            rig.located(Err(DnsError::Failed));
            count += 1;
        }
    }
    assert!((12..=20).contains(&count), "{count}");
    while rig.look_ups.is_empty() {
        rig.run(s(1));
    }
    rig.located(found(&[(FIRST, 1)]));
    assert_eq!(rig.registration("a"), RegistrationState::Registered);
}

#[test]
fn a_look_up_that_is_never_answered_is_asked_for_again_and_a_late_answer_for_another_trunk_is_none() {
    let mut rig = Rig::new();
    rig.list(&[named()]);
    rig.run(s(59));
    assert_eq!(rig.look_ups.len(), 1);
    rig.run(s(2));
    assert_eq!(rig.look_ups.len(), 2);
    rig.look_ups.remove(0);
    rig.list(&[registering("a", &[SECOND])]);
    rig.located(found(&[(FIRST, 1)]));
    assert_eq!(rig.registered_at(), [SECOND]);
    assert!(!rig.peers.knows(FIRST.parse().unwrap()));
}
