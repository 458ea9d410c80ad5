// SPDX-License-Identifier: EUPL-1.2
//! SIP (RFC 3261) without sockets and without a clock: messages in and out, time as an argument.
//!
//! Written by ourselves: the reasons are in `docs/adr/0021-sip-written-by-ourselves.md`.

pub mod check;
pub mod digest;
pub mod message;
pub mod parse;
pub mod session_body;
mod uri_equivalence;
mod write;
