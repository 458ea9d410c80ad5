// SPDX-License-Identifier: EUPL-1.2
//! What it takes for a call into a meeting: that it is allowed, a trunk, minutes and a place. All of that is looked at and
//! written down at once, and then the call is made.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use bus::phone::{CallPurpose, DialOrder, OutgoingCall, outgoing_line};
use chrono::Utc;
use serde_json::json;
use store::{StoreError, Tx};
use tokio::sync::mpsc::Permit;
use tokio::sync::watch;

use super::meter::Metered;
use super::minutes::Reservation;
use super::number::Destination;
use super::records::{Callee, DialledCall, NewRecord, OwnRecord, Purpose};
use super::ringing::{self, Ringing};
use super::{RING_TIME, attempts, minutes};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::{PhoneCallId, TenantId};
use crate::api::language::Language;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::tenants::settings::DialOut as Terms;
use crate::joining::admission::Crowd;
use crate::joining::by_phone::WaitsFrom;
use crate::meeting_sessions::model::Session;
use crate::meetings::phone_pins::model::Place;
use crate::meetings::policies::rules::{EndToEndEncryption, Guests, Rules};
use crate::meetings::tenant::{self, Tenant};
use crate::phone::caller::{Caller, Way};
use crate::phone::caller_number::{CallerNumber, E164};
use crate::phone::trunks::ways_out::{self, WayOut};
use crate::phone::{Called, Known, Who, caller_name, known_callers};
use crate::records::audit::{self, Cause, Event};
use crate::rooms::directory::RoomHandle;
use crate::tasks::TaskGuard;

/// Calls that are made into one meeting at a time: those that ring and those that have come in. A moderator who needs more invites
/// people.
const MAX_IN_MEETING: usize = 10;

/// Whom to call into which meeting.
pub(crate) struct Wish<'a> {
    pub(crate) session: &'a Session,
    /// Its live room.
    pub(crate) room: RoomHandle,
    /// As somebody typed it.
    pub(crate) number: String,
    /// What they are called; what the invitation says where nobody says it.
    pub(crate) name: Option<String>,
    /// In which they are spoken to; the tenant's without it.
    pub(crate) language: Option<Language>,
    /// The only trunk by which to call; any that works without it.
    pub(crate) trunk: Option<String>,
    /// As whom they come.
    pub(crate) called: Called,
}

/// Makes the call, and answers with its record.
pub(crate) async fn place(context: &Context, wish: Wish<'_>) -> Result<Response, Problem> {
    let (app, session) = (&context.app, wish.session);
    let cause = Cause::of(&context.caller, Some(session.tenant_id), context.request_id());
    let (tx, prepared) = prepare_or_note(app, context.write().await?, cause, wish).await?;
    let answer = Answer::with_status(StatusCode::ACCEPTED, &prepared.shown)?;
    let response = context.commit(tx, Some(session.tenant_id), &prepared.event, answer).await?;
    let _: String = prepared.make();
    Ok(response)
}

/// Makes the call for the operator's software, whom no scope binds, but the tenant's settings. Answers with its id, and as whom
/// somebody comes who is called.
pub(crate) async fn by_operator(app: &Arc<App>, wish: Wish<'_>) -> Result<(PhoneCallId, String), Problem> {
    let session = wish.session;
    let cause = Cause::system(Some(session.tenant_id));
    let (mut tx, prepared) = prepare_or_note(app, app.store.write().await?, cause, wish).await?;
    audit::append(&mut tx, cause, &prepared.event).await?;
    tx.commit().await?;
    let id = prepared.id;
    Ok((id, prepared.make()))
}

/// A call for which there is everything. Once that is kept, it is made; dropped before that, it is forgotten.
struct Prepared<'a> {
    app: &'a Arc<App>,
    id: PhoneCallId,
    /// What the audit log says.
    event: Event,
    /// Its record as it is shown.
    shown: DialledCall,
    order: Permit<'a, DialOrder>,
    guard: TaskGuard,
    is_over: watch::Receiver<bool>,
    record: OwnRecord,
    reservation: Reservation,
    trunk: WayOut,
    destination: Destination,
    /// What is kept of the number.
    mark: String,
    known: Known,
    language: Language,
    /// Whose prompts are played, by its slug.
    tenant: String,
    room: RoomHandle,
}

