// SPDX-License-Identifier: EUPL-1.2
//! Has meetings that are going on follow the rules as they are now: whoever changes a policy, a meeting or a tenant changes
//! what is allowed in its rooms at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Notify;
use tracing::warn;

use super::model::{Session, room_name, session_of_room};
use super::{live, table};
use crate::api::ids::{MeetingSessionId, TenantId};
use crate::api::problem::Problem;
use crate::app::App;
use crate::joining::venue::Venue;
use crate::records::audit::Event;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Control, Input, RoomChange};

/// How often all are looked at: other processes change rules as well.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// How long to wait when the database is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Meetings that are looked at one by one. When more have changed, all of them are.
const MAX_SINGLE: usize = 100;

/// What may be under other rules than when it was looked at last.
#[derive(Default)]
pub(crate) struct ChangedRules {
    due: Mutex<Due>,
    nudge: Notify,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Due {
    /// All of these tenants' meetings.
    tenants: HashSet<TenantId>,
    /// These meetings and permanent rooms.
    venues: HashSet<String>,
    /// Something was deleted, with its runs.
    has_deleted: bool,
}

impl Due {
    fn note(&mut self, tenant: Option<TenantId>, event: &Event) {
        match (event.target_type, event.action) {
            ("policy", "policy.update" | "policy.delete") => self.tenants.extend(tenant),
            ("tenant", "tenant.update") => self.tenants.extend(TenantId::parse(&event.target_id)),
            ("tenant" | "room", "tenant.delete" | "room.delete") => self.has_deleted = true,
            // Nothing goes on yet in what is new.
            ("meeting", "meeting.create" | "meeting.join") | ("room", "room.create") => {}
            ("meeting" | "room", _) if self.venues.len() < MAX_SINGLE => {
                self.venues.insert(event.target_id.clone());
            }
            ("meeting" | "room", _) => self.tenants.extend(tenant),
            _ => {}
        }
    }
}

impl ChangedRules {
    /// These were done in a tenant.
    pub(crate) fn note(&self, tenant: Option<TenantId>, events: &[Event]) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().for_each(|event| due.note(tenant, event));
        if *due != Due::default() {
            self.nudge.notify_one();
        }
    }

    /// Waits until there are some.
    async fn next(&self) -> Due {
        loop {
            let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(PoisonError::into_inner));
            if due != Due::default() {
                return due;
            }
            self.nudge.notified().await;
        }
    }
}

/// Follows them as long as the server runs.
pub(crate) async fn follow(app: Arc<App>) {
    loop {
        // None is all there is.
        let due = tokio::time::timeout(LOOK_INTERVAL, app.changed_rules.next()).await.ok();
        while let Err(problem) = apply(&app, due.as_ref()).await {
            warn!(code = problem.code().as_str(), "running meetings do not follow their rules now");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Applies the rules as they are now to the rooms of this process.
async fn apply(app: &Arc<App>, due: Option<&Due>) -> Result<(), Problem> {
    if let Some(due) = due.filter(|due| due.tenants.is_empty() && !due.has_deleted) {
        for venue in &due.venues {
            let session = table::running(&mut app.store.read().await?, venue).await?;
            if let Some(session) = session.filter(|session| app.directory.get(&session.room_name()).is_some()) {
                apply_to(app, session).await?;
            }
            // Also where nothing goes on yet, somebody may be let in now.
            app.lobby.wake(venue);
        }
        return Ok(());
    }
    // Before the database is asked: a room is opened only for a run that is stored.
    let rooms = app.directory.list(&[]);
    let rooms: HashSet<_> = rooms.iter().filter_map(|room| session_of_room(&room.name)).collect();
    let running = table::all_running(&mut app.store.read().await?).await?;
    let is_complete = running.len() < table::MAX_RUNNING;
    let stored: HashSet<_> = running.iter().map(|session| session.id).collect();
    for session in running {
        let is_due =
            due.is_none_or(|due| due.tenants.contains(&session.tenant_id) || due.venues.contains(&session.venue_id()));
        if is_due && rooms.contains(&session.id) {
            apply_to(app, session).await?;
        }
    }
    for gone in rooms.difference(&stored).filter(|_| is_complete) {
        // What it is a run of was deleted.
        if let Some(room) = app.directory.get(&room_name(*gone)) {
            room.send(Input::Close(DisconnectReason::RoomDeleted)).await;
        }
    }
    Ok(())
}

async fn apply_to(app: &App, session: Session) -> Result<(), Problem> {
    let mut tx = app.store.read().await?;
    let Some(venue) = Venue::of_session(&mut tx, &session).await? else { return Ok(()) };
    let terms = venue.terms(&mut tx, Utc::now(), Some(&session)).await?;
    drop(tx);
    let ends_at = live::end_of(session.started_at, &terms.rules);
    if ends_at != session.ends_at {
        let mut tx = app.store.write().await?;
        table::set_end(&mut tx, session.id, ends_at).await?;
        tx.commit().await?;
    }
    show(app, session.id).await?;
    app.lobby.wake(&venue.id());
    Ok(())
}

/// Tells the room of a run what holds in it, as it is stored now. One after the other: whoever comes last tells what is
/// stored last.
pub(super) async fn show(app: &App, id: MeetingSessionId) -> Result<(), Problem> {
    let Some(room) = app.directory.get(&room_name(id)) else { return Ok(()) };
    let _turn = room.turn().await;
    let mut tx = app.store.read().await?;
    let Some(session) = table::find(&mut tx, None, id).await? else { return Ok(()) };
    let Some(venue) = Venue::of_session(&mut tx, &session).await? else { return Ok(()) };
    let terms = venue.terms(&mut tx, Utc::now(), Some(&session)).await?;
    drop(tx);
    let max_participants = Some(terms.rules.max_participants.unwrap_or(0));
    // A room that is over has nothing to follow.
    if room.control(Control::SetPolicy(live::policy(&session, &terms.rules))).await.is_ok() {
        let change = RoomChange { max_participants, ..RoomChange::default() };
        drop(room.control(Control::Configure(change)).await);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::MeetingId;

    #[test]
    fn only_what_can_have_changed_is_looked_at() {
        let tenant = TenantId::new();
        let due = |events: &[Event]| {
            let mut due = Due::default();
            events.iter().for_each(|event| due.note(Some(tenant), event));
            due
        };
        let meeting = MeetingId::new();
        for action in ["meeting.create", "invitee.update", "policy.create", "room.create", "webhook.update"] {
            assert_eq!(due(&[Event::new(action, meeting)]), Due::default(), "{action}");
        }
        let one = Due { venues: [meeting.to_string()].into(), ..Due::default() };
        for action in ["meeting.update", "meeting.update_occurrence", "meeting.cancel", "room.update"] {
            assert_eq!(due(&[Event::new(action, meeting)]), one, "{action}");
        }
        let all = Due { tenants: [tenant].into(), ..Due::default() };
        assert_eq!(due(&[Event::new("policy.update", "p")]), all);
        assert_eq!(due(&[Event::new("tenant.update", tenant)]), all);
        assert!(due(&[Event::new("room.delete", "r")]).has_deleted);
        let many: Vec<_> = (0..=MAX_SINGLE).map(|number| Event::new("meeting.update", number)).collect();
        let due = due(&many);
        assert_eq!((due.venues.len(), due.tenants.len()), (MAX_SINGLE, 1), "bounded");
    }
}
