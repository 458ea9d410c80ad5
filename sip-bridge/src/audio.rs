// SPDX-License-Identifier: EUPL-1.2
//! Sound inside the bridge: 16,000 samples a second, one channel, in frames of 20 ms. Telephones with narrow sound are
//! resampled at their own edge (`media/`), browsers' Opus is decoded to this rate at once.

use std::time::Duration;

/// Samples a second.
pub const SAMPLE_RATE_HZ: u32 = 16_000;

/// How long a frame lasts, which is also how often everything in the bridge happens.
pub const FRAME_TIME: Duration = Duration::from_millis(20);

/// Samples of a frame.
pub const FRAME_SAMPLES: usize = 320;

/// 20 ms of sound.
pub type Frame = [i16; FRAME_SAMPLES];

/// 20 ms without any.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];
