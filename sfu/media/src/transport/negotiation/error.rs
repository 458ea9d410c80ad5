// SPDX-License-Identifier: EUPL-1.2
//! Why an offer was refused, in words that may be sent to the client that made it.

use thiserror::Error;

use super::limits;

/// Why an offer was refused. The client is at fault in every case.
#[derive(Debug, Error, PartialEq)]
pub enum NegotiationError {
    /// The whole description.
    #[error("the description is longer than {} bytes", limits::MAX_SDP_BYTES)]
    DescriptionTooLong,
    /// Lines of the description.
    #[error("the description has more than {} lines", limits::MAX_LINES)]
    TooManyLines,
    /// One line.
    #[error("a line is longer than {} bytes", limits::MAX_LINE_BYTES)]
    LineTooLong,
    /// M-lines.
    #[error("the description has more than {} m-lines", limits::MAX_SECTIONS)]
    TooManySections,
    /// `a=extmap` in one m-line.
    #[error("an m-line has more than {} header extensions", limits::MAX_EXTENSIONS)]
    TooManyExtensions,
    /// `a=rid` in one m-line.
    #[error("an m-line has more than {} rids", limits::MAX_RIDS)]
    TooManyRids,
    /// `a=ssrc` in one m-line.
    #[error("an m-line has more than {} synchronisation sources", limits::MAX_SOURCES)]
    TooManySources,
    /// It does not follow the grammar of SDP (RFC 8866).
    #[error("the description is not valid SDP: {0}")]
    Syntax(#[from] rtc_shared::error::Error),
    /// An m-line that is in use has no `a=mid`.
    #[error("m-line {0} has no mid")]
    MissingMid(usize),
    /// The `a=mid` of an m-line is empty or does not fit a header extension.
    #[error("the mid of m-line {0} is not between 1 and 16 bytes long")]
    InvalidMid(usize),
    /// Two m-lines have the same `a=mid`.
    #[error("m-line {0} repeats the mid of another one")]
    DuplicateMid(usize),
    /// No m-line that we understand is in a BUNDLE group (RFC 9143), which is the only transport we speak.
    #[error("no m-line is usable in a BUNDLE group")]
    NothingBundled,
    /// Missing, or outside of RFC 8445 §5.3.
    #[error("the ICE user name fragment or password is missing or malformed")]
    IceCredentials,
    /// Missing, malformed, or none with SHA-256 (RFC 8122).
    #[error("there is no certificate fingerprint with sha-256")]
    Fingerprint,
    /// More than one certificate for one BUNDLE group.
    #[error("the m-lines name different certificate fingerprints")]
    ConflictingFingerprints,
    /// The certificate changed on a transport that is up, which takes a new transport.
    #[error("the certificate fingerprint changed, connect anew")]
    FingerprintChanged,
    /// The client will not start DTLS, and neither do we (RFC 8842 §5).
    #[error("the client must offer setup actpass or active")]
    DtlsRole,
}
