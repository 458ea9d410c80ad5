// SPDX-License-Identifier: EUPL-1.2
//! Which calls go on in this process, for whoever looks after the installation. Each attendant says how far its call is, and
//! hears when somebody ends it.

pub(crate) mod routes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::{Notify, mpsc};
use utoipa::ToSchema;

use super::transfer::TransferOrder;
use crate::api::ids::{MeetingId, PhoneCallId, RoomId};
use crate::meetings::phone_pins::model::Place;

/// A call in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PhoneCall {
    /// Its id.
    pub(crate) id: PhoneCallId,
    /// Its trunk.
    trunk_id: String,
    /// When it came, or was made.
    since: DateTime<Utc>,
    /// The last digits of the number at the other end. Null where it is withheld or not known.
    #[schema(example = "…456")]
    number: Option<String>,
    /// How far it is.
    stage: PhoneCallStage,
    /// The meeting that its codes are of.
    meeting_id: Option<MeetingId>,
    /// The permanent room that its codes are of.
    room_id: Option<RoomId>,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhoneCallStage {
    /// We call somebody, who has not come in yet.
    Dialling,
    /// The caller keys in codes.
    EnteringCode,
    /// The caller waits to be let in.
    Waiting,
    /// The caller is in the meeting.
    InMeeting,
    /// The caller hears why it is over.
    Leaving,
}

/// Who ends a call that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// A moderator of the meeting for which it was made.
    Moderator,
    /// Whoever looks after the installation.
    Operator,
}

/// All calls that attendants look after, so as many as these are at most.
#[derive(Clone, Default)]
pub(crate) struct InProgress(Arc<Mutex<BTreeMap<PhoneCallId, Entry>>>);

struct Entry {
    shown: PhoneCall,
    hang_up: Arc<Notify>,
    ended_by: Option<EndedBy>,
    transfers: mpsc::Sender<TransferOrder>,
    /// Once the caller is in a room: which, and as whom.
    seat: Option<(String, String)>,
}

/// Somebody at the telephone who is in a room.
pub(super) struct InRoom {
    pub(super) id: PhoneCallId,
    pub(super) trunk_id: String,
    /// Where it is ordered to connect them elsewhere.
    pub(super) transfers: mpsc::Sender<TransferOrder>,
}

/// An attendant's own entry, which goes with it.
pub(super) struct OwnCall {
    all: InProgress,
    id: PhoneCallId,
    hang_up: Arc<Notify>,
    /// Where others want the caller connected.
    pub(super) transfers: mpsc::Receiver<TransferOrder>,
}

impl InProgress {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PhoneCallId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another call has come in.
    pub(super) fn enter(&self, trunk_id: String, number: Option<String>, since: DateTime<Utc>) -> OwnCall {
        self.begin(PhoneCallId::new(), PhoneCallStage::EnteringCode, trunk_id, number, since)
    }

    /// We make another call.
    pub(super) fn dial(
        &self,
        id: PhoneCallId,
        trunk_id: String,
        number: Option<String>,
        since: DateTime<Utc>,
    ) -> OwnCall {
        self.begin(id, PhoneCallStage::Dialling, trunk_id, number, since)
    }

    fn begin(
        &self,
        id: PhoneCallId,
        stage: PhoneCallStage,
        trunk_id: String,
        number: Option<String>,
        since: DateTime<Utc>,
    ) -> OwnCall {
        let hang_up = Arc::<Notify>::default();
        let shown = PhoneCall { id, trunk_id, since, number, stage, meeting_id: None, room_id: None };
        // One at a time; whoever orders another meanwhile is told so.
        let (orders, transfers) = mpsc::channel(1);
        self.lock()
            .insert(id, Entry { shown, hang_up: hang_up.clone(), ended_by: None, transfers: orders, seat: None });
        OwnCall { all: self.clone(), id, hang_up, transfers }
    }

    /// At most so many of them, the oldest first, behind that one.
    fn list(&self, after: Option<PhoneCallId>, limit: usize) -> Vec<PhoneCall> {
        let calls = self.lock();
        let behind = calls.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
        behind.take(limit).map(|(_, entry)| entry.shown.clone()).collect()
    }

    fn find(&self, id: PhoneCallId) -> Option<PhoneCall> {
        self.lock().get(&id).map(|entry| entry.shown.clone())
    }

