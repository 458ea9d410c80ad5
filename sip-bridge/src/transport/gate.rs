// SPDX-License-Identifier: EUPL-1.2
//! What all sockets share: who may send, and how often it is answered what was not understood.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::admission::{Bucket, Strangers};
use super::limits::REFUSALS;
use crate::sip::parse::Refusal;
use crate::trunks::Trunks;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// One of the trunks.
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
    pub(super) fn sender(&self, source: IpAddr) -> Sender {
        if self.trunks.of(source).is_some() { Sender::Trunk } else { Sender::Stranger }
    }

    /// Whether what comes from there is looked at. Trunks pass without a lock.
    pub(super) fn admits(&self, now: Instant, source: IpAddr) -> bool {
        self.sender(source) == Sender::Trunk
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
