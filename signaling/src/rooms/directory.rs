// SPDX-License-Identifier: EUPL-1.2
//! Which rooms there are and who keeps them: all of them this process, at present.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::{Bus, RoomSid};
use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot, watch};

use crate::media::placement::Placement;
use crate::media::transports::Transports;
use crate::metrics::Metrics;
use crate::rooms::ids::Ids;
use crate::rooms::info::{DisconnectReason, RoomInfo, RoomSettings};
use crate::rooms::input::{Control, Input, RoomChange, SessionId};
use crate::rooms::keeper::{DataCodec, Keeper, Letter, now};
use crate::rooms::output::{ControlError, ControlReply, Follower, Notice, Report};
use crate::rooms::policy::RoomPolicy;
use crate::rooms::room::Room;
use crate::tasks::Tasks;

/// Letters that may wait for a room. A full box makes the sender wait: its websocket is not read meanwhile.
const LETTERS: usize = 1024;

/// The way to a room.
#[derive(Clone)]
pub(crate) struct RoomHandle {
    sid: RoomSid,
    letters: mpsc::Sender<Letter>,
    info: watch::Receiver<RoomInfo>,
    turns: Arc<tokio::sync::Mutex<()>>,
}

impl RoomHandle {
    /// What others are told about the room.
    pub(crate) fn info(&self) -> RoomInfo {
        self.info.borrow().clone()
    }

    /// Lets a session come in, or back. When the room is over, `notices` closes without a word.
    pub(crate) async fn enter(&self, session: SessionId, notices: mpsc::Sender<Notice>, input: Input) {
        drop(self.letters.send(Letter::Enter { session, notices, input }).await);
    }

    /// Says what happened. A room that is over does not care.
    pub(crate) async fn send(&self, input: Input) {
        drop(self.letters.send(Letter::Input(input)).await);
    }

    /// Has the room do what an administrator wants.
    pub(crate) async fn control(&self, control: Control) -> Result<ControlReply, ControlError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.letters.send(Letter::Control { control, reply }).await;
        sent.map_err(|_| ControlError::RoomClosed)?;
        answer.await.map_err(|_| ControlError::RoomClosed)?
    }

    /// The turn of whoever tells the room what is stored: as long as it is held, nobody else has theirs.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns.lock().await
    }

    /// Waits until the room is over.
    pub(crate) async fn ended(&self) {
        self.letters.closed().await;
    }

    fn is_open(&self) -> bool {
        !self.letters.is_closed()
    }
}

/// The rooms of this process.
pub(crate) struct Directory {
    bus: Bus,
    placement: Placement,
    defaults: RoomSettings,
    codec: DataCodec,
    metrics: Metrics,
    follower: Option<Arc<dyn Follower>>,
    tasks: Tasks,
    next_session: AtomicU64,
    is_closing: AtomicBool,
    /// Whether this process is about to close, and serves those who come all the same.
    is_leaving: AtomicBool,
    rooms: Arc<Mutex<HashMap<Arc<str>, RoomHandle>>>,
    #[cfg(test)]
    pub(crate) lookups: AtomicU64,
}

impl Directory {
    /// Whatever happens in a room is told to `follower`.
    pub(crate) fn new(
        bus: Bus,
        defaults: RoomSettings,
        codec: DataCodec,
        metrics: Metrics,
        follower: Option<Arc<dyn Follower>>,
    ) -> Self {
        Self {
            placement: Placement::new(bus.clone()),
            bus,
            defaults,
            codec,
            metrics,
            follower,
            tasks: Tasks::default(),
            next_session: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            rooms: Arc::default(),
            #[cfg(test)]
            lookups: AtomicU64::new(0),
        }
    }

    /// A number for a new websocket.
    pub(crate) fn new_session(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether somebody who comes now can be served.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_closing.load(Ordering::Relaxed) && self.placement.is_possible()
    }

