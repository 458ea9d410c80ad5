// SPDX-License-Identifier: EUPL-1.2
//! Our own types as LiveKit's, and back.
//!
//! An unknown number from the network becomes the harmless default, so that it hurts nobody but its sender; and because
//! every number we write is known, writing JSON cannot fail.

use bus::MediaKind;
use livekit_protocol as proto;

use crate::auth::grants::{Permissions, Sources, TrackSource};
use crate::rooms::info::{
    DisconnectReason, Encryption, Layer, ParticipantInfo, ParticipantKind, ParticipantState, Quality, RoomInfo,
    TrackInfo,
};

/// The codecs that our SFU forwards.
const AUDIO_MIME: &str = "audio/opus";
const VIDEO_MIME: &str = "video/VP8";

pub(crate) fn room(info: &RoomInfo) -> proto::Room {
    let codec = |mime: &str| proto::Codec { mime: mime.to_owned(), ..Default::default() };
    proto::Room {
        sid: info.sid.as_str().to_owned(),
        name: info.name.to_string(),
        empty_timeout: whole_seconds(info.settings.empty_timeout),
        departure_timeout: whole_seconds(info.settings.departure_timeout),
        max_participants: info.settings.max_participants,
        creation_time: i64::try_from(info.created_at.as_secs()).unwrap_or_default(),
        creation_time_ms: i64::try_from(info.created_at.as_millis()).unwrap_or_default(),
        enabled_codecs: vec![codec(AUDIO_MIME), codec(VIDEO_MIME)],
        metadata: info.metadata.to_string(),
        num_participants: info.num_participants,
        num_publishers: info.num_publishers,
        active_recording: info.has_recorder,
        ..Default::default()
    }
}

fn whole_seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

pub(crate) fn participant(info: &ParticipantInfo) -> proto::ParticipantInfo {
    let profile = &info.profile;
    proto::ParticipantInfo {
        sid: info.sid.as_str().to_owned(),
        identity: profile.identity.to_string(),
        state: state(info.state).into(),
        tracks: info.tracks.iter().map(track).collect(),
        metadata: profile.details.metadata.clone(),
        joined_at: i64::try_from(info.joined_at.as_secs()).unwrap_or_default(),
        joined_at_ms: i64::try_from(info.joined_at.as_millis()).unwrap_or_default(),
        name: profile.details.name.clone(),
        version: info.version,
        permission: Some(permission(&profile.permissions)),
        is_publisher: info.is_publisher,
        kind: kind(profile.kind).into(),
        attributes: profile.details.attributes.clone().into_iter().collect(),
        disconnect_reason: info.disconnect_reason.map_or(0, |reason| disconnect_reason(reason).into()),
        kind_details: profile.kind_details.clone(),
        client_protocol: profile.client.protocol,
        capabilities: profile.client.capabilities.clone(),
        ..Default::default()
    }
}

fn state(state: ParticipantState) -> proto::participant_info::State {
    match state {
        ParticipantState::Joining => proto::participant_info::State::Joining,
        ParticipantState::Joined => proto::participant_info::State::Joined,
        ParticipantState::Active => proto::participant_info::State::Active,
        ParticipantState::Disconnected => proto::participant_info::State::Disconnected,
    }
}

fn kind(kind: ParticipantKind) -> proto::participant_info::Kind {
    match kind {
        ParticipantKind::Standard => proto::participant_info::Kind::Standard,
        ParticipantKind::Ingress => proto::participant_info::Kind::Ingress,
        ParticipantKind::Egress => proto::participant_info::Kind::Egress,
        ParticipantKind::Sip => proto::participant_info::Kind::Sip,
        ParticipantKind::Agent => proto::participant_info::Kind::Agent,
        ParticipantKind::Connector => proto::participant_info::Kind::Connector,
        ParticipantKind::Bridge => proto::participant_info::Kind::Bridge,
    }
}

