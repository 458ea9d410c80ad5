// SPDX-License-Identifier: EUPL-1.2
//! The first words: silence until sound can flow, then the greeting and the choice of a language.

use std::time::{Duration, Instant};

use super::State;
use super::code_entry::CodeEntry;
use super::inviting::{Inviting, ask_for_room};
use super::leaving::Leaving;
use super::line::{Line, later};
use super::output::EndReason;
use super::settings::Entry;
use crate::digit::Digit;
use crate::prompts::{Language, PromptId};
use bus::phone::CallPurpose;

/// As long as the sender of a 200 repeats it: 64 times T1 (RFC 3261 §13.3.1.4).
const ACK_TIMEOUT: Duration = Duration::from_secs(32);

/// Many telephones and exchanges swallow the beginning of what follows an answer.
const SILENCE: Duration = Duration::from_millis(500);

/// To choose a language, after the last one was offered.
const CHOICE_TIMEOUT: Duration = Duration::from_secs(5);

/// A telephone that dials number and PIN by itself does not wait for the menu. Its next digit follows sooner than that,
/// and both are then the beginning of the number.
const CHOICE_SETTLES: Duration = Duration::from_millis(700);

/// What happens before the first code.
pub(super) enum Opening {
    /// Until the ACK, nothing may be sent.
    Answered { until: Instant },
    /// The ACK is here.
    Silence { until: Instant },
    /// Each language is offered in itself, one after the other.
    Menu { offered: usize, until: Option<Instant>, pressed: Option<Pressed> },
    /// Before a room that needs no number.
    Greeting,
}

/// A language was chosen, unless another digit follows at once.
pub(super) struct Pressed {
    key: Digit,
    language: Language,
    settles_at: Instant,
}

/// The key of a language, the same for all numbers that callers call.
const fn key_of(language: Language) -> char {
    match language {
        Language::German => '1',
        Language::English => '2',
    }
}

impl Opening {
    pub(super) fn new(now: Instant) -> Self {
        Self::Answered { until: later(now, ACK_TIMEOUT) }
    }

    pub(super) fn acknowledged(&mut self, now: Instant) {
        if matches!(self, Self::Answered { .. }) {
            *self = Self::Silence { until: later(now, SILENCE) };
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        match self {
            Self::Answered { until } | Self::Silence { until } => Some(*until),
            Self::Menu { until, pressed, .. } => pressed.as_ref().map(|pressed| pressed.settles_at).or(*until),
            Self::Greeting => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        if self.timeout().is_none_or(|due| now < due) {
            return None;
        }
        match self {
            Self::Answered { .. } => Some(Leaving::silently(EndReason::NotAcknowledged, line)),
            Self::Silence { .. } => Some(first_words(now, line)),
            Self::Menu { pressed, .. } => {
                if let Some(pressed) = pressed {
                    line.language = pressed.language;
                }
                Some(after_greeting(now, line))
            }
            Self::Greeting => None,
        }
    }

    pub(super) fn played(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        match self {
            Self::Menu { offered, until, .. } => {
                *offered += 1;
                match line.settings.languages.get(*offered).copied() {
                    Some(language) => offer(now, language, line),
                    None => *until = Some(later(now, CHOICE_TIMEOUT)),
                }
                None
            }
            Self::Greeting => Some(after_greeting(now, line)),
            Self::Answered { .. } | Self::Silence { .. } => None,
        }
    }

    pub(super) fn key(&mut self, now: Instant, key: Digit, line: &mut Line) -> Option<State> {
        match self {
            Self::Answered { .. } => None,
            Self::Silence { .. } => {
                let mut next = first_words(now, line);
                let after = match &mut next {
                    State::Opening(opening) => opening.key(now, key, line),
                    State::Entering(entry) => entry.key(now, key, line),
                    State::Inviting(inviting) => inviting.key(now, key, line),
                    _ => None,
                };
                Some(after.unwrap_or(next))
            }
            Self::Greeting => {
                line.stop();
                Some(after_greeting(now, line))
            }
            Self::Menu { pressed, .. } => {
                line.stop();
                choose(pressed, now, key, line)
            }
        }
    }
}

/// A key in the menu: a language, or the beginning of a number that does not wait for it.
fn choose(pressed: &mut Option<Pressed>, now: Instant, key: Digit, line: &mut Line) -> Option<State> {
    let chosen = line.settings.languages.iter().copied().find(|language| key_of(*language) == key.as_char());
    if pressed.is_none()
        && let Some(language) = chosen
    {
        *pressed = Some(Pressed { key, language, settles_at: later(now, CHOICE_SETTLES) });
        return None;
    }
    let mut next = match pressed {
        // `1*` and `1#`: a language, with a key behind it that some telephones' users are used to.
        Some(pressed) if !key.is_numeral() => {
            line.language = pressed.language;
            return Some(after_greeting(now, line));
        }
        _ => after_greeting(now, line),
    };
    for key in pressed.as_ref().map(|pressed| pressed.key).into_iter().chain([key]).filter(|key| key.is_numeral()) {
        if let State::Entering(entry) = &mut next
            && let Some(after) = entry.key(now, key, line)
        {
            next = after;
        }
    }
    Some(next)
}

/// The greeting: as a menu when there is something to choose. Whom we call is spoken to in the language that we call in.
fn first_words(now: Instant, line: &mut Line) -> State {
    if let Entry::Called(purpose) = line.settings.entry {
        return match purpose {
            CallPurpose::Invitation => State::Inviting(Inviting::begin(now, line)),
            CallPurpose::Connection => ask_for_room(now, line),
            CallPurpose::Test => Leaving::begin(now, EndReason::Tested, line),
        };
    }
    if let &[first, _, ..] = line.settings.languages.as_slice() {
        offer(now, first, line);
        return State::Opening(Opening::Menu { offered: 0, until: None, pressed: None });
    }
    match line.settings.entry {
        Entry::ByNumber => State::Entering(CodeEntry::first(now, vec![PromptId::Welcome], line)),
        Entry::Direct | Entry::Called(_) => {
            line.play(now, vec![PromptId::Welcome]);
            State::Opening(Opening::Greeting)
        }
    }
}

/// Greets in a language and says how to choose it. The line's own language is not changed by that.
fn offer(now: Instant, language: Language, line: &mut Line) {
    let usual = std::mem::replace(&mut line.language, language);
    line.play(now, vec![PromptId::Welcome, PromptId::ChooseLanguage]);
    line.language = usual;
}

fn after_greeting(now: Instant, line: &mut Line) -> State {
    match line.settings.entry {
        Entry::ByNumber => State::Entering(CodeEntry::first(now, Vec::new(), line)),
        Entry::Direct | Entry::Called(_) => ask_for_room(now, line),
    }
}
