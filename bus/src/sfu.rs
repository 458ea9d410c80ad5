// SPDX-License-Identifier: EUPL-1.2
//! What signaling orders from an SFU node, and what a node reports.
//!
//! Every command names its subject by the identifiers that signaling chose, so a command can be repeated: opening what
//! is open and closing what is closed changes nothing.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::{ParticipantSid, RoomSid, TrackSid, TransportSid};

/// Longest SDP that travels. A client's description of a call with 120 m-lines of either kind has about 720 kB.
pub const MAX_SDP_BYTES: usize = 1024 * 1024;

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// The two data channels of a client by what they promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DataChannel {
    /// Ordered, retransmitted until it arrives.
    Reliable,
    /// Unordered, never retransmitted.
    Lossy,
}

/// A track that a client has announced and will offer an m-line for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The track.
    pub track: TrackSid,
    /// The client's own id of it: the track id in the `msid` of its m-line (RFC 8830).
    pub cid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Sound with two channels.
    pub is_stereo: bool,
    /// The client may stop sending while it is silent.
    pub wants_dtx: bool,
    /// Nothing of it is forwarded while set.
    pub is_muted: bool,
}

/// A track that a client shall receive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The track.
    pub track: TrackSid,
    /// Audio or video.
    pub kind: MediaKind,
    /// Who publishes it; first part of the stream id in the `msid`.
    pub publisher: ParticipantSid,
    /// What is wanted of it.
    pub settings: SubscriptionSettings,
}

/// What one receiver wants of one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionSettings {
    /// Nothing is forwarded while set.
    pub is_paused: bool,
    /// The largest spatial layer worth sending, 0 being the smallest picture.
    pub max_layer: u8,
}

/// Receiving m-lines that a client must add before its subscriptions have room. Both 0 means that offering again is
/// enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionsNeeded {
    /// Audio m-lines.
    pub audios: u32,
    /// Video m-lines.
    pub videos: u32,
}

/// An order to an SFU node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SfuCommand {
    /// Make room for a client. Its events are reported under `room`.
    OpenTransport {
        /// The transport to be.
        transport: TransportSid,
        /// The room it belongs to.
        room: RoomSid,
        /// The participant behind it, for the node's log alone.
        participant: ParticipantSid,
    },
    /// Make room for callers whom a bridge of the node's process connects: a transport without a network, whose media and
    /// orders go to the bridge's thread. What follows names it as it names a client's transport. It is connected at once,
    /// makes no offers, and carries sound alone: a publication has its audience as soon as it is ordered, a subscription
    /// to video is passed over, one that is paused is not heard, and there is no data.
    ///
    /// A leg may be for one caller or for all those of a bridge in a room: what several legs of a bridge hear, it is
    /// given once.
    OpenBridgeLeg {
        /// The transport to be.
        transport: TransportSid,
        /// The room it belongs to.
        room: RoomSid,
        /// Which of the node's bridges, from 0: the one that has the callers.
        bridge: u16,
    },
    /// Answer a client's offer; replies with [`SfuReply::Answer`].
    Offer {
        /// Whose offer.
        transport: TransportSid,
        /// SDP (RFC 8866), at most [`MAX_SDP_BYTES`].
        sdp: String,
    },
    /// Expect an m-line for a track.
    Publish {
        /// Who will offer it.
        transport: TransportSid,
        /// What.
        publication: Publication,
    },
    /// End a track.
    Unpublish {
        /// Whose.
        transport: TransportSid,
        /// Which.
        track: TrackSid,
    },
    /// Drop or forward what is sent on a track.
    Mute {
        /// Whose.
        transport: TransportSid,
        /// Which.
        track: TrackSid,
        /// From now on.
        is_muted: bool,
    },
    /// Forward tracks to a client. A renegotiation is asked for once for all of them.
    Subscribe {
        /// The receiver.
        transport: TransportSid,
        /// What it shall receive.
        subscriptions: Vec<Subscription>,
    },
    /// Stop forwarding tracks to a client.
    Unsubscribe {
        /// The receiver.
        transport: TransportSid,
        /// What it shall no longer receive.
        tracks: Vec<TrackSid>,
    },
    /// Change what is forwarded of a track.
    ConfigureSubscription {
        /// The receiver.
        transport: TransportSid,
        /// Of which track.
        track: TrackSid,
        /// What is wanted now.
        settings: SubscriptionSettings,
    },
    /// Send a message to clients.
    SendData {
        /// The receivers.
        transports: Vec<TransportSid>,
        /// By which channel.
        channel: DataChannel,
        /// The message.
        payload: Vec<u8>,
    },
    /// A message from [`SfuEvent::Data`] has been dealt with, so its client may send as many bytes more.
    DataTaken {
        /// Whose.
        transport: TransportSid,
        /// How many.
        bytes: usize,
    },
    /// Forget a client.
    CloseTransport {
        /// Which.
        transport: TransportSid,
    },
}

