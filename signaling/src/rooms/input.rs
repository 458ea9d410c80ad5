// SPDX-License-Identifier: EUPL-1.2
//! What a room can be told: by a session, by an SFU node, by an administrator.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Answer, DataChannel, MediaKind, ParticipantSid, SfuEvent, TrackSid, TransportSid};

use crate::auth::grants::{Permissions, TrackSource};
use crate::rooms::caller_rule::CallerFacts;
use crate::rooms::chat::DataContent;
use crate::rooms::details::DetailsChange;
use crate::rooms::info::{DisconnectReason, Encryption, Identity, Layer, Profile, Quality, RoomSettings};
use crate::rooms::policy::RoomPolicy;

/// The time, for timers and for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    /// Since 1970.
    pub(crate) unix: Duration,
}

/// One websocket. A participant that resumes has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(pub(crate) u64);

/// Whom an answer to a [`Control`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ControlId(pub(crate) u64);

/// Something happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// Somebody wants in.
    Join(Box<Join>),
    /// Somebody who is in has a new websocket.
    Resume(Resume),
    /// Somebody asks for something.
    Request { session: SessionId, request: Request },
    /// A websocket is gone.
    SessionEnded { session: SessionId },
    /// An SFU node reports, other than [`SfuEvent::Data`].
    Sfu(SfuEvent),
    /// A message came over a data channel.
    Data(IncomingData),
    /// An offer was answered, or could not be.
    Answered { transport: TransportSid, offer: u32, outcome: Result<Answer, OfferFailure> },
    /// The SFU node took no new transport: it has no room, or else it did not answer.
    TransportRefused { transport: TransportSid, is_full: bool },
    /// The SFU node is gone, and every transport with it.
    NodeLost,
    /// An administrator wants something.
    Control { id: ControlId, control: Control },
    /// The room ends.
    Close(DisconnectReason),
    /// Time has passed.
    Timeout,
}

/// Somebody wants in. Everything has been checked but the room's own rules.
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) session: SessionId,
    pub(crate) profile: Profile,
    pub(crate) connection: Connection,
    /// What is known of somebody whom our own bridge lets in. Of others who call, their details say it.
    pub(crate) caller: Option<CallerFacts>,
    /// Receive whatever is published.
    pub(crate) auto_subscribe: bool,
    /// Tracks announced with the join.
    pub(crate) tracks: Vec<AddTrack>,
    /// An offer that came with the join.
    pub(crate) offer: Option<Offer>,
}

/// How somebody's media comes and goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Connection {
    /// By WebRTC, as their client and the SFU agree.
    #[default]
    Client,
    /// By telephone: a bridge of the SFU node has their sound.
    Telephone {
        /// Which of its bridges, from 0.
        bridge: u16,
    },
}

/// Somebody who is in has a new websocket.
#[derive(Debug)]
pub(crate) struct Resume {
    pub(crate) session: SessionId,
    pub(crate) identity: Identity,
    pub(crate) participant: ParticipantSid,
    pub(crate) sync: Option<SyncState>,
}

/// A client's SDP offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Counts up; 0 is a client that does not count.
    pub(crate) id: u32,
    pub(crate) sdp: String,
}

/// Why an offer was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OfferFailure {
    /// Its content.
    Unacceptable,
    /// The transport is not there any more, or nobody answered.
    TransportGone,
}

/// What a session asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Offer(Offer),
    AddTrack(AddTrack),
    Mute {
        track: TrackSid,
        is_muted: bool,
    },
    Subscribe {
        tracks: Vec<TrackSid>,
        subscribe: bool,
    },
    ConfigureTracks {
        tracks: Vec<TrackSid>,
        wish: TrackWish,
    },
    AllowSubscribers(SubscriptionRules),
    ChangeDetails {
        request_id: u32,
        change: DetailsChange,
    },
    /// A caller's telephone holds the call, or does not any more.
    SetHold(bool),
    /// A caller agrees to being recorded, or does not any more.
    Consent(bool),
    AudioFeatures {
        track: TrackSid,
        features: Vec<i32>,
    },
    VideoSize {
        track: TrackSid,
        width: u32,
        height: u32,
    },
    VideoLayers {
        track: TrackSid,
        layers: Vec<Layer>,
    },
    Sync(SyncState),
    Simulate(Scenario),
    /// The client says goodbye, or has to go.
    Leave(DisconnectReason),
}

/// A track that a client wants to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddTrack {
    /// The client's own name for it.
    pub(crate) cid: String,
    /// `None` is a kind that we do not know.
    pub(crate) kind: Option<MediaKind>,
    pub(crate) source: TrackSource,
    pub(crate) name: String,
    pub(crate) is_muted: bool,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layers: Vec<Layer>,
    pub(crate) encryption: Encryption,
    pub(crate) disable_red: bool,
    pub(crate) stream: String,
    pub(crate) audio_features: Vec<i32>,
    /// A second codec for a track that exists, which we never ask for.
    pub(crate) is_backup_codec: bool,
}

/// In what size a receiver wants a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrackWish {
    /// Not at present.
    pub(crate) is_disabled: bool,
    /// The rung, when no size is given.
    pub(crate) quality: Quality,
    /// The size it is shown in; 0 is not said.
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Whom a publisher lets receive its tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SubscriptionRules {
    Everyone,
    Only(Allowances),
}

