// SPDX-License-Identifier: EUPL-1.2
//! Which m-line shows which subscription, and how many m-lines are missing.
//!
//! A subscription keeps its m-line and its SSRCs for as long as it lasts. An m-line that is freed is answered as
//! inactive once before it shows something else, and another one is asked for meanwhile if need be: libwebrtc tells its
//! application of a new track only when an m-line starts to receive. (Chromium and Firefox were also seen to tell
//! when it goes on with another stream.) SSRCs are never used twice.

use std::collections::HashSet;

use rand::Rng;

use super::limits::MAX_SECTIONS;
use super::msid::Msid;
use super::sections::{Section, codec_of};
use crate::ids::TrackId;
use crate::session::{Codec, MediaKind, Mid};

/// M-lines that are never asked for, so that a client with the largest number of subscriptions can still publish.
const RESERVED_SECTIONS: usize = 16;

/// A track that a client is to be shown.
#[derive(Clone, Debug)]
pub struct SubscriptionRequest {
    /// The track.
    pub track: TrackId,
    /// How its publisher encodes it.
    pub codec: Codec,
    /// Under which names the client sees it.
    pub msid: Msid,
}

/// M-lines that the client must add in its next offer, to receive on. None of either kind means that offering again is
/// enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionsNeeded {
    /// For sound.
    pub audios: usize,
    /// For pictures.
    pub videos: usize,
}

/// A wanted subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    /// What was asked for.
    pub(super) request: SubscriptionRequest,
    /// Of the media.
    pub(super) ssrc: u32,
    /// Of the retransmissions, where the codec has them.
    pub(super) rtx_ssrc: u32,
    mid: Option<Mid>,
}

/// All wanted subscriptions of a client, oldest first.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    entries: Vec<Subscription>,
    issued_ssrcs: HashSet<u32>,
    /// The m-lines on which the last answer sends.
    shown: HashSet<Mid>,
    offered: Offered,
}

/// What the last offer had to receive on.
#[derive(Debug, Default)]
struct Offered {
    sections: usize,
    audio: Lines,
    video: Lines,
}

#[derive(Debug, Default)]
struct Lines {
    /// M-lines of the kind to receive on.
    offered: usize,
    /// Of these, with the codec that we forward.
    decodable: usize,
    /// M-lines that the next answer can use.
    free: usize,
}

impl Subscriptions {
    /// Wants a track, if it is not wanted already.
    pub(super) fn add(&mut self, request: SubscriptionRequest, rng: &mut impl Rng) {
        if self.entries.iter().any(|entry| entry.request.track == request.track) {
            return;
        }
        let (ssrc, rtx_ssrc) = (self.issue_ssrc(rng), self.issue_ssrc(rng));
        self.entries.push(Subscription { request, ssrc, rtx_ssrc, mid: None });
    }

    /// Wants a track no more.
    pub(super) fn remove(&mut self, track: TrackId) {
        self.entries.retain(|entry| entry.request.track != track);
    }

    /// What an m-line shows.
    pub(super) fn on(&self, mid: &Mid) -> Option<&Subscription> {
        self.entries.iter().find(|entry| entry.mid.as_ref() == Some(mid))
    }

    /// Finds m-lines in a new offer.
    pub(super) fn assign(&mut self, sections: &[Section]) {
        let mut free: Vec<(&Mid, Codec)> = sections.iter().filter_map(usable).collect();
        let decodable = |codec| free.iter().filter(|(_, decoded)| *decoded == codec).count();
        let decodable = (decodable(Codec::Opus), decodable(Codec::Vp8));
        for entry in &mut self.entries {
            let kept =
                entry.mid.as_ref().and_then(|mid| free.iter().position(|line| *line == (mid, entry.request.codec)));
            entry.mid = kept.map(|kept| free.remove(kept).0.clone());
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.mid.is_none()) {
            let found =
                free.iter().position(|(mid, codec)| *codec == entry.request.codec && !self.shown.contains(*mid));
            entry.mid = found.map(|found| free.remove(found).0.clone());
        }
        self.shown = self.entries.iter().filter_map(|entry| entry.mid.clone()).collect();
        let lines = |kind, codec, decodable| Lines {
            offered: sections.iter().filter(|section| section.receives(kind)).count(),
            decodable,
            free: free.iter().filter(|(_, decoded)| *decoded == codec).count(),
        };
        self.offered = Offered {
            sections: sections.len(),
            audio: lines(MediaKind::Audio, Codec::Opus, decodable.0),
            video: lines(MediaKind::Video, Codec::Vp8, decodable.1),
        };
    }

    /// M-lines of the last offer.
    pub(super) fn sections(&self) -> usize {
        self.offered.sections
    }

    /// Subscriptions that wait for an m-line, and m-lines that wait to be freed.
    pub(super) fn outstanding(&self) -> usize {
        self.waiting(MediaKind::Audio) + self.waiting(MediaKind::Video) + self.ended()
    }

    /// What to ask the client for, if anything is to be done that its next offer would make possible.
    pub(super) fn sections_needed(&self) -> Option<SectionsNeeded> {
        let missing = |kind| self.waiting(kind).saturating_sub(self.offered.of(kind).free);
        let room = MAX_SECTIONS.saturating_sub(RESERVED_SECTIONS + self.offered.sections);
        let audios = missing(MediaKind::Audio).min(room);
        let videos = missing(MediaKind::Video).min(room - audios);
        let has_use = |kind| self.waiting(kind) > 0 && self.offered.of(kind).free > 0;
        let is_needed = audios + videos + self.ended() > 0 || has_use(MediaKind::Audio) || has_use(MediaKind::Video);
        is_needed.then_some(SectionsNeeded { audios, videos })
    }

    /// See [`super::Negotiation::unreceivable`].
    pub(super) fn unreceivable(&self) -> Vec<TrackId> {
        let unreceivable = self.entries.iter().filter(|entry| !self.is_receivable(entry.request.codec.kind()));
        unreceivable.map(|entry| entry.request.track).collect()
    }

    /// Subscriptions without an m-line. Those that the client cannot decode do not wait for one.
    fn waiting(&self, kind: MediaKind) -> usize {
        if !self.is_receivable(kind) {
            return 0;
        }
        self.entries.iter().filter(|entry| entry.mid.is_none() && entry.request.codec.kind() == kind).count()
    }

    /// M-lines that the last answer sends on although nobody wants it any more.
    fn ended(&self) -> usize {
        self.shown.len() - self.entries.iter().filter(|entry| entry.mid.is_some()).count()
    }

    /// False when the client has offered m-lines of that kind, but never our codec: more of them would not help.
    fn is_receivable(&self, kind: MediaKind) -> bool {
        let lines = self.offered.of(kind);
        lines.offered == 0 || lines.decodable > 0
    }

    fn issue_ssrc(&mut self, rng: &mut impl Rng) -> u32 {
        loop {
            let ssrc = rng.random();
            if ssrc != 0 && self.issued_ssrcs.insert(ssrc) {
                return ssrc;
            }
        }
    }
}

/// An m-line that could show something, and in which codec.
fn usable(section: &Section) -> Option<(&Mid, Codec)> {
    let codec = codec_of(section.kind()?);
    section.can_carry_downlink(codec).then_some((section.mid.as_ref()?, codec))
}

impl Offered {
    fn of(&self, kind: MediaKind) -> &Lines {
        match kind {
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
        }
    }
}
