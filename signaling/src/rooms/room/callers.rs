// SPDX-License-Identifier: EUPL-1.2
//! Somebody at the telephone. To the others, and to those who moderate, they are as anybody else. What differs is here: they have
//! a leg of a bridge in place of a transport, and nothing is negotiated with it; a microphone from the beginning; sound alone.

use bus::{MediaKind, ParticipantSid, RoomSid, SfuCommand, TrackSid, TransportSid};

use super::Room;
use super::participant::Participant;
use super::tracks::describe_track;
use crate::auth::grants::TrackSource;
use crate::rooms::caller_rule::{CallerFacts, CallerRule};
use crate::rooms::details::{DetailsChange, HOLD, TooLong};
use crate::rooms::info::{Encryption, TrackInfo};
use crate::rooms::input::{AddTrack, Connection, Join};
use crate::rooms::output::Notice;

/// What a caller's microphone is called towards the SFU, where a client says how it calls its own.
const MICROPHONE_CID: &str = "microphone";

impl Connection {
    /// The order by which the SFU opens it.
    pub(super) fn opened_by(self, transport: TransportSid, room: RoomSid, participant: ParticipantSid) -> SfuCommand {
        match self {
            Self::Client => SfuCommand::OpenTransport { transport, room, participant },
            Self::Telephone { bridge } => SfuCommand::OpenBridgeLeg { transport, room, bridge },
        }
    }
}

impl Participant {
    /// A bridge connects it.
    pub(super) const fn is_caller(&self) -> bool {
        matches!(self.connection, Connection::Telephone { .. })
    }

    /// Whether it could make anything of a track. A telephone has no picture, and cannot decrypt what clients encrypt for each
    /// other: that would be noise.
    pub(super) fn can_take(&self, track: &TrackInfo) -> bool {
        !self.is_caller() || (track.kind == MediaKind::Audio && track.encryption == Encryption::None)
    }

    /// Whether a notice is of use to it. Callers hear who speaks, and have no client that would need another token.
    pub(super) const fn is_told(&self, notice: &Notice) -> bool {
        !(self.is_caller() && matches!(notice, Notice::Speakers(_) | Notice::RenewToken(_)))
    }
}

impl Room {
    /// Has somebody who calls show as much of what is known of them as the meeting wants. Where no meeting says it, LiveKit's
    /// own bridge decides.
    pub(super) fn show_caller(&self, join: &mut Join) {
        let rule = self.policy.caller;
        if join.caller.is_none() && join.connection == Connection::Client && rule != CallerRule::Unsaid {
            join.caller = Some(CallerFacts::of_livekit(&join.profile.details));
        }
        if let Some(caller) = &join.caller {
            rule.show(caller, &mut join.profile.details);
        }
    }

    /// Makes a caller's microphone, if they have none yet and may speak. The SFU has it at once; the others are to be told.
    /// Whether it is on is for the meeting's rules, unless it shall be off. A caller is told what is true, so nothing has to be
    /// confirmed.
    pub(super) fn make_microphone(&mut self, sid: &ParticipantSid, is_off: bool) -> Option<TrackSid> {
        let (kind, source) = (MediaKind::Audio, TrackSource::Microphone);
        let caller = self.participants.get(sid).filter(|participant| participant.is_caller())?;
        if !caller.tracks.is_empty() || !caller.profile.permissions.allow_publishing(source) {
            return None;
        }
        let is_muted = is_off || self.starts_muted(sid, kind, source);
        let track = self.ids.track(kind, source);
        let info = describe_track(track.clone(), kind, microphone(is_muted));
        self.order_track(sid, MICROPHONE_CID.to_owned(), info, None);
        self.track_mut(sid, &track)?.is_published = true;
        Some(track)
    }

    /// Shows the others that a caller holds the call, and hears nothing of what they say.
    pub(super) fn set_hold(&mut self, sid: &ParticipantSid, is_on_hold: bool) {
        if self.participants.get(sid).is_some_and(Participant::is_caller) {
            let value = if is_on_hold { "true" } else { "" };
            let attributes = [(HOLD.to_owned(), value.to_owned())].into();
            // Who shows as much as anybody may is on hold unseen.
            let _: Result<(), TooLong> =
                self.change_details(sid, DetailsChange { attributes, ..DetailsChange::default() });
        }
    }
}

/// A microphone as a client would announce it: mono, and silent where nobody speaks.
fn microphone(is_muted: bool) -> AddTrack {
    AddTrack {
        cid: MICROPHONE_CID.to_owned(),
        kind: Some(MediaKind::Audio),
        source: TrackSource::Microphone,
        name: String::new(),
        is_muted,
        width: 0,
        height: 0,
        layers: Vec::new(),
        encryption: Encryption::None,
        disable_red: true,
        stream: String::new(),
        audio_features: Vec::new(),
        is_backup_codec: false,
    }
}
