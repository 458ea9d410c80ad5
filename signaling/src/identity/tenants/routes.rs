// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and removing tenants. A tenant's administrators change their own, but not what it may use.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use store::{StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Tenant, TenantInput};
use super::table;
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::TenantId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::identity::users;
use crate::meeting_sessions;
use crate::meetings::model::TimeZone;
use crate::phone::dial_out::countries;
use crate::records::audit::Event;

pub(in crate::identity) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, put, patch, delete))
}

/// Lists tenants
///
/// The oldest first.
#[utoipa::path(get, path = "/tenants", tag = "Tenants", params(PageRequest), security(("api_token" = ["tenants:admin"])),
    responses((status = 200, body = PageOf<Tenant>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::TenantsAdmin)?;
    let only = context.tenant_filter()?;
    let found = table::page(&mut context.read().await?, only, &page).await?;
    let key = |tenant: &Tenant| (tenant.created_at.timestamp_millis(), tenant.id);
    PageOf::new(found, page.limit, key)?.answer(&context.uri)
}

/// Makes a tenant
#[utoipa::path(post, path = "/tenants", tag = "Tenants", request_body = TenantInput,
    security(("api_token" = ["tenants:admin"])), responses((status = 201, body = Tenant)))]
async fn create(context: Context, Body(input): Body<TenantInput>) -> Result<Response, Problem> {
    context.require(Scope::TenantsAdmin)?;
    // A tenant's own token cannot make others.
    if context.caller.tenant.is_some() {
        return Err(Code::Forbidden.into());
    }
    let now = Utc::now();
    let tenant = Tenant { id: TenantId::new(), input, revision: 1, created_at: now, updated_at: now };
    let mut tx = context.write().await?;
    check(&mut tx, tenant.id, &tenant.input).await?;
    table::insert(&mut tx, &tenant).await.map_err(taken)?;
    let location = format!("/api/v1/tenants/{}", tenant.id);
    let answer = Answer::created(location, &tenant)?.with_etag(tenant.revision);
    context.commit(tx, Some(tenant.id), &Event::new("tenant.create", tenant.id), answer).await
}

/// Shows a tenant
#[utoipa::path(get, path = "/tenants/{tenant_id}", tag = "Tenants", params(("tenant_id" = TenantId, Path)),
    security(("api_token" = ["tenant:write"])), responses((status = 200, body = Tenant)))]
async fn get(context: Context, Path(id): Path<TenantId>) -> Result<Response, Problem> {
    check_may(&context, id)?;
    let tenant = table::find(&mut context.read().await?, id).await?.ok_or(Code::NotFound)?;
    etag::unless_known(&context.headers, tenant.revision, Answer::ok(&tenant)?)
}

/// Replaces a tenant
#[utoipa::path(put, path = "/tenants/{tenant_id}", tag = "Tenants", request_body = TenantInput,
    params(("tenant_id" = TenantId, Path), ("If-Match" = String, Header, description = "The ETag it was read with.")),
    security(("api_token" = ["tenant:write"])), responses((status = 200, body = Tenant)))]
async fn put(context: Context, Path(id): Path<TenantId>, Body(input): Body<TenantInput>) -> Result<Response, Problem> {
    check_may(&context, id)?;
    let mut tx = context.write().await?;
    let tenant = table::find(&mut tx, id).await?.ok_or(Code::NotFound)?;
    change(context, tx, tenant, input).await
}

/// Changes a tenant
#[utoipa::path(patch, path = "/tenants/{tenant_id}", tag = "Tenants",
    request_body(content = ref("#/components/schemas/TenantPatch"), content_type = "application/merge-patch+json"),
    params(("tenant_id" = TenantId, Path), ("If-Match" = String, Header, description = "The ETag it was read with.")),
    security(("api_token" = ["tenant:write"])), responses((status = 200, body = Tenant)))]
async fn patch(context: Context, Path(id): Path<TenantId>, patch: Patch) -> Result<Response, Problem> {
    check_may(&context, id)?;
    let mut tx = context.write().await?;
    let tenant = table::find(&mut tx, id).await?.ok_or(Code::NotFound)?;
    let input = patch.apply(&context.app, &tenant.input)?;
    change(context, tx, tenant, input).await
}

