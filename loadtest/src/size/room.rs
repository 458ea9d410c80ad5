// SPDX-License-Identifier: EUPL-1.2
//! A meeting as the server sees it: people who send streams, and who gets which of them. Those who do the same are a
//! group.

use anyhow::{Result, bail};

use super::streams::Stream;
use crate::peer::Content;
use crate::scenario::{self, Event, Scenario};
use crate::signal::Wanted;

/// A meeting.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Room {
    pub(crate) groups: Vec<Group>,
}

/// People who do the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) count: usize,
    /// They are people, not what links this node with another one that has a part of the room.
    pub(crate) are_people: bool,
    pub(crate) sends: Sends,
    /// What they get of each group's members, themselves excluded. What is missing they do not get.
    pub(crate) receives: Vec<Receives>,
}

/// What one of them sends.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sends {
    pub(crate) microphone: Option<Stream>,
    /// The layers, smallest first.
    pub(crate) camera: Vec<Stream>,
}

/// What somebody gets of somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Receives {
    pub(crate) hears: bool,
    pub(crate) sees: View,
}

/// How somebody sees somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    /// Without a subscription.
    #[default]
    None,
    /// With one that is paused, as browsers do with what is scrolled out of sight: their shard still gets the packets.
    Hidden,
    /// In this layer, or the largest there is.
    Layer(usize),
    /// In all layers, as another node does that has people of the room.
    Every,
}

impl Room {
    /// Those who are in it on this node.
    pub(crate) fn people(&self) -> usize {
        self.groups.iter().filter(|group| group.are_people).map(|group| group.count).sum()
    }

    /// The room on several nodes, each with as many of its people. A node gets what is sent at another one once, and
    /// forwards it to its own people.
    pub(crate) fn split(&self, parts: usize) -> Vec<Self> {
        if parts == 1 {
            return vec![self.clone()];
        }
        (0..parts).map(|part| self.part(part, parts)).collect()
    }

    fn part(&self, part: usize, parts: usize) -> Self {
        let own = |count: usize| count / parts + usize::from(part < count % parts);
        let mut groups = self.groups.clone();
        for group in &mut groups {
            group.count = own(group.count);
            group.receives.resize(self.groups.len(), Receives::default());
            let from_elsewhere = group.receives.clone();
            group.receives.extend(from_elsewhere);
        }
        // The others' streams come in as if they were sent here, by nobody who would get anything.
        groups.extend(self.groups.iter().map(|group| Group {
            count: group.count - own(group.count),
            are_people: false,
            sends: group.sends.clone(),
            receives: Vec::new(),
        }));
        let everything = Receives { hears: true, sees: View::Every };
        groups.push(Group {
            count: parts - 1,
            are_people: false,
            sends: Sends::default(),
            receives: vec![everything; self.groups.len()],
        });
        Self { groups }
    }

    /// The rooms that a load makes.
    ///
    /// # Errors
    ///
    /// When the load is not the same from beginning to end, or some see only a choice of what there is: who sees whom is
    /// then up to chance.
    pub(crate) fn all_of(scenario: &Scenario) -> Result<Vec<Self>> {
        let layer = match scenario.event {
            // They asked for the smallest before.
            Some(Event::SwitchLayers(interval)) if interval > scenario.measure => 0,
            Some(Event::SwitchLayers(_)) => bail!("who switches layers is no steady load"),
            Some(Event::JoinStorm { .. }) => bail!("a storm is no steady load"),
            None => usize::MAX,
        };
        let sends = |group: &scenario::Group| {
            let mut sends = Sends::default();
            for content in &group.publish {
                match content {
                    Content::Video(_) => sends.camera = Stream::all_of(content),
                    _ => sends.microphone = Stream::all_of(content).first().copied(),
                }
            }
            sends
        };
        let all_sends: Vec<Sends> = scenario.groups.iter().map(sends).collect();
        let count_of = |does: &dyn Fn(&Sends) -> bool| -> usize {
            scenario.groups.iter().zip(&all_sends).filter(|(_, sends)| does(sends)).map(|(group, _)| group.count).sum()
        };
        let microphones = count_of(&|sends| sends.microphone.is_some());
        let cameras = count_of(&|sends| !sends.camera.is_empty());
        let takes_all = |wanted: Wanted, sent: usize, is_own: bool| match wanted {
            Wanted::None => Ok(false),
            Wanted::UpTo(count) if count < sent - usize::from(is_own) => bail!("{count} of {sent} tracks are seen"),
            Wanted::All | Wanted::UpTo(_) => Ok(true),
        };
        let mut groups = Vec::new();
        for (group, own) in scenario.groups.iter().zip(&all_sends) {
            let hears = takes_all(group.receive_audio, microphones, own.microphone.is_some())?;
            let sees = takes_all(group.receive_video, cameras, !own.camera.is_empty())?;
            let sees = if sees { View::Layer(layer) } else { View::None };
            let receives = vec![Receives { hears, sees }; scenario.groups.len()];
            groups.push(Group { count: group.count, are_people: true, sends: own.clone(), receives });
        }
        Ok(vec![Self { groups }; scenario.rooms])
    }
}
