// SPDX-License-Identifier: EUPL-1.2
//! Checks as a browser builds them, made with `rtc-stun`.

use rtc_crypto::providers::AwsLcRsProvider;
use rtc_stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME, AttrType, RawAttribute,
};
use rtc_stun::error_code::{CODE_ROLE_CONFLICT, ErrorCodeAttribute};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Getter, Message, Setter, TransactionId};
use rtc_stun::textattrs::TextAttribute;
use rtc_stun::xoraddr::XorMappedAddress;

use super::*;

const PASSWORD: &str = "a-password-of-22-chars";

fn credentials(ufrag: &str, password: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.into(), password: password.into() }
}

fn ice(now: Instant) -> IceLite {
    let provider = Arc::new(AwsLcRsProvider::new());
    IceLite::new(now, credentials("ours", PASSWORD), credentials("theirs", "never-used-by-ice-lite"), provider)
}

fn address(port: u16) -> SocketAddr {
    ([203, 0, 113, 7], port).into()
}

#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    Instant::now()
}

/// A check as a controlling browser sends it.
struct Check {
    user_name: &'static str,
    password: &'static str,
    attributes: Vec<AttrType>,
}

impl Check {
    fn new() -> Self {
        Self { user_name: "ours:theirs", password: PASSWORD, attributes: vec![ATTR_ICE_CONTROLLING] }
    }

    fn nominating() -> Self {
        let mut check = Self::new();
        check.attributes.push(ATTR_USE_CANDIDATE);
        check
    }

    fn build(&self) -> Vec<u8> {
        let provider = AwsLcRsProvider::new();
        let mut parts: Vec<Box<dyn Setter + '_>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId([7; 12])),
            Box::new(TextAttribute::new(ATTR_USERNAME, self.user_name.to_owned())),
            Box::new(RawAttribute { typ: ATTR_PRIORITY, length: 4, value: vec![1, 2, 3, 4] }),
        ];
        for attribute in &self.attributes {
            let value = if *attribute == ATTR_USE_CANDIDATE { vec![] } else { vec![9; 8] };
            parts.push(Box::new(RawAttribute { typ: *attribute, length: value.len() as u16, value }));
        }
        let integrity =
            MessageIntegrity::new_short_term_integrity_with_provider(self.password.to_owned(), provider.crypto());
        parts.push(Box::new(integrity));
        parts.push(Box::new(FINGERPRINT));
        let mut message = Message::new();
        message.build(&parts).unwrap();
        message.raw
    }
}

fn response(bytes: &[u8]) -> Message {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).unwrap();
    FINGERPRINT.check(&message).unwrap();
    MessageIntegrity::check(&mut message, PASSWORD.as_bytes(), AwsLcRsProvider::new().crypto()).unwrap();
    message
}

#[test]
fn a_valid_check_is_answered_with_the_address_it_came_from() {
    let now = start();
    let mapped: SocketAddr = "[::ffff:203.0.113.7]:7".parse().unwrap();
    let six: SocketAddr = "[2001:db8::1]:6".parse().unwrap();
    for (source, seen) in [(address(5), address(5)), (mapped, address(7)), (six, six)] {
        let (outcome, reply) = ice(now).handle(now, source, &Check::new().build());
        assert_eq!(outcome, StunOutcome { is_verified: true, became_selected: true, forgotten: None });
        let reply = response(&reply.unwrap());
        assert_eq!((reply.typ, reply.transaction_id), (BINDING_SUCCESS, TransactionId([7; 12])));
        let mut told = XorMappedAddress::default();
        told.get_from(&reply).unwrap();
        assert_eq!(SocketAddr::new(told.ip, told.port), seen);
    }
}

#[test]
fn an_invalid_check_gets_no_answer_and_changes_nothing() {
    let now = start();
    let valid = Check::new().build();
    let mut invalid = vec![
        Check { password: "another-password-there", ..Check::new() }.build(),
        Check { user_name: "else:theirs", ..Check::new() }.build(),
        Check { user_name: "ours:else", ..Check::new() }.build(),
        Check { user_name: "ours", ..Check::new() }.build(),
        vec![],
    ];
    invalid.extend((0..valid.len()).map(|len| valid[..len].to_vec()));
    // The header of FINGERPRINT is not signed: changed, it is an attribute that nobody knows.
    let fingerprint_header = valid.len() - 8..valid.len() - 4;
    let protected = (0..valid.len() * 8).filter(|bit| !fingerprint_header.contains(&(bit / 8)));
    invalid.extend(protected.map(|bit| {
        let mut tampered = valid.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        tampered
    }));
    for datagram in invalid {
        let mut ice = ice(now);
        assert_eq!(ice.handle(now, address(5), &datagram), (StunOutcome::default(), None), "{datagram:?}");
        assert_eq!((ice.selected(), ice.first_check()), (None, None));
    }
}

