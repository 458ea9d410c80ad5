// SPDX-License-Identifier: EUPL-1.2
//! Making, listing, changing and removing permanent rooms. People see and change their own, administrators all.

use std::sync::Arc;

use axum::response::Response;
use chrono::Utc;
use store::{StoreError, Tx};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Room, RoomInput, RoomView};
use super::table;
use crate::api::answer::Answer;
use crate::api::body::{Body, Patch};
use crate::api::context::Context;
use crate::api::etag;
use crate::api::ids::{RoomId, TenantId, UserId};
use crate::api::paging::{Page, PageOf, PageRequest};
use crate::api::path::Path;
use crate::api::problem::{Code, Invalid, Problem};
use crate::app::App;
use crate::identity::scopes::Scope;
use crate::meeting_sessions::live;
use crate::meetings::phone_pins::model::Place;
use crate::meetings::view::DialInView;
use crate::meetings::{codes, people, phone_pins, policies, tenant};
use crate::records::audit::Event;
use crate::rooms::info::DisconnectReason;

pub(in crate::meetings) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, patch, remove))
        .routes(routes!(renew_link))
}

/// Lists permanent rooms
///
/// By short name. Who is no administrator sees their own.
#[utoipa::path(get, path = "/rooms", tag = "Rooms", params(PageRequest, ("tenant_id" = Option<String>, Query, format = Uuid)),
    security(("api_token" = ["rooms:read"])), responses((status = 200, body = PageOf<RoomView>)))]
async fn list(context: Context, page: Page<table::Key>) -> Result<Response, Problem> {
    context.require(Scope::RoomsRead)?;
    let tenant_id = context.tenant()?;
    let mut tx = context.read().await?;
    let found = table::page(&mut tx, tenant_id, only_owner(&context)?, &page).await?;
    let items = views(&context, &mut tx, tenant_id, &found).await?;
    PageOf::new(items, page.limit, |room: &RoomView| (room.slug.clone(), room.id))?.answer(&context.uri)
}

/// Makes a permanent room
#[utoipa::path(post, path = "/rooms", tag = "Rooms", request_body = RoomInput,
    params(("tenant_id" = Option<String>, Query, format = Uuid)), security(("api_token" = ["rooms:write"])),
    responses((status = 201, body = RoomView)))]
async fn create(context: Context, Body(input): Body<RoomInput>) -> Result<Response, Problem> {
    context.require(Scope::RoomsWrite)?;
    let (tenant_id, now) = (context.tenant()?, Utc::now());
    let mut tx = context.write().await?;
    tenant::find(&mut tx, tenant_id).await?.ok_or(Code::NotFound)?;
    let owner_id = check(&context, &mut tx, tenant_id, &input).await?;
    let room = Room {
        id: RoomId::new(),
        tenant_id,
        name: input.name,
        slug: input.slug,
        owner_id,
        policy_id: input.policy_id,
        code: codes::code(),
        conference_id: codes::conference_id(&mut tx).await?,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    table::insert(&mut tx, &room).await.map_err(taken)?;
    phone_pins::create_first(&mut tx, &context.app.installation, Place::Room(room.id)).await?;
    let shown = whole(&context, &mut tx, &room).await?;
    let answer = Answer::created(format!("/api/v1/rooms/{}", room.id), &shown)?.with_etag(1);
    context.commit(tx, Some(tenant_id), &Event::new("room.create", room.id), answer).await
}

/// Shows a permanent room
#[utoipa::path(get, path = "/rooms/{room_id}", tag = "Rooms",
    params(("room_id" = RoomId, Path), ("If-None-Match" = Option<String>, Header)),
    security(("api_token" = ["rooms:read"])), responses((status = 200, body = RoomView), (status = 304)))]
async fn get(context: Context, Path(id): Path<RoomId>) -> Result<Response, Problem> {
    context.require(Scope::RoomsRead)?;
    let mut tx = context.read().await?;
    let room = find(&context, &mut tx, id).await?;
    let shown = whole(&context, &mut tx, &room).await?;
    etag::unless_known(&context.headers, room.revision, Answer::ok(&shown)?)
}

