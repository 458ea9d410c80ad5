// SPDX-License-Identifier: EUPL-1.2
//! Commands in a meeting: a star and a digit. Digits without a star mean nothing here, and are free for other things.

use std::time::{Duration, Instant};

use crate::caller::line::later;
use crate::caller::output::VolumeStep;
use crate::digit::Digit;

/// For the digit behind the star.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Microphone,
    Hand,
    Volume(VolumeStep),
    Count,
    Consent,
    Help,
    /// A star, and something that means nothing behind it.
    Unknown,
}

/// Whether there was a star.
#[derive(Default)]
pub(super) struct StarKeys {
    until: Option<Instant>,
}

impl StarKeys {
    /// The command that a key completes.
    pub(super) fn key(&mut self, now: Instant, key: Digit) -> Option<Command> {
        let has_star = self.until.take().is_some_and(|until| now < until);
        if !has_star {
            if key == Digit::STAR {
                self.until = Some(later(now, TIMEOUT));
            }
            return None;
        }
        Some(match key.as_char() {
            '6' => Command::Microphone,
            '9' => Command::Hand,
            '4' => Command::Volume(VolumeStep::Quieter),
            '7' => Command::Volume(VolumeStep::Louder),
            '1' => Command::Count,
            '3' => Command::Consent,
            '0' => Command::Help,
            _ => Command::Unknown,
        })
    }

    /// Whether a digit is awaited.
    pub(super) const fn are_open(&self) -> bool {
        self.until.is_some()
    }

    pub(super) const fn timeout(&self) -> Option<Instant> {
        self.until
    }

    /// Forgets a star that nothing came behind.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.until.take_if(|until| now >= *until);
    }
}
