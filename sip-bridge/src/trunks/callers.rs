// SPDX-License-Identifier: EUPL-1.2
//! Which trunk a call is from: by its address, by our Contact where it came by a registration, and where callers must prove
//! it, by digest (RFC 8760).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;

use super::peers::{Peer, Peers};
use crate::sip::digest::{Challenger, Verdict};
use crate::sip::message::{Request, Uri};
use crate::transport::admission::{Bucket, Rate};

/// What callers are shown when they are asked.
const REALM: &str = "saal";

/// For how long a nonce is good. A call that is asked answers within seconds.
const NONCE_LIFETIME: Duration = Duration::from_secs(300);

/// Wrong passwords of one source: ten at once, as of an exchange whose password was mistyped, and then two a minute. At that
/// rate nobody guesses one.
const WRONG_PASSWORDS: Rate = Rate { interval: Duration::from_secs(30), burst: 10 };

/// Sources that are remembered for it, all of them in trunks' networks. When it is full, all others share one budget.
const MAX_SOURCES: usize = 1_024;

/// Whom a call is from.
#[derive(Debug)]
pub(crate) enum Identity<'a> {
    /// A trunk.
    Trunk(&'a Peer),
    /// Whoever is to prove it, with these challenges.
    Ask(Vec<String>),
    /// Nobody that we know.
    Stranger,
    /// Somebody with a wrong name or password.
    Wrong,
    /// Somebody who has had too many of them. What they have now was not looked at.
    TooManyWrong,
    /// Credentials that are not understood.
    Malformed,
}

/// Finds it out.
pub(crate) struct Callers {
    challenger: Challenger,
    wrong: HashMap<IpAddr, Bucket>,
    /// Of those who are not remembered.
    others: Bucket,
}

impl Callers {
    pub(crate) fn new(now: Instant, rng: &mut StdRng) -> Self {
        let challenger = Challenger::new(now, REALM.to_owned(), &rng.random(), NONCE_LIFETIME);
        Self { challenger, wrong: HashMap::new(), others: Bucket::new(now) }
    }

    /// Whom a new call is from. Of trunks in one network: the one whose Contact was called; else the one that the credentials
    /// name; else, without credentials, one that needs none.
    pub(crate) fn identify<'a>(
        &mut self,
        now: Instant,
        peers: &'a Peers,
        source: IpAddr,
        invite: &Request,
    ) -> Identity<'a> {
        let mut candidates = peers.at(source);
        if let Some(called) = called_user(invite)
            && let Some(registered) = candidates.iter().copied().find(|peer| peer.has_contact(called))
        {
            candidates = vec![registered];
        }
        let has_secret = |peer: &&&Peer| peer.config.caller_credentials.is_some();
        let open = candidates.iter().find(|peer| !has_secret(peer)).copied();
        let has_credentials = invite.headers.all("Authorization").next().is_some();
        match open {
            Some(peer) if !has_credentials || candidates.iter().filter(has_secret).count() == 0 => {
                return Identity::Trunk(peer);
            }
            None if candidates.is_empty() => return Identity::Stranger,
            _ => {}
        }
        if has_credentials && !self.may_try(now, source) {
            return Identity::TooManyWrong;
        }
        let secret = |username: &str| {
            let mut all = candidates.iter().filter_map(|peer| Some((*peer, peer.config.caller_credentials.as_ref()?)));
            all.find(|(_, credentials)| credentials.username == username)
        };
        let password = |username: &str| secret(username).map(|(_, credentials)| credentials.password.as_str());
        match self.challenger.handle_request(now, invite, "Authorization", password) {
            Verdict::Proven { username } => {
                secret(&username).map_or(Identity::Wrong, |(peer, _)| Identity::Trunk(peer))
            }
            Verdict::Ask { is_stale } => Identity::Ask(self.challenger.challenges(now, is_stale)),
            Verdict::Refused => {
                self.note_wrong(now, source);
                Identity::Wrong
            }
            Verdict::Malformed(_) => Identity::Malformed,
        }
    }

    fn may_try(&self, now: Instant, source: IpAddr) -> bool {
        let bucket = match self.wrong.get(&source_key(source)) {
            Some(bucket) => bucket,
            None if self.wrong.len() < MAX_SOURCES => return true,
            None => &self.others,
        };
        bucket.has_token(now, WRONG_PASSWORDS)
    }

    fn note_wrong(&mut self, now: Instant, source: IpAddr) {
        let source = source_key(source);
        if self.wrong.len() >= MAX_SOURCES && !self.wrong.contains_key(&source) {
            self.wrong.retain(|_, bucket| !bucket.is_full(now));
        }
        let has_room = self.wrong.len() < MAX_SOURCES;
        let bucket = match self.wrong.get_mut(&source) {
            Some(bucket) => bucket,
            None if has_room => self.wrong.entry(source).or_insert_with(|| Bucket::new(now)),
            None => &mut self.others,
        };
        // It has one: it was looked at before.
        bucket.take(now, WRONG_PASSWORDS);
    }
}

