// SPDX-License-Identifier: EUPL-1.2
//! What is wrong with a message that is not understood, and the answer to it if it is a request that can be answered.

use std::fmt;

use crate::sip::message::Via;

/// What is wrong. Its text is fit for the reason phrase of an answer: it names parts of messages, never their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Line ends or nothing at all, which keep a way through a NAT open (RFC 5626 §3.5.1).
    #[error("keep-alive")]
    KeepAlive,
    /// Something else than SIP.
    #[error("not SIP")]
    NotSip,
    /// A version of SIP other than 2.0.
    #[error("version not supported")]
    Version,
    /// The first line of a request or response.
    #[error("malformed start line")]
    StartLine,
    /// The address in the first line of a request.
    #[error("malformed Request-URI")]
    RequestUri,
    /// A line that is not a header, or a control character in one.
    #[error("malformed header line")]
    HeaderLine,
    /// The headers do not end.
    #[error("no empty line behind the headers")]
    NoEnd,
    /// The value of that header.
    #[error("malformed {0}")]
    Header(&'static str),
    /// A header that this message must have.
    #[error("missing {0}")]
    Missing(&'static str),
    /// A header of which a message has one.
    #[error("more than one {0}")]
    Repeated(&'static str),
    /// The method of the first line is not that of CSeq.
    #[error("other method in CSeq")]
    MethodMismatch,
    /// More was announced by Content-Length than came.
    #[error("body shorter than Content-Length")]
    Truncated,
    /// More of these than [`limits`](super::limits) allow.
    #[error("too many of {0}")]
    TooMany(&'static str),
    /// The message or its headers are longer than [`limits`](super::limits) allow.
    #[error("message too long")]
    TooLong,
}

/// A message that was not understood.
#[derive(Debug, thiserror::Error)]
#[error("{flaw}")]
pub struct Malformed {
    /// Why.
    pub flaw: Flaw,
    /// How it is refused; without, the message is dropped silently: it is a response, an ACK, or says too little to
    /// be answered.
    pub refusal: Option<Box<Refusal>>,
}

impl Malformed {
    pub(super) const fn dropped(flaw: Flaw) -> Self {
        Self { flaw, refusal: None }
    }
}

/// The answer to a request that was not understood, without a transaction: what an answer copies from its request
/// (RFC 3261 §8.2.6.2), as text, because it may be what is malformed.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 400, 413, 501 or 505.
    pub status: u16,
    /// For people: it says what is wrong.
    pub reason: String,
    /// The way back. The transport adds `received` and `rport` to the first (RFC 3261 §18.2.1, RFC 3581 §4) and sends to
    /// where it says. What could not be understood of the others is missing.
    pub via: Vec<Via>,
    /// The value of From.
    pub from: String,
    /// The value of To.
    pub to: String,
    /// The value of Call-ID.
    pub call_id: String,
    /// The value of CSeq.
    pub cseq: String,
}

/// Without what is personal.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").field("status", &self.status).field("reason", &self.reason).finish_non_exhaustive()
    }
}
