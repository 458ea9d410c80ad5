// SPDX-License-Identifier: EUPL-1.2
//! Telephones. Bridges hand in their calls ([`desk`]); an attendant looks after each. Calls that moderators make are in
//! [`dial_out`], and looked after in the same way once somebody has answered.
//!
//! The one place where digits typed on a telephone are checked: from a call ([`Call::begin`]) over an id ([`Call::id`]) and a
//! PIN ([`pin_entry`]) to who calls, and where ([`Known`]). Whoever speaks to the caller does what the [`Answer`] says, after
//! the time that it says, and nothing else: how long an answer takes must tell nothing.
//!
//! How many wrong codes are borne, and why that is few enough, is in [`attempts`]; `docs/operations/telephone-codes.md` is the
//! same for operators. Whether somebody is let in is not decided here but in `joining`, as for browsers. Who was has a place in
//! the live room, which is in [`seat`].
//!
//! Which trunks and numbers there are is in the database, where whoever looks after the installation puts them ([`trunks`],
//! [`numbers`]).

mod alarms;
mod attempts;
mod attendant;
mod bucket;
mod call;
mod caller;
mod caller_name;
pub(crate) mod caller_number;
pub(crate) mod desk;
pub(crate) mod dial_out;
mod gathering;
mod id_and_pin;
mod in_progress;
mod in_room;
mod incoming;
pub(crate) mod known_callers;
mod lines;
pub(crate) mod list_change;
mod number_format;
pub(crate) mod numbers;
mod operator;
mod pin_check;
mod pin_entry;
pub(crate) mod seat;
mod shared_budgets;
mod sources;
mod tenant_slug;
#[cfg(test)]
mod tests;
pub(crate) mod transfer;
pub(crate) mod trunks;
mod turns;
mod verdicts;
pub(crate) mod words;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use prometheus::Registry;
use store::{StoreError, Tx};
use tracing::warn;
use utoipa_axum::router::OpenApiRouter;

use self::alarms::Counters;
use self::attempts::{Alarm, Attempts, IdTry, Key, Source};
use self::call::{Looked, Reply, Tries};
use self::caller_number::{CallerNumber, DialPlan, E164};
use self::desk::Calls;
use self::dial_out::DialOut;
use self::id_and_pin::{Closed, Found};
use self::in_progress::EndedBy;
use self::lines::Lines;
use self::trunks::Trunks;
use self::turns::Turns;
use crate::api::client_address::network;
use crate::api::context::Context;
use crate::api::ids::{InviteeId, PhoneCallId, TenantId, UserId};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::keys::Purpose;
use crate::identity::scopes::Scope;
use crate::meetings::phone_pins::model::Place;

pub(crate) use self::call::Again;
pub(crate) use self::id_and_pin::{Shown, takes_strangers, waits};

/// What all calls share.
pub(crate) struct Phone {
    attempts: Arc<Mutex<Attempts>>,
    /// Whose PIN is looked up.
    turns: Turns,
    counters: Counters,
    /// Where numbers lead.
    lines: Lines,
    /// The calls that go on.
    pub(crate) calls: Calls,
    /// From where calls come.
    pub(crate) trunks: Trunks,
    /// The calls that we make.
    pub(crate) dial_out: DialOut,
}

impl Phone {
    /// At the start.
    pub(crate) fn new(now: Instant, is_dev: bool, registry: &Registry) -> Result<Self, prometheus::Error> {
        let attempts = Arc::new(Mutex::new(Attempts::new(now)));
        let counters = Counters::new(registry, &attempts)?;
        let (turns, lines, calls, trunks) = (Turns::default(), Lines::new(is_dev), Calls::default(), Trunks::default());
        Ok(Self { attempts, turns, counters, lines, calls, trunks, dial_out: DialOut::default() })
    }

    /// Has a call ended that a moderator has made, if it still goes on.
    pub(crate) fn hang_up(&self, id: PhoneCallId) {
        self.calls.in_progress.hang_up(id, EndedBy::Moderator);
    }

