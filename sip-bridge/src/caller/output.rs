// SPDX-License-Identifier: EUPL-1.2
//! What a caller's way asks for: sound to play, codes to check, and what the caller wants in the meeting.

use bus::phone::{CheckToken, Digits, Refusal};

use crate::mixing::MAX_VOLUME_STEPS;
use crate::prompts::{Language, PromptId};

/// Which `Play` it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayToken(pub(crate) u32);

/// Something to do.
#[derive(Debug)]
pub enum Output {
    /// Play these one after the other, and then say `Played`. What was playing has been stopped before.
    Play {
        /// In which language.
        language: Language,
        /// What, never empty.
        prompts: Vec<PromptId>,
        /// By what the end is reported.
        token: PlayToken,
    },
    /// Stop what is playing.
    StopPlaying,
    /// Play music while nothing else is played, or do not.
    Music(bool),
    /// Play a short tone, over whatever else is heard.
    Chime(Chime),
    /// The number that was called belongs to one room: may the caller come in?
    CheckRoom {
        /// By what the verdict is reported.
        check: CheckToken,
    },
    /// Is there a meeting with this conference number, and may the caller come in?
    CheckId {
        /// By what the verdict is reported.
        check: CheckToken,
        /// The number.
        digits: Digits,
    },
    /// Is that a PIN of the meeting whose number was right?
    CheckPin {
        /// By what the verdict is reported.
        check: CheckToken,
        /// The PIN; `None` for a caller without one, where that is allowed.
        digits: Option<Digits>,
    },
    /// Connect the caller with the room that admitted them.
    Join,
    /// The caller wants their microphone off or on. What becomes of it comes as an event.
    SetMuted(bool),
    /// The caller wants their hand up or down. What becomes of it comes as an event.
    SetHand(bool),
    /// The caller wants to hear the meeting louder or quieter, by one of nine steps.
    Volume(VolumeStep),
    /// The caller wants to know how many are in the room.
    AskCount,
    /// The caller agrees that their voice is recorded, or does not any more. What becomes of it comes as an event.
    Consent(bool),
    /// End the call. Nothing follows.
    HangUp(EndReason),
}

/// Short tones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chime {
    /// Keys that mean nothing, or a volume that goes no further.
    Unknown,
    /// The volume has changed.
    Done,
}

/// A change of the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum VolumeStep {
    Quieter,
    Louder,
}

impl VolumeStep {
    /// What it makes of a volume, which is in steps from the usual one. `None`: it goes no further.
    #[must_use]
    pub fn of(self, volume: i8) -> Option<i8> {
        let changed = match self {
            Self::Quieter => volume.saturating_sub(1),
            Self::Louder => volume.saturating_add(1),
        };
        (-MAX_VOLUME_STEPS..=MAX_VOLUME_STEPS).contains(&changed).then_some(changed)
    }
}

/// Why the bridge ends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The ACK never came.
    NotAcknowledged,
    /// The caller keyed in nothing.
    NothingEntered,
    /// Too many wrong codes.
    TooManyTries,
    /// No right code for too long.
    TookTooLong,
    /// Waited for as long as anybody may.
    WaitedTooLong,
    /// Signaling said no.
    Refused(Refusal),
    /// The meeting is over.
    MeetingEnded,
    /// A moderator removed the caller.
    Removed,
    /// Whoever looks after the installation ended the call.
    Operator,
    /// The call has lasted for as long as it may.
    TimeUp,
    /// Whom we called has not pressed the key that takes part.
    NotConfirmed,
    /// It was a test, and was heard to its end.
    Tested,
    /// Something of ours does not work.
    Technical,
    /// The bridge is being restarted.
    Restarting,
}

impl EndReason {
    /// The SIP status that says the same: for calls that are not answered, and for logs.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotAcknowledged | Self::NothingEntered | Self::TookTooLong | Self::NotConfirmed => 408,
            Self::TooManyTries | Self::Removed | Self::Operator | Self::Refused(_) => match self {
                Self::Refused(Refusal::Full | Refusal::Locked) => 486,
                Self::Refused(Refusal::TooEarly | Refusal::Busy) => 480,
                Self::Refused(Refusal::Ended | Refusal::Cancelled) => 410,
                _ => 403,
            },
            Self::WaitedTooLong => 480,
            Self::MeetingEnded | Self::TimeUp | Self::Tested => 200,
            Self::Technical => 500,
            Self::Restarting => 503,
        }
    }

    /// The cause of ITU-T Q.850 §2.2.7 that comes nearest, which exchanges pass on.
    #[must_use]
    pub const fn cause(self) -> u8 {
        match self.status() {
            200 => 16,
            486 => 17,
            480 => 18,
            403 => 21,
            500 | 503 => 41,
            408 => 102,
            _ => 31,
        }
    }

    /// In words, for the `Reason` header and logs.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotAcknowledged => "no ACK",
            Self::NothingEntered => "nothing entered",
            Self::TooManyTries | Self::Refused(Refusal::TooManyTries) => "too many tries",
            Self::TookTooLong => "no right code in time",
            Self::WaitedTooLong => "waited too long",
            Self::Refused(Refusal::Locked) => "locked",
            Self::Refused(Refusal::Full) => "full",
            Self::Refused(Refusal::Busy) => "too much going on",
            Self::Refused(Refusal::TooEarly) => "too early",
            Self::Refused(Refusal::Cancelled) => "cancelled",
            Self::Refused(Refusal::Encrypted) => "end-to-end encrypted",
            Self::Refused(Refusal::Declined) => "not let in",
            Self::Refused(Refusal::Banned | Refusal::NotAllowed) => "not allowed",
            Self::MeetingEnded | Self::Refused(Refusal::Ended) => "meeting over",
            Self::Removed => "removed",
            Self::Operator => "ended by the operator",
            Self::TimeUp => "longest time",
            Self::NotConfirmed => "not confirmed",
            Self::Tested => "test",
            Self::Technical => "technical problem",
            Self::Restarting => "restarting",
        }
    }
}
