// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and removing webhooks; what they were told, and telling it again.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NewWebhook, Webhook, WebhookDelivery, WebhookInput};
use super::{WebhookEvent, sign, table};
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::WebhookId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, FieldError, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::outgoing::reach::Refused;
use crate::records::audit::Event;

/// Most webhooks of one tenant: each is asked with whatever happens.
const MAX_WEBHOOKS: i64 = 50;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, change, remove))
        .routes(routes!(deliveries))
        .routes(routes!(redeliver))
        .routes(routes!(test))
        .routes(routes!(rotate_secret))
}

/// Lists webhooks
///
/// The oldest first.
#[utoipa::path(get, path = "/webhooks", tag = "Webhooks", params(PageRequest), security(("api_token" = ["webhooks:read"])),
    responses((status = 200, body = PageOf<Webhook>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksRead)?;
    let found = table::page(&mut context.read().await?, context.tenant_filter()?, &page).await?;
    let key = |webhook: &Webhook| (webhook.created_at.timestamp_millis(), webhook.id);
    PageOf::new(found, page.limit, key)?.answer(&context.uri)
}

/// Makes a webhook
///
/// The answer is the only one that ever shows its secret.
#[utoipa::path(post, path = "/webhooks", tag = "Webhooks", request_body = WebhookInput,
    security(("api_token" = ["webhooks:write"])), responses((status = 201, body = NewWebhook)))]
async fn create(context: Context, Body(input): Body<WebhookInput>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksWrite)?;
    let tenant_id = context.tenant()?;
    let input = checked(&context, input).await?;
    let now = Utc::now();
    let webhook = Webhook {
        id: WebhookId::new(),
        tenant_id,
        input,
        failing_since: None,
        disabled_at: None,
        revision: 1,
        created_at: now,
        updated_at: now,
        secret_generation: 1,
        secret_rotated_at: None,
    };
    let mut tx = context.write().await?;
    tx.lock(&format!("webhooks {tenant_id}")).await?;
    if table::count(&mut tx, tenant_id).await? >= MAX_WEBHOOKS {
        return Err(Code::Conflict.into());
    }
    table::insert(&mut tx, &webhook).await?;
    let event = Event::new("webhook.create", webhook.id).with("events", json!(webhook.input.events));
    let answer = with_secret(&context, webhook, true)?;
    context.commit(tx, Some(tenant_id), &event, answer).await
}

/// The answer that shows the secret, and is kept without it.
fn with_secret(context: &Context, webhook: Webhook, is_new: bool) -> Result<Answer, Problem> {
    let secret = Some(sign::secret(&context.app.installation, &webhook));
    let repeated = NewWebhook { webhook: webhook.clone(), secret: None };
    let (revision, location) = (webhook.revision, format!("/api/v1/webhooks/{}", webhook.id));
    let body = NewWebhook { webhook, secret };
    let answer = if is_new { Answer::created(location, &body)? } else { Answer::ok(&body)? };
    answer.with_etag(revision).kept_as(&repeated)
}

/// Shows a webhook
#[utoipa::path(get, path = "/webhooks/{webhook_id}", tag = "Webhooks", params(("webhook_id" = WebhookId, Path)),
    security(("api_token" = ["webhooks:read"])), responses((status = 200, body = Webhook)))]
async fn get(context: Context, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksRead)?;
    let found = find(&context, id).await?;
    etag::unless_known(&context.headers, found.revision, Answer::ok(&found)?)
}

/// Replaces a webhook
///
/// Its secret stays. Failures are forgotten.
#[utoipa::path(put, path = "/webhooks/{webhook_id}", tag = "Webhooks", request_body = WebhookInput,
    params(("webhook_id" = WebhookId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["webhooks:write"])), responses((status = 200, body = Webhook)))]
async fn replace(
    context: Context,
    Path(id): Path<WebhookId>,
    Body(input): Body<WebhookInput>,
) -> Result<Response, Problem> {
    context.require(Scope::WebhooksWrite)?;
    let found = find(&context, id).await?;
    store_changed(&context, found, input).await
}

/// Changes a webhook
///
/// Its secret stays. Failures are forgotten.
#[utoipa::path(patch, path = "/webhooks/{webhook_id}", tag = "Webhooks",
    request_body(content = ref("#/components/schemas/WebhookPatch"), content_type = "application/merge-patch+json"),
    params(("webhook_id" = WebhookId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["webhooks:write"])), responses((status = 200, body = Webhook)))]
async fn change(context: Context, Path(id): Path<WebhookId>, patch: Patch) -> Result<Response, Problem> {
    context.require(Scope::WebhooksWrite)?;
    let found = find(&context, id).await?;
    let input = patch.apply(&context.app, &found.input)?;
    store_changed(&context, found, input).await
}

async fn store_changed(context: &Context, found: Webhook, input: WebhookInput) -> Result<Response, Problem> {
    etag::check_if_match(&context.headers, found.revision)?;
    let input = checked(context, input).await?;
    let mut fields = Vec::new();
    let differences = [
        ("url", found.input.url != input.url),
        ("description", found.input.description != input.description),
        ("events", found.input.events != input.events),
        ("is_active", found.input.is_active != input.is_active),
    ];
    fields.extend(differences.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name));
    let webhook = Webhook { input, updated_at: Utc::now(), ..found };
    let event = Event::new("webhook.update", webhook.id).changing(&fields);
    let mut tx = context.write().await?;
    let webhook = update(&mut tx, webhook).await?;
    let answer = Answer::ok(&webhook)?.with_etag(webhook.revision);
    let response = context.commit(tx, Some(webhook.tenant_id), &event, answer).await?;
    context.app.webhooks.nudge();
    Ok(response)
}