pub(crate) fn disconnect_reason(reason: DisconnectReason) -> proto::DisconnectReason {
    match reason {
        DisconnectReason::ClientInitiated => proto::DisconnectReason::ClientInitiated,
        DisconnectReason::DuplicateIdentity => proto::DisconnectReason::DuplicateIdentity,
        DisconnectReason::ServerShutdown => proto::DisconnectReason::ServerShutdown,
        DisconnectReason::ParticipantRemoved => proto::DisconnectReason::ParticipantRemoved,
        DisconnectReason::RoomDeleted => proto::DisconnectReason::RoomDeleted,
        DisconnectReason::StateMismatch => proto::DisconnectReason::StateMismatch,
        DisconnectReason::JoinFailure => proto::DisconnectReason::JoinFailure,
        DisconnectReason::SignalClose => proto::DisconnectReason::SignalClose,
        DisconnectReason::RoomClosed | DisconnectReason::TimeLimit => proto::DisconnectReason::RoomClosed,
        DisconnectReason::ConnectionTimeout => proto::DisconnectReason::ConnectionTimeout,
    }
}

#[expect(deprecated, reason = "clients of every age read these messages")]
pub(crate) fn permission(permissions: &Permissions) -> proto::ParticipantPermission {
    // On the wire no source means every source.
    let may_publish_nothing = matches!(&permissions.sources, Sources::Only(sources) if sources.is_empty());
    let sources = permissions.sources.list();
    proto::ParticipantPermission {
        can_subscribe: permissions.can_subscribe,
        can_publish: permissions.can_publish && !may_publish_nothing,
        can_publish_data: permissions.can_publish_data,
        can_publish_sources: sources.into_iter().map(|source| track_source(source).into()).collect(),
        hidden: permissions.is_hidden,
        recorder: permissions.is_recorder,
        can_update_metadata: permissions.can_update_own_metadata,
        agent: permissions.is_agent,
        can_subscribe_metrics: permissions.can_subscribe_metrics,
        can_manage_agent_session: permissions.can_manage_agent_session,
    }
}

#[expect(deprecated, reason = "clients of every age write these messages")]
pub(crate) fn permissions_from(permission: &proto::ParticipantPermission) -> Permissions {
    Permissions {
        can_subscribe: permission.can_subscribe,
        can_publish: permission.can_publish,
        can_publish_data: permission.can_publish_data,
        sources: Sources::from_list(permission.can_publish_sources.iter().map(|source| track_source_from(*source))),
        can_update_own_metadata: permission.can_update_metadata,
        is_hidden: permission.hidden,
        is_recorder: permission.recorder,
        is_agent: permission.agent,
        can_subscribe_metrics: permission.can_subscribe_metrics,
        can_manage_agent_session: permission.can_manage_agent_session,
    }
}

#[expect(deprecated, reason = "clients of every age read these messages")]
pub(crate) fn track(info: &TrackInfo) -> proto::TrackInfo {
    let mime = match info.kind {
        MediaKind::Audio => AUDIO_MIME,
        MediaKind::Video => VIDEO_MIME,
    };
    let layers: Vec<_> = (0i32..).zip(&info.layers).map(|(index, layer)| video_layer(index, layer)).collect();
    let mode = match info.kind {
        MediaKind::Audio => proto::video_layer::Mode::Unused,
        MediaKind::Video => proto::video_layer::Mode::OneSpatialLayerPerStream,
    };
    let codec = proto::SimulcastCodecInfo {
        mime_type: mime.to_owned(),
        mid: info.mid.clone(),
        layers: layers.clone(),
        video_layer_mode: mode.into(),
        ..Default::default()
    };
    proto::TrackInfo {
        sid: info.sid.as_str().to_owned(),
        r#type: track_type(info.kind).into(),
        name: info.name.clone(),
        muted: info.is_muted,
        width: info.width,
        height: info.height,
        simulcast: info.layers.len() > 1,
        disable_dtx: info.kind == MediaKind::Audio && !info.has_dtx(),
        source: track_source(info.source).into(),
        layers,
        mime_type: mime.to_owned(),
        mid: info.mid.clone(),
        codecs: vec![codec],
        stereo: info.is_stereo(),
        disable_red: info.disable_red,
        encryption: encryption(info.encryption).into(),
        stream: info.stream.clone(),
        audio_features: info.audio_features.clone(),
        ..Default::default()
    }
}

