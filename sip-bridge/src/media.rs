// SPDX-License-Identifier: EUPL-1.2
//! The sound of one call, between a telephone and the room: from datagrams to frames of 16 kHz, and back.

pub mod codec;
pub mod comfort_noise;
pub mod concealment;
pub mod downlink;
pub mod in_band_digits;
pub mod jitter_buffer;
pub mod keypad;
pub mod level;
pub(crate) mod opus_packet;
pub(crate) mod pure_tone;
pub mod resample;
pub mod rtp;
pub mod time_scaling;
pub mod uplink;
pub mod voice_activity;

#[cfg(test)]
pub(crate) mod key_tone;
#[cfg(test)]
pub(crate) mod sample_speech;
