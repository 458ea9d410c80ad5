// SPDX-License-Identifier: EUPL-1.2
//! SRTP and SRTCP in place (RFC 3711, RFC 7714), with the four suites that telephones agree on by SDES.
//!
//! [`Sealer`] protects what we send, [`Opener`] checks and reads what arrives. An SSRC gets state only when a packet of it
//! has proved authentic, so nobody without the key can fill memory.

mod opener;
mod sealer;
#[cfg(test)]
mod tests;

pub use ::srtp::KeyError;
use ::srtp::MasterKey;
pub(super) use opener::{OpenError, Opener};
pub(super) use sealer::Sealer;

use crate::sdp::SrtpKey;

/// The key of one direction, as it was agreed on.
fn master(key: &SrtpKey) -> Result<MasterKey, KeyError> {
    MasterKey::new(key.suite(), key.key(), key.salt())
}
