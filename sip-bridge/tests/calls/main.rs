// SPDX-License-Identifier: EUPL-1.2
//! The bridge as telephones see it: real sockets on this machine, with signaling's desk and the sound played by the test.

#![allow(clippy::unwrap_used)]

mod baresip;
mod bridge;
mod callee;
mod dialling;
mod kamailio;
mod phone;
mod registrations;
mod rtpengine;
mod sipp;
mod sound;
mod streams;
mod tls_trunk;
mod udp;
