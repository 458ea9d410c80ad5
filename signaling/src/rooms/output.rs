// SPDX-License-Identifier: EUPL-1.2
//! What a room wants done: tell a session, order an SFU node, answer an administrator.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{DataChannel, ParticipantSid, SectionsNeeded, SfuCommand, TrackSid, TransportSid};

use crate::auth::grants::Permissions;
use crate::rooms::caller_rule::CallerFacts;
use crate::rooms::chat::{ChatChange, ChatMessage};
use crate::rooms::details::Details;
use crate::rooms::info::{DisconnectReason, Identity, ParticipantInfo, RoomInfo, TrackInfo};
use crate::rooms::input::{AddTrack, ControlId, DataPacket, Destination, SessionId};

/// Something to be done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Tell a session.
    Notify { session: SessionId, notice: Notice },
    /// Say no more to a session; its websocket closes after what it was told.
    EndSession { session: SessionId },
    /// Order the room's SFU node.
    Sfu(SfuCommand),
    /// Have an offer answered, and report the answer.
    Offer { transport: TransportSid, offer: u32, sdp: String },
    /// Send a message over data channels.
    SendData { transports: Vec<TransportSid>, channel: DataChannel, message: OutgoingData },
    /// Answer an administrator.
    Reply { id: ControlId, reply: Result<ControlReply, ControlError> },
    /// Somebody is gone.
    Left(DisconnectReason),
    /// Send words of the server's own over data channels.
    SendNotice { transports: Vec<TransportSid>, topic: &'static str, payload: String },
    /// Tell whoever opened the room for a meeting.
    Report(Report),
    /// Tell whoever follows all rooms.
    Milestone(Milestone),
    /// Count an offer that could not be answered.
    OfferRefused,
    /// Count a message that went no further.
    DataDropped(DataDrop),
    /// The room is over. Nothing follows.
    Closed,
}

/// What a session is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notice {
    /// First of all: you are in.
    Joined(Box<Joined>),
    /// First of all on a new websocket: you are still in.
    Resumed {
        last_data_sequence: u32,
    },
    Participants(Vec<Arc<ParticipantInfo>>),
    Room(Box<RoomInfo>),
    Answer(SessionAnswer),
    SectionsNeeded(SectionsNeeded),
    TrackPublished {
        cid: String,
        track: Box<TrackInfo>,
    },
    TrackUnpublished(TrackSid),
    /// Somebody receives the track for the first time.
    TrackSubscribed(TrackSid),
    /// An administrator muted the track.
    Muted {
        track: TrackSid,
        is_muted: bool,
    },
    SubscriptionAllowed {
        publisher: ParticipantSid,
        track: TrackSid,
        is_allowed: bool,
    },
    SubscriptionFailed {
        track: TrackSid,
        why: SubscriptionFailure,
    },
    Speakers(Vec<Speaker>),
    /// What became of a request.
    Answered {
        request_id: u32,
        outcome: RequestOutcome,
        message: &'static str,
        add_track: Option<Box<AddTrack>>,
    },
    /// The others see what a caller has said to being recorded.
    ConsentNoted(bool),
    /// Words of the server's own, for somebody who has no data channels to hear them by.
    Words {
        topic: &'static str,
        payload: String,
    },
    /// The token must be renewed, since what it says has changed or grows old.
    RenewToken(Box<TokenContent>),
    /// Whoever joins anew uses another token: with this one's content for another room, or this one.
    Moved(Destination, Box<TokenContent>),
    /// Go, and then do as told.
    Leave {
        reason: DisconnectReason,
        then: AfterLeave,
    },
}

/// Why somebody does not receive a track that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriptionFailure {
    /// There is none of that name.
    NoSuchTrack,
    /// Its client decodes no codec that the track comes in.
    NoDecoder,
}

/// What somebody who is in must know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Joined {
    pub(crate) room: RoomInfo,
    pub(crate) participant: Arc<ParticipantInfo>,
    pub(crate) others: Vec<Arc<ParticipantInfo>>,
    /// What their media goes over.
    pub(crate) transport: TransportSid,
}

