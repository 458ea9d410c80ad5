// SPDX-License-Identifier: EUPL-1.2
//! One association with one client: ICE-lite, DTLS, SRTP, SCTP and what was negotiated. All `rtc-*` crates are
//! imported below this module only.

#[allow(dead_code)]
mod ice_lite;
#[allow(dead_code)]
mod srtp;

pub use ice_lite::{StunOutcome, stun_is_valid, stun_local_ufrag};
pub use srtp::{KeyError, OpenError, SEAL_OVERHEAD_BYTES, SEAL_RTCP_OVERHEAD_BYTES, SrtpProfile};
