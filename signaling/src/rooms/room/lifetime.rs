// SPDX-License-Identifier: EUPL-1.2
//! Everything in a room that happens because time passed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bus::ParticipantSid;

use super::joining::SESSION_TIMEOUT;
use super::{Idle, Room};
use crate::rooms::info::{DisconnectReason, Identity};
use crate::rooms::input::Now;
use crate::rooms::output::{AfterLeave, Notice, TokenContent};

/// How often everybody is told how many are in the room, at most.
const ROOM_UPDATE_INTERVAL: Duration = Duration::from_secs(1);

/// How often a token is renewed, so that a client that lost its connection holds one that is young. LiveKit's figure.
const TOKEN_RENEWAL_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Something to look at when its time has come. Whether there is anything to do is seen then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Media should flow by now.
    Connect(ParticipantSid),
    /// The client should have come back by now.
    SessionLost(ParticipantSid),
    RenewToken(ParticipantSid),
    /// An offer that came too soon after others.
    Offer(ParticipantSid),
    /// M-lines that the client must add.
    Sections(ParticipantSid),
    /// Rules that came too soon after others.
    Rules(ParticipantSid),
    /// Data that came too fast.
    Data(ParticipantSid),
    /// Tracks that were muted here, of which their publisher must hear.
    Muted(ParticipantSid),
    /// Somebody who lost the connection has not come back.
    Standing(Identity),
    /// The room ends in so many minutes.
    EndsIn(u64),
    /// The room's time is over.
    End,
    Speakers,
    RoomUpdate,
    /// Somebody changed again before it could be told.
    Update,
    /// Nobody is there.
    Idle,
}

/// What to look at when.
#[derive(Default)]
pub(super) struct Timers(BTreeSet<(Instant, Timer)>);

impl Timers {
    pub(super) fn add(&mut self, at: Instant, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn take_due(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }
}

impl Room {
    /// Does what is due.
    pub(super) fn timeout(&mut self, now: Now) {
        while let Some(timer) = self.timers.take_due(now.instant) {
            match timer {
                Timer::Connect(sid) => self.connect_timeout(now, &sid),
                Timer::SessionLost(sid) => self.session_timeout(now, &sid),
                Timer::RenewToken(sid) => self.token_timeout(now, &sid),
                Timer::Offer(sid) => self.pass_on_offer(now, &sid),
                Timer::Sections(sid) => self.ask_for_sections(now, &sid),
                Timer::Rules(sid) => self.apply_rules(now, &sid),
                Timer::Data(sid) => self.give_back_data(&sid),
                Timer::Muted(sid) => self.announce_mutes(now, &sid),
                Timer::Standing(identity) => self.standing_timeout(now, &identity),
                Timer::EndsIn(minutes) => self.warn_of_end(now, minutes),
                Timer::End => self.end_of_time(now),
                Timer::Speakers => self.tell_speakers(now),
                Timer::RoomUpdate => self.room_changed(now),
                // Told after every input, this one too.
                Timer::Update => {}
                Timer::Idle => self.idle_timeout(now),
            }
        }
    }

    fn connect_timeout(&mut self, now: Now, sid: &ParticipantSid) {
        if self.participants.get(sid).is_some_and(|participant| !participant.is_active()) {
            self.remove(now, sid, DisconnectReason::JoinFailure, Some(AfterLeave::Reconnect));
        }
    }

    fn session_timeout(&mut self, now: Now, sid: &ParticipantSid) {
        let lost_at = self.participants.get(sid).and_then(|participant| participant.session_lost_at);
        if lost_at.is_some_and(|lost_at| now.instant.saturating_duration_since(lost_at) >= SESSION_TIMEOUT) {
            self.remove(now, sid, DisconnectReason::SignalClose, None);
        }
    }

    fn token_timeout(&mut self, now: Now, sid: &ParticipantSid) {
        if self.participants.contains_key(sid) {
            self.renew_token(sid);
            self.schedule_token_renewal(now, sid);
        }
    }

    pub(super) fn schedule_token_renewal(&mut self, now: Now, sid: &ParticipantSid) {
        self.schedule(now.instant + TOKEN_RENEWAL_INTERVAL, Timer::RenewToken(sid.clone()));
    }

    /// Gives a client a token that says what is true now, to reconnect with.
    pub(super) fn renew_token(&mut self, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get(sid) else { return };
        let (details, permissions) = (participant.profile.details.clone(), participant.profile.permissions.clone());
        self.notify(sid, Notice::RenewToken(Box::new(TokenContent { details, permissions, caller: None })));
    }

    /// Tells everybody about the room, unless they have heard a moment ago: then a moment later.
    pub(super) fn room_changed(&mut self, now: Now) {
        self.has_changed = true;
        let due = self.room_told_at.map(|told_at| told_at + ROOM_UPDATE_INTERVAL);
        match due.filter(|due| *due > now.instant) {
            Some(due) => self.schedule(due, Timer::RoomUpdate),
            None => self.tell_room(now),
        }
    }

    /// Tells everybody about the room.
    pub(super) fn tell_room(&mut self, now: Now) {
        self.room_told_at = Some(now.instant);
        let info = self.info();
        if !info.has_recorder {
            // Together with the word that the recording has ended: a recorder that comes back before it begins no other one.
            self.forget_consents();
        }
        let notice = Notice::Room(Box::new(info));
        let everybody: Vec<_> = self.participants.keys().cloned().collect();
        for sid in everybody {
            self.notify(&sid, notice.clone());
        }
    }

    pub(super) fn become_idle(&mut self, now: Now, idle: Idle) {
        self.idle = Some((now.instant, idle));
        self.schedule_idle();
    }

    /// Call it after the time that a room may be idle has changed.
    pub(super) fn schedule_idle(&mut self) {
        if let Some(due) = self.idle_until() {
            self.schedule(due, Timer::Idle);
        }
    }

    fn idle_until(&self) -> Option<Instant> {
        let (since, idle) = self.idle?;
        let timeout = match idle {
            Idle::New => self.settings.empty_timeout,
            Idle::Left => self.settings.departure_timeout,
        };
        since.checked_add(timeout)
    }

    fn idle_timeout(&mut self, now: Now) {
        if self.idle_until().is_some_and(|due| due <= now.instant) {
            self.close(now, DisconnectReason::RoomClosed);
        }
    }
}
