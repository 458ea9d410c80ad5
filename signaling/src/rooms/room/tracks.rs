// SPDX-License-Identifier: EUPL-1.2
//! Publishing: a track is announced by its client, waits for its m-line and then is everybody's to receive.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::{MediaKind, ParticipantSid, Publication, SfuCommand, TrackSid};

use super::participant::{Participant, Track};
use super::{Room, Told};
use crate::auth::grants::TrackSource;
use crate::rooms::info::{Layer, ParticipantInfo, Quality, TrackInfo};
use crate::rooms::input::{AddTrack, Now};
use crate::rooms::output::{Milestone, Notice, Output, RequestOutcome};
use crate::rooms::policy::fits;

/// Tracks that may wait for their m-line; LiveKit's figure.
const MAX_PENDING_TRACKS: usize = 20;

/// Tracks that one participant may have. Nobody sends as many; the bound keeps everybody's updates small.
const MAX_TRACKS: usize = 64;

/// Longest client id of a track; browsers use UUIDs.
const MAX_CID_BYTES: usize = 256;

/// Sizes in which a picture can come.
const MAX_LAYERS: usize = 3;

impl Room {
    /// Takes note of a track that a client is about to offer an m-line for, or says why not.
    pub(super) fn add_track(&mut self, sid: &ParticipantSid, request: AddTrack) {
        // A client that gave up waiting and asks again for the same track shall have what is there.
        let waiting = self.waiting_track(sid, &request);
        let waiting = waiting.map(|track| (track.info.sid.clone(), track.info.is_muted, track.unconfirmed_mutes));
        let kind = match self.admit_track(sid, &request, waiting.is_some()) {
            Ok(kind) => kind,
            Err((outcome, message)) => return self.refuse_track(sid, request, outcome, message),
        };
        let starts_muted = !request.is_muted && waiting.is_none() && self.starts_muted(sid, kind, request.source);
        let unconfirmed_mutes = waiting.as_ref().map_or(starts_muted.then_some(0), |(_, _, unconfirmed)| *unconfirmed);
        let mut request = request;
        request.is_muted |= unconfirmed_mutes.is_some();
        // The SFU takes no second announcement, so what has changed is ordered by itself.
        let is_muted_anew = waiting.as_ref().is_some_and(|(_, was_muted, _)| *was_muted != request.is_muted);
        let track_sid = waiting.map_or_else(|| self.ids.track(kind, request.source), |(sid, ..)| sid);
        let cid = request.cid.clone();
        let info = describe_track(track_sid.clone(), kind, request);
        self.order_track(sid, cid.clone(), info.clone(), unconfirmed_mutes);
        if let Some(participant) = self.participants.get(sid).filter(|_| is_muted_anew) {
            let transport = participant.transport.clone();
            self.order(SfuCommand::Mute { transport, track: track_sid, is_muted: info.is_muted });
        }
        self.notify(sid, Notice::TrackPublished { cid, track: Box::new(info) });
    }

