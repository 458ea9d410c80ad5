// SPDX-License-Identifier: EUPL-1.2
//! What a room remembers of somebody beyond one stay: a hand that is up, and whether they may speak. Whoever loses the
//! connection and comes back finds both as they were.

use std::time::{Duration, Instant};

use bus::ParticipantSid;

use super::lifetime::Timer;
use super::{Room, Told};
use crate::rooms::details::{DetailsChange, HAND, HELD, RECORDING_CONSENT};
use crate::rooms::info::{DisconnectReason, Identity, Profile};
use crate::rooms::input::{Connection, Join, Now};
use crate::rooms::policy::{TOKEN_LIFE, UnmuteRule};

/// How long a hand stays up after its owner has lost the connection. Clients try to come back for about 40 s.
const MEMORY: Duration = Duration::from_secs(90);

/// How long somebody is expected who was let in: as long as their token is good. They may be asked for camera and microphone
/// before they come.
const EXPECTED: Duration = TOKEN_LIFE;

/// People that are remembered without being there. Beyond, what they may do is as for everybody.
const MAX_ABSENT: usize = 5_000;

/// What is remembered of somebody.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Since when their hand is up, in milliseconds since 1970; no two are equal.
    pub(super) hand: Option<u64>,
    /// What a moderator has decided.
    pub(super) may_unmute: Option<bool>,
    /// Their microphone was muted when they came.
    pub(super) was_muted_upon_entry: bool,
    /// They went without meaning to, or were let in.
    awaited: Option<Awaited>,
}

/// Somebody will come.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    until: Instant,
    /// They were in, and until when they may come back without being let in anew.
    back_until: Option<Instant>,
    /// The room was locked since they were let in.
    is_from_before_lock: bool,
}

impl Awaited {
    const fn first(until: Instant) -> Option<Self> {
        Some(Self { until, back_until: None, is_from_before_lock: false })
    }

    const fn back(until: Instant) -> Option<Self> {
        Some(Self { until, back_until: Some(until), is_from_before_lock: false })
    }

    fn comes_back(&self, now: Instant) -> bool {
        self.back_until.is_some_and(|until| until > now)
    }
}

impl Room {
    /// Whether somebody who is not there may not come in. Whoever was let in before a lock and comes by telephone is to be judged
    /// anew: they come as soon as the bridge has their sound. Browsers ask for camera and microphone before, and may take their time.
    pub(super) fn is_locked_for(&self, join: &Join) -> bool {
        let calls = matches!(join.connection, Connection::Telephone { .. });
        let awaited = || self.standings.get(&join.profile.identity).and_then(|standing| standing.awaited);
        let is_known = || awaited().is_some_and(|awaited| !(calls && awaited.is_from_before_lock));
        self.policy.is_locked
            && !join.profile.is_moderator
            && !join.profile.kind.is_dependent()
            && !self.identities.contains_key(&join.profile.identity)
            && !is_known()
    }

    /// The room is locked now.
    pub(super) fn note_lock(&mut self) {
        for awaited in self.standings.values_mut().filter_map(|standing| standing.awaited.as_mut()) {
            // Whoever was in is none of those whom it is to keep out.
            awaited.is_from_before_lock = !awaited.comes_back(self.now);
        }
    }

    /// Whether somebody was in and is awaited back: they have lost the connection, or their call has ended.
    pub(super) fn awaits_back(&self, now: Now, identity: &str) -> bool {
        let awaited = self.standings.get(identity).and_then(|standing| standing.awaited);
        awaited.is_some_and(|awaited| awaited.comes_back(now.instant))
    }

    /// Somebody will come, and is let in though the room is locked.
    pub(super) fn expect(&mut self, now: Now, identity: Identity) {
        if !self.identities.contains_key(&identity) {
            let until = now.instant + EXPECTED;
            let standing = self.standings.entry(identity.clone()).or_default();
            // That they were in is not forgotten by their being let in again.
            let before = standing.awaited.filter(|awaited| awaited.comes_back(now.instant));
            standing.awaited = match before {
                Some(before) => Some(Awaited { until: until.max(before.until), is_from_before_lock: false, ..before }),
                None => Awaited::first(until),
            };
            self.schedule(until, Timer::Standing(identity));
        }
    }

