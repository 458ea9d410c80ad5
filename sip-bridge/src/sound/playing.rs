// SPDX-License-Identifier: EUPL-1.2
//! What one caller is played besides the meeting: prompts, music, and chimes over all of it.

use super::library::SoundLibrary;
use crate::audio::{Frame, SILENCE};
use crate::caller::{Chime, PlayToken};
use crate::mixing::{Finished, Player, SoundToken};
use crate::prompts::{Language, PromptId};

/// Chimes that wait for one another. One more is left out: who hears three of them in a row knows that much goes on.
const MAX_CHIMES: usize = 3;

/// No sound that anybody waits for.
const CHIME: SoundToken = SoundToken(0);

/// See the [module](self).
#[derive(Default)]
pub(super) struct Playing {
    prompts: Player,
    /// A player of their own, so that they neither wait for prompts nor end with them.
    chimes: Player,
    waiting_chimes: usize,
    last_token: u64,
    /// The last sound of what is being played, and by what its end is reported.
    awaited: Option<(SoundToken, PlayToken)>,
    played: Option<PlayToken>,
}

impl Playing {
    /// Plays these in place of what is playing, as that tenant has them in that language. A list too long for the player is
    /// played as far as it goes.
    pub(super) fn play(
        &mut self,
        library: &SoundLibrary,
        (tenant, language): (Option<&str>, Language),
        ids: &[PromptId],
        token: PlayToken,
    ) {
        self.stop();
        for id in ids {
            self.last_token += 1;
            let sound = SoundToken(self.last_token);
            if self.prompts.play(library.prompt(tenant, language, *id), sound).is_err() {
                break;
            }
            self.awaited = Some((sound, token));
        }
        if self.awaited.is_none() {
            // There was nothing to play, and whoever asked waits for the end of it.
            self.played = Some(token);
        }
    }

    /// Stops the prompts. Their end is not reported.
    pub(super) fn stop(&mut self) {
        self.prompts.stop();
        (self.awaited, self.played) = (None, None);
    }

    pub(super) fn set_music(&mut self, library: &SoundLibrary, is_on: bool) {
        match is_on {
            true if !self.prompts.has_music() => self.prompts.start_music(library.music()),
            true => {}
            false => self.prompts.stop_music(),
        }
    }

    pub(super) fn chime(&mut self, library: &SoundLibrary, chime: Chime) {
        if self.waiting_chimes < MAX_CHIMES && self.chimes.chime(library.chime(chime), CHIME).is_ok() {
            self.waiting_chimes += 1;
        }
    }

    /// Goes on by 20 ms: `out` becomes what the caller hears.
    pub(super) fn tick(&mut self, meeting: Option<&Frame>, out: &mut Frame) {
        if self.chimes.is_idle() {
            self.prompts.tick(meeting, out);
        } else {
            let mut under = SILENCE;
            let sounds = self.prompts.tick(meeting, &mut under);
            self.chimes.tick(sounds.then_some(&under), out);
        }
        while self.chimes.poll_finished().is_some() {
            self.waiting_chimes = self.waiting_chimes.saturating_sub(1);
        }
        while let Some(Finished(sound)) = self.prompts.poll_finished() {
            if let Some((_, token)) = self.awaited.take_if(|(awaited, _)| *awaited == sound) {
                self.played = Some(token);
            }
        }
    }

