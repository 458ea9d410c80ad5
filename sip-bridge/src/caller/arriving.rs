// SPDX-License-Identifier: EUPL-1.2
//! Between being let in and being there. What somebody is told who comes into a room is what the room says of them then: a
//! moderator's word may outlast a call, and a recording may have begun.

use std::time::{Duration, Instant};

use super::State;
use super::leaving::Leaving;
use super::line::{Line, later};
use super::meeting::Meeting;
use super::output::{EndReason, Output};
use super::waiting::Waiting;
use bus::phone::{MeetingEvent, Verdict};

/// After that nobody says any more how it is in the room. Rooms answer at once, or it is said in time that they do not.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Somebody may come in, and is about to be there.
pub(super) struct Arriving {
    until: Instant,
}

impl Arriving {
    /// Asks to come in.
    pub(super) fn begin(now: Instant, line: &mut Line) -> State {
        line.music(false);
        line.stop();
        line.push(Output::Join);
        State::Arriving(Self { until: later(now, ARRIVAL_TIMEOUT) })
    }

    pub(super) const fn timeout(&self) -> Instant {
        self.until
    }

    pub(super) fn handle_timeout(&self, now: Instant, line: &mut Line) -> Option<State> {
        (now >= self.until).then(|| Leaving::begin(now, EndReason::Technical, line))
    }

    pub(super) fn event(now: Instant, event: MeetingEvent, line: &mut Line) -> Option<State> {
        match event {
            MeetingEvent::Arrived(status) => Some(Meeting::begin(now, status, line)),
            // It was over, or they were removed, in that moment.
            MeetingEvent::Ended => Some(Leaving::begin(now, EndReason::MeetingEnded, line)),
            MeetingEvent::Removed => Some(Leaving::begin(now, EndReason::Removed, line)),
            // Who is not there yet knows of nothing that could have changed.
            _ => None,
        }
    }

    pub(super) fn verdict(now: Instant, verdict: Verdict, line: &mut Line) -> Option<State> {
        match verdict {
            Verdict::Wait(reason) => Some(State::Waiting(Waiting::new(now, reason, line))),
            Verdict::Refused(refusal) => Some(Leaving::begin(now, EndReason::Refused(refusal), line)),
            Verdict::Wrong(_) | Verdict::AskPin { .. } | Verdict::Admitted => None,
        }
    }
}
