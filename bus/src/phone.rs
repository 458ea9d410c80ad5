// SPDX-License-Identifier: EUPL-1.2
//! What a bridge for telephones asks signaling about its calls, and is told. Each call has a [`line()`] of its own: two bounded
//! queues, one in each direction. A bridge opens it by handing signaling's end to the [`PhoneDesk`].
//!
//! Whoever drops their end ends the call: a bridge when the caller has hung up, signaling never before it has said why.

mod dialing;
mod digits;
mod trunks;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use self::dialing::{
    CallPurpose, DialOrder, DialProgress, Dialer, NotReached, NotReachedReason, OutgoingCall, OutgoingEnd, dialer,
    outgoing_line,
};
pub use self::digits::Digits;
pub use self::trunks::{
    Credentials, DestinationState, RegistrationState, TrunkAdministration, TrunkConfig, TrunkDestination, TrunkList,
    TrunkOperation, TrunkRegistration, TrunkState, TrunkStates, TrunkTransport, trunks,
};
use crate::TransportSid;

/// Requests that wait for signaling, for each call. A caller's keys come one by one and a call asks once at a time, so it is never
/// full as long as signaling lives; a bridge whose request does not fit gives the call up.
const REQUESTS: usize = 16;

/// Notices that wait for the bridge, for each call. A bridge that is so far behind has lost the call; signaling then drops the
/// line.
const NOTICES: usize = 64;

/// Calls that wait for signaling to take them up. A bridge whose call does not fit answers it with 503.
const NEW_CALLS: usize = 256;

/// The most calls that bridges may have at a time: twice what the telephones of an installation are built for, which is 1,000.
/// Settings that want more are refused, and signaling looks after that many.
pub const MAX_CALLS: usize = 2_000;

/// Where bridges hand in their calls.
pub type PhoneDesk = mpsc::Sender<CallEnd>;

/// A desk, and the calls that are handed in there.
#[must_use]
pub fn desk() -> (PhoneDesk, mpsc::Receiver<CallEnd>) {
    mpsc::channel(NEW_CALLS)
}

/// A call's line: the bridge's end, and signaling's.
#[must_use]
pub fn line(call: IncomingCall) -> (BridgeLine, CallEnd) {
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (notices, told) = mpsc::channel(NOTICES);
    (BridgeLine { requests, notices: told }, CallEnd { call, requests: asked, notices })
}

/// The bridge's end of a call's line.
#[derive(Debug)]
pub struct BridgeLine {
    /// What the caller wants.
    pub requests: mpsc::Sender<PhoneRequest>,
    /// What signaling says.
    pub notices: mpsc::Receiver<PhoneNotice>,
}

/// Signaling's end of a call's line.
#[derive(Debug)]
pub struct CallEnd {
    /// Who calls.
    pub call: IncomingCall,
    /// What the caller wants.
    pub requests: mpsc::Receiver<PhoneRequest>,
    /// What the bridge is to be told.
    pub notices: mpsc::Sender<PhoneNotice>,
}

/// A call that came in, before it is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IncomingCall {
    /// Which of the node's bridges has the caller's sound at first, from 0.
    pub bridge: u16,
    /// The trunk that it came over, by its id.
    pub trunk: String,
    /// The address from which the trunk speaks to us.
    pub peer: IpAddr,
    /// The number that was called, as the trunk gave it.
    pub called: String,
    /// The number that calls, as the trunk gave it, if it gave one.
    pub caller: Option<String>,
    /// The caller does not want it shown.
    pub is_withheld: bool,
    /// SIP's Call-ID, for whoever compares logs.
    pub call_id: String,
}

/// How a caller is led, by the number that was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTerms {
    /// BCP 47 language tags, the usual one first. With more than one, the caller is asked.
    pub languages: Vec<String>,
    /// The number that was called belongs to one room, and no conference number is asked for.
    pub is_direct: bool,
    /// The slug of the tenant whose meetings alone are reached by the number, so that callers may be greeted in its name.
    pub tenant: Option<String>,
}

/// Which check it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckToken(pub u32);

