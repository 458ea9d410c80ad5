// SPDX-License-Identifier: EUPL-1.2
//! Who somebody is, by password (RFC 3261 §22, RFC 7616, RFC 8760): [`Challenger`] asks callers, [`Account`] answers those
//! who ask us. Only `qop=auth` and its absence; `auth-int` is not offered and not answered.

mod account;
mod algorithm;
mod challenge;
mod challenger;
mod credentials;
mod fields;
#[cfg(test)]
mod tests;

pub use account::{Account, AccountError};
pub use algorithm::Algorithm;
pub use challenge::Challenge;
pub use challenger::{Challenger, Verdict};
pub use credentials::Credentials;

/// A value of one of the four headers that is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Another scheme than Digest, such as Basic, which nobody may use (RFC 3261 §22).
    #[error("scheme is not Digest")]
    Scheme,
    /// It does not fit the grammar, or a part is twice there.
    #[error("malformed value")]
    Syntax,
    /// A part is missing.
    #[error("missing {0}")]
    Missing(&'static str),
    /// A hash that we do not know.
    #[error("unknown algorithm")]
    Algorithm,
    /// Protection that we do not offer.
    #[error("unknown quality of protection")]
    Protection,
}
