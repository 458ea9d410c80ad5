// SPDX-License-Identifier: EUPL-1.2
//! Microphones that the room mutes: when somebody comes, and where it takes a permission to speak. Nobody receives what is
//! muted here, whatever its publisher sends.

use std::time::Duration;

use bus::{MediaKind, ParticipantSid, TrackSid};

use super::lifetime::Timer;
use super::{Room, Told};
use crate::auth::grants::TrackSource;
use crate::rooms::input::Now;
use crate::rooms::output::Notice;

/// When a client is first told again that its track is muted; then after twice as long, and so on. It knows the track
/// only after it has dealt with the answer to its offer, and what it hears before that is lost.
const FIRST_REPEAT: Duration = Duration::from_millis(300);

/// How often it is told. Then what it says is its owner's will.
const MAX_REPEATS: u32 = 5;

impl Room {
    /// Whether a new track starts muted, though its publisher does not know.
    pub(super) fn starts_muted(&mut self, sid: &ParticipantSid, kind: MediaKind, source: TrackSource) -> bool {
        let Some(participant) = self.participants.get(sid) else { return false };
        let profile = &participant.profile;
        if kind != MediaKind::Audio {
            return false;
        }
        if !self.may_unmute(profile) {
            return true;
        }
        let is_exempt = profile.is_moderator || profile.kind.is_dependent();
        if is_exempt || !self.policy.mute_upon_entry || source == TrackSource::ScreenShareAudio {
            return false;
        }
        let standing = self.standings.entry(profile.identity.clone()).or_default();
        !std::mem::replace(&mut standing.was_muted_upon_entry, true)
    }

    /// Whether a publisher's wish to open its track counts. Otherwise it is told again that the track is muted.
    pub(super) fn may_open(&mut self, sid: &ParticipantSid, track_sid: &TrackSid) -> bool {
        let Some(participant) = self.participants.get(sid) else { return false };
        let may_unmute = self.may_unmute(&participant.profile);
        let Some(track) = participant.tracks.get(track_sid) else { return false };
        if track.info.is_muted
            && (track.unconfirmed_mutes.is_some() || (track.info.kind == MediaKind::Audio && !may_unmute))
        {
            self.notify(sid, Notice::Muted { track: track_sid.clone(), is_muted: true });
            return false;
        }
        true
    }

    /// A track appeared that was muted here: its publisher must hear of it.
    pub(super) fn announce_mutes(&mut self, now: Now, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let unconfirmed = participant.tracks.values_mut().filter(|track| track.is_published && track.info.is_muted);
        let mut told = Vec::new();
        let mut next = None;
        for track in unconfirmed {
            let Some(times) = track.unconfirmed_mutes else { continue };
            told.push(track.info.sid.clone());
            track.unconfirmed_mutes = (times < MAX_REPEATS).then_some(times + 1);
            let wait = FIRST_REPEAT * (1 << times);
            next = Some(next.map_or(wait, |next: Duration| next.min(wait)));
        }
        for track in told {
            self.notify(sid, Notice::Muted { track, is_muted: true });
        }
        if let Some(wait) = next {
            self.schedule(now.instant + wait, Timer::Muted(sid.clone()));
        }
    }

    /// Mutes what somebody publishes from these sources. Returns how many tracks that were.
    pub(super) fn mute_sources(&mut self, sid: &ParticipantSid, sources: &[TrackSource]) -> usize {
        let Some(participant) = self.participants.get_mut(sid) else { return 0 };
        let open = participant.tracks.values_mut().filter(|track| {
            let source = match (track.info.source, track.info.kind) {
                (TrackSource::Unknown, MediaKind::Audio) => TrackSource::Microphone,
                (TrackSource::Unknown, MediaKind::Video) => TrackSource::Camera,
                (source, _) => source,
            };
            !track.info.is_muted && sources.contains(&source)
        });
        let mut muted = Vec::new();
        for track in open {
            track.is_muted_by_administrator = true;
            muted.push(track.info.sid.clone());
        }
        for track in &muted {
            self.notify(sid, Notice::Muted { track: track.clone(), is_muted: true });
            self.set_muted(sid, track, true, Told::Others);
        }
        if !muted.is_empty() {
            self.tell_at_once(sid);
        }
        muted.len()
    }

    /// Mutes whoever may not speak any more, and shows who may.
    pub(super) fn apply_unmute_rule(&mut self, only: Option<&ParticipantSid>) {
        let everybody = self.participants.keys().filter(|sid| only.is_none_or(|only| only == *sid));
        let everybody: Vec<_> = everybody.cloned().collect();
        for sid in everybody {
            let may_unmute =
                self.participants.get(&sid).is_some_and(|participant| self.may_unmute(&participant.profile));
            if !may_unmute {
                self.mute_sources(&sid, &[TrackSource::Microphone, TrackSource::ScreenShareAudio]);
            }
            self.show_standing(&sid);
        }
    }
}