/// Whoever has one IPv6 address has 2^64.
fn source_key(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

fn called_user(invite: &Request) -> Option<&str> {
    match &invite.uri {
        Uri::Sip(uri) => uri.user.as_deref(),
        Uri::Tel(_) | Uri::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;
    use std::sync::Arc;

    use rand::SeedableRng as _;

    use super::*;
    use crate::sip::digest::Account;
    use crate::sip::message::{Message, Transport};
    use crate::sip::parse::parse;
    use crate::trunks::testing::{config, credentials};
    use bus::phone::TrunkConfig;

    const URI: &str = "sip:+49301@saal.example";
    const SOURCE: &str = "198.51.100.7";
    const FOR_ANOTHER_REALM: &str = "Digest username=\"x\", realm=\"y\", nonce=\"n\", uri=\"sip:a@b\", \
                                     response=\"00000000000000000000000000000000\"";

    struct Rig {
        callers: Callers,
        peers: Peers,
        now: Instant,
        rng: StdRng,
    }

    impl Rig {
        fn new(configs: Vec<TrunkConfig>) -> Self {
            let peer = |config: TrunkConfig| Peer {
                contact_user: format!("saal-{}", config.id),
                config: Arc::new(config),
                places: Vec::new(),
            };
            let (now, mut rng) = (Instant::now(), StdRng::seed_from_u64(1));
            let peers = Peers { trunks: configs.into_iter().map(peer).collect(), former: Vec::new() };
            Self { callers: Callers::new(now, &mut rng), peers, now, rng }
        }

        fn identify(&mut self, source: &str, uri: &str, authorization: Option<&str>) -> Identity<'_> {
            let line = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
            let text = format!(
                "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n\
                 To: <{uri}>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{line}\r\n"
            );
            let Message::Request(invite) = parse(text.as_bytes(), Transport::Udp).unwrap() else { panic!() };
            self.callers.identify(self.now, &self.peers, source.parse().unwrap(), &invite)
        }

        /// A call that answers the challenge, with the strongest or with MD5.
        fn with_password(&mut self, source: &str, (username, password): (&str, &str), only_md5: bool) -> String {
            let Identity::Ask(mut values) = self.identify(source, URI, Some(FOR_ANOTHER_REALM)) else {
                panic!("not asked")
            };
            assert_eq!(values.len(), 2);
            assert!(values[0].contains("SHA-256") && values[1].contains("MD5"), "{values:?}");
            if only_md5 {
                values.remove(0);
            }
            self.answer(&values, username, password)
        }

        fn answer(&mut self, values: &[String], username: &str, password: &str) -> String {
            let mut account = Account::new(username.to_owned(), password.to_owned().into());
            account.handle_challenges(&mut self.rng, values.iter().map(String::as_str)).unwrap();
            account.authorization("INVITE", URI).unwrap()
        }

        fn trunk(&mut self, source: &str, uri: &str, authorization: Option<&str>) -> Option<String> {
            match self.identify(source, uri, authorization) {
                Identity::Trunk(peer) => Some(peer.config.id.clone()),
                _ => None,
            }
        }
    }

    fn secret(id: &str, username: &str, password: &str) -> TrunkConfig {
        let caller_credentials = Some(credentials(username, password));
        TrunkConfig { caller_credentials, ..config(id, &["198.51.100.0/24"]) }
    }

    #[test]
    fn of_trunks_in_one_network_the_name_decides() {
        let mut rig = Rig::new(vec![secret("a", "alice", "one"), secret("b", "bob", "two")]);
        assert!(matches!(rig.identify("203.0.113.1", URI, None), Identity::Stranger));
        for only_md5 in [false, true] {
            for (account, id) in [(("alice", "one"), "a"), (("bob", "two"), "b")] {
                let value = rig.with_password(SOURCE, account, only_md5);
                assert_eq!(rig.trunk(SOURCE, URI, Some(&value)).as_deref(), Some(id));
            }
        }
    }

    #[test]
    fn a_stale_nonce_is_asked_for_anew_and_one_is_good_for_one_call() {
        let mut rig = Rig::new(vec![secret("a", "alice", "one")]);
        let value = rig.with_password(SOURCE, ("alice", "one"), false);
        assert!(rig.trunk(SOURCE, URI, Some(&value)).is_some());
        let Identity::Ask(values) = rig.identify(SOURCE, URI, Some(&value)) else { panic!("taken twice") };
        assert!(values.iter().all(|value| value.contains("stale=true")), "{values:?}");
        let value = rig.answer(&values, "alice", "one");
        rig.now += NONCE_LIFETIME + Duration::from_secs(1);
        assert!(matches!(rig.identify(SOURCE, URI, Some(&value)), Identity::Ask(_)));
    }

    #[test]
    fn who_guesses_is_not_listened_to_any_more_and_others_are() {
        let mut rig = Rig::new(vec![secret("a", "alice", "one")]);
        for _ in 0..10 {
            let value = rig.with_password(SOURCE, ("alice", "wrong"), false);
            assert!(matches!(rig.identify(SOURCE, URI, Some(&value)), Identity::Wrong));
        }
        let Identity::Ask(values) = rig.identify(SOURCE, URI, None) else { panic!("not asked") };
        let right = rig.answer(&values, "alice", "one");
        assert!(matches!(rig.identify(SOURCE, URI, Some(&right)), Identity::TooManyWrong), "not even the right one");
        let value = rig.with_password("198.51.100.8", ("alice", "one"), false);
        assert!(rig.trunk("198.51.100.8", URI, Some(&value)).is_some());
        rig.now += Duration::from_secs(31);
        let value = rig.with_password(SOURCE, ("alice", "one"), false);
        assert!(rig.trunk(SOURCE, URI, Some(&value)).is_some());
    }

    #[test]
    fn the_memory_of_wrong_passwords_is_bounded_and_those_beyond_share_a_budget() {
        let mut rig = Rig::new(vec![secret("a", "alice", "one")]);
        let source = |at: u32| IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + at));
        for at in 0..3_000 {
            rig.callers.note_wrong(rig.now, source(at));
        }
        assert_eq!(rig.callers.wrong.len(), MAX_SOURCES);
        assert!(!rig.callers.may_try(rig.now, source(5_000)));
        assert!(rig.callers.may_try(rig.now, source(1)), "one of its own");
        let later = rig.now + Duration::from_secs(60);
        rig.callers.note_wrong(later, source(5_000));
        assert_eq!(rig.callers.wrong.len(), 1);
        let key = |text: &str| source_key(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff"));
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1".parse::<IpAddr>().unwrap());
        assert_ne!(key("2001:db8:0:1::1"), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    }

    #[test]
    fn a_registration_s_contact_decides_and_does_not_replace_a_password() {
        let open = |id: &str| config(id, &["198.51.100.0/24"]);
        let mut rig = Rig::new(vec![open("a"), open("b"), secret("c", "carol", "three")]);
        assert_eq!(rig.trunk(SOURCE, URI, None).as_deref(), Some("a"));
        assert_eq!(rig.trunk(SOURCE, "sip:saal-b.1@192.0.2.1", None).as_deref(), Some("b"));
        assert!(matches!(rig.identify(SOURCE, "sip:saal-c@192.0.2.1", None), Identity::Ask(_)));
        let value = rig.with_password(SOURCE, ("carol", "three"), false);
        assert_eq!(rig.trunk(SOURCE, URI, Some(&value)).as_deref(), Some("c"));
    }
}
