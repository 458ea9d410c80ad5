// SPDX-License-Identifier: EUPL-1.2
//! A caller's way, from the answered call to the good-bye: what they hear, and what their keys mean. A state machine without
//! I/O: whoever drives it plays sound, has codes checked, and passes on what happens.
//!
//! No code is judged here, and none is kept longer than it takes to key it in. `docs/operations/telephone-menu.md` tells
//! callers' side of it.

mod announcements;
mod arriving;
mod checking;
mod code_entry;
mod input;
mod inviting;
mod leaving;
mod line;
mod meeting;
mod opening;
mod output;
mod settings;
#[cfg(test)]
mod tests;
mod waiting;

use std::time::Instant;

use bus::phone::{MeetingEvent, Verdict};

use self::arriving::Arriving;
use self::checking::{Checking, Pausing};
use self::code_entry::CodeEntry;
pub use self::input::Input;
use self::inviting::Inviting;
use self::leaving::Leaving;
use self::line::{Line, later};
use self::meeting::Meeting;
use self::opening::Opening;
pub use self::output::{Chime, EndReason, Output, PlayToken, VolumeStep};
pub use self::settings::{CallerSettings, Entry};
use self::waiting::Waiting;
use crate::digit::Digit;

/// One call, from the moment that it was answered.
pub struct Caller {
    line: Line,
    state: State,
    /// Until then there must have been a right code.
    enters_until: Instant,
}

/// Where a caller is.
enum State {
    Opening(Opening),
    Inviting(Inviting),
    Entering(CodeEntry),
    Checking(Checking),
    Pausing(Pausing),
    Waiting(Waiting),
    Arriving(Arriving),
    Meeting(Box<Meeting>),
    Leaving(Leaving),
    Over,
}

impl Caller {
    /// The 200 for a call has just been sent. After this and after each `handle…`, [`Caller::poll_output`] is called until it
    /// gives nothing.
    #[must_use]
    pub fn new(now: Instant, settings: CallerSettings) -> Self {
        let enters_until = later(now, settings.time_to_enter);
        Self { line: Line::new(settings), state: State::Opening(Opening::new(now)), enters_until }
    }

