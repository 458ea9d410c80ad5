// SPDX-License-Identifier: EUPL-1.2
//! Looking at calls in progress, and ending them, by whoever looks after the installation.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{EndedBy, PhoneCall};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::PhoneCallId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::phone::require_administration;
use crate::records::audit::Event;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, remove))
}

/// Lists calls in progress
///
/// The oldest first: those that this server looks after. Where several share a database, each knows its own.
#[utoipa::path(get, path = "/phone/calls", tag = "Phone calls", params(PageRequest),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PageOf<PhoneCall>)))]
async fn list(context: Context, page: Page<PhoneCallId>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let limit = usize::try_from(page.probe()).unwrap_or_default();
    let found = context.app.phone.calls.in_progress.list(page.after, limit);
    PageOf::new(found, page.limit, |call: &PhoneCall| call.id)?.answer(&context.uri)
}

/// Shows a call in progress
#[utoipa::path(get, path = "/phone/calls/{call_id}", tag = "Phone calls", params(("call_id" = PhoneCallId, Path)),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PhoneCall)))]
async fn get(context: Context, Path(id): Path<PhoneCallId>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let call = context.app.phone.calls.in_progress.find(id).ok_or(Code::NotFound)?;
    Ok(Answer::ok(&call)?.into_response())
}

/// Ends a call
///
/// The caller hears that the call is over, and is hung up on. They can call again.
#[utoipa::path(delete, path = "/phone/calls/{call_id}", tag = "Phone calls", params(("call_id" = PhoneCallId, Path)),
    security(("api_token" = ["phone:admin"])), responses((status = 204)))]
async fn remove(context: Context, Path(id): Path<PhoneCallId>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let tx = context.write().await?;
    let calls = &context.app.phone.calls.in_progress;
    let call = calls.find(id).ok_or(Code::NotFound)?;
    let event = Event::new("phone_call.end", id).with("trunk", call.trunk_id.into());
    let response = context.commit(tx, None, &event, Answer::no_content()).await?;
    calls.hang_up(id, EndedBy::Operator);
    Ok(response)
}
