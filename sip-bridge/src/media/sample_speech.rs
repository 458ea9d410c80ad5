// SPDX-License-Identifier: EUPL-1.2
//! A spoken sentence, for tests.

use crate::audio::{FRAME_SAMPLES, Frame};

/// Where the samples begin in a plain WAV file.
const WAV_HEADER_BYTES: usize = 44;

/// A sentence of about four seconds; see `tests/sounds/README.md`.
pub(crate) fn speech() -> Vec<Frame> {
    let wav = include_bytes!("../../tests/sounds/sentence.wav");
    let samples: Vec<i16> =
        wav[WAV_HEADER_BYTES..].chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect();
    samples.chunks_exact(FRAME_SAMPLES).map(|frame| frame.try_into().unwrap()).collect()
}
