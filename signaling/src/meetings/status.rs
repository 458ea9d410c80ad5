// SPDX-License-Identifier: EUPL-1.2
//! How far meetings and occurrences are: what somebody decided, what goes on now, and what is over.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use store::{FromRow, Row, Single, StoreError, Tx, sql};

use super::model::{MeetingStatus, Occurrence, OccurrenceStatus, RecurrenceId};
use super::words::words;
use crate::api::ids::MeetingId;
use crate::lobby::table::SILENCE;

/// How long before its time an occurrence is the one that people in the lobby wait for.
const EARLY: Duration = Duration::hours(1);

words! {
    /// How far a meeting is.
    ShownStatus {
        /// Being prepared: nobody is told, and nobody can come.
        Draft = "draft",
        /// It will happen, or happens again.
        Scheduled = "scheduled",
        /// Somebody waits in the lobby, and nobody is in it yet.
        Waiting = "waiting",
        /// People are in it.
        InProgress = "in_progress",
        /// It was the last time.
        Ended = "ended",
        /// It does not happen.
        Cancelled = "cancelled",
    }

    /// How far an occurrence is.
    OccurrenceProgress {
        /// It will happen.
        Scheduled = "scheduled",
        /// Somebody waits in the lobby, and nobody is in it yet.
        Waiting = "waiting",
        /// People are in it.
        InProgress = "in_progress",
        /// It is over.
        Ended = "ended",
        /// It does not happen.
        Cancelled = "cancelled",
    }
}

/// What goes on at some meetings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Goings {
    /// Those with people in them, and the occurrences that these came for.
    running: HashMap<MeetingId, Option<RecurrenceId>>,
    /// Those with people in their lobbies.
    waiting: HashSet<MeetingId>,
}

struct Running(MeetingId, Option<RecurrenceId>);

impl FromRow for Running {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let occurrence: Option<DateTime<Utc>> = row.get("recurrence_id")?;
        Ok(Self(row.get("running_id")?, occurrence.map(RecurrenceId)))
    }
}

impl Goings {
    /// Looks what goes on at these.
    pub(crate) async fn at(tx: &mut Tx, meetings: &[MeetingId], now: DateTime<Utc>) -> Result<Self, StoreError> {
        if meetings.is_empty() {
            return Ok(Self::default());
        }
        let mut select = sql("SELECT running_id, recurrence_id FROM meeting_sessions");
        select.push_list(" WHERE running_id IN ", meetings.iter().copied());
        let running: Vec<Running> = tx.all(select).await?;
        let mut select = sql("SELECT DISTINCT venue_id FROM lobby_entries");
        select.push_list(" WHERE venue_id IN ", meetings.iter().copied());
        select.push_bound(" AND status = 'waiting' AND last_seen_at > ", now - SILENCE);
        let waiting: Vec<Single<MeetingId>> = tx.all(select).await?;
        Ok(Self {
            running: running.into_iter().map(|Running(meeting, occurrence)| (meeting, occurrence)).collect(),
            waiting: waiting.into_iter().map(|Single(meeting)| meeting).collect(),
        })
    }

    /// How far a meeting is that is over at that time.
    pub(super) fn of_meeting(
        &self,
        id: MeetingId,
        status: MeetingStatus,
        over_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> ShownStatus {
        match status {
            MeetingStatus::Draft => ShownStatus::Draft,
            MeetingStatus::Cancelled => ShownStatus::Cancelled,
            MeetingStatus::Scheduled if self.running.contains_key(&id) => ShownStatus::InProgress,
            MeetingStatus::Scheduled if self.waiting.contains(&id) => ShownStatus::Waiting,
            MeetingStatus::Scheduled if over_at <= now => ShownStatus::Ended,
            MeetingStatus::Scheduled => ShownStatus::Scheduled,
        }
    }

    /// How far an occurrence is.
    pub(super) fn of_occurrence(&self, occurrence: &Occurrence, now: DateTime<Utc>) -> OccurrenceProgress {
        let meeting = occurrence.meeting_id;
        let is_its_time = occurrence.starts_at - EARLY <= now && now < occurrence.ends_at;
        if occurrence.status == OccurrenceStatus::Cancelled {
            OccurrenceProgress::Cancelled
        } else if self.running.get(&meeting) == Some(&Some(occurrence.recurrence_id)) {
            OccurrenceProgress::InProgress
        } else if occurrence.ends_at <= now {
            OccurrenceProgress::Ended
        } else if self.waiting.contains(&meeting) && !self.running.contains_key(&meeting) && is_its_time {
            OccurrenceProgress::Waiting
        } else {
            OccurrenceProgress::Scheduled
        }
    }
}
