// SPDX-License-Identifier: EUPL-1.2
//! A calendar that somebody subscribes to: the meetings that they organise or are invited to. Calendars cannot sign in, so
//! its address is the secret; it can be changed, and no log has it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::{Duration, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use store::{FromRow, Row, StoreError, Tx, sql};
use tracing::warn;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::compose::{self, Composer, Known};
use super::ical::calendar;
use super::invitation::{Invitation, Method, News};
use super::{rights, token, visitors, words};
use crate::api::answer::Answer;
use crate::api::context::Context;
use crate::api::ids::{InviteeId, MeetingId, TenantId, UserId};
use crate::api::language::Language;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::keys::Purpose;
use crate::identity::scopes::Scope;
use crate::identity::secret;
use crate::meetings::model::{Invitee, Meeting};
use crate::meetings::{invited, phone_pins};
use crate::records::audit::Event;

/// How long a meeting that is over is still shown.
const PAST: Duration = Duration::days(90);

/// Most meetings that are shown. A series is one.
const MAX_MEETINGS: i64 = 300;

pub(super) fn api_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(rotate))
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/calendar/{file}", get(read))
}

/// Somebody's calendar feed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalendarFeed {
    /// Its address, for a calendar to subscribe to. Whoever has it reads the feed.
    url: Option<String>,
}

/// Whose feed it is.
#[derive(Clone, Copy)]
struct Owner {
    id: UserId,
    tenant_id: TenantId,
    generation: i64,
    language: Language,
    is_disabled: bool,
}

impl FromRow for Owner {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (own, locale): (Option<String>, String) = (row.get("language")?, row.get("locale")?);
        let language = Language::from_tag(&own.unwrap_or(locale)).unwrap_or_default();
        let disabled_at: Option<i64> = row.get("disabled_at")?;
        let (id, tenant_id, generation) = (row.get("id")?, row.get("tenant_id")?, row.get("feed_generation")?);
        Ok(Self { id, tenant_id, generation, language, is_disabled: disabled_at.is_some() })
    }
}

async fn owner(tx: &mut Tx, id: UserId) -> Result<Option<Owner>, StoreError> {
    let select = sql("SELECT u.id, u.tenant_id, u.feed_generation, u.language, u.disabled_at, t.locale
         FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.id = $1");
    tx.optional(select.bind(id)).await
}

/// Shows the address of the own calendar feed
///
/// Calendars subscribe to it. They cannot sign in, so whoever knows the address reads it, personal links and PINs included.
/// Software that acts for somebody therefore needs `invitees:read` as well, and the audit log has that it was told.
#[utoipa::path(get, path = "/users/me/calendar_feed", tag = "Invitations",
    security(("browser" = []), ("api_token" = ["meetings:read"])), responses((status = 200, body = CalendarFeed)))]
async fn show(context: Context) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    let person = context.caller.person().ok_or(Code::NotFound)?;
    let feed = |owner: &Owner| Answer::ok(&CalendarFeed { url: Some(url(&context.app, owner)) });
    if context.caller.is_person_themselves() {
        let owner = owner(&mut context.read().await?, person).await?.ok_or(Code::NotFound)?;
        return Ok(feed(&owner)?.into_response());
    }
    context.caller.require_itself(Scope::InviteesRead)?;
    let mut tx = context.write().await?;
    let owner = owner(&mut tx, person).await?.ok_or(Code::NotFound)?;
    let event = Event::new("user.calendar_feed_show", person);
    context.commit(tx, Some(owner.tenant_id), &event, feed(&owner)?).await
}

/// Changes the address of the own calendar feed
///
/// The old address is not valid any more. The new one is shown once here; afterwards it can be read again. Software that acts
/// for somebody needs `users:write` as well.
#[utoipa::path(post, path = "/users/me/calendar_feed/rotate", tag = "Invitations",
    security(("browser" = []), ("api_token" = ["meetings:read"])), responses((status = 200, body = CalendarFeed)))]
async fn rotate(context: Context) -> Result<Response, Problem> {
    context.require(Scope::MeetingsRead)?;
    let person = context.caller.person().ok_or(Code::NotFound)?;
    if !context.caller.is_person_themselves() {
        context.caller.require_itself(Scope::UsersWrite)?;
    }
    let mut tx = context.write().await?;
    let update = sql("UPDATE users SET feed_generation = feed_generation + 1 WHERE id = $1");
    tx.execute(update.bind(person)).await?;
    let owner = owner(&mut tx, person).await?.ok_or(Code::NotFound)?;
    let feed = CalendarFeed { url: Some(url(&context.app, &owner)) };
    let answer = Answer::ok(&feed)?.kept_as(&CalendarFeed { url: None })?;
    let event = Event::new("user.calendar_feed_rotate", person);
    context.commit(tx, Some(owner.tenant_id), &event, answer).await
}

