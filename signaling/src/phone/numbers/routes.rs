// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and removing numbers, by whoever looks after the installation. Tenants see their own.

use std::sync::Arc;

use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{PhoneNumber, PhoneNumberInput};
use super::{changes, table};
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
    let (number, event) = changes::create(&mut tx, input).await?;
    let answer = Answer::created(format!("/api/v1/phone/numbers/{}", number.id), &number)?.with_etag(1);
    context.commit(tx, None, &event, answer).await
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
    let change = |found: &PhoneNumber| {
        etag::check_if_match(&context.headers, found.revision)?;
        input(&found.input)
    };
    let (number, event) = changes::update(&mut tx, id, change).await?;
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
    let check = |found: &PhoneNumber| etag::check_if_match(&context.headers, found.revision);
    let event = changes::remove(&mut tx, id, check).await?;
    context.commit(tx, None, &event, Answer::no_content()).await
}
