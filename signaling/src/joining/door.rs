// SPDX-License-Identifier: EUPL-1.2
//! Somebody at the door of a meeting, as it is at one moment: how it stands for them, and what becomes of them. It is the same
//! for browsers and for telephones.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use store::{StoreError, Tx};

use super::admission::{self, Admission, Presence};
use super::decision::{Circumstances, Decision, Doubt, WaitsFor, decide, decide_for_admitted};
use super::person::Person;
use super::venue::{Terms, Timing, Venue};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::lobby;
use crate::lobby::table::{self, Entry, LobbyStatus};
use crate::meeting_sessions::model::Session;
use crate::meeting_sessions::table::running;

/// A place where people meet, as it is at one moment.
pub(super) struct Scene {
    pub(super) venue: Venue,
    /// The run that goes on there.
    pub(super) session: Option<Session>,
    pub(super) terms: Terms,
}

impl Scene {
    pub(super) async fn of(tx: &mut Tx, venue: Venue, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let session = running(tx, &venue.id()).await?;
        let terms = venue.terms(tx, now, session.as_ref()).await?;
        Ok(Self { venue, session, terms })
    }

    /// When the meeting begins, if it is at a time.
    pub(super) fn starts_at(&self) -> Option<DateTime<Utc>> {
        match self.terms.timing {
            Timing::From(starts_at) => Some(starts_at),
            Timing::Anytime | Timing::Over => None,
        }
    }
}

/// Somebody there.
pub(super) struct AtDoor {
    pub(super) scene: Scene,
    pub(super) person: Person,
    pub(super) at: Circumstances,
    /// Their place in the lobby.
    pub(super) entry: Option<Entry>,
    pub(super) decision: Decision,
}

impl AtDoor {
    /// Looks how it stands for them. Whoever is in `doubt` comes in by a host's word alone.
    pub(super) async fn examine(
        tx: &mut Tx,
        app: &App,
        scene: Scene,
        person: Person,
        (presence, doubt): (Presence, Doubt),
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let Scene { venue, session, terms } = &scene;
        let at = admission::circumstances(tx, app, (venue, terms), session.as_ref(), &person, presence).await?;
        let at = Circumstances { doubt, ..at };
        let entry = table::of_person(tx, &venue.id(), &person.identity).await?;
        // Whoever loads the page anew, or calls again, has been let in all the same. The word holds for one time: a browser
        // has had that with its token, and a caller when they are in, which ends their place in the lobby.
        let is_let_in = |entry: &Entry| {
            entry.is_let_in_by_host() && (!at.was_admitted || (person.calls() && entry.holds_place(now)))
        };
        let is_awaited = entry.as_ref().is_some_and(is_let_in);
        let decision =
            if is_awaited { decide_for_admitted(&person, terms, at, now) } else { decide(&person, terms, at, now) };
        Ok(Self { scene, person, at, entry, decision })
    }

    /// Their place in the lobby, if they still wait there. Whoever a host has let in while there was no place keeps it.
    pub(super) fn waiting_entry(&self, now: DateTime<Utc>) -> Option<&Entry> {
        let lacks_place =
            |entry: &Entry| entry.waits_for == WaitsFor::Place || self.decision == Decision::Wait(WaitsFor::Place);
        let entry = self.entry.as_ref().filter(|entry| entry.holds_place(now));
        entry.filter(|entry| entry.status == LobbyStatus::Waiting || lacks_place(entry))
    }

    /// Whether they are in the room already, which is asked for whoever has been let in.
    pub(super) async fn presence(&self, app: &App) -> Presence {
        match &self.scene.session {
            session @ Some(_) if self.at.was_admitted => {
                Presence::of(app, session.as_ref(), &self.person.identity).await
            }
            _ => Presence::UNKNOWN,
        }
    }

    /// Lets them in, and keeps that. Callers keep their place in the queue as well until they are in, for the room may be
    /// full by then.
    pub(super) async fn admit(
        self,
        mut tx: Tx,
        app: &Arc<App>,
        request_id: &str,
    ) -> Result<(Venue, Admission), Problem> {
        let Self { scene: Scene { venue, terms, .. }, person, entry, .. } = self;
        if let Some(entry) = &entry {
            let now = Utc::now();
            if person.calls() && entry.holds_place(now) {
                table::note_on_the_way(&mut tx, entry.id, now).await?;
            } else {
                table::forget(&mut tx, entry.id).await?;
            }
        }
        let admission = admission::admit(&mut tx, app, &venue, &terms, person, request_id).await?;
        tx.commit().await?;
        if entry.is_some() {
            lobby::changed(app, &venue.id(), Some(admission.session.id)).await?;
        }
        Ok((venue, admission))
    }

    /// Writes down that they are refused, where somebody should know.
    pub(super) async fn refuse(&self, mut tx: Tx, code: Code, request_id: &str) -> Result<(), Problem> {
        if code == Code::Banned {
            admission::note_banned(&mut tx, &self.scene.venue, &self.person, request_id).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
