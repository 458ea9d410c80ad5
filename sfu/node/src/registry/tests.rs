// SPDX-License-Identifier: EUPL-1.2
//! Who may claim which transport.

use sfu_media::session::Fingerprint;

use super::*;

const MAX_TRANSPORTS: usize = 8;

/// A check is valid when its bytes are the password.
fn registry() -> Registry {
    Registry::new(MAX_TRANSPORTS, Box::new(|datagram, password| datagram == password.as_bytes()))
}

fn credentials(name: &str) -> IceCredentials {
    IceCredentials { ufrag: name.into(), password: format!("password of {name}").into() }
}

fn setup(id: u64, name: &str) -> Box<TransportSetup> {
    Box::new(TransportSetup {
        id: TransportId(id),
        local: credentials(name),
        remote: credentials("client"),
        remote_fingerprint: Fingerprint([0; 32]),
        session: Session::default(),
    })
}

fn check_for(ufrag: &str, password_of: &str) -> ClaimRequest {
    ClaimRequest {
        ufrag: ufrag.into(),
        source: ([192, 0, 2, 1], 4711).into(),
        datagram: credentials(password_of).password.as_bytes().to_vec(),
    }
}

/// What shard `shard` gets for a valid check.
fn claim(registry: &Registry, shard: u16, ufrag: &str) -> ClaimOutcome {
    registry.claim(ShardId(shard), &check_for(ufrag, ufrag))
}

#[test]
fn the_first_shard_that_hears_a_valid_check_owns_the_transport() {
    let registry = registry();
    registry.register(setup(1, "aaaa"), None).unwrap();
    assert_eq!((registry.place(TransportId(1)), registry.pending()), (Place::Pending, 1));
    assert!(matches!(claim(&registry, 5, "aaaa"), ClaimOutcome::Claimed(setup) if setup.id == TransportId(1)));
    assert_eq!((registry.place(TransportId(1)), registry.pending()), (Place::OwnedBy(ShardId(5)), 0));
    for shard in [5, 6] {
        assert!(matches!(claim(&registry, shard, "aaaa"), ClaimOutcome::OwnedBy(ShardId(5), TransportId(1))));
    }
}

#[test]
fn a_check_with_a_wrong_key_learns_nothing() {
    let registry = registry();
    registry.register(setup(1, "aaaa"), None).unwrap();
    let forged = check_for("aaaa", "bbbb");
    assert!(matches!(registry.claim(ShardId(0), &forged), ClaimOutcome::Unknown));
    assert_eq!(registry.place(TransportId(1)), Place::Pending);
    assert!(matches!(claim(&registry, 1, "aaaa"), ClaimOutcome::Claimed(_)));
    assert!(matches!(registry.claim(ShardId(0), &forged), ClaimOutcome::Unknown), "not even the owner");
}

#[test]
fn nobody_comes_under_an_unknown_name() {
    assert!(matches!(claim(&registry(), 0, "aaaa"), ClaimOutcome::Unknown));
}

#[test]
fn a_renegotiation_reaches_the_transport_wherever_it_is() {
    let registry = registry();
    let session = Session { data_channels: true, ..Session::default() };
    assert_eq!(registry.update_session(TransportId(1), &session), Place::Unknown);
    registry.register(setup(1, "aaaa"), None).unwrap();
    assert_eq!(registry.update_session(TransportId(1), &session), Place::Pending);
    assert!(matches!(claim(&registry, 2, "aaaa"), ClaimOutcome::Claimed(setup) if setup.session == session));
    assert_eq!(registry.update_session(TransportId(1), &session), Place::OwnedBy(ShardId(2)));
}

#[test]
fn a_restart_before_the_client_came_replaces_the_credentials() {
    let registry = registry();
    registry.register(setup(1, "aaaa"), None).unwrap();
    let place = registry.restart(TransportId(1), &credentials("bbbb"), &credentials("client2"));
    assert_eq!(place, Ok(Place::Pending));
    assert!(matches!(claim(&registry, 0, "aaaa"), ClaimOutcome::Unknown));
    let ClaimOutcome::Claimed(setup) = claim(&registry, 0, "bbbb") else { panic!("not claimed") };
    assert_eq!((setup.local, setup.remote), (credentials("bbbb"), credentials("client2")));
}

