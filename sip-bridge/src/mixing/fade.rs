// SPDX-License-Identifier: EUPL-1.2
//! Letting sound come and go over one frame, so that it does not click.

use crate::audio::{FRAME_SAMPLES, Frame};

/// How much of a sound that comes is heard at this sample of the frame, 0 to 1: flat at both ends, and with its mirror
/// image always 1 in sum.
pub(super) fn rise(sample: usize) -> f32 {
    let at = (sample as f32 + 0.5) / FRAME_SAMPLES as f32;
    at * at * (3.0 - 2.0 * at)
}

/// Lets a frame come out of silence.
pub(super) fn fade_in(frame: &mut Frame) {
    for (at, sample) in frame.iter_mut().enumerate() {
        *sample = (f32::from(*sample) * rise(at)) as i16;
    }
}

/// Lets a frame end in silence.
pub(super) fn fade_out(frame: &mut Frame) {
    for (at, sample) in frame.iter_mut().enumerate() {
        *sample = (f32::from(*sample) * (1.0 - rise(at))) as i16;
    }
}

/// Goes from `before` to `frame`, and leaves the result in `frame`.
pub(super) fn cross_fade(before: &Frame, frame: &mut Frame) {
    for (at, (old, new)) in before.iter().zip(frame.iter_mut()).enumerate() {
        let share = rise(at);
        *new = (f32::from(*new) * share + f32::from(*old) * (1.0 - share)) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_reached() {
        let mut frame = [10_000; FRAME_SAMPLES];
        fade_in(&mut frame);
        assert!(frame[0] < 5 && frame[FRAME_SAMPLES - 1] > 9_990);
        let mut frame = [10_000; FRAME_SAMPLES];
        fade_out(&mut frame);
        assert!(frame[0] > 9_990 && frame[FRAME_SAMPLES - 1] < 5);
    }

    #[test]
    fn a_sound_that_fades_into_itself_stays_as_it_is() {
        let mut frame = [10_000; FRAME_SAMPLES];
        cross_fade(&[10_000; FRAME_SAMPLES], &mut frame);
        assert!(frame.iter().all(|sample| (9_998..=10_000).contains(sample)));
    }
}
