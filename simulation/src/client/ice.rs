// SPDX-License-Identifier: EUPL-1.2
//! The client's half of ICE (RFC 8445) against a lite server: checks to one candidate, nominated at once, repeated to
//! keep the consent (RFC 7675).

use std::time::{Duration, Instant};

use rtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME, RawAttribute};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc_stun::textattrs::TextAttribute;

use super::Crypto;

/// Chromium's interval while a pair is unanswered.
const UNANSWERED_INTERVAL: Duration = Duration::from_millis(50);
/// Browsers check a working pair every 2.5 s.
const CONSENT_INTERVAL: Duration = Duration::from_millis(2_500);

/// User name fragment and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) password: String,
}

/// The ICE state of a client.
pub(crate) struct Ice {
    crypto: Crypto,
    local: Credentials,
    remote: Option<Credentials>,
    next_check: Option<Instant>,
    transaction: u64,
    /// A check was answered since the credentials or the address changed.
    pub(crate) is_answered: bool,
}

impl Ice {
    pub(crate) fn new(crypto: Crypto, local: Credentials) -> Self {
        Self { crypto, local, remote: None, next_check: None, transaction: 0, is_answered: false }
    }

    pub(crate) fn local(&self) -> &Credentials {
        &self.local
    }

    /// New credentials with the next offer (RFC 8445 §9).
    pub(crate) fn restart(&mut self, local: Credentials) {
        self.local = local;
    }

    /// The answer's credentials: checks begin when they are new.
    pub(crate) fn set_remote(&mut self, now: Instant, remote: Credentials) {
        if self.remote.as_ref() != Some(&remote) {
            self.remote = Some(remote);
            self.check_again(now);
        }
    }

    /// The path changed: check at once.
    pub(crate) fn check_again(&mut self, now: Instant) {
        self.is_answered = false;
        self.next_check = self.remote.as_ref().map(|_| now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_check
    }

    /// A check, when one is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_check.is_none_or(|due| due > now) {
            return None;
        }
        self.next_check = Some(now + if self.is_answered { CONSENT_INTERVAL } else { UNANSWERED_INTERVAL });
        let remote = self.remote.as_ref()?;
        Some(binding_request(&self.crypto, &self.local, remote, self.next_transaction()))
    }

    fn next_transaction(&self) -> TransactionId {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.transaction.to_be_bytes());
        TransactionId(id)
    }

    /// Whether a STUN datagram answers our checks. A success is signed with the server's password.
    pub(crate) fn handle_datagram(&mut self, datagram: &[u8]) -> bool {
        self.transaction += 1;
        let mut message = Message::new();
        let Some(remote) = &self.remote else { return false };
        let is_success = message.unmarshal_binary(datagram).is_ok()
            && message.typ == BINDING_SUCCESS
            && MessageIntegrity::check(&mut message, remote.password.as_bytes(), self.crypto.crypto()).is_ok();
        self.is_answered |= is_success;
        is_success
    }
}

struct Attribute(RawAttribute);

impl Setter for Attribute {
    fn add_to(&self, message: &mut Message) -> rtc_shared::error::Result<()> {
        message.add(self.0.typ, &self.0.value);
        Ok(())
    }
}

fn attribute(typ: rtc_stun::attributes::AttrType, value: Vec<u8>) -> Box<dyn Setter> {
    let length = u16::try_from(value.len()).expect("attributes here are short");
    Box::new(Attribute(RawAttribute { typ, length, value }))
}

/// A check that nominates, as a controlling client sends it to a lite server.
fn binding_request(crypto: &Crypto, local: &Credentials, remote: &Credentials, transaction: TransactionId) -> Vec<u8> {
    let mut message = Message::new();
    let integrity = MessageIntegrity::new_short_term_integrity_with_provider(remote.password.clone(), crypto.crypto());
    message
        .build(&[
            Box::new(BINDING_REQUEST),
            Box::new(transaction),
            Box::new(TextAttribute { attr: ATTR_USERNAME, text: format!("{}:{}", remote.ufrag, local.ufrag) }),
            attribute(ATTR_PRIORITY, 0x6e7f_1eff_u32.to_be_bytes().to_vec()),
            attribute(ATTR_ICE_CONTROLLING, 7_u64.to_be_bytes().to_vec()),
            attribute(ATTR_USE_CANDIDATE, Vec::new()),
            Box::new(integrity),
            Box::new(FINGERPRINT),
        ])
        .expect("a request of these attributes can be built");
    message.raw
}
