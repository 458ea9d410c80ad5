// SPDX-License-Identifier: EUPL-1.2
//! Coming in, coming back on a new websocket, and losing a websocket.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bus::{ParticipantSid, TransportSid};
use tracing::debug;

use super::data_allowance::DataAllowance;
use super::lifetime::Timer;
use super::negotiation::Negotiation;
use super::participant::Participant;
use super::{Room, Told, count};
use crate::rooms::chat::ChatStreams;
use crate::rooms::info::{DisconnectReason, ParticipantInfo, ParticipantKind, ParticipantState};
use crate::rooms::input::{Join, Now, Resume, SessionId, SubscriptionRules};
use crate::rooms::output::{AfterLeave, Joined, Milestone, Notice, Output, Report};

/// Longest time from the join until media flows; LiveKit's figure.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long somebody without a websocket stays. Clients try for about 40 s, most of them succeed within 10 s.
pub(super) const SESSION_TIMEOUT: Duration = Duration::from_secs(30);

impl Room {
    /// Lets somebody in, in place of whoever has that identity.
    pub(super) fn join(&mut self, now: Now, mut join: Join) {
        if self.is_full_for(&join) || self.is_locked_for(&join) {
            return self.turn_away(join.session, DisconnectReason::JoinFailure, AfterLeave::Disconnect);
        }
        if let Some(previous) = self.identities.get(&join.profile.identity).cloned() {
            self.remove(now, &previous, DisconnectReason::DuplicateIdentity, Some(AfterLeave::Disconnect));
        }
        self.restore_standing(&mut join.profile);
        if join.profile.kind == ParticipantKind::Sip {
            self.show_caller(&mut join);
        }
        let (sid, transport) = (self.ids.participant(), self.ids.transport());
        let (session, kind, connection) = (join.session, join.profile.kind, join.connection);
        let (identity, is_moderator) = (join.profile.identity.clone(), join.profile.is_moderator);
        let (tracks, offer) = (std::mem::take(&mut join.tracks), join.offer.take());
        let participant = new_participant(now, sid.clone(), transport.clone(), join);
        debug!(room = %self.sid, participant = %sid, "joined");
        self.identities.insert(participant.profile.identity.clone(), sid.clone());
        self.sessions.insert(session, sid.clone());
        self.transports.insert(transport.clone(), sid.clone());
        self.participants.insert(sid.clone(), participant);
        if !kind.is_dependent() {
            self.idle = None;
        }
        self.outputs.push_back(Output::Report(Report::Joined { identity, is_moderator }));
        self.order(connection.opened_by(transport, self.sid.clone(), sid.clone()));
        let microphone = self.make_microphone(&sid, false);
        self.tell_joined(&sid);
        if let Some(participant) = self.participants.get_mut(&sid) {
            participant.state = ParticipantState::Joined;
        }
        self.mark_changed(&sid, Told::Others);
        self.room_changed(now);
        self.schedule(now.instant + CONNECT_TIMEOUT, Timer::Connect(sid.clone()));
        self.renew_token(&sid);
        self.schedule_token_renewal(now, &sid);
        for track in tracks {
            self.add_track(&sid, track);
        }
        // Before the offer, so that its answer shows all that its m-lines have room for and no second one is needed.
        self.reconcile_all(&sid);
        if let Some(microphone) = microphone {
            self.tracks_changed(now, &sid, &[microphone]);
        }
        if let Some(offer) = offer {
            self.offer(now, &sid, offer);
        }
    }

    fn is_full_for(&self, join: &Join) -> bool {
        let limit = self.settings.max_participants;
        let others = self.participants.values().filter(|other| other.profile.identity != join.profile.identity);
        // Somebody must be able to keep order, and to end it.
        limit > 0
            && !join.profile.is_moderator
            && !join.profile.kind.is_dependent()
            && count(others.filter(|other| !other.profile.kind.is_dependent())) >= limit
    }

    fn turn_away(&mut self, session: SessionId, reason: DisconnectReason, then: AfterLeave) {
        self.outputs.push_back(Output::Notify { session, notice: Notice::Leave { reason, then } });
        self.outputs.push_back(Output::EndSession { session });
    }

