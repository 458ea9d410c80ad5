// SPDX-License-Identifier: EUPL-1.2
//! Policies: what kinds of meetings allow, under a name that organizers choose by.

pub(crate) mod model;
pub(crate) mod rules;
pub(crate) mod table;

use store::{StoreError, Tx};

use super::model::{Meeting, Occurrence};
use super::permanent_rooms::model::Room;
use super::{permanent_rooms, tenant};
use crate::api::ids::{PolicyId, TenantId};

use self::rules::{RuleChanges, Rules};

/// What holds for a meeting, or for one occurrence of it: what is built in, changed by the tenant's default policy, by
/// the meeting's policy (or its permanent room's), by what the meeting and the occurrence say, within the tenant's limits.
pub(crate) async fn effective(
    tx: &mut Tx,
    meeting: &Meeting,
    occurrence: Option<&Occurrence>,
) -> Result<Rules, StoreError> {
    let mut policy = meeting.policy_id;
    if policy.is_none()
        && let Some(room) = meeting.room_id
    {
        let room = permanent_rooms::table::find(tx, Some(meeting.tenant_id), room).await?;
        policy = room.and_then(|room| room.policy_id);
    }
    let overrides = [Some(&meeting.policy_overrides), occurrence.map(|occurrence| &occurrence.policy_overrides)];
    layered(tx, meeting.tenant_id, policy, overrides.into_iter().flatten()).await
}

/// What holds in a permanent room while no meeting is in it.
pub(crate) async fn effective_in_room(tx: &mut Tx, room: &Room) -> Result<Rules, StoreError> {
    layered(tx, room.tenant_id, room.policy_id, []).await
}

async fn layered(
    tx: &mut Tx,
    tenant_id: TenantId,
    policy: Option<PolicyId>,
    overrides: impl IntoIterator<Item = &RuleChanges>,
) -> Result<Rules, StoreError> {
    let mut rules = Rules::default();
    let tenant = tenant::find(tx, tenant_id).await?;
    let default = tenant.as_ref().and_then(|tenant| tenant.default_policy_id);
    for id in [default, policy].into_iter().flatten() {
        if let Some(policy) = table::find(tx, Some(tenant_id), id).await? {
            rules.apply(&policy.rules);
        }
    }
    overrides.into_iter().for_each(|changes| rules.apply(changes));
    if let Some(tenant) = tenant {
        rules.cap(&tenant.settings.limits);
    }
    Ok(rules)
}
