// SPDX-License-Identifier: EUPL-1.2
//! What meetings in the calendar are to whoever looks at it: theirs, or one that they are invited to.

use std::collections::HashMap;

use serde::Serialize;
use store::{FromRow, Row, StoreError, Tx, sql};
use utoipa::ToSchema;

use super::table::Entry;
use crate::api::ids::{MeetingId, UserId};
use crate::meetings::model::{InviteeRole, ResponseStatus};

/// What a meeting is to somebody.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct OwnPart {
    /// Whether they hold it.
    is_organizer: bool,
    /// What they are invited as; null when they are not.
    role: Option<InviteeRole>,
    /// What they answered to the meeting as it is now; null when they are not invited.
    response_status: Option<ResponseStatus>,
}

/// One person's parts in some meetings.
pub(super) struct Parts {
    person: Option<UserId>,
    invited: HashMap<MeetingId, (InviteeRole, ResponseStatus)>,
}

impl Parts {
    /// The one in the meeting of an entry. None when nobody in particular asks.
    pub(super) fn of(&self, entry: &Entry) -> Option<OwnPart> {
        let person = self.person?;
        let invited = self.invited.get(&entry.occurrence.meeting_id);
        Some(OwnPart {
            is_organizer: entry.organizer_id == Some(person),
            role: invited.map(|(role, _)| *role),
            response_status: invited.map(|(_, response)| *response),
        })
    }
}

struct Invited(MeetingId, InviteeRole, ResponseStatus);

impl FromRow for Invited {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(row.get("meeting_id")?, row.get("role")?, row.get("response_status")?))
    }
}

/// Somebody's parts in the meetings of a page.
pub(super) async fn parts(tx: &mut Tx, person: Option<UserId>, page: &[Entry]) -> Result<Parts, StoreError> {
    let mut parts = Parts { person, invited: HashMap::new() };
    let (Some(person), false) = (person, page.is_empty()) else { return Ok(parts) };
    let mut select =
        sql("SELECT i.meeting_id, i.role, CASE WHEN i.response_sequence >= m.sequence THEN i.response_status
             ELSE 'needs_action' END AS response_status
         FROM invitees i JOIN meetings m ON m.id = i.meeting_id WHERE i.revoked_at IS NULL
         AND (i.user_id = $1 OR i.email = (SELECT email FROM users WHERE id = $1))")
        .bind(person);
    select.push_list(" AND i.meeting_id IN ", page.iter().map(|entry| entry.occurrence.meeting_id));
    // Whoever is invited by account and by address is what the rules take them for (`invited::as_what`): that comes last,
    // and so counts.
    select.push(" ORDER BY CASE WHEN i.role = 'co_host' THEN 2 WHEN i.user_id IS NOT NULL THEN 1 ELSE 0 END");
    let invited: Vec<Invited> = tx.all(select).await?;
    parts.invited.extend(invited.into_iter().map(|Invited(meeting, role, response)| (meeting, (role, response))));
    Ok(parts)
}
