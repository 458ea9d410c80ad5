// SPDX-License-Identifier: EUPL-1.2
//! What is still to be said in a meeting. There is at most one announcement of each topic, the latest; coming and going is
//! counted together; and what is urgent comes first, over what is being said.

use std::time::Instant;

use super::line::Line;
use super::waiting::followed_by;
use crate::prompts::PromptId;

/// More than somebody can listen to. When it is full, the least urgent of them is left out, the youngest first.
const MAX_WAITING: usize = 8;

/// What an announcement is about. A newer one takes the place of an older one that was not spoken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Arrival,
    Microphone,
    /// That the microphone is off, for somebody who speaks.
    Reminder,
    Hand,
    Company,
    Recording,
    Consent,
    Room,
    Time,
    Line,
    Transfer,
    Count,
    Help,
    Failure,
}

/// The order in which things are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Nice to know.
    Minor,
    /// Has time.
    Ordinary,
    /// The answer to a key, or something the caller must know. Comes again when it was interrupted.
    Important,
    /// Interrupts all others, and no key ends it.
    Urgent,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Prompts(Vec<PromptId>),
    /// Others came and went since that was last told.
    Moves {
        joined: u16,
        left: u16,
    },
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) topic: Topic,
    pub(super) urgency: Urgency,
    pub(super) content: Content,
}

impl Announcement {
    pub(super) fn new(topic: Topic, urgency: Urgency, prompts: Vec<PromptId>) -> Self {
        Self { topic, urgency, content: Content::Prompts(prompts) }
    }

    fn prompts(&self) -> Vec<PromptId> {
        match &self.content {
            Content::Prompts(prompts) => prompts.clone(),
            Content::Moves { joined, left } => {
                let joined = told(*joined, PromptId::SomebodyJoined, PromptId::PeopleJoined);
                let left = told(*left, PromptId::SomebodyLeft, PromptId::PeopleLeft);
                [joined, left].concat()
            }
        }
    }
}

fn told(count: u16, one: PromptId, several: PromptId) -> Vec<PromptId> {
    match count {
        0 => Vec::new(),
        1 => vec![one],
        count => followed_by(&[several], count),
    }
}

/// What is said and what waits.
pub(super) struct Announcements {
    waiting: Vec<Announcement>,
    current: Option<Announcement>,
    /// Announcements that were left out because there were too many.
    dropped: u64,
}

impl Announcements {
    pub(super) const fn new() -> Self {
        Self { waiting: Vec::new(), current: None, dropped: 0 }
    }

    /// Adds an announcement. It is spoken by [`Announcements::go_on`].
    pub(super) fn add(&mut self, mut new: Announcement) {
        if let Some(place) = self.waiting.iter().position(|waiting| waiting.topic == new.topic) {
            let old = self.waiting.remove(place);
            if let (Content::Moves { joined, left }, Content::Moves { joined: more, left: less }) =
                (&mut new.content, &old.content)
            {
                (*joined, *left) = (joined.saturating_add(*more), left.saturating_add(*less));
            }
        }
        self.waiting.push(new);
        if self.waiting.len() > MAX_WAITING {
            self.drop_least();
        }
    }

    /// Takes back what is not being said yet.
    pub(super) fn cancel(&mut self, topic: Topic) {
        self.waiting.retain(|waiting| waiting.topic != topic);
    }

    /// Takes back all, and what is being said does not come again when it is interrupted.
    pub(super) fn cancel_all(&mut self) {
        self.waiting.clear();
        if let Some(current) = self.current.as_mut().filter(|current| current.urgency < Urgency::Urgent) {
            current.urgency = Urgency::Minor;
        }
    }

    fn drop_least(&mut self) {
        // Of equals, `min_by_key` finds the first, so the youngest has to come first.
        let least = self.waiting.iter().enumerate().rev().min_by_key(|(_, waiting)| waiting.urgency);
        if let Some((place, _)) = least {
            let left_out = self.waiting.remove(place);
            self.dropped += 1;
            tracing::debug!(topic = ?left_out.topic, dropped = self.dropped, "an announcement is left out");
        }
    }

    /// What was being said has been said.
    pub(super) fn finished(&mut self) {
        self.current = None;
    }

    /// The caller has pressed a key: they have heard enough of what is being said, unless it is urgent.
    pub(super) fn interrupt(&mut self, line: &mut Line) {
        if self.current.take_if(|current| current.urgency < Urgency::Urgent).is_some() {
            line.stop();
        }
    }

    /// Says what comes next. While a caller keys in a command, which `holds_back`, only what is urgent.
    pub(super) fn go_on(&mut self, now: Instant, holds_back: bool, line: &mut Line) {
        let Some(next) = self.most_urgent() else { return };
        let Some(urgency) = self.waiting.get(next).map(|next| next.urgency) else { return };
        if let Some(current) = &self.current {
            if urgency < Urgency::Urgent || current.urgency == Urgency::Urgent {
                return;
            }
        } else if holds_back && urgency < Urgency::Urgent {
            return;
        }
        let next = self.waiting.remove(next);
        if let Some(interrupted) = self.current.take() {
            self.put_back(interrupted, next.topic);
        }
        line.play(now, next.prompts());
        self.current = Some(next);
    }