    /// Looks at the budgets, and takes with it what is to be told of them.
    fn with<T>(&self, look: impl FnOnce(&mut Attempts) -> T) -> (T, Vec<Alarm>) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = look(&mut attempts);
        (seen, std::iter::from_fn(|| attempts.poll_alarm()).collect())
    }
}

/// The API's functions for trunks, numbers and calls.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    let calls = in_progress::routes::routes().merge(dial_out::test_calls::routes());
    trunks::routes::routes().merge(numbers::routes::routes()).merge(calls)
}

/// Fails unless whoever asks looks after the telephones of the installation. A tenant's software and people do not, whatever
/// their token says.
fn require_administration(context: &Context) -> Result<(), Problem> {
    context.require(Scope::PhoneAdmin)?;
    if context.caller.tenant.is_some() { Err(Code::Forbidden.into()) } else { Ok(()) }
}

/// A point of time, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) instant: Instant,
    pub(crate) utc: DateTime<Utc>,
}

/// Whose meetings can be reached by the number that was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Serves {
    All,
    Tenants(Vec<TenantId>),
}

impl Serves {
    fn includes(&self, tenant: TenantId) -> bool {
        match self {
            Self::All => true,
            Self::Tenants(tenants) => tenants.contains(&tenant),
        }
    }
}

/// From where calls come: a provider's switch, or one of our own.
#[derive(Clone, Debug)]
pub(crate) struct Trunk {
    /// By which bridges name it.
    pub(crate) id: String,
    /// It lets nobody say a number that is not theirs.
    pub(crate) trusts_caller_ids: bool,
    pub(crate) dial_plan: DialPlan,
}

/// A call that comes in.
#[derive(Clone)]
pub(crate) struct Incoming<'a> {
    pub(crate) trunk: &'a Trunk,
    /// The address from which the trunk speaks to us.
    pub(crate) peer: IpAddr,
    pub(crate) number: CallerNumber,
    pub(crate) serves: Serves,
}

/// Whether a call is answered.
pub(crate) enum Begun {
    /// It is.
    Call(Box<Call>),
    /// Not for so long: too many wrong codes came from its number.
    Blocked(Duration),
}

/// Who is at the telephone, as far as what they typed says, or who called them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Somebody who knows what everybody may know: the meeting's id, and its PIN where that is asked for.
    Room,
    /// A host: it may begin.
    Host,
    /// That person.
    Invitee(InviteeId),
    /// Nobody who typed anything: a moderator called them.
    Called(Called),
}

/// Somebody whom a moderator called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Called {
    /// The account, and the invitation, of a moderator who called their own telephone.
    pub(crate) user_id: Option<UserId>,
    pub(crate) invitee_id: Option<InviteeId>,
    /// The moderator has said what they are called.
    pub(crate) is_named: bool,
}

/// Somebody who may come, or wait.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) place: Place,
    pub(crate) who: Who,
    /// They wait in the lobby until a host lets them in.
    pub(crate) waits: bool,
    /// What they are called, if the meeting or the tenant's directory says so: by their PIN, or by their number, which is no
    /// proof.
    pub(crate) name: Option<String>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, who, waits, name: _ } = self;
        f.debug_struct("Known").field("place", place).field("who", who).field("waits", waits).finish_non_exhaustive()
    }
}

/// What a caller is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was wrong, and that is to be typed next.
    Wrong(Again),
    /// It was wrong once too often: the call ends.
    Ended,
    /// A PIN is wanted; where it may be skipped, typing nothing is enough for the lobby.
    AskPin { may_skip: bool },
    /// Too many codes come from everywhere: the call ends, and it may be called again later.
    Busy,
    /// The number that was called leads to a meeting that is not open.
    Closed(Closed),
    /// It was right.
    Known(Known),
}

/// What a caller is answered, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) step: Step,
    /// How long after the last digit, whatever the answer took.
    pub(crate) after: Duration,
}

