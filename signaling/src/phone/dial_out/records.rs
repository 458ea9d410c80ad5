// SPDX-License-Identifier: EUPL-1.2
//! The calls that we make and how each goes on, for those who made them. They are kept in this process: while they go on, and for
//! an hour after that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::phone::NotReachedReason;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::api::ids::{MeetingSessionId, PhoneCallId, TenantId};
use crate::meetings::words::words;

/// How long a call is shown that is over.
const SHOWN_FOR: Duration = Duration::hours(1);

/// Calls that are over and still shown, at most; then the oldest go.
const MAX_ENDED: usize = 2_000;

words! {
    /// How far a call is that we make.
    DialledCallState {
        /// It is being made.
        Dialling = "dialling",
        /// It rings.
        Ringing = "ringing",
        /// Somebody or something has answered, and has not pressed the key by which one comes in.
        Answered = "answered",
        /// Whoever was called is in the meeting.
        InMeeting = "in_meeting",
        /// It is over. Whoever was in the meeting is not any more, and may still hear why.
        Ended = "ended",
    }

    /// Why a call is over that we made.
    DialledCallEnd {
        /// Whoever was called has hung up.
        HungUp = "hung_up",
        /// They are on the telephone.
        Busy = "busy",
        /// Nobody answered.
        NotAnswered = "not_answered",
        /// They did not want the call.
        Declined = "declined",
        /// They answered, and pressed no key: perhaps a machine did.
        NotConfirmed = "not_confirmed",
        /// There is no such number.
        UnknownNumber = "unknown_number",
        /// The trunk does not call there.
        NotAllowed = "not_allowed",
        /// The trunk cannot be reached or is out of order.
        TrunkFailed = "trunk_failed",
        /// There are as many calls as there may be.
        Full = "full",
        /// We and they have no sound in common.
        NoCommonSound = "no_common_sound",
        /// A moderator has given it up, or the server ends.
        GivenUp = "given_up",
        /// It has lasted for as long as it may.
        TimeUp = "time_up",
        /// The meeting did not let them in: it is locked or full, or they are banned.
        NotAdmitted = "not_admitted",
        /// A moderator has removed them or hung up.
        Removed = "removed",
        /// The meeting is over.
        MeetingEnded = "meeting_ended",
        /// Something of ours does not work.
        Failed = "failed",
        /// A test was heard to its end.
        Tested = "tested",
    }
}

impl From<NotReachedReason> for DialledCallEnd {
    fn from(reason: NotReachedReason) -> Self {
        match reason {
            NotReachedReason::Busy => Self::Busy,
            NotReachedReason::NotAnswered => Self::NotAnswered,
            NotReachedReason::Declined => Self::Declined,
            NotReachedReason::NotConfirmed => Self::NotConfirmed,
            NotReachedReason::UnknownNumber => Self::UnknownNumber,
            NotReachedReason::NotAllowed => Self::NotAllowed,
            NotReachedReason::TrunkFailed => Self::TrunkFailed,
            NotReachedReason::Full => Self::Full,
            NotReachedReason::NoCommonSound => Self::NoCommonSound,
            NotReachedReason::GivenUp => Self::GivenUp,
        }
    }
}

/// A call that we make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DialledCall {
    /// Its id.
    pub(crate) id: PhoneCallId,
    /// How far it is.
    pub(crate) state: DialledCallState,
    /// Why it is over. Null while it is not.
    pub(crate) ended_because: Option<DialledCallEnd>,
    /// What the other end answered, a status of SIP, where the call came to nothing by it.
    pub(crate) answer: Option<u16>,
    /// The last digits of the number. Null where it is so short that they would be half of it.
    #[schema(example = "…567")]
    pub(crate) number: Option<String>,
    /// What whoever is called is called, if somebody said so.
    pub(crate) name: Option<String>,
    /// When it was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// When somebody or something answered.
    pub(crate) answered_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Who they are in the meeting, once they are in it: `identity` elsewhere.
    pub(crate) participant_id: Option<String>,
}

/// What calls are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody is to come into a meeting.
    Meeting(MeetingSessionId),
    /// A trunk is tried out.
    Test(String),
}