/// Prepares a call. That somebody wanted one to a number that is not called is written down.
async fn prepare_or_note<'a>(
    app: &'a Arc<App>,
    mut tx: Tx,
    cause: Cause<'_>,
    wish: Wish<'_>,
) -> Result<(Tx, Prepared<'a>), Problem> {
    let session = wish.session;
    let prepared = prepare(app, &mut tx, wish).await;
    match prepared {
        Ok(prepared) => Ok((tx, prepared)),
        Err(problem) => {
            drop(tx);
            if problem.code() == Code::NumberNotAllowed {
                note_refused(app, cause, session).await?;
            }
            Err(problem)
        }
    }
}

/// Looks whether a call may be made, and writes down what it takes.
async fn prepare<'a>(app: &'a Arc<App>, tx: &mut Tx, wish: Wish<'_>) -> Result<Prepared<'a>, Problem> {
    let session = wish.session;
    let tenant = calling_tenant(tx, session.tenant_id).await?;
    let terms = &tenant.settings.dial_out;
    let states = app.phone.trunks.states();
    let trunk = ways_out::find(tx, &states, wish.trunk.as_deref()).await?.ok_or(Code::NoTrunk)?;
    let destination = Destination::of(&wish.number, &trunk, Some(&terms.countries))?;
    let order = app.phone.dial_out.order()?;
    let (guard, is_over) = app.phone.calls.begin().ok_or(Code::Unavailable)?;
    let (id, now, place) = (PhoneCallId::new(), Utc::now(), place_of(session)?);
    let name = match wish.name {
        None => invited_as(tx, place, &destination.number).await?,
        given => given,
    };
    // From here on nobody else calls for this tenant before this is kept, so what is counted stays so.
    attempts::count(tx, &app.installation, session.tenant_id, &destination.number, now).await?;
    let (records, purpose) = (&app.phone.dial_out.records, Purpose::Meeting(session.id));
    let mark = known_callers::mark(&app.installation, destination.number.as_str());
    let callee = Callee { tenant: session.tenant_id, mark: mark.clone() };
    if records.is_calling(&purpose, &callee) {
        return Err(Code::BeingCalled.into());
    }
    check_has_room(tx, app, &tenant).await?;
    let last_digits = CallerNumber::of(destination.number.clone()).last_digits();
    let new = NewRecord { id, purpose, callee: Some(callee), number: last_digits.clone(), name: name.clone() };
    let record = records.enter(new, MAX_IN_MEETING, now).ok_or(Code::TooManyCalls)?;
    let Terms { minutes_per_day, longest_call_minutes, .. } = *terms;
    let day = minutes::day(now, tenant.time_zone().0);
    let limits = (minutes_per_day, longest_call_minutes);
    let reservation = minutes::reserve(tx, (session.tenant_id, id), day, limits, now).await?;
    let reservation = reservation.ok_or(Code::MinutesUsedUp)?;
    let event = Event::new("phone_call.create", id)
        .with("session_id", json!(session.id))
        .with("trunk", json!(trunk.id))
        .with("number", json!(last_digits));
    let shown = record.shown().ok_or(Code::Internal)?;
    let known = Known { place, who: Who::Called(wish.called), waits: false, name };
    let language = wish.language.unwrap_or(tenant.language);
    let room = wish.room;
    Ok(Prepared {
        app,
        id,
        event,
        shown,
        order,
        guard,
        is_over,
        record,
        reservation,
        trunk,
        destination,
        mark,
        known,
        language,
        tenant: tenant.slug,
        room,
    })
}

impl Prepared<'_> {
    /// Makes it. Returns as whom they come.
    fn make(self) -> String {
        let Self { app, id, destination: Destination { number, written }, trunk, mark, shown, .. } = self;
        let dialled = Metered::new(self.record.made(), self.reservation);
        let call = OutgoingCall {
            trunk: trunk.id.clone(),
            to: written,
            from: trunk.own_number(),
            tenant: Some(self.tenant.clone()),
            language: self.language.as_str().to_owned(),
            purpose: CallPurpose::Invitation,
            ring_time: RING_TIME,
        };
        let caller = Caller {
            // Known once somebody has answered.
            bridge: 0,
            own_number: call.from.clone(),
            entry: app.phone.calls.in_progress.dial(id, trunk.id.clone(), shown.number, shown.created_at),
            trunk: trunk.id,
            tenant: Some(self.tenant),
            way: Way::Out(Box::new(self.known)),
            number: CallerNumber::of(number),
            source: WaitsFrom { mark: mark.clone(), is_trunk: false },
            mark,
            // Behind one number there may be several people, so each call is somebody else. A ban is of the mark.
            call: id.to_string(),
            is_on_hold: false,
        };
        let identity = caller.identity();
        let (to_bridge, line) = outgoing_line(call);
        self.order.send(to_bridge);
        let ringing = Ringing { app: app.clone(), line, caller, dialled, room: self.room, is_over: self.is_over };
        let guard = self.guard;
        tokio::spawn(async move {
            ringing::attend(ringing).await;
            drop(guard);
        });
        identity
    }
}

