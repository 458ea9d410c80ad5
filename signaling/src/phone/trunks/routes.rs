// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and removing trunks, by whoever looks after the installation.

use std::sync::Arc;

use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{PhoneTrunk, PhoneTrunkInput, StoredTrunk};
use super::status::PhoneTrunkStatus;
use super::{changes, table};
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::phone::require_administration;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, replace, change, remove))
}

/// Lists trunks
///
/// By id, each with how it is. For whoever looks after the installation.
#[utoipa::path(get, path = "/phone/trunks", tag = "Phone trunks", params(PageRequest),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PageOf<PhoneTrunk>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let found = table::page(&mut context.read().await?, &page).await?;
    let found = found.into_iter().map(|trunk| shown(&context.app, trunk)).collect();
    PageOf::new(found, page.limit, |trunk: &PhoneTrunk| trunk.id.clone())?.answer(&context.uri)
}

/// Makes a trunk
///
/// It is used at once.
#[utoipa::path(post, path = "/phone/trunks", tag = "Phone trunks", request_body = PhoneTrunkInput,
    security(("api_token" = ["phone:admin"])), responses((status = 201, body = PhoneTrunk)))]
async fn create(context: Context, Body(input): Body<PhoneTrunkInput>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let mut tx = context.write().await?;
    let (trunk, event) = changes::create(&context.app.installation, &mut tx, input).await?;
    let trunk = shown(&context.app, trunk);
    let answer = Answer::created(format!("/api/v1/phone/trunks/{}", trunk.id), &trunk)?.with_etag(1);
    let response = context.commit(tx, None, &event, answer).await?;
    context.app.phone.trunks.changed.notify_one();
    Ok(response)
}

/// Shows a trunk
///
/// With how it is: whether it is registered, whether its destinations answer, and how many calls it has.
#[utoipa::path(get, path = "/phone/trunks/{trunk_id}", tag = "Phone trunks", params(("trunk_id" = String, Path)),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PhoneTrunk)))]
async fn get(context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let found = table::find(&mut context.read().await?, &id).await?.ok_or(Code::NotFound)?;
    let trunk = shown(&context.app, found);
    etag::unless_known(&context.headers, trunk.revision, Answer::ok(&trunk)?)
}

/// Replaces a trunk
///
/// Passwords that are left out stay as they are, where the credentials are named. Calls go on.
#[utoipa::path(put, path = "/phone/trunks/{trunk_id}", tag = "Phone trunks", request_body = PhoneTrunkInput,
    params(("trunk_id" = String, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PhoneTrunk)))]
async fn replace(
    context: Context,
    Path(id): Path<String>,
    Body(input): Body<PhoneTrunkInput>,
) -> Result<Response, Problem> {
    store_changed(&context, &id, |_| Ok(input)).await
}

/// Changes a trunk
///
/// Calls go on.
#[utoipa::path(patch, path = "/phone/trunks/{trunk_id}", tag = "Phone trunks",
    request_body(content = ref("#/components/schemas/PhoneTrunkPatch"), content_type = "application/merge-patch+json"),
    params(("trunk_id" = String, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["phone:admin"])), responses((status = 200, body = PhoneTrunk)))]
async fn change(context: Context, Path(id): Path<String>, patch: Patch) -> Result<Response, Problem> {
    store_changed(&context, &id, |current| patch.apply(&context.app, current)).await
}

async fn store_changed(
    context: &Context,
    id: &str,
    input: impl FnOnce(&PhoneTrunkInput) -> Result<PhoneTrunkInput, Problem>,
) -> Result<Response, Problem> {
    require_administration(context)?;
    let mut tx = context.write().await?;
    let change = |found: &StoredTrunk| {
        etag::check_if_match(&context.headers, found.revision)?;
        input(&found.input)
    };
    let (trunk, event) = changes::update(&context.app.installation, &mut tx, id, change).await?;
    let trunk = shown(&context.app, trunk);
    let answer = Answer::ok(&trunk)?.with_etag(trunk.revision);
    let response = context.commit(tx, None, &event, answer).await?;
    context.app.phone.trunks.changed.notify_one();
    Ok(response)
}

/// Removes a trunk
///
/// Its calls go on to their ends. Numbers that can be called by it alone go first.
#[utoipa::path(delete, path = "/phone/trunks/{trunk_id}", tag = "Phone trunks",
    params(("trunk_id" = String, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["phone:admin"])), responses((status = 204)))]
async fn remove(context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    require_administration(&context)?;
    let mut tx = context.write().await?;
    let check = |found: &StoredTrunk| etag::check_if_match(&context.headers, found.revision);
    let (_, event) = changes::remove(&mut tx, &id, check).await?;
    let response = context.commit(tx, None, &event, Answer::no_content()).await?;
    context.app.phone.trunks.changed.notify_one();
    Ok(response)
}

/// As the API shows it, with how it is.
fn shown(app: &App, trunk: StoredTrunk) -> PhoneTrunk {
    let status = app.phone.trunks.states().get(&trunk.id).map(PhoneTrunkStatus::from);
    let status = status.filter(|_| trunk.input.is_enabled);
    trunk.shown(&app.installation, status)
}
