// SPDX-License-Identifier: EUPL-1.2
//! What goes into and comes out of a shard besides datagrams: commands from the node's control, events to it, and
//! messages between shards.

use bytes::Bytes;

use crate::ids::{Layer, ShardId, SpeakerGroup, TrackId, TransportId};
use crate::media_packet::MediaPacket;
use crate::rtcp::SenderClock;
use crate::session::{IceCredentials, Session, TransportSetup};

/// The two data channels of a client by what they promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataChannel {
    /// Ordered, retransmitted until it arrives; label `_reliable`.
    Reliable,
    /// Unordered, never retransmitted; label `_lossy`.
    Lossy,
}

/// What one receiver wants of one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionSettings {
    /// Nothing is forwarded while set.
    pub is_paused: bool,
    /// The largest layer worth sending.
    pub max_layer: Layer,
}

impl Default for SubscriptionSettings {
    fn default() -> Self {
        Self { is_paused: false, max_layer: Layer(u8::MAX) }
    }
}

/// An order from the node's control. Orders about things that are already gone are ignored: the shard may have
/// closed them on its own a moment before.
#[derive(Clone, Debug)]
pub enum ShardCommand {
    /// Build a transport that this shard has claimed.
    AddTransport(Box<TransportSetup>),
    /// A renegotiation agreed on other media: tracks and subscriptions that it no longer holds end.
    UpdateSession {
        /// Whose session.
        transport: TransportId,
        /// The media agreed on now.
        session: Session,
    },
    /// ICE credentials changed (RFC 8445 §2.4); the old ones stay valid until the client nominates with the new.
    RestartIce {
        /// Whose credentials.
        transport: TransportId,
        /// Our new side.
        local: IceCredentials,
        /// The client's new side.
        remote: IceCredentials,
    },
    /// Say goodbye (close_notify) and forget the transport with its tracks and subscriptions.
    CloseTransport {
        /// Which.
        transport: TransportId,
    },
    /// Forward the track to the transport by the downlink that its session has for it.
    Subscribe {
        /// The receiver.
        transport: TransportId,
        /// What it wants to receive.
        track: TrackId,
        /// The shard that the track's publisher is heard on.
        home: ShardId,
    },
    /// Stop forwarding.
    Unsubscribe {
        /// The receiver.
        transport: TransportId,
        /// What it no longer receives.
        track: TrackId,
    },
    /// Change what is forwarded.
    ConfigureSubscription {
        /// The receiver.
        transport: TransportId,
        /// Of which track.
        track: TrackId,
        /// What it wants now.
        settings: SubscriptionSettings,
    },
    /// Drop everything that the publisher sends on the track while `is_muted`.
    MuteTrack {
        /// Which.
        track: TrackId,
        /// From now on.
        is_muted: bool,
    },
    /// Send one message over the data channels of several transports.
    SendData {
        /// The receivers that this shard owns.
        transports: Vec<TransportId>,
        /// By which channel.
        channel: DataChannel,
        /// The message.
        payload: Bytes,
    },
    /// The reader of [`ShardEvent::Data`] has dealt with that many bytes, so the client may send as many more.
    DataTaken {
        /// Whose bytes.
        transport: TransportId,
        /// How many.
        bytes: usize,
    },
}

/// Why a transport ended without being told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportFailure {
    /// ICE came up but DTLS did not in time.
    HandshakeTimeout,
    /// The handshake failed, or the certificate was not the announced one.
    HandshakeFailed,
    /// No valid STUN check for too long (RFC 7675).
    ConsentLost,
    /// The client said goodbye.
    ClosedByPeer,
    /// The client broke the rules of the data channels, such as the largest size of a message.
    ProtocolViolation,
}

/// What the node's control must know.
#[derive(Clone, Debug)]
pub enum ShardEvent {
    /// DTLS is up: media and data flow.
    Connected {
        /// Which transport.
        transport: TransportId,
    },
    /// The transport is gone, with its tracks and subscriptions.
    Failed {
        /// Which transport.
        transport: TransportId,
        /// Why.
        reason: TransportFailure,
    },
    /// The client sent a message. Reliable ones count against the client's allowance until
    /// [`ShardCommand::DataTaken`] gives the bytes back.
    Data {
        /// From whom.
        transport: TransportId,
        /// By which channel.
        channel: DataChannel,
        /// The message.
        payload: Bytes,
    },
    /// The first packet of a track was forwarded or could have been.
    TrackStarted {
        /// Which.
        track: TrackId,
    },
    /// Loudness of a group's tracks over the last interval, loudest first, silent tracks left out.
    Speakers {
        /// Which tracks were compared.
        group: SpeakerGroup,
        /// Track and loudness from 0.0 to 1.0.
        levels: Vec<(TrackId, f32)>,
    },
}

/// What shards tell each other. A message about a track that is gone is ignored.
#[derive(Clone, Debug)]
pub enum ShardMessage {
    /// The sender wants the track's packets.
    JoinAudience {
        /// Which track.
        track: TrackId,
    },
    /// The sender has no subscription to the track any more.
    LeaveAudience {
        /// Which track.
        track: TrackId,
    },
    /// A packet of a track, decrypted and annotated.
    Media {
        /// Of which track.
        track: TrackId,
        /// The packet.
        packet: Box<MediaPacket>,
    },
    /// How the publisher's RTP time maps to its wall clock, from its sender report.
    SenderClock {
        /// Of which track.
        track: TrackId,
        /// Of which layer.
        layer: Layer,
        /// The mapping.
        clock: SenderClock,
    },
    /// A subscription of the sender's needs a keyframe.
    RequestKeyframe {
        /// Of which track.
        track: TrackId,
        /// Of which layer.
        layer: Layer,
    },
    /// The track ended at its publisher.
    TrackEnded {
        /// Which.
        track: TrackId,
    },
    /// A datagram for a transport that the receiver owns, heard by another shard's socket.
    Datagram {
        /// Where it came from.
        source: std::net::SocketAddr,
        /// Its bytes.
        datagram: Bytes,
    },
}
