// SPDX-License-Identifier: EUPL-1.2
//! What a caller's way is told: keys, what has been played, what the codes were good for, and what happens in the meeting.

use std::time::Duration;

use super::digits::Key;
use super::output::{CheckToken, PlayToken};

/// Something happened.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// The other side's ACK is here, so sound may flow.
    Acknowledged,
    /// A key was pressed; once for each press.
    Key(Key),
    /// Everything of a `Play` was played. What was stopped is not reported.
    Played(PlayToken),
    /// The answer to a check. While somebody waits or is in the meeting, further answers with the number of the last check
    /// tell what has become of them.
    Verdict {
        /// Of which check.
        check: CheckToken,
        /// The answer.
        verdict: Verdict,
    },
    /// Something happened in the meeting. Before `Join` it is ignored.
    Event(MeetingEvent),
    /// The answer to `AskCount`: how many are in the room, the caller among them.
    Count(u16),
    /// Somebody has been speaking for three seconds into a microphone that is off.
    TalkingWhileMuted,
    /// The caller's line loses much.
    BadLine,
    /// The bridge cannot go on with this call.
    Failed,
    /// The bridge is about to end.
    ShuttingDown,
    /// The other side has ended the call.
    HungUp,
}

/// What the digits were good for, as signaling decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody knows this number, or the PIN is another.
    Wrong(Again),
    /// The number is right, and a PIN is needed or may be given.
    AskPin {
        /// Whether the caller may come in without, by `#` alone.
        may_skip: bool,
    },
    /// Come in.
    Admitted(RoomStatus),
    /// Not yet.
    Wait(WaitReason),
    /// No.
    Refused(Refusal),
}

/// What is to be keyed in after something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Everything, from the conference number on. After a PIN, the caller does not hear which of the two was wrong.
    Id,
    /// The PIN; of the conference number it is known that it is right.
    Pin,
}

/// What there is to know of a room when one comes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomStatus {
    /// How many are in the room, the caller among them.
    pub count: u16,
    /// Whether the caller's microphone is off.
    pub is_muted: bool,
    /// Whether the caller may turn it on.
    pub may_unmute: bool,
    /// Whether it is being recorded, and how.
    pub recording: Option<Recording>,
}

/// A recording that is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Whether the caller's voice is recorded only if they agree.
    pub asks_consent: bool,
}

/// Why somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The meeting has not begun.
    BeforeStart {
        /// When it does, if that is known.
        starts_in: Option<Duration>,
    },
    /// Somebody must let them in.
    Lobby {
        /// Their place among those who wait, the first is 1; if they may know it.
        position: Option<u16>,
    },
    /// There is no place at the moment.
    Full,
    /// The host has not come yet.
    NoHost,
}

/// Why somebody is not let in, now or after waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The meeting takes nobody else.
    Locked,
    /// They may not come back. They hear that they cannot take part, and no more.
    Banned,
    /// The meeting is over.
    Ended,
    /// Too many wrong codes came from this caller or altogether.
    TooManyTries,
    /// Too much comes from everywhere. They may call again later.
    Busy,
    /// They may not come, by telephone or at all.
    NotAllowed,
    /// There is no place, and waiting for one is not foreseen.
    Full,
    /// The meeting begins so much later that nobody waits for it.
    TooEarly,
    /// The host did not let them in.
    Declined,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The caller, by a key.
    Caller,
    /// A moderator.
    Host,
}

/// Which room somebody was moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Another than the meeting's own, such as a breakout room.
    OtherRoom,
    /// Back to the meeting's own.
    MainRoom,
}

/// What happens to the caller or around them in the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeetingEvent {
    /// The microphone is off now.
    MicrophoneOff(By),
    /// The microphone is on now.
    MicrophoneOn,
    /// Whether the caller may turn the microphone on has changed.
    MayUnmute(bool),
    /// A moderator asks the caller to turn it on.
    AskedToUnmute,
    /// The caller's hand is up.
    HandRaised {
        /// Their place among the hands, the first is 1.
        position: Option<u16>,
    },
    /// The caller's hand is down.
    HandLowered(By),
    /// Somebody else came.
    Joined {
        /// How many are in the room now, the caller among them.
        count: u16,
    },
    /// Somebody else went.
    Left {
        /// How many are in the room now, the caller among them.
        count: u16,
    },
    /// A recording began.
    RecordingBegan(Recording),
    /// The recording ended.
    RecordingEnded,
    /// What the caller said to the recording is kept.
    ConsentNoted(bool),
    /// The caller is in another room now.
    Moved(Destination, RoomStatus),
    /// A minute is left.
    OneMinuteLeft,
    /// The meeting is over.
    Ended,
    /// A moderator removed the caller.
    Removed,
}
