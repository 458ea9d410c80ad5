// SPDX-License-Identifier: EUPL-1.2
//! In the meeting: what the keys do, and what the caller is told.
//!
//! What the caller wants goes out, and is told as done only when an event says so: what a moderator's screen shows and what the
//! telephone says are one thing.

mod keys;

use std::time::{Duration, Instant};

use self::keys::{Command, StarKeys};
use super::State;
use super::announcements::{Announcement, Announcements, Content, Topic, Urgency};
use super::leaving::Leaving;
use super::line::{Line, later};
use super::output::{Chime, EndReason, Output, VolumeStep};
use super::waiting::followed_by;
use crate::digit::Digit;
use crate::prompts::PromptId;
use bus::phone::{By, Destination, MeetingEvent, Recording, RoomStatus};

/// What the caller asked for has happened by then, or will not.
const WISH_TIMEOUT: Duration = Duration::from_secs(5);

/// How often somebody is told that nobody hears them.
const MUTED_REMINDER_INTERVAL: Duration = Duration::from_secs(60);

/// How often somebody is told that their line is bad, which they can seldom change.
const BAD_LINE_INTERVAL: Duration = Duration::from_secs(120);

/// Something the caller asked for that has not been confirmed.
#[derive(Clone, Copy)]
struct Wish {
    wanted: bool,
    until: Instant,
}

/// What the caller asked for.
#[derive(Default)]
struct Wishes {
    muted: Option<Wish>,
    hand: Option<Wish>,
    consent: Option<Wish>,
    count: Option<Wish>,
}

/// Somebody is in a meeting.
pub(super) struct Meeting {
    status: RoomStatus,
    is_hand_up: bool,
    consents: bool,
    volume: i8,
    wishes: Wishes,
    keys: StarKeys,
    announcements: Announcements,
    reminded_at: Option<Instant>,
    bad_line_at: Option<Instant>,
    /// They are being connected elsewhere, and hear music.
    is_transferring: bool,
}

impl Meeting {
    /// Somebody has come into a room, where it is like that.
    pub(super) fn begin(now: Instant, status: RoomStatus, line: &mut Line) -> State {
        let mut meeting = Self {
            status,
            is_hand_up: false,
            consents: false,
            volume: 0,
            wishes: Wishes::default(),
            keys: StarKeys::default(),
            announcements: Announcements::new(),
            reminded_at: None,
            bad_line_at: None,
            is_transferring: false,
        };
        meeting.welcome(PromptId::InMeeting, &[PromptId::HintHelp]);
        meeting.announcements.go_on(now, false, line);
        State::Meeting(Box::new(meeting))
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        let Wishes { muted, hand, consent, count } = &self.wishes;
        let wishes = [muted, hand, consent, count].into_iter().flatten().map(|wish| wish.until);
        wishes.chain(self.keys.timeout()).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        self.keys.handle_timeout(now);
        let Wishes { muted, hand, consent, count } = &mut self.wishes;
        for wish in [muted, hand, consent, count] {
            if wish.take_if(|wish| now >= wish.until).is_some() {
                let sorry = vec![PromptId::DidNotWork];
                self.announcements.add(Announcement::new(Topic::Failure, Urgency::Important, sorry));
            }
        }
        self.go_on(now, line)
    }

    pub(super) fn played(&mut self, now: Instant, line: &mut Line) {
        self.announcements.finished();
        self.go_on(now, line);
    }

    fn say(&mut self, topic: Topic, urgency: Urgency, prompts: Vec<PromptId>) {
        self.announcements.add(Announcement::new(topic, urgency, prompts));
    }

    fn go_on(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        // What is said of the meeting has time until they hear it again.
        self.announcements.go_on(now, self.keys.are_open() || self.is_transferring, line);
        None
    }

    /// What somebody hears who comes into a room. Where they are and that it is recorded cannot be skipped by a key.
    fn welcome(&mut self, room: PromptId, last: &[PromptId]) {
        let recorded = self.status.recording.map(notice).unwrap_or_default();
        self.say(Topic::Room, Urgency::Urgent, [vec![room], recorded].concat());
        let mut rest = self.company();
        if self.status.is_muted {
            rest.push(self.muted());
        }
        rest.extend(last);
        self.say(Topic::Arrival, Urgency::Important, rest);
    }