    /// The call of that participant.
    pub(super) fn in_room(&self, room: &str, identity: &str) -> Option<InRoom> {
        let calls = self.lock();
        let is_it = |entry: &Entry| entry.seat.as_ref().is_some_and(|seat| (&*seat.0, &*seat.1) == (room, identity));
        let (id, entry) = calls.iter().find(|(_, entry)| is_it(entry))?;
        Some(InRoom { id: *id, trunk_id: entry.shown.trunk_id.clone(), transfers: entry.transfers.clone() })
    }

    /// Has it hung up, if it still goes on.
    pub(super) fn hang_up(&self, id: PhoneCallId, by: EndedBy) {
        if let Some(entry) = self.lock().get_mut(&id) {
            entry.ended_by.get_or_insert(by);
            entry.hang_up.notify_one();
        }
    }
}

impl OwnCall {
    /// It is that far.
    pub(super) fn is_at(&self, stage: PhoneCallStage) {
        self.change(|call| call.stage = stage);
    }

    /// Its codes are of that meeting or room; `None`: the caller begins anew.
    pub(super) fn is_for(&self, place: Option<Place>) {
        self.change(|call| {
            (call.meeting_id, call.room_id) = match place {
                Some(Place::Meeting(id)) => (Some(id), None),
                Some(Place::Room(id)) => (None, Some(id)),
                None => (None, None),
            };
        });
    }

    /// The caller is in that room, as that participant; `None`: in none.
    pub(super) fn is_in(&self, seat: Option<(&str, &str)>) {
        if let Some(entry) = self.all.lock().get_mut(&self.id) {
            let known = entry.seat.as_ref().map(|(room, identity)| (room.as_str(), identity.as_str()));
            if known != seat {
                entry.seat = seat.map(|(room, identity)| (room.to_owned(), identity.to_owned()));
            }
        }
    }

    /// Who has ended it, if somebody has. The first word counts.
    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        self.all.lock().get(&self.id).and_then(|entry| entry.ended_by)
    }

    fn change(&self, change: impl FnOnce(&mut PhoneCall)) {
        if let Some(entry) = self.all.lock().get_mut(&self.id) {
            change(&mut entry.shown);
        }
    }

    /// Somebody ends it, or has since this was asked last.
    pub(super) fn ended_by_somebody(&self) -> Arc<Notify> {
        self.hang_up.clone()
    }
}

impl Drop for OwnCall {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn calls_are_listed_as_long_as_they_go_on() {
        let all = InProgress::default();
        let [first, second, third] =
            ["…001", "…002", "…003"].map(|number| all.enter("a".into(), Some(number.into()), Utc::now()));
        let ids = |calls: &[PhoneCall]| calls.iter().map(|call| call.id).collect::<Vec<_>>();
        assert_eq!(ids(&all.list(None, 2)), [first.id, second.id]);
        assert_eq!(ids(&all.list(Some(second.id), 2)), [third.id]);
        let meeting = MeetingId::new();
        second.is_at(PhoneCallStage::Waiting);
        second.is_for(Some(Place::Meeting(meeting)));
        let found = all.find(second.id).expect("the call");
        assert_eq!((found.stage, found.meeting_id, found.room_id), (PhoneCallStage::Waiting, Some(meeting), None));
        second.is_for(None);
        assert_eq!(all.find(second.id).expect("the call").meeting_id, None);
        let id = second.id;
        drop(second);
        assert_eq!((all.find(id), ids(&all.list(None, 9))), (None, vec![first.id, third.id]));
    }

    #[test]
    fn one_call_is_ended_and_it_hears_of_that_later_too() {
        let all = InProgress::default();
        let [first, second] = [(); 2].map(|()| all.enter("a".into(), None, Utc::now()));
        all.hang_up(first.id, EndedBy::Operator);
        all.hang_up(first.id, EndedBy::Moderator);
        all.hang_up(PhoneCallId::new(), EndedBy::Operator);
        assert_eq!((first.ended_by(), second.ended_by()), (Some(EndedBy::Operator), None));
        assert!(first.ended_by_somebody().notified().now_or_never().is_some());
        assert!(second.ended_by_somebody().notified().now_or_never().is_none());
    }
}
