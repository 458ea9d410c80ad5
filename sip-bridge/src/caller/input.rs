// SPDX-License-Identifier: EUPL-1.2
//! What a caller's way is told: keys, what has been played, what the codes were good for, and what happens in the meeting.

use bus::phone::{CheckToken, MeetingEvent, Verdict};

use super::output::PlayToken;
use crate::digit::Digit;

/// Something happened.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// The other side's ACK is here, so sound may flow.
    Acknowledged,
    /// A key was pressed; once for each press.
    Digit(Digit),
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
    /// The caller is being connected elsewhere. They hear so, and then music in place of the meeting.
    Transferring,
    /// That has come to nothing: they are in the meeting as before.
    NotTransferred,
    /// Whoever looks after the installation has ended the call.
    EndedByOperator,
    /// The bridge cannot go on with this call.
    Failed,
    /// The bridge is about to end.
    ShuttingDown,
    /// The other side has ended the call.
    HungUp,
}
