// SPDX-License-Identifier: EUPL-1.2
//! What a session asks for, handed to whoever deals with it.

use bus::{ParticipantSid, TrackSid};

use super::Room;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Now, Request, Scenario, SessionId, SyncState};
use crate::rooms::output::AfterLeave;

impl Room {
    /// Deals with a request. One from a websocket that another has taken the place of is not heard any more.
    pub(super) fn request(&mut self, now: Now, session: SessionId, request: Request) {
        let Some(sid) = self.sessions.get(&session).cloned() else { return };
        match request {
            Request::Offer(offer) => self.offer(now, &sid, offer),
            Request::AddTrack(track) => self.add_track(&sid, track),
            Request::Mute { track, is_muted } => self.mute_by_publisher(&sid, &track, is_muted),
            Request::Subscribe { tracks, subscribe } => self.choose_tracks(&sid, tracks, subscribe),
            Request::ConfigureTracks { tracks, wish } => self.configure_tracks(&sid, &tracks, wish),
            Request::AllowSubscribers(rules) => self.allow_subscribers(now, &sid, rules),
            Request::SetHold(is_on_hold) => self.set_hold(&sid, is_on_hold),
            Request::Consent(is_given) => self.set_consent(&sid, is_given),
            Request::ChangeDetails { request_id, change } => self.change_own_details(now, &sid, request_id, change),
            Request::AudioFeatures { track, features } => self.set_audio_features(&sid, &track, features),
            Request::VideoSize { track, width, height } => self.set_video_size(&sid, &track, width, height),
            Request::VideoLayers { track, layers } => self.set_video_layers(&sid, &track, layers),
            Request::Sync(sync) => self.sync(&sid, sync),
            Request::Simulate(scenario) => self.simulate(now, &sid, scenario),
            Request::Leave(reason) => self.leave(now, &sid, reason),
        }
    }

    /// The client says goodbye, or is sent away for its behaviour.
    fn leave(&mut self, now: Now, sid: &ParticipantSid, reason: DisconnectReason) {
        let then = (reason != DisconnectReason::ClientInitiated).then_some(AfterLeave::Disconnect);
        self.remove(now, sid, reason, then);
    }

    /// A client that has just resumed says what it believes.
    pub(super) fn sync(&mut self, sid: &ParticipantSid, sync: SyncState) {
        let is_known = |track: &TrackSid| self.tracks.contains_key(track);
        let tracks: Vec<_> = sync.tracks.into_iter().filter(is_known).collect();
        self.choose_tracks(sid, tracks, sync.subscribe);
        self.pause_tracks(sid, &sync.disabled);
        self.repeat_publications(sid, &sync.published);
    }

    fn simulate(&mut self, now: Now, sid: &ParticipantSid, scenario: Scenario) {
        match scenario {
            Scenario::ServerLeave => {
                self.remove(now, sid, DisconnectReason::ServerShutdown, Some(AfterLeave::Disconnect));
            }
            Scenario::FullReconnect => {
                self.remove(now, sid, DisconnectReason::StateMismatch, Some(AfterLeave::Reconnect));
            }
        }
    }
}
