// SPDX-License-Identifier: EUPL-1.2
//! One association with one client: ICE-lite, DTLS, SRTP, SCTP and what was negotiated. All `rtc-*` crates are
//! imported below this module only.

#[allow(dead_code)]
mod srtp;

pub use srtp::{KeyError, OpenError, SEAL_OVERHEAD_BYTES, SEAL_RTCP_OVERHEAD_BYTES, SrtpProfile};
