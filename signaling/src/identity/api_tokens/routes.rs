// SPDX-License-Identifier: EUPL-1.2
//! Making, listing and withdrawing API tokens.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Duration, Utc};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ApiToken, ApiTokenInput, NewApiToken};
use super::{table, token};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::ApiTokenId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::bounds::Bounds;
use crate::identity::scopes::{Scope, Scopes};
use crate::identity::secret;
use crate::records::audit::Event;

/// Until when a token is valid of which nothing was said.
const DEFAULT_LIFE: Duration = Duration::days(90);

/// The longest life of one.
const MAX_LIFE: Duration = Duration::days(366);

pub(in crate::identity) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, revoke))
}

/// Lists API tokens
///
/// The oldest first, those that are not valid any more included.
#[utoipa::path(get, path = "/api_tokens", tag = "API tokens", params(PageRequest), security(("api_token" = ["tokens:admin"])),
    responses((status = 200, body = PageOf<ApiToken>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let tenant = context.tenant_filter()?;
    let found = table::page(&mut context.read().await?, tenant, &page).await?;
    let key = |token: &ApiToken| (token.created_at.timestamp_millis(), token.id);
    PageOf::new(found, page.limit, key)?.answer(&context.uri)
}

/// Makes an API token
///
/// The answer is the only one that ever shows it. One that software makes lives no longer than its own, and is used from where
/// its own is.
#[utoipa::path(post, path = "/api_tokens", tag = "API tokens", request_body = ApiTokenInput,
    security(("api_token" = ["tokens:admin"])), responses((status = 201, body = NewApiToken)))]
async fn create(context: Context, Body(input): Body<ApiTokenInput>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let tenant = context.tenant_filter()?;
    let bounds = Bounds::of(&context).await?;
    let api_token = from_input(&context, &bounds, tenant, input, Utc::now())?;
    let secret = token::make();
    let api_token = ApiToken { prefix: token::shown(&secret), ..api_token };
    let mut tx = context.write().await?;
    table::insert(&mut tx, &api_token, &secret::hash(&secret), &context.caller.actor).await?;
    let event = Event::new("api_token.create", api_token.id).with("scopes", serde_json::json!(api_token.scopes));
    let location = format!("/api/v1/api_tokens/{}", api_token.id);
    let repeated = NewApiToken { api_token: api_token.clone(), token: None };
    let answer = Answer::created(location, &NewApiToken { api_token, token: Some(secret) })?.kept_as(&repeated)?;
    context.commit(tx, tenant, &event, answer).await
}

/// Shows an API token
#[utoipa::path(get, path = "/api_tokens/{api_token_id}", tag = "API tokens", params(("api_token_id" = ApiTokenId, Path)),
    security(("api_token" = ["tokens:admin"])), responses((status = 200, body = ApiToken)))]
async fn get(context: Context, Path(id): Path<ApiTokenId>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let found = table::find(&mut context.read().await?, context.tenant_filter()?, id).await?;
    Ok(Answer::ok(&found.ok_or(Code::NotFound)?)?.into_response())
}

/// Withdraws an API token
///
/// It stays in the list, since the audit log names it.
#[utoipa::path(delete, path = "/api_tokens/{api_token_id}", tag = "API tokens",
    params(("api_token_id" = ApiTokenId, Path)), security(("api_token" = ["tokens:admin"])), responses((status = 204)))]
async fn revoke(context: Context, Path(id): Path<ApiTokenId>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    table::revoke(&mut tx, id, Utc::now()).await?;
    context.commit(tx, found.tenant_id, &Event::new("api_token.revoke", id), Answer::no_content()).await
}

/// What the input asks for, without a secret yet. Everything that is wrong with it is named.
fn from_input(
    context: &Context,
    bounds: &Bounds,
    tenant_id: Option<crate::api::ids::TenantId>,
    input: ApiTokenInput,
    now: DateTime<Utc>,
) -> Result<ApiToken, Problem> {
    let mut invalid = Invalid::default();
    for (index, scope) in input.scopes.iter().enumerate() {
        if !context.caller.scopes.contains(*scope) {
            invalid.add(format!("/scopes/{index}"), "forbidden-value");
        }
    }
    let latest = bounds.expires_at.map_or(now + MAX_LIFE, |end| end.min(now + MAX_LIFE));
    let expires_at = input.expires_at.unwrap_or((now + DEFAULT_LIFE).min(latest));
    if expires_at <= now {
        invalid.add("/expires_at", "in-the-past");
    } else if expires_at > latest {
        invalid.add_with("/expires_at", "too-large", latest.to_rfc3339());
    }
    let allowed_networks = bounds.networks(&input.allowed_networks, &mut invalid);
    invalid.finish()?;
    Ok(ApiToken {
        id: ApiTokenId::new(),
        tenant_id,
        name: input.name,
        prefix: String::new(),
        scopes: input.scopes.into_iter().collect::<Scopes>(),
        allowed_networks,
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    })
}
