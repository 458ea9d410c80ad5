// SPDX-License-Identifier: EUPL-1.2
//! Whether somebody speaks into a microphone that is off, and does not know.

/// So much speech is no cough and no word to somebody in the same room: three seconds.
const TICKS: u32 = 150;

/// See the [module](self).
#[derive(Default)]
pub(super) struct MutedSpeech {
    is_muted: bool,
    is_told: bool,
    /// Ticks with speech, less those without.
    spoken: u32,
}

impl MutedSpeech {
    /// The microphone is off or on. To say so again changes nothing.
    pub(super) fn set_muted(&mut self, is_muted: bool) {
        if self.is_muted != is_muted {
            *self = Self { is_muted, ..Self::default() };
        }
    }

    /// Goes on by 20 ms. Whether the caller is to be told now, which is once for each time that the microphone goes off.
    pub(super) fn tick(&mut self, is_speech: bool) -> bool {
        if !self.is_muted || self.is_told {
            return false;
        }
        // Pauses between words count against it, and do not begin it anew.
        self.spoken = if is_speech { self.spoken + 1 } else { self.spoken.saturating_sub(1) };
        self.is_told = self.spoken >= TICKS;
        self.is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In which ticks somebody is told who speaks in those of `speaks`.
    fn told(muted: &mut MutedSpeech, ticks: u32, speaks: impl Fn(u32) -> bool) -> Vec<u32> {
        (1..=ticks).filter(|tick| muted.tick(speaks(*tick))).collect()
    }

    #[test]
    fn who_speaks_for_three_seconds_is_told_once_for_each_mute() {
        let mut muted = MutedSpeech::default();
        assert!(told(&mut muted, 1_000, |_| true).is_empty(), "the microphone is on");
        muted.set_muted(true);
        assert_eq!(told(&mut muted, 1_000, |_| true), [150]);
        muted.set_muted(true);
        assert!(told(&mut muted, 1_000, |_| true).is_empty());
        muted.set_muted(false);
        muted.set_muted(true);
        assert_eq!(told(&mut muted, 1_000, |_| true), [150]);
    }

    #[test]
    fn pauses_between_words_do_not_hide_speech_and_coughs_are_none() {
        let mut muted = MutedSpeech::default();
        muted.set_muted(true);
        assert!(told(&mut muted, 3_000, |tick| tick % 100 < 30).is_empty());
        assert_eq!(told(&mut muted, 1_000, |tick| tick % 10 != 0).len(), 1);
    }
}
