// SPDX-License-Identifier: EUPL-1.2
//! A client's half of ICE (RFC 8445) with one candidate on each side: checks that nominate at once, consent
//! (RFC 7675), and answers to the checks of servers that are not lite.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc_crypto::RTCCryptoProvider;
use rtc_stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME, AttrType, RawAttribute,
};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc_stun::textattrs::TextAttribute;
use rtc_stun::xoraddr::XorMappedAddress;

use crate::sdp::Credentials;

/// Between checks of a pair that is unanswered.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Between checks of a pair that works (RFC 7675 §5.1 says 5 s).
const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
/// Of a host candidate (RFC 8445 §5.1.2).
const PRIORITY: u32 = 0x6e7f_1eff;

/// ICE state of one transport.
pub(crate) struct Ice {
    crypto: Arc<dyn RTCCryptoProvider>,
    local: Credentials,
    remote: Option<Credentials>,
    /// Who offers is in control (RFC 8445 §6.1.1).
    is_controlling: bool,
    tie_breaker: u64,
    transactions: u64,
    next_check: Option<Instant>,
    is_answered: bool,
}

/// What a STUN datagram was.
pub(crate) enum Stun {
    /// The server answered a check.
    Answered,
    /// The server checks us; the answer is to be sent.
    Asked(Vec<u8>),
    /// Not for us.
    Unknown,
}

impl Ice {
    pub(crate) fn new(crypto: Arc<dyn RTCCryptoProvider>, local: Credentials, is_controlling: bool) -> Self {
        Self {
            crypto,
            local,
            remote: None,
            is_controlling,
            tie_breaker: rand::random(),
            transactions: rand::random(),
            next_check: None,
            is_answered: false,
        }
    }

    pub(crate) const fn local(&self) -> &Credentials {
        &self.local
    }

    /// Starts checking, or checks again when the server's credentials are new.
    pub(crate) fn set_remote(&mut self, now: Instant, remote: Credentials) {
        if self.remote.as_ref() != Some(&remote) {
            self.remote = Some(remote);
            self.is_answered = false;
            self.next_check = Some(now);
        }
    }

    /// A check, when one is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_check.is_none_or(|due| due > now) {
            return None;
        }
        self.next_check = Some(now + if self.is_answered { CONSENT_INTERVAL } else { CHECK_INTERVAL });
        self.transactions += 1;
        self.check()
    }

    fn check(&self) -> Option<Vec<u8>> {
        let remote = self.remote.as_ref()?;
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.transactions.to_be_bytes());
        let username = TextAttribute { attr: ATTR_USERNAME, text: format!("{}:{}", remote.ufrag, self.local.ufrag) };
        let role = if self.is_controlling { ATTR_ICE_CONTROLLING } else { ATTR_ICE_CONTROLLED };
        let mut setters: Vec<Box<dyn Setter>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId(id)),
            Box::new(username),
            attribute(ATTR_PRIORITY, PRIORITY.to_be_bytes().to_vec()),
            attribute(role, self.tie_breaker.to_be_bytes().to_vec()),
        ];
        if self.is_controlling {
            setters.push(attribute(ATTR_USE_CANDIDATE, Vec::new()));
        }
        self.sign(setters, &remote.password)
    }

    fn sign<'a>(&'a self, mut setters: Vec<Box<dyn Setter + 'a>>, password: &str) -> Option<Vec<u8>> {
        let password = password.to_owned();
        let integrity = MessageIntegrity::new_short_term_integrity_with_provider(password, self.crypto.crypto());
        setters.push(Box::new(integrity));
        setters.push(Box::new(FINGERPRINT));
        let mut message = Message::new();
        message.build(&setters).ok()?;
        Some(message.raw)
    }

    /// Takes in a STUN datagram from `server`.
    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: &[u8], server: SocketAddr) -> Stun {
        let mut message = Message::new();
        if message.unmarshal_binary(datagram).is_err() {
            return Stun::Unknown;
        }
        let crypto = self.crypto.clone();
        let is_signed_by = |message: &mut Message, password: &str| {
            MessageIntegrity::check(message, password.as_bytes(), crypto.crypto()).is_ok()
        };
        if message.typ == BINDING_SUCCESS {
            let Some(remote) = &self.remote else { return Stun::Unknown };
            if !is_signed_by(&mut message, &remote.password) {
                return Stun::Unknown;
            }
            self.is_answered = true;
            self.next_check = Some(now + CONSENT_INTERVAL);
            return Stun::Answered;
        }
        if message.typ == BINDING_REQUEST && is_signed_by(&mut message, &self.local.password) {
            let mapped = XorMappedAddress { ip: server.ip(), port: server.port() };
            let answer: Vec<Box<dyn Setter>> =
                vec![Box::new(BINDING_SUCCESS), Box::new(message.transaction_id), Box::new(mapped)];
            return self.sign(answer, &self.local.password).map_or(Stun::Unknown, Stun::Asked);
        }
        Stun::Unknown
    }
}

struct Attribute(RawAttribute);

impl Setter for Attribute {
    fn add_to(&self, message: &mut Message) -> rtc_shared::error::Result<()> {
        message.add(self.0.typ, &self.0.value);
        Ok(())
    }
}

fn attribute(typ: AttrType, value: Vec<u8>) -> Box<dyn Setter> {
    // The length is written from the value.
    Box::new(Attribute(RawAttribute { typ, length: 0, value }))
}

/// Credentials that nobody guesses (RFC 8445 §5.3).
pub(crate) fn new_credentials() -> Credentials {
    let word = |len| -> String {
        use rand::Rng;
        rand::rng().sample_iter(rand::distr::Alphanumeric).take(len).map(char::from).collect()
    };
    Credentials { ufrag: word(8), password: word(24) }
}

/// The address that this machine uses towards `server`.
pub(crate) fn local_ip_towards(server: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = std::net::UdpSocket::bind(any)?;
    probe.connect(server)?;
    Ok(probe.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ice(local: &str, is_controlling: bool) -> Ice {
        let crypto = rtc_crypto::default_provider().unwrap();
        Ice::new(crypto, credentials(local), is_controlling)
    }

    fn credentials(name: &str) -> Credentials {
        Credentials { ufrag: name.to_owned(), password: format!("password-of-{name}-is-long") }
    }

    #[test]
    fn two_ends_answer_each_other() {
        let now = Instant::now();
        let (mut a, mut b) = (ice("aaaa", true), ice("bbbb", false));
        let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
        a.set_remote(now, credentials("bbbb"));
        b.set_remote(now, credentials("aaaa"));
        let check = a.handle_timeout(now).unwrap();
        assert!(a.handle_timeout(now).is_none(), "not twice at once");
        let Stun::Asked(answer) = b.handle_datagram(now, &check, address) else { panic!("a valid check") };
        assert!(matches!(a.handle_datagram(now, &answer, address), Stun::Answered));
        assert!(a.handle_timeout(now + CHECK_INTERVAL).is_none(), "consent has time");
        assert!(a.handle_timeout(now + CONSENT_INTERVAL).is_some());
    }

    #[test]
    fn strangers_are_not_heard() {
        let now = Instant::now();
        let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let (mut a, mut b) = (ice("aaaa", true), ice("bbbb", false));
        a.set_remote(now, credentials("cccc"));
        let check = a.handle_timeout(now).unwrap();
        assert!(matches!(b.handle_datagram(now, &check, address), Stun::Unknown));
        assert!(matches!(b.handle_datagram(now, b"\0\x01garbage", address), Stun::Unknown));
    }
}
