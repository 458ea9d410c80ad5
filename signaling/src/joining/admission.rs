// SPDX-License-Identifier: EUPL-1.2
//! Letting somebody in: the run of the meeting is begun if need be, it is written down who comes, and they get a token.
//! Nothing else makes tokens for meetings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{StoreError, Tx};
use tokio::time::timeout;
use tracing::error;

use super::decision::{Circumstances, Doubt};
use super::person::Person;
use super::venue::{Terms, Venue};
use crate::api::ids::{MeetingSessionId, TenantId};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::auth::grants::{TrackSource, VideoGrants};
use crate::auth::room_token::AdmittedTo;
use crate::identity::caller::Actor;
use crate::meeting_sessions::model::{MeetingRole, Session, SessionPerson};
use crate::meeting_sessions::{happenings, live, table};
use crate::meetings::policies::rules::Rules;
use crate::meetings::tenant;
use crate::records::audit::{self, Cause, Event};
use crate::rooms::details::{GUEST, ROLE};
use crate::rooms::input::Control;
use crate::rooms::policy::TOKEN_LIFE;

/// How long tokens for meetings are taken for good at most: that, which is as long as renewed ones live, and what is allowed
/// for clocks that differ.
pub(crate) const MEETING_TOKENS_LIVE: Duration = Duration::from_secs(15 * 60);

/// Longest that a busy room is waited for.
pub(crate) const ROOM_PATIENCE: Duration = Duration::from_secs(1);

/// Somebody who is let in, once the transaction is kept.
pub(crate) struct Admission {
    pub(crate) session: Session,
    pub(super) person: Person,
    pub(super) rules: Rules,
    /// What the token says, in seconds since 1970.
    issued_at: u64,
}

/// Whether somebody is in a live room. It is asked before a transaction writes: a room may be busy, and everybody else would
/// wait with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    /// The run in whose room they are.
    in_room_of: Option<MeetingSessionId>,
    /// The run whose room they have lost a moment ago.
    back_to: Option<MeetingSessionId>,
}

impl Presence {
    /// They are not there as far as anybody knows.
    pub(crate) const UNKNOWN: Self = Self { in_room_of: None, back_to: None };

    /// Asks the room of a run. One that does not answer in time says no.
    pub(crate) async fn of(app: &App, session: Option<&Session>, identity: &str) -> Self {
        let Some(session) = session else { return Self::UNKNOWN };
        let Some(room) = app.directory.get(&session.room_name()) else { return Self::UNKNOWN };
        let asked = timeout(ROOM_PATIENCE, room.control(Control::GetParticipant(identity.into()))).await;
        match asked {
            Ok(Ok(_)) => Self { in_room_of: Some(session.id), ..Self::UNKNOWN },
            Ok(Err(_)) => {
                let asked = timeout(ROOM_PATIENCE, room.control(Control::AwaitsBack(identity.into()))).await;
                Self { back_to: matches!(asked, Ok(Ok(_))).then_some(session.id), ..Self::UNKNOWN }
            }
            Err(_) => Self::UNKNOWN,
        }
    }

    /// Whether they are in one.
    pub(crate) const fn is_inside(self) -> bool {
        self.in_room_of.is_some()
    }

    /// Whether they were in one a moment ago, and may come back.
    pub(crate) const fn comes_back(self) -> bool {
        self.back_to.is_some()
    }
}

/// How it stands for somebody at a venue where this run goes on.
pub(crate) async fn circumstances(
    tx: &mut Tx,
    app: &App,
    (venue, terms): (&Venue, &Terms),
    session: Option<&Session>,
    person: &Person,
    presence: Presence,
) -> Result<Circumstances, StoreError> {
    let is_banned = table::is_banned(tx, venue, &person.marks).await?;
    let is_tenant_full = is_tenant_full(tx, app, venue.tenant_id(), person).await?;
    let Some(session) = session else {
        // A time limit is for the whole of an occurrence: nobody begins it anew by coming back.
        let has_had_its_time = match (venue.meeting_id(), terms.occurrence, terms.rules.max_duration_minutes) {
            (Some(meeting), Some(occurrence), Some(longest)) => {
                let longest = chrono::Duration::minutes(longest.into());
                table::has_had_its_time(tx, meeting, occurrence, longest).await?
            }
            _ => false,
        };
        return Ok(Circumstances { is_banned, has_had_its_time, is_tenant_full, ..Circumstances::default() });
    };
    let before = table::find_person(tx, session.id, &person.identity).await?;
    let was_admitted = before.is_some_and(|before| before.removed_at.is_none());
    let info = app.directory.get(&session.room_name()).map(|room| room.info());
    Ok(Circumstances {
        is_banned,
        has_had_its_time: false,
        is_running: true,
        is_locked: session.is_locked,
        has_host: info.as_ref().is_some_and(|info| info.num_moderators > 0),
        participants: info.as_ref().map_or(0, |info| info.num_places_taken),
        is_tenant_full,
        is_inside: was_admitted && presence.in_room_of == Some(session.id),
        // A browser comes back by its token.
        comes_back: was_admitted && person.calls() && presence.back_to == Some(session.id),
        was_admitted,
        doubt: Doubt::None,
    })
}