    /// Takes in what happened. What does not fit to where the caller is has no effect.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Acknowledged => self.acknowledged(now),
            Input::Digit(digit) => self.key(now, digit),
            Input::Played(token) => {
                if self.line.finish(token) {
                    self.played(now);
                }
            }
            Input::Verdict { check, verdict } => {
                if self.line.is_last(check) {
                    self.verdict(now, verdict);
                }
            }
            // Wherever they are: waiting takes time, too.
            Input::Event(MeetingEvent::TimeUp) => self.end(now, EndReason::TimeUp),
            Input::Event(event) => self.event(now, event),
            Input::Count(count) => self.in_meeting(|meeting, line| meeting.count_is(now, count, line)),
            Input::TalkingWhileMuted => self.in_meeting(|meeting, line| meeting.talking_while_muted(now, line)),
            Input::BadLine => self.in_meeting(|meeting, line| meeting.bad_line(now, line)),
            Input::Transferring => self.in_meeting(|meeting, line| meeting.transferring(now, line)),
            Input::NotTransferred => self.in_meeting(|meeting, line| meeting.not_transferred(now, line)),
            Input::EndedByOperator => self.end(now, EndReason::Operator),
            Input::Failed => self.end(now, EndReason::Technical),
            Input::ShuttingDown => self.end(now, EndReason::Restarting),
            Input::HungUp => {
                self.line.clear();
                self.state = State::Over;
            }
        }
        self.check_overrun();
    }

    /// What is to be done next; `None` when that was all for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.line.pop()
    }

    /// When [`Caller::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match &self.state {
            State::Opening(opening) => opening.timeout(),
            State::Inviting(inviting) => inviting.timeout(),
            State::Entering(entry) => entry.timeout(),
            State::Checking(checking) => Some(checking.timeout()),
            State::Pausing(pausing) => pausing.timeout(),
            State::Waiting(waiting) => Some(waiting.timeout()),
            State::Arriving(arriving) => Some(arriving.timeout()),
            State::Meeting(meeting) => meeting.timeout(),
            State::Leaving(_) => None,
            State::Over => return None,
        };
        let enters_until = self.is_entering().then_some(self.enters_until);
        [own, enters_until, self.line.timeout()].into_iter().flatten().min()
    }

    /// Does what time alone brings.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_entering() && now >= self.enters_until {
            self.end(now, EndReason::TookTooLong);
        } else if self.line.has_lost(now) {
            self.played(now);
        }
        let next = match &mut self.state {
            State::Opening(opening) => opening.handle_timeout(now, &mut self.line),
            State::Inviting(inviting) => inviting.handle_timeout(now, &mut self.line),
            State::Entering(entry) => entry.handle_timeout(now, &mut self.line),
            State::Checking(checking) => checking.handle_timeout(now, &mut self.line),
            State::Pausing(pausing) => pausing.handle_timeout(now, &mut self.line),
            State::Waiting(waiting) => waiting.handle_timeout(now, &mut self.line),
            State::Arriving(arriving) => arriving.handle_timeout(now, &mut self.line),
            State::Meeting(meeting) => meeting.handle_timeout(now, &mut self.line),
            State::Leaving(_) | State::Over => None,
        };
        self.go(next);
        self.check_overrun();
    }

    /// Whether the caller has come into a room, and the call goes on.
    #[must_use]
    pub const fn is_in_meeting(&self) -> bool {
        matches!(self.state, State::Meeting(_))
    }

    /// Whether nothing more comes: the call is or has to be hung up.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether the caller has yet to give a right code.
    const fn is_entering(&self) -> bool {
        match &self.state {
            State::Opening(Opening::Answered { .. }) => false,
            State::Opening(_) | State::Entering(_) | State::Checking(_) | State::Pausing(_) => true,
            // It has a time of its own.
            State::Inviting(_) => false,
            State::Waiting(_) | State::Arriving(_) | State::Meeting(_) | State::Leaving(_) | State::Over => false,
        }
    }

    fn acknowledged(&mut self, now: Instant) {
        if let State::Opening(opening) = &mut self.state {
            opening.acknowledged(now);
        }
    }

    fn key(&mut self, now: Instant, key: Digit) {
        // Telephones have no keys A to D; test sets do.
        if !key.is_numeral() && key != Digit::STAR && key != Digit::HASH {
            return;
        }
        let next = match &mut self.state {
            State::Opening(opening) => opening.key(now, key, &mut self.line),
            State::Inviting(inviting) => inviting.key(now, key, &mut self.line),
            State::Entering(entry) => entry.key(now, key, &mut self.line),
            State::Checking(checking) => {
                checking.key(key);
                None
            }
            State::Waiting(waiting) => {
                waiting.key(now, &mut self.line);
                None
            }
            State::Meeting(meeting) => {
                meeting.key(now, key, &mut self.line);
                None
            }
            State::Pausing(_) | State::Arriving(_) | State::Leaving(_) | State::Over => None,
        };
        self.go(next);
    }

    fn played(&mut self, now: Instant) {
        let next = match &mut self.state {
            State::Opening(opening) => opening.played(now, &mut self.line),
            State::Leaving(leaving) => Some(leaving.played(&mut self.line)),
            State::Inviting(inviting) => {
                inviting.played(now);
                None
            }
            State::Entering(entry) => {
                entry.played(now);
                None
            }
            State::Pausing(pausing) => {
                pausing.played(now, &self.line);
                None
            }
            State::Waiting(waiting) => {
                waiting.played(now, &mut self.line);
                None
            }
            State::Meeting(meeting) => {
                meeting.played(now, &mut self.line);
                None
            }
            State::Checking(_) | State::Arriving(_) | State::Over => None,
        };
        self.go(next);
    }

    fn verdict(&mut self, now: Instant, verdict: Verdict) {
        let next = match &mut self.state {
            State::Checking(checking) => Some(checking.verdict(now, verdict, &mut self.line)),
            State::Waiting(waiting) => waiting.verdict(now, verdict, &mut self.line),
            State::Arriving(_) => Arriving::verdict(now, verdict, &mut self.line),
            State::Meeting(_) => match verdict {
                // Back into the lobby.
                Verdict::Wait(reason) => Some(State::Waiting(Waiting::new(now, reason, &mut self.line))),
                Verdict::Refused(refusal) => Some(Leaving::begin(now, EndReason::Refused(refusal), &mut self.line)),
                Verdict::Wrong(_) | Verdict::AskPin { .. } | Verdict::Admitted => None,
            },
            _ => None,
        };
        self.go(next);
    }

    fn event(&mut self, now: Instant, event: MeetingEvent) {
        let next = match &mut self.state {
            State::Arriving(_) => Arriving::event(now, event, &mut self.line),
            State::Meeting(meeting) => meeting.event(now, event, &mut self.line),
            _ => None,
        };
        self.go(next);
    }

    fn in_meeting(&mut self, act: impl FnOnce(&mut Meeting, &mut Line) -> Option<State>) {
        let next = match &mut self.state {
            State::Meeting(meeting) => act(meeting, &mut self.line),
            _ => None,
        };
        self.go(next);
    }

    /// Ends the call for a reason that holds wherever the caller is.
    fn end(&mut self, now: Instant, reason: EndReason) {
        let next = match &self.state {
            State::Leaving(_) | State::Over => None,
            // Nothing may be sent yet.
            State::Opening(Opening::Answered { .. }) => Some(Leaving::silently(reason, &mut self.line)),
            _ => Some(Leaving::begin(now, reason, &mut self.line)),
        };
        self.go(next);
    }

    fn go(&mut self, next: Option<State>) {
        if let Some(state) = next {
            self.state = state;
        }
    }

    /// Nobody polls: there is no way to go on with this call, and no room to say so but this.
    fn check_overrun(&mut self) {
        if std::mem::take(&mut self.line.is_overrun) {
            self.line.clear();
            self.state = Leaving::silently(EndReason::Technical, &mut self.line);
        }
    }
}