/// What an offer was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// SDP.
    pub sdp: String,
    /// The track on each m-line in use, by its mid, in both directions.
    pub tracks_by_mid: Vec<(String, TrackSid)>,
}

/// A node's answer to a command that worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SfuReply {
    /// It is done, or under way.
    Done,
    /// To [`SfuCommand::Offer`].
    Answer(Answer),
}

/// A node's answer to a command that did not work.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum SfuRefusal {
    /// The transport is unknown or gone.
    #[error("unknown transport")]
    UnknownTransport,
    /// The offer cannot be answered; says why in words for the client.
    #[error("the offer is not acceptable: {0}")]
    BadOffer(String),
    /// The node has no room for more.
    #[error("the node is full")]
    Full,
    /// The node has no such bridge, or it has ended.
    #[error("no such bridge")]
    NoSuchBridge,
    /// A bridge's leg has no offers and no video.
    #[error("a bridge carries sound alone and makes no offers")]
    NotOnABridge,
}

/// Why a transport ended without being told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransportFailure {
    /// The client never came, or its handshake did not finish in time.
    HandshakeTimeout,
    /// The handshake failed, or the certificate was not the announced one.
    HandshakeFailed,
    /// Nothing was heard of the client for too long.
    ConsentLost,
    /// The client said goodbye.
    ClosedByPeer,
    /// The client broke the rules of the data channels, such as the largest size of a message.
    ProtocolViolation,
    /// It was a bridge's leg, and the bridge has ended.
    BridgeEnded,
}

/// Loudness of one track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpeakerLevel {
    /// The track.
    pub track: TrackSid,
    /// 0.0 to 1.0.
    pub level: f32,
}

/// What a node reports about a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SfuEvent {
    /// Media and data flow.
    Connected {
        /// For whom.
        transport: TransportSid,
    },
    /// The transport is gone.
    Failed {
        /// Whose.
        transport: TransportSid,
        /// Why.
        reason: TransportFailure,
    },
    /// The client must offer again so that its subscriptions change.
    SectionsNeeded {
        /// Which client.
        transport: TransportSid,
        /// What its next offer must hold beyond the last.
        sections: SectionsNeeded,
    },
    /// The client decodes no codec that these tracks come in. All of its subscriptions of which that is true, in place of
    /// those named before; sent when it changed.
    Unreceivable {
        /// Which client.
        transport: TransportSid,
        /// What it cannot be shown.
        tracks: Vec<TrackSid>,
    },
    /// The first packet of a track arrived.
    TrackStarted {
        /// Which.
        track: TrackSid,
    },
    /// A client sent a message. Reliable ones must be answered with [`SfuCommand::DataTaken`].
    Data {
        /// From whom.
        transport: TransportSid,
        /// By which channel.
        channel: DataChannel,
        /// The message.
        payload: Vec<u8>,
    },
    /// Loudness over the last interval, loudest first, silent tracks left out. Sent when it changed.
    Speakers {
        /// The loud ones of one shard or bridge.
        levels: Vec<SpeakerLevel>,
        /// Which of them counted: levels replace the last ones of the same source.
        source: u16,
    },
}