/// How many are in a tenant's meetings: those that are held here, and of these, as with a meeting's own limit, those who have
/// come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crowd {
    pub(crate) participants: u32,
    /// Of them, at telephones.
    pub(crate) telephones: u32,
}

impl Crowd {
    /// Counts them.
    pub(crate) async fn of(tx: &mut Tx, app: &App, tenant: TenantId) -> Result<Self, StoreError> {
        let running = table::running_of_tenant(tx, tenant).await?;
        let rooms = running.iter().filter_map(|session| app.directory.get(&session.room_name()));
        Ok(rooms.map(|room| room.info()).fold(Self::default(), |all, room| Self {
            participants: all.participants.saturating_add(room.num_places_taken),
            telephones: all.telephones.saturating_add(room.num_telephones),
        }))
    }
}

/// Whether as many as the tenant may have are in its meetings already, or, for somebody who comes by telephone, as many
/// telephones.
async fn is_tenant_full(tx: &mut Tx, app: &App, tenant: TenantId, person: &Person) -> Result<bool, StoreError> {
    let Some(found) = tenant::find(tx, tenant).await? else { return Ok(false) };
    let limits = &found.settings.limits;
    let most = limits.max_concurrent_participants;
    let most_telephones = limits.max_concurrent_phone_calls.filter(|_| person.calls());
    if most.is_none() && most_telephones.is_none() {
        return Ok(false);
    }
    let crowd = Crowd::of(tx, app, tenant).await?;
    let is_reached = |most: Option<u32>, there: u32| most.is_some_and(|most| there >= most);
    Ok(is_reached(most, crowd.participants) || is_reached(most_telephones, crowd.telephones))
}

/// Writes down that somebody is let in. It counts when the transaction is kept; then [`Admission::token`] gives the token.
pub(crate) async fn admit(
    tx: &mut Tx,
    app: &App,
    venue: &Venue,
    terms: &Terms,
    person: Person,
    request_id: &str,
) -> Result<Admission, Problem> {
    let now = Utc::now();
    let (session, is_new) = begin(tx, app, venue, terms, now).await?;
    if session.is_held_by_another(&app.process, now) {
        return Err(Code::Unavailable.into());
    }
    if is_new {
        let event = Event::new("meeting_session.start", session.id).with("venue", venue.id().into());
        audit::append(tx, Cause::system(Some(session.tenant_id)), &event).await?;
    }
    let admitted = SessionPerson {
        identity: person.identity.clone(),
        marks: person.marks.clone(),
        name: person.name.clone(),
        role: person.role,
        admitted_at: now,
        removed_at: None,
        moved_from: None,
    };
    table::admit(tx, &session, &admitted).await?;
    let actor = Actor::Participant { room: session.room_name(), identity: person.identity.clone() };
    let cause = Cause { tenant: Some(session.tenant_id), actor: &actor, request_id: Some(request_id) };
    let event = Event::new("meeting_session.join", session.id)
        .with("identity", person.identity.as_str().into())
        .with("kind", person.kind().as_str().into())
        .with("role", person.role.as_str().into());
    audit::append(tx, cause, &event).await?;
    let issued_at = issued_at(app, &session, &person.identity);
    Ok(Admission { session, person, rules: terms.rules.clone(), issued_at })
}

/// Writes down that somebody is refused who was banned: they know the link, or the PIN.
pub(crate) async fn note_banned(
    tx: &mut Tx,
    venue: &Venue,
    person: &Person,
    request_id: &str,
) -> Result<(), StoreError> {
    let reason = Code::Banned.as_str();
    let event = Event::new("meeting.join", venue.id()).with("reason", reason.into()).denied();
    let actor = Actor::Participant { room: String::new(), identity: person.identity.clone() };
    let cause = Cause { tenant: Some(venue.tenant_id()), actor: &actor, request_id: Some(request_id) };
    audit::append(tx, cause, &event).await
}

/// What a token for a run says of its age. Call it in the transaction that lets somebody in: whoever is removed after that has
/// a token from before the removal.
pub(crate) fn issued_at(app: &App, session: &Session, identity: &str) -> u64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let honoured_from = app.revocations.honoured_from(&session.room_name(), identity);
    honoured_from.map_or(seconds, |from| from.max(seconds))
}

