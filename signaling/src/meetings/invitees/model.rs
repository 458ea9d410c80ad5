// SPDX-License-Identifier: EUPL-1.2
//! An invited person, as the API shows them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use store::{StoreError, Tx};
use utoipa::ToSchema;

use super::link;
use crate::api::ids::{InviteeId, MeetingId, UserId};
use crate::api::language::Language;
use crate::app::App;
use crate::meetings::input::InviteeInput;
use crate::meetings::model::{Invitee, InviteeRole, InviteeType, Meeting, ResponseStatus};
use crate::meetings::phone_pins;
use crate::meetings::phone_pins::model::Place;

/// Somebody who is invited.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct InviteeView {
    /// Their id.
    pub(crate) id: InviteeId,
    /// The meeting.
    pub(crate) meeting_id: MeetingId,
    /// Their account.
    pub(crate) user_id: Option<UserId>,
    /// Their address.
    pub(crate) email: Option<String>,
    /// Their telephone number.
    pub(crate) phone_e164: Option<String>,
    /// Their name.
    pub(crate) name: String,
    /// What they are in the meeting.
    pub(crate) role: InviteeRole,
    /// Where they belong.
    pub(crate) r#type: InviteeType,
    /// What they answered to the meeting as it is now: a new time is a new question.
    pub(crate) response_status: ResponseStatus,
    /// Whether they come in without waiting.
    pub(crate) lobby_bypass: bool,
    /// In which language they are written to, unless their account says one; null for the meeting's.
    pub(crate) language: Option<Language>,
    /// Their own link. Null for those who may not change the meeting.
    pub(crate) personal_join_url: Option<String>,
    /// Their own PIN for the telephone. Null as the link.
    pub(crate) personal_pin: Option<String>,
    /// When their invitation was withdrawn.
    pub(crate) revoked_at: Option<DateTime<Utc>>,
    /// The `sequence` of the invitation that they got last; -1 before the first.
    pub(crate) last_notified_sequence: i64,
    /// Grows with each change; the ETag.
    pub(crate) revision: i64,
    /// When they were invited.
    pub(crate) created_at: DateTime<Utc>,
    /// When that was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

impl InviteeView {
    /// Without what only they and hosts may know.
    pub(super) fn public(meeting: &Meeting, invitee: &Invitee) -> Self {
        Self {
            id: invitee.id,
            meeting_id: invitee.meeting_id,
            user_id: invitee.user_id,
            email: invitee.email.clone(),
            phone_e164: invitee.phone_e164.clone(),
            name: invitee.name.clone(),
            role: invitee.role,
            r#type: invitee.kind,
            response_status: invitee.response(meeting),
            lobby_bypass: invitee.lobby_bypass,
            language: invitee.language,
            personal_join_url: None,
            personal_pin: None,
            revoked_at: invitee.revoked_at,
            last_notified_sequence: invitee.last_notified_sequence,
            revision: invitee.revision,
            created_at: invitee.created_at,
            updated_at: invitee.updated_at,
        }
    }

    /// With link and PIN.
    pub(super) fn whole(
        app: &App,
        meeting: &Meeting,
        invitee: &Invitee,
        pin: Option<&phone_pins::model::PhonePin>,
    ) -> Self {
        let mut view = Self::public(meeting, invitee);
        if invitee.revoked_at.is_none() {
            view.personal_join_url = Some(link::url(&app.config, &app.installation, meeting, invitee));
            view.personal_pin = pin.map(|pin| phone_pins::digits(&app.installation, pin));
        }
        view
    }
}

/// Those who are invited, with links and PINs.
pub(crate) async fn views(
    app: &App,
    tx: &mut Tx,
    meeting: &Meeting,
    invitees: &[Invitee],
) -> Result<Vec<InviteeView>, StoreError> {
    let pins = phone_pins::table::of_place(tx, Place::Meeting(meeting.id)).await?;
    let pin = |invitee: &Invitee| pins.iter().find(|pin| pin.invitee_id == Some(invitee.id));
    Ok(invitees.iter().map(|invitee| InviteeView::whole(app, meeting, invitee, pin(invitee))).collect())
}

/// What somebody is made of now.
pub(super) fn input(invitee: &Invitee) -> InviteeInput {
    InviteeInput {
        user_id: invitee.user_id,
        // An account's address may have changed meanwhile.
        email: invitee.email.clone().filter(|_| invitee.user_id.is_none()),
        phone_e164: invitee.phone_e164.clone(),
        name: Some(invitee.name.clone()),
        role: Some(invitee.role),
        kind: Some(invitee.kind),
        lobby_bypass: invitee.lobby_bypass,
        language: invitee.language,
    }
}
