// SPDX-License-Identifier: EUPL-1.2
//! What strangers, scanners and broken equipment send to the bridge's real sockets. Each test runs in a network namespace of its
//! own, so that nothing leaves the machine, and in a process of its own, whose memory it measures.
//!
//! The random ones take five seconds, and a minute in CI (`cargo xtask test`, where `CI` is `true`);
//! `SAAL_FUZZ_SECONDS=60 cargo test -p sip-bridge --test hostile` gives them as long.

#![allow(clippy::unwrap_used)]

#[path = "../calls/bridge.rs"]
#[allow(dead_code, reason = "the other tests of calls use the rest of it")]
mod bridge;
mod floods;
mod isolation;
mod malformed;
#[path = "../calls/phone.rs"]
#[allow(dead_code, reason = "the other tests of calls use the rest of it")]
mod phone;
mod random;
#[path = "../calls/sound.rs"]
#[allow(dead_code, reason = "the other tests of calls use the rest of it")]
mod sound;
mod strange_sound;
mod strangers;
#[path = "../calls/stream_phone.rs"]
mod stream_phone;
mod torture;