/// Begins a run, or finds the one that goes on; then the second is false. Two who come at once make one.
pub(crate) async fn begin(
    tx: &mut Tx,
    app: &App,
    venue: &Venue,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Result<(Session, bool), StoreError> {
    tx.lock(&venue.id()).await?;
    if let Some(session) = table::running(tx, &venue.id()).await? {
        return Ok((session, false));
    }
    let session = Session {
        id: MeetingSessionId::new(),
        tenant_id: venue.tenant_id(),
        meeting_id: venue.meeting_id(),
        room_id: venue.room_id(),
        recurrence_id: terms.occurrence,
        is_locked: false,
        started_at: now,
        ends_at: live::end_of(now, &terms.rules),
        ended_at: None,
        end_reason: None,
        peak_participants: 0,
        total_participants: 0,
        guest_participants: 0,
        holder: app.process.clone(),
        held_until: now + live::HOLD,
    };
    table::insert(tx, &session).await?;
    happenings::started(tx, &session, now).await?;
    Ok((session, true))
}

impl Admission {
    /// Opens the live room if need be, and signs the token. `None`: the run is over by now.
    pub(crate) async fn token(&self, app: &Arc<App>) -> Result<Option<String>, Problem> {
        let Some(room) = live::open(app, &self.session, &self.rules).await? else { return Ok(None) };
        // A lock keeps out whoever is not expected.
        let expected = Control::Expect(self.person.identity.as_str().into());
        match timeout(ROOM_PATIENCE, room.control(expected)).await {
            Ok(Ok(_)) => mint(app, &self.session, &self.rules, &self.person, self.issued_at).map(Some),
            // It has just ended, because nobody was in it or because somebody wanted so.
            Ok(Err(_)) => Ok(None),
            Err(_) => Err(Code::Unavailable.into()),
        }
    }
}

/// Signs a token for a run.
pub(crate) fn mint(
    app: &App,
    session: &Session,
    rules: &Rules,
    person: &Person,
    issued_at: u64,
) -> Result<String, Problem> {
    let room = session.room_name();
    let mut attributes = BTreeMap::from([(ROLE.to_owned(), person.role.as_str().to_owned())]);
    if person.role == MeetingRole::Guest {
        attributes.insert(GUEST.to_owned(), "1".to_owned());
    }
    let admitted = AdmittedTo {
        identity: person.identity.clone(),
        name: person.name.clone(),
        metadata: json!({ "role": person.role, "session_id": session.id }).to_string(),
        attributes,
        grants: grants(room, rules, person.role),
        issued_at,
        now: SystemTime::now(),
        valid_for: TOKEN_LIFE,
    };
    app.keys.mint_admitted(&admitted).ok_or(Code::Unavailable)?.map_err(|error| {
        error!(%error, "a token cannot be signed");
        Code::Internal.into()
    })
}

/// What a token grants: what the policy allows to somebody of that role.
fn grants(room: String, rules: &Rules, role: MeetingRole) -> VideoGrants {
    let is_host = role == MeetingRole::Host;
    let presents = is_host || role == MeetingRole::Presenter;
    let may_publish = role != MeetingRole::Listener;
    let mut sources = vec![TrackSource::Microphone];
    if (rules.allow_camera || presents) && !rules.audio_only {
        sources.push(TrackSource::Camera);
    }
    if (rules.allow_screen_share || presents) && !rules.audio_only {
        sources.extend([TrackSource::ScreenShare, TrackSource::ScreenShareAudio]);
    }
    VideoGrants {
        room_join: true,
        room,
        room_admin: is_host,
        can_publish: Some(may_publish),
        can_publish_sources: may_publish.then(|| sources.iter().map(|source| source.as_str().to_owned()).collect()),
        can_subscribe: Some(true),
        can_publish_data: Some(may_publish),
        can_update_own_metadata: Some(false),
        ..VideoGrants::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_grants_what_the_policy_allows_and_no_more() {
        let rules = Rules { allow_camera: false, allow_screen_share: false, ..Rules::default() };
        let may = |rules: &Rules, role, source| grants("r".into(), rules, role).permissions().allow_publishing(source);
        assert!(may(&rules, MeetingRole::Guest, TrackSource::Microphone));
        assert!(!may(&rules, MeetingRole::Guest, TrackSource::Camera));
        assert!(!may(&rules, MeetingRole::Attendee, TrackSource::ScreenShare));
        assert!(may(&rules, MeetingRole::Presenter, TrackSource::ScreenShare));
        assert!(!may(&rules, MeetingRole::Listener, TrackSource::Microphone));
        let audio_only = Rules { audio_only: true, ..Rules::default() };
        assert!(!may(&audio_only, MeetingRole::Host, TrackSource::Camera));
        for role in MeetingRole::ALL {
            let grants = grants("r".into(), &rules, *role);
            assert_eq!(grants.room_admin, *role == MeetingRole::Host);
            assert!(!grants.room_create && !grants.room_list && !grants.permissions().can_update_own_metadata);
        }
    }
}
