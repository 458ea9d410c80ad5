// SPDX-License-Identifier: EUPL-1.2
//! Rooms through their front door, on a clock of the test's own.

mod administration;
mod callers_shown;
mod calling;
mod consent;
mod data;
mod lifetime;
mod meeting;
mod membership;
mod milestones;
mod negotiating;
mod publishing;
mod speaking;
mod subscribing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{
    Answer, DataChannel, MediaKind, ParticipantSid, SfuCommand, SfuEvent, TrackSid, TransportFailure, TransportSid,
};

use super::Room;
use crate::auth::grants::{TrackSource, VideoGrants};
use crate::rooms::details::Details;
use crate::rooms::ids::Ids;
use crate::rooms::info::{
    ClientFeatures, DisconnectReason, Encryption, ParticipantInfo, ParticipantKind, ParticipantState, Profile,
    RoomSettings, TrackInfo,
};
use crate::rooms::input::{
    AddTrack, Connection, Control, ControlId, DataPacket, IncomingData, Input, Join, Now, Offer, Request, Resume,
    SessionId,
};
use crate::rooms::output::{
    AfterLeave, ControlError, ControlReply, DataDrop, Joined, Milestone, Notice, OutgoingData, Output, Report,
};

/// A room and everything it has said and not yet been asked for.
struct Fixture {
    room: Room,
    now: Now,
    next_session: u64,
    notices: BTreeMap<SessionId, Vec<Notice>>,
    ended: Vec<SessionId>,
    commands: Vec<SfuCommand>,
    offers: Vec<(TransportSid, u32)>,
    data: Vec<(Vec<TransportSid>, OutgoingData)>,
    replies: Vec<Result<ControlReply, ControlError>>,
    left: Vec<DisconnectReason>,
    told_words: Vec<(Vec<TransportSid>, &'static str, String)>,
    reports: Vec<Report>,
    milestones: Vec<Milestone>,
    refused_offers: usize,
    dropped_data: Vec<DataDrop>,
    is_closed: bool,
}

/// Somebody in the room.
#[derive(Clone, Debug)]
struct Someone {
    sid: ParticipantSid,
    session: SessionId,
    transport: TransportSid,
}

const SETTINGS: RoomSettings = RoomSettings {
    empty_timeout: Duration::from_secs(300),
    departure_timeout: Duration::from_secs(20),
    max_participants: 0,
};

fn room() -> Fixture {
    room_with(SETTINGS)
}

fn room_with(settings: RoomSettings) -> Fixture {
    let now = Now { instant: Instant::now(), unix: Duration::from_secs(1_700_000_000) };
    Fixture {
        room: Room::new(now, "room".into(), settings, String::new(), Ids::from_seed([1; 32])),
        now,
        next_session: 0,
        notices: BTreeMap::new(),
        ended: Vec::new(),
        commands: Vec::new(),
        offers: Vec::new(),
        data: Vec::new(),
        replies: Vec::new(),
        left: Vec::new(),
        told_words: Vec::new(),
        reports: Vec::new(),
        milestones: Vec::new(),
        refused_offers: 0,
        dropped_data: Vec::new(),
        is_closed: false,
    }
}

/// Somebody who wants in, and may do what a plain token grants.
pub(in crate::rooms) fn joiner(identity: &str) -> Join {
    joiner_with(identity, "{}")
}

fn joiner_with(identity: &str, grants: &str) -> Join {
    let grants: VideoGrants = serde_json::from_str(grants).expect("grants");
    Join {
        session: SessionId(0),
        profile: Profile {
            identity: identity.into(),
            kind: ParticipantKind::Standard,
            kind_details: Vec::new(),
            details: Details { name: identity.to_uppercase(), ..Details::default() },
            permissions: grants.permissions(),
            is_moderator: grants.room_admin,
            client: ClientFeatures::default(),
        },
        connection: Connection::Client,
        caller: None,
        auto_subscribe: true,
        tracks: Vec::new(),
        offer: None,
    }
}

fn joiner_of_kind(identity: &str, kind: ParticipantKind) -> Join {
    let mut join = joiner(identity);
    join.profile.kind = kind;
    join
}

fn camera(cid: &str) -> AddTrack {
    AddTrack {
        cid: cid.into(),
        kind: Some(MediaKind::Video),
        source: TrackSource::Camera,
        name: String::new(),
        is_muted: false,
        width: 1280,
        height: 720,
        layers: Vec::new(),
        encryption: Encryption::None,
        disable_red: false,
        stream: String::new(),
        audio_features: Vec::new(),
        is_backup_codec: false,
    }
}

pub(in crate::rooms) fn microphone(cid: &str) -> AddTrack {
    AddTrack { kind: Some(MediaKind::Audio), source: TrackSource::Microphone, width: 0, height: 0, ..camera(cid) }
}

fn answer(tracks: &[(&str, &TrackSid)]) -> Answer {
    let tracks_by_mid = tracks.iter().map(|(mid, track)| ((*mid).to_owned(), (*track).clone())).collect();
    Answer { sdp: "answer".into(), tracks_by_mid }
}

impl Fixture {
    fn handle(&mut self, input: Input) {
        self.room.handle(self.now, input);
        while let Some(output) = self.room.poll_output() {
            assert!(!self.is_closed, "something follows the end: {output:?}");
            match output {
                Output::Notify { session, notice } => self.notices.entry(session).or_default().push(notice),
                Output::EndSession { session } => self.ended.push(session),
                Output::Sfu(command) => self.commands.push(command),
                Output::Offer { transport, offer, .. } => self.offers.push((transport, offer)),
                Output::SendData { transports, message, .. } => self.data.push((transports, message)),
                Output::Reply { reply, .. } => self.replies.push(reply),
                Output::SendNotice { transports, topic, payload } => self.told_words.push((transports, topic, payload)),
                Output::Report(report) => self.reports.push(report),
                Output::Milestone(milestone) => self.milestones.push(milestone),
                Output::Left(reason) => self.left.push(reason),
                Output::OfferRefused => self.refused_offers += 1,
                Output::DataDropped(reason) => self.dropped_data.push(reason),
                Output::Closed => self.is_closed = true,
            }
        }
    }

