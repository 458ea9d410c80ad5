// SPDX-License-Identifier: EUPL-1.2
//! One room, as a state machine: [`Room::handle`] takes what happened, [`Room::poll_output`] gives what is to be done.
//!
//! No I/O, no clock, no LiveKit messages. Each folder-mate does one thing that a room does; this file holds what they
//! share.

mod callers;
mod consent;
mod control;
mod data;
mod data_allowance;
mod departures;
mod joining;
mod leaving;
mod lifetime;
pub(crate) mod meeting;
mod muting;
mod negotiation;
mod participant;
mod permissions;
mod requests;
mod speakers;
mod standings;
mod subscriptions;
#[cfg(test)]
pub(in crate::rooms) mod tests;
mod tracks;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{ParticipantSid, RoomSid, SfuCommand, SfuEvent, TrackSid, TransportSid};
use tracing::debug;

use self::departures::Departures;
use self::lifetime::{Timer, Timers};
use self::participant::Participant;
use self::speakers::Speakers;
use self::standings::Standing;
use crate::rooms::chat::ChatLog;
use crate::rooms::ids::Ids;
use crate::rooms::info::{Identity, ParticipantInfo, ParticipantKind, RoomInfo, RoomSettings};
use crate::rooms::input::{Input, Now, SessionId};
use crate::rooms::output::{Notice, Output};
use crate::rooms::policy::RoomPolicy;

/// One life of a room, from its first participant (or its creation) until it has been empty for a while.
pub(crate) struct Room {
    sid: RoomSid,
    name: Arc<str>,
    settings: RoomSettings,
    policy: RoomPolicy,
    metadata: Arc<str>,
    /// Since 1970.
    created_at: Duration,
    ids: Ids,
    participants: BTreeMap<ParticipantSid, Participant>,
    identities: HashMap<Identity, ParticipantSid>,
    sessions: HashMap<SessionId, ParticipantSid>,
    transports: HashMap<TransportSid, ParticipantSid>,
    /// Who publishes it.
    tracks: HashMap<TrackSid, ParticipantSid>,
    speakers: Speakers,
    standings: HashMap<Identity, Standing>,
    /// The place of the hand that was raised last.
    last_hand: u64,
    chat: ChatLog,
    timers: Timers,
    /// Since when nobody is there to keep it open, and how long that may last.
    idle: Option<(Instant, Idle)>,
    /// Whom the others must be told about, and whether itself too.
    changed: BTreeMap<ParticipantSid, Told>,
    /// Who the others must be told is gone.
    departed: Vec<Arc<ParticipantInfo>>,
    /// Those of the last time who are, for whoever was not listening.
    departures: Departures,
    /// When everybody last heard about the room itself.
    room_told_at: Option<Instant>,
    /// The time of the last input.
    now: Instant,
    /// The same since 1970.
    unix: Duration,
    /// Others see the room otherwise than before.
    has_changed: bool,
    outputs: VecDeque<Output>,
    is_closed: bool,
}

/// Why nobody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Idle {
    /// Nobody came yet.
    New,
    /// The last one left.
    Left,
}

/// Who is told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// The others.
    Others,
    /// The participant too.
    Everyone,
}

impl Room {
    /// An empty room. `ids` makes the names of all that will be in it.
    pub(crate) fn new(now: Now, name: Arc<str>, settings: RoomSettings, metadata: String, mut ids: Ids) -> Self {
        let mut room = Self {
            sid: ids.room(),
            name,
            settings,
            policy: RoomPolicy::default(),
            metadata: metadata.into(),
            created_at: now.unix,
            ids,
            participants: BTreeMap::new(),
            identities: HashMap::new(),
            sessions: HashMap::new(),
            transports: HashMap::new(),
            tracks: HashMap::new(),
            speakers: Speakers::default(),
            standings: HashMap::new(),
            last_hand: 0,
            chat: ChatLog::default(),
            timers: Timers::default(),
            idle: None,
            changed: BTreeMap::new(),
            departed: Vec::new(),
            departures: Departures::default(),
            room_told_at: None,
            now: now.instant,
            unix: now.unix,
            has_changed: false,
            outputs: VecDeque::new(),
            is_closed: false,
        };
        room.become_idle(now, Idle::New);
        room
    }

    pub(crate) fn sid(&self) -> &RoomSid {
        &self.sid
    }

    /// Takes what happened. Call [`Self::poll_output`] until it is empty afterwards.
    pub(crate) fn handle(&mut self, now: Now, input: Input) {
        if self.is_closed {
            return self.handle_after_close(input);
        }
        (self.now, self.unix) = (now.instant, now.unix);
        match input {
            Input::Join(join) => self.join(now, *join),
            Input::Resume(resume) => self.resume(resume),
            Input::Request { session, request } => self.request(now, session, request),
            Input::SessionEnded { session } => self.session_ended(now, session),
            Input::Sfu(event) => self.sfu_event(now, event),
            Input::Data(data) => self.data(data),
            Input::Answered { transport, offer, outcome } => self.answered(now, &transport, offer, outcome),
            Input::TransportRefused { transport, is_full } => self.transport_refused(now, &transport, is_full),
            Input::NodeLost => self.node_lost(now),
            Input::Control { id, control } => self.control(now, id, control),
            Input::Close(reason) => self.close(now, reason),
            Input::Timeout => self.timeout(now),
        }
        self.flush();
    }

