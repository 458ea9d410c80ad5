// SPDX-License-Identifier: EUPL-1.2
//! Vectors of the standards, and both sides against each other.

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::algorithm::Proof;
use super::*;
use crate::sip::message::{Message, Request, Transport};
use crate::sip::parse::parse;

const LIFETIME: Duration = Duration::from_secs(300);
const URI: &str = "sip:100@bridge.example";

/// RFC 7616 §3.9.1; the `-sess` variants and SHA-512-256, which have no vector there, by Python's hashlib.
#[test]
fn responses_are_those_of_rfc_7616() {
    for (algorithm, expected) in [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Md5Sess, "e783283f46242139c486a698fec7211d"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        (Algorithm::Sha256Sess, "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"),
        (Algorithm::Sha512_256, "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0"),
        (Algorithm::Sha512_256Sess, "3f2a34f923c38b0fb26dce2fdfc2ce326c23cecf86fbb1444f3e51fbbc2cb92e"),
    ] {
        let proof = Proof {
            algorithm,
            username: "Mufasa",
            realm: "http-auth@example.org",
            password: "Circle of Life",
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            nonce_count: Some(1),
        };
        assert_eq!(proof.response(), expected, "{algorithm:?}");
    }
}

/// RFC 2617 §3.5, and the same without a count (§3.2.2.1).
#[test]
fn responses_are_those_of_rfc_2617() {
    let proof = |cnonce, nonce_count| Proof {
        algorithm: Algorithm::Md5,
        username: "Mufasa",
        realm: "testrealm@host.com",
        password: "Circle Of Life",
        method: "GET",
        uri: "/dir/index.html",
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        cnonce,
        nonce_count,
    };
    assert_eq!(proof("0a4f113b", Some(1)).response(), "6629fae49393a05397450978507c4ef1");
    assert_eq!(proof("", None).response(), "670fd8c2df070c60b045671b8b24ff02");
}

#[test]
fn challenges_are_read_and_written() {
    let text = "Digest realm=\"a \\\"b\\\"\",nonce = \"x\" , ALGORITHM=sha-256, stale=TRUE, qop=\"auth,auth-int\", opaque=\"\", x=y";
    let challenge: Challenge = text.parse().unwrap();
    assert_eq!(challenge.realm, "a \"b\"");
    assert_eq!((challenge.algorithm, challenge.is_stale, challenge.has_qop_auth), (Algorithm::Sha256, true, true));
    assert_eq!(challenge.opaque.as_deref(), Some(""));
    assert_eq!(challenge.to_string().parse(), Ok(challenge));
}

#[test]
fn credentials_are_read_and_written() {
    // RFC 3261 §22.4, with a count.
    let text = "Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
                uri=\"sip:bob@biloxi.com\", qop=auth, nc=0000000A, cnonce=\"0a4f113b\", \
                response=\"6629FAE49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    let credentials: Credentials = text.parse().unwrap();
    assert_eq!((credentials.algorithm, credentials.nonce_count), (Algorithm::Md5, Some(10)));
    assert_eq!(credentials.response, "6629fae49393a05397450978507c4ef1");
    assert_eq!(credentials.to_string().parse(), Ok(credentials.clone()));
    assert!(!format!("{credentials:?}").contains("bob"));
}

#[test]
fn values_that_are_not_understood_are_refused() {
    let challenge = |text: &str| text.parse::<Challenge>().unwrap_err();
    assert_eq!(challenge("Basic realm=\"a\""), DigestError::Scheme);
    assert_eq!(challenge("Digest realm=\"a\""), DigestError::Missing("nonce"));
    assert_eq!(challenge("Digest nonce=\"a\""), DigestError::Missing("realm"));
    assert_eq!(challenge("Digest realm=\"a\", nonce=\"b\", algorithm=SHA256"), DigestError::Algorithm);
    assert_eq!(challenge("Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\""), DigestError::Protection);
    for text in [
        "",
        "Digest",
        "Digest ",
        "Digest realm",
        "Digest realm=\"a",
        "Digest realm=a,",
        "Digest realm=a realm=b",
        "Digest realm=a, realm=b",
    ] {
        assert_eq!(challenge(text), DigestError::Syntax, "{text}");
    }
    let base = "Digest username=u, realm=r, nonce=n, uri=x, response=y";
    let credentials = |more: &str| format!("{base}{more}").parse::<Credentials>();
    assert!(credentials("").is_ok());
    assert_eq!(credentials(", qop=auth"), Err(DigestError::Missing("nc")));
    assert_eq!(credentials(", qop=auth, nc=00000001"), Err(DigestError::Missing("cnonce")));
    assert_eq!(credentials(", qop=auth, nc=1, cnonce=c"), Err(DigestError::Syntax));
    assert_eq!(credentials(", qop=auth, nc=+0000001, cnonce=c"), Err(DigestError::Syntax));
    assert_eq!(credentials(", qop=auth-int, nc=00000001, cnonce=c"), Err(DigestError::Protection));
}

