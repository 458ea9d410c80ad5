// SPDX-License-Identifier: EUPL-1.2
//! Connectivity checks on the wire: STUN binding requests (RFC 8489, RFC 8445 §7). Requests are read where they lie,
//! because every client sends one every few seconds; responses are built with `rtc-stun`.

use std::net::SocketAddr;

use aws_lc_rs::hmac;
use bytes::BytesMut;
use rtc_crypto::RTCCrypto;
use rtc_stun::error_code::CODE_ROLE_CONFLICT;
use rtc_stun::fingerprint::{FINGERPRINT, fingerprint_value};
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_ERROR, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc_stun::xoraddr::XorMappedAddress;
use subtle::ConstantTimeEq;

const HEADER_BYTES: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0, 1];

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT_ATTRIBUTE: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;

const INTEGRITY_BYTES: usize = 20;

/// A well-formed binding request with user name and integrity, the latter not yet checked.
pub(super) struct BindingRequest<'a> {
    pub(super) transaction_id: [u8; 12],
    /// The receiver's half of the user name: ours.
    pub(super) local_ufrag: &'a str,
    /// The sender's half of the user name: the client's.
    pub(super) remote_ufrag: &'a str,
    /// USE-CANDIDATE.
    pub(super) nominates: bool,
    /// The client takes itself for the controlled side, which we always are (RFC 8445 §6.1.1).
    pub(super) claims_to_be_controlled: bool,
    /// Everything before MESSAGE-INTEGRITY.
    signed: &'a [u8],
    signature: &'a [u8; INTEGRITY_BYTES],
}

impl<'a> BindingRequest<'a> {
    pub(super) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let header = datagram.first_chunk::<HEADER_BYTES>()?;
        let body_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[..2] != BINDING_REQUEST || header[4..8] != MAGIC_COOKIE || datagram.len() != HEADER_BYTES + body_len {
            return None;
        }
        let (mut user_name, mut signature, mut nominates, mut claims_to_be_controlled) = (None, None, false, false);
        let mut at = HEADER_BYTES;
        while at < datagram.len() {
            let (attribute, value) = attribute_at(datagram, at)?;
            // What follows MESSAGE-INTEGRITY is not signed: only FINGERPRINT may count there (RFC 8489 §14.5).
            match attribute {
                FINGERPRINT_ATTRIBUTE if !is_fingerprint_of(value, &datagram[..at]) => return None,
                _ if signature.is_some() => {}
                USERNAME => user_name = Some(value),
                USE_CANDIDATE => nominates = true,
                ICE_CONTROLLED => claims_to_be_controlled = true,
                MESSAGE_INTEGRITY => signature = Some((&datagram[..at], value.try_into().ok()?)),
                _ => {}
            }
            at += 4 + value.len().next_multiple_of(4);
        }
        let (signed, signature) = signature?;
        let (local_ufrag, remote_ufrag) = std::str::from_utf8(user_name?).ok()?.split_once(':')?;
        Some(Self {
            transaction_id: *header.last_chunk()?,
            local_ufrag,
            remote_ufrag,
            nominates,
            claims_to_be_controlled,
            signed,
            signature,
        })
    }

    /// RFC 8489 §14.5: the signature covers a header whose length ends with MESSAGE-INTEGRITY itself.
    pub(super) fn is_signed_with(&self, key: &hmac::Key) -> bool {
        let signed_len = self.signed.len() + 4 + INTEGRITY_BYTES - HEADER_BYTES;
        let mut context = hmac::Context::with_key(key);
        context.update(&self.signed[..2]);
        context.update(&(signed_len as u16).to_be_bytes());
        context.update(&self.signed[4..]);
        context.sign().as_ref().ct_eq(self.signature).into()
    }
}

fn attribute_at(datagram: &[u8], at: usize) -> Option<(u16, &[u8])> {
    let (header, rest) = datagram.get(at..)?.split_first_chunk::<4>()?;
    let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // The padding must be there as well (RFC 8489 §14).
    let value = rest.get(..len.next_multiple_of(4))?;
    Some((u16::from_be_bytes([header[0], header[1]]), &value[..len]))
}

fn is_fingerprint_of(value: &[u8], covered: &[u8]) -> bool {
    value == fingerprint_value(covered).to_be_bytes()
}

/// The key that a password stands for (RFC 8489 §9.1.1).
pub(super) fn integrity_key(password: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}

/// Which of our user name fragments a binding request is addressed to. The request may still be forged.
#[must_use]
pub fn stun_local_ufrag(datagram: &[u8]) -> Option<&str> {
    BindingRequest::parse(datagram).map(|request| request.local_ufrag)
}

/// Whether a datagram is a binding request that its sender signed with `password`.
#[must_use]
pub fn stun_is_valid(datagram: &[u8], password: &str) -> bool {
    BindingRequest::parse(datagram).is_some_and(|request| request.is_signed_with(&integrity_key(password)))
}

/// Tells the client which address its request came from.
pub(super) fn success_response(
    transaction_id: [u8; 12],
    source: SocketAddr,
    password: &str,
    crypto: &dyn RTCCrypto,
) -> Option<BytesMut> {
    let address = XorMappedAddress { ip: source.ip().to_canonical(), port: source.port() };
    signed_response(vec![Box::new(BINDING_SUCCESS), id(transaction_id), Box::new(address)], password, crypto)
}

/// Tells the client that it has to be the controlling side (RFC 8445 §7.3.1.1).
pub(super) fn role_conflict_response(
    transaction_id: [u8; 12],
    password: &str,
    crypto: &dyn RTCCrypto,
) -> Option<BytesMut> {
    signed_response(vec![Box::new(BINDING_ERROR), id(transaction_id), Box::new(CODE_ROLE_CONFLICT)], password, crypto)
}

fn id(transaction_id: [u8; 12]) -> Box<dyn Setter> {
    Box::new(TransactionId(transaction_id))
}

fn signed_response<'a>(
    mut parts: Vec<Box<dyn Setter + 'a>>,
    password: &str,
    crypto: &'a dyn RTCCrypto,
) -> Option<BytesMut> {
    parts.push(Box::new(MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), crypto)));
    parts.push(Box::new(FINGERPRINT));
    let mut response = Message::new();
    response.build(&parts).ok()?;
    Some(BytesMut::from(&response.raw[..]))
}