    /// Lets time pass, with everything that happens meanwhile.
    fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(at) = self.room.poll_timeout().filter(|at| *at <= end) {
            self.now.unix += at.saturating_duration_since(self.now.instant);
            self.now.instant = self.now.instant.max(at);
            self.handle(Input::Timeout);
            assert!(self.room.poll_timeout().is_none_or(|next| next > at), "a timer does not go away");
        }
        self.now.unix += end.saturating_duration_since(self.now.instant);
        self.now.instant = end;
    }

    fn new_session(&mut self) -> SessionId {
        self.next_session += 1;
        SessionId(self.next_session)
    }

    /// Lets somebody in and has its media connected.
    fn join(&mut self, identity: &str) -> Someone {
        self.join_as(joiner(identity))
    }

    fn join_as(&mut self, join: Join) -> Someone {
        let someone = self.enter(join).expect("let in");
        self.handle(Input::Sfu(SfuEvent::Connected { transport: someone.transport.clone() }));
        someone
    }

    /// Lets somebody in, or hears why not.
    fn enter(&mut self, mut join: Join) -> Result<Someone, Notice> {
        let session = self.new_session();
        join.session = session;
        self.handle(Input::Join(Box::new(join)));
        let first = self.notices.entry(session).or_default().remove(0);
        let Notice::Joined(joined) = &first else { return Err(first) };
        let sid = joined.participant.sid.clone();
        self.notices.entry(session).or_default().insert(0, first);
        let Some(Notice::Joined(joined)) = self.notices.get(&session).and_then(|told| told.first()) else {
            panic!("nothing was said");
        };
        let transport = joined.transport.clone();
        let is_opened = self.commands.iter().any(|command| match command {
            SfuCommand::OpenTransport { transport: opened, participant, .. } => {
                *opened == transport && *participant == sid
            }
            SfuCommand::OpenBridgeLeg { transport: opened, .. } => *opened == transport,
            _ => false,
        });
        assert!(is_opened, "a transport that the SFU has not heard of");
        Ok(Someone { sid, session, transport })
    }

    fn resume(&mut self, identity: &str, sid: &ParticipantSid) -> SessionId {
        let session = self.new_session();
        let resume = Resume { session, identity: identity.into(), participant: sid.clone(), sync: None };
        self.handle(Input::Resume(resume));
        session
    }

