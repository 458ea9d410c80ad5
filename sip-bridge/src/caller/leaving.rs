// SPDX-License-Identifier: EUPL-1.2
//! The end of a call that we end: the reason and a good-bye are spoken, then the call is hung up.

use std::time::Instant;

use super::State;
use super::line::Line;
use super::output::{EndReason, Output};
use crate::prompts::PromptId;
use bus::phone::Refusal;

/// The good-bye is being spoken.
pub(super) struct Leaving {
    reason: EndReason,
}

impl Leaving {
    /// Says why, and good-bye.
    pub(super) fn begin(now: Instant, reason: EndReason, line: &mut Line) -> State {
        line.music(false);
        line.play(now, vec![sentence(reason), PromptId::Goodbye]);
        State::Leaving(Self { reason })
    }

    /// Hangs up without a word, where none could be heard.
    pub(super) fn silently(reason: EndReason, line: &mut Line) -> State {
        line.push(Output::HangUp(reason));
        State::Over
    }

    pub(super) fn played(&self, line: &mut Line) -> State {
        line.push(Output::HangUp(self.reason));
        State::Over
    }
}

const fn sentence(reason: EndReason) -> PromptId {
    match reason {
        EndReason::NothingEntered | EndReason::NotConfirmed => PromptId::NothingEntered,
        EndReason::TooManyTries | EndReason::Refused(Refusal::TooManyTries) => PromptId::TooManyTries,
        EndReason::TookTooLong => PromptId::TookTooLong,
        EndReason::WaitedTooLong => PromptId::WaitedTooLong,
        EndReason::Refused(Refusal::Locked) => PromptId::RefusedLocked,
        EndReason::Refused(Refusal::Ended) => PromptId::RefusedEnded,
        EndReason::Refused(Refusal::Cancelled) => PromptId::RefusedCancelled,
        EndReason::Refused(Refusal::Encrypted) => PromptId::RefusedEncrypted,
        EndReason::Refused(Refusal::Full) => PromptId::RefusedFull,
        EndReason::Refused(Refusal::Busy) => PromptId::RefusedBusy,
        EndReason::Refused(Refusal::TooEarly) => PromptId::RefusedEarly,
        EndReason::Refused(Refusal::Declined) => PromptId::RefusedDeclined,
        EndReason::Refused(Refusal::Banned | Refusal::NotAllowed) => PromptId::NotAllowed,
        EndReason::MeetingEnded => PromptId::MeetingEnded,
        EndReason::Removed => PromptId::Removed,
        EndReason::Operator => PromptId::EndedByOperator,
        EndReason::TimeUp => PromptId::TimeUp,
        EndReason::Tested => PromptId::TestCall,
        EndReason::NotAcknowledged | EndReason::Technical => PromptId::Technical,
        EndReason::Restarting => PromptId::Restarting,
    }
}
