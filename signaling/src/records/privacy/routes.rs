// SPDX-License-Identifier: EUPL-1.2
//! Asking for an export and having it; erasing.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use serde_json::json;
use store::Tx;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Erasure, ErasureInput, Export, ExportDocument, ExportInput, OnErasure};
use super::{KnownBy, Person, erase, exports};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::{ExportId, UserId};
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::roles::Role;
use crate::identity::scopes::Scope;
use crate::identity::users;
use crate::records::audit::Event;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(download))
        .routes(routes!(erase_person))
}

/// Lists exports
///
/// The oldest first.
#[utoipa::path(get, path = "/exports", tag = "Privacy", params(PageRequest), security(("api_token" = ["privacy:admin"])),
    responses((status = 200, body = PageOf<Export>)))]
async fn list(context: Context, page: Page<(i64, ExportId)>) -> Result<Response, Problem> {
    context.require(Scope::PrivacyAdmin)?;
    let found = exports::page(&mut context.read().await?, context.tenant_filter()?, &page).await?;
    PageOf::new(found, page.limit, |export| (export.created_at.timestamp_millis(), export.id))?.answer(&context.uri)
}

/// Asks for all that is kept of a person
///
/// It is put together a moment later, and can be had for a week.
#[utoipa::path(post, path = "/exports", tag = "Privacy", request_body = ExportInput,
    security(("api_token" = ["privacy:admin"])), responses((status = 202, body = Export)))]
async fn create(context: Context, Body(input): Body<ExportInput>) -> Result<Response, Problem> {
    context.require(Scope::PrivacyAdmin)?;
    let tenant = context.tenant()?;
    let (known_by, invalid) = known_by(input.user_id, input.email, input.phone_e164);
    invalid.finish()?;
    let mut tx = context.write().await?;
    let person = Person::find(&mut tx, tenant, &known_by).await?;
    let person = person.ok_or_else(|| Problem::field("/user_id", "unknown-reference"))?;
    let export = exports::request(&mut tx, &person, Utc::now()).await?;
    let event = Event::new("export.create", export.id);
    let event = match person.user {
        Some(user) => event.with("user_id", json!(user)),
        None => event,
    };
    context.commit(tx, Some(tenant), &event, Answer::with_status(StatusCode::ACCEPTED, &export)?).await
}

/// Whose data is meant must be said in one way.
fn known_by(user: Option<UserId>, email: Option<String>, phone: Option<String>) -> (KnownBy, Invalid) {
    let mut invalid = Invalid::default();
    if user.is_some() && email.is_some() {
        invalid.add_with("/email", "contradiction", "user_id");
    }
    if phone.is_some() && (user.is_some() || email.is_some()) {
        invalid.add_with("/phone_e164", "contradiction", if user.is_some() { "user_id" } else { "email" });
    }
    let known_by = match (user, email, phone) {
        (Some(user), ..) => KnownBy::Account(user),
        (None, Some(email), _) => KnownBy::Email(email),
        (None, None, Some(phone)) => KnownBy::Phone(phone),
        (None, None, None) => {
            invalid.add("/user_id", "required");
            KnownBy::Email(String::new())
        }
    };
    (known_by, invalid)
}

/// Shows how far an export is
#[utoipa::path(get, path = "/exports/{export_id}", tag = "Privacy", params(("export_id" = ExportId, Path)),
    security(("api_token" = ["privacy:admin"])), responses((status = 200, body = Export)))]
async fn get(context: Context, Path(id): Path<ExportId>) -> Result<Response, Problem> {
    context.require(Scope::PrivacyAdmin)?;
    let found = exports::find(&mut context.read().await?, context.tenant_filter()?, id).await?;
    Ok(Answer::ok(&found.ok_or(Code::NotFound)?)?.into_response())
}

/// Hands over an export
///
/// A JSON document with all that is kept of the person. That it was had is written down.
#[utoipa::path(get, path = "/exports/{export_id}/download", tag = "Privacy", params(("export_id" = ExportId, Path)),
    security(("api_token" = ["privacy:admin"])), responses((status = 200, body = ExportDocument)))]
async fn download(context: Context, Path(id): Path<ExportId>) -> Result<Response, Problem> {
    context.require(Scope::PrivacyAdmin)?;
    let mut tx = context.write().await?;
    let found = exports::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let content = exports::content(&mut tx, id).await?.ok_or(Code::Conflict)?;
    let event = Event::new("export.download", id);
    let mut response = context.commit(tx, Some(found.tenant_id), &event, Answer::no_content()).await?;
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = content.into();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"export.json\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

/// Erases what is kept of a person
///
/// Their account, invitations, sessions, messages and what waits for them go; meetings that are over lose their organizer;
/// those to come are handed over or cancelled. The audit log keeps that it was done, and the ids that it knew the person by.
#[utoipa::path(post, path = "/erasures", tag = "Privacy", request_body = ErasureInput,
    security(("api_token" = ["privacy:admin"])), responses((status = 200, body = Erasure)))]
async fn erase_person(context: Context, Body(input): Body<ErasureInput>) -> Result<Response, Problem> {
    context.require(Scope::PrivacyAdmin)?;
    let tenant = context.tenant()?;
    let (known_by, mut invalid) = known_by(input.user_id, input.email, input.phone_e164);
    match (input.meetings, input.hand_over_to) {
        (OnErasure::HandOver, None) => invalid.add("/hand_over_to", "required"),
        (OnErasure::Cancel, Some(_)) => invalid.add_with("/hand_over_to", "contradiction", "meetings"),
        _ => {}
    }
    invalid.finish()?;
    let mut tx = context.write().await?;
    let person = Person::find(&mut tx, tenant, &known_by).await?;
    let person = person.ok_or_else(|| Problem::field("/user_id", "unknown-reference"))?;
    check_administrator(&context, &mut tx, &person).await?;
    let successor = match input.hand_over_to {
        Some(id) => {
            let found = erase::successor(&mut tx, &person, id).await?;
            Some(found.ok_or_else(|| Problem::field("/hand_over_to", "unknown-reference"))?)
        }
        None => None,
    };
    let erasure = erase::erase(&mut tx, &context.app.installation, &person, successor.as_ref(), Utc::now()).await?;
    let event = Event::new("erasure.create", erasure.id)
        .with("erased", json!(erasure.erased))
        .with("handed_over", json!(erasure.handed_over))
        .with("cancelled", json!(erasure.cancelled));
    let answer = Answer::ok(&erasure)?;
    let events: Vec<_> = std::iter::once(event).chain(erasure.events).collect();
    context.commit_all(tx, Some(tenant), &events, answer).await
}

/// Who looks after the installation is erased by nobody else who does not, and not when they are the last one. Everybody else
/// is: whoever looks after people's data may not have to ask those whom it is about.
async fn check_administrator(context: &Context, tx: &mut Tx, person: &Person) -> Result<(), Problem> {
    if person.role != Some(Role::SystemAdmin) {
        return Ok(());
    }
    if !users::may_manage(&context.caller, Role::SystemAdmin) {
        return Err(Code::Forbidden.into());
    }
    if erase::is_last_administrator(tx, person).await? {
        return Err(Code::Conflict.into());
    }
    Ok(())
}
