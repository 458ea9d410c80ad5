// SPDX-License-Identifier: EUPL-1.2
//! Callers who press anything at any time, and a bridge that reports anything: from seeds, which a failure names.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use bus::phone::CallPurpose;

use super::*;

const CALLS: u64 = 1_500;
const STEPS: usize = 400;

/// A call, and what must be true of it.
struct Trial {
    random: StdRng,
    now: Instant,
    begun: Instant,
    caller: Caller,
    /// Whether anybody ever admits the caller.
    admits: bool,
    /// Whether the check that is going on has been answered with a yes.
    may_join: bool,
    check: Option<CheckToken>,
    playing: Option<PlayToken>,
    old_plays: Vec<PlayToken>,
    old_checks: Vec<CheckToken>,
    language: Option<Language>,
    hung_up: u32,
    has_waited: bool,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let languages = [
            vec![Language::German],
            vec![Language::English, Language::German],
            vec![Language::German, Language::English],
            vec![],
        ];
        let settings = CallerSettings {
            languages: languages.choose(&mut random).unwrap().clone(),
            entry: match random.random_range(0..10) {
                0 | 1 => Entry::Direct,
                2 | 3 => Entry::Called(CallPurpose::Invitation),
                4 => Entry::Called(CallPurpose::Connection),
                5 if random.random_bool(0.3) => Entry::Called(CallPurpose::Test),
                _ => Entry::ByNumber,
            },
            id_digits: random.random_bool(0.5).then_some(3),
            ..CallerSettings::default()
        };
        let now = Instant::now();
        Self {
            admits: random.random_bool(0.6),
            random,
            now,
            begun: now,
            caller: Caller::new(now, settings),
            may_join: false,
            check: None,
            playing: None,
            old_plays: Vec::new(),
            old_checks: Vec::new(),
            language: None,
            hung_up: 0,
            has_waited: false,
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.caller.poll_output() {
            assert_eq!(self.hung_up, 0, "nothing comes after the end: {output:?}");
            match output {
                Output::Play { language, prompts, token } => {
                    assert!(self.playing.is_none(), "one thing at a time");
                    assert!(!prompts.is_empty());
                    self.playing = Some(token);
                    if !prompts.contains(&PromptId::ChooseLanguage) {
                        assert_eq!(*self.language.get_or_insert(language), language, "the language changed");
                    }
                }
                Output::StopPlaying => self.old_plays.push(self.playing.take().expect("something is playing")),
                Output::CheckRoom { check } | Output::CheckId { check, .. } | Output::CheckPin { check, .. } => {
                    self.may_join = false;
                    self.old_checks.extend(self.check.replace(check));
                }
                Output::Join => assert!(self.may_join, "joined without a yes"),
                Output::HangUp(_) => self.hung_up += 1,
                _ => {}
            }
        }
        if self.caller.is_over() {
            assert_eq!(self.caller.poll_timeout(), None);
        } else if !self.caller.is_in_meeting() || self.playing.is_some() {
            assert!(self.caller.poll_timeout().is_some(), "nothing is going to happen");
        }
        assert!(self.admits || !self.caller.is_in_meeting());
    }

    fn input(&mut self, input: Input) {
        self.caller.handle(self.now, input);
        self.drain();
    }

    fn advance_to_timeout(&mut self) {
        if let Some(due) = self.caller.poll_timeout() {
            self.now = self.now.max(due);
            self.caller.handle_timeout(self.now);
            self.drain();
        }
    }

    fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..40 => {
                let key = *b"0123456789**##".choose(&mut self.random).unwrap();
                self.input(Input::Digit(Digit::from_char(char::from(key)).unwrap()));
            }
            40..58 => {
                if let Some(token) = self.playing.take() {
                    self.input(Input::Played(token));
                }
            }
            58..60 => {
                if let Some(token) = self.old_plays.choose(&mut self.random).copied() {
                    self.input(Input::Played(token));
                }
            }
            60..70 => self.judge(),
            70..82 => {
                let event = self.event();
                self.input(Input::Event(event));
            }
            82..84 => self.input(Input::Acknowledged),
            84..86 => self.input(Input::TalkingWhileMuted),
            86 => self.input(Input::BadLine),
            87 => {
                let count = self.random.random_range(0..300);
                self.input(Input::Count(count));
            }
            88 => self.input(Input::Transferring),
            89 => self.input(Input::NotTransferred),
            90 if self.random.random_bool(0.02) => self.input(Input::EndedByOperator),
            90..95 => self.advance_to_timeout(),
            _ => {
                self.now += Duration::from_millis(self.random.random_range(0..4000));
                self.caller.handle_timeout(self.now);
                self.drain();
            }
        }
    }

    fn judge(&mut self) {
        if self.random.random_bool(0.1) {
            // Late, or sent twice.
            if let Some(check) = self.old_checks.choose(&mut self.random).copied() {
                self.input(Input::Verdict { check, verdict: Verdict::Admitted });
            }
            return;
        }
        let Some(check) = self.check else { return };
        let verdict = match self.random.random_range(0..12) {
            0..4 => Verdict::Wrong(Again::Pin),
            4..7 => Verdict::AskPin { may_skip: self.random.random() },
            7..9 if self.admits => Verdict::Admitted,
            9 | 10 => {
                self.has_waited = true;
                Verdict::Wait(
                    *[
                        WaitReason::BeforeStart { starts_in: Some(90 * SECOND) },
                        WaitReason::BeforeStart { starts_in: None },
                        WaitReason::Lobby { position: Some(7) },
                        WaitReason::Lobby { position: None },
                        WaitReason::Full,
                        WaitReason::NoHost,
                    ]
                    .choose(&mut self.random)
                    .unwrap(),
                )
            }
            11 if self.random.random_bool(0.2) => Verdict::Refused(Refusal::Locked),
            _ => Verdict::Wrong(Again::Id),
        };
        self.may_join |= verdict == Verdict::Admitted;
        self.input(Input::Verdict { check, verdict });
        if verdict == Verdict::Admitted && self.random.random_bool(0.9) {
            let arrived = MeetingEvent::Arrived(self.status());
            self.input(Input::Event(arrived));
        }
    }

    fn status(&mut self) -> RoomStatus {
        let recording = self.random.random_bool(0.3).then(|| Recording { asks_consent: self.random.random() });
        let (is_muted, may_unmute) = (self.random.random(), self.random.random());
        RoomStatus { count: self.random.random_range(0..30), is_muted, may_unmute, recording }
    }

    fn event(&mut self) -> MeetingEvent {
        let by = if self.random.random() { By::Caller } else { By::Host };
        let count = self.random.random_range(0..20);
        match self.random.random_range(0..120) {
            0..10 => MeetingEvent::MicrophoneOff(by),
            10..20 => MeetingEvent::MicrophoneOn,
            20..30 => MeetingEvent::MayUnmute(self.random.random()),
            30..35 => MeetingEvent::AskedToUnmute,
            35..45 => MeetingEvent::HandRaised { position: self.random.random_bool(0.5).then_some(count) },
            45..55 => MeetingEvent::HandLowered(by),
            55..75 => MeetingEvent::Joined { count },
            75..95 => MeetingEvent::Left { count },
            95..100 => MeetingEvent::RecordingBegan(Recording { asks_consent: self.random.random() }),
            100..105 => MeetingEvent::RecordingEnded,
            105..110 => MeetingEvent::ConsentNoted(self.random.random()),
            110..114 => MeetingEvent::Moved(Destination::OtherRoom, self.status()),
            114..118 => MeetingEvent::OneMinuteLeft,
            118 if self.random.random_bool(0.3) => MeetingEvent::TimeUp,
            118 if self.random.random_bool(0.5) => MeetingEvent::Arrived(self.status()),
            118 => MeetingEvent::Removed,
            _ => MeetingEvent::Ended,
        }
    }

    /// From now on nothing happens any more but time, and that the meeting ends.
    fn run_out(&mut self) {
        for _ in 0..2_000 {
            if self.caller.is_over() {
                return;
            }
            if self.caller.is_in_meeting() {
                self.input(Input::Event(MeetingEvent::Ended));
            }
            if let Some(token) = self.playing.take_if(|_| self.random.random_bool(0.5)) {
                self.input(Input::Played(token));
            }
            // Where the end of what plays is never reported, the caller stops it without our having to say so.
            self.advance_to_timeout();
        }
        panic!("the call never ends");
    }
}

#[test]
fn no_call_wedges_and_nobody_joins_without_a_yes() {
    let (mut joined, mut refused) = (0, 0);
    for seed in 0..CALLS {
        let outcome = std::panic::catch_unwind(|| {
            let mut trial = Trial::new(seed);
            trial.input(Input::Acknowledged);
            let mut has_joined = false;
            for _ in 0..STEPS {
                trial.step();
                has_joined |= trial.caller.is_in_meeting();
            }
            trial.run_out();
            assert_eq!(trial.hung_up, 1);
            has_joined
        });
        match outcome {
            Ok(true) => joined += 1,
            Ok(false) => refused += 1,
            Err(_) => panic!("seed {seed}"),
        }
    }
    assert!(joined > CALLS / 10 && refused > CALLS / 10, "{joined} joined and {refused} did not: a test of nothing");
}

#[test]
fn whoever_has_no_right_code_is_gone_in_time() {
    for seed in 0..300 {
        let mut trial = Trial::new(seed);
        trial.admits = false;
        trial.input(Input::Acknowledged);
        while !trial.caller.is_over() {
            trial.step();
            if trial.has_waited {
                break;
            }
            // Time to enter a code, and the good-bye, even if the end of its two prompts is not reported.
            let most = Duration::from_secs(5 * 60 + 2 * 60 + 40);
            assert!(trial.now - trial.begun <= most, "seed {seed}");
        }
    }
}
