// SPDX-License-Identifier: EUPL-1.2
//! Calls from beginning to end, as callers live them.

mod called;
mod entering;
mod in_meeting;
mod random;
mod waiting;

use std::time::{Duration, Instant};

use bus::phone::{
    Again, By, CheckToken, Destination, MeetingEvent, Recording, Refusal, RoomStatus, Verdict, WaitReason,
};

use super::*;
use crate::prompts::{Language, PromptId};

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> CallerSettings {
    CallerSettings { languages: vec![Language::German], id_digits: Some(10), ..CallerSettings::default() }
}

fn room(count: u16) -> RoomStatus {
    RoomStatus { count, is_muted: false, may_unmute: true, recording: None }
}

/// A caller and everything around them, on a clock of its own.
struct Call {
    now: Instant,
    caller: Caller,
    playing: Option<PlayToken>,
    check: Option<CheckToken>,
    /// What was done, in short words, since that was last asked for.
    log: Vec<String>,
}

impl Call {
    fn new(settings: CallerSettings) -> Self {
        let now = Instant::now();
        Self { now, caller: Caller::new(now, settings), playing: None, check: None, log: Vec::new() }
    }

    /// A call that the first words were heard of.
    fn begun(settings: CallerSettings) -> Self {
        let mut call = Self::new(settings);
        call.input(Input::Acknowledged);
        call.pass(Duration::from_millis(500));
        call
    }

    /// A call in a meeting, after all that is said on arriving.
    fn in_meeting(settings: CallerSettings, status: RoomStatus) -> Self {
        let mut call = Self::begun(settings);
        call.press("1234567890");
        call.admit(status);
        call.listen();
        call.log.clear();
        call
    }

    fn input(&mut self, input: Input) {
        self.caller.handle(self.now, input);
        self.drain();
    }

    fn event(&mut self, event: MeetingEvent) {
        self.input(Input::Event(event));
    }

    fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.input(Input::Digit(Digit::from_char(key).unwrap()));
        }
    }

    fn verdict(&mut self, verdict: Verdict) {
        let check = self.check.expect("something was checked");
        self.input(Input::Verdict { check, verdict });
    }

    /// They are let in, and the room is like that.
    fn admit(&mut self, status: RoomStatus) {
        self.verdict(Verdict::Admitted);
        self.event(MeetingEvent::Arrived(status));
    }

    /// What is playing comes to its end.
    fn finish(&mut self) {
        let token = self.playing.take().expect("something is playing");
        self.input(Input::Played(token));
    }

    /// Everything that is said is heard to its end.
    fn listen(&mut self) {
        while self.playing.is_some() {
            self.finish();
        }
    }

    /// Time goes by, with all that is due in it.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.caller.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.caller.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.caller.poll_output() {
            let entry = match output {
                Output::Play { language, prompts, token } => {
                    self.playing = Some(token);
                    let prompts: Vec<String> = prompts.iter().map(ToString::to_string).collect();
                    format!("{}: {}", language.tag(), prompts.join(" "))
                }
                Output::StopPlaying => {
                    self.playing = None;
                    "stop".to_owned()
                }
                Output::CheckRoom { check } => {
                    self.check = Some(check);
                    "room?".to_owned()
                }
                Output::CheckId { check, digits } => {
                    self.check = Some(check);
                    format!("id {}?", digits.as_str())
                }
                Output::CheckPin { check, digits } => {
                    self.check = Some(check);
                    format!("pin {}?", digits.as_ref().map_or("none", |digits| digits.as_str()))
                }
                Output::HangUp(reason) => format!("hang up: {}", reason.text()),
                other => format!("{other:?}"),
            };
            self.log.push(entry);
        }
    }

    /// What was done since that was last checked.
    #[track_caller]
    fn check(&mut self, expected: &[&str]) {
        assert_eq!(std::mem::take(&mut self.log), expected);
    }
}

#[test]
fn an_end_says_the_same_to_people_and_to_exchanges() {
    let check = |reason: EndReason, status, cause, text: &str| {
        assert_eq!((reason.status(), reason.cause(), reason.text()), (status, cause, text));
    };
    check(EndReason::MeetingEnded, 200, 16, "meeting over");
    check(EndReason::Refused(Refusal::Full), 486, 17, "full");
    check(EndReason::TooManyTries, 403, 21, "too many tries");
    check(EndReason::Refused(Refusal::Ended), 410, 31, "meeting over");
    check(EndReason::NotConfirmed, 408, 102, "not confirmed");
    check(EndReason::TimeUp, 200, 16, "longest time");
    check(EndReason::Operator, 403, 21, "ended by the operator");
    check(EndReason::Technical, 500, 41, "technical problem");
}