    fn tell_joined(&mut self, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get(sid) else { return };
        let joined = Joined {
            room: self.info(),
            participant: participant.current().into(),
            others: self.others(sid),
            transport: participant.transport.clone(),
        };
        self.notify(sid, Notice::Joined(Box::new(joined)));
    }

    /// Gives somebody who is in a new websocket, and tells it everything it may have missed on the old one.
    pub(super) fn resume(&mut self, resume: Resume) {
        let Resume { session, identity, participant: sid, sync } = resume;
        let is_meant = |who: &Participant| who.profile.identity == identity && !who.is_caller();
        let known = self.participants.get_mut(&sid).filter(|participant| is_meant(participant));
        let Some(participant) = known else {
            return self.turn_away(session, DisconnectReason::StateMismatch, AfterLeave::Reconnect);
        };
        let last_data_sequence = participant.last_data_sequence;
        participant.session_lost_at = None;
        if let Some(previous) = participant.session.replace(session) {
            self.sessions.remove(&previous);
            self.outputs.push_back(Output::EndSession { session: previous });
        }
        self.sessions.insert(session, sid.clone());
        debug!(room = %self.sid, participant = %sid, "resumed");
        // Clients ignore whatever comes before this.
        self.notify(&sid, Notice::Resumed { last_data_sequence });
        // A client that reads in the update that it is muted, and is not, opens the track again.
        self.repeat_mutes(&sid);
        let mut everybody = self.departures.still_gone(|left| *left == identity || self.is_seen(left));
        everybody.extend(self.others(&sid));
        everybody.extend(self.participants.get(&sid).map(|participant| participant.info.clone()));
        self.notify(&sid, Notice::Participants(everybody));
        self.notify(&sid, Notice::Room(Box::new(self.info())));
        self.renew_token(&sid);
        self.repeat_denials(&sid);
        self.repeat_failures(&sid);
        self.repeat_speakers(&sid);
        if let Some(sync) = sync {
            self.sync(&sid, sync);
        }
    }

    /// A websocket is gone. Its participant stays for a while: media goes on and the client comes back. A caller has hung up.
    pub(super) fn session_ended(&mut self, now: Now, session: SessionId) {
        let Some(sid) = self.sessions.remove(&session) else { return };
        if self.participants.get(&sid).is_some_and(Participant::is_caller) {
            return self.remove(now, &sid, DisconnectReason::ClientInitiated, None);
        }
        if let Some(participant) = self.participants.get_mut(&sid) {
            participant.session = None;
            participant.session_lost_at = Some(now.instant);
            self.schedule(now.instant + SESSION_TIMEOUT, Timer::SessionLost(sid));
        }
    }

    /// Media flows.
    pub(super) fn connected(&mut self, transport: &TransportSid) {
        let Some(sid) = self.participant_of_transport(transport) else { return };
        let Some(participant) = self.participants.get_mut(&sid) else { return };
        if participant.state < ParticipantState::Active {
            participant.state = ParticipantState::Active;
            let milestone = Milestone::Joined(participant.current().into());
            self.outputs.push_back(Output::Milestone(milestone));
            self.mark_changed(&sid, Told::Everyone);
        }
    }
}

fn new_participant(now: Now, sid: ParticipantSid, transport: TransportSid, join: Join) -> Participant {
    let info = ParticipantInfo {
        sid: sid.clone(),
        profile: join.profile.clone(),
        state: ParticipantState::Joining,
        joined_at: now.unix,
        version: 1,
        is_publisher: false,
        tracks: Vec::new(),
        disconnect_reason: None,
    };
    Participant {
        sid,
        profile: join.profile,
        state: ParticipantState::Joining,
        joined_at: now.unix,
        session: Some(join.session),
        session_lost_at: None,
        connection: join.connection,
        caller: join.caller,
        transport,
        negotiation: Negotiation::default(),
        tracks: BTreeMap::new(),
        rules: SubscriptionRules::Everyone,
        next_rules: None,
        rules_set_at: None,
        auto_subscribe: join.auto_subscribe,
        chosen: HashMap::new(),
        wishes: HashMap::new(),
        subscriptions: HashSet::new(),
        denied: HashSet::new(),
        unreceivable: BTreeSet::new(),
        last_data_sequence: 0,
        data_allowance: DataAllowance::default(),
        chat_streams: ChatStreams::default(),
        info: Arc::new(info),
        told_at: None,
    }
}
