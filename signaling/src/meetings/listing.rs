// SPDX-License-Identifier: EUPL-1.2
//! Lists of meetings: which are meant, and the statement that finds a page of them.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use store::{Statement, sql};
use utoipa::IntoParams;

use super::model::MeetingType;
use super::rights::{MeetingColumn, Viewer};
use super::view::ShownStatus;
use crate::api::ids::MeetingId;
use crate::api::paging::Page;

/// What lists are sorted by: a time and the id.
pub(super) type Key = (i64, MeetingId);

/// Which meetings are meant.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Those that begin then or later; a series counts by its first time.
    pub(super) starts_after: Option<DateTime<Utc>>,
    /// Those that begin earlier.
    pub(super) starts_before: Option<DateTime<Utc>>,
    /// Those that this account, or who has this address, holds.
    #[param(max_length = 254)]
    pub(super) organizer: Option<String>,
    /// Those that are so far.
    pub(super) status: Option<ShownStatus>,
    /// Those of that kind.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub(super) kind: Option<MeetingType>,
    /// Those that were changed then or later, sorted by when that was. For software that keeps a copy.
    pub(super) updated_since: Option<DateTime<Utc>>,
    /// The one that other software calls so.
    #[param(max_length = 200)]
    pub(super) external_id: Option<String>,
}

impl Filter {
    /// Whether the list is sorted by when things changed, and not by when they begin.
    pub(super) fn is_by_change(&self) -> bool {
        self.updated_since.is_some()
    }
}

/// The statement for a page.
pub(super) fn select(viewer: &Viewer, filter: &Filter, page: &Page<Key>, now: DateTime<Utc>) -> Statement {
    let mut select = sql("SELECT meetings.* FROM meetings WHERE TRUE");
    viewer.narrow(&mut select, MeetingColumn::Meetings);
    if let Some(time) = filter.starts_after {
        select.push_bound(" AND starts_at >= ", time);
    }
    if let Some(time) = filter.starts_before {
        select.push_bound(" AND starts_at < ", time);
    }
    if let Some(time) = filter.updated_since {
        select.push_bound(" AND updated_at >= ", time);
    }
    if let Some(organizer) = &filter.organizer {
        match crate::api::ids::UserId::parse(organizer) {
            Some(id) => select.push_bound(" AND organizer_id = ", id),
            None => select.push_bound(" AND organizer_email = ", organizer.to_lowercase()),
        };
    }
    if let Some(kind) = filter.kind {
        select.push_bound(" AND type = ", kind);
    }
    if let Some(external_id) = &filter.external_id {
        select.push_bound(" AND external_id = ", external_id);
    }
    if let Some(status) = filter.status {
        narrow_to(&mut select, status, now);
    }
    if let Some((time, id)) = page.after {
        let key = if filter.is_by_change() { " AND (updated_at, id) > (" } else { " AND (starts_at, id) > (" };
        select.push_bound(key, time).push_bound(", ", id).push(")");
    }
    let order =
        if filter.is_by_change() { " ORDER BY updated_at, id LIMIT " } else { " ORDER BY starts_at, id LIMIT " };
    select.push_bound(order, page.probe());
    select
}

const RUNNING: &str =
    "EXISTS (SELECT 1 FROM occurrences WHERE meeting_id = meetings.id AND occurrences.status = 'scheduled'
         AND occurrences.starts_at <= ";

fn narrow_to(select: &mut Statement, status: ShownStatus, now: DateTime<Utc>) {
    match status {
        ShownStatus::Draft => {
            select.push(" AND meetings.status = 'draft'");
        }
        ShownStatus::Cancelled => {
            select.push(" AND meetings.status = 'cancelled'");
        }
        ShownStatus::Ended => {
            select
                .push(" AND meetings.status = 'scheduled' AND expanded_until IS NULL")
                .push_bound(" AND last_ends_at <= ", now);
        }
        ShownStatus::InProgress => {
            select
                .push(" AND meetings.status = 'scheduled' AND ")
                .push_bound(RUNNING, now)
                .push_bound(" AND occurrences.ends_at > ", now)
                .push(")");
        }
        ShownStatus::Scheduled => {
            select
                .push(" AND meetings.status = 'scheduled'")
                .push_bound(" AND (expanded_until IS NOT NULL OR last_ends_at IS NULL OR last_ends_at > ", now)
                .push(") AND NOT ")
                .push_bound(RUNNING, now)
                .push_bound(" AND occurrences.ends_at > ", now)
                .push(")");
        }
    }
}