/// Who may receive what. A receiver is named in either way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowances {
    pub(crate) participants: HashMap<ParticipantSid, AllowedTracks>,
    pub(crate) identities: HashMap<Identity, AllowedTracks>,
}

/// What one receiver may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AllowedTracks {
    All,
    Only(BTreeSet<TrackSid>),
}

impl AllowedTracks {
    pub(crate) fn contains(&self, track: &TrackSid) -> bool {
        match self {
            Self::All => true,
            Self::Only(tracks) => tracks.contains(track),
        }
    }
}

/// What a client that resumed believes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SyncState {
    /// The tracks it wants, or those it does not want.
    pub(crate) tracks: Vec<TrackSid>,
    pub(crate) subscribe: bool,
    /// Those that it has paused.
    pub(crate) disabled: BTreeSet<TrackSid>,
    /// Those of its own that it knows to be published.
    pub(crate) published: BTreeSet<TrackSid>,
}

/// Trouble that a client asks for, to see how it copes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// To be told to leave.
    ServerLeave,
    /// To be told to connect anew.
    FullReconnect,
}

/// A message from a client's data channel.
#[derive(Debug)]
pub(crate) struct IncomingData {
    pub(crate) transport: TransportSid,
    pub(crate) channel: DataChannel,
    /// What the SFU must be told to have been dealt with.
    pub(crate) bytes: usize,
    /// `None` is nonsense, or nothing to pass on.
    pub(crate) packet: Option<DataPacket>,
}

/// A data packet as far as its way must be known. The rest stays sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataPacket {
    /// Counts up per sender; 0 is not counted.
    pub(crate) sequence: u32,
    /// Receivers; none named means all others.
    pub(crate) identities: Vec<String>,
    pub(crate) participants: Vec<ParticipantSid>,
    /// Whom an agent says it speaks for.
    pub(crate) claimed_identity: String,
    pub(crate) audience: DataAudience,
    pub(crate) content: DataContent,
    /// Everything that is not about its way, as it came.
    pub(crate) sealed: Arc<[u8]>,
}

/// Who may send and receive a kind of packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DataAudience {
    #[default]
    Anyone,
    /// Only agents may send it.
    FromAgents,
    /// Only those who may see metrics receive it.
    ToMetricsReaders,
}

/// What an administrator wants.
#[derive(Debug)]
pub(crate) enum Control {
    ListParticipants,
    GetParticipant(Identity),
    /// What is known of somebody who is there, if they call.
    GetCaller(Identity),
    RemoveParticipant(Identity),
    Mute {
        identity: Identity,
        track: TrackSid,
        is_muted: bool,
    },
    UpdateParticipant {
        identity: Identity,
        change: DetailsChange,
        permissions: Option<Permissions>,
    },
    Subscribe {
        identity: Identity,
        tracks: Vec<TrackSid>,
        subscribe: bool,
    },
    SendData {
        channel: DataChannel,
        packet: DataPacket,
    },
    SetMetadata(String),
    /// Values that are given replace those the room has.
    Configure(RoomChange),
    /// From now on the room allows this.
    SetPolicy(RoomPolicy),
    /// Who is there, with what only moderators see.
    Overview,
    /// What was written to everybody.
    Chat,
    /// Mutes what people publish from these sources; those who moderate only when they are named.
    MuteSources {
        identity: Option<Identity>,
        sources: Vec<TrackSource>,
    },
    /// Whether somebody may open the microphone.
    PermitUnmute {
        identity: Identity,
        is_permitted: bool,
    },
    /// Lowers a hand, or all of them.
    LowerHand(Option<Identity>),
    /// Tells people something in words that their clients understand.
    Tell {
        audience: NoticeAudience,
        topic: &'static str,
        payload: String,
    },
    /// Somebody will come who may, also when it is locked.
    Expect(Identity),
    /// Whether somebody was in a moment ago and may come back, also when it is locked. Of others it is answered that there
    /// is no such participant.
    AwaitsBack(Identity),
    /// Sends somebody to another room.
    Move {
        identity: Identity,
        to: Destination,
    },
}

/// Whom a notice is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoticeAudience {
    Everyone,
    /// Those who administer the room.
    Moderators,
    Only(Identity),
}

/// Where somebody is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To the room of that name, with what their own token says.
    Room(String),
    /// To the room that this token is for.
    Token(String),
}

/// A change to how a room behaves; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoomChange {
    pub(crate) empty_timeout: Option<Duration>,
    pub(crate) departure_timeout: Option<Duration>,
    pub(crate) max_participants: Option<u32>,
    pub(crate) metadata: Option<String>,
}

impl RoomChange {
    /// `settings` after this change.
    pub(crate) fn apply(&self, settings: RoomSettings) -> RoomSettings {
        RoomSettings {
            empty_timeout: self.empty_timeout.unwrap_or(settings.empty_timeout),
            departure_timeout: self.departure_timeout.unwrap_or(settings.departure_timeout),
            max_participants: self.max_participants.unwrap_or(settings.max_participants),
        }
    }
}

/// What subscribers asked of tracks, by track.
pub(crate) type Wishes = HashMap<TrackSid, TrackWish>;
