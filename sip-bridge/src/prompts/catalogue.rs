// SPDX-License-Identifier: EUPL-1.2
//! Which prompts there are, and what their files are called.

use std::fmt;

/// A language that callers are spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Language {
    German,
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::German, Self::English];

    /// The name of its folder: the tag of BCP 47.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::German => "de",
            Self::English => "en",
        }
    }

    /// The language of a tag such as `de`, or of one with a region such as `de-AT`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Its place in [`Language::ALL`].
    pub(super) const fn index(self) -> usize {
        match self {
            Self::German => 0,
            Self::English => 1,
        }
    }
}

/// A number below 100, which has a recording of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SmallNumber(u8);

impl SmallNumber {
    /// How many there are.
    pub const COUNT: u8 = 100;

    /// The number, if it is below 100.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| *number < Self::COUNT).map(Self)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// Names the sentences once: as a variant, and as the file.
macro_rules! sentences {
    ($($variant:ident = $file:literal,)*) => {
        /// One recording: a sentence, or a number that stands behind one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum PromptId {
            $($variant,)*
            /// 0 to 99.
            Number(SmallNumber),
        }

        /// The sentences, in the order of the enum.
        const SENTENCES: [PromptId; [$($file),*].len()] = [$(PromptId::$variant),*];

        impl PromptId {
            /// Its place in [`PromptId::all`].
            pub(super) fn index(self) -> usize {
                match self {
                    Self::Number(number) => SENTENCES.len() + usize::from(number.0),
                    sentence => SENTENCES.iter().position(|known| *known == sentence).unwrap_or_default(),
                }
            }
        }

        impl fmt::Display for PromptId {
            /// The file's name, without its ending.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($file),)*
                    Self::Number(number) => write!(f, "number_{}", number.0),
                }
            }
        }

        /// The built-in sentences of a language's folder, in the order of the enum.
        macro_rules! sentence_files {
            ($folder:literal) => {
                [$(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/prompts/", $folder, "/", $file, ".wav")).as_slice()),*]
            };
        }
        pub(super) use sentence_files;
    };
}

impl PromptId {
    /// How many there are.
    pub const COUNT: usize = SENTENCES.len() + SmallNumber::COUNT as usize;

    /// All of them: the sentences, then the numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        let numbers = (0..SmallNumber::COUNT).map(|number| Self::Number(SmallNumber(number)));
        SENTENCES.into_iter().chain(numbers)
    }

    /// The prompt whose file has this name, which comes without its ending.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|id| id.to_string() == name)
    }
}

sentences! {
    Welcome = "welcome",
    ChooseLanguage = "choose_language",
    AskId = "ask_id",
    AskIdAgain = "ask_id_again",
    StartAgain = "start_again",
    AskPin = "ask_pin",
    AskPinOrSkip = "ask_pin_or_skip",
    NothingEntered = "nothing_entered",
    WrongId = "wrong_id",
    WrongPin = "wrong_pin",
    WrongIdOrPin = "wrong_id_or_pin",
    OneMoment = "one_moment",
    Invitation = "invitation",
    TestCall = "test_call",
    NotBegun = "not_begun",
    MinutesUntilStart = "minutes_until_start",
    BeginsSoon = "begins_soon",
    Lobby = "lobby",
    Position = "position",
    FullForNow = "full_for_now",
    NoHost = "no_host",
    InMeeting = "in_meeting",
    PeopleHere = "people_here",
    Alone = "alone",
    YouAreMuted = "you_are_muted",
    MutedByRule = "muted_by_rule",
    HintHelp = "hint_help",
    MicrophoneOff = "microphone_off",
    MicrophoneOn = "microphone_on",
    MutedByHost = "muted_by_host",
    MaySpeak = "may_speak",
    AskedToUnmute = "asked_to_unmute",
    MayNotUnmute = "may_not_unmute",
    HandRaised = "hand_raised",
    HandPosition = "hand_position",
    HandLowered = "hand_lowered",
    HandLoweredByHost = "hand_lowered_by_host",
    SomebodyJoined = "somebody_joined",
    PeopleJoined = "people_joined",
    SomebodyLeft = "somebody_left",
    PeopleLeft = "people_left",
    Recorded = "recorded",
    AskConsent = "ask_consent",
    ConsentGiven = "consent_given",
    ConsentRevoked = "consent_revoked",
    RecordingEnded = "recording_ended",
    NoConsentNeeded = "no_consent_needed",
    OtherRoom = "other_room",
    BackAgain = "back_again",
    OneMinuteLeft = "one_minute_left",
    BadLine = "bad_line",
    DidNotWork = "did_not_work",
    Transferring = "transferring",
    NotTransferred = "not_transferred",
    Help = "help",
    HelpConsent = "help_consent",
    Goodbye = "goodbye",
    TooManyTries = "too_many_tries",
    TookTooLong = "took_too_long",
    WaitedTooLong = "waited_too_long",
    RefusedLocked = "refused_locked",
    RefusedEnded = "refused_ended",
    RefusedCancelled = "refused_cancelled",
    RefusedEncrypted = "refused_encrypted",
    RefusedFull = "refused_full",
    RefusedEarly = "refused_early",
    RefusedDeclined = "refused_declined",
    NotAllowed = "not_allowed",
    RefusedBusy = "refused_busy",
    MeetingEnded = "meeting_ended",
    Removed = "removed",
    EndedByOperator = "ended_by_operator",
    TimeUp = "time_up",
    Technical = "technical",
    Restarting = "restarting",
    MoreThan = "more_than",
    Hundred = "hundred",
    HundredAnd = "hundred_and",
}