async fn update(tx: &mut store::Tx, webhook: Webhook) -> Result<Webhook, Problem> {
    if !table::update(tx, &webhook).await? {
        return Err(Code::EtagMismatch.into());
    }
    Ok(Webhook { revision: webhook.revision + 1, failing_since: None, disabled_at: None, ..webhook })
}

/// Removes a webhook
///
/// With all messages, also those that wait.
#[utoipa::path(delete, path = "/webhooks/{webhook_id}", tag = "Webhooks",
    params(("webhook_id" = WebhookId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["webhooks:write"])), responses((status = 204)))]
async fn remove(context: Context, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksWrite)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, found.revision)?;
    table::delete(&mut tx, id).await?;
    context.commit(tx, Some(found.tenant_id), &Event::new("webhook.delete", id), Answer::no_content()).await
}

/// Lists what a webhook was told
///
/// The newest first, also what waits.
#[utoipa::path(get, path = "/webhooks/{webhook_id}/deliveries", tag = "Webhooks",
    params(("webhook_id" = WebhookId, Path), PageRequest), security(("api_token" = ["webhooks:read"])),
    responses((status = 200, body = PageOf<WebhookDelivery>)))]
async fn deliveries(context: Context, Path(id): Path<WebhookId>, page: Page<String>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksRead)?;
    let mut tx = context.read().await?;
    table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let found = table::deliveries(&mut tx, id, &page).await?;
    PageOf::new(found, page.limit, |delivery| delivery.id.clone())?.answer(&context.uri)
}

/// Tells a webhook something again
///
/// With the same id, before what waits.
#[utoipa::path(post, path = "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", tag = "Webhooks",
    params(("webhook_id" = WebhookId, Path), ("delivery_id" = String, Path)),
    security(("api_token" = ["webhooks:write"])), responses((status = 202, body = WebhookDelivery)))]
async fn redeliver(context: Context, Path((id, delivery)): Path<(WebhookId, String)>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksWrite)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    table::delivery(&mut tx, id, &delivery).await?.ok_or(Code::NotFound)?;
    table::redeliver(&mut tx, id, &delivery).await?;
    accepted(&context, tx, &found, &delivery, "webhook.redeliver").await
}

/// Sends a webhook a test message
#[utoipa::path(post, path = "/webhooks/{webhook_id}/test", tag = "Webhooks", params(("webhook_id" = WebhookId, Path)),
    security(("api_token" = ["webhooks:write"])), responses((status = 202, body = WebhookDelivery)))]
async fn test(context: Context, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksWrite)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let now = Utc::now();
    let payload = json!({ "type": WebhookEvent::Test, "timestamp": now, "data": { "webhook_id": id } });
    let delivery = table::enqueue(&mut tx, id, found.tenant_id, WebhookEvent::Test, &payload, now).await?;
    accepted(&context, tx, &found, &delivery, "webhook.test").await
}

/// Answers with a message that waits. A webhook that is not active is told nothing, so for that one it is a conflict.
async fn accepted(
    context: &Context,
    mut tx: store::Tx,
    webhook: &Webhook,
    delivery: &str,
    action: &'static str,
) -> Result<Response, Problem> {
    if !webhook.input.is_active {
        return Err(Code::Conflict.into());
    }
    let delivery = table::delivery(&mut tx, webhook.id, delivery).await?.ok_or(Code::Internal)?;
    let event = Event::new(action, webhook.id).with("delivery_id", json!(delivery.id));
    let answer = Answer::with_status(StatusCode::ACCEPTED, &delivery)?;
    let response = context.commit(tx, Some(webhook.tenant_id), &event, answer).await?;
    context.app.webhooks.nudge();
    Ok(response)
}

/// Gives a webhook another secret
///
/// For a day messages are signed with both, so that none is lost while the receiver is told. The answer is the only one that
/// shows the new one.
#[utoipa::path(post, path = "/webhooks/{webhook_id}/rotate_secret", tag = "Webhooks",
    params(("webhook_id" = WebhookId, Path)), security(("api_token" = ["webhooks:write"])),
    responses((status = 200, body = NewWebhook)))]
async fn rotate_secret(context: Context, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    context.require(Scope::WebhooksWrite)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let now = Utc::now();
    let secret_generation = found.secret_generation + 1;
    let webhook = Webhook { secret_generation, secret_rotated_at: Some(now), updated_at: now, ..found };
    let webhook = update(&mut tx, webhook).await?;
    let (tenant, event) = (webhook.tenant_id, Event::new("webhook.rotate_secret", id));
    let answer = with_secret(&context, webhook, false)?;
    context.commit(tx, Some(tenant), &event, answer).await
}

async fn find(context: &Context, id: WebhookId) -> Result<Webhook, Problem> {
    let found = table::find(&mut context.read().await?, context.tenant_filter()?, id).await?;
    found.ok_or_else(|| Code::NotFound.into())
}

/// The input, if its address may be reached. Names are looked up here, so no transaction is open.
async fn checked(context: &Context, mut input: WebhookInput) -> Result<WebhookInput, Problem> {
    let url = context.app.webhooks.reach.check(&input.url).await;
    url.map_err(|refused| {
        let (code, value) = match refused {
            Refused::NotHttps => ("wrong-format", Some("https://example.org/path".to_owned())),
            Refused::NotPublic => ("not-public", None),
        };
        Problem::invalid(vec![FieldError { pointer: "/url".to_owned(), code, value }])
    })?;
    input.events.sort_unstable();
    input.events.dedup();
    Ok(input)
}
