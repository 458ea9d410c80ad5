// SPDX-License-Identifier: EUPL-1.2
//! Letting somebody in: the run of the meeting is begun if need be, it is written down who comes, and they get a token.
//! Nothing else makes tokens for meetings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{StoreError, Tx};
use tracing::error;

use super::decision::Circumstances;
use super::person::Person;
use super::venue::{Terms, Venue};
use crate::api::ids::MeetingSessionId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::auth::grants::{TrackSource, VideoGrants};
use crate::auth::room_token::AdmittedTo;
use crate::identity::caller::Actor;
use crate::meeting_sessions::model::{MeetingRole, Session, SessionPerson};
use crate::meeting_sessions::{happenings, live, table};
use crate::meetings::policies::rules::Rules;
use crate::records::audit::{self, Cause, Event};
use crate::rooms::details::{GUEST, ROLE};
use crate::rooms::input::Control;

/// How long somebody who was let in has for coming. Who is in gets younger tokens.
const TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);

/// How long tokens for meetings are taken for good at most: that, which is as long as renewed ones live, and what is allowed
/// for clocks that differ.
pub(crate) const MEETING_TOKENS_LIVE: Duration = Duration::from_secs(15 * 60);

/// Somebody who is let in, once the transaction is kept.
pub(crate) struct Admission {
    pub(crate) session: Session,
    person: Person,
    rules: Rules,
}

/// How it stands for somebody at a venue.
pub(crate) async fn circumstances(
    tx: &mut Tx,
    app: &App,
    venue: &Venue,
    person: &Person,
) -> Result<(Circumstances, Option<Session>), Problem> {
    let is_banned = table::is_banned(tx, venue, &person.marks).await?;
    let session = table::running(tx, &venue.id()).await?;
    let Some(session) = session else {
        return Ok((Circumstances { is_banned, ..Circumstances::default() }, None));
    };
    let before = table::find_person(tx, session.id, &person.identity).await?;
    let was_admitted = before.is_some_and(|before| before.removed_at.is_none());
    let room = app.directory.get(&session.room_name());
    let info = room.as_ref().map(crate::rooms::directory::RoomHandle::info);
    let is_inside = match &room {
        Some(room) if was_admitted => {
            room.control(Control::GetParticipant(person.identity.as_str().into())).await.is_ok()
        }
        _ => false,
    };
    let circumstances = Circumstances {
        is_banned,
        is_running: true,
        is_locked: session.is_locked,
        has_host: info.as_ref().is_some_and(|info| info.num_moderators > 0),
        participants: info.as_ref().map_or(0, |info| info.num_participants),
        is_inside,
        was_admitted,
    };
    Ok((circumstances, Some(session)))
}

/// Writes down that somebody is let in. It counts when the transaction is kept; then [`Admission::token`] gives the token.
pub(crate) async fn admit(
    tx: &mut Tx,
    venue: &Venue,
    terms: &Terms,
    person: Person,
    request_id: &str,
) -> Result<Admission, Problem> {
    let now = Utc::now();
    let session = match table::running(tx, &venue.id()).await? {
        Some(session) => session,
        None => {
            let (session, is_new) = begin(tx, venue, terms, now).await?;
            if is_new {
                let event = Event::new("meeting_session.start", session.id).with("venue", venue.id().into());
                audit::append(tx, Cause::system(Some(session.tenant_id)), &event).await?;
            }
            session
        }
    };
    let admitted = SessionPerson {
        identity: person.identity.clone(),
        marks: person.marks.clone(),
        name: person.name.clone(),
        role: person.role,
        admitted_at: now,
        removed_at: None,
    };
    table::admit(tx, &session, &admitted).await?;
    let actor = Actor::Participant { room: session.room_name(), identity: person.identity.clone() };
    let cause = Cause { tenant: Some(session.tenant_id), actor: &actor, request_id: Some(request_id) };
    let event = Event::new("meeting_session.join", session.id)
        .with("identity", person.identity.as_str().into())
        .with("kind", person.kind().as_str().into())
        .with("role", person.role.as_str().into());
    audit::append(tx, cause, &event).await?;
    Ok(Admission { session, person, rules: terms.rules.clone() })
}

/// Begins a run, or finds the one that goes on; then the second is false. Two who come at once make one.
pub(crate) async fn begin(
    tx: &mut Tx,
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
    };
    table::insert(tx, &session).await?;
    happenings::started(tx, &session, now).await?;
    Ok((session, true))
}

impl Admission {
    /// Opens the live room if need be, and signs the token.
    pub(crate) async fn token(&self, app: &Arc<App>) -> Result<String, Problem> {
        let room = live::open(app, &self.session, &self.rules)?;
        // A lock keeps out whoever is not expected.
        let expected = Control::Expect(self.person.identity.as_str().into());
        room.control(expected).await.map_err(|_| Code::Unavailable)?;
        mint(app, &self.session, &self.rules, &self.person)
    }
}

/// Signs a token for a run.
pub(crate) fn mint(app: &App, session: &Session, rules: &Rules, person: &Person) -> Result<String, Problem> {
    let now = SystemTime::now();
    let room = session.room_name();
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let issued_at = app.revocations.honoured_from(&room, &person.identity).map_or(seconds, |from| from.max(seconds));
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
        now,
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
