// SPDX-License-Identifier: EUPL-1.2
//! Connecting a caller elsewhere, for the operator's software: whether the number is one that may be called, the order to the
//! call's attendant, and what came of it. They leave the meeting only once that has worked. How long they talk elsewhere nobody
//! tells us, so the call counts as the longest that there may be.

use std::time::Duration;

use bus::phone::PhoneNotice;
use chrono::Utc;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::attendant::{Attendant, Goes, Stage};
use super::dial_out::number::{Destination, NotCallable};
use super::dial_out::place::calling_tenant;
use super::dial_out::{attempts, minutes};
use super::trunks::ways_out;
use crate::api::ids::PhoneCallId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::meeting_sessions::model::Session;
use crate::records::audit::{self, Cause, Event};

/// How long it is waited for what comes of it: a telephone rings there, and a bridge gives up by itself after 190 seconds.
const PATIENCE: Duration = Duration::from_secs(200);

/// What an attendant is to have done.
pub(super) struct TransferOrder {
    /// As the trunk takes it.
    to: String,
    answer: oneshot::Sender<TransferEnd>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransferEnd {
    /// The caller is connected elsewhere.
    Done,
    /// The trunk did not do it, for this status of SIP, if it said one.
    Refused(Option<u16>),
    /// They are being connected elsewhere already.
    Busy,
    /// The call ended before it was known.
    CallEnded,
    /// Nobody said what came of it.
    Silent,
}

/// Has somebody connected elsewhere who is in a room of that meeting by telephone.
///
/// # Errors
///
/// Fails where there is no such caller, where their trunk is none to call by, where the number is none that the tenant's
/// meetings may call or has called too often, and where the day has too few minutes left for the longest call.
pub(crate) async fn by_operator(
    app: &App,
    session: &Session,
    (room, identity): (&str, &str),
    number: &str,
) -> Result<TransferEnd, Problem> {
    let call = app.phone.calls.in_progress.in_room(room, identity).ok_or(Code::NotFound)?;
    let mut tx = app.store.write().await?;
    let tenant = calling_tenant(&mut tx, session.tenant_id).await?;
    let terms = &tenant.settings.dial_out;
    let states = app.phone.trunks.states();
    let trunk = ways_out::find(&mut tx, &states, Some(&call.trunk_id)).await?.ok_or(Code::NoTrunk)?;
    let event =
        Event::new("phone_call.transfer", call.id).with("session_id", json!(session.id)).with("trunk", json!(trunk.id));
    let cause = Cause::system(Some(session.tenant_id));
    let destination = match Destination::of(number, &trunk, Some(&terms.countries)) {
        Ok(destination) => destination,
        Err(why) => {
            if why == NotCallable::Forbidden {
                // Who tries numbers that cost much should be seen.
                audit::append(&mut tx, cause, &event.denied()).await?;
                tx.commit().await?;
            }
            return Err(why.into());
        }
    };
    let now = Utc::now();
    attempts::count(&mut tx, &app.installation, session.tenant_id, &destination.number, now).await?;
    let (day, limits) = (minutes::day(now, tenant.time_zone().0), (terms.minutes_per_day, terms.longest_call_minutes));
    // A call of its own beside the caller's, which may be one that we made.
    let ids = (session.tenant_id, PhoneCallId::new());
    let reservation = minutes::reserve_whole(&mut tx, ids, day, limits, now).await?.ok_or(Code::MinutesUsedUp)?;
    audit::append(&mut tx, cause, &event).await?;
    tx.commit().await?;
    let (answer, outcome) = oneshot::channel();
    let order = TransferOrder { to: destination.written, answer };
    let end = match call.transfers.try_send(order) {
        Ok(()) => timeout(PATIENCE, outcome).await,
        Err(_) => Ok(Ok(TransferEnd::Busy)),
    };
    Ok(match end {
        Ok(Ok(TransferEnd::Done)) => TransferEnd::Done,
        Ok(Ok(end)) => {
            reservation.close(&app.store, 0).await;
            end
        }
        // It may have worked, so it counts: some trunks end the call without another word then.
        Ok(Err(_)) => TransferEnd::CallEnded,
        Err(_) => TransferEnd::Silent,
    })
}

impl Attendant {
    /// Tells the bridge to connect the caller elsewhere. Who is in no room any more is about to hang up.
    pub(super) fn begin_transfer(&mut self, order: TransferOrder) -> Goes {
        let TransferOrder { to, answer } = order;
        if self.transfer.is_some() {
            let _ = answer.send(TransferEnd::Busy);
            return Goes::On;
        }
        if !matches!(self.stage, Stage::InRoom(_)) {
            let _ = answer.send(TransferEnd::CallEnded);
            return Goes::On;
        }
        self.transfer = Some(answer);
        self.tell(PhoneNotice::Transfer { to })
    }

    /// The bridge says what came of it. When it has worked it ends the call by itself.
    pub(super) fn transfer_ended(&mut self, result: Result<(), Option<u16>>) -> Goes {
        if let Some(answer) = self.transfer.take() {
            // Whoever asked may not wait any more.
            let _ = answer.send(result.map_or_else(TransferEnd::Refused, |()| TransferEnd::Done));
        }
        Goes::On
    }
}