    /// What was played to its end.
    pub(super) fn poll_played(&mut self) -> Option<PlayToken> {
        self.played.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::level::level_dbov;
    use crate::prompts::Prompts;

    const MEETING: Frame = [1_000; crate::audio::FRAME_SAMPLES];

    fn library() -> SoundLibrary {
        SoundLibrary::new(Prompts::embedded())
    }

    /// After how many ticks it is said that something was played, and what.
    fn until_played(playing: &mut Playing) -> (usize, PlayToken) {
        let mut out = SILENCE;
        (1..3_000)
            .find_map(|tick| {
                playing.tick(None, &mut out);
                playing.poll_played().map(|token| (tick, token))
            })
            .expect("it ends")
    }

    #[test]
    fn the_end_of_the_last_prompt_is_told_once() {
        let (library, mut playing) = (library(), Playing::default());
        let ids = [PromptId::Welcome, PromptId::AskId];
        playing.play(&library, (None, Language::German), &ids, PlayToken(7));
        let samples: usize = ids.iter().map(|id| library.prompt(None, Language::German, *id).len()).sum();
        assert_eq!(until_played(&mut playing), (samples.div_ceil(320), PlayToken(7)));
        playing.tick(None, &mut SILENCE.clone());
        assert_eq!(playing.poll_played(), None);
    }

    #[test]
    fn what_is_replaced_or_stopped_is_not_told() {
        let (library, mut playing) = (library(), Playing::default());
        playing.play(&library, (None, Language::English), &[PromptId::Help], PlayToken(1));
        playing.tick(None, &mut SILENCE.clone());
        playing.play(&library, (None, Language::English), &[PromptId::Goodbye], PlayToken(2));
        assert_eq!(until_played(&mut playing).1, PlayToken(2));
        playing.play(&library, (None, Language::English), &[PromptId::Goodbye], PlayToken(3));
        playing.stop();
        for _ in 0..1_000 {
            playing.tick(None, &mut SILENCE.clone());
            assert_eq!(playing.poll_played(), None);
        }
    }

    #[test]
    fn a_tenants_own_prompt_is_played_to_those_who_call_it() {
        let folder = tempfile::tempdir().unwrap();
        let language = folder.path().join("ministry-a/de");
        std::fs::create_dir_all(&language).unwrap();
        // A tenth of a second of PCM, which is shorter than anything that is built in.
        let mut file = b"RIFF\xa4\x0c\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0".to_vec();
        file.extend(b"data\x80\x0c\0\0");
        file.extend([1; 3_200]);
        std::fs::write(language.join("welcome.wav"), file).unwrap();
        let library = SoundLibrary::new(Prompts::with_folder(folder.path()).unwrap());
        let ticks = |tenant| {
            let mut playing = Playing::default();
            playing.play(&library, (tenant, Language::German), &[PromptId::Welcome], PlayToken(1));
            until_played(&mut playing).0
        };
        assert_eq!(ticks(Some("ministry-a")), 5);
        assert!(ticks(Some("ministry-b")) > 5);
        assert_eq!(ticks(Some("ministry-b")), ticks(None));
    }

    #[test]
    fn nothing_to_play_has_been_played() {
        let mut playing = Playing::default();
        playing.play(&library(), (None, Language::German), &[], PlayToken(4));
        assert_eq!(until_played(&mut playing), (1, PlayToken(4)));
    }

    #[test]
    fn a_chime_sounds_over_a_prompt_at_once_and_outlives_it() {
        let (library, mut playing) = (library(), Playing::default());
        let (mut with, mut without) = (SILENCE, SILENCE);
        let mut other = Playing::default();
        for playing in [&mut playing, &mut other] {
            playing.play(&library, (None, Language::German), &[PromptId::Help], PlayToken(1));
        }
        playing.chime(&library, Chime::Unknown);
        let mut differs = 0;
        for tick in 0..40 {
            if tick == 5 {
                playing.stop();
                other.stop();
            }
            playing.tick(Some(&MEETING), &mut with);
            other.tick(Some(&MEETING), &mut without);
            differs += usize::from(with != without);
        }
        assert!((10..18).contains(&differs), "250 ms: {differs}");
    }

    #[test]
    fn a_row_of_chimes_is_cut_short() {
        let (library, mut playing) = (library(), Playing::default());
        for _ in 0..50 {
            playing.chime(&library, Chime::Unknown);
        }
        let mut out = SILENCE;
        let audible = (0..500)
            .filter(|_| {
                playing.tick(None, &mut out);
                level_dbov(&out) < 60
            })
            .count();
        assert!((22..45).contains(&audible), "three of 250 ms: {audible}");
        playing.chime(&library, Chime::Done);
        playing.tick(None, &mut out);
        playing.tick(None, &mut out);
        assert!(level_dbov(&out) < 60, "then there is room again");
    }

    #[test]
    fn music_that_plays_is_not_begun_anew() {
        let (library, mut once, mut twice) = (library(), Playing::default(), Playing::default());
        let (mut first, mut second) = (SILENCE, SILENCE);
        once.set_music(&library, true);
        for tick in 0..100 {
            if tick % 10 == 0 {
                twice.set_music(&library, true);
            }
            once.tick(None, &mut first);
            twice.tick(None, &mut second);
            assert_eq!(first, second);
        }
        assert!(level_dbov(&first) < 50);
        once.set_music(&library, false);
        (0..50).for_each(|_| once.tick(None, &mut first));
        assert_eq!(first, SILENCE);
    }
}