/// Whom a call into a meeting is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callee {
    /// Whose meeting it is.
    pub(super) tenant: TenantId,
    /// Of the number, as in [`known_callers`](crate::phone::known_callers).
    pub(super) mark: String,
}

/// All of them.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<BTreeMap<PhoneCallId, Record>>>);

struct Record {
    purpose: Purpose,
    callee: Option<Callee>,
    shown: DialledCall,
    because: Option<DialledCallEnd>,
    /// It has changed.
    changed: watch::Sender<()>,
}

/// The record of a call that goes on, by whoever looks after it. Once that is dropped, the call is over.
pub(in crate::phone) struct OwnRecord {
    all: Records,
    id: PhoneCallId,
    is_made: bool,
}

/// What is known of a call before it is made.
pub(super) struct NewRecord {
    pub(super) id: PhoneCallId,
    pub(super) purpose: Purpose,
    /// None where a trunk is tried out.
    pub(super) callee: Option<Callee>,
    pub(super) number: Option<String>,
    pub(super) name: Option<String>,
}

impl Records {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PhoneCallId, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another one is about to be made. `None`: as many go on for the same purpose as there may be.
    pub(super) fn enter(&self, new: NewRecord, max: usize, now: DateTime<Utc>) -> Option<OwnRecord> {
        let NewRecord { id, purpose, callee, number, name } = new;
        let mut records = self.lock();
        forget_old(&mut records, now);
        let going_on = records.values().filter(|record| record.purpose == purpose && record.shown.ended_at.is_none());
        if going_on.count() >= max {
            return None;
        }
        let shown = DialledCall {
            id,
            state: DialledCallState::Dialling,
            ended_because: None,
            answer: None,
            number,
            name,
            created_at: now,
            answered_at: None,
            ended_at: None,
            participant_id: None,
        };
        records.insert(id, Record { purpose, callee, shown, because: None, changed: watch::Sender::new(()) });
        Some(OwnRecord { all: self.clone(), id, is_made: false })
    }

    /// Whether somebody is being called for the same purpose and has not come in yet.
    pub(super) fn is_calling(&self, purpose: &Purpose, callee: &Callee) -> bool {
        let records = self.lock();
        let is_it = |record: &Record| record.purpose == *purpose && record.callee.as_ref() == Some(callee);
        records.values().any(|record| is_it(record) && record.is_coming())
    }

    /// How many telephones are being called into the tenant's meetings from which nobody has come in yet.
    pub(super) fn calling(&self, tenant: TenantId) -> u32 {
        let records = self.lock();
        let is_its = |record: &Record| record.callee.as_ref().is_some_and(|callee| callee.tenant == tenant);
        let calling = records.values().filter(|record| is_its(record) && record.is_coming());
        u32::try_from(calling.count()).unwrap_or(u32::MAX)
    }

    /// At most so many for a purpose, the oldest first, behind that one.
    pub(crate) fn list(
        &self,
        purpose: &Purpose,
        after: Option<PhoneCallId>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Vec<DialledCall> {
        let mut records = self.lock();
        forget_old(&mut records, now);
        let wanted = records.values().filter(|record| record.purpose == *purpose).map(|record| &record.shown);
        wanted.filter(|call| after.is_none_or(|after| call.id > after)).take(limit).cloned().collect()
    }

    /// The one of that id for a purpose.
    pub(crate) fn find(&self, purpose: &Purpose, id: PhoneCallId, now: DateTime<Utc>) -> Option<DialledCall> {
        let mut records = self.lock();
        forget_old(&mut records, now);
        records.get(&id).filter(|record| record.purpose == *purpose).map(|record| record.shown.clone())
    }

    /// Says when the one of that id has changed, until it is forgotten.
    pub(crate) fn changes(&self, id: PhoneCallId) -> Option<watch::Receiver<()>> {
        self.lock().get(&id).map(|record| record.changed.subscribe())
    }
}

impl Record {
    /// Whether whoever is called may still come in.
    fn is_coming(&self) -> bool {
        !matches!(self.shown.state, DialledCallState::InMeeting | DialledCallState::Ended)
    }
}

fn forget_old(records: &mut BTreeMap<PhoneCallId, Record>, now: DateTime<Utc>) {
    records.retain(|_, record| record.shown.ended_at.is_none_or(|ended_at| now - ended_at < SHOWN_FOR));
    let ended: Vec<_> =
        records.iter().filter(|(_, record)| record.shown.ended_at.is_some()).map(|(id, _)| *id).collect();
    for id in ended.iter().take(ended.len().saturating_sub(MAX_ENDED)) {
        records.remove(id);
    }
}

impl Record {
    /// Shows it as over, since then if it was not.
    fn show_ended(&mut self, now: DateTime<Utc>) {
        self.shown.state = DialledCallState::Ended;
        self.shown.ended_because = Some(self.because.unwrap_or(DialledCallEnd::HungUp));
        self.shown.ended_at.get_or_insert(now);
    }
}

impl OwnRecord {
    fn change(&self, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.all.lock().get_mut(&self.id) {
            change(record);
            record.changed.send_replace(());
        }
    }

