// SPDX-License-Identifier: EUPL-1.2
//! SRTP and SRTCP in place (RFC 3711, RFC 7714), with the four suites that telephones agree on by SDES.
//!
//! [`Sealer`] protects what we send, [`Opener`] checks and reads what arrives. An SSRC gets state only when a packet of it
//! has proved authentic, so nobody without the key can fill memory.

mod cipher;
mod keys;
mod opener;
mod replay;
mod sealer;
#[cfg(test)]
mod tests;

pub use keys::KeyError;
pub(super) use opener::{OpenError, Opener};
pub(super) use sealer::Sealer;
