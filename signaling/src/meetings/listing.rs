// SPDX-License-Identifier: EUPL-1.2
//! Lists of meetings: which are meant, and the statement that finds a page of them. Whatever is asked for, an index leads
//! to it in the order of the list, or to few meetings that are sorted then.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use store::{Statement, Tx, sql};
use utoipa::IntoParams;

use super::model::{Meeting, MeetingType};
use super::rights::{MeetingColumn, Viewer};
use super::search::{self, Search};
use super::status::ShownStatus;
use crate::api::ids::MeetingId;
use crate::api::paging::Page;
use crate::api::problem::Problem;
use crate::identity::users::model::tidy_email;
use crate::lobby::table::SILENCE;

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
    /// Those in whose title each of these words begins one: at most five.
    #[param(max_length = 200, example = "budg")]
    pub(super) q: Option<String>,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Start,
    /// When it was changed.
    Change,
    /// When it is over.
    End,
}

impl Filter {
    fn order(&self) -> Order {
        let is_by_start = self.starts_after.is_some() || self.starts_before.is_some();
        match self.status {
            _ if self.updated_since.is_some() => Order::Change,
            // What is over long ago would have to be passed by to find what is not.
            Some(_) if !is_by_start => Order::End,
            _ => Order::Start,
        }
    }

    /// Where a meeting stands in the list.
    pub(super) fn key(&self, meeting: &Meeting) -> Key {
        let time = match self.order() {
            Order::Start => meeting.starts_at,
            Order::Change => meeting.updated_at,
            Order::End => meeting.over_at,
        };
        (time.timestamp_millis(), meeting.id)
    }

    fn sought(&self) -> Result<Option<BTreeSet<String>>, Problem> {
        let Some(text) = &self.q else { return Ok(None) };
        let sought = search::words(text);
        if sought.is_empty() {
            return Err(Problem::field("query/q", "too-short"));
        }
        if sought.len() > search::MAX_SOUGHT {
            return Err(Problem::field("query/q", "too-many"));
        }
        Ok(Some(sought))
    }
}

/// The statement for a page.
pub(super) async fn select(
    tx: &mut Tx,
    viewer: &Viewer,
    filter: &Filter,
    page: &Page<Key>,
    now: DateTime<Utc>,
) -> Result<Statement, Problem> {
    let search = match filter.sought()? {
        Some(sought) => {
            let tenant = viewer.tenant().ok_or_else(|| Problem::field("query/tenant_id", "required"))?;
            Some(Search::plan(tx, tenant, sought).await?)
        }
        None => None,
    };
    let mut select = sql("SELECT meetings.* FROM ");
    // CROSS JOIN, since SQLite then reads from the left to the right: there are the few.
    match &search {
        Some(search) if search.is_narrow() => {
            search.push_found(&mut select);
            select.push(" CROSS JOIN meetings WHERE meetings.id = found.meeting_id");
        }
        _ => push_few(&mut select, filter.status, now),
    }
    if let Some(search) = &search {
        search.push_others(&mut select);
    }
    viewer.narrow(&mut select, MeetingColumn::Meetings);
    if let Some(time) = filter.starts_after {
        select.push_bound(" AND meetings.starts_at >= ", time);
    }
    if let Some(time) = filter.starts_before {
        select.push_bound(" AND meetings.starts_at < ", time);
    }
    if let Some(time) = filter.updated_since {
        select.push_bound(" AND meetings.updated_at >= ", time);
    }
    if let Some(organizer) = &filter.organizer {
        match crate::api::ids::UserId::parse(organizer) {
            Some(id) => select.push_bound(" AND meetings.organizer_id = ", id),
            None => select.push_bound(" AND meetings.organizer_email = ", tidy_email(organizer)),
        };
    }
    if let Some(kind) = filter.kind {
        select.push_bound(" AND meetings.type = ", kind);
    }
    if let Some(external_id) = &filter.external_id {
        select.push_bound(" AND meetings.external_id = ", external_id);
    }
    if let Some(status) = filter.status {
        narrow_to(&mut select, status, now);
    }
    let (behind, order) = match filter.order() {
        Order::Start => {
            (" AND (meetings.starts_at, meetings.id) > (", " ORDER BY meetings.starts_at, meetings.id LIMIT ")
        }
        Order::Change => {
            (" AND (meetings.updated_at, meetings.id) > (", " ORDER BY meetings.updated_at, meetings.id LIMIT ")
        }
        Order::End => (" AND (meetings.over_at, meetings.id) > (", " ORDER BY meetings.over_at, meetings.id LIMIT "),
    };
    if let Some((time, id)) = page.after {
        select.push_bound(behind, time).push_bound(", ", id).push(")");
    }
    select.push_bound(order, page.probe());
    Ok(select)
}

