// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and removing numbers, by whoever looks after the installation. Tenants see their own.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use store::StoreError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::check::checked;
use super::model::{PhoneNumber, PhoneNumberInput};
use super::table;
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::PhoneNumberId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::phone::require_administration;
use crate::records::audit::Event;

/// Most numbers of an installation.
const MAX_NUMBERS: i64 = 1_000;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, replace, change, remove))
}

/// Lists telephone numbers
///
/// The oldest first: those by which the tenant's meetings are reached. Who looks after the installation sees all, or with
/// `tenant_id` one tenant's.
#[utoipa::path(get, path = "/phone/numbers", tag = "Phone numbers", params(PageRequest),
    security(("api_token" = ["phone:read"])), responses((status = 200, body = PageOf<PhoneNumber>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::PhoneRead)?;
    let found = table::page(&mut context.read().await?, context.tenant_filter()?, &page).await?;
    let found = found.into_iter().map(|number| number.seen_by(context.caller.tenant)).collect();
    let key = |number: &PhoneNumber| (number.created_at.timestamp_millis(), number.id);
    PageOf::new(found, page.limit, key)?.answer(&context.uri)
}

/// Makes a telephone number
///
/// It can be called at once. For whoever looks after the installation.
#[utoipa::path(post, path = "/phone/numbers", tag = "Phone numbers", request_body = PhoneNumberInput,
    security(("api_token" = ["phone:admin"])), responses((status = 201, body = PhoneNumber)))]
async fn create(context: Context, Body(input): Body<PhoneNumberInput>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let mut tx = context.write().await?;
    tx.lock("phone numbers").await?;
    if table::count(&mut tx).await? >= MAX_NUMBERS {
        return Err(Code::Conflict.into());
    }
    let input = checked(&mut tx, input, None).await?;
    let now = Utc::now();
    let number = PhoneNumber { id: PhoneNumberId::new(), input, revision: 1, created_at: now, updated_at: now };
    table::insert(&mut tx, &number).await.map_err(taken)?;
    let answer = Answer::created(format!("/api/v1/phone/numbers/{}", number.id), &number)?.with_etag(1);
    context.commit(tx, None, &Event::new("phone_number.create", number.id), answer).await
}

/// Shows a telephone number
#[utoipa::path(get, path = "/phone/numbers/{number_id}", tag = "Phone numbers",
    params(("number_id" = PhoneNumberId, Path)), security(("api_token" = ["phone:read"])),
    responses((status = 200, body = PhoneNumber)))]
async fn get(context: Context, Path(id): Path<PhoneNumberId>) -> Result<Response, Problem> {
    context.require(Scope::PhoneRead)?;
    let found = table::find(&mut context.read().await?, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let number = found.seen_by(context.caller.tenant);
    etag::unless_known(&context.headers, number.revision, Answer::ok(&number)?)
}

/// Replaces a telephone number
///
/// It holds for the next call. Invitations that were sent stay as they are.
#[utoipa::path(put, path = "/phone/numbers/{number_id}", tag = "Phone numbers", request_body = PhoneNumberInput,
    params(("number_id" = PhoneNumberId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PhoneNumber)))]
async fn replace(
    context: Context,
    Path(id): Path<PhoneNumberId>,
    Body(input): Body<PhoneNumberInput>,
) -> Result<Response, Problem> {
    store_changed(&context, id, |_| Ok(input)).await
}

/// Changes a telephone number
///
/// It holds for the next call. Invitations that were sent stay as they are.
#[utoipa::path(patch, path = "/phone/numbers/{number_id}", tag = "Phone numbers",
    request_body(content = ref("#/components/schemas/PhoneNumberPatch"), content_type = "application/merge-patch+json"),
    params(("number_id" = PhoneNumberId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PhoneNumber)))]
async fn change(context: Context, Path(id): Path<PhoneNumberId>, patch: Patch) -> Result<Response, Problem> {
    store_changed(&context, id, |current| patch.apply(&context.app, current)).await
}

async fn store_changed(
    context: &Context,
    id: PhoneNumberId,
    input: impl FnOnce(&PhoneNumberInput) -> Result<PhoneNumberInput, Problem>,
) -> Result<Response, Problem> {
    require_administration(context)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, None, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, found.revision)?;
    let input = checked(&mut tx, input(&found.input)?, Some(&found)).await?;
    let event = Event::new("phone_number.update", id).changing(&found.input.changed(&input));
    let number = PhoneNumber { input, updated_at: Utc::now(), ..found };
    if !table::update(&mut tx, &number).await.map_err(taken)? {
        return Err(Code::EtagMismatch.into());
    }
    let number = PhoneNumber { revision: number.revision + 1, ..number };
    let answer = Answer::ok(&number)?.with_etag(number.revision);
    context.commit(tx, None, &event, answer).await
}

/// Removes a telephone number
///
/// Who calls it from now on is not answered. Calls that go on stay.
#[utoipa::path(delete, path = "/phone/numbers/{number_id}", tag = "Phone numbers",
    params(("number_id" = PhoneNumberId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["phone:admin"])), responses((status = 204)))]
async fn remove(context: Context, Path(id): Path<PhoneNumberId>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, None, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, found.revision)?;
    table::delete(&mut tx, id).await?;
    context.commit(tx, None, &Event::new("phone_number.delete", id), Answer::no_content()).await
}

fn taken(error: StoreError) -> Problem {
    if error.is_taken("number") { Problem::taken("/number") } else { error.into() }
}
