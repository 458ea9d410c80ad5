// SPDX-License-Identifier: EUPL-1.2
//! An occurrence, as the API shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::{StoreError, Tx};
use utoipa::ToSchema;

use super::own::OwnPart;
use crate::api::ids::MeetingId;
use crate::meetings::model::{Occurrence, OccurrenceStatus, RecurrenceId};
use crate::meetings::policies::rules::RuleChanges;
use crate::meetings::status::{Goings, OccurrenceProgress};

/// One time that a meeting happens.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Occurrence)]
pub(crate) struct OccurrenceView {
    /// The meeting.
    pub(crate) meeting_id: MeetingId,
    /// Which one: the start that the rule says, also where it was moved.
    pub(crate) recurrence_id: RecurrenceId,
    /// When it begins.
    pub(crate) starts_at: DateTime<Utc>,
    /// When it ends.
    pub(crate) ends_at: DateTime<Utc>,
    /// How far it is.
    pub(crate) status: OccurrenceProgress,
    /// Whether it differs from the series.
    pub(crate) is_exception: bool,
    /// Its own title; null is the meeting's.
    pub(crate) title: Option<String>,
    /// Rules that differ for this time.
    pub(crate) policy_overrides: RuleChanges,
    /// The meeting's `sequence` when it was changed last.
    pub(crate) sequence: i64,
}

impl OccurrenceView {
    /// As it is by what goes on.
    pub(super) fn new(occurrence: &Occurrence, goings: &Goings, now: DateTime<Utc>) -> Self {
        Self {
            meeting_id: occurrence.meeting_id,
            recurrence_id: occurrence.recurrence_id,
            starts_at: occurrence.starts_at,
            ends_at: occurrence.ends_at,
            status: goings.of_occurrence(occurrence, now),
            is_exception: occurrence.is_exception,
            title: occurrence.title.clone(),
            policy_overrides: occurrence.policy_overrides.clone(),
            sequence: occurrence.sequence,
        }
    }
}

/// Occurrences of one meeting.
pub(crate) async fn views(
    tx: &mut Tx,
    occurrences: &[Occurrence],
    now: DateTime<Utc>,
) -> Result<Vec<OccurrenceView>, StoreError> {
    let meetings: Vec<_> = occurrences.iter().map(|occurrence| occurrence.meeting_id).take(1).collect();
    let goings = Goings::at(tx, &meetings, now).await?;
    Ok(occurrences.iter().map(|occurrence| OccurrenceView::new(occurrence, &goings, now)).collect())
}

/// One occurrence.
pub(super) async fn one(
    tx: &mut Tx,
    occurrence: &Occurrence,
    now: DateTime<Utc>,
) -> Result<OccurrenceView, StoreError> {
    let goings = Goings::at(tx, &[occurrence.meeting_id], now).await?;
    Ok(OccurrenceView::new(occurrence, &goings, now))
}

/// An occurrence in the calendar of all meetings.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CalendarEntry {
    /// When it is.
    #[serde(flatten)]
    pub(crate) occurrence: OccurrenceView,
    /// The meeting's title.
    pub(crate) meeting_title: String,
    /// Who holds it.
    pub(crate) organizer_name: String,
    /// The link for everybody.
    pub(crate) join_url: String,
    /// What it is to whoever asks; null for software.
    pub(crate) own: Option<OwnPart>,
}

/// How an occurrence differs from the series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OccurrenceInput {
    /// When it begins.
    pub(crate) starts_at: DateTime<Utc>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ends_at: Option<DateTime<Utc>>,
    /// How long it takes, instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_080)]
    pub(crate) duration_minutes: Option<u32>,
    /// Whether it takes place.
    pub(crate) status: OccurrenceStatus,
    /// Its own title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 300)]
    pub(crate) title: Option<String>,
    /// Rules that differ for this time.
    #[serde(default)]
    pub(crate) policy_overrides: RuleChanges,
}

/// What an occurrence is made of now, for merge patches. Without an end: it takes as long as before, unless the patch says
/// how long.
pub(super) fn input(occurrence: &Occurrence) -> OccurrenceInput {
    OccurrenceInput {
        starts_at: occurrence.starts_at,
        ends_at: None,
        duration_minutes: None,
        status: occurrence.status,
        title: occurrence.title.clone(),
        policy_overrides: occurrence.policy_overrides.clone(),
    }
}