/// Removes a tenant
///
/// With its people, meetings and everything else that it has. The last one stays, and so does that of the last system
/// administrator, and one whose meetings are going on.
#[utoipa::path(delete, path = "/tenants/{tenant_id}", tag = "Tenants",
    params(("tenant_id" = TenantId, Path), ("If-Match" = String, Header, description = "The ETag it was read with.")),
    security(("api_token" = ["tenants:admin"])), responses((status = 204)))]
async fn delete(context: Context, Path(id): Path<TenantId>) -> Result<Response, Problem> {
    context.require(Scope::TenantsAdmin)?;
    if context.caller.tenant.is_some() {
        return Err(if context.tenant()? == id { Code::Forbidden } else { Code::NotFound }.into());
    }
    let mut tx = context.write().await?;
    tx.lock("tenants").await?;
    let tenant = table::find(&mut tx, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, tenant.revision)?;
    if !table::has_another(&mut tx, id).await? {
        return Err(Code::Conflict.into());
    }
    users::check_system_admin_remains_without_tenant(&mut tx, id).await?;
    if meeting_sessions::table::is_any_running(&mut tx, id).await? {
        return Err(Code::Conflict.into());
    }
    if !table::delete(&mut tx, id, tenant.revision).await? {
        return Err(Code::EtagMismatch.into());
    }
    // In the installation's chain: who looks into the tenant's has no reason to any more.
    context.commit(tx, None, &Event::new("tenant.delete", id), Answer::no_content()).await
}

/// For software of a tenant, and for its administrators, there is no other.
fn check_may(context: &Context, id: TenantId) -> Result<(), Problem> {
    context.require(Scope::TenantWrite)?;
    if context.tenant_filter()?.is_none_or(|tenant| tenant == id) { Ok(()) } else { Err(Code::NotFound.into()) }
}

async fn change(context: Context, mut tx: Tx, tenant: Tenant, input: TenantInput) -> Result<Response, Problem> {
    etag::check_if_match(&context.headers, tenant.revision)?;
    let changed = tenant.input.changed(&input);
    if !context.caller.scopes.contains(Scope::TenantsAdmin) {
        let mut invalid = Invalid::default();
        for name in changed.iter().filter(|name| ["slug", "oidc_claim_value", "dial_out", "limits"].contains(name)) {
            invalid.add(format!("/{name}"), "forbidden-value");
        }
        invalid.finish()?;
    }
    check(&mut tx, tenant.id, &input).await?;
    let now = Utc::now();
    if !table::update(&mut tx, tenant.id, tenant.revision, &input, now).await.map_err(taken)? {
        return Err(Code::EtagMismatch.into());
    }
    let tenant = Tenant { input, revision: tenant.revision + 1, updated_at: now, ..tenant };
    let answer = Answer::ok(&tenant)?.with_etag(tenant.revision);
    let event = Event::new("tenant.update", tenant.id).changing(&changed);
    context.commit(tx, Some(tenant.id), &event, answer).await
}

/// Names what is wrong in ways that a schema does not say.
async fn check(tx: &mut Tx, tenant: TenantId, input: &TenantInput) -> Result<(), Problem> {
    let mut invalid = Invalid::default();
    if let Some(policy) = input.default_policy_id
        && !table::has_policy(tx, tenant, policy).await?
    {
        invalid.add("/default_policy_id", "unknown-reference");
    }
    if input.time_zone.as_ref().is_some_and(|name| TimeZone::parse(name).is_none()) {
        invalid.add("/time_zone", "unknown-time-zone");
    }
    for (index, code) in input.dial_out.countries.iter().enumerate() {
        if !countries::is_code(&code.0) {
            invalid.add(format!("/dial_out/countries/{index}"), "unknown-reference");
        }
    }
    invalid.finish()
}

fn taken(error: StoreError) -> Problem {
    match error {
        error if error.is_taken("slug") => Problem::taken("/slug"),
        error if error.is_taken("oidc_claim_value") => Problem::taken("/oidc_claim_value"),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tenants::settings::Settings;

    #[test]
    fn settings_that_say_nothing_are_complete() {
        let settings: Settings = serde_json::from_str("{}").expect("settings");
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn what_changed_is_named() {
        let input = |json: serde_json::Value| serde_json::from_value::<TenantInput>(json).expect("an input");
        let old = input(serde_json::json!({ "name": "A", "slug": "a" }));
        let new = input(serde_json::json!({ "name": "A", "slug": "b", "limits": { "max_meeting_minutes": 5 } }));
        assert_eq!(old.changed(&new), ["slug", "limits"]);
        assert!(old.changed(&old).is_empty());
    }
}
