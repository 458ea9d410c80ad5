// SPDX-License-Identifier: EUPL-1.2
//! Waiting to come in: music, and from time to time why, and for how long still.

use std::mem::discriminant;
use std::time::{Duration, Instant};

use super::State;
use super::arriving::Arriving;
use super::leaving::Leaving;
use super::line::{Line, later};
use super::output::EndReason;
use crate::prompts::{PromptId, number};
use bus::phone::{Verdict, WaitReason};

/// How often the place in the queue is told.
const POSITION_INTERVAL: Duration = Duration::from_secs(30);

/// How often everything else is: it does not change, and music is better company.
const REASON_INTERVAL: Duration = Duration::from_secs(120);

const MINUTE: Duration = Duration::from_secs(60);

/// Somebody waits.
pub(super) struct Waiting {
    reason: WaitReason,
    /// When the meeting begins, as far as that was told.
    begins_at: Option<Instant>,
    /// When the next word is due; `None` while one is spoken.
    speaks_at: Option<Instant>,
    gives_up_at: Instant,
}

impl Waiting {
    pub(super) fn new(now: Instant, reason: WaitReason, line: &mut Line) -> Self {
        let gives_up_at = later(now, line.settings.longest_wait);
        let waiting = Self { reason, begins_at: begins_at(now, reason), speaks_at: None, gives_up_at };
        waiting.speak(now, waiting.explanation(now), line);
        waiting
    }

    pub(super) fn timeout(&self) -> Instant {
        self.speaks_at.map_or(self.gives_up_at, |due| due.min(self.gives_up_at))
    }

    pub(super) fn played(&mut self, now: Instant, line: &mut Line) {
        line.music(true);
        let interval = match self.reason {
            WaitReason::Lobby { position: Some(_) } => POSITION_INTERVAL,
            _ => REASON_INTERVAL,
        };
        self.speaks_at = Some(later(now, interval));
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        if now >= self.gives_up_at {
            return Some(Leaving::begin(now, EndReason::WaitedTooLong, line));
        }
        if self.speaks_at.take_if(|due| now >= *due).is_some() {
            let prompts = match self.reason {
                WaitReason::Lobby { position: Some(position) } => place(position),
                _ => self.explanation(now),
            };
            self.speak(now, prompts, line);
        }
        None
    }

    /// Whoever presses a key wants to know what is going on.
    pub(super) fn key(&mut self, now: Instant, line: &mut Line) {
        if !line.is_playing() {
            self.speaks_at = None;
            self.speak(now, self.explanation(now), line);
        }
    }

    pub(super) fn verdict(&mut self, now: Instant, verdict: Verdict, line: &mut Line) -> Option<State> {
        match verdict {
            Verdict::Wait(reason) => {
                let is_other = discriminant(&reason) != discriminant(&self.reason);
                self.reason = reason;
                self.begins_at = begins_at(now, reason);
                if is_other {
                    self.speaks_at = None;
                    self.speak(now, self.explanation(now), line);
                }
                None
            }
            Verdict::Admitted => Some(Arriving::begin(now, line)),
            Verdict::Refused(refusal) => Some(Leaving::begin(now, EndReason::Refused(refusal), line)),
            // The codes were right when the waiting began.
            Verdict::Wrong(_) | Verdict::AskPin { .. } => None,
        }
    }

    fn speak(&self, now: Instant, prompts: Vec<PromptId>, line: &mut Line) {
        line.music(false);
        line.play(now, prompts);
    }

    fn explanation(&self, now: Instant) -> Vec<PromptId> {
        match self.reason {
            WaitReason::BeforeStart { .. } => {
                let Some(begins_at) = self.begins_at else { return vec![PromptId::NotBegun] };
                let minutes = begins_at.saturating_duration_since(now).as_secs() / MINUTE.as_secs();
                if minutes == 0 {
                    return vec![PromptId::BeginsSoon];
                }
                let minutes = u16::try_from(minutes).unwrap_or(u16::MAX);
                followed_by(&[PromptId::NotBegun, PromptId::MinutesUntilStart], minutes)
            }
            WaitReason::Lobby { position: None } => vec![PromptId::Lobby],
            WaitReason::Lobby { position: Some(position) } => [vec![PromptId::Lobby], place(position)].concat(),
            WaitReason::Full => vec![PromptId::FullForNow],
            WaitReason::NoHost => vec![PromptId::NoHost],
        }
    }
}

fn begins_at(now: Instant, reason: WaitReason) -> Option<Instant> {
    match reason {
        WaitReason::BeforeStart { starts_in } => starts_in.map(|starts_in| later(now, starts_in)),
        _ => None,
    }
}

fn place(position: u16) -> Vec<PromptId> {
    followed_by(&[PromptId::Position], position)
}

/// Sentences that end in a colon, and the number behind it.
pub(super) fn followed_by(sentences: &[PromptId], value: u16) -> Vec<PromptId> {
    [sentences, &number(value)].concat()
}
