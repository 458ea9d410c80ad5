// SPDX-License-Identifier: EUPL-1.2
//! One association with one client: ICE-lite, DTLS, SRTP, SCTP and what was negotiated. All `rtc-*` crates are
//! imported below this module only.

pub mod negotiation;