    /// The oldest of the most urgent.
    fn most_urgent(&self) -> Option<usize> {
        let by_urgency = self.waiting.iter().enumerate().rev().max_by_key(|(_, waiting)| waiting.urgency);
        by_urgency.map(|(place, _)| place)
    }

    /// What was interrupted comes again, if it matters and nothing newer says the same. There is room: what interrupted it
    /// has just left the queue.
    fn put_back(&mut self, interrupted: Announcement, by: Topic) {
        let is_known = self.waiting.iter().any(|waiting| waiting.topic == interrupted.topic);
        if interrupted.urgency >= Urgency::Important && interrupted.topic != by && !is_known {
            self.waiting.insert(0, interrupted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::output::Output;
    use super::super::settings::CallerSettings;
    use super::*;

    struct Desk {
        now: Instant,
        line: Line,
        announcements: Announcements,
    }

    impl Desk {
        fn new() -> Self {
            let line = Line::new(CallerSettings::default());
            Self { now: Instant::now(), line, announcements: Announcements::new() }
        }

        fn add(&mut self, topic: Topic, urgency: Urgency, prompt: PromptId) {
            self.announcements.add(Announcement::new(topic, urgency, vec![prompt]));
            self.announcements.go_on(self.now, false, &mut self.line);
        }

        fn moves(&mut self, joined: u16, left: u16) {
            let content = Content::Moves { joined, left };
            self.announcements.add(Announcement { topic: Topic::Company, urgency: Urgency::Minor, content });
        }

        /// What is played now, the end of which is reported at once.
        fn spoken(&mut self) -> Vec<Vec<PromptId>> {
            let mut all = Vec::new();
            while let Some(output) = self.line.pop() {
                if let Output::Play { prompts, token, .. } = output {
                    all.push(prompts);
                    if self.line.finish(token) {
                        self.announcements.finished();
                        self.announcements.go_on(self.now, false, &mut self.line);
                    }
                }
            }
            all
        }
    }

    #[test]
    fn the_urgent_interrupts_and_the_important_comes_again() {
        let mut desk = Desk::new();
        desk.add(Topic::Consent, Urgency::Important, PromptId::ConsentGiven);
        desk.add(Topic::Microphone, Urgency::Urgent, PromptId::MutedByHost);
        let spoken = desk.spoken();
        let expected = [PromptId::ConsentGiven, PromptId::MutedByHost, PromptId::ConsentGiven];
        assert_eq!(spoken, expected.map(|prompt| vec![prompt]));
    }

    #[test]
    fn what_is_not_important_does_not_come_again() {
        let mut desk = Desk::new();
        desk.add(Topic::Line, Urgency::Ordinary, PromptId::BadLine);
        desk.add(Topic::Time, Urgency::Urgent, PromptId::OneMinuteLeft);
        assert_eq!(desk.spoken(), [vec![PromptId::BadLine], vec![PromptId::OneMinuteLeft]]);
    }

    #[test]
    fn the_latest_of_a_topic_is_said_and_the_older_is_not() {
        let mut desk = Desk::new();
        desk.add(Topic::Help, Urgency::Ordinary, PromptId::Help);
        desk.add(Topic::Microphone, Urgency::Important, PromptId::MicrophoneOn);
        desk.add(Topic::Microphone, Urgency::Important, PromptId::MicrophoneOff);
        assert_eq!(desk.spoken(), [vec![PromptId::Help], vec![PromptId::MicrophoneOff]]);
    }

    #[test]
    fn who_came_and_went_is_counted_together() {
        let mut desk = Desk::new();
        desk.add(Topic::Help, Urgency::Ordinary, PromptId::Help);
        desk.moves(1, 0);
        desk.moves(1, 0);
        desk.moves(0, 1);
        let told = [followed_by(&[PromptId::PeopleJoined], 2), vec![PromptId::SomebodyLeft]].concat();
        assert_eq!(desk.spoken(), [vec![PromptId::Help], told]);
    }

    #[test]
    fn too_many_announcements_leave_out_the_least_urgent() {
        let mut desk = Desk::new();
        desk.add(Topic::Room, Urgency::Urgent, PromptId::OtherRoom);
        desk.moves(1, 0);
        let topics = [
            Topic::Arrival,
            Topic::Microphone,
            Topic::Hand,
            Topic::Recording,
            Topic::Consent,
            Topic::Line,
            Topic::Count,
            Topic::Help,
        ];
        for topic in topics {
            desk.add(topic, Urgency::Ordinary, PromptId::Help);
        }
        assert_eq!(desk.announcements.waiting.len(), MAX_WAITING);
        assert_eq!(desk.announcements.dropped, 1);
        assert!(desk.announcements.waiting.iter().all(|waiting| waiting.topic != Topic::Company));
        desk.add(Topic::Failure, Urgency::Important, PromptId::DidNotWork);
        assert!(
            desk.announcements.waiting.iter().all(|waiting| waiting.topic != Topic::Help),
            "the youngest goes first"
        );
    }
}