/// The answer to an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionAnswer {
    /// Of the offer.
    pub(crate) id: u32,
    pub(crate) sdp: String,
    /// Which track arrives on which m-line.
    pub(crate) tracks_by_mid: BTreeMap<String, TrackSid>,
}

/// How loud somebody is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Speaker {
    pub(crate) participant: ParticipantSid,
    /// 0.0 to 1.0, in eighths.
    pub(crate) level: f32,
    pub(crate) is_active: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestOutcome {
    Ok,
    NotAllowed,
    NotFound,
    LimitExceeded,
    UnsupportedType,
    InvalidRequest,
}

/// What a client does after it was told to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterLeave {
    /// Stay away.
    Disconnect,
    /// Join anew.
    Reconnect,
}

/// What a renewed token must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenContent {
    pub(crate) details: Details,
    pub(crate) permissions: Permissions,
    /// What is known of a caller who is sent to another room, of which that room shows what it wants. No token says it.
    pub(crate) caller: Option<CallerFacts>,
}

/// A message to go out, and whom it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutgoingData {
    pub(crate) packet: DataPacket,
    pub(crate) channel: DataChannel,
    /// `None` is nobody to be named.
    pub(crate) sender: Option<(Identity, ParticipantSid)>,
}

/// Why a message from a data channel went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataDrop {
    /// It is no packet, or too long for one.
    Malformed,
    /// Its sender may not send it.
    NotAllowed,
    /// It came before.
    Repeated,
    /// Its sender sends too much.
    TooMuch,
}

impl DataDrop {
    /// The reason as it stands in a metric's label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAllowed => "not_allowed",
            Self::Repeated => "repeated",
            Self::TooMuch => "too_much",
        }
    }
}

/// What an administrator is answered.
#[derive(Debug, PartialEq)]
pub(crate) enum ControlReply {
    Done,
    Room(RoomInfo),
    Participant(Arc<ParticipantInfo>),
    Caller(Option<CallerFacts>),
    Participants(Vec<Arc<ParticipantInfo>>),
    Track(Box<TrackInfo>),
    Overview(Vec<Overview>),
    Chat(Vec<ChatMessage>),
}

/// Somebody who is there, as moderators see them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overview {
    pub(crate) info: Arc<ParticipantInfo>,
    /// Whether they may open the microphone.
    pub(crate) may_unmute: bool,
}

/// What happened in a room that was opened for a meeting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Report {
    /// Somebody came.
    Joined { identity: Identity, is_moderator: bool },
    /// Somebody is gone.
    Left { identity: Identity },
    /// A caller agrees to being recorded, or does not any more.
    Consent { identity: Identity, is_given: bool },
    /// Something was written that is to outlive the room, or changed.
    Chat(ChatChange),
    /// The room is over.
    Closed(DisconnectReason),
}

/// What happens in any room, as software outside follows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Milestone {
    /// There is the room.
    Started,
    /// Somebody's media flow for the first time.
    Joined(Arc<ParticipantInfo>),
    /// Somebody is gone whose media flowed.
    Left(Arc<ParticipantInfo>),
    /// Somebody is gone whose media never did.
    Aborted(Arc<ParticipantInfo>),
    /// There is a track.
    Published { publisher: Arc<ParticipantInfo>, track: Box<TrackInfo> },
    /// There was one.
    Unpublished { publisher: Arc<ParticipantInfo>, track: Box<TrackInfo> },
    /// The room is over.
    Finished(DisconnectReason),
}

/// Somebody who follows what happens in all rooms.
pub(crate) trait Follower: Send + Sync {
    /// Takes note of something. The room waits meanwhile, so it must not take long.
    fn happened(&self, room: &RoomInfo, milestone: &Milestone);
}

/// Why an administrator gets no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlError {
    NoSuchParticipant,
    NoSuchTrack,
    TooLong(crate::rooms::details::TooLong),
    /// Only the publisher opens its own microphone.
    RemoteUnmute,
    /// The room is over.
    RoomClosed,
}