fn url(app: &App, owner: &Owner) -> String {
    let token = token::make(&app.installation, Purpose::CalendarFeed, &owner.id.to_string(), owner.generation);
    format!("{}/calendar/{token}.ics", app.config.public_url)
}

async fn read(
    State(app): State<Arc<App>>,
    axum::extract::Path(file): axum::extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    let feed = match file.strip_suffix(".ics") {
        Some(token) => feed(&app, token).await,
        None => Ok(None),
    };
    let feed = match feed {
        Ok(Some(Ok(feed))) => feed,
        Ok(Some(Err(problem))) => return visitors::too_often(&problem),
        Ok(None) => return (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "not found").into_response(),
        Err(error) => {
            warn!(%error, "a calendar feed cannot be read");
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")], "").into_response();
        }
    };
    let etag = format!("\"{}\"", &secret::hex(&Sha256::digest(&feed))[..32]);
    let known = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|list| list.split(',')).any(|tag| tag.trim().trim_start_matches("W/") == etag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], feed).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    answer.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        answer.insert(header::ETAG, etag);
    }
    response
}

/// What a feed shows, unless it is asked for too often. None for an address that is none, or not any more.
async fn feed(app: &App, given: &str) -> Result<Option<Result<String, Problem>>, StoreError> {
    let Some(claimed) = token::claimed_id(given) else { return Ok(None) };
    let Some(id) = UserId::parse(&claimed) else { return Ok(None) };
    let mut tx = app.store.read().await?;
    let Some(owner) = owner(&mut tx, id).await?.filter(|owner| !owner.is_disabled) else { return Ok(None) };
    if !token::is_proven(&app.installation, Purpose::CalendarFeed, &claimed, owner.generation, given) {
        return Ok(None);
    }
    if let Err(problem) = app.api.check_link(given) {
        return Ok(Some(Err(problem)));
    }
    let invitations = invitations(&mut tx, app, &owner).await?;
    Ok(Some(Ok(calendar::write_feed(words::of(owner.language).feed_name, &invitations))))
}

async fn invitations(tx: &mut Tx, app: &App, owner: &Owner) -> Result<Vec<Invitation>, StoreError> {
    let mut own: HashMap<MeetingId, Invitee> = HashMap::new();
    for invitee in rights::invitations_of(tx, owner.tenant_id, owner.id, None).await? {
        own.entry(invitee.meeting_id).or_insert(invitee);
    }
    let meetings = meetings(tx, owner).await?;
    let invitees: Vec<_> = meetings.iter().filter_map(|meeting| own.get(&meeting.id)).map(|own| own.id).collect();
    let mut pins: HashMap<InviteeId, String> = HashMap::new();
    for pin in phone_pins::table::of_invitees(tx, &invitees).await? {
        pins.extend(pin.invitee_id.map(|id| (id, phone_pins::digits(&app.installation, &pin))));
    }
    let account = compose::account(tx, owner.id).await?;
    let mut invitations = Vec::new();
    for (meeting, composer) in meetings.iter().zip(Composer::of_all(tx, app, owner.tenant_id, &meetings).await?) {
        // Always the same words for the same state, so that its ETag stays.
        let written_at = meeting.updated_at;
        let invitation = match own.get(&meeting.id) {
            Some(invitee) => {
                let known = Known { account: account.clone(), pin: pins.remove(&invitee.id), told: None };
                composer.to_known(invitee, known, News::Invited, written_at)
            }
            None => composer.to_anybody(owner.language, News::Invited, written_at),
        };
        // The whole feed is in one language.
        invitations.push(Invitation { method: Method::Publish, language: owner.language, ..invitation });
    }
    Ok(invitations)
}

/// The meetings that they organise or are invited to, and that are not long over: first those to come, the next ones
/// before later ones, then the others, the newest before older ones.
async fn meetings(tx: &mut Tx, owner: &Owner) -> Result<Vec<Meeting>, StoreError> {
    let now = Utc::now();
    let mut select = sql("SELECT * FROM meetings WHERE id IN ");
    invited::push_theirs(&mut select, owner.tenant_id, owner.id);
    select
        .push_bound(" AND tenant_id = ", owner.tenant_id)
        .push_bound(" AND status = 'scheduled' AND type IN ('scheduled', 'recurring') AND over_at >= ", now - PAST)
        .push_bound(" ORDER BY CASE WHEN over_at >= ", now)
        .push_bound(" THEN 0 ELSE 1 END, CASE WHEN over_at >= ", now)
        .push_bound(" THEN starts_at ELSE -over_at END, id LIMIT ", MAX_MEETINGS);
    tx.all(select).await
}

#[cfg(test)]
mod tests;
