// SPDX-License-Identifier: EUPL-1.2
//! Telephones as participants: SIP, the sound of a call, the mix of a room for those who listen by telephone, and what a
//! caller hears and can do by keys.
//!
//! The parts that decide something neither open sockets nor read a clock: time is an argument, as in `sfu-media`.

pub mod audio;
pub mod bridge;
pub mod caller;
mod control;
pub mod digit;
pub mod media;
mod metrics;
pub mod mixing;
pub mod prompts;
pub mod sdp;
pub mod sip;
pub mod sound;
pub mod transport;
pub mod trunks;

pub use bridge::Bridge;
