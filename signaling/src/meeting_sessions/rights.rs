// SPDX-License-Identifier: EUPL-1.2
//! Who may look at a run and moderate it: administrators and software of the tenant, those who moderate the meeting, and
//! whoever is in it with a room token.

use chrono::Utc;
use store::Tx;

use super::model::{Session, session_of_room};
use super::table;
use crate::api::context::Context;
use crate::api::ids::{MeetingSessionId, TenantId};
use crate::api::problem::{Code, Problem};
use crate::identity::caller::Actor;
use crate::identity::scopes::Scope;
use crate::joining::person::is_still_host;
use crate::joining::venue::{Terms, Venue};

/// A run, and where it takes place.
pub(super) struct Found {
    pub(super) session: Session,
    pub(super) venue: Venue,
    pub(super) terms: Terms,
    /// Whether the caller moderates it now.
    pub(super) moderates: bool,
}

impl Found {
    pub(super) fn tenant(&self) -> Option<TenantId> {
        Some(self.session.tenant_id)
    }
}

/// The run of that id, for whoever may look at it.
pub(super) async fn find(context: &Context, tx: &mut Tx, id: MeetingSessionId) -> Result<Found, Problem> {
    context.require(Scope::SessionsRead)?;
    visible(context, tx, id).await
}

/// The run of that id, if it is there for the caller, whose scope was looked at.
async fn visible(context: &Context, tx: &mut Tx, id: MeetingSessionId) -> Result<Found, Problem> {
    let tenant = match &context.caller.actor {
        Actor::Participant { room, .. } if session_of_room(room) == Some(id) => None,
        Actor::Participant { .. } => return Err(Code::NotFound.into()),
        _ => context.tenant_filter()?,
    };
    let session = table::find(tx, tenant, id).await?.ok_or(Code::NotFound)?;
    let venue = Venue::of_session(tx, &session).await?.ok_or(Code::NotFound)?;
    let mut moderates = context.caller.scopes.contains(Scope::SessionsModerate);
    if let Actor::Participant { identity, .. } = &context.caller.actor {
        let person = table::find_person(tx, session.id, identity).await?;
        if person.as_ref().is_some_and(|person| person.removed_at.is_some()) {
            return Err(Code::Unauthenticated.into());
        }
        // The token says what they were when they came. One that nobody was let in with is the operator's own.
        if let Some(person) = person.filter(|_| moderates) {
            moderates = is_still_host(tx, &venue, &person.marks).await?;
        }
    } else {
        check(context, tx, &venue).await?;
    }
    let terms = venue.terms(tx, Utc::now(), Some(&session)).await?;
    Ok(Found { session, venue, terms, moderates })
}

/// A run, for whoever moderates it.
pub(super) async fn find_moderated(context: &Context, tx: &mut Tx, id: MeetingSessionId) -> Result<Found, Problem> {
    context.require(Scope::SessionsModerate)?;
    let found = visible(context, tx, id).await?;
    if found.moderates { Ok(found) } else { Err(Code::Forbidden.into()) }
}

/// A run that goes on, for whoever moderates it.
pub(super) async fn find_running(context: &Context, tx: &mut Tx, id: MeetingSessionId) -> Result<Found, Problem> {
    let found = find_moderated(context, tx, id).await?;
    if found.session.ended_at.is_some() { Err(Code::MeetingEnded.into()) } else { Ok(found) }
}

/// Fails unless the caller sees all of the tenant, or moderates there.
pub(super) async fn check(context: &Context, tx: &mut Tx, venue: &Venue) -> Result<(), Problem> {
    if context.caller.sees_whole_tenant() {
        return Ok(());
    }
    let person = context.caller.person().ok_or(Code::NotFound)?;
    if venue.is_moderated_by(tx, person).await? { Ok(()) } else { Err(Code::NotFound.into()) }
}