    fn request(&mut self, who: &Someone, request: Request) {
        self.handle(Input::Request { session: who.session, request });
    }

    fn control(&mut self, control: Control) -> Result<ControlReply, ControlError> {
        self.handle(Input::Control { id: ControlId(7), control });
        self.replies.pop().expect("a reply")
    }

    /// Has the SFU answer the newest offer of somebody with these tracks on its m-lines.
    fn negotiate(&mut self, who: &Someone, id: u32, tracks: &[(&str, &TrackSid)]) {
        self.request(who, Request::Offer(Offer { id, sdp: "offer".into() }));
        self.answer(who, id, tracks);
    }

    fn answer(&mut self, who: &Someone, id: u32, tracks: &[(&str, &TrackSid)]) {
        let outcome = Ok(answer(tracks));
        self.handle(Input::Answered { transport: who.transport.clone(), offer: id, outcome });
    }

    /// Announces a track and says how it is called.
    fn add_track(&mut self, who: &Someone, track: AddTrack) -> TrackSid {
        let cid = track.cid.clone();
        self.request(who, Request::AddTrack(track));
        let published = self.told(who).into_iter().find_map(|notice| match notice {
            Notice::TrackPublished { cid: published, track } if published == cid => Some(track.sid),
            _ => None,
        });
        published.expect("a published track")
    }

    /// Announces a track and negotiates its m-line.
    fn publish(&mut self, who: &Someone, track: AddTrack) -> TrackSid {
        let track = self.add_track(who, track);
        let mut tracks = self.own_tracks(who);
        tracks.push(track.clone());
        let tracks: Vec<_> = tracks.iter().map(|track| (track.as_str(), track)).collect();
        self.negotiate(who, 0, &tracks);
        track
    }

    fn own_tracks(&self, who: &Someone) -> Vec<TrackSid> {
        self.room
            .participants
            .get(&who.sid)
            .map(|who| who.info.tracks.iter().map(|track| track.sid.clone()).collect())
            .unwrap_or_default()
    }

    /// All that somebody was told since it was last asked.
    fn told(&mut self, who: &Someone) -> Vec<Notice> {
        self.told_to(who.session)
    }

    fn told_to(&mut self, session: SessionId) -> Vec<Notice> {
        self.notices.remove(&session).unwrap_or_default()
    }

    /// What somebody was told about participants, the oldest first.
    fn updates(&mut self, who: &Someone) -> Vec<Arc<ParticipantInfo>> {
        let told = self.told(who).into_iter();
        told.flat_map(|notice| if let Notice::Participants(infos) = notice { infos } else { Vec::new() }).collect()
    }

    /// The last that somebody was told about somebody.
    fn update(&mut self, who: &Someone, of: &Someone) -> Option<Arc<ParticipantInfo>> {
        self.updates(who).into_iter().rfind(|info| info.sid == of.sid)
    }

    fn ordered(&mut self) -> Vec<SfuCommand> {
        std::mem::take(&mut self.commands)
    }

    /// The tracks that the SFU was told to forward to somebody, and those to stop forwarding.
    fn forwarded(&mut self, to: &Someone) -> (Vec<TrackSid>, Vec<TrackSid>) {
        let (mut started, mut stopped) = (Vec::new(), Vec::new());
        for command in self.ordered() {
            match command {
                SfuCommand::Subscribe { transport, subscriptions } if transport == to.transport => {
                    started.extend(subscriptions.into_iter().map(|subscription| subscription.track));
                }
                SfuCommand::Unsubscribe { transport, tracks } if transport == to.transport => stopped.extend(tracks),
                _ => {}
            }
        }
        (started, stopped)
    }

    fn forget_all(&mut self) {
        self.notices.clear();
        self.commands.clear();
        self.data.clear();
        self.left.clear();
        self.milestones.clear();
    }
}

/// The notice that tells somebody to leave, if there is one.
fn farewell(told: &[Notice]) -> Option<(DisconnectReason, AfterLeave)> {
    told.iter().find_map(|notice| match notice {
        Notice::Leave { reason, then } => Some((*reason, *then)),
        _ => None,
    })
}