/// Replaces a permanent room
///
/// Its link and its number stay.
#[utoipa::path(put, path = "/rooms/{room_id}", tag = "Rooms", request_body = RoomInput,
    params(("room_id" = RoomId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["rooms:write"])), responses((status = 200, body = RoomView)))]
async fn replace(context: Context, Path(id): Path<RoomId>, Body(input): Body<RoomInput>) -> Result<Response, Problem> {
    change(context, id, |_| Ok(input)).await
}

/// Changes a permanent room
#[utoipa::path(patch, path = "/rooms/{room_id}", tag = "Rooms",
    request_body(content = ref("#/components/schemas/RoomPatch"), content_type = "application/merge-patch+json"),
    params(("room_id" = RoomId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["rooms:write"])), responses((status = 200, body = RoomView)))]
async fn patch(context: Context, Path(id): Path<RoomId>, patch: Patch) -> Result<Response, Problem> {
    let app = context.app.clone();
    change(context, id, |current| patch.apply(&app, current)).await
}

async fn change(
    context: Context,
    id: RoomId,
    input: impl FnOnce(&RoomInput) -> Result<RoomInput, Problem>,
) -> Result<Response, Problem> {
    context.require(Scope::RoomsWrite)?;
    let mut tx = context.write().await?;
    let current = find(&context, &mut tx, id).await?;
    etag::check_if_match(&context.headers, current.revision)?;
    let owner_id = Some(current.owner_id);
    let (name, slug) = (current.name.clone(), current.slug.clone());
    let input = input(&RoomInput { name, slug, owner_id, policy_id: current.policy_id })?;
    let owner_id = check(&context, &mut tx, current.tenant_id, &input).await?;
    let fields = [
        ("name", current.name != input.name),
        ("slug", current.slug != input.slug),
        ("owner_id", current.owner_id != owner_id),
        ("policy_id", current.policy_id != input.policy_id),
    ];
    let fields: Vec<_> = fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    let room = Room {
        name: input.name,
        slug: input.slug,
        owner_id,
        policy_id: input.policy_id,
        revision: current.revision + 1,
        updated_at: Utc::now(),
        ..current
    };
    if !table::update(&mut tx, &room).await.map_err(taken)? {
        return Err(Code::EtagMismatch.into());
    }
    let answer = Answer::ok(&whole(&context, &mut tx, &room).await?)?.with_etag(room.revision);
    context.commit(tx, Some(room.tenant_id), &Event::new("room.update", id).changing(&fields), answer).await
}

/// Removes a permanent room
///
/// Meetings that were to take place in it take place in rooms of their own. What goes on in it ends.
#[utoipa::path(delete, path = "/rooms/{room_id}", tag = "Rooms",
    params(("room_id" = RoomId, Path), ("If-Match" = String, Header)),
    security(("api_token" = ["rooms:write"])), responses((status = 204)))]
async fn remove(context: Context, Path(id): Path<RoomId>) -> Result<Response, Problem> {
    context.require(Scope::RoomsWrite)?;
    let mut tx = context.write().await?;
    let current = find(&context, &mut tx, id).await?;
    etag::check_if_match(&context.headers, current.revision)?;
    // What goes on in it ends first, and nobody comes in before it is gone.
    tx.lock(&id.to_string()).await?;
    let ended = live::end_within(&mut tx, &id.to_string(), Utc::now()).await?;
    if !table::delete(&mut tx, &current).await? {
        return Err(Code::EtagMismatch.into());
    }
    let event = Event::new("room.delete", id);
    let response = context.commit(tx, Some(current.tenant_id), &event, Answer::no_content()).await?;
    if let Some(session) = ended {
        live::close(&context.app, session, DisconnectReason::RoomDeleted).await;
    }
    Ok(response)
}

/// Gives a permanent room a new link
///
/// The old one leads nowhere any more. Who is in the room stays there. Its number stays; its PINs are renewed one by one.
#[utoipa::path(post, path = "/rooms/{room_id}/renew_link", tag = "Rooms", params(("room_id" = RoomId, Path)),
    security(("api_token" = ["rooms:write"])), responses((status = 200, body = RoomView)))]