pub(crate) fn track_type(kind: MediaKind) -> proto::TrackType {
    match kind {
        MediaKind::Audio => proto::TrackType::Audio,
        MediaKind::Video => proto::TrackType::Video,
    }
}

pub(crate) fn track_source(source: TrackSource) -> proto::TrackSource {
    match source {
        TrackSource::Unknown => proto::TrackSource::Unknown,
        TrackSource::Camera => proto::TrackSource::Camera,
        TrackSource::Microphone => proto::TrackSource::Microphone,
        TrackSource::ScreenShare => proto::TrackSource::ScreenShare,
        TrackSource::ScreenShareAudio => proto::TrackSource::ScreenShareAudio,
    }
}

pub(crate) fn track_source_from(source: i32) -> TrackSource {
    match proto::TrackSource::try_from(source).unwrap_or_default() {
        proto::TrackSource::Unknown => TrackSource::Unknown,
        proto::TrackSource::Camera => TrackSource::Camera,
        proto::TrackSource::Microphone => TrackSource::Microphone,
        proto::TrackSource::ScreenShare => TrackSource::ScreenShare,
        proto::TrackSource::ScreenShareAudio => TrackSource::ScreenShareAudio,
    }
}

fn encryption(encryption: Encryption) -> proto::encryption::Type {
    match encryption {
        Encryption::None => proto::encryption::Type::None,
        Encryption::Gcm => proto::encryption::Type::Gcm,
        Encryption::Custom => proto::encryption::Type::Custom,
    }
}

pub(crate) fn encryption_from(encryption: i32) -> Encryption {
    match proto::encryption::Type::try_from(encryption).unwrap_or_default() {
        proto::encryption::Type::None => Encryption::None,
        proto::encryption::Type::Gcm => Encryption::Gcm,
        proto::encryption::Type::Custom => Encryption::Custom,
    }
}

fn video_layer(index: i32, layer: &Layer) -> proto::VideoLayer {
    proto::VideoLayer {
        quality: quality(layer.quality).into(),
        width: layer.width,
        height: layer.height,
        bitrate: layer.bitrate_bps,
        ssrc: layer.ssrc,
        spatial_layer: index,
        rid: layer.rid.clone(),
        ..Default::default()
    }
}

pub(crate) fn layer_from(layer: &proto::VideoLayer) -> Layer {
    // Clients name at most a letter.
    let rid = if layer.rid.len() <= 16 { layer.rid.clone() } else { String::new() };
    Layer {
        quality: quality_from(layer.quality),
        width: layer.width,
        height: layer.height,
        bitrate_bps: layer.bitrate,
        ssrc: layer.ssrc,
        rid,
    }
}

fn quality(quality: Quality) -> proto::VideoQuality {
    match quality {
        Quality::Low => proto::VideoQuality::Low,
        Quality::Medium => proto::VideoQuality::Medium,
        Quality::High => proto::VideoQuality::High,
    }
}

pub(crate) fn quality_from(quality: i32) -> Quality {
    match proto::VideoQuality::try_from(quality) {
        Ok(proto::VideoQuality::Low) => Quality::Low,
        Ok(proto::VideoQuality::Medium) => Quality::Medium,
        Ok(proto::VideoQuality::High | proto::VideoQuality::Off) | Err(_) => Quality::High,
    }
}

/// Of numbers that are only passed on, those that this version of the protocol knows.
pub(crate) fn known_numbers<T: TryFrom<i32>>(numbers: &[i32]) -> Vec<i32> {
    /// No protocol needs more, and everybody in the room would receive them.
    const MAX_NUMBERS: usize = 32;
    numbers.iter().copied().filter(|number| T::try_from(*number).is_ok()).take(MAX_NUMBERS).collect()
}
