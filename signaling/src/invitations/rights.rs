// SPDX-License-Identifier: EUPL-1.2
//! Who may read which invitations: those of everybody, with their links, whoever may change the meeting; their own,
//! whoever is invited.

use store::Tx;

use crate::api::context::Context;
use crate::api::ids::MeetingId;
use crate::api::problem::Problem;
pub(super) use crate::meetings::invited::of_person as invitations_of;
use crate::meetings::model::{Invitee, Meeting};
use crate::meetings::rights::Viewer;

/// A meeting as somebody sees it.
pub(super) struct Seen {
    pub(super) meeting: Meeting,
    /// Whether they may read the invitations of others.
    pub(super) is_organizer: bool,
    /// Their own invitations: by account, by address.
    pub(super) own: Vec<Invitee>,
}

/// The meeting, if the caller sees it.
pub(super) async fn see(context: &Context, tx: &mut Tx, id: MeetingId) -> Result<Seen, Problem> {
    let viewer = Viewer::of(context, tx).await?;
    let meeting = viewer.see(tx, id).await?;
    let is_organizer = viewer.change(tx, id).await.is_ok();
    let own = match context.caller.person() {
        Some(person) => invitations_of(tx, meeting.tenant_id, person, Some(id)).await?,
        None => Vec::new(),
    };
    Ok(Seen { meeting, is_organizer, own })
}
