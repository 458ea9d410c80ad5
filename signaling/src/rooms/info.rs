// SPDX-License-Identifier: EUPL-1.2
//! What others are told about a room, a participant and a track. Our own types: `session::convert` writes them as
//! LiveKit's.

use std::sync::Arc;
use std::time::Duration;

use bus::{MediaKind, ParticipantSid, RoomSid, TrackSid};

use crate::auth::grants::{Permissions, TrackSource};
use crate::rooms::details::{Details, ROLE};
use crate::rooms::policy::AnnounceRule;

/// Who somebody is, as the token says. Unique in a room.
pub(crate) type Identity = Arc<str>;

/// A room as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomInfo {
    pub(crate) sid: RoomSid,
    pub(crate) name: Arc<str>,
    pub(crate) settings: RoomSettings,
    pub(crate) metadata: Arc<str>,
    /// Since 1970.
    pub(crate) created_at: Duration,
    pub(crate) num_participants: u32,
    /// Those who take a place where places are limited: the hidden ones, too, and nobody who serves.
    pub(crate) num_places_taken: u32,
    pub(crate) num_publishers: u32,
    /// Those of them who moderate.
    pub(crate) num_moderators: u32,
    /// Those of them who are at a telephone.
    pub(crate) num_telephones: u32,
    pub(crate) has_recorder: bool,
    /// Whose coming and going those hear who call. It is for them alone.
    pub(crate) announce: AnnounceRule,
}

/// How a room behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomSettings {
    /// How long a room waits for its first participant.
    pub(crate) empty_timeout: Duration,
    /// How long it waits after the last one left.
    pub(crate) departure_timeout: Duration,
    /// 0 is no limit.
    pub(crate) max_participants: u32,
}

/// How far a participant has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ParticipantState {
    /// Admitted, and about to be told so.
    Joining,
    /// In the room, media not yet connected.
    Joined,
    /// Media flows.
    Active,
    /// Gone.
    Disconnected,
}

/// What kind of participant it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ParticipantKind {
    #[default]
    Standard,
    Ingress,
    Egress,
    Sip,
    Agent,
    Connector,
    Bridge,
}

impl ParticipantKind {
    /// What a token of somebody at the telephone says.
    pub(crate) const SIP: &str = "sip";

    /// Reads the `kind` of a token; what it does not know is a standard participant.
    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "ingress" => Self::Ingress,
            "egress" => Self::Egress,
            Self::SIP => Self::Sip,
            "agent" => Self::Agent,
            "connector" => Self::Connector,
            "bridge" => Self::Bridge,
            _ => Self::Standard,
        }
    }

    /// Whether it is there only for the others: it neither keeps a room open nor counts against its size.
    pub(crate) fn is_dependent(self) -> bool {
        matches!(self, Self::Egress | Self::Agent)
    }
}

/// Why a participant is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DisconnectReason {
    ClientInitiated,
    DuplicateIdentity,
    ServerShutdown,
    ParticipantRemoved,
    RoomDeleted,
    StateMismatch,
    JoinFailure,
    SignalClose,
    RoomClosed,
    /// The meeting's time is over.
    TimeLimit,
    ConnectionTimeout,
}

impl DisconnectReason {
    /// A word for logs and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClientInitiated => "client_initiated",
            Self::DuplicateIdentity => "duplicate_identity",
            Self::ServerShutdown => "server_shutdown",
            Self::ParticipantRemoved => "participant_removed",
            Self::RoomDeleted => "room_deleted",
            Self::StateMismatch => "state_mismatch",
            Self::JoinFailure => "join_failure",
            Self::SignalClose => "signal_close",
            Self::RoomClosed => "room_closed",
            Self::TimeLimit => "time_limit",
            Self::ConnectionTimeout => "connection_timeout",
        }
    }
}

/// The software at a participant's end, as far as others must know to talk to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientFeatures {
    /// Which formats it understands in data packets.
    pub(crate) protocol: i32,
    /// LiveKit's numbers of what it can do. Mirrored, not understood.
    pub(crate) capabilities: Vec<i32>,
}

/// What somebody comes with, and others see: who it is, what it shows of itself, what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) identity: Identity,
    pub(crate) kind: ParticipantKind,
    /// LiveKit's numbers. Mirrored, not understood.
    pub(crate) kind_details: Vec<i32>,
    pub(crate) details: Details,
    pub(crate) permissions: Permissions,
    /// The token lets it administer the room.
    pub(crate) is_moderator: bool,
    pub(crate) client: ClientFeatures,
}

impl Profile {
    /// Whether the policy for everybody leaves it its camera and screen: it moderates or presents.
    pub(crate) fn presents(&self) -> bool {
        self.is_moderator || self.details.attributes.get(ROLE).is_some_and(|role| role == "presenter")
    }
}

/// A participant as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParticipantInfo {
    pub(crate) sid: ParticipantSid,
    pub(crate) profile: Profile,
    pub(crate) state: ParticipantState,
    /// Since 1970.
    pub(crate) joined_at: Duration,
    /// Grows with every change; clients drop older ones.
    pub(crate) version: u32,
    pub(crate) is_publisher: bool,
    pub(crate) tracks: Vec<TrackInfo>,
    /// Set once it is gone.
    pub(crate) disconnect_reason: Option<DisconnectReason>,
}

/// How the frames of a track are encrypted between the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encryption {
    #[default]
    None,
    Gcm,
    Custom,
}

/// A rung of the ladder that pictures come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Quality {
    Low,
    Medium,
    #[default]
    High,
}

/// One size in which a video track is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) quality: Quality,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bitrate_bps: u32,
    pub(crate) ssrc: u32,
    pub(crate) rid: String,
}

/// A track as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrackInfo {
    pub(crate) sid: TrackSid,
    pub(crate) kind: MediaKind,
    pub(crate) source: TrackSource,
    pub(crate) name: String,
    pub(crate) is_muted: bool,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Smallest first; none for audio.
    pub(crate) layers: Vec<Layer>,
    /// Of the publisher's m-line, once there is one.
    pub(crate) mid: String,
    pub(crate) encryption: Encryption,
    pub(crate) disable_red: bool,
    /// Tracks of one stream are played in step.
    pub(crate) stream: String,
    /// LiveKit's numbers; [`AUDIO_FEATURE_STEREO`] and [`AUDIO_FEATURE_NO_DTX`] mean something here.
    pub(crate) audio_features: Vec<i32>,
}

/// Sound with two channels.
pub(crate) const AUDIO_FEATURE_STEREO: i32 = 0;

/// The client sends through silence.
pub(crate) const AUDIO_FEATURE_NO_DTX: i32 = 1;

impl TrackInfo {
    pub(crate) fn is_stereo(&self) -> bool {
        self.audio_features.contains(&AUDIO_FEATURE_STEREO)
    }

    pub(crate) fn has_dtx(&self) -> bool {
        !self.audio_features.contains(&AUDIO_FEATURE_NO_DTX)
    }
}