    /// Takes note of a track and has the SFU expect it.
    pub(super) fn order_track(
        &mut self,
        sid: &ParticipantSid,
        cid: String,
        info: TrackInfo,
        unconfirmed_mutes: Option<u32>,
    ) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let publication = Publication {
            track: info.sid.clone(),
            cid: cid.clone(),
            kind: info.kind,
            is_stereo: info.is_stereo(),
            wants_dtx: info.has_dtx(),
            is_muted: info.is_muted,
        };
        let transport = participant.transport.clone();
        self.tracks.insert(info.sid.clone(), sid.clone());
        let track = Track {
            info,
            cid,
            is_published: false,
            is_muted_by_administrator: false,
            unconfirmed_mutes,
            is_subscribed: false,
        };
        participant.tracks.insert(track.info.sid.clone(), track);
        self.order(SfuCommand::Publish { transport, publication });
    }

    /// Somebody publishes other tracks than before. These are new: they are everybody's to receive.
    pub(super) fn tracks_changed(&mut self, now: Now, sid: &ParticipantSid, appeared: &[TrackSid]) {
        self.published(sid, appeared);
        self.announce_mutes(now, sid);
        self.mark_changed(sid, Told::Everyone);
        self.room_changed(now);
        self.reconcile_everybody(appeared);
    }

    fn waiting_track(&self, sid: &ParticipantSid, request: &AddTrack) -> Option<&Track> {
        let mut tracks = self.participants.get(sid)?.tracks.values();
        tracks.find(|track| !track.is_published && track.cid == request.cid && Some(track.info.kind) == request.kind)
    }

    fn admit_track(
        &self,
        sid: &ParticipantSid,
        request: &AddTrack,
        is_known: bool,
    ) -> Result<MediaKind, (RequestOutcome, &'static str)> {
        let participant = self.participants.get(sid).ok_or((RequestOutcome::NotFound, "no such participant"))?;
        let pending = participant.tracks.values().filter(|track| !track.is_published).count();
        if !participant.profile.permissions.allow_publishing(request.source) {
            return Err((RequestOutcome::NotAllowed, "does not have permission to publish this source"));
        }
        let kind = request.kind.ok_or((RequestOutcome::UnsupportedType, "unsupported track type"))?;
        if !fits(kind, request.source) {
            return Err((RequestOutcome::InvalidRequest, "the source does not fit the type"));
        }
        if !self.allows_track(participant, kind, request.source) {
            return Err((RequestOutcome::NotAllowed, "the meeting does not allow this source"));
        }
        if request.is_backup_codec {
            return Err((RequestOutcome::UnsupportedType, "backup codecs are not supported"));
        }
        if request.cid.is_empty() || request.cid.len() > MAX_CID_BYTES {
            return Err((RequestOutcome::InvalidRequest, "invalid client id"));
        }
        if !is_known && (pending >= MAX_PENDING_TRACKS || participant.tracks.len() >= MAX_TRACKS) {
            return Err((RequestOutcome::LimitExceeded, "too many tracks"));
        }
        Ok(kind)
    }

    fn refuse_track(
        &mut self,
        sid: &ParticipantSid,
        request: AddTrack,
        outcome: RequestOutcome,
        message: &'static str,
    ) {
        self.notify(sid, Notice::Answered { request_id: 0, outcome, message, add_track: Some(Box::new(request)) });
    }

    /// Whether the meeting allows somebody to publish that.
    pub(super) fn allows_track(&self, participant: &Participant, kind: MediaKind, source: TrackSource) -> bool {
        let is_sound = kind == MediaKind::Audio && source != TrackSource::ScreenShareAudio;
        (is_sound || !self.policy.is_audio_only) && (participant.profile.presents() || self.policy.allows(kind, source))
    }

    /// Ends a track: nobody receives it any more.
    pub(super) fn unpublish(&mut self, sid: &ParticipantSid, track: &TrackSid) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        if let Some(removed) = participant.tracks.remove(track) {
            let (transport, publisher) = (participant.transport.clone(), Arc::new(participant.current()));
            if removed.is_published {
                self.unpublished(&publisher, &removed);
            }
            self.forget_tracks([track]);
            self.order(SfuCommand::Unpublish { transport, track: track.clone() });
        }
    }

    /// Tells whoever follows the room that a track is gone.
    pub(super) fn unpublished(&mut self, publisher: &Arc<ParticipantInfo>, track: &Track) {
        let (publisher, track) = (publisher.clone(), Box::new(track.info.clone()));
        self.outputs.push_back(Output::Milestone(Milestone::Unpublished { publisher, track }));
    }

    /// Tells whoever follows the room that there are new tracks.
    fn published(&mut self, sid: &ParticipantSid, tracks: &[TrackSid]) {
        let Some(participant) = self.participants.get(sid).filter(|_| !tracks.is_empty()) else { return };
        let publisher = Arc::new(participant.current());
        for track in tracks.iter().filter_map(|track| participant.tracks.get(track)) {
            let (publisher, track) = (publisher.clone(), Box::new(track.info.clone()));
            self.outputs.push_back(Output::Milestone(Milestone::Published { publisher, track }));
        }
    }

    /// Ends the tracks that their publisher may not publish any more, and tells it.
    pub(super) fn unpublish_forbidden(&mut self, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get(sid) else { return };
        let permissions = &participant.profile.permissions;
        let tracks = participant.tracks.values().filter(|track| {
            !permissions.allow_publishing(track.info.source)
                || !self.allows_track(participant, track.info.kind, track.info.source)
        });
        let forbidden: Vec<_> = tracks.map(|track| track.info.sid.clone()).collect();
        for track in forbidden {
            self.unpublish(sid, &track);
            self.notify(sid, Notice::TrackUnpublished(track));
        }
    }

    /// A publisher mutes or opens a track of its own.
    pub(super) fn mute_by_publisher(&mut self, sid: &ParticipantSid, track: &TrackSid, is_muted: bool) {
        if !is_muted && !self.may_open(sid, track) {
            return;
        }
        if let Some(track) = self.track_mut(sid, track) {
            track.is_muted_by_administrator &= is_muted;
            track.unconfirmed_mutes = None;
        }
        self.set_muted(sid, track, is_muted, Told::Everyone);
    }

    /// Mutes or opens a track. Muted is what nobody receives, whatever its publisher sends.
    pub(super) fn set_muted(&mut self, sid: &ParticipantSid, track: &TrackSid, is_muted: bool, told: Told) {
        let Some(participant) = self.participants.get_mut(sid) else { return };
        let transport = participant.transport.clone();
        let Some(entry) = participant.tracks.get_mut(track) else { return };
        if entry.info.is_muted == is_muted {
            return;
        }
        entry.info.is_muted = is_muted;
        let is_published = entry.is_published;
        self.order(SfuCommand::Mute { transport, track: track.clone(), is_muted });
        if is_published {
            self.mark_changed(sid, told);
        }
    }

    /// Tells a client that resumed which of its tracks an administrator muted, lest it opens them unknowingly.
    pub(super) fn repeat_mutes(&mut self, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get(sid) else { return };
        let muted = participant.tracks.values().filter(|track| track.is_muted_by_administrator);
        let muted: Vec<_> = muted.map(|track| track.info.sid.clone()).collect();
        for track in muted {
            self.notify(sid, Notice::Muted { track, is_muted: true });
        }
    }

    /// Announces once more the tracks that wait for their m-line and that the client does not know of.
    pub(super) fn repeat_publications(&mut self, sid: &ParticipantSid, known: &BTreeSet<TrackSid>) {
        let Some(participant) = self.participants.get(sid) else { return };
        let waiting =
            participant.tracks.values().filter(|track| !track.is_published && !known.contains(&track.info.sid));
        let waiting: Vec<_> = waiting.map(|track| (track.cid.clone(), Box::new(track.info.clone()))).collect();
        for (cid, track) in waiting {
            self.notify(sid, Notice::TrackPublished { cid, track });
        }
    }

    pub(super) fn set_audio_features(&mut self, sid: &ParticipantSid, track: &TrackSid, features: Vec<i32>) {
        self.change_track(sid, track, |info| {
            if info.kind == MediaKind::Audio {
                info.audio_features = features;
            }
        });
    }

    pub(super) fn set_video_size(&mut self, sid: &ParticipantSid, track: &TrackSid, width: u32, height: u32) {
        self.change_track(sid, track, |info| (info.width, info.height) = (width, height));
    }

    pub(super) fn set_video_layers(&mut self, sid: &ParticipantSid, track: &TrackSid, layers: Vec<Layer>) {
        self.change_track(sid, track, |info| {
            if info.kind == MediaKind::Video && !layers.is_empty() {
                info.layers = arrange_layers(layers, info.width, info.height);
            }
        });
    }

    fn change_track(&mut self, sid: &ParticipantSid, track: &TrackSid, change: impl FnOnce(&mut TrackInfo)) {
        let Some(track) = self.track_mut(sid, track) else { return };
        let before = track.info.clone();
        change(&mut track.info);
        if track.is_published && track.info != before {
            self.mark_changed(sid, Told::Everyone);
            self.reconfigure(&before);
        }
    }

    /// A track of this participant's own.
    pub(super) fn track_mut(&mut self, sid: &ParticipantSid, track: &TrackSid) -> Option<&mut Track> {
        self.participants.get_mut(sid)?.tracks.get_mut(track)
    }
}