/// Those who wait in the lobby of a meeting.
const WAITING: &str =
    "(SELECT DISTINCT meeting_id FROM lobby_entries WHERE meeting_id IS NOT NULL AND status = 'waiting'
     AND last_seen_at > ";

/// Meetings of which there are few at a time are looked up by what makes them so.
fn push_few(select: &mut Statement, status: Option<ShownStatus>, now: DateTime<Utc>) {
    match status {
        Some(ShownStatus::InProgress) => {
            select.push(
                // As a range: SQLite uses no index for IS NOT NULL.
                "(SELECT meeting_id FROM meeting_sessions WHERE running_id > '') AS few
                 CROSS JOIN meetings WHERE meetings.id = few.meeting_id",
            );
        }
        Some(ShownStatus::Waiting) => {
            select.push_bound(WAITING, now - SILENCE);
            select.push(") AS few CROSS JOIN meetings WHERE meetings.id = few.meeting_id");
        }
        _ => {
            select.push("meetings WHERE TRUE");
        }
    }
}

const NOT_RUNNING: &str =
    " AND NOT EXISTS (SELECT 1 FROM meeting_sessions WHERE meeting_sessions.running_id = meetings.id)";

const NOBODY_WAITS: &str = " AND NOT EXISTS (SELECT 1 FROM lobby_entries WHERE lobby_entries.venue_id = meetings.id
     AND lobby_entries.status = 'waiting' AND lobby_entries.last_seen_at > ";

const SOMEBODY_WAITS: &str = " AND EXISTS (SELECT 1 FROM lobby_entries WHERE lobby_entries.venue_id = meetings.id
     AND lobby_entries.status = 'waiting' AND lobby_entries.last_seen_at > ";

fn narrow_to(select: &mut Statement, status: ShownStatus, now: DateTime<Utc>) {
    match status {
        ShownStatus::Draft => select.push(" AND meetings.status = 'draft'"),
        ShownStatus::Cancelled => select.push(" AND meetings.status = 'cancelled'"),
        ShownStatus::InProgress => select.push(
            " AND meetings.status = 'scheduled'
             AND EXISTS (SELECT 1 FROM meeting_sessions WHERE meeting_sessions.running_id = meetings.id)",
        ),
        ShownStatus::Waiting => select
            .push(" AND meetings.status = 'scheduled'")
            .push(NOT_RUNNING)
            .push_bound(SOMEBODY_WAITS, now - SILENCE)
            .push(")"),
        ShownStatus::Ended => {
            select.push_bound(" AND meetings.status = 'scheduled' AND meetings.over_at <= ", now);
            select.push(NOT_RUNNING).push_bound(NOBODY_WAITS, now - SILENCE).push(")")
        }
        ShownStatus::Scheduled => {
            select.push_bound(" AND meetings.status = 'scheduled' AND meetings.over_at > ", now);
            select.push(NOT_RUNNING).push_bound(NOBODY_WAITS, now - SILENCE).push(")")
        }
    };
}
