// SPDX-License-Identifier: EUPL-1.2
//! Sound in place of packets that are missing: the last periods of what was heard go on, and fade when nothing comes (the
//! idea of ITU-T G.711 appendix I). For all codecs: what the library for Opus makes up by itself is too quiet.
//!
//! Unlike there, what is heard is not delayed: where sound comes back, the made-up sound goes on below it for a moment.

/// What is remembered: 50 ms, enough for the search and the longest template.
const HISTORY: usize = 800;

/// Pitch periods that are looked for: 5 to 15 ms (200 down to 66 Hz, as in appendix I). Higher voices repeat after several
/// of their periods.
const SHORTEST_PERIOD: usize = 80;
const LONGEST_PERIOD: usize = 240;

/// What is compared to find the period: 20 ms.
const COMPARED: usize = 320;

/// What is repeated is at least 10 ms long: shorter pieces of noise sound like a tone.
const SHORTEST_TEMPLATE: usize = 160;

/// The longest template: less than twice the shortest, or one longest period.
const LONGEST_TEMPLATE: usize = 2 * SHORTEST_TEMPLATE;

/// Until here, 20 ms, made-up sound is as loud as what was heard.
const FULL_UNTIL: usize = 320;

/// From here on, 80 ms, it is silent.
const SILENT_FROM: usize = 1280;

/// The first samples of made-up sound in which the step from what was heard is smoothed: 1 ms.
const SMOOTHED: usize = 16;

/// How long sound that comes back is mixed with made-up sound: 5 ms, and a sixteenth of what was missing, up to 10 ms.
const SHORTEST_RETURN: usize = 80;
const LONGEST_RETURN: usize = 160;

/// See the [module](self). One for each stream, of 16 kHz.
pub struct Concealment {
    /// What was played, newest last.
    history: [i16; HISTORY],
    /// What is repeated; its end leads to its beginning.
    template: [i16; LONGEST_TEMPLATE],
    template_len: usize,
    position: usize,
    /// Samples made up since the last that was heard.
    made_up: usize,
    /// The difference to be smoothed at the beginning.
    step: i32,
}

impl Default for Concealment {
    fn default() -> Self {
        Self::new()
    }
}

impl Concealment {
    /// Has heard silence.
    pub fn new() -> Self {
        Self {
            history: [0; HISTORY],
            template: [0; LONGEST_TEMPLATE],
            template_len: SHORTEST_TEMPLATE,
            position: 0,
            made_up: 0,
            step: 0,
        }
    }

    /// Whether the last samples were made up.
    pub fn is_making_up(&self) -> bool {
        self.made_up > 0
    }

    /// Sound is there. After made-up sound its beginning is changed, so that both join.
    pub fn hear(&mut self, sound: &mut [i16]) {
        if self.made_up > 0 {
            let len = (SHORTEST_RETURN + self.made_up / 16).min(LONGEST_RETURN).min(sound.len());
            let mut rest = [0; LONGEST_RETURN];
            self.make_up(&mut rest[..len]);
            for (n, (sample, old)) in sound.iter_mut().zip(&rest[..len]).enumerate() {
                let share = (2 * n as i32 + 1) * 16_384 / len as i32;
                *sample = ((i32::from(*old) * (32_768 - share) + i32::from(*sample) * share) >> 15) as i16;
            }
            self.made_up = 0;
        }
        self.remember(sound);
    }

    /// Sound is missing: fills `out`.
    pub fn conceal(&mut self, out: &mut [i16]) {
        self.make_up(out);
        self.remember(out);
    }

    /// What comes next has nothing to do with what was heard, for example because another codec decodes it: the two are
    /// to be joined as after a hole.
    pub fn join_next(&mut self) {
        if self.made_up == 0 {
            self.prepare();
            self.made_up = 1;
        }
    }

    fn make_up(&mut self, out: &mut [i16]) {
        if self.made_up == 0 {
            self.prepare();
        }
        for sample in out {
            let mut value = i32::from(self.template[self.position]);
            self.position = (self.position + 1) % self.template_len;
            if self.made_up < SMOOTHED {
                value += self.step * (SMOOTHED - self.made_up) as i32 / SMOOTHED as i32;
            }
            if self.made_up > FULL_UNTIL {
                let left = SILENT_FROM.saturating_sub(self.made_up);
                value = value * left as i32 / (SILENT_FROM - FULL_UNTIL) as i32;
            }
            *sample = value.clamp(-32_768, 32_767) as i16;
            self.made_up = self.made_up.saturating_add(1).min(SILENT_FROM);
        }
    }