/// What a bridge asks for.
#[derive(Debug, Serialize, Deserialize)]
pub enum PhoneRequest {
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
    /// The caller's sound is with another of the node's bridges from now on. Before [`Self::Join`] alone.
    SoundIsAt {
        /// Which, from 0.
        bridge: u16,
    },
    /// Connect the caller with the room that admitted them. The answer is [`MeetingEvent::Arrived`] and then
    /// [`PhoneNotice::Connected`], or why they are not let in any more.
    Join,
    /// The caller wants their microphone off or on.
    SetMuted(bool),
    /// The caller wants their hand up or down.
    SetHand(bool),
    /// The caller has put the call on hold (RFC 3264 §8.4), or has taken it up again.
    SetHold(bool),
    /// How many are in the room?
    AskCount,
    /// The caller agrees that their voice is recorded, or does not any more.
    Consent(bool),
    /// How a call that we make goes on.
    Progress(DialProgress),
    /// What became of a [`PhoneNotice::Transfer`]: `Ok` when the caller is connected elsewhere, which ends this call; else what
    /// the trunk answered, if it did.
    TransferEnded(Result<(), Option<u16>>),
}

/// What signaling tells a bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PhoneNotice {
    /// The call may be answered. It is the first notice, or [`Self::Declined`] is.
    Begun(CallTerms),
    /// The call is not answered, and nothing follows.
    Declined(Decline),
    /// Others of the room that the caller is about to be admitted to have their sound with that one of the node's bridges, which
    /// is not the caller's. It comes before the verdict. A bridge that brings the sound there says so by
    /// [`PhoneRequest::SoundIsAt`]; it need not.
    RoomIsAt {
        /// Which, from 0.
        bridge: u16,
    },
    /// The slug of the tenant whose meeting the caller has reached, where the number that was called did not say. It comes before
    /// the verdict that says what becomes of them.
    Tenant(String),
    /// What was checked. While somebody waits or is in the meeting, further ones with the token of the last check tell what
    /// has become of them.
    Verdict {
        /// Which check.
        check: CheckToken,
        /// The answer.
        verdict: Verdict,
    },
    /// The caller is in a room: their sound is that of this leg, which the node's bridge has been told of or is about to be.
    Connected {
        /// The leg.
        leg: TransportSid,
    },
    /// Something happened in the meeting.
    Event(MeetingEvent),
    /// How many are in the room, the caller among them.
    Count(u16),
    /// The call that we make is not wanted any more. Nothing follows.
    GiveUp,
    /// The caller is to be connected elsewhere, by REFER (RFC 3515): the number, as the trunk takes it. They leave the meeting
    /// only once that has worked.
    Transfer {
        /// Digits, with or without a `+` in front.
        to: String,
    },
    /// Whoever looks after the installation has ended the call. The caller hears so, wherever they are. Nothing follows.
    EndedByOperator,
    /// The call cannot go on, by a fault of ours.
    Failed,
}

/// Why a call is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decline {
    /// Nobody is to be reached by the number that was called.
    UnknownNumber,
    /// Too many wrong codes came from there; not for so long.
    Blocked(Duration),
    /// Something of ours does not work.
    Unavailable,
}

/// What the digits were good for, as signaling decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Nobody knows this number, or the PIN is another.
    Wrong(Again),
    /// The number is right, and a PIN is needed or may be given.
    AskPin {
        /// Whether the caller may come in without, by `#` alone.
        may_skip: bool,
    },
    /// Come in. How it is in the room is told by [`MeetingEvent::Arrived`].
    Admitted,
    /// Not yet.
    Wait(WaitReason),
    /// No.
    Refused(Refusal),
}

/// What is to be keyed in after something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Again {
    /// Everything, from the conference number on. After a PIN, the caller does not hear which of the two was wrong.
    Id,
    /// The PIN; of the conference number it is known that it is right.
    Pin,
}

/// What there is to know of a room when one comes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Whether the caller is asked to agree to it. What they say is noted; it does not decide what is recorded.
    pub asks_consent: bool,
}

/// Why somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The meeting takes nobody else.
    Locked,
    /// They may not come back. They hear that they cannot take part, and no more.
    Banned,
    /// The meeting is over.
    Ended,
    /// The meeting does not take place.
    Cancelled,
    /// The meeting is encrypted from end to end, which no telephone can be.
    Encrypted,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// The caller, by a key.
    Caller,
    /// A moderator.
    Host,
}

/// Which room somebody was moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// Another than the meeting's own, such as a breakout room.
    OtherRoom,
    /// Back to the meeting's own.
    MainRoom,
}

/// What happens to the caller or around them in the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MeetingEvent {
    /// The caller is in the room, where it is like that. It is the room that says so: what it remembers of them, and who records
    /// there, nobody knows before. A hand that is still up from a call that was lost follows as [`Self::HandRaised`].
    Arrived(RoomStatus),
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
    /// Somebody else came. It is told where the meeting wants it told, as with [`Self::Left`].
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
    /// The call has lasted for as long as it may.
    TimeUp,
    /// The meeting is over.
    Ended,
    /// A moderator removed the caller.
    Removed,
}
