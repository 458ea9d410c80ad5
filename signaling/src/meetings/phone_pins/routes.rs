// SPDX-License-Identifier: EUPL-1.2
//! Listing, making and renewing PINs of meetings and of permanent rooms.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use store::Tx;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{PhonePin, PhonePinInput, PhonePinView, PinKind, Place};
use super::{create, digits, rotate, table};
use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::context::Context;
use crate::api::ids::{MeetingId, PhonePinId, RoomId, TenantId};
use crate::api::path::Path;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::identity::keys::Keys;
use crate::identity::scopes::Scope;
use crate::meetings::rights::Viewer;
use crate::meetings::{invitees, permanent_rooms};
use crate::records::audit::Event;

pub(in crate::meetings) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(list_of_room)).routes(routes!(renew))
}

/// All PINs of a meeting or a permanent room.
#[derive(Debug, Serialize, ToSchema)]
struct PhonePins {
    /// They are never more than the people who are invited, and two.
    items: Vec<PhonePinView>,
}

pub(in crate::meetings) fn view(keys: &Keys, pin: &PhonePin) -> PhonePinView {
    PhonePinView {
        id: pin.id,
        kind: pin.kind,
        pin: digits(keys, pin),
        invitee_id: pin.invitee_id,
        expires_at: pin.expires_at,
        created_at: pin.created_at,
        exposed_at: pin.exposed_at,
    }
}

/// Lists a meeting's PINs
///
/// Only for those who may change the meeting.
#[utoipa::path(get, path = "/meetings/{meeting_id}/phone_pins", tag = "Phone PINs", params(("meeting_id" = MeetingId, Path)),
    security(("api_token" = ["invitees:read"])), responses((status = 200, body = PhonePins)))]
async fn list(context: Context, Path(meeting_id): Path<MeetingId>) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let mut tx = context.read().await?;
    let meeting = Viewer::of(&context, &mut tx).await?.change(&mut tx, meeting_id).await?;
    all(&context, &mut tx, Place::Meeting(meeting.id)).await
}

/// Lists a permanent room's PINs
///
/// The one that everybody may know, and the host's.
#[utoipa::path(get, path = "/rooms/{room_id}/phone_pins", tag = "Phone PINs", params(("room_id" = RoomId, Path)),
    security(("api_token" = ["invitees:read"])), responses((status = 200, body = PhonePins)))]
async fn list_of_room(context: Context, Path(room_id): Path<RoomId>) -> Result<Response, Problem> {
    context.require(Scope::InviteesRead)?;
    let mut tx = context.read().await?;
    let room = permanent_rooms::find(&context, &mut tx, room_id).await?;
    all(&context, &mut tx, Place::Room(room.id)).await
}

async fn all(context: &Context, tx: &mut Tx, place: Place) -> Result<Response, Problem> {
    let found = table::of_place(tx, place).await?;
    let items = found.iter().map(|pin| view(&context.app.installation, pin)).collect();
    Ok(Answer::ok(&PhonePins { items })?.into_response())
}

/// Makes a PIN
///
/// A meeting has one of its own from the beginning, and so has everybody who is invited.
#[utoipa::path(post, path = "/meetings/{meeting_id}/phone_pins", tag = "Phone PINs", request_body = PhonePinInput,
    params(("meeting_id" = MeetingId, Path)), security(("api_token" = ["invitees:write"])),
    responses((status = 201, body = PhonePinView)))]
async fn make(
    context: Context,
    Path(meeting_id): Path<MeetingId>,
    Body(input): Body<PhonePinInput>,
) -> Result<Response, Problem> {
    context.require(Scope::InviteesWrite)?;
    let mut tx = context.write().await?;
    let meeting = Viewer::of(&context, &mut tx).await?.change(&mut tx, meeting_id).await?;
    match (input.kind, input.invitee_id) {
        (PinKind::Personal, None) => return Err(Problem::field("/invitee_id", "required")),
        (PinKind::Personal, Some(id)) => {
            let found = invitees::table::find(&mut tx, meeting.id, id).await?;
            if found.is_none_or(|invitee| invitee.revoked_at.is_some()) {
                return Err(Problem::field("/invitee_id", "unknown-reference"));
            }
        }
        (_, Some(_)) => return Err(Problem::field("/invitee_id", "contradiction")),
        (_, None) => {}
    }
    let place = Place::Meeting(meeting.id);
    tx.lock(&format!("phone pins {}", meeting.id)).await?;
    let is_there = |pin: &PhonePin| pin.kind == input.kind && pin.invitee_id == input.invitee_id;
    if table::of_place(&mut tx, place).await?.iter().any(is_there) {
        return Err(Problem::taken("/kind"));
    }
    let keys = &context.app.installation;
    let pin = create(&mut tx, keys, place, input.kind, input.invitee_id).await?;
    let answer = Answer::created(format!("/api/v1/meetings/{}/phone_pins", meeting.id), &view(keys, &pin))?;
    context.commit(tx, Some(meeting.tenant_id), &Event::new("phone_pin.create", pin.id), answer).await
}

/// Gives a PIN other digits
///
/// The old ones are not valid any more. For those who may change the meeting, or the permanent room.
#[utoipa::path(post, path = "/phone_pins/{phone_pin_id}/rotate", tag = "Phone PINs",
    params(("phone_pin_id" = PhonePinId, Path)), security(("api_token" = ["invitees:write"])),
    responses((status = 200, body = PhonePinView)))]
async fn renew(context: Context, Path(id): Path<PhonePinId>) -> Result<Response, Problem> {
    context.require(Scope::InviteesWrite)?;
    let mut tx = context.write().await?;
    let pin = table::find(&mut tx, id).await?.ok_or(Code::NotFound)?;
    let tenant_id = tenant_of(&context, &mut tx, pin.place).await?;
    tx.lock(&format!("phone pins {}", pin.place.id())).await?;
    let keys = &context.app.installation;
    let pin = rotate(&mut tx, keys, pin).await?;
    let answer = Answer::ok(&view(keys, &pin))?;
    context.commit(tx, Some(tenant_id), &Event::new("phone_pin.rotate", pin.id), answer).await
}

/// Whose place it is, if they may change it.
async fn tenant_of(context: &Context, tx: &mut Tx, place: Place) -> Result<TenantId, Problem> {
    match place {
        Place::Meeting(id) => Ok(Viewer::of(context, tx).await?.change(tx, id).await?.tenant_id),
        Place::Room(id) => Ok(permanent_rooms::find(context, tx, id).await?.tenant_id),
    }
}