    /// Gives somebody who comes what is remembered, whatever their token says of it.
    pub(super) fn restore_standing(&mut self, profile: &mut Profile) {
        let standing = self.standings.entry(profile.identity.clone()).or_default();
        standing.awaited = None;
        let (hand, is_held) = (standing.hand, !self.may_unmute(profile));
        let attributes = &mut profile.details.attributes;
        attributes.remove(HAND);
        attributes.remove(HELD);
        // Whoever comes is asked, also by a recording that went on when they went.
        attributes.remove(RECORDING_CONSENT);
        attributes.extend(hand.map(|hand| (HAND.to_owned(), hand.to_string())));
        attributes.extend(is_held.then(|| (HELD.to_owned(), "1".to_owned())));
    }

    /// Whether somebody may open the microphone.
    pub(super) fn may_unmute(&self, profile: &Profile) -> bool {
        let decided = self.standings.get(&profile.identity).and_then(|standing| standing.may_unmute);
        decided
            .unwrap_or(profile.is_moderator || profile.kind.is_dependent() || self.policy.unmute == UnmuteRule::Always)
    }

    /// Somebody is gone. Who meant to go, or was made to, takes the hand down. Of whoever `calls` nobody knows what they
    /// meant: a line that breaks looks like a receiver that is put down. So they may come back as whoever has lost the
    /// connection may.
    pub(super) fn leave_standing(&mut self, now: Now, identity: &Identity, calls: bool, reason: DisconnectReason) {
        use DisconnectReason as R;
        let is_final = matches!(
            reason,
            R::ClientInitiated | R::ParticipantRemoved | R::RoomDeleted | R::RoomClosed | R::TimeLimit
        );
        let is_crowded = self.standings.len() > MAX_ABSENT + self.participants.len();
        let Some(standing) = self.standings.get_mut(identity) else { return };
        if is_final {
            standing.hand = None;
            if standing.may_unmute.is_none() || is_crowded {
                *standing = Standing::default();
            }
        }
        if !is_final || (calls && reason == R::ClientInitiated && !is_crowded) {
            standing.awaited = Awaited::back(now.instant + MEMORY);
            self.schedule(now.instant + MEMORY, Timer::Standing(identity.clone()));
        } else if standing.may_unmute.is_none() {
            self.standings.remove(identity);
        }
    }

    /// Forgets somebody who did not come back.
    pub(super) fn standing_timeout(&mut self, now: Now, identity: &Identity) {
        let Some(standing) = self.standings.get_mut(identity) else { return };
        if standing.awaited.is_some_and(|awaited| awaited.until <= now.instant) {
            standing.awaited = None;
            standing.hand = None;
            if standing.may_unmute.is_none() {
                self.standings.remove(identity);
            }
        }
    }

    /// Somebody raises a hand, or lowers it. One that is up keeps its place.
    pub(super) fn set_hand(&mut self, now: Now, sid: &ParticipantSid, is_raised: bool) {
        let Some(participant) = self.participants.get(sid) else { return };
        let identity = participant.profile.identity.clone();
        let standing = self.standings.entry(identity).or_default();
        if standing.hand.is_some() == is_raised {
            return;
        }
        standing.hand = is_raised.then(|| {
            let milliseconds = u64::try_from(now.unix.as_millis()).unwrap_or(u64::MAX);
            self.last_hand = milliseconds.max(self.last_hand.saturating_add(1));
            self.last_hand
        });
        self.show_standing(sid);
    }

    /// Lowers one hand or all of them.
    pub(super) fn lower_hands(&mut self, now: Now, of: Option<&ParticipantSid>) {
        let with_hands = self.participants.iter().filter(|(sid, participant)| {
            let standing = self.standings.get(&participant.profile.identity);
            of.is_none_or(|of| of == *sid) && standing.is_some_and(|standing| standing.hand.is_some())
        });
        let with_hands: Vec<_> = with_hands.map(|(sid, _)| sid.clone()).collect();
        for sid in with_hands {
            self.set_hand(now, &sid, false);
            self.tell_at_once(&sid);
        }
    }

    /// Has everybody see what is remembered of somebody who is there.
    pub(super) fn show_standing(&mut self, sid: &ParticipantSid) {
        let Some(participant) = self.participants.get(sid) else { return };
        let hand = self.standings.get(&participant.profile.identity).and_then(|standing| standing.hand);
        let held = if self.may_unmute(&participant.profile) { "" } else { "1" };
        let hand = hand.map(|hand| hand.to_string()).unwrap_or_default();
        let attributes = [(HAND.to_owned(), hand), (HELD.to_owned(), held.to_owned())].into();
        // It is short; who has filled all the room there is for attributes has no hand.
        _ = self.change_details(sid, DetailsChange { attributes, ..DetailsChange::default() });
        self.mark_changed(sid, Told::Everyone);
    }
}