    /// Finds what to repeat.
    fn prepare(&mut self) {
        let period = self.period();
        let periods = SHORTEST_TEMPLATE.div_ceil(period);
        let len = (period * periods).min(LONGEST_TEMPLATE);
        self.template_len = len;
        self.position = 0;
        self.template[..len].copy_from_slice(&self.history[HISTORY - len..]);
        // The end turns into what came before the beginning.
        let overlap = period / 4;
        for n in 0..overlap {
            let share = (2 * n as i32 + 1) * 16_384 / overlap as i32;
            let end = i32::from(self.history[HISTORY - overlap + n]);
            let before = i32::from(self.history[HISTORY - len - overlap + n]);
            self.template[len - overlap + n] = ((end * (32_768 - share) + before * share) >> 15) as i16;
        }
        self.step = i32::from(self.history[HISTORY - 1]) - i32::from(self.history[HISTORY - 1 - len]);
    }

    /// After how many samples the latest sound is most like itself.
    fn period(&self) -> usize {
        let mut best = (f32::NEG_INFINITY, SHORTEST_PERIOD);
        for period in (SHORTEST_PERIOD..=LONGEST_PERIOD).step_by(4) {
            let likeness = self.likeness(period, 4);
            if likeness > best.0 {
                best = (likeness, period);
            }
        }
        let near = (best.1 - 3).max(SHORTEST_PERIOD)..=(best.1 + 3).min(LONGEST_PERIOD);
        near.map(|period| (self.likeness(period, 1), period))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(best.1, |(_, period)| period)
    }

    fn likeness(&self, period: usize, step: usize) -> f32 {
        let now = &self.history[HISTORY - COMPARED..];
        let then = &self.history[HISTORY - COMPARED - period..];
        let (mut product, mut energy) = (0i64, 1i64);
        for (a, b) in now.iter().zip(then).step_by(step) {
            product += i64::from(*a) * i64::from(*b);
            energy += i64::from(*b) * i64::from(*b);
        }
        product as f32 / (energy as f32).sqrt()
    }

    fn remember(&mut self, sound: &[i16]) {
        let sound = &sound[sound.len().saturating_sub(HISTORY)..];
        self.history.copy_within(sound.len().., 0);
        self.history[HISTORY - sound.len()..].copy_from_slice(sound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(from: usize, samples: usize) -> Vec<i16> {
        (from..from + samples).map(|n| (8000.0 * (n as f64 * std::f64::consts::TAU / 127.0).sin()) as i16).collect()
    }

    #[test]
    fn a_tone_goes_on_as_if_nothing_were_missing() {
        let mut concealment = Concealment::new();
        concealment.hear(&mut tone(0, 1600));
        let mut made_up = [0; 320];
        concealment.conceal(&mut made_up);
        for (made_up, real) in made_up.iter().zip(tone(1600, 320)) {
            assert!((made_up - real).abs() < 400, "{made_up} for {real}");
        }
        let mut back = tone(1920, 320);
        concealment.hear(&mut back);
        for (heard, real) in back.iter().zip(tone(1920, 320)) {
            assert!((heard - real).abs() < 400, "{heard} for {real}");
        }
    }

    #[test]
    fn made_up_sound_ends_after_80_ms() {
        let mut concealment = Concealment::new();
        concealment.hear(&mut tone(0, 1600));
        let mut loudest = Vec::new();
        for _ in 0..6 {
            let mut out = [0; 320];
            concealment.conceal(&mut out);
            loudest.push(out.iter().map(|sample| i32::from(*sample).abs()).max().unwrap());
        }
        assert!(loudest[0] > 7500, "{loudest:?}");
        assert!(loudest.windows(2).all(|pair| pair[1] < pair[0] || pair[1] == 0), "{loudest:?}");
        assert_eq!(loudest[4..], [0, 0]);
    }

    #[test]
    fn sound_that_comes_back_joins_without_a_step() {
        let mut concealment = Concealment::new();
        concealment.hear(&mut tone(0, 1600));
        let mut all = tone(0, 1600);
        let mut out = [0; 480];
        concealment.conceal(&mut out);
        all.extend(out);
        // In the opposite phase.
        let mut back = tone(1600 + 480 + 63, 320);
        concealment.hear(&mut back);
        all.extend(&back);
        let steepest = all.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap();
        assert!(steepest < 700, "a step of {steepest}");
    }

    #[test]
    fn pieces_of_any_length_can_be_made_up() {
        let mut concealment = Concealment::new();
        concealment.conceal(&mut []);
        concealment.hear(&mut [i16::MIN; 7]);
        for len in [1, 3, 2000] {
            concealment.conceal(&mut vec![0; len]);
            concealment.hear(&mut vec![i16::MAX; len]);
        }
    }
}
