// SPDX-License-Identifier: EUPL-1.2
//! Making, listing and withdrawing OAuth clients.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NewOauthClient, OauthClient, OauthClientInput};
use super::{table, token_endpoint};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::{OauthClientId, TenantId};
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::bounds::Bounds;
use crate::identity::scopes::Scope;
use crate::identity::secret;
use crate::records::audit::Event;

pub(in crate::identity) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, revoke)).merge(token_endpoint::routes())
}

/// Lists OAuth clients
///
/// The oldest first, those that were withdrawn included.
#[utoipa::path(get, path = "/oauth_clients", tag = "OAuth clients", params(PageRequest),
    security(("api_token" = ["tokens:admin"])), responses((status = 200, body = PageOf<OauthClient>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let tenant = context.tenant_filter()?;
    let found = table::page(&mut context.read().await?, tenant, &page).await?;
    let key = |client: &OauthClient| (client.created_at.timestamp_millis(), client.id);
    PageOf::new(found, page.limit, key)?.answer(&context.uri)
}

/// Makes an OAuth client
///
/// The answer is the only one that ever shows its secret. One that an API token makes ends with that token.
#[utoipa::path(post, path = "/oauth_clients", tag = "OAuth clients", request_body = OauthClientInput,
    security(("api_token" = ["tokens:admin"])), responses((status = 201, body = NewOauthClient)))]
async fn create(context: Context, Body(input): Body<OauthClientInput>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let tenant = context.tenant_filter()?;
    let bounds = Bounds::of(&context).await?;
    let oauth_client = from_input(&context, &bounds, tenant, input)?;
    let secret = secret::make("");
    let mut tx = context.write().await?;
    table::insert(&mut tx, &oauth_client, &secret::hash(&secret), &context.caller.actor).await?;
    let event =
        Event::new("oauth_client.create", oauth_client.id).with("scopes", serde_json::json!(oauth_client.scopes));
    let location = format!("/api/v1/oauth_clients/{}", oauth_client.id);
    let repeated = NewOauthClient { oauth_client: oauth_client.clone(), client_secret: None };
    let answer = Answer::created(location, &NewOauthClient { oauth_client, client_secret: Some(secret) })?;
    context.commit(tx, tenant, &event, answer.kept_as(&repeated)?).await
}

/// Shows an OAuth client
#[utoipa::path(get, path = "/oauth_clients/{oauth_client_id}", tag = "OAuth clients",
    params(("oauth_client_id" = OauthClientId, Path)), security(("api_token" = ["tokens:admin"])),
    responses((status = 200, body = OauthClient)))]
async fn get(context: Context, Path(id): Path<OauthClientId>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let found = table::find(&mut context.read().await?, context.tenant_filter()?, id).await?;
    Ok(Answer::ok(&found.ok_or(Code::NotFound)?)?.into_response())
}

/// Withdraws an OAuth client
///
/// Its access tokens end at once. It stays in the list, since the audit log names it.
#[utoipa::path(delete, path = "/oauth_clients/{oauth_client_id}", tag = "OAuth clients",
    params(("oauth_client_id" = OauthClientId, Path)), security(("api_token" = ["tokens:admin"])),
    responses((status = 204)))]
async fn revoke(context: Context, Path(id): Path<OauthClientId>) -> Result<Response, Problem> {
    context.require(Scope::TokensAdmin)?;
    let mut tx = context.write().await?;
    let found = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    table::revoke(&mut tx, id, Utc::now()).await?;
    context.commit(tx, found.tenant_id, &Event::new("oauth_client.revoke", id), Answer::no_content()).await
}

/// What the input asks for. Everything that is wrong with it is named.
fn from_input(
    context: &Context,
    bounds: &Bounds,
    tenant_id: Option<TenantId>,
    input: OauthClientInput,
) -> Result<OauthClient, Problem> {
    let mut invalid = Invalid::default();
    for (index, scope) in input.scopes.iter().enumerate() {
        if !context.caller.scopes.contains(*scope) {
            invalid.add(format!("/scopes/{index}"), "forbidden-value");
        }
    }
    let allowed_networks = bounds.networks(&input.allowed_networks, &mut invalid);
    invalid.finish()?;
    Ok(OauthClient {
        id: OauthClientId::new(),
        tenant_id,
        name: input.name,
        scopes: input.scopes.into_iter().collect(),
        allowed_networks,
        created_at: Utc::now(),
        expires_at: bounds.expires_at,
        last_used_at: None,
        revoked_at: None,
    })
}
