// SPDX-License-Identifier: EUPL-1.2
//! Coming into a room with a token that was looked at, by a websocket or by telephone.

use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::admission::Admitted;
use super::{join, limits, resume};
use crate::app::App;
use crate::rooms::directory::RoomHandle;
use crate::rooms::info::DisconnectReason;
use crate::rooms::input::{Input, Request, RoomChange, SessionId};
use crate::rooms::output::Notice;

/// How often a session that found its room over asks for another one.
const ATTEMPTS: usize = 3;

/// A room that was entered, with the first that it said.
pub(crate) struct Entry {
    pub(crate) stay: Stay,
    pub(crate) notices: mpsc::Receiver<Notice>,
    pub(crate) first: Notice,
}

/// A session with a room, from before the room knows of it. Dropped, it ends.
pub(crate) struct Stay {
    room: RoomHandle,
    session: SessionId,
    runtime: Handle,
    has_ended: bool,
}

impl Stay {
    fn new(room: RoomHandle, session: SessionId) -> Self {
        Self { room, session, runtime: Handle::current(), has_ended: false }
    }

    /// Asks the room for something.
    pub(crate) async fn ask(&self, request: Request) {
        self.room.send(Input::Request { session: self.session, request }).await;
    }

    /// Ends it, and waits until the room is about to know.
    pub(super) async fn end(mut self) {
        self.room.send(Input::SessionEnded { session: self.session }).await;
        self.has_ended = true;
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        if !self.has_ended {
            let (room, session) = (self.room.clone(), self.session);
            // One letter for each stay; where the room is busy, it waits.
            self.runtime.spawn(async move { room.send(Input::SessionEnded { session }).await });
        }
    }
}

/// Why there is no way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// The room is over.
    Over,
    /// The room did not answer in time.
    TimedOut,
}

/// Enters the room that somebody was admitted to.
pub(crate) async fn enter(app: &App, session: SessionId, admitted: &Admitted) -> Result<Entry, NoEntry> {
    let started = Instant::now();
    let entered = match timeout(limits::ENTRY_TIMEOUT, find_in(app, session, admitted)).await {
        Ok(entry) => entry.ok_or(NoEntry::Over),
        Err(_) => Err(NoEntry::TimedOut),
    };
    let outcome = match &entered {
        Ok(Entry { first: Notice::Joined(_), .. }) => "joined",
        Ok(Entry { first: Notice::Resumed { .. }, .. }) => "resumed",
        Ok(_) | Err(NoEntry::Over) => "turned_away",
        Err(NoEntry::TimedOut) => "timed_out",
    };
    app.metrics.entries.with_label_values(&[outcome]).inc();
    let entry = entered?;
    app.metrics.join_seconds.observe(started.elapsed().as_secs_f64());
    if is_revoked(app, admitted) {
        entry.stay.ask(Request::Leave(DisconnectReason::ParticipantRemoved)).await;
    }
    Ok(entry)
}

/// `None` is a room that cannot be entered.
async fn find_in(app: &App, session: SessionId, admitted: &Admitted) -> Option<Entry> {
    let name = admitted.token.grants.room.as_str();
    for _ in 0..ATTEMPTS {
        let (room, input) = if admitted.join.reconnect {
            let resume = resume::request(session, &admitted.token, admitted.join.clone());
            (app.directory.get(name)?, Input::Resume(resume))
        } else {
            let join = join::request(session, admitted);
            (room_to_join(app, admitted)?, Input::Join(Box::new(join)))
        };
        let (sender, mut notices) = mpsc::channel(limits::OUTGOING_MESSAGES);
        let stay = Stay::new(room, session);
        stay.room.enter(session, sender, input).await;
        // A room that is over says nothing at all.
        if let Some(first) = notices.recv().await {
            return Some(Entry { stay, notices, first });
        }
        stay.end().await;
    }
    None
}

/// The room that was there when the token was looked at may have ended meanwhile: not everybody makes another.
fn room_to_join(app: &App, admitted: &Admitted) -> Option<RoomHandle> {
    let name = admitted.token.grants.room.as_str();
    if app.may_create_room(&admitted.token) {
        app.directory.get_or_create(name, &room_change(admitted)).map(|(room, _)| room)
    } else {
        app.directory.get(name)
    }
}

/// How the room shall be, if this participant makes it.
fn room_change(admitted: &Admitted) -> RoomChange {
    let Some(config) = &admitted.token.claims.room_config else { return RoomChange::default() };
    let seconds = |seconds: u32| (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    RoomChange {
        empty_timeout: seconds(config.empty_timeout),
        departure_timeout: seconds(config.departure_timeout),
        max_participants: (config.max_participants > 0).then_some(config.max_participants),
        metadata: (!config.metadata.is_empty()).then(|| config.metadata.clone()),
    }
}

/// Whether the participant was removed between the look at its token and its coming in. Whoever is removed later is found in
/// the room.
fn is_revoked(app: &App, admitted: &Admitted) -> bool {
    let token = &admitted.token;
    app.revocations.is_revoked(SystemTime::now(), &token.grants.room, token.identity(), token.issued_at())
}
