// SPDX-License-Identifier: EUPL-1.2
//! Somebody whom we call is asked whether they come into the meeting, by a key: whatever answers by itself, such as a voice
//! mailbox, does not press one.

use std::time::{Duration, Instant};

use super::State;
use super::checking::Checking;
use super::code_entry::Code;
use super::leaving::Leaving;
use super::line::{Line, later};
use super::output::EndReason;
use crate::digit::Digit;
use crate::prompts::PromptId;

/// How often it is said. Who has just lifted the receiver often misses the first time.
const READINGS: u8 = 3;

/// Between two of these.
const PAUSE: Duration = Duration::from_secs(3);

/// For the key, from when they first heard which. Two more readings fit into it.
const TIME_TO_CONFIRM: Duration = Duration::from_secs(30);

/// The key that takes part.
const KEY: char = '1';

/// The question is asked, or the key awaited.
pub(super) struct Inviting {
    readings: u8,
    /// When it is asked again.
    asks_at: Option<Instant>,
    /// When nobody waits for the key any more; `None` while it is asked for the first time.
    until: Option<Instant>,
}

impl Inviting {
    /// Asks for the first time.
    pub(super) fn begin(now: Instant, line: &mut Line) -> Self {
        ask(now, line);
        Self { readings: 1, asks_at: None, until: None }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.asks_at.into_iter().chain(self.until).min()
    }

    pub(super) fn played(&mut self, now: Instant) {
        self.until.get_or_insert(later(now, TIME_TO_CONFIRM));
        if self.readings < READINGS {
            self.asks_at = Some(later(now, PAUSE));
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        if self.until.is_some_and(|until| now >= until) {
            return Some(Leaving::begin(now, EndReason::NotConfirmed, line));
        }
        if self.asks_at.take_if(|at| now >= *at).is_some() {
            self.readings += 1;
            ask(now, line);
        }
        None
    }

    /// Other keys are pressed by accident, and say nothing.
    pub(super) fn key(&self, now: Instant, key: Digit, line: &mut Line) -> Option<State> {
        if key.as_char() != KEY {
            return None;
        }
        line.stop();
        Some(ask_for_room(now, line))
    }
}

fn ask(now: Instant, line: &mut Line) {
    line.play(now, vec![PromptId::Invitation]);
}

/// They take part, as far as it is theirs to say: the room is known, and signaling says whether they may.
pub(super) fn ask_for_room(now: Instant, line: &mut Line) -> State {
    line.check_room();
    State::Checking(Checking::new(now, Code::Room))
}
