// SPDX-License-Identifier: EUPL-1.2
//! Exports and erasures as the API shows them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::{FromRow, Row, StoreError, Textual};
use utoipa::ToSchema;

use crate::api::ids::{ErasureId, ExportId, TenantId, UserId};
use crate::records::audit::Event;

/// Whose data is meant: one of the three.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportInput {
    /// Somebody with an account.
    pub(crate) user_id: Option<UserId>,
    /// Somebody who may have none, by their address.
    #[schema(min_length = 3, max_length = 320, pattern = r"^[^@\s]+@[^@\s]+$")]
    pub(crate) email: Option<String>,
    /// Somebody who is invited by their telephone number, as in E.164, or whose account has it.
    #[schema(pattern = "^\\+[1-9][0-9]{1,14}$", example = "+4930123456")]
    pub(crate) phone_e164: Option<String>,
}

/// All that is kept of a person, put together.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Export {
    /// Its id.
    pub(crate) id: ExportId,
    /// Where the person is.
    pub(crate) tenant_id: TenantId,
    /// How far it is.
    pub(crate) status: ExportStatus,
    /// Where it can be had, once it is ready.
    pub(crate) download_path: Option<String>,
    /// When it was asked for.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was ready.
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// When it is deleted.
    pub(crate) expires_at: DateTime<Utc>,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExportStatus {
    /// It is being put together.
    Pending,
    /// It can be had.
    Ready,
}

impl Textual for ExportStatus {
    fn to_text(&self) -> String {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
        }
        .to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::Pending, Self::Ready].into_iter().find(|status| status.to_text() == text)
    }
}

impl FromRow for Export {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let (id, status): (ExportId, ExportStatus) = (row.get("id")?, row.get("status")?);
        let created_at: DateTime<Utc> = row.get("created_at")?;
        Ok(Self {
            id,
            tenant_id: row.get("tenant_id")?,
            status,
            download_path: (status == ExportStatus::Ready).then(|| format!("/api/v1/exports/{id}/download")),
            created_at,
            finished_at: row.get("finished_at")?,
            expires_at: created_at + super::exports::LIFETIME,
        })
    }
}

/// What is kept of a person: beside these, a list for each place where something is.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct ExportDocument {
    /// When it was put together.
    made_at: DateTime<Utc>,
    /// Whether it is everything. A list that would have more than 20,000 entries ends there.
    is_complete: bool,
}

/// Whose data is to be erased, and what becomes of what they organise.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureInput {
    /// Somebody with an account.
    pub(crate) user_id: Option<UserId>,
    /// Somebody who may have none, by their address.
    #[schema(min_length = 3, max_length = 320, pattern = r"^[^@\s]+@[^@\s]+$")]
    pub(crate) email: Option<String>,
    /// Somebody who is invited by their telephone number, as in E.164, or whose account has it.
    #[schema(pattern = "^\\+[1-9][0-9]{1,14}$", example = "+4930123456")]
    pub(crate) phone_e164: Option<String>,
    /// What becomes of meetings that they organise and that are not over, and of their permanent rooms.
    pub(crate) meetings: OnErasure,
    /// Who gets them, if they are handed over.
    pub(crate) hand_over_to: Option<UserId>,
}

/// What becomes of what somebody organises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnErasure {
    /// It is cancelled, and their rooms are removed.
    Cancel,
    /// Somebody else organises it.
    HandOver,
}

/// What was erased. Nothing else is kept of it but the audit event.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Erasure {
    /// Its id, which the audit log names.
    pub(crate) id: ErasureId,
    /// How many things of each kind were erased, or rid of the person.
    pub(crate) erased: BTreeMap<String, u64>,
    /// Meetings that somebody else organises now.
    pub(crate) handed_over: u64,
    /// Meetings that do not take place.
    pub(crate) cancelled: u64,
    /// What became of each of them, for the audit log.
    #[serde(skip)]
    pub(super) events: Vec<Event>,
}
