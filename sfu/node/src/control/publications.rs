// SPDX-License-Identifier: EUPL-1.2
//! What clients publish: announced by signaling, bound to an m-line by an offer, ended by either.

use bus::{Publication, SfuRefusal, TrackSid, TransportSid};
use sfu_media::ids::{TrackId, TransportId};
use sfu_media::session::Codec;
use sfu_media::shard::message::ShardCommand;
use sfu_media::transport::negotiation;

use super::{Control, TrackEntry};
use crate::bridge_end::BridgeCommand;

/// The one codec of a kind that is negotiated with every client, so that nobody receives what they cannot decode.
pub(super) const fn codec_of(kind: bus::MediaKind) -> Codec {
    match kind {
        bus::MediaKind::Audio => Codec::Opus,
        bus::MediaKind::Video => Codec::Vp8,
    }
}

impl Control {
    pub(super) fn publish(&mut self, sid: &TransportSid, publication: Publication) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        if self.track_ids.contains_key(&publication.track) {
            return Ok(());
        }
        if self.legs.contains_key(&id) {
            return self.publish_from_leg(id, publication);
        }
        let track = TrackId(self.next_id());
        let entry = self.transports.get_mut(&id).ok_or(SfuRefusal::UnknownTransport)?;
        let speaker_group = self.rooms.get(&entry.room).ok_or(SfuRefusal::UnknownTransport)?.group;
        let codec = codec_of(publication.kind);
        entry.negotiation.publish(negotiation::Publication {
            track,
            cid: publication.cid,
            kind: codec.kind(),
            is_stereo: publication.is_stereo,
            wants_dtx: publication.wants_dtx,
            speaker_group,
        });
        self.track_ids.insert(publication.track.clone(), track);
        let is_muted = publication.is_muted;
        self.tracks.insert(track, TrackEntry { sid: publication.track, transport: id, codec, is_muted });
        Ok(())
    }

    pub(super) fn unpublish(&mut self, sid: &TransportSid, track: &TrackSid) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        let Some(track) = self.own_track(id, track) else { return Ok(()) };
        self.forget_track(track);
        let Some(entry) = self.transports.get_mut(&id) else { return Ok(()) };
        entry.negotiation.unpublish(track);
        let mut session = entry.session.clone();
        session.uplinks.retain(|uplink| uplink.track != track);
        self.put_session(id, session);
        Ok(())
    }

    pub(super) fn mute(&mut self, sid: &TransportSid, track: &TrackSid, is_muted: bool) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        let Some(track) = self.own_track(id, track) else { return Ok(()) };
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.is_muted = is_muted;
        }
        self.tell_mute(id, track, is_muted);
        Ok(())
    }

    /// Repeats the mute of a client's tracks, which a shard that has just learnt of them does not know.
    pub(super) fn mute_muted(&mut self, id: TransportId) {
        let muted: Vec<_> =
            self.tracks_of(id).filter(|track| self.tracks.get(track).is_some_and(|entry| entry.is_muted)).collect();
        for track in muted {
            self.tell_mute(id, track, true);
        }
    }

    fn tell_mute(&mut self, id: TransportId, track: TrackId, is_muted: bool) {
        self.tell_bridge_of(id, BridgeCommand::Mute { track, is_muted });
        self.tell_owner(id, ShardCommand::MuteTrack { track, is_muted });
    }

    /// The tracks that a client's session carries up.
    pub(super) fn tracks_of(&self, id: TransportId) -> impl Iterator<Item = TrackId> + '_ {
        self.transports.get(&id).into_iter().flat_map(|entry| entry.session.uplinks.iter().map(|uplink| uplink.track))
    }

    /// Ends a track for everybody who receives it.
    pub(super) fn forget_track(&mut self, track: TrackId) {
        let Some(entry) = self.tracks.remove(&track) else { return };
        self.track_ids.remove(&entry.sid);
        self.forget_hearing(track);
        let receivers: Vec<_> =
            self.transports.iter().filter(|(_, t)| t.subscriptions.contains_key(&track)).map(|(id, _)| *id).collect();
        for receiver in receivers {
            self.end_subscriptions(receiver, &[track]);
        }
        self.end_on_leg(entry.transport, track);
    }

    /// All that a client or a leg publishes.
    pub(super) fn published_by(&self, id: TransportId) -> Vec<TrackId> {
        self.tracks.iter().filter(|(_, track)| track.transport == id).map(|(track, _)| *track).collect()
    }

    fn own_track(&self, id: TransportId, sid: &TrackSid) -> Option<TrackId> {
        let track = *self.track_ids.get(sid)?;
        (self.tracks.get(&track)?.transport == id).then_some(track)
    }
}