    fn company(&self) -> Vec<PromptId> {
        match self.status.count {
            0 | 1 => vec![PromptId::Alone],
            count => followed_by(&[PromptId::PeopleHere], count),
        }
    }

    /// That the microphone is off, and what can be done about it.
    const fn muted(&self) -> PromptId {
        if self.status.may_unmute { PromptId::YouAreMuted } else { PromptId::MutedByRule }
    }

    // What the caller does.

    pub(super) fn key(&mut self, now: Instant, key: Digit, line: &mut Line) {
        if self.is_transferring {
            return;
        }
        if key == Digit::STAR {
            self.announcements.interrupt(line);
        }
        match self.keys.key(now, key) {
            Some(Command::Microphone) => self.toggle_microphone(now, line),
            Some(Command::Hand) => self.toggle_hand(now, line),
            Some(Command::Volume(step)) => self.change_volume(step, line),
            Some(Command::Count) => self.ask_count(now, line),
            Some(Command::Consent) => self.toggle_consent(now, line),
            Some(Command::Help) => self.help(),
            Some(Command::Unknown) => line.chime(Chime::Unknown),
            None => {}
        }
        self.go_on(now, line);
    }

    /// What the keys do. That for consent is named only while it does something.
    fn help(&mut self) {
        let consent = self.asks_consent().then_some(PromptId::HelpConsent);
        self.say(Topic::Help, Urgency::Important, [PromptId::Help].into_iter().chain(consent).collect());
    }

    fn asks_consent(&self) -> bool {
        self.status.recording.is_some_and(|recording| recording.asks_consent)
    }

    fn toggle_microphone(&mut self, now: Instant, line: &mut Line) {
        let is_muted = self.wishes.muted.map_or(self.status.is_muted, |wish| wish.wanted);
        if is_muted && !self.status.may_unmute {
            return self.say(Topic::Microphone, Urgency::Important, vec![PromptId::MayNotUnmute]);
        }
        self.wishes.muted = Some(wish(now, !is_muted));
        line.push(Output::SetMuted(!is_muted));
    }

    fn toggle_hand(&mut self, now: Instant, line: &mut Line) {
        let is_up = self.wishes.hand.map_or(self.is_hand_up, |wish| wish.wanted);
        self.wishes.hand = Some(wish(now, !is_up));
        line.push(Output::SetHand(!is_up));
    }

    fn toggle_consent(&mut self, now: Instant, line: &mut Line) {
        if !self.asks_consent() {
            return self.say(Topic::Consent, Urgency::Important, vec![PromptId::NoConsentNeeded]);
        }
        let consents = self.wishes.consent.map_or(self.consents, |wish| wish.wanted);
        self.wishes.consent = Some(wish(now, !consents));
        line.push(Output::Consent(!consents));
    }

    fn change_volume(&mut self, step: VolumeStep, line: &mut Line) {
        let Some(volume) = step.of(self.volume) else {
            return line.chime(Chime::Unknown);
        };
        self.volume = volume;
        line.push(Output::Volume(step));
        line.chime(Chime::Done);
    }

    fn ask_count(&mut self, now: Instant, line: &mut Line) {
        if self.wishes.count.is_none() {
            self.wishes.count = Some(wish(now, true));
            line.push(Output::AskCount);
        }
    }

    // What the caller is told.

    pub(super) fn count_is(&mut self, now: Instant, count: u16, line: &mut Line) -> Option<State> {
        if self.wishes.count.take().is_some() {
            self.status.count = count;
            self.say(Topic::Count, Urgency::Important, self.company());
        }
        self.go_on(now, line)
    }

    pub(super) fn transferring(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        self.is_transferring = true;
        self.say(Topic::Transfer, Urgency::Urgent, vec![PromptId::Transferring]);
        line.music(true);
        self.go_on(now, line)
    }

