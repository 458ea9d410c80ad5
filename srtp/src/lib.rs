// SPDX-License-Identifier: EUPL-1.2
//! What protects a packet of SRTP and SRTCP (RFC 3711, RFC 7714), for the SFU and for telephones: ciphers that work in place and
//! without allocation, the keys that they are made of, and the windows in which a packet is taken once.
//!
//! Which streams there are, and how much is kept of each, differs between the two, and is theirs.

mod cipher;
mod keys;
mod replay;
mod suite;
#[cfg(test)]
mod vectors;

pub use cipher::{Cipher, PacketId, RTCP_HEADER_BYTES};
pub use keys::{KeyError, MasterKey};
pub use replay::ReplayWindow;
pub use suite::SrtpSuite;
