// SPDX-License-Identifier: EUPL-1.2
//! Calls that we make: signaling orders them at a bridge's [`Dialer`], with a line on which the bridge tells how they go on. From
//! the moment that whoever was called takes part, such a line is like that of a caller.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{BridgeLine, NOTICES, PhoneNotice, PhoneRequest, REQUESTS};

/// Calls that wait for a bridge to make them. It takes milliseconds for one; when it is full, signaling tells whoever asked to
/// try again.
const NEW_CALLS: usize = 64;

/// Where signaling orders calls.
pub type Dialer = mpsc::Sender<DialOrder>;

/// A dialer, and what is ordered there.
#[must_use]
pub fn dialer() -> (Dialer, mpsc::Receiver<DialOrder>) {
    mpsc::channel(NEW_CALLS)
}

/// The line of a call that we make: the bridge's end with the order, and signaling's.
#[must_use]
pub fn outgoing_line(call: OutgoingCall) -> (DialOrder, OutgoingEnd) {
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (notices, told) = mpsc::channel(NOTICES);
    let line = BridgeLine { requests, notices: told };
    (DialOrder { call, line }, OutgoingEnd { requests: asked, notices })
}

/// A call that is to be made.
#[derive(Debug)]
pub struct DialOrder {
    /// Which.
    pub call: OutgoingCall,
    /// The bridge's end of its line.
    pub line: BridgeLine,
}

/// Signaling's end of the line of a call that we make. Dropping it before anybody has answered gives the call up.
#[derive(Debug)]
pub struct OutgoingEnd {
    /// How the call goes on, and then what whoever was called wants. The first is [`PhoneRequest::Progress`].
    pub requests: mpsc::Receiver<PhoneRequest>,
    /// What the bridge is to be told.
    pub notices: mpsc::Sender<PhoneNotice>,
}

/// Whom we call, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingCall {
    /// The trunk to make it over, by its id.
    pub trunk: String,
    /// The number, as the trunk takes it: digits, with or without a `+` in front.
    pub to: String,
    /// Our number, as the trunk wants it named; `None`: the trunk puts in its own.
    pub from: Option<String>,
    /// BCP 47 tag of the language in which whoever answers is spoken to.
    pub language: String,
    /// The slug of the tenant in whose name that is done, if it is in one's.
    pub tenant: Option<String>,
    /// What for.
    pub purpose: CallPurpose,
    /// For how long it may ring.
    pub ring_time: Duration,
}

/// What a call of ours is for, and so what whoever answers hears first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallPurpose {
    /// Somebody is to come into a meeting. They hear so and come in by a key, so that no answering machine does. The key asks
    /// [`PhoneRequest::CheckRoom`].
    Invitation,
    /// The same without being asked: [`PhoneRequest::CheckRoom`] follows the answer at once. For exchanges and machines.
    Connection,
    /// Nobody is to come anywhere: a sentence says that telephones work, and the bridge hangs up.
    Test,
}

/// How a call that we make goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DialProgress {
    /// It rings.
    Ringing,
    /// Somebody or something has answered.
    Answered {
        /// Which of the node's bridges has the sound, from 0.
        bridge: u16,
    },
    /// It came to nothing. Nothing follows.
    NotReached(NotReached),
    /// A test was heard to its end. Nothing follows.
    Tested,
}

/// Why a call came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReached {
    /// In our words.
    pub reason: NotReachedReason,
    /// In SIP's, where the trunk has answered.
    pub status: Option<u16>,
}

/// Why a call came to nothing, as far as one can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotReachedReason {
    /// They are on the telephone (486, 600).
    Busy,
    /// It rang for as long as it may, or the trunk said that nobody is there (408, 480).
    NotAnswered,
    /// They did not want the call (603), or hung up before they came in.
    Declined,
    /// They answered, and pressed no key.
    NotConfirmed,
    /// There is no such number (404, 410, 484, 604).
    UnknownNumber,
    /// The trunk does not let us call there (401, 403, 407).
    NotAllowed,
    /// The trunk cannot be reached or is out of order.
    TrunkFailed,
    /// There are as many calls as there may be, of this trunk or altogether.
    Full,
    /// We and they have no sound in common (415, 488).
    NoCommonSound,
    /// Signaling has given the call up.
    GivenUp,
}