pub(super) fn describe_track(sid: TrackSid, kind: MediaKind, request: AddTrack) -> TrackInfo {
    let stream = match (request.stream.is_empty(), request.source) {
        (false, _) => request.stream,
        (true, TrackSource::Camera | TrackSource::Microphone) => "camera".to_owned(),
        (true, TrackSource::ScreenShare | TrackSource::ScreenShareAudio) => "screen_share".to_owned(),
        (true, TrackSource::Unknown) => String::new(),
    };
    let is_video = kind == MediaKind::Video;
    let layers = if is_video { arrange_layers(request.layers, request.width, request.height) } else { Vec::new() };
    TrackInfo {
        sid,
        kind,
        source: request.source,
        name: request.name,
        is_muted: request.is_muted,
        width: request.width,
        height: request.height,
        layers,
        mid: String::new(),
        encryption: request.encryption,
        disable_red: request.disable_red,
        stream,
        audio_features: if is_video { Vec::new() } else { request.audio_features },
    }
}

/// Sorts layers, smallest first. One alone is the best there is, whatever its sender calls it.
fn arrange_layers(mut layers: Vec<Layer>, width: u32, height: u32) -> Vec<Layer> {
    layers.sort_by_key(|layer| (layer.quality, layer.width.saturating_mul(layer.height)));
    layers.truncate(MAX_LAYERS);
    if layers.is_empty() {
        layers.push(Layer { width, height, ..Layer::default() });
    }
    if let [only] = layers.as_mut_slice() {
        only.quality = Quality::High;
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(quality: Quality, width: u32, height: u32) -> Layer {
        Layer { quality, width, height, ..Layer::default() }
    }

    #[test]
    fn a_single_layer_is_the_best() {
        let layers = arrange_layers(vec![layer(Quality::Low, 640, 360)], 640, 360);
        assert_eq!(layers, [layer(Quality::High, 640, 360)]);
        assert_eq!(arrange_layers(Vec::new(), 1280, 720), [layer(Quality::High, 1280, 720)]);
    }

    #[test]
    fn layers_are_kept_smallest_first() {
        let (low, high) = (layer(Quality::Low, 320, 180), layer(Quality::High, 1280, 720));
        assert_eq!(arrange_layers(vec![high.clone(), low.clone()], 1280, 720), [low, high]);
        assert_eq!(arrange_layers(vec![Layer::default(); 100], 0, 0).len(), MAX_LAYERS);
    }
}
