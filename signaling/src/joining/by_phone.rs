// SPDX-License-Identifier: EUPL-1.2
//! Somebody at the telephone before a meeting: let in, or in the lobby among the others who wait, or refused. What a browser
//! asks again and again, the call looks at for them.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use store::{StoreError, Tx};
use tokio::sync::watch;
use uuid::Uuid;

use super::admission::Presence;
use super::caller::{self, PhoneCaller};
use super::decision::{Decision, Doubt, WaitsFor};
use super::door::{AtDoor, Scene};
use super::routes::TRIES;
use super::venue::Venue;
use crate::api::ids::LobbyEntryId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::secret;
use crate::lobby::queue::{self, Newcomer};
use crate::lobby::table::{self, Entry, LobbyStatus, MAX_WAITING_PER_ADDRESS, MAX_WAITING_PER_TRUNK};
use crate::lobby::{self, SEEN_NOTED_EVERY, ticket};
use crate::meeting_sessions::model::MeetingRole;
use crate::meetings::phone_pins::model::Place;
use crate::phone::{Who, known_callers};
use crate::rooms::caller_rule::CallerFacts;

/// How long before a meeting is open callers may wait for it. Whoever is earlier pays for a line on which nothing happens for
/// longer than a telephone is held, and occupies it.
const WAITS_BEFORE: Duration = Duration::minutes(30);

/// Somebody before a meeting.
pub(crate) struct Visit {
    app: Arc<App>,
    caller: PhoneCaller,
    source: WaitsFrom,
    /// Of a secret that nobody has: callers do not ask by HTTP.
    ticket_hash: String,
    /// By which the audit log tells one call from another.
    request_id: String,
}

/// By what those are counted who wait and come the same way.
#[derive(Clone, Debug)]
pub(crate) struct WaitsFrom {
    /// Of the number, or of the trunk where that vouches for none.
    pub(crate) mark: String,
    pub(crate) is_trunk: bool,
}

/// How it stands.
#[derive(Debug)]
pub(crate) enum Standing {
    Admitted(Admitted),
    Waiting(Waiting),
    Refused(Code),
    /// The meeting is not before so long that nobody waits for it.
    TooEarly,
}

/// Somebody who is let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// With it the room is entered.
    pub(crate) token: String,
    /// What is known of them, of which the room shows what the meeting wants.
    pub(crate) caller: CallerFacts,
    /// The room's name.
    pub(crate) room: String,
    /// Their place in the queue, which is kept until they are in.
    pub(crate) entry: Option<LobbyEntryId>,
}

/// Somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) waits_for: WaitsFor,
    /// The how manieth they are, from 1.
    pub(crate) position: i64,
    /// When it begins, if it is at a time.
    pub(crate) starts_at: Option<DateTime<Utc>>,
}

impl Visit {
    /// Comes to the place that the caller has reached. `source` is by what those are counted who come the same way.
    pub(crate) fn new(app: Arc<App>, caller: PhoneCaller, source: WaitsFrom) -> Self {
        let ticket_hash = secret::hash(&ticket::make());
        Self { app, caller, source, ticket_hash, request_id: Uuid::now_v7().to_string() }
    }