fn request(authorization: Option<&str>) -> Request {
    let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
    let text = format!(
        "INVITE {URI} SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n\
         To: <sip:100@bridge.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{authorization}\r\n"
    );
    match parse(text.as_bytes(), Transport::Udp).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

struct Sides {
    now: Instant,
    challenger: Challenger,
    account: Account,
    rng: StdRng,
}

impl Sides {
    fn new(password: &str) -> Self {
        let now = Instant::now();
        Self {
            now,
            challenger: Challenger::new(now, "bridge".to_owned(), &[7; 32], LIFETIME),
            account: Account::new("alice".to_owned(), password.to_owned().into()),
            rng: StdRng::seed_from_u64(1),
        }
    }

    fn challenge(&mut self, is_stale: bool) -> Result<(), AccountError> {
        let challenges = self.challenger.challenges(self.now, is_stale);
        self.account.handle_challenges(&mut self.rng, challenges.iter().map(String::as_str))
    }

    fn answer(&mut self) -> String {
        self.account.authorization("INVITE", URI).unwrap()
    }

    fn check(&mut self, value: &str) -> Verdict {
        self.challenger.handle_request(self.now, &request(Some(value)), "Authorization", |user| {
            (user == "alice").then_some("secret")
        })
    }
}

fn proven() -> Verdict {
    Verdict::Proven { username: "alice".to_owned() }
}

#[test]
fn who_knows_the_password_is_proven() {
    let mut sides = Sides::new("secret");
    let verdict = sides.challenger.handle_request(sides.now, &request(None), "Authorization", |_| Some("secret"));
    assert_eq!(verdict, Verdict::Ask { is_stale: false });
    sides.challenge(false).unwrap();
    let answer = sides.answer();
    assert!(answer.contains("algorithm=SHA-256"), "the stronger of two");
    assert_eq!(sides.check(&answer), proven());
    // The next request counts on with the same nonce.
    let answer = sides.answer();
    assert!(answer.contains("nc=00000002"));
    assert_eq!(sides.check(&answer), proven());
}

#[test]
fn who_knows_only_md5_is_proven_too() {
    let mut sides = Sides::new("secret");
    let challenges = sides.challenger.challenges(sides.now, false);
    assert_eq!(challenges.len(), 2);
    assert!(challenges[0].contains("SHA-256") && challenges[1].contains("MD5"));
    sides.account.handle_challenges(&mut sides.rng, challenges[1..].iter().map(String::as_str)).unwrap();
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), proven());
}

#[test]
fn every_algorithm_works_between_both_sides() {
    for name in ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"] {
        let mut sides = Sides::new("secret");
        sides.challenger = sides.challenger.with_algorithms(vec![Algorithm::from_name(name).unwrap()]);
        sides.challenge(false).unwrap();
        for _ in 0..2 {
            let answer = sides.answer();
            assert_eq!(sides.check(&answer), proven(), "{name}");
        }
    }
}

#[test]
fn another_password_user_or_method_is_refused() {
    let mut sides = Sides::new("other");
    sides.challenge(false).unwrap();
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), Verdict::Refused);
    let mut sides = Sides::new("secret");
    sides.challenge(false).unwrap();
    let bye = sides.account.authorization("BYE", URI).unwrap();
    let somebody = sides.answer().replace("alice", "bob");
    for answer in [bye, somebody] {
        assert_eq!(sides.check(&answer), Verdict::Refused);
    }
    // Nobody's password is not the empty one.
    let mut sides = Sides::new("");
    sides.account = Account::new("bob".to_owned(), String::new().into());
    sides.challenge(false).unwrap();
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), Verdict::Refused);
}

#[test]
fn a_request_uri_that_was_rewritten_on_the_way_is_no_wrong_password() {
    let mut sides = Sides::new("secret");
    sides.challenge(false).unwrap();
    let before = sides.account.authorization("INVITE", "sip:200@proxy.example").unwrap();
    assert_eq!(sides.check(&before), proven());
    assert_eq!(sides.check(&before), Verdict::Ask { is_stale: true }, "but only once");
}

