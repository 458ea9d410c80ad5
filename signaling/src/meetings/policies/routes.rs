// SPDX-License-Identifier: EUPL-1.2
//! Making, listing, changing and removing policies.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Policy, PolicyInput};
use super::rules::Rules;
use super::table;
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::PolicyId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::records::audit::Event;

pub(in crate::meetings) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, replace, patch, remove))
}

/// A policy, and what holds under it.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyView {
    /// What it is.
    #[serde(flatten)]
    policy: Policy,
    /// What holds for a meeting under it that says nothing itself.
    effective_rules: Rules,
}

/// Lists policies
///
/// By name.
#[utoipa::path(get, path = "/policies", tag = "Policies", params(PageRequest, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["policies:read"])), responses((status = 200, body = PageOf<Policy>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::PoliciesRead)?;
    let found = table::page(&mut context.read().await?, context.tenant()?, &page).await?;
    PageOf::new(found, page.limit, |policy: &Policy| (policy.name.clone(), policy.id))?.answer(&context.uri)
}

/// Makes a policy
#[utoipa::path(post, path = "/policies", tag = "Policies", request_body = PolicyInput,
    params(("tenant_id" = Option<String>, Query, format = Uuid)), security(("api_token" = ["policies:write"])),
    responses((status = 201, body = Policy)))]
async fn create(context: Context, Body(input): Body<PolicyInput>) -> Result<Response, Problem> {
    context.require(Scope::PoliciesWrite)?;
    let (tenant_id, now) = (context.tenant()?, Utc::now());
    check(&input)?;
    let PolicyInput { name, rules } = input;
    let id = PolicyId::new();
    let policy = Policy { id, tenant_id, name, rules, revision: 1, created_at: now, updated_at: now };
    let mut tx = context.write().await?;
    crate::meetings::tenant::find(&mut tx, tenant_id).await?.ok_or(Code::NotFound)?;
    table::insert(&mut tx, &policy).await.map_err(taken)?;
    let answer = Answer::created(format!("/api/v1/policies/{id}"), &policy)?.with_etag(1);
    context.commit(tx, Some(tenant_id), &Event::new("policy.create", id), answer).await
}

/// Shows a policy
///
/// With what holds under it: what is built in, changed by the tenant's default policy and by this one.
#[utoipa::path(get, path = "/policies/{policy_id}", tag = "Policies",
    params(("policy_id" = PolicyId, Path), ("If-None-Match" = Option<String>, Header)),
    security(("api_token" = ["policies:read"])), responses((status = 200, body = PolicyView), (status = 304)))]
async fn get(context: Context, Path(id): Path<PolicyId>) -> Result<Response, Problem> {
    context.require(Scope::PoliciesRead)?;
    let mut tx = context.read().await?;
    let policy = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let effective_rules = super::layered(&mut tx, policy.tenant_id, Some(id), &[]).await?;
    let revision = policy.revision;
    etag::unless_known(&context.headers, revision, Answer::ok(&PolicyView { policy, effective_rules })?)
}

/// Replaces a policy
///
/// It holds at once, also in meetings that are going on.
#[utoipa::path(put, path = "/policies/{policy_id}", tag = "Policies", request_body = PolicyInput,
    params(("policy_id" = PolicyId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["policies:write"])), responses((status = 200, body = Policy)))]
async fn replace(
    context: Context,
    Path(id): Path<PolicyId>,
    Body(input): Body<PolicyInput>,
) -> Result<Response, Problem> {
    change(context, id, |_| Ok(input)).await
}

/// Changes a policy
#[utoipa::path(patch, path = "/policies/{policy_id}", tag = "Policies",
    request_body(content = ref("#/components/schemas/PolicyPatch"), content_type = "application/merge-patch+json"),
    params(("policy_id" = PolicyId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["policies:write"])), responses((status = 200, body = Policy)))]
async fn patch(context: Context, Path(id): Path<PolicyId>, patch: Patch) -> Result<Response, Problem> {
    let app = context.app.clone();
    change(context, id, |current| patch.apply(&app, current)).await
}

async fn change(
    context: Context,
    id: PolicyId,
    input: impl FnOnce(&PolicyInput) -> Result<PolicyInput, Problem>,
) -> Result<Response, Problem> {
    context.require(Scope::PoliciesWrite)?;
    let mut tx = context.write().await?;
    let current = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, current.revision)?;
    let input = input(&PolicyInput { name: current.name.clone(), rules: current.rules.clone() })?;
    check(&input)?;
    let now = Utc::now();
    if !table::update(&mut tx, &current, &input, now).await.map_err(taken)? {
        return Err(Code::EtagMismatch.into());
    }
    let fields = [("name", current.name != input.name), ("rules", current.rules != input.rules)];
    let fields: Vec<_> = fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    let revision = current.revision + 1;
    let policy = Policy { name: input.name, rules: input.rules, revision, updated_at: now, ..current };
    let answer = Answer::ok(&policy)?.with_etag(revision);
    context.commit(tx, Some(policy.tenant_id), &Event::new("policy.update", id).changing(&fields), answer).await
}

fn check(input: &PolicyInput) -> Result<(), Problem> {
    let mut invalid = Invalid::default();
    input.rules.check("/rules", &mut invalid);
    invalid.finish()
}

/// Removes a policy
///
/// What was under it is under the tenant's default from then on.
#[utoipa::path(delete, path = "/policies/{policy_id}", tag = "Policies",
    params(("policy_id" = PolicyId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["policies:write"])), responses((status = 204)))]
async fn remove(context: Context, Path(id): Path<PolicyId>) -> Result<Response, Problem> {
    context.require(Scope::PoliciesWrite)?;
    let mut tx = context.write().await?;
    let current = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, current.revision)?;
    if !table::delete(&mut tx, &current).await? {
        return Err(Code::EtagMismatch.into());
    }
    context.commit(tx, Some(current.tenant_id), &Event::new("policy.delete", id), Answer::no_content()).await
}

fn taken(error: StoreError) -> Problem {
    if matches!(error, StoreError::Taken(_)) { Problem::taken("/name") } else { error.into() }
}