/// A call whose caller types digits.
pub(crate) struct Call {
    trunk: String,
    /// The number, where the trunk vouches for it.
    number: Option<E164>,
    /// The same, where the caller does not withhold it.
    told: Option<E164>,
    serves: Serves,
    tries: Tries,
    /// What was found by the id that was typed last.
    found: Option<Found>,
    is_right: bool,
}

impl Call {
    /// Begins a call.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(crate) async fn begin(app: &App, at: Moment, incoming: Incoming<'_>) -> Result<Begun, StoreError> {
        let Incoming { trunk, peer, number, serves } = incoming;
        let (told, number) = (number.told().cloned(), number.number().cloned());
        let vouched = |number: Option<E164>| number.filter(|_| trunk.trusts_caller_ids);
        let (told, number) = (vouched(told), vouched(number));
        let key = |kind: &[u8], what: &str| -> Key {
            app.installation.derive(Purpose::PhoneCaller, &[kind, trunk.id.as_bytes(), what.as_bytes()])
        };
        let mut source = Source {
            number: number.as_ref().map(|number| key(b"source", number.as_str())),
            peer: key(b"peer", &network(peer).to_string()),
            is_known: false,
        };
        let (blocked, _) = app.phone.with(|attempts| attempts.blocked_for(at.instant, &source));
        if let Some(wait) = blocked {
            app.phone.counters.blocked();
            return Ok(Begun::Blocked(wait));
        }
        if let Some(number) = &number {
            let mut tx = app.store.read().await?;
            source.is_known = known_callers::is_known(&mut tx, &app.installation, number, &serves, at.utc).await?;
        }
        let trunk = trunk.id.clone();
        let tries = Tries::new(source);
        Ok(Begun::Call(Box::new(Self { trunk, number, told, serves, tries, found: None, is_right: false })))
    }

    /// An id was typed.
    ///
    /// # Errors
    ///
    /// Fails when the database does; then nothing was counted.
    pub(crate) async fn id(&mut self, app: &App, at: Moment, digits: &str) -> Result<Answer, StoreError> {
        (self.found, self.is_right) = (None, false);
        if !id_and_pin::is_id(digits) {
            let (reply, after) = self.tries.no_id();
            return Ok(self.wrong(app, at, reply, after, &[]).await);
        }
        let used = shared_budgets::read(&mut app.store.read().await?, at.utc).await?;
        let (id, _) = app.phone.with(|attempts| {
            attempts.adopt(at.instant, used);
            self.tries.id(at.instant, attempts)
        });
        let id = match id {
            Ok(id) => id,
            Err(reply) => return Ok(self.wrong(app, at, reply, Duration::ZERO, &[]).await),
        };
        let looked = self.look_up(app, at, digits).await;
        if let (Err(_), IdTry::Alone(paid)) = (&looked, id) {
            app.phone.with(|attempts| attempts.right_id(self.tries.source(), paid));
        }
        let (found, looked) = looked?;
        if let (IdTry::Alone(paid), Looked::Nothing) = (id, looked) {
            // Before it is answered. Where it cannot be written down, it is not answered.
            let mut tx = app.store.write().await?;
            shared_budgets::charge(&mut tx, paid, at.utc).await?;
            tx.commit().await?;
        }
        let ((reply, after), alarms) =
            app.phone.with(|attempts| self.tries.id_looked_up(at.instant, attempts, id, looked));
        if let Reply::AskPin { may_skip } = reply {
            self.found = found.ok();
            return Ok(Answer { step: Step::AskPin { may_skip }, after });
        }
        Ok(self.wrong(app, at, reply, after, &alarms).await)
    }

    /// The number that was called leads to the one meeting with this id, which nobody has typed.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(crate) async fn direct(&mut self, app: &App, at: Moment, id: &str) -> Result<Answer, StoreError> {
        (self.found, self.is_right) = (None, false);
        let (found, looked) = self.look_up(app, at, id).await?;
        let found = match found {
            Ok(found) => found,
            Err(closed) => return Ok(Answer { step: Step::Closed(closed), after: Duration::ZERO }),
        };
        let may_skip = matches!(looked, Looked::Place { may_skip: true, .. });
        let (reply, _) = app.phone.with(|attempts| self.tries.led(at.instant, attempts, may_skip));
        if let Reply::AskPin { may_skip } = reply {
            self.found = Some(found);
            return Ok(Answer { step: Step::AskPin { may_skip }, after: Duration::ZERO });
        }
        Ok(self.wrong(app, at, reply, Duration::ZERO, &[]).await)
    }

    /// They have given what is right.
    fn is_in(&mut self, app: &App, at: Moment) {
        self.is_right = true;
        if self.tries.wrong() == 0 {
            app.phone.with(|attempts| attempts.clean_entry(at.instant, self.tries.source()));
        }
    }

    /// Their number, if it is known for a while once they are in: there was no wrong code before.
    pub(crate) fn remembered(&self) -> Option<&E164> {
        self.number.as_ref().filter(|_| self.is_right && self.tries.wrong() == 0)
    }

    async fn look_up(
        &self,
        app: &App,
        at: Moment,
        digits: &str,
    ) -> Result<(Result<Found, Closed>, Looked), StoreError> {
        let mut tx = app.store.read().await?;
        let found = match id_and_pin::find(&mut tx, &self.serves, digits, at.utc).await? {
            Ok(found) => found,
            closed @ Err(_) => return Ok((closed, Looked::Nothing)),
        };
        let is_invited = self.is_invited(&mut tx, &found).await?;
        let looked = Looked::Place { may_skip: found.may_skip_pin(), is_invited };
        Ok((Ok(found), looked))
    }

    /// Whether their number is of somebody who is invited there.
    async fn is_invited(&self, tx: &mut Tx, found: &Found) -> Result<bool, StoreError> {
        match (found.place(), &self.number) {
            (Place::Meeting(meeting), Some(number)) => known_callers::is_invited(tx, meeting, number).await,
            _ => Ok(false),
        }
    }

    async fn known(&self, app: &App, found: &Found, shown: Shown) -> Result<Known, StoreError> {
        let mut tx = app.store.read().await?;
        let place = found.place();
        let name = match (shown.who, &self.told) {
            (Who::Invitee(id), _) => caller_name::of_invitee(&mut tx, id).await?,
            (_, Some(number)) => caller_name::of_caller(&mut tx, found.venue.tenant_id(), place, number).await?,
            (_, None) => None,
        };
        Ok(Known { place, who: shown.who, waits: waits(&found.rules, &shown), name })
    }

    /// Counts and tells what was wrong.
    async fn wrong(&mut self, app: &App, at: Moment, reply: Reply, after: Duration, alarms: &[Alarm]) -> Answer {
        self.is_right = false;
        if reply != Reply::Wrong(Again::Pin) {
            self.found = None;
        }
        let (blocked, _) = app.phone.with(|attempts| attempts.blocked_for(at.instant, self.tries.source()));
        app.phone.counters.wrong(reply, blocked.is_some());
        alarms::write(&app.store, alarms, &self.trunk).await;
        if blocked.is_some()
            && let Err(error) = self.forget(app).await
        {
            warn!(%error, "a number from which wrong codes came is still known");
        }
        let step = match reply {
            Reply::Wrong(again) => Step::Wrong(again),
            Reply::Busy => Step::Busy,
            // The last two are not wrong, so nobody comes here with them; an end lets nobody in.
            Reply::Ended | Reply::AskPin { .. } | Reply::Right => Step::Ended,
        };
        Answer { step, after }
    }

    /// A number that is blocked is not known any more.
    async fn forget(&self, app: &App) -> Result<(), StoreError> {
        let Some(number) = &self.number else { return Ok(()) };
        let mut tx = app.store.write().await?;
        known_callers::forget(&mut tx, &app.installation, number.as_str()).await?;
        tx.commit().await
    }
}