/// Writes down that somebody wanted to call a number that is not called: who tries those that cost much should be seen. The answer
/// is not kept for a repeated request, since the rules may be others by then.
async fn note_refused(app: &App, cause: Cause<'_>, session: &Session) -> Result<(), StoreError> {
    let code = Code::NumberNotAllowed.as_str();
    let event = Event::new("phone_call.create", PhoneCallId::new())
        .with("session_id", json!(session.id))
        .with("reason", code.into())
        .denied();
    let mut tx = app.store.write().await?;
    audit::append(&mut tx, cause, &event).await?;
    tx.commit().await
}

/// Fails where nobody who is called now would be let in: it is better not to call them.
pub(crate) fn check_may_come(
    rules: &Rules,
    session: &Session,
    room: &RoomHandle,
    called: &Called,
) -> Result<(), Problem> {
    // A telephone shows no sign-in, and knows no keys.
    if rules.e2ee == EndToEndEncryption::Required || rules.required_acr.is_some() {
        return Err(Code::PhonesExcluded.into());
    }
    if session.is_locked {
        return Err(Code::MeetingLocked.into());
    }
    if called.user_id.is_none() && rules.guests == Guests::Forbidden {
        return Err(Code::GuestsForbidden.into());
    }
    let is_full = rules.max_participants.is_some_and(|most| room.info().num_places_taken >= most);
    if is_full { Err(Code::MeetingFull.into()) } else { Ok(()) }
}

/// Fails where as many are in the tenant's meetings as it may have, in all or at telephones. Those that ring count: whoever
/// answers is to come in.
async fn check_has_room(tx: &mut Tx, app: &App, tenant: &Tenant) -> Result<(), Problem> {
    let limits = &tenant.settings.limits;
    if limits.max_concurrent_participants.is_none() && limits.max_concurrent_phone_calls.is_none() {
        return Ok(());
    }
    let crowd = Crowd::of(tx, app, tenant.id).await?;
    let coming = app.phone.dial_out.records.calling(tenant.id);
    let is_reached = |most: Option<u32>, there: u32| most.is_some_and(|most| there.saturating_add(coming) >= most);
    if is_reached(limits.max_concurrent_phone_calls, crowd.telephones) {
        return Err(Code::TooManyCalls.into());
    }
    if is_reached(limits.max_concurrent_participants, crowd.participants) {
        return Err(Code::MeetingFull.into());
    }
    Ok(())
}

fn place_of(session: &Session) -> Result<Place, Problem> {
    let meeting = session.meeting_id.map(Place::Meeting);
    Ok(meeting.or(session.room_id.map(Place::Room)).ok_or(Code::NotFound)?)
}

/// What the meeting's invitation calls whoever has that number.
async fn invited_as(tx: &mut Tx, place: Place, number: &E164) -> Result<Option<String>, StoreError> {
    match place {
        Place::Meeting(meeting) => caller_name::of_number(tx, meeting, number).await,
        Place::Room(_) => Ok(None),
    }
}

/// A tenant from whose meetings telephones may be called; fails where they may not. Whoever asks before more is looked at learns it
/// first.
pub(crate) async fn calling_tenant(tx: &mut Tx, tenant: TenantId) -> Result<Tenant, Problem> {
    let tenant = tenant::find(tx, tenant).await?.ok_or(Code::NotFound)?;
    if tenant.settings.dial_out.is_enabled { Ok(tenant) } else { Err(Code::DialOutOff.into()) }
}

/// Whether telephones may be called from a tenant's meetings.
pub(crate) async fn is_on(tx: &mut Tx, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(tenant::find(tx, tenant).await?.is_some_and(|tenant| tenant.settings.dial_out.is_enabled))
}