    /// As it is shown.
    pub(super) fn shown(&self) -> Option<DialledCall> {
        self.all.lock().get(&self.id).map(|record| record.shown.clone())
    }

    /// It is made; before that, dropping this forgets it.
    pub(super) fn made(mut self) -> Self {
        self.is_made = true;
        self
    }

    /// It rings.
    pub(super) fn rings(&self) {
        self.change(|record| record.shown.state = DialledCallState::Ringing);
    }

    /// Somebody or something has answered.
    pub(super) fn is_answered(&self, now: DateTime<Utc>) {
        self.change(|record| {
            record.shown.state = DialledCallState::Answered;
            record.shown.answered_at.get_or_insert(now);
        });
    }

    /// Whoever was called is in the meeting, as that participant.
    pub(in crate::phone) fn is_in_meeting(&self, identity: &str) {
        self.change(|record| {
            if record.shown.ended_at.is_none() {
                record.shown.state = DialledCallState::InMeeting;
                record.shown.participant_id.get_or_insert_with(|| identity.to_owned());
            }
        });
    }

    /// Why it is about to be over. The first word counts. Whoever is in the meeting leaves it with that, and only hears why, which
    /// those who look need not wait for.
    pub(in crate::phone) fn ends(&self, because: DialledCallEnd) {
        self.change(|record| {
            record.because.get_or_insert(because);
            if record.shown.state == DialledCallState::InMeeting {
                record.show_ended(Utc::now());
            }
        });
    }