#[test]
fn the_first_address_is_used_until_one_is_nominated() {
    let now = start();
    let mut ice = ice(now);
    ice.handle(now, address(1), &Check::new().build());
    let (second, _) = ice.handle(now, address(2), &Check::new().build());
    assert!(second.is_verified && !second.became_selected);
    assert_eq!(ice.selected(), Some(address(1)));
    let (nominated, _) = ice.handle(now, address(2), &Check::nominating().build());
    assert!(nominated.became_selected);
    let (again, _) = ice.handle(now, address(2), &Check::nominating().build());
    assert!(!again.became_selected);
    assert_eq!(ice.selected(), Some(address(2)));
}

#[test]
fn a_client_that_takes_itself_for_controlled_is_corrected() {
    let now = start();
    let check = Check { attributes: vec![ATTR_ICE_CONTROLLED], ..Check::new() };
    let mut ice = ice(now);
    let (outcome, reply) = ice.handle(now, address(1), &check.build());
    assert_eq!(outcome, StunOutcome::default());
    let reply = response(&reply.unwrap());
    let mut error = ErrorCodeAttribute::default();
    error.get_from(&reply).unwrap();
    assert_eq!(reply.typ, BINDING_ERROR);
    assert!(error.code == CODE_ROLE_CONFLICT);
    assert_eq!(ice.selected(), None);
}

#[test]
fn old_credentials_hold_until_the_new_ones_nominate() {
    let now = start();
    let mut ice = ice(now);
    let new_check = |nominates: bool| {
        let base = if nominates { Check::nominating() } else { Check::new() };
        Check { user_name: "ours2:theirs2", password: "the-second-password-22", ..base }.build()
    };
    ice.restart(credentials("ours2", "the-second-password-22"), credentials("theirs2", "unused"));
    assert!(ice.handle(now, address(1), &Check::nominating().build()).0.is_verified);
    assert!(ice.handle(now, address(2), &new_check(false)).0.is_verified);
    assert!(ice.handle(now, address(1), &Check::new().build()).0.is_verified);
    assert!(ice.handle(now, address(2), &new_check(true)).0.became_selected);
    assert!(!ice.handle(now, address(1), &Check::new().build()).0.is_verified);
}

#[test]
fn addresses_are_bounded_and_the_selected_one_stays() {
    let now = start();
    let mut ice = ice(now);
    ice.handle(now, address(1), &Check::nominating().build());
    for port in 2..=16 {
        assert_eq!(ice.handle(now, address(port), &Check::new().build()).0.forgotten, None);
    }
    ice.handle(now, address(2), &Check::new().build());
    assert_eq!(ice.handle(now, address(17), &Check::new().build()).0.forgotten, Some(address(3)));
    assert_eq!(ice.handle(now, address(18), &Check::new().build()).0.forgotten, Some(address(4)));
}

#[test]
fn each_valid_check_renews_consent() {
    let now = start();
    let mut ice = ice(now);
    assert_eq!(ice.consent_ends(), now + CONSENT_LIFETIME);
    let later = now + Duration::from_secs(5);
    ice.handle(later, address(1), &[0, 1, 2]);
    assert_eq!(ice.consent_ends(), now + CONSENT_LIFETIME);
    ice.handle(later, address(1), &Check::new().build());
    assert_eq!((ice.consent_ends(), ice.first_check()), (later + CONSENT_LIFETIME, Some(later)));
}

#[test]
fn the_claim_can_tell_whose_check_it_is() {
    let check = Check::new().build();
    assert_eq!(stun_local_ufrag(&check), Some("ours"));
    assert!(stun_is_valid(&check, PASSWORD));
    assert!(!stun_is_valid(&check, "another-password-there"));
    assert_eq!(stun_local_ufrag(&check[1..]), None);
}

#[test]
fn attributes_after_the_signature_do_not_count() {
    let now = start();
    let mut check = Check::new().build();
    check.truncate(check.len() - 8);
    check.extend([0x00, 0x25, 0, 0]);
    let body_len = (check.len() - 20) as u16;
    check[2..4].copy_from_slice(&body_len.to_be_bytes());
    let mut ice = ice(now);
    ice.handle(now, address(1), &Check::new().build());
    let (outcome, _) = ice.handle(now, address(2), &check);
    assert!(outcome.is_verified && !outcome.became_selected);
}
