// SPDX-License-Identifier: EUPL-1.2
//! Which m-line carries which published track.
//!
//! A client announces a track under the name that its capturer gave it, and names the m-line's track in `a=msid`. With
//! Chromium both are the same; Firefox invents another one for SDP. So what is named alike belongs together, an
//! m-line keeps the track that it had, and what is left over is paired by kind in the order of both.

use super::sections::Section;
use crate::ids::{SpeakerGroup, TrackId};
use crate::session::{MediaKind, Mid};

/// A track that the client may send.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The track.
    pub track: TrackId,
    /// What the client calls it, which its `a=msid` usually repeats.
    pub cid: String,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// Ask for sound in stereo.
    pub is_stereo: bool,
    /// Ask for no packets in silence.
    pub wants_dtx: bool,
    /// Whose loudness it is compared with.
    pub speaker_group: SpeakerGroup,
}

/// All published tracks of a client, oldest first.
#[derive(Debug, Default)]
pub(super) struct Publications {
    entries: Vec<Entry>,
    /// What the client sends, by kind and name, without a publication that it was found to be.
    unclaimed: Vec<(MediaKind, String)>,
}

#[derive(Debug)]
struct Entry {
    publication: Publication,
    /// The m-line that carries it now.
    mid: Option<Mid>,
    /// Some m-line has carried it. When the client stops that one, the track has ended, and must not be taken for the
    /// next one that starts.
    was_bound: bool,
}

impl Publications {
    /// Adds a track, or replaces what was said about it.
    pub(super) fn add(&mut self, publication: Publication) {
        match self.entries.iter_mut().find(|entry| entry.publication.track == publication.track) {
            Some(entry) => entry.publication = publication,
            None => self.entries.push(Entry { publication, mid: None, was_bound: false }),
        }
    }

    /// Forgets a track.
    pub(super) fn remove(&mut self, track: TrackId) {
        self.entries.retain(|entry| entry.publication.track != track);
    }

    /// The track on an m-line.
    pub(super) fn on(&self, mid: &Mid) -> Option<&Publication> {
        self.entries.iter().find(|entry| entry.mid.as_ref() == Some(mid)).map(|entry| &entry.publication)
    }

    /// Whether the client already sends what was published only after its last offer, so that it must offer again. Only a
    /// name can tell.
    pub(super) fn awaits_offer(&self) -> bool {
        let is_sent = |entry: &Entry| {
            let sent = |(kind, name): &(MediaKind, String)| *kind == entry.publication.kind && entry.is_named(name);
            self.unclaimed.iter().any(sent)
        };
        self.entries.iter().any(|entry| !entry.was_bound && is_sent(entry))
    }

    /// Binds the tracks to the m-lines of a new offer.
    pub(super) fn bind(&mut self, sections: &[Section]) {
        let mut lines: Vec<Line<'_>> = sections.iter().filter_map(Line::of).collect();
        let mut bound: Vec<Option<Mid>> = vec![None; self.entries.len()];
        for belongs in RULES {
            lines.retain(|line| {
                let mut entries = self.entries.iter().zip(&mut bound);
                let found = entries.find(|(entry, bound)| {
                    bound.is_none() && entry.publication.kind == line.kind && belongs(entry, line)
                });
                let Some((_, bound)) = found else { return true };
                *bound = Some(line.mid.clone());
                false
            });
        }
        self.unclaimed = lines.into_iter().map(|line| (line.kind, line.track_name.to_owned())).collect();
        for (entry, mid) in self.entries.iter_mut().zip(bound) {
            entry.was_bound |= mid.is_some();
            entry.mid = mid;
        }
    }
}

/// When an m-line belongs to a track of its kind, the surest sign first. A track that is published again under the name
/// it had before, with the old one not yet forgotten, is why being new goes before being named alike.
const RULES: [fn(&Entry, &Line<'_>) -> bool; 5] = [
    |entry, line| entry.was_on(line) && entry.is_named(line.track_name),
    |entry, line| !entry.was_bound && entry.is_named(line.track_name),
    |entry, line| entry.was_on(line),
    |entry, line| entry.is_named(line.track_name),
    |entry, _| !entry.was_bound,
];

/// An m-line on which the client sends something that we can take.
struct Line<'a> {
    mid: &'a Mid,
    kind: MediaKind,
    /// Empty when it has none.
    track_name: &'a str,
}

impl<'a> Line<'a> {
    fn of(section: &'a Section) -> Option<Self> {
        let kind = section.kind().filter(|kind| section.can_carry_uplink(*kind))?;
        Some(Self { mid: section.mid.as_ref()?, kind, track_name: section.track_name.as_deref().unwrap_or_default() })
    }
}

impl Entry {
    fn was_on(&self, line: &Line<'_>) -> bool {
        self.mid.as_ref() == Some(line.mid)
    }

    fn is_named(&self, name: &str) -> bool {
        // Firefox writes braces around ids in some places.
        !name.is_empty() && without_braces(&self.publication.cid) == without_braces(name)
    }
}

fn without_braces(name: &str) -> &str {
    name.trim_matches(['{', '}'])
}