#[test]
fn an_answer_counts_once() {
    let mut sides = Sides::new("secret");
    sides.challenge(false).unwrap();
    let first = sides.answer();
    let second = sides.answer();
    assert_eq!(sides.check(&second), proven());
    for repeated in [&first, &second] {
        assert_eq!(sides.check(repeated), Verdict::Ask { is_stale: true });
    }
}

#[test]
fn an_answer_without_a_count_is_good_for_once() {
    let mut sides = Sides::new("secret");
    let challenge = sides.challenger.challenges(sides.now, false)[0].replace(", qop=\"auth\"", "");
    sides.account.handle_challenges(&mut sides.rng, std::iter::once(challenge.as_str())).unwrap();
    let answer = sides.answer();
    assert!(!answer.contains("nc="));
    assert_eq!(sides.check(&answer), proven());
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), Verdict::Ask { is_stale: true });
}

#[test]
fn a_nonce_is_good_for_its_lifetime() {
    let mut sides = Sides::new("secret");
    sides.challenge(false).unwrap();
    sides.now += LIFETIME;
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), proven());
    sides.now += Duration::from_millis(1);
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), Verdict::Ask { is_stale: true });
    // Being asked because it was old does not mean that the password was wrong.
    sides.challenge(true).unwrap();
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), proven());
}

#[test]
fn a_nonce_that_is_not_ours_is_asked_for_again() {
    let mut sides = Sides::new("secret");
    let others = Challenger::new(sides.now, "bridge".to_owned(), &[8; 32], LIFETIME).challenges(sides.now, false);
    sides.account.handle_challenges(&mut sides.rng, others.iter().map(String::as_str)).unwrap();
    let answer = sides.answer();
    assert_eq!(sides.check(&answer), Verdict::Ask { is_stale: false });
    for nonce in [
        "",
        "x",
        "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}",
    ] {
        let value =
            format!("Digest username=\"alice\", realm=\"bridge\", nonce=\"{nonce}\", uri=\"{URI}\", response=\"x\"");
        assert_eq!(sides.check(&value), Verdict::Ask { is_stale: false });
    }
}

#[test]
fn counts_are_forgotten_from_the_oldest_and_stay_refused() {
    let mut sides = Sides::new("secret");
    sides.challenge(false).unwrap();
    let first = sides.answer();
    assert_eq!(sides.check(&first), proven());
    for _ in 0..4096 {
        sides.challenge(true).unwrap();
        let answer = sides.answer();
        assert_eq!(sides.check(&answer), proven());
    }
    assert_eq!(sides.check(&first), Verdict::Ask { is_stale: true });
}

#[test]
fn credentials_for_others_are_left_alone() {
    let mut sides = Sides::new("secret");
    let other = "Digest username=\"alice\", realm=\"other\", nonce=\"x\", uri=\"y\", response=\"z\"";
    assert_eq!(sides.check(other), Verdict::Ask { is_stale: false });
    assert_eq!(sides.check("NoOneKnowsThisScheme opaque-data=here"), Verdict::Ask { is_stale: false });
    assert_eq!(sides.check("Digest realm"), Verdict::Malformed(DigestError::Syntax));
    let unasked = format!("Digest username=a, realm=bridge, nonce=x, uri=\"{URI}\", response=z, algorithm=SHA-512-256");
    assert_eq!(sides.check(&unasked), Verdict::Malformed(DigestError::Algorithm));
}

#[test]
fn an_account_does_not_try_the_same_password_for_ever() {
    let mut sides = Sides::new("wrong");
    sides.challenge(false).unwrap();
    _ = sides.answer();
    assert_eq!(sides.challenge(false), Err(AccountError::Refused));
    // Once it was accepted, being asked anew is fine.
    let mut sides = Sides::new("secret");
    sides.challenge(false).unwrap();
    _ = sides.answer();
    sides.account.handle_accepted();
    assert_eq!(sides.challenge(false), Ok(()));
}

#[test]
fn an_account_answers_the_strongest_challenge_it_knows() {
    let mut sides = Sides::new("secret");
    let challenge = |algorithm| format!("Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm={algorithm}");
    let values = [
        challenge("MD5"),
        "Basic realm=\"r\"".to_owned(),
        challenge("SHA-512-256"),
        challenge("SHA-256"),
        challenge("X"),
    ];
    sides.account.handle_challenges(&mut sides.rng, values.iter().map(String::as_str)).unwrap();
    assert!(sides.answer().contains("algorithm=SHA-512-256"));
    let none = sides.account.handle_challenges(&mut sides.rng, std::iter::once("Basic realm=\"r\""));
    assert_eq!(none, Err(AccountError::NoneUsable));
    assert!(Account::new(String::new(), String::new().into()).authorization("INVITE", URI).is_none());
}
