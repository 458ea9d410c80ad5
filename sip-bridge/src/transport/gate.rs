// SPDX-License-Identifier: EUPL-1.2
//! What all sockets share: who may send, and how often it is answered what was not understood.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_rustls::rustls::pki_types::ServerName;

use super::admission::{Bucket, Strangers};
use super::limits::REFUSALS;
use crate::sip::flow::TlsName;
use crate::sip::parse::Refusal;
use crate::trunks::Trunks;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// One of the trunks, by the address or by a password that was proven from there.
    Trunk,
    /// Anybody else.
    Stranger,
}

pub(super) struct Gate {
    trunks: Arc<Trunks>,
    strangers: Mutex<Strangers>,
    refusals: Mutex<Bucket>,
    /// The same request gets the same tag (RFC 3261 §8.2.7), and nobody can foresee it.
    tags: RandomState,
}

impl Gate {
    pub(super) fn new(trunks: Arc<Trunks>) -> Self {
        let now = Instant::now();
        let (strangers, refusals) = (Mutex::new(Strangers::new(now)), Mutex::new(Bucket::new(now)));
        Self { trunks, strangers, refusals, tags: RandomState::new() }
    }

    /// Who that is.
    pub(super) fn sender(&self, now: Instant, source: IpAddr) -> Sender {
        if self.trunks.admit(now, source) { Sender::Trunk } else { Sender::Stranger }
    }

    /// For which names a certificate is good where we connect to: the one that is wanted. Where we only answer somebody, any of
    /// the trunks' destinations there, or, for an address that no name has led to, the address.
    pub(super) fn tls_names(&self, remote: SocketAddr, wanted: Option<TlsName>) -> Vec<ServerName<'static>> {
        let trunks = self.trunks.current();
        let hosts: Vec<Arc<str>> = match wanted {
            Some(name) => trunks.tls_host(remote, name).into_iter().collect(),
            None => trunks.tls_names(remote),
        };
        let names: Vec<_> = hosts.iter().filter_map(|host| ServerName::try_from(host.to_string()).ok()).collect();
        let may_be_address = wanted.is_none() && names.is_empty();
        if may_be_address { vec![ServerName::IpAddress(remote.ip().into())] } else { names }
    }

    /// Whether what comes from there is looked at. Trunks do not wait for strangers.
    pub(super) fn admits(&self, now: Instant, source: IpAddr) -> bool {
        self.sender(now, source) == Sender::Trunk
            || self.strangers.lock().unwrap_or_else(PoisonError::into_inner).admit(now, source)
    }

    /// Whether one more datagram that was not understood is answered.
    pub(super) fn may_refuse(&self, now: Instant) -> bool {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).take(now, REFUSALS)
    }

    /// The tag of To in an answer without a transaction.
    pub(super) fn tag(&self, refusal: &Refusal) -> String {
        let key = (&refusal.from, &refusal.call_id, &refusal.cseq);
        format!("{:016x}", self.tags.hash_one(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trunks::Peers;
    use crate::trunks::testing::{credentials, peer};

    #[test]
    fn who_has_to_prove_a_password_is_a_stranger_until_then() {
        let open = peer("open", &["198.51.100.0/24"], None);
        let secret = peer("secret", &["0.0.0.0/0"], Some(credentials("a", "b")));
        let trunks = Arc::new(Trunks::default());
        trunks.replace(Peers { trunks: vec![open, secret], former: Vec::new() });
        let gate = Gate::new(trunks.clone());
        let now = Instant::now();
        let admitted = |source: &str| (0..100).filter(|_| gate.admits(now, source.parse().unwrap())).count();
        assert_eq!(admitted("198.51.100.7"), 100);
        assert_eq!(admitted("203.0.113.7"), 10);
        trunks.note_proven(now, "203.0.113.7".parse().unwrap());
        assert_eq!((admitted("203.0.113.7"), admitted("203.0.113.8")), (100, 0));
    }
}
