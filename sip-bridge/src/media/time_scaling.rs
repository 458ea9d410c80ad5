// SPDX-License-Identifier: EUPL-1.2
//! Sound made a little shorter or longer without changing its pitch: a piece that is nearly like its neighbour is left out or
//! said twice, with a cross-fade (waveform similarity overlap-add). In silence any piece will do.

/// How long old and new sound overlap: 5 ms.
const OVERLAP: usize = 80;

/// The shortest and longest piece, 2.5 and 15 ms: pitch periods of 400 down to 67 Hz.
const SHORTEST: usize = 40;
const LONGEST: usize = 240;

/// The longest piece in silence: 10 ms.
const LONGEST_IN_SILENCE: usize = 160;

/// What `lengthen` may add.
pub const MAX_ADDED_SAMPLES: usize = LONGEST;

/// What must be alike for a change not to be heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Care {
    /// Nothing is heard: any piece will do.
    Silence,
    /// Only where the pieces are alike to this degree, 0 to 1 (normalized correlation).
    Sound(f32),
}

/// Leaves out a piece of `sound` and says how many samples there are fewer; the rest is then at the beginning. 0: nothing was
/// alike enough, or it is too short.
pub fn shorten(sound: &mut [i16], care: Care) -> usize {
    let Some(piece) = best_piece(sound, care) else {
        return 0;
    };
    for n in 0..OVERLAP {
        sound[n] = faded(sound[n], sound[n + piece], n);
    }
    sound.copy_within(piece + OVERLAP.., OVERLAP);
    piece
}

/// Says a piece of the first `len` samples of `buffer` twice and tells how many samples there are more. 0: nothing was alike
/// enough, it is too short, or `buffer` has no room for [`MAX_ADDED_SAMPLES`] more.
pub fn lengthen(buffer: &mut [i16], len: usize, care: Care) -> usize {
    if buffer.len() < len + MAX_ADDED_SAMPLES {
        return 0;
    }
    let Some(piece) = best_piece(&buffer[..len], care) else {
        return 0;
    };
    // What follows the overlap moves back first, then the overlap is made from both.
    let mut overlap = [0; OVERLAP];
    for (n, sample) in overlap.iter_mut().enumerate() {
        *sample = faded(buffer[n + piece], buffer[n], n);
    }
    buffer.copy_within(OVERLAP..len, piece + OVERLAP);
    buffer[piece..piece + OVERLAP].copy_from_slice(&overlap);
    piece
}

fn faded(from: i16, to: i16, n: usize) -> i16 {
    let share = (2 * n as i32 + 1) * 16_384 / OVERLAP as i32;
    ((i32::from(from) * (32_768 - share) + i32::from(to) * share) >> 15) as i16
}

/// After how many samples the sound is most like its beginning.
fn best_piece(sound: &[i16], care: Care) -> Option<usize> {
    let room = sound.len().checked_sub(OVERLAP)?;
    let alike = match care {
        Care::Silence => return (room >= SHORTEST).then_some(room.min(LONGEST_IN_SILENCE)),
        Care::Sound(alike) => alike,
    };
    let longest = room.min(LONGEST);
    let mut best = (f32::NEG_INFINITY, 0);
    // Every second sample is enough to find the place, and its neighbours are then looked at with all of them.
    for piece in (SHORTEST..=longest).step_by(2) {
        let found = similarity(sound, piece, 2);
        if found > best.0 {
            best = (found, piece);
        }
    }
    let near = best.1.saturating_sub(1).max(SHORTEST)..=(best.1 + 1).min(longest);
    let (likeness, piece) =
        near.map(|piece| (similarity(sound, piece, 1), piece)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= alike).then_some(piece)
}

fn similarity(sound: &[i16], piece: usize, step: usize) -> f32 {
    let (mut product, mut first, mut second) = (0i64, 1i64, 1i64);
    let pairs = sound[..OVERLAP].iter().zip(&sound[piece..]).step_by(step);
    for (a, b) in pairs {
        let (a, b) = (i64::from(*a), i64::from(*b));
        product += a * b;
        first += a * a;
        second += b * b;
    }
    product as f32 / ((first as f32) * (second as f32)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(samples: usize) -> Vec<i16> {
        (0..samples).map(|n| (8000.0 * (n as f64 * 0.05).sin()) as i16).collect()
    }

    fn steepest(sound: &[i16]) -> i32 {
        sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap()
    }

    #[test]
    fn a_shortened_tone_has_no_step_and_a_whole_number_of_periods_less() {
        let mut sound = tone(640);
        let removed = shorten(&mut sound, Care::Sound(0.9));
        let periods = removed as f64 * 0.05 / std::f64::consts::TAU;
        assert!(removed >= SHORTEST && (periods - periods.round()).abs() < 0.02, "{removed} samples");
        assert!(steepest(&sound[..640 - removed]) <= steepest(&tone(640)) + 20);
    }

    #[test]
    fn a_lengthened_tone_has_no_step_and_a_whole_number_of_periods_more() {
        let mut sound = tone(320);
        sound.resize(1000, 0);
        let added = lengthen(&mut sound, 320, Care::Sound(0.9));
        let periods = added as f64 * 0.05 / std::f64::consts::TAU;
        assert!(added >= SHORTEST && (periods - periods.round()).abs() < 0.02, "{added} samples");
        assert!(steepest(&sound[..320 + added]) <= steepest(&tone(320)) + 20);
        assert_eq!(sound[320 + added - 1], tone(320)[319], "the end stays the end");
    }

    #[test]
    fn what_is_not_alike_stays() {
        let mut sound: Vec<i16> = (0..600i32).map(|n| (n * n % 2477 * 13 % 9001 - 4500) as i16).collect();
        let before = sound.clone();
        assert_eq!(shorten(&mut sound, Care::Sound(0.9)), 0);
        assert_eq!(sound, before);
    }

    #[test]
    fn silence_changes_by_10_ms() {
        let mut sound = vec![0; 1000];
        assert_eq!(shorten(&mut sound[..640], Care::Silence), 160);
        assert_eq!(lengthen(&mut sound, 640, Care::Silence), 160);
    }

    #[test]
    fn short_sound_and_short_buffers_are_left_alone() {
        for len in 0..OVERLAP + SHORTEST {
            let mut sound = vec![1; len];
            assert_eq!(shorten(&mut sound, Care::Silence), 0);
            assert_eq!(shorten(&mut sound, Care::Sound(0.0)), 0);
            assert_eq!(lengthen(&mut sound, len, Care::Silence), 0);
        }
    }
}
