// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and removing accounts, and what people do with their own.

use std::sync::Arc;
use std::time::Instant;

use axum::response::Response;
use chrono::Utc;
use serde::Deserialize;
use store::StoreError;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{OwnPasswordInput, PasswordInput, User, UserInput};
use super::{check_system_admin_remains, may_manage, table};
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::UserId;
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::{Path, Query};
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::caller::Actor;
use crate::identity::passwords;
use crate::identity::roles::Role;
use crate::identity::scopes::Scope;
use crate::identity::sessions;
use crate::records::audit::Event;

pub(in crate::identity) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(get, patch, delete))
        .routes(routes!(set_password))
}

/// Which accounts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those with that role.
    role: Option<Role>,
    /// Those who are kept from signing in, or those who are not.
    disabled: Option<bool>,
    /// The one with that address.
    #[param(max_length = 254)]
    email: Option<String>,
}

/// Lists accounts
///
/// The oldest first.
#[utoipa::path(get, path = "/users", tag = "Users", params(PageRequest, Filter), security(("api_token" = ["users:read"])),
    responses((status = 200, body = PageOf<User>)))]
async fn list(context: Context, Query(filter): Query<Filter>, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::UsersRead)?;
    let wanted = table::Wanted {
        tenant: context.tenant_filter()?,
        role: filter.role,
        disabled: filter.disabled,
        email: filter.email.as_deref().map(super::model::tidy_email),
    };
    let found = table::page(&mut context.read().await?, &wanted, &page).await?;
    let key = |user: &User| (user.created_at.timestamp_millis(), user.id);
    PageOf::new(found, page.limit, key)?.answer(&context.uri)
}

/// Makes an account
///
/// Without a password: its owner signs in with the identity provider, or gets one.
#[utoipa::path(post, path = "/users", tag = "Users", request_body = UserInput,
    security(("api_token" = ["users:write"])), responses((status = 201, body = User)))]
async fn create(context: Context, Body(input): Body<UserInput>) -> Result<Response, Problem> {
    context.require(Scope::UsersWrite)?;
    let tenant_id = context.tenant()?;
    check_role(&context, input.role)?;
    let now = Utc::now();
    let user = User {
        id: UserId::new(),
        tenant_id,
        input: input.tidied(),
        has_password: false,
        is_known_to_provider: false,
        last_sign_in_at: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = context.write().await?;
    table::insert(&mut tx, &user, None).await.map_err(refused)?;
    let answer = Answer::created(format!("/api/v1/users/{}", user.id), &user)?.with_etag(user.revision);
    let event = Event::new("user.create", user.id).with("role", user.input.role.as_str().into());
    context.commit(tx, Some(tenant_id), &event, answer).await
}

/// Shows one's own account
///
/// Or that of the person whom software acts for, if its token has `users:read`.
#[utoipa::path(get, path = "/users/me", tag = "Users", security(("browser" = []), ("api_token" = [])),
    responses((status = 200, body = User)))]
async fn me(context: Context) -> Result<Response, Problem> {
    // Software that acts for nobody has none.
    let person = context.caller.person().ok_or(Code::Forbidden)?;
    if context.caller.on_behalf_of.is_some() {
        context.caller.require_itself(Scope::UsersRead)?;
    }
    let user = table::find(&mut context.read().await?, None, person).await?.ok_or(Code::NotFound)?;
    etag::unless_known(&context.headers, user.revision, Answer::ok(&user)?)
}

/// Changes one's own password
///
/// All other browsers in which one is signed in are signed out.
#[utoipa::path(put, path = "/users/me/password", tag = "Users", request_body = OwnPasswordInput,
    security(("browser" = [])), responses((status = 204)))]
async fn change_password(context: Context, Body(input): Body<OwnPasswordInput>) -> Result<Response, Problem> {
    // Not for software that acts for somebody.
    let Actor::User(id) = context.caller.actor else { return Err(Code::Forbidden.into()) };
    let (user, hash) = {
        let mut tx = context.read().await?;
        let user = table::find(&mut tx, None, id).await?.ok_or(Code::NotFound)?;
        (user, table::password_hash(&mut tx, id).await?)
    };
    let wrong = || Problem::field("/current_password", "forbidden-value");
    let made = context.app.throttle.begin(Instant::now(), &user.input.email, context.address())?;
    let is_right = context.app.passwords.verify(input.current_password, hash.clone()).await?;
    let Some(old) = hash.filter(|_| is_right) else { return Err(wrong()) };
    context.app.throttle.succeeded(&made);
    check_strength("/new_password", &input.new_password, &user.input.email)?;
    let hash = context.app.passwords.hash(input.new_password).await?;
    let mut tx = context.write().await?;
    // An administrator may have given them another one meanwhile.
    if !table::replace_password(&mut tx, id, &old, &hash, Utc::now()).await? {
        return Err(wrong());
    }
    let own = sessions::hash_in(&context.app, &context.headers);
    sessions::table::end_all(&mut tx, id, own.as_deref()).await?;
    let event = Event::new("user.password", id);
    context.commit(tx, Some(user.tenant_id), &event, Answer::no_content()).await
}

