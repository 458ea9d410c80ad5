// SPDX-License-Identifier: EUPL-1.2
//! Which events of a chain are meant, and finding them a page at a time.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use store::{StoreError, Tx, sql};
use utoipa::{IntoParams, ToSchema};

use super::Link;

/// Which events are meant: those that are all of what is given.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// At this time or later.
    pub(crate) occurred_after: Option<DateTime<Utc>>,
    /// Before this time.
    pub(crate) occurred_before: Option<DateTime<Utc>>,
    /// What was done, such as `meeting.update`; with `meeting.*` all that begins so.
    #[param(max_length = 100)]
    pub(crate) action: Option<String>,
    /// The kind of who did it: `user`, `api_token`, `oauth_client`, `participant` or `system`.
    #[param(max_length = 100)]
    pub(crate) actor_type: Option<String>,
    /// Who did it.
    #[param(max_length = 400)]
    pub(crate) actor_id: Option<String>,
    /// The kind of what it was done to.
    #[param(max_length = 100)]
    pub(crate) target_type: Option<String>,
    /// What it was done to.
    #[param(max_length = 400)]
    pub(crate) target_id: Option<String>,
    /// `success` or `denied`.
    #[param(max_length = 20)]
    pub(crate) result: Option<String>,
}

/// Which events come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// The oldest.
    #[default]
    Asc,
    /// The newest.
    Desc,
}

impl Filter {
    /// At most `limit` events of the chain `tenant` behind the number `after`, in that order.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(crate) async fn page(
        &self,
        tx: &mut Tx,
        tenant: &str,
        order: Order,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Link>, StoreError> {
        let mut select = sql("SELECT * FROM audit_events WHERE tenant_id = $1").bind(tenant);
        match (order, after) {
            (Order::Asc, Some(number)) => _ = select.push_bound(" AND number > ", number),
            (Order::Desc, Some(number)) => _ = select.push_bound(" AND number < ", number),
            (_, None) => {}
        }
        if let Some(time) = self.occurred_after {
            select.push_bound(" AND occurred_at >= ", time);
        }
        if let Some(time) = self.occurred_before {
            select.push_bound(" AND occurred_at < ", time);
        }
        match self.action.as_deref().map(|action| (action, action.strip_suffix('*'))) {
            // No LIKE: names have underscores, and SQLite compares without case.
            Some((_, Some(beginning))) => {
                let length = i64::try_from(beginning.chars().count()).unwrap_or(i64::MAX);
                select.push_bound(" AND substr(action, 1, CAST(", length).push_bound(" AS INTEGER)) = ", beginning);
            }
            Some((action, None)) => _ = select.push_bound(" AND action = ", action),
            None => {}
        }
        let equal = [
            (" AND actor_type = ", &self.actor_type),
            (" AND actor_id = ", &self.actor_id),
            (" AND target_type = ", &self.target_type),
            (" AND target_id = ", &self.target_id),
            (" AND result = ", &self.result),
        ];
        for (text, value) in equal {
            if let Some(value) = value {
                select.push_bound(text, value);
            }
        }
        select.push(if order == Order::Asc { " ORDER BY number" } else { " ORDER BY number DESC" });
        select.push_bound(" LIMIT ", limit);
        tx.all(select).await
    }
}