    pub(super) fn not_transferred(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        if std::mem::take(&mut self.is_transferring) {
            line.music(false);
            self.say(Topic::Transfer, Urgency::Urgent, vec![PromptId::NotTransferred]);
        }
        self.go_on(now, line)
    }

    pub(super) fn talking_while_muted(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        // Who hears music knows that the meeting does not hear them.
        let is_in_vain = self.status.is_muted && !self.is_transferring;
        if is_in_vain && is_due(&mut self.reminded_at, now, MUTED_REMINDER_INTERVAL) {
            self.say(Topic::Reminder, Urgency::Important, vec![self.muted()]);
        }
        self.go_on(now, line)
    }

    pub(super) fn bad_line(&mut self, now: Instant, line: &mut Line) -> Option<State> {
        if is_due(&mut self.bad_line_at, now, BAD_LINE_INTERVAL) {
            self.say(Topic::Line, Urgency::Ordinary, vec![PromptId::BadLine]);
        }
        self.go_on(now, line)
    }

    pub(super) fn event(&mut self, now: Instant, event: MeetingEvent, line: &mut Line) -> Option<State> {
        match event {
            MeetingEvent::MicrophoneOff(by) => self.microphone_off(by),
            MeetingEvent::MicrophoneOn => self.microphone_on(),
            MeetingEvent::MayUnmute(may_unmute) => self.may_unmute(may_unmute),
            MeetingEvent::AskedToUnmute => self.asked_to_unmute(),
            MeetingEvent::HandRaised { position } => self.hand_raised(position),
            MeetingEvent::HandLowered(by) => self.hand_lowered(by),
            MeetingEvent::Joined { count } => self.company_changed(count, (1, 0)),
            MeetingEvent::Left { count } => self.company_changed(count, (0, 1)),
            MeetingEvent::RecordingBegan(recording) => self.recording_began(recording),
            MeetingEvent::RecordingEnded => self.recording_ended(),
            MeetingEvent::ConsentNoted(consents) => self.consent_noted(consents),
            MeetingEvent::Moved(destination, status) => self.moved(destination, status),
            MeetingEvent::OneMinuteLeft => self.say(Topic::Time, Urgency::Urgent, vec![PromptId::OneMinuteLeft]),
            // The one was how it began; the other ends the call wherever the caller is.
            MeetingEvent::Arrived(_) | MeetingEvent::TimeUp => {}
            MeetingEvent::Ended => return Some(Leaving::begin(now, EndReason::MeetingEnded, line)),
            MeetingEvent::Removed => return Some(Leaving::begin(now, EndReason::Removed, line)),
        }
        self.go_on(now, line)
    }

    fn microphone_off(&mut self, by: By) {
        let was_muted = std::mem::replace(&mut self.status.is_muted, true);
        let was_wished = self.wishes.muted.take_if(|wish| wish.wanted).is_some();
        match by {
            By::Caller if was_wished || !was_muted => {
                self.say(Topic::Microphone, Urgency::Important, vec![PromptId::MicrophoneOff]);
            }
            By::Host if !was_muted => {
                // Somebody who asked for the opposite is answered by this.
                self.wishes.muted = None;
                self.say(Topic::Microphone, Urgency::Urgent, vec![PromptId::MutedByHost]);
            }
            By::Caller | By::Host => {}
        }
    }

    fn microphone_on(&mut self) {
        self.announcements.cancel(Topic::Reminder);
        let was_muted = std::mem::replace(&mut self.status.is_muted, false);
        let was_wished = self.wishes.muted.take_if(|wish| !wish.wanted).is_some();
        if was_wished {
            self.say(Topic::Microphone, Urgency::Important, vec![PromptId::MicrophoneOn]);
        } else if was_muted {
            // The others hear somebody who does not know it.
            self.say(Topic::Microphone, Urgency::Urgent, vec![PromptId::MicrophoneOn]);
        }
    }

