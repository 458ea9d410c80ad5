// SPDX-License-Identifier: EUPL-1.2
//! The server's half of ICE (RFC 8445 §2.5): it sends no checks, answers those of the client, and learns from them
//! where the client is.
//!
//! An address counts as the client's own once a check with valid MESSAGE-INTEGRITY came from it. Everything else that
//! an unknown address sends is dropped without an answer, so that we neither amplify nor confirm guesses. Checks are
//! also the client's continued consent to receive (RFC 7675).

mod stun;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use bytes::BytesMut;
use rtc_crypto::RTCCryptoProvider;
use smallvec::SmallVec;

use crate::prefetch::prefetch;
use crate::session::IceCredentials;
use stun::BindingRequest;
pub use stun::{stun_is_valid, stun_local_ufrag};

/// How long a client may stay silent (RFC 7675 §5.1).
const CONSENT_LIFETIME: Duration = Duration::from_secs(30);

/// Interfaces, address families and relays of one client. A browser that roams has a few old ones as well.
const MAX_ADDRESSES: usize = 16;

/// What a STUN datagram changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StunOutcome {
    /// The datagram was a valid check, so its source is an address of the client.
    pub is_verified: bool,
    /// The transport sends to its source from now on, and did not before.
    pub became_selected: bool,
    /// An address that no longer counts as the client's, because it has too many.
    pub forgotten: Option<SocketAddr>,
}

/// State of one client's ICE.
pub(super) struct IceLite {
    /// Apart, because the keys are large and media does not need them.
    credentials: Box<Credentials>,
    /// Valid until the client nominates with the new ones (RFC 8445 §9).
    previous: Option<Box<Credentials>>,
    /// The one checked longest ago first.
    addresses: SmallVec<[SocketAddr; MAX_ADDRESSES]>,
    selected: Option<SocketAddr>,
    consent_ends: Instant,
    first_check: Option<Instant>,
    crypto: Arc<dyn RTCCryptoProvider>,
}

/// The pair of user name fragments that a check must name, and the password that it must be signed with.
struct Credentials {
    local: IceCredentials,
    remote_ufrag: Arc<str>,
    key: hmac::Key,
}

impl IceLite {
    pub(super) fn new(
        now: Instant,
        local: IceCredentials,
        remote: IceCredentials,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Self {
        Self {
            credentials: Box::new(Credentials::new(local, remote)),
            previous: None,
            addresses: SmallVec::new(),
            selected: None,
            consent_ends: now + CONSENT_LIFETIME,
            first_check: None,
            crypto,
        }
    }

    /// Accepts checks with new credentials as well.
    pub(super) fn restart(&mut self, local: IceCredentials, remote: IceCredentials) {
        let replaced = std::mem::replace(&mut self.credentials, Box::new(Credentials::new(local, remote)));
        // A second restart before the first was used: the client still sends over what it last nominated.
        self.previous.get_or_insert(replaced);
    }

    /// Whether checks may name this user name fragment of ours.
    pub(super) fn answers_to(&self, local_ufrag: &str) -> bool {
        let generations = [Some(&self.credentials), self.previous.as_ref()];
        generations.into_iter().flatten().any(|credentials| &*credentials.local.ufrag == local_ufrag)
    }

    /// Calls for what [`Self::selected`] needs.
    pub(super) fn prefetch_selected(&self) {
        prefetch(&self.selected);
    }

    /// Where the transport sends: the nominated address, or before any nomination the first verified one.
    pub(super) fn selected(&self) -> Option<SocketAddr> {
        self.selected
    }

    /// When the first valid check came.
    pub(super) fn first_check(&self) -> Option<Instant> {
        self.first_check
    }

    /// When the client's consent ends unless another check comes.
    pub(super) fn consent_ends(&self) -> Instant {
        self.consent_ends
    }

    /// A STUN datagram. Gives what it changed, and the answer for its source.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
    ) -> (StunOutcome, Option<BytesMut>) {
        let Some((request, generation)) = self.authenticate(datagram) else {
            return (StunOutcome::default(), None);
        };
        let crypto = Arc::clone(&self.crypto);
        let password = Arc::clone(&generation.local.password);
        if request.claims_to_be_controlled {
            let response = stun::role_conflict_response(request.transaction_id, &password, crypto.crypto());
            return (StunOutcome::default(), response);
        }
        let is_current = generation.local.ufrag == self.credentials.local.ufrag;
        self.first_check.get_or_insert(now);
        self.consent_ends = now + CONSENT_LIFETIME;
        let became_selected = self.select(source, request.nominates);
        if request.nominates && is_current {
            self.previous = None;
        }
        let forgotten = self.remember(source);
        let response = stun::success_response(request.transaction_id, source, &password, crypto.crypto());
        (StunOutcome { is_verified: true, became_selected, forgotten }, response)
    }

    /// The request if it is valid, and the credentials it was made with.
    fn authenticate<'a>(&self, datagram: &'a [u8]) -> Option<(BindingRequest<'a>, &Credentials)> {
        let request = BindingRequest::parse(datagram)?;
        let generations = [Some(&self.credentials), self.previous.as_ref()];
        let made_with = generations.into_iter().flatten().find(|credentials| credentials.have_made(&request))?;
        Some((request, made_with))
    }

    fn select(&mut self, source: SocketAddr, nominates: bool) -> bool {
        let selects = (nominates || self.selected.is_none()) && self.selected != Some(source);
        if selects {
            self.selected = Some(source);
        }
        selects
    }

    /// Adds the address, or notes that it is still in use. Gives the one that had to make room.
    fn remember(&mut self, source: SocketAddr) -> Option<SocketAddr> {
        let mut forgotten = None;
        if let Some(place) = self.addresses.iter().position(|address| *address == source) {
            self.addresses.remove(place);
        } else if self.addresses.len() == MAX_ADDRESSES {
            let place = usize::from(self.addresses.first().copied() == self.selected);
            forgotten = Some(self.addresses.remove(place));
        }
        self.addresses.push(source);
        forgotten
    }
}

impl Credentials {
    fn new(local: IceCredentials, remote: IceCredentials) -> Self {
        Self { key: stun::integrity_key(&local.password), local, remote_ufrag: remote.ufrag }
    }

    fn have_made(&self, request: &BindingRequest<'_>) -> bool {
        request.local_ufrag == &*self.local.ufrag
            && request.remote_ufrag == &*self.remote_ufrag
            && request.is_signed_with(&self.key)
    }
}