#[test]
fn a_restart_keeps_the_credentials_before_it_and_no_older_ones() {
    let registry = registry();
    registry.register(setup(1, "aaaa"), None).unwrap();
    assert!(matches!(claim(&registry, 3, "aaaa"), ClaimOutcome::Claimed(_)));
    for name in ["bbbb", "cccc"] {
        let place = registry.restart(TransportId(1), &credentials(name), &credentials("client"));
        assert_eq!(place, Ok(Place::OwnedBy(ShardId(3))));
    }
    assert!(matches!(claim(&registry, 0, "aaaa"), ClaimOutcome::Unknown));
    for name in ["bbbb", "cccc"] {
        assert!(matches!(claim(&registry, 0, name), ClaimOutcome::OwnedBy(ShardId(3), _)));
    }
}

#[test]
fn a_fragment_belongs_to_one_transport() {
    let registry = registry();
    registry.register(setup(1, "aaaa"), None).unwrap();
    assert_eq!(registry.register(setup(2, "aaaa"), None), Err(RegistryError::FragmentInUse));
    assert_eq!(registry.register(setup(1, "bbbb"), None), Err(RegistryError::TransportInUse));
    registry.register(setup(2, "bbbb"), None).unwrap();
    let refused = registry.restart(TransportId(2), &credentials("aaaa"), &credentials("client"));
    assert_eq!(refused, Err(RegistryError::FragmentInUse));
    assert!(matches!(claim(&registry, 0, "bbbb"), ClaimOutcome::Claimed(setup) if setup.id == TransportId(2)));
    assert_eq!(registry.restart(TransportId(9), &credentials("cccc"), &credentials("client")), Ok(Place::Unknown));
    registry.register(setup(3, "cccc"), None).unwrap();
}

#[test]
fn removing_makes_room_and_frees_every_fragment() {
    let registry = registry();
    for id in 0..MAX_TRANSPORTS as u64 {
        registry.register(setup(id, &format!("ufrag{id}")), None).unwrap();
    }
    assert_eq!(registry.register(setup(99, "zzzz"), None), Err(RegistryError::Full));
    assert!(matches!(claim(&registry, 4, "ufrag0"), ClaimOutcome::Claimed(_)));
    registry.restart(TransportId(0), &credentials("again"), &credentials("client")).unwrap();
    assert_eq!(registry.remove(TransportId(0)), Place::OwnedBy(ShardId(4)));
    assert_eq!(registry.remove(TransportId(1)), Place::Pending);
    assert_eq!(registry.remove(TransportId(1)), Place::Unknown);
    assert_eq!(registry.pending(), MAX_TRANSPORTS - 2);
    for (id, name) in [(100, "again"), (101, "ufrag0")] {
        assert!(matches!(claim(&registry, 0, name), ClaimOutcome::Unknown));
        registry.register(setup(id, name), None).unwrap();
    }
}

#[test]
fn of_many_shards_that_hear_a_client_at_once_one_owns_it() {
    let registry = Arc::new(registry());
    for round in 0..200 {
        registry.register(setup(round, "aaaa"), None).unwrap();
        let threads: Vec<_> = (0..3)
            .map(|shard| {
                let registry = registry.clone();
                std::thread::spawn(move || claim(&registry, shard, "aaaa"))
            })
            .collect();
        let outcomes: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let owner = registry.place(TransportId(round));
        let winners: Vec<_> = (0..3_u16)
            .zip(&outcomes)
            .filter(|(_, outcome)| matches!(outcome, ClaimOutcome::Claimed(_)))
            .map(|(shard, _)| Place::OwnedBy(ShardId(shard)))
            .collect();
        assert_eq!(winners, [owner]);
        assert!(outcomes.iter().all(|outcome| match outcome {
            ClaimOutcome::Claimed(_) => true,
            ClaimOutcome::OwnedBy(shard, _) => Place::OwnedBy(*shard) == owner,
            ClaimOutcome::Unknown => false,
        }));
        registry.remove(TransportId(round));
    }
}