    fn may_unmute(&mut self, may_unmute: bool) {
        let might = std::mem::replace(&mut self.status.may_unmute, may_unmute);
        if may_unmute && !might && self.status.is_muted {
            self.say(Topic::Microphone, Urgency::Urgent, vec![PromptId::MaySpeak]);
        }
    }

    fn asked_to_unmute(&mut self) {
        // Who is held would press the key in vain.
        if self.status.is_muted && self.status.may_unmute {
            self.say(Topic::Microphone, Urgency::Urgent, vec![PromptId::AskedToUnmute]);
        }
    }

    fn hand_raised(&mut self, position: Option<u16>) {
        let was_up = std::mem::replace(&mut self.is_hand_up, true);
        let was_wished = self.wishes.hand.take_if(|wish| wish.wanted).is_some();
        if was_wished || !was_up {
            let place = position.map(|position| followed_by(&[PromptId::HandPosition], position));
            let prompts = [vec![PromptId::HandRaised], place.unwrap_or_default()].concat();
            self.say(Topic::Hand, Urgency::Important, prompts);
        }
    }

    fn hand_lowered(&mut self, by: By) {
        let was_up = std::mem::replace(&mut self.is_hand_up, false);
        let was_wished = self.wishes.hand.take_if(|wish| !wish.wanted).is_some();
        if was_wished || was_up {
            let prompt = if by == By::Host { PromptId::HandLoweredByHost } else { PromptId::HandLowered };
            self.say(Topic::Hand, Urgency::Important, vec![prompt]);
        }
    }

    /// So many are there now, after some have come and some have gone.
    fn company_changed(&mut self, count: u16, (joined, left): (u16, u16)) {
        self.status.count = count;
        if count <= 1 {
            return self.say(Topic::Company, Urgency::Ordinary, vec![PromptId::Alone]);
        }
        let content = Content::Moves { joined, left };
        self.announcements.add(Announcement { topic: Topic::Company, urgency: Urgency::Minor, content });
    }

    fn recording_began(&mut self, recording: Recording) {
        self.status.recording = Some(recording);
        self.consents = false;
        self.wishes.consent = None;
        self.say(Topic::Recording, Urgency::Urgent, notice(recording));
    }

    fn recording_ended(&mut self) {
        let was_recorded = self.status.recording.take().is_some();
        self.consents = false;
        self.wishes.consent = None;
        self.announcements.cancel(Topic::Consent);
        if was_recorded {
            self.say(Topic::Recording, Urgency::Important, vec![PromptId::RecordingEnded]);
        }
    }

    fn consent_noted(&mut self, consents: bool) {
        let did_consent = std::mem::replace(&mut self.consents, consents);
        let was_wished = self.wishes.consent.take_if(|wish| wish.wanted == consents).is_some();
        if was_wished || did_consent != consents {
            let prompt = if consents { PromptId::ConsentGiven } else { PromptId::ConsentRevoked };
            self.say(Topic::Consent, Urgency::Important, vec![prompt]);
        }
    }

    /// Another room: what was still to be said of the old one is not true any more.
    fn moved(&mut self, destination: Destination, status: RoomStatus) {
        self.status = status;
        self.is_hand_up = false;
        self.consents = false;
        self.wishes = Wishes::default();
        self.announcements.cancel_all();
        let room = match destination {
            Destination::OtherRoom => PromptId::OtherRoom,
            Destination::MainRoom => PromptId::BackAgain,
        };
        self.welcome(room, &[]);
    }
}

/// That a recording is going on, and how to agree to it.
fn notice(recording: Recording) -> Vec<PromptId> {
    if recording.asks_consent { vec![PromptId::Recorded, PromptId::AskConsent] } else { vec![PromptId::Recorded] }
}

fn wish(now: Instant, wanted: bool) -> Wish {
    Wish { wanted, until: later(now, WISH_TIMEOUT) }
}

/// Whether something that comes at most once in an `interval` may come now, which is then noted.
fn is_due(last: &mut Option<Instant>, now: Instant, interval: Duration) -> bool {
    let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= interval);
    if is_due {
        *last = Some(now);
    }
    is_due
}
