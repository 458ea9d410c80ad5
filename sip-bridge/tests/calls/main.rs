// SPDX-License-Identifier: EUPL-1.2
//! The bridge as telephones see it: real sockets on this machine, with signaling's desk and the sound played by the test.

#![allow(clippy::unwrap_used)]

mod baresip;
#[allow(dead_code, reason = "the hostile tests use the rest of it")]
mod bridge;
mod callee;
mod dialling;
mod everywhere;
#[path = "../hostile/isolation.rs"]
#[allow(dead_code, reason = "the hostile tests use the rest of it")]
mod isolation;
mod kamailio;
mod old_tls;
mod pcap;
#[allow(dead_code, reason = "the hostile tests use the rest of it")]
mod phone;
mod registrations;
mod rtpengine;
mod sipp;
mod sipp_sound;
mod sound;
mod stream_phone;
mod streams;
mod tls_trunk;
mod udp;
