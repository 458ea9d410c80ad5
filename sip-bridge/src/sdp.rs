// SPDX-License-Identifier: EUPL-1.2
//! What a telephone and we agree on before any sound flows: session descriptions (RFC 8866) in offer and answer
//! (RFC 3264, RFC 6337).
//!
//! [`SessionDescription`] is read and written here, and understands nothing. [`answer`], [`offer`] and
//! [`accept_answer`] decide, from what we can ([`Capabilities`]) and what was agreed before, and give a [`Negotiated`]
//! that the media of a call is set up from. One stream of sound is agreed on; whatever else is offered is declined
//! in its place. No ICE, no DTLS: who wants these has a browser.

mod answering;
mod capabilities;
mod codecs;
mod crypto;
mod description;
mod direction;
mod negotiated;
mod offering;
mod parse;
mod refusal;
mod remote;
mod section;
#[cfg(test)]
mod tests;
mod write;

pub use answering::answer;
pub use capabilities::{Capabilities, Encryption};
pub use codecs::{Codec, OpusParameters};
pub use crypto::{SrtpKey, SrtpKeys, SrtpSuite};
pub use description::{Address, Attribute, Media, Origin, SessionDescription};
pub use direction::Direction;
pub use negotiated::{Negotiated, PayloadTypes, ReceiveFormat, TelephoneEvent};
pub use offering::{accept_answer, offer};
pub use parse::ParseError;
pub use refusal::Refusal;