    /// Whoever can choose had better go elsewhere from now on.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether that is so.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// The room of that name, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<RoomHandle> {
        #[cfg(test)]
        self.lookups.fetch_add(1, Ordering::Relaxed);
        lock(&self.rooms).get(name).filter(|room| room.is_open()).cloned()
    }

    /// The rooms there are, or those of them that `names` names.
    pub(crate) fn list(&self, names: &[String]) -> Vec<RoomInfo> {
        let names: HashSet<_> = names.iter().map(String::as_str).collect();
        let rooms = lock(&self.rooms);
        let named = rooms.iter().filter(|(name, _)| names.is_empty() || names.contains(&***name));
        let mut rooms: Vec<_> = named.filter(|(_, room)| room.is_open()).map(|(_, room)| room.info()).collect();
        rooms.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        rooms
    }

    /// The room of that name, made if need be. Only a room that is made takes `change`; then the second is true. `None`
    /// while this process ends, which would not wait for another room.
    pub(crate) fn get_or_create(&self, name: &str, change: &RoomChange) -> Option<(RoomHandle, bool)> {
        self.get_or_open(name, change, None)
    }

    /// The same for a meeting's room, which allows what the policy says and reports what happens.
    pub(crate) fn get_or_open(
        &self,
        name: &str,
        change: &RoomChange,
        meeting: Option<(RoomPolicy, mpsc::Sender<Report>)>,
    ) -> Option<(RoomHandle, bool)> {
        let mut rooms = lock(&self.rooms);
        if let Some(room) = rooms.get(name).filter(|room| room.is_open()) {
            return Some((room.clone(), false));
        }
        // Under the lock, so that the end sees every room that was made before it.
        if self.is_closing.load(Ordering::Relaxed) {
            return None;
        }
        let name: Arc<str> = name.into();
        let handle = self.open(&name, change, meeting);
        rooms.insert(name, handle.clone());
        Some((handle, true))
    }

    fn open(
        &self,
        name: &Arc<str>,
        change: &RoomChange,
        meeting: Option<(RoomPolicy, mpsc::Sender<Report>)>,
    ) -> RoomHandle {
        let metadata = change.metadata.clone().unwrap_or_default();
        let mut room = Room::new(now(), name.clone(), change.apply(self.defaults), metadata, Ids::from_os());
        let (policy, reports) = meeting.unzip();
        if let Some(policy) = policy {
            room.set_policy(now(), policy);
        }
        let sid = room.sid().clone();
        let (sender, letters) = mpsc::channel(LETTERS);
        let (info, info_reader) = watch::channel(room.info());
        let keeper = Keeper {
            room,
            letters,
            events: self.bus.room_events(sid.clone()),
            transports: Transports::new(self.bus.clone(), self.placement.clone()),
            codec: self.codec,
            metrics: self.metrics.clone(),
            info,
            sessions: HashMap::new(),
            replies: HashMap::new(),
            next_control: 0,
            reports,
            follower: self.follower.clone(),
        };
        let (guard, rooms) = (self.tasks.enter(), self.rooms.clone());
        let (name, own_sid) = (name.clone(), sid.clone());
        tokio::spawn(async move {
            let gone = || {
                let mut rooms = lock(&rooms);
                // Another room may have that name by now.
                if rooms.get(&name).is_some_and(|room| room.sid == own_sid) {
                    rooms.remove(&name);
                }
            };
            keeper.run(gone).await;
            drop(guard);
        });
        RoomHandle { sid, letters: sender, info: info_reader, turns: Arc::default() }
    }

    /// Ends every room and waits until they have ended.
    pub(crate) async fn shut_down(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        let rooms: Vec<_> = lock(&self.rooms).values().cloned().collect();
        // All at once: one that is busy must not keep the others from saying goodbye.
        join_all(rooms.iter().map(|room| room.send(Input::Close(DisconnectReason::ServerShutdown)))).await;
        self.tasks.all_ended().await;
    }
}

fn lock(rooms: &Mutex<HashMap<Arc<str>, RoomHandle>>) -> MutexGuard<'_, HashMap<Arc<str>, RoomHandle>> {
    // A panic elsewhere leaves the table whole: it is changed by single steps.
    rooms.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
