// SPDX-License-Identifier: EUPL-1.2
//! SIP (RFC 3261) without sockets and without a clock: messages in and out, time as an argument.
//!
//! Written by ourselves: the reasons are in `docs/adr/0021-sip-written-by-ourselves.md`.

mod call;
mod challenge;
pub mod check;
pub mod command;
pub mod config;
mod core;
pub(crate) mod deadlines;
mod dialog;
pub mod digest;
pub mod endpoint;
pub mod event;
pub mod flow;
mod in_dialog;
pub mod message;
mod next_hop;
mod offer_answer;
pub(crate) mod own_headers;
mod owner;
pub mod parse;
mod registration;
mod reinvite;
mod reliable_provisional;
pub mod session_body;
mod session_timer;
mod tokens;
mod transaction;
mod uac;
mod uas;
mod write;