/// Shows an account
#[utoipa::path(get, path = "/users/{user_id}", tag = "Users", params(("user_id" = UserId, Path)),
    security(("api_token" = ["users:read"])), responses((status = 200, body = User)))]
async fn get(context: Context, Path(id): Path<UserId>) -> Result<Response, Problem> {
    context.require(Scope::UsersRead)?;
    let user = table::find(&mut context.read().await?, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    etag::unless_known(&context.headers, user.revision, Answer::ok(&user)?)
}

/// Changes an account
#[utoipa::path(patch, path = "/users/{user_id}", tag = "Users",
    request_body(content = ref("#/components/schemas/UserPatch"), content_type = "application/merge-patch+json"),
    params(("user_id" = UserId, Path), ("If-Match" = String, Header, description = "The ETag it was read with.")),
    security(("api_token" = ["users:write"])), responses((status = 200, body = User)))]
async fn patch(context: Context, Path(id): Path<UserId>, patch: Patch) -> Result<Response, Problem> {
    context.require(Scope::UsersWrite)?;
    let mut tx = context.write().await?;
    let user = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let input = patch.apply(&context.app, &user.input)?.tidied();
    etag::check_if_match(&context.headers, user.revision)?;
    check_may_change(&context, &user)?;
    check_role(&context, input.role)?;
    check_system_admin_remains(&mut tx, &user, Some(&input)).await?;
    let now = Utc::now();
    if !table::update(&mut tx, &user, &input, now).await.map_err(refused)? {
        return Err(Code::EtagMismatch.into());
    }
    if input.disabled {
        sessions::table::end_all(&mut tx, id, None).await?;
    }
    let changed = user.input.changed(&input);
    let mut event = Event::new("user.update", id).changing(&changed);
    if input.role != user.input.role {
        event = event.with("role", input.role.as_str().into());
    }
    let user = User { input, revision: user.revision + 1, updated_at: now, ..user };
    let answer = Answer::ok(&user)?.with_etag(user.revision);
    context.commit(tx, Some(user.tenant_id), &event, answer).await
}

/// Gives somebody a password
///
/// They are signed out everywhere.
#[utoipa::path(put, path = "/users/{user_id}/password", tag = "Users", request_body = PasswordInput,
    params(("user_id" = UserId, Path)), security(("api_token" = ["users:write"])), responses((status = 204)))]
async fn set_password(
    context: Context,
    Path(id): Path<UserId>,
    Body(input): Body<PasswordInput>,
) -> Result<Response, Problem> {
    context.require(Scope::UsersWrite)?;
    let user = table::find(&mut context.read().await?, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    check_may_change(&context, &user)?;
    check_strength("/password", &input.password, &user.input.email)?;
    let hash = context.app.passwords.hash(input.password).await?;
    let mut tx = context.write().await?;
    // Somebody may have made them more than the caller may manage, meanwhile.
    let user = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    check_may_change(&context, &user)?;
    table::set_password(&mut tx, id, &hash, Utc::now()).await?;
    sessions::table::end_all(&mut tx, id, None).await?;
    let event = Event::new("user.password", id);
    context.commit(tx, Some(user.tenant_id), &event, Answer::no_content()).await
}

/// Removes an account
///
/// The last system administrator stays.
#[utoipa::path(delete, path = "/users/{user_id}", tag = "Users",
    params(("user_id" = UserId, Path), ("If-Match" = String, Header, description = "The ETag it was read with.")),
    security(("api_token" = ["users:write"])), responses((status = 204)))]
async fn delete(context: Context, Path(id): Path<UserId>) -> Result<Response, Problem> {
    context.require(Scope::UsersWrite)?;
    let mut tx = context.write().await?;
    let user = table::find(&mut tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    etag::check_if_match(&context.headers, user.revision)?;
    check_may_change(&context, &user)?;
    check_system_admin_remains(&mut tx, &user, None).await?;
    if !table::delete(&mut tx, &user).await? {
        return Err(Code::EtagMismatch.into());
    }
    context.commit(tx, Some(user.tenant_id), &Event::new("user.delete", id), Answer::no_content()).await
}

/// Fails when the caller may not do anything with people of that role.
fn check_may_change(context: &Context, user: &User) -> Result<(), Problem> {
    if may_manage(&context.caller, user.input.role) { Ok(()) } else { Err(Code::Forbidden.into()) }
}

/// Fails when the caller may not give that role.
fn check_role(context: &Context, role: Role) -> Result<(), Problem> {
    if may_manage(&context.caller, role) { Ok(()) } else { Err(Problem::field("/role", "forbidden-value")) }
}

fn check_strength(pointer: &str, password: &str, email: &str) -> Result<(), Problem> {
    match passwords::weakness(password, email) {
        Some(code) => Err(Problem::field(pointer, code)),
        None => Ok(()),
    }
}

fn refused(error: StoreError) -> Problem {
    match error {
        error if error.is_taken("email") => Problem::taken("/email"),
        StoreError::Dangling(_) => Problem::field("query/tenant_id", "unknown-reference"),
        error => error.into(),
    }
}