    /// What SIP answered that ended it.
    pub(super) fn answers(&self, status: Option<u16>) {
        self.change(|record| record.shown.answer = status);
    }
}

impl Drop for OwnRecord {
    fn drop(&mut self) {
        let mut records = self.all.lock();
        if !self.is_made {
            records.remove(&self.id);
        } else if let Some(record) = records.get_mut(&self.id) {
            record.show_ended(Utc::now());
            record.changed.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(purpose: &Purpose) -> NewRecord {
        let (id, number) = (PhoneCallId::new(), Some("…567".into()));
        NewRecord { id, purpose: purpose.clone(), callee: None, number, name: None }
    }

    #[test]
    fn a_call_is_shown_while_it_goes_on_and_an_hour_longer() {
        let (all, now) = (Records::default(), Utc::now());
        let purpose = Purpose::Meeting(MeetingSessionId::new());
        let call = all.enter(new(&purpose), 1, now).expect("room").made();
        assert!(all.enter(new(&purpose), 1, now).is_none(), "there are as many as there may be");
        let id = call.id;
        let shown = |now| all.find(&purpose, id, now);
        call.rings();
        assert_eq!(shown(now).map(|call| call.state), Some(DialledCallState::Ringing));
        call.is_answered(now);
        call.is_in_meeting("p_a");
        assert_eq!(shown(now + Duration::days(1)).and_then(|call| call.participant_id).as_deref(), Some("p_a"));
        call.ends(DialledCallEnd::TimeUp);
        call.ends(DialledCallEnd::Removed);
        call.is_in_meeting("p_a");
        let ended = shown(Utc::now()).expect("the call");
        assert_eq!((ended.state, ended.ended_because), (DialledCallState::Ended, Some(DialledCallEnd::TimeUp)));
        drop(call);
        assert_eq!(shown(Utc::now()), Some(ended), "the last words are nothing new to those who look");
        assert!(all.enter(new(&purpose), 1, Utc::now()).is_some(), "another one may be made");
        assert_eq!(shown(Utc::now() + SHOWN_FOR), None);
    }

    #[test]
    fn a_call_that_comes_to_nothing_is_over_when_it_is_dropped() {
        let (all, now) = (Records::default(), Utc::now());
        let purpose = Purpose::Meeting(MeetingSessionId::new());
        let call = all.enter(new(&purpose), 1, now).expect("room").made();
        let id = call.id;
        let shown = || all.find(&purpose, id, Utc::now()).map(|call| (call.state, call.ended_because));
        call.is_answered(now);
        call.ends(DialledCallEnd::NotConfirmed);
        assert_eq!(shown(), Some((DialledCallState::Answered, None)), "its minutes are still to be written down");
        drop(call);
        assert_eq!(shown(), Some((DialledCallState::Ended, Some(DialledCallEnd::NotConfirmed))));
    }

    #[test]
    fn what_was_not_made_is_forgotten_and_each_meeting_has_its_own() {
        let (all, now) = (Records::default(), Utc::now());
        let [first, second] = [(); 2].map(|()| Purpose::Meeting(MeetingSessionId::new()));
        drop(all.enter(new(&first), 9, now));
        assert!(all.list(&first, None, 9, now).is_empty());
        let calls = [&first, &second, &first].map(|purpose| all.enter(new(purpose), 9, now).expect("room").made());
        let ids =
            |after, limit| all.list(&first, after, limit, now).into_iter().map(|call| call.id).collect::<Vec<_>>();
        assert_eq!(ids(None, 9), [calls[0].id, calls[2].id]);
        assert_eq!((ids(None, 1), ids(Some(calls[0].id), 9)), (vec![calls[0].id], vec![calls[2].id]));
        assert_eq!(all.find(&second, calls[0].id, now), None);
    }

    #[test]
    fn of_calls_that_are_over_the_oldest_go_first() {
        let (all, now) = (Records::default(), Utc::now());
        let purpose = Purpose::Test("provider".into());
        for _ in 0..MAX_ENDED + 5 {
            drop(all.enter(new(&purpose), 1, now).map(OwnRecord::made));
        }
        let goes_on = all.enter(new(&purpose), 1, now).expect("room").made();
        let shown = all.list(&purpose, None, usize::MAX, Utc::now());
        assert_eq!((shown.len(), shown.last().map(|call| call.id)), (MAX_ENDED + 1, Some(goes_on.id)));
    }

    #[test]
    fn a_telephone_is_called_once_at_a_time_until_somebody_has_come_in() {
        let (all, now) = (Records::default(), Utc::now());
        let [purpose, other] = [(); 2].map(|()| Purpose::Meeting(MeetingSessionId::new()));
        let [callee, stranger] = ["a", "b"].map(|mark| Callee { tenant: TenantId::new(), mark: mark.to_owned() });
        let enter = || {
            let new = NewRecord { callee: Some(callee.clone()), ..new(&purpose) };
            all.enter(new, 9, now).expect("room").made()
        };
        assert!(!all.is_calling(&purpose, &callee));
        let call = enter();
        assert!(all.is_calling(&purpose, &callee));
        call.is_answered(now);
        assert!(all.is_calling(&purpose, &callee), "no key was pressed yet");
        assert!(!all.is_calling(&other, &callee) && !all.is_calling(&purpose, &stranger));
        call.is_in_meeting("p_a");
        assert!(!all.is_calling(&purpose, &callee), "somebody else behind that number may be called");
        let second = enter();
        assert!(all.is_calling(&purpose, &callee));
        assert_eq!((all.calling(callee.tenant), all.calling(stranger.tenant)), (1, 0));
        drop(second);
        assert!(!all.is_calling(&purpose, &callee));
        assert_eq!(all.calling(callee.tenant), 0);
    }
}
