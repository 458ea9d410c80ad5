// SPDX-License-Identifier: EUPL-1.2
//! Keying in a conference number or a PIN. What the digits are good for is decided elsewhere.

use std::time::{Duration, Instant};

use super::State;
use super::checking::Checking;
use bus::phone::Digits;

use super::leaving::Leaving;
use super::line::{Line, later};
use super::output::EndReason;
use crate::digit::Digit;
use crate::prompts::PromptId;

/// From the end of the question to the first digit.
const FIRST_DIGIT_TIMEOUT: Duration = Duration::from_secs(15);

/// From one digit to the next. After it, what is there counts.
const NEXT_DIGIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Times that nothing is keyed in, until the call ends.
const MAX_SILENCES: u8 = 3;

/// A number of known length ends by itself. Whoever then presses `#`, as they were told to, does not mean the next question.
const LATE_HASH: Duration = Duration::from_secs(3);

/// What is asked for or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Nothing: the number that was called belongs to a room.
    Room,
    Id,
    Pin {
        may_skip: bool,
    },
}

/// Somebody is asked for a code.
pub(super) struct CodeEntry {
    code: Code,
    digits: Digits,
    /// When nobody waits for a key any more; `None` while the question is being asked.
    until: Option<Instant>,
    /// Until then a `#` belongs to the code before.
    ignores_hash_until: Option<Instant>,
}

impl CodeEntry {
    /// Asks for the conference number for the first time.
    pub(super) fn first(now: Instant, preface: Vec<PromptId>, line: &mut Line) -> Self {
        Self::ask(now, Code::Id, preface, PromptId::AskId, line)
    }

    /// Asks for a PIN for the first time.
    pub(super) fn pin(now: Instant, may_skip: bool, ignores_hash_until: Option<Instant>, line: &mut Line) -> Self {
        let code = Code::Pin { may_skip };
        Self { ignores_hash_until, ..Self::ask(now, code, Vec::new(), question(code), line) }
    }

    /// Asks once more.
    pub(super) fn again(now: Instant, code: Code, preface: Vec<PromptId>, line: &mut Line) -> Self {
        Self::ask(now, code, preface, question(code), line)
    }

    fn ask(now: Instant, code: Code, preface: Vec<PromptId>, question: PromptId, line: &mut Line) -> Self {
        let prompts = preface.into_iter().chain([question]).collect();
        line.play(now, prompts);
        Self { code, digits: Digits::new(), until: None, ignores_hash_until: None }
    }

    pub(super) const fn timeout(&self) -> Option<Instant> {
        self.until
    }

    pub(super) fn played(&mut self, now: Instant) {
        if self.digits.is_empty() {
            self.until = Some(later(now, FIRST_DIGIT_TIMEOUT));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        if self.until.is_none_or(|until| now < until) {
            return None;
        }
        if self.digits.is_empty() { Some(self.nothing(now, line)) } else { Some(self.submit(now, None, line)) }
    }

    pub(super) fn key(&mut self, now: Instant, key: Digit, line: &mut Line) -> Option<State> {
        let is_late_hash = self.ignores_hash_until.take().is_some_and(|until| key == Digit::HASH && now < until);
        if is_late_hash {
            return None;
        }
        line.stop();
        match key {
            Digit::STAR => {
                self.start_again(now, line);
                None
            }
            Digit::HASH if !self.digits.is_empty() => Some(self.submit(now, None, line)),
            Digit::HASH if self.code == (Code::Pin { may_skip: true }) => {
                line.check_pin(None);
                Some(State::Checking(Checking::new(now, self.code)))
            }
            Digit::HASH => Some(self.nothing(now, line)),
            digit => self.digit(now, digit, line),
        }
    }

    fn digit(&mut self, now: Instant, digit: Digit, line: &mut Line) -> Option<State> {
        self.digits.push(digit.as_char());
        self.until = Some(later(now, NEXT_DIGIT_TIMEOUT));
        let known_length = line.settings.id_digits.filter(|_| self.code == Code::Id);
        let is_whole = self.digits.len() >= known_length.unwrap_or(Digits::CAPACITY);
        is_whole.then(|| self.submit(now, Some(later(now, LATE_HASH)), line))
    }

    /// Forgets what was keyed in; when that was nothing, the question is repeated.
    fn start_again(&mut self, now: Instant, line: &mut Line) {
        let prompt = if self.digits.is_empty() { question(self.code) } else { PromptId::StartAgain };
        self.digits = Digits::new();
        self.until = None;
        line.play(now, vec![prompt]);
    }

    fn submit(&mut self, now: Instant, ignores_hash_until: Option<Instant>, line: &mut Line) -> State {
        let digits = std::mem::take(&mut self.digits);
        match self.code {
            Code::Id | Code::Room => line.check_id(digits),
            Code::Pin { .. } => line.check_pin(Some(digits)),
        }
        State::Checking(Checking::new(now, self.code).ignoring_hash(ignores_hash_until))
    }

    fn nothing(&self, now: Instant, line: &mut Line) -> State {
        line.silences = line.silences.saturating_add(1);
        if line.silences >= MAX_SILENCES {
            return Leaving::begin(now, EndReason::NothingEntered, line);
        }
        State::Entering(Self::again(now, self.code, vec![PromptId::NothingEntered], line))
    }
}

/// How a code is asked for, once the conference number was explained.
const fn question(code: Code) -> PromptId {
    match code {
        Code::Room | Code::Id => PromptId::AskIdAgain,
        Code::Pin { may_skip: false } => PromptId::AskPin,
        Code::Pin { may_skip: true } => PromptId::AskPinOrSkip,
    }
}
