// SPDX-License-Identifier: EUPL-1.2
//! What a room tells a session, as LiveKit's messages.

use bus::{ParticipantSid, SectionsNeeded, TrackSid};
use livekit_protocol as proto;
use livekit_protocol::request_response::Reason;
use livekit_protocol::signal_response::Message;

use super::{convert, join, resume};
use crate::rooms::info::{DisconnectReason, TrackInfo};
use crate::rooms::input::AddTrack;
use crate::rooms::output::{AfterLeave, Notice, RequestOutcome, SessionAnswer, Speaker, SubscriptionFailure};

/// Writes a notice. `None` is one that the session has to deal with itself.
pub(super) fn message(notice: Notice) -> Option<Message> {
    Some(match notice {
        Notice::Joined(joined) => Message::Join(join::response(&joined)),
        Notice::Resumed { last_data_sequence } => Message::Reconnect(resume::response(last_data_sequence)),
        Notice::Participants(infos) => {
            let participants = infos.iter().map(|info| convert::participant(info)).collect();
            Message::Update(proto::ParticipantUpdate { participants })
        }
        Notice::Room(info) => Message::RoomUpdate(proto::RoomUpdate { room: Some(convert::room(&info)) }),
        Notice::Answer(answer) => self::answer(answer),
        Notice::SectionsNeeded(sections) => sections_needed(sections),
        Notice::TrackPublished { cid, track } => track_published(cid, &track),
        Notice::TrackUnpublished(track) => {
            Message::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid: text(&track) })
        }
        Notice::TrackSubscribed(track) => Message::TrackSubscribed(proto::TrackSubscribed { track_sid: text(&track) }),
        Notice::Muted { track, is_muted } => {
            Message::Mute(proto::MuteTrackRequest { sid: text(&track), muted: is_muted })
        }
        Notice::SubscriptionAllowed { publisher, track, is_allowed } => {
            subscription_allowed(&publisher, &track, is_allowed)
        }
        Notice::SubscriptionFailed { track, why } => subscription_failed(&track, why),
        Notice::Speakers(speakers) => self::speakers(speakers),
        Notice::Answered { request_id, outcome, message, add_track } => {
            request_response(request_id, outcome, message, add_track)
        }
        Notice::Leave { reason, then } => leave(reason, then),
        // The last two are for callers: whoever has a websocket has data channels, too.
        Notice::RenewToken(_) | Notice::Moved(..) | Notice::Words { .. } | Notice::ConsentNoted(_) => return None,
    })
}

fn text(track: &TrackSid) -> String {
    track.as_str().to_owned()
}

fn answer(answer: SessionAnswer) -> Message {
    let tracks = answer.tracks_by_mid.into_iter().map(|(mid, track)| (mid, text(&track)));
    Message::Answer(proto::SessionDescription {
        r#type: "answer".to_owned(),
        sdp: answer.sdp,
        id: answer.id,
        mid_to_track_id: tracks.collect(),
    })
}

fn sections_needed(sections: SectionsNeeded) -> Message {
    Message::MediaSectionsRequirement(proto::MediaSectionsRequirement {
        num_audios: sections.audios,
        num_videos: sections.videos,
    })
}

fn track_published(cid: String, track: &TrackInfo) -> Message {
    Message::TrackPublished(proto::TrackPublishedResponse { cid, track: Some(convert::track(track)) })
}

fn subscription_allowed(publisher: &ParticipantSid, track: &TrackSid, allowed: bool) -> Message {
    Message::SubscriptionPermissionUpdate(proto::SubscriptionPermissionUpdate {
        participant_sid: publisher.as_str().to_owned(),
        track_sid: text(track),
        allowed,
    })
}

fn subscription_failed(track: &TrackSid, why: SubscriptionFailure) -> Message {
    let error = match why {
        SubscriptionFailure::NoSuchTrack => proto::SubscriptionError::SeTrackNotfound,
        SubscriptionFailure::NoDecoder => proto::SubscriptionError::SeCodecUnsupported,
    };
    Message::SubscriptionResponse(proto::SubscriptionResponse { track_sid: text(track), err: error.into() })
}

fn speakers(speakers: Vec<Speaker>) -> Message {
    let speaker = |speaker: Speaker| proto::SpeakerInfo {
        sid: speaker.participant.as_str().to_owned(),
        level: speaker.level,
        active: speaker.is_active,
    };
    Message::SpeakersChanged(proto::SpeakersChanged { speakers: speakers.into_iter().map(speaker).collect() })
}

fn request_response(
    request_id: u32,
    outcome: RequestOutcome,
    message: &'static str,
    add_track: Option<Box<AddTrack>>,
) -> Message {
    let reason = match outcome {
        RequestOutcome::Ok => Reason::Ok,
        RequestOutcome::NotAllowed => Reason::NotAllowed,
        RequestOutcome::NotFound => Reason::NotFound,
        RequestOutcome::LimitExceeded => Reason::LimitExceeded,
        RequestOutcome::UnsupportedType => Reason::UnsupportedType,
        RequestOutcome::InvalidRequest => Reason::InvalidRequest,
    };
    // Enough of the request for its sender to know it by.
    let request = add_track.map(|request| {
        proto::request_response::Request::AddTrack(proto::AddTrackRequest {
            cid: request.cid,
            name: request.name,
            r#type: request.kind.map_or(proto::TrackType::Data, convert::track_type).into(),
            source: convert::track_source(request.source).into(),
            ..Default::default()
        })
    });
    Message::RequestResponse(proto::RequestResponse {
        request_id,
        reason: reason.into(),
        message: message.to_owned(),
        request,
    })
}

/// Tells a client to leave, also before it ever came in.
pub(super) fn leave(reason: DisconnectReason, then: AfterLeave) -> Message {
    let action = match then {
        AfterLeave::Disconnect => proto::leave_request::Action::Disconnect,
        AfterLeave::Reconnect => proto::leave_request::Action::Reconnect,
    };
    Message::Leave(proto::LeaveRequest {
        // Read by clients from before `action`.
        can_reconnect: then == AfterLeave::Reconnect,
        reason: convert::disconnect_reason(reason).into(),
        action: action.into(),
        regions: None,
    })
}