    /// The next thing to be done.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Timeout`], if nothing else happens before.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What others are told about the room.
    pub(crate) fn info(&self) -> RoomInfo {
        let visible = || self.participants.values().filter(|participant| !participant.is_hidden());
        RoomInfo {
            sid: self.sid.clone(),
            name: self.name.clone(),
            settings: self.settings,
            metadata: self.metadata.clone(),
            created_at: self.created_at,
            num_participants: count(visible()),
            num_places_taken: count(self.participants.values().filter(|other| !other.profile.kind.is_dependent())),
            num_publishers: count(visible().filter(|participant| participant.has_published_tracks())),
            num_moderators: count(self.participants.values().filter(|participant| participant.profile.is_moderator)),
            num_telephones: count(visible().filter(|participant| participant.profile.kind == ParticipantKind::Sip)),
            has_recorder: self.has_recorder(),
            announce: self.policy.announce,
        }
    }

    /// What others are told about the room, if that has changed since this was last called.
    pub(crate) fn take_changed_info(&mut self) -> Option<RoomInfo> {
        std::mem::take(&mut self.has_changed).then(|| self.info())
    }

    fn sfu_event(&mut self, now: Now, event: SfuEvent) {
        match event {
            SfuEvent::Connected { transport } => self.connected(&transport),
            SfuEvent::Failed { transport, reason } => self.transport_failed(now, &transport, reason),
            SfuEvent::SectionsNeeded { transport, sections } => self.sections_needed(now, &transport, sections),
            SfuEvent::Unreceivable { transport, tracks } => self.unreceivable(&transport, tracks),
            SfuEvent::Speakers { levels, source } => self.speaker_levels(now, source, levels),
            // A track is announced as soon as its m-line is there: one that is muted sends nothing for a long time.
            SfuEvent::TrackStarted { .. } => {}
            SfuEvent::Data { .. } => debug!("a data message was not opened before it came here"),
        }
    }

    fn notify(&mut self, participant: &ParticipantSid, notice: Notice) {
        let told = self.participants.get(participant).filter(|participant| participant.is_told(&notice));
        // Who has no websocket at the moment hears all that matters when it resumes.
        if let Some(session) = told.and_then(|participant| participant.session) {
            self.outputs.push_back(Output::Notify { session, notice });
        }
    }

    fn order(&mut self, command: SfuCommand) {
        self.outputs.push_back(Output::Sfu(command));
    }

    /// Has the others told about a participant, and itself too if `told` says so.
    fn mark_changed(&mut self, participant: &ParticipantSid, told: Told) {
        let entry = self.changed.entry(participant.clone()).or_insert(told);
        *entry = (*entry).max(told);
    }

    /// Tells everybody what changed. Who left comes first, so that its identity is free for whoever takes it.
    fn flush(&mut self) {
        let departed = std::mem::take(&mut self.departed);
        let changed = self.take_due_changes();
        if departed.is_empty() && changed.is_empty() {
            return;
        }
        for farewell in &departed {
            self.departures.remember(self.now, farewell);
        }
        for (sid, recipient) in &self.participants {
            let Some(session) = recipient.session else { continue };
            // A client takes whatever bears its own identity for news about itself.
            let gone = departed.iter().filter(|info| info.profile.identity != recipient.profile.identity).cloned();
            let news = changed.iter().filter(|(info, told)| match *told {
                _ if info.sid != *sid => !info.profile.permissions.is_hidden,
                told => told == Told::Everyone,
            });
            let infos: Vec<_> = gone.chain(news.map(|(info, _)| info.clone())).collect();
            if !infos.is_empty() {
                self.outputs.push_back(Output::Notify { session, notice: Notice::Participants(infos) });
            }
        }
    }

    /// Who has changed and may be told about, with a new version. Somebody who changes all the time must wait, since
    /// everybody in the room hears of it each time.
    fn take_due_changes(&mut self) -> Vec<(Arc<ParticipantInfo>, Told)> {
        let mut due = Vec::new();
        for (sid, told) in std::mem::take(&mut self.changed) {
            let Some(participant) = self.participants.get_mut(&sid) else { continue };
            match participant.next_update().filter(|at| *at > self.now) {
                Some(at) => {
                    self.changed.insert(sid, told);
                    self.schedule(at, Timer::Update);
                }
                None => {
                    participant.renew_info(self.now);
                    due.push((participant.info.clone(), told));
                }
            }
        }
        due
    }

    /// Whether others see somebody of that identity.
    fn is_seen(&self, identity: &Identity) -> bool {
        let sid = self.identities.get(identity);
        sid.and_then(|sid| self.participants.get(sid)).is_some_and(|participant| !participant.is_hidden())
    }

    /// Everybody whom `recipient` may know of, itself left out.
    fn others(&self, recipient: &ParticipantSid) -> Vec<Arc<ParticipantInfo>> {
        let others = self.participants.values().filter(|other| other.sid != *recipient);
        others.filter(|other| !other.is_hidden()).map(|other| other.info.clone()).collect()
    }

    fn participant_of_transport(&self, transport: &TransportSid) -> Option<ParticipantSid> {
        self.transports.get(transport).cloned()
    }

    fn schedule(&mut self, at: Instant, timer: Timer) {
        self.timers.add(at, timer);
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
