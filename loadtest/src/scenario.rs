// SPDX-License-Identifier: EUPL-1.2
//! The loads: who joins, what they send and receive, and for how long it is measured.

mod drivers;
mod joining;
mod outcome;
mod recorder;
mod run;
mod series;
mod switching;

use std::time::Duration;

use crate::peer::Content;
use crate::sdp::Kind;
use crate::signal::{Plan, Wanted};
use crate::source::{CAMERA, SINGLE};

pub(crate) use outcome::Outcome;
pub(crate) use run::{Setting, run};
pub(crate) use series::{Point, Series, Span};

/// A load.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// In words, for reports.
    pub(crate) description: String,
    pub(crate) rooms: usize,
    /// Those who join each room, one group after the other.
    pub(crate) groups: Vec<Group>,
    /// Joins in a second, over all rooms.
    pub(crate) joins_per_second: f64,
    /// How long everything runs before it is measured.
    pub(crate) settle: Duration,
    pub(crate) measure: Duration,
    pub(crate) event: Option<Event>,
}

/// Participants who do the same.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) count: usize,
    pub(crate) publish: Vec<Content>,
    pub(crate) receive_audio: Wanted,
    pub(crate) receive_video: Wanted,
}

/// What happens while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Everybody asks for the smallest layer before, and for another one whenever so much time has passed.
    SwitchLayers(Duration),
    /// So many more join another room, within this time.
    JoinStorm { joins: usize, within: Duration },
}

/// What a publisher's camera sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Camera {
    Off,
    /// One layer of 2.5 Mbit/s.
    Single,
    /// One layer of 500 kbit/s.
    Small,
    /// Three layers.
    Simulcast,
}

impl Camera {
    fn content(self) -> Option<Content> {
        match self {
            Self::Off => None,
            Self::Single => Some(Content::Video(vec![SINGLE])),
            Self::Small => Some(Content::Video(vec![CAMERA[1]])),
            Self::Simulcast => Some(Content::Video(CAMERA.to_vec())),
        }
    }
}

/// How loud made-up speakers are, in -dBov.
const SPEECH_LEVEL: u8 = 25;

/// What somebody publishes.
pub(crate) fn publishing(microphone: bool, camera: Camera) -> Vec<Content> {
    microphone.then_some(Content::Speech { level: SPEECH_LEVEL }).into_iter().chain(camera.content()).collect()
}

impl Group {
    /// One who is in the room and says nothing: without anybody to hear, some servers have nothing to negotiate.
    pub(crate) fn host() -> Self {
        let publish = vec![Content::Silence];
        Self { name: "host", count: 1, publish, receive_audio: Wanted::None, receive_video: Wanted::None }
    }

    /// People who only hear the host.
    pub(crate) const fn guests(name: &'static str, count: usize) -> Self {
        Self { name, count, publish: Vec::new(), receive_audio: Wanted::UpTo(1), receive_video: Wanted::UpTo(1) }
    }

    fn sends(&self, kind: Kind) -> usize {
        self.publish.iter().filter(|content| content.kind() == kind).count()
    }
}

impl Scenario {
    /// The plan of a member of `group`.
    fn plan(&self, group: &Group, room: String, place: usize) -> Plan {
        Plan {
            room,
            identity: format!("{}-{place}", group.name),
            publish: group.publish.clone(),
            receive_audio: group.receive_audio,
            receive_video: group.receive_video,
            streams: Kind::ALL.map(|kind| self.streams_of(group, kind)),
            ear: None,
        }
    }

    /// Streams of one kind that a member of `group` receives when all are there.
    fn streams_of(&self, group: &Group, kind: Kind) -> usize {
        let sent: usize = self.groups.iter().map(|group| group.count * group.sends(kind)).sum();
        let others = sent - group.sends(kind);
        match if kind == Kind::Audio { group.receive_audio } else { group.receive_video } {
            Wanted::None => 0,
            Wanted::All => others,
            Wanted::UpTo(count) => count.min(others),
        }
    }

    fn participants(&self) -> usize {
        self.rooms * self.groups.iter().map(|group| group.count).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
