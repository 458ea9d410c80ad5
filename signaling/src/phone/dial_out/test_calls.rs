// SPDX-License-Identifier: EUPL-1.2
//! Calls by which a trunk is tried out: whoever answers hears that telephones work, and that is all.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use bus::phone::{CallPurpose, OutgoingCall, OutgoingEnd, PhoneRequest, outgoing_line};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::StoreError;
use tokio::sync::watch;
use tokio::time::sleep;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::RING_TIME;
use super::number::{Destination, NotCallable};
use super::records::{DialledCall, DialledCallEnd, NewRecord, OwnRecord, Purpose};
use super::ringing::{end_of_silent, give_up, note};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::PhoneCallId;
use crate::api::language::Language;
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::phone::caller_number::CallerNumber;
use crate::phone::in_progress::OwnCall;
use crate::phone::require_administration;
use crate::phone::trunks::{self, ways_out};
use crate::records::audit::{self, Cause, Event};

/// Test calls by one trunk at a time.
const MAX_TESTS: usize = 2;

/// The longest test: it rings, and a sentence is heard.
const LONGEST: Duration = Duration::from_secs(120);

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(try_out)).routes(routes!(show_test))
}

/// Whom to call to try out a trunk.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestCallInput {
    /// The number, as it is dialled where the trunk is, or with a plus.
    #[schema(min_length = 1, max_length = 64, example = "+49 30 123456")]
    number: String,
    /// In which whoever answers is spoken to.
    #[serde(default)]
    #[schema(default = "de")]
    language: Language,
}

/// Tries out a trunk
///
/// Calls a number by it. Whoever answers hears that telephones work, and is hung up on. Any country can be called, but no
/// emergency or premium number. How it goes on shows the call, for an hour.
#[utoipa::path(post, path = "/phone/trunks/{trunk_id}/test_calls", tag = "Phone trunks", request_body = TestCallInput,
    params(("trunk_id" = String, Path)), security(("api_token" = ["phone:admin"])),
    responses((status = 202, body = DialledCall)))]
async fn try_out(
    context: Context,
    Path(trunk_id): Path<String>,
    Body(input): Body<TestCallInput>,
) -> Result<Response, Problem> {
    require_administration(&context)?;
    let app = &context.app;
    let mut tx = context.write().await?;
    if !trunks::is_there(&mut tx, &trunk_id).await? {
        return Err(Code::NotFound.into());
    }
    let states = app.phone.trunks.states();
    let trunk = ways_out::find(&mut tx, &states, Some(&trunk_id)).await?.ok_or(Code::NoTrunk)?;
    let destination = match Destination::of(&input.number, &trunk, None) {
        Ok(destination) => destination,
        Err(NotCallable::Forbidden) => {
            drop(tx);
            return Err(note_refused(&context, &trunk.id).await?);
        }
        Err(why) => return Err(why.into()),
    };
    let order = app.phone.dial_out.order()?;
    let (guard, is_over) = app.phone.calls.begin().ok_or(Code::Unavailable)?;
    let (id, now) = (PhoneCallId::new(), Utc::now());
    let last_digits = CallerNumber::of(destination.number).last_digits();
    let purpose = Purpose::Test(trunk_id);
    let new = NewRecord { id, purpose, callee: None, number: last_digits.clone(), name: None };
    let record = app.phone.dial_out.records.enter(new, MAX_TESTS, now).ok_or(Code::TooManyCalls)?;
    let event =
        Event::new("phone_trunk.test_call", &trunk.id).with("call_id", json!(id)).with("number", json!(last_digits));
    let shown = record.shown().ok_or(Code::Internal)?;
    let response = context.commit(tx, None, &event, Answer::with_status(StatusCode::ACCEPTED, &shown)?).await?;
    let record = record.made();
    let entry = app.phone.calls.in_progress.dial(id, trunk.id.clone(), last_digits, now);
    let (to_bridge, line) = outgoing_line(OutgoingCall {
        to: destination.written,
        from: trunk.own_number(),
        trunk: trunk.id,
        language: input.language.as_str().to_owned(),
        tenant: None,
        purpose: CallPurpose::Test,
        ring_time: RING_TIME,
    });
    order.send(to_bridge);
    tokio::spawn(async move {
        follow(line, record, entry, is_over).await;
        drop(guard);
    });
    Ok(response)
}

/// Writes down that somebody wanted to call a number that is not called: who tries those that cost much should be seen, also where
/// they look after the installation.
async fn note_refused(context: &Context, trunk: &str) -> Result<Problem, StoreError> {
    let code = Code::NumberNotAllowed;
    let event = Event::new("phone_trunk.test_call", trunk).with("reason", code.as_str().into()).denied();
    let mut tx = context.app.store.write().await?;
    audit::append(&mut tx, Cause::of(&context.caller, None, context.request_id()), &event).await?;
    tx.commit().await?;
    Ok(code.into())
}

/// Shows a call that tries out a trunk
///
/// The server knows it that made it, while it goes on and for an hour after that.
#[utoipa::path(get, path = "/phone/trunks/{trunk_id}/test_calls/{call_id}", tag = "Phone trunks",
    params(("trunk_id" = String, Path), ("call_id" = PhoneCallId, Path)), security(("api_token" = ["phone:admin"])),
    responses((status = 200, body = DialledCall)))]
async fn show_test(context: Context, Path((trunk_id, id)): Path<(String, PhoneCallId)>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let records = &context.app.phone.dial_out.records;
    let call = records.find(&Purpose::Test(trunk_id), id, Utc::now()).ok_or(Code::NotFound)?;
    Ok(Answer::ok(&call)?.into_response())
}

/// Follows such a call until it is over.
async fn follow(mut line: OutgoingEnd, record: OwnRecord, entry: OwnCall, mut is_over: watch::Receiver<bool>) {
    let hang_up = entry.ended_by_somebody();
    let is_not_wanted = async {
        tokio::select! {
            _ = is_over.wait_for(|is_over| *is_over) => DialledCallEnd::GivenUp,
            () = hang_up.notified() => DialledCallEnd::GivenUp,
            () = sleep(LONGEST) => DialledCallEnd::TimeUp,
        }
    };
    let requests = &mut line.requests;
    let is_told = async {
        while let Some(request) = requests.recv().await {
            let PhoneRequest::Progress(progress) = request else { continue };
            if note(&record, progress) {
                return;
            }
        }
        record.ends(end_of_silent(&record));
    };
    let because = tokio::select! {
        because = is_not_wanted => because,
        () = is_told => return,
    };
    record.ends(because);
    give_up(&line);
}
