// SPDX-License-Identifier: EUPL-1.2
//! A code is being checked; and the pause after a wrong one, which grows, so that guessing by telephone is slow.

use std::time::{Duration, Instant};

use super::State;
use super::arriving::Arriving;
use super::code_entry::{Code, CodeEntry};
use super::leaving::Leaving;
use super::line::{Line, later};
use super::output::EndReason;
use super::settings::Entry;
use super::waiting::Waiting;
use crate::digit::Digit;
use crate::prompts::PromptId;
use bus::phone::{Again, Refusal, Verdict};

/// After that the caller hears that something is going on. Answers to codes are held back for up to two seconds, so that
/// the time they take tells nothing.
const PATIENCE: Duration = Duration::from_secs(3);

/// After that nothing is going on any more.
const VERDICT_TIMEOUT: Duration = Duration::from_secs(15);

/// The pause after the first wrong code; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// Somebody else decides.
pub(super) struct Checking {
    code: Code,
    /// When the caller is asked for patience, if they were not yet.
    patience_ends: Option<Instant>,
    until: Instant,
    /// See `CodeEntry`.
    ignores_hash_until: Option<Instant>,
}

impl Checking {
    pub(super) fn new(now: Instant, code: Code) -> Self {
        let (patience_ends, until) = (Some(later(now, PATIENCE)), later(now, VERDICT_TIMEOUT));
        Self { code, patience_ends, until, ignores_hash_until: None }
    }

    /// The same for a code that ended by itself.
    pub(super) fn ignoring_hash(self, until: Option<Instant>) -> Self {
        Self { ignores_hash_until: until, ..self }
    }

    pub(super) fn timeout(&self) -> Instant {
        self.patience_ends.unwrap_or(self.until)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        if now >= self.until {
            return Some(Leaving::begin(now, EndReason::Technical, line));
        }
        if self.patience_ends.take_if(|end| now >= *end).is_some() {
            line.play(now, vec![PromptId::OneMoment]);
        }
        None
    }

    /// Keys say nothing here; the one that ends a number that is whole already is over with that.
    pub(super) fn key(&mut self, key: Digit) {
        if key == Digit::HASH {
            self.ignores_hash_until = None;
        }
    }

    pub(super) fn verdict(&mut self, now: Instant, verdict: Verdict, line: &mut Line) -> State {
        match verdict {
            Verdict::Wrong(again) => self.wrong(now, again, line),
            Verdict::AskPin { may_skip } => {
                State::Entering(CodeEntry::pin(now, may_skip, self.ignores_hash_until, line))
            }
            Verdict::Admitted => Arriving::begin(now, line),
            Verdict::Wait(reason) => State::Waiting(Waiting::new(now, reason, line)),
            Verdict::Refused(refusal) => Leaving::begin(now, EndReason::Refused(refusal), line),
        }
    }

    fn wrong(&self, now: Instant, again: Again, line: &mut Line) -> State {
        let (prompt, code) = match (self.code, again, line.settings.entry) {
            // There was nothing that could be wrong.
            (Code::Room, ..) => return Leaving::begin(now, EndReason::Refused(Refusal::NotAllowed), line),
            (Code::Id, ..) => (PromptId::WrongId, Code::Id),
            (Code::Pin { .. }, Again::Id, Entry::ByNumber) => (PromptId::WrongIdOrPin, Code::Id),
            (pin @ Code::Pin { .. }, ..) => (PromptId::WrongPin, pin),
        };
        line.tries = line.tries.saturating_add(1);
        if line.tries >= line.settings.max_tries {
            return Leaving::begin(now, EndReason::TooManyTries, line);
        }
        line.play(now, vec![prompt]);
        State::Pausing(Pausing { code, until: None })
    }
}

/// A code was wrong: the caller hears so, and then nothing for a while.
pub(super) struct Pausing {
    code: Code,
    /// `None` while the caller is being told.
    until: Option<Instant>,
}

impl Pausing {
    pub(super) const fn timeout(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn played(&mut self, now: Instant, line: &Line) {
        let doublings = u32::from(line.tries.saturating_sub(1)).min(5);
        self.until = Some(later(now, FIRST_PAUSE.saturating_mul(1 << doublings)));
    }

    pub(super) fn handle_timeout(&self, now: Instant, line: &mut Line) -> Option<State> {
        let is_over = self.until.is_some_and(|until| now >= until);
        is_over.then(|| State::Entering(CodeEntry::again(now, self.code, Vec::new(), line)))
    }
}