async fn renew_link(context: Context, Path(id): Path<RoomId>) -> Result<Response, Problem> {
    context.require(Scope::RoomsWrite)?;
    let mut tx = context.write().await?;
    let current = find(&context, &mut tx, id).await?;
    let room = Room { code: codes::code(), revision: current.revision + 1, updated_at: Utc::now(), ..current };
    if !table::update(&mut tx, &room).await? {
        return Err(Code::EtagMismatch.into());
    }
    let answer = Answer::ok(&whole(&context, &mut tx, &room).await?)?.with_etag(room.revision);
    context.commit(tx, Some(room.tenant_id), &Event::new("room.renew_link", id), answer).await
}

/// The only owner whose rooms they see; none sees all.
fn only_owner(context: &Context) -> Result<Option<UserId>, Problem> {
    if context.caller.sees_whole_tenant() {
        return Ok(None);
    }
    Ok(Some(context.caller.person().ok_or(Code::Forbidden)?))
}

/// A room that they see, and so may change.
pub(in crate::meetings) async fn find(context: &Context, tx: &mut Tx, id: RoomId) -> Result<Room, Problem> {
    let found = table::find(tx, context.tenant_filter()?, id).await?.ok_or(Code::NotFound)?;
    let owner = only_owner(context)?;
    if owner.is_none_or(|owner| owner == found.owner_id) { Ok(found) } else { Err(Code::NotFound.into()) }
}

/// The owner that the input names, when nothing is wrong with it.
async fn check(context: &Context, tx: &mut Tx, tenant: TenantId, input: &RoomInput) -> Result<UserId, Problem> {
    let mut invalid = Invalid::default();
    let owner = input.owner_id.or(context.caller.person());
    if let Some(id) = owner {
        let is_known = people::by_id(tx, tenant, id).await?.is_some();
        if !is_known {
            invalid.add("/owner_id", "unknown-reference");
        } else if only_owner(context)?.is_some_and(|own| own != id) {
            invalid.add("/owner_id", "forbidden-value");
        }
    } else {
        invalid.add("/owner_id", "required");
    }
    if let Some(id) = input.policy_id
        && policies::table::find(tx, Some(tenant), id).await?.is_none()
    {
        invalid.add("/policy_id", "unknown-reference");
    }
    invalid.finish()?;
    owner.ok_or(Code::Internal.into())
}

async fn whole(context: &Context, tx: &mut Tx, room: &Room) -> Result<RoomView, Problem> {
    let views = views(context, tx, room.tenant_id, std::slice::from_ref(room)).await?;
    views.into_iter().next().ok_or(Code::Internal.into())
}

/// Rooms of one tenant.
async fn views(context: &Context, tx: &mut Tx, tenant_id: TenantId, rooms: &[Room]) -> Result<Vec<RoomView>, Problem> {
    let tenant = tenant::find(tx, tenant_id).await?.ok_or(Code::NotFound)?;
    let numbers = tenant::dial_in_numbers(tx, &tenant).await?;
    let places: Vec<_> = rooms.iter().map(|room| Place::Room(room.id)).collect();
    let pins = phone_pins::table::for_everybody(tx, &places).await?;
    let view = |room: &Room| {
        let pin = pins.iter().find(|pin| pin.place == Place::Room(room.id));
        let pin = pin.map(|pin| phone_pins::digits(&context.app.installation, pin));
        RoomView {
            id: room.id,
            tenant_id: room.tenant_id,
            name: room.name.clone(),
            slug: room.slug.clone(),
            owner_id: room.owner_id,
            policy_id: room.policy_id,
            join_url: context.app.config.join_url(&room.code),
            dial_in: DialInView::new(&numbers, &room.conference_id, pin),
            revision: room.revision,
            created_at: room.created_at,
            updated_at: room.updated_at,
        }
    };
    Ok(rooms.iter().map(view).collect())
}

fn taken(error: StoreError) -> Problem {
    if error.is_taken("slug") { Problem::taken("/slug") } else { error.into() }
}