    /// From now on changes are seen of which those who wait should know.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.app.lobby.subscribe(&self.caller.known.place.id())
    }

    /// Looks how it stands now. Whoever can be let in is, and whoever has to wait does from then on.
    pub(crate) async fn look(&self) -> Result<Standing, Problem> {
        for _ in 0..TRIES {
            if let Some(standing) = self.answer(Utc::now()).await? {
                return Ok(standing);
            }
        }
        Err(Code::Unavailable.into())
    }

    /// They are in, so that they do not need their place in the queue any more, and whoever is behind them moves up.
    pub(crate) async fn arrived(&self, entry: LobbyEntryId) -> Result<(), StoreError> {
        let mut tx = self.app.store.write_with_others().await?;
        table::forget(&mut tx, entry).await?;
        tx.commit().await?;
        self.app.lobby.wake(&self.caller.known.place.id());
        Ok(())
    }

    /// Does not wait any more, if they did.
    pub(crate) async fn leave(&self) -> Result<(), StoreError> {
        let place = self.caller.known.place.id();
        let entry = table::of_ticket(&mut self.app.store.read().await?, &place, &self.ticket_hash).await?;
        match entry.filter(|entry| entry.status != LobbyStatus::Denied) {
            Some(entry) => queue::leave(&self.app, &entry, &self.request_id).await,
            None => Ok(()),
        }
    }

    /// `None`: the run that they were let into was over a moment later.
    async fn answer(&self, now: DateTime<Utc>) -> Result<Option<Standing>, Problem> {
        // As with browsers: first without keeping others from writing, and rooms are asked before that.
        let mut tx = self.app.store.read().await?;
        let (seen, _) = self.examine(&mut tx, Presence::UNKNOWN, now).await?;
        if let (Decision::Wait(waits_for), Some(entry)) = (seen.decision, seen.waiting_entry(now))
            && entry.waits_for == waits_for
            && !entry.is_on_the_way()
            && entry.person.name == seen.person.name
            && now - entry.last_seen_at < SEEN_NOTED_EVERY
        {
            return waiting(&mut tx, &seen, entry, waits_for, now).await.map(Some);
        }
        drop(tx);
        let presence = seen.presence(&self.app).await;
        if let Decision::Refuse(code) = seen.decision
            && code != Code::Banned
            && !presence.is_inside()
            && !presence.comes_back()
        {
            return Ok(Some(Standing::Refused(code)));
        }
        let mut tx = self.app.store.write_with_others().await?;
        // From here on nobody is removed there, and nothing is locked or ended, before this is kept.
        tx.lock(&seen.scene.venue.id()).await?;
        let (found, caller) = self.examine(&mut tx, presence, now).await?;
        match found.decision {
            Decision::Admit => self.admit(tx, found, caller).await,
            Decision::Wait(waits_for) => self.wait(tx, found, waits_for, now).await.map(Some),
            Decision::Refuse(code) => self.refuse(tx, &found, code).await.map(Some),
        }
    }

    /// Looks who it is by now, what is known of them, and what becomes of them.
    async fn examine(
        &self,
        tx: &mut Tx,
        presence: Presence,
        now: DateTime<Utc>,
    ) -> Result<(AtDoor, CallerFacts), Problem> {
        let (meeting, room) = match self.caller.known.place {
            Place::Meeting(id) => (Some(id), None),
            Place::Room(id) => (None, Some(id)),
        };
        let venue = Venue::find(tx, meeting, room).await?.ok_or(Code::MeetingEnded)?;
        let scene = Scene::of(tx, venue, now).await?;
        let (person, facts) = caller::find(tx, &scene.venue, &scene.terms.rules, &self.caller).await?;
        let PhoneCaller { known, is_unproven, .. } = &self.caller;
        let doubt = match (person.role, *is_unproven, known.waits) {
            (MeetingRole::Host, ..) | (_, false, false) => Doubt::None,
            (_, true, _) => Doubt::OwnPin,
            (_, false, true) => Doubt::Caller,
        };
        let mut found = AtDoor::examine(tx, &self.app, scene, person, (presence, doubt), now).await?;
        // A moderator wants them to come: there is nobody and nothing to wait for. All else keeps them out like others.
        if matches!((self.caller.known.who, found.decision), (Who::Called(_), Decision::Wait(_))) {
            found.decision = Decision::Admit;
        }
        // Nobody who calls expects to be hung up on: they come in when somebody goes. Whom we call pays for no waiting.
        let is_full = found.decision == Decision::Refuse(Code::MeetingFull);
        if is_full && !matches!(self.caller.known.who, Who::Called(_)) {
            found.decision = Decision::Wait(WaitsFor::Place);
        }
        if found.decision == Decision::Admit && self.is_behind_others(tx, &found, now).await? {
            found.decision = Decision::Wait(WaitsFor::Place);
        }
        if self.is_denied(tx, &found, now).await? {
            found.decision = Decision::Refuse(Code::NotAdmitted);
        }
        Ok((found, facts))
    }

    /// Whether others have waited longer for the places that there are: as many are let in as there are places for, else
    /// each place would be run for by all.
    async fn is_behind_others(&self, tx: &mut Tx, found: &AtDoor, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let is_called = matches!(self.caller.known.who, Who::Called(_));
        if is_called || found.at.is_inside || found.person.role == MeetingRole::Host {
            return Ok(false);
        }
        let entry = found.entry.as_ref().filter(|entry| entry.holds_place(now));
        // Whoever has waited for something else has not found it full.
        if entry.is_some_and(|entry| entry.waits_for != WaitsFor::Place) {
            return Ok(false);
        }
        let most = found.scene.terms.rules.max_participants;
        let places = most.map_or(1, |most| most.saturating_sub(found.at.participants)).max(1);
        Ok(table::ahead(tx, &found.scene.venue.id(), entry, now).await? >= i64::from(places))
    }

    /// Whether a host has said no: to this call, or a moment ago to whoever called from there.
    async fn is_denied(&self, tx: &mut Tx, found: &AtDoor, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let denied = found.entry.as_ref().filter(|entry| entry.status == LobbyStatus::Denied);
        if denied.is_some_and(|entry| entry.ticket_hash == self.ticket_hash) {
            return Ok(true);
        }
        // Whoever waits already is somebody else: a whole office may have one number.
        if !matches!(found.decision, Decision::Wait(_)) || found.waiting_entry(now).is_some() {
            return Ok(false);
        }
        if denied.is_some_and(|entry| entry.pause(now).is_some()) {
            return Ok(true);
        }
        // Without a PIN of their own they are somebody new with each call, and only the number tells that it is them again.
        let is_stranger = found.person.marks.invitee_id.is_none();
        Ok(is_stranger && table::was_denied(tx, &found.scene.venue.id(), &self.caller.mark, now).await?)
    }

    async fn admit(&self, mut tx: Tx, found: AtDoor, caller: CallerFacts) -> Result<Option<Standing>, Problem> {
        if let Some(number) = &self.caller.remembered {
            known_callers::remember(&mut tx, &self.app.installation, number, Utc::now()).await?;
        }
        let entry = found.entry.as_ref().map(|entry| entry.id);
        let (_, admission) = found.admit(tx, &self.app, &self.request_id).await?;
        let Some(token) = admission.token(&self.app).await? else { return Ok(None) };
        let room = admission.session.room_name();
        Ok(Some(Standing::Admitted(Admitted { token, caller, room, entry })))
    }

    async fn wait(
        &self,
        mut tx: Tx,
        found: AtDoor,
        waits_for: WaitsFor,
        now: DateTime<Utc>,
    ) -> Result<Standing, Problem> {
        let (venue, session) = (found.scene.venue.id(), found.scene.session.as_ref().map(|session| session.id));
        if let Some(entry) = found.waiting_entry(now) {
            table::note_seen(&mut tx, entry.id, waits_for, now).await?;
            let is_renamed = table::rename(&mut tx, entry.id, &found.person.name).await?;
            if entry.is_on_the_way() {
                table::wait_again(&mut tx, entry.id).await?;
            }
            let standing = waiting(&mut tx, &found, entry, waits_for, now).await?;
            tx.commit().await?;
            // Moderators look at once.
            if entry.is_on_the_way() || is_renamed {
                lobby::changed(&self.app, &venue, session).await?;
            }
            return Ok(standing);
        }
        if waits_for == WaitsFor::Start && opens_at(&found.scene).is_some_and(|opens_at| opens_at - now > WAITS_BEFORE)
        {
            return Ok(Standing::TooEarly);
        }
        let newcomer = Newcomer {
            venue: &found.scene.venue,
            person: &found.person,
            waits_for,
            ticket_hash: self.ticket_hash.clone(),
            address_mark: &self.source.mark,
            most_from_there: if self.source.is_trunk { MAX_WAITING_PER_TRUNK } else { MAX_WAITING_PER_ADDRESS },
            request_id: &self.request_id,
        };
        let entry = queue::enter(&mut tx, newcomer, now).await?;
        let standing = waiting(&mut tx, &found, &entry, waits_for, now).await?;
        tx.commit().await?;
        lobby::changed(&self.app, &venue, session).await?;
        Ok(standing)
    }

    async fn refuse(&self, tx: Tx, found: &AtDoor, code: Code) -> Result<Standing, Problem> {
        found.refuse(tx, code, &self.request_id).await?;
        Ok(Standing::Refused(code))
    }
}

/// From when on people may come without a host, if it is at a time.
fn opens_at(scene: &Scene) -> Option<DateTime<Utc>> {
    let rules = &scene.terms.rules;
    let before = if rules.join_before_host { rules.join_before_host_minutes } else { 0 };
    scene.starts_at().map(|starts_at| starts_at - Duration::minutes(before.into()))
}

async fn waiting(
    tx: &mut Tx,
    found: &AtDoor,
    entry: &Entry,
    waits_for: WaitsFor,
    now: DateTime<Utc>,
) -> Result<Standing, Problem> {
    let position = table::position(tx, entry, now).await?;
    Ok(Standing::Waiting(Waiting { waits_for, position, starts_at: found.scene.starts_at() }))
}
