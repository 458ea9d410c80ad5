// SPDX-License-Identifier: EUPL-1.2
//! Events and chains as the API shows them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Link;
use super::verify::{Break, Report};

/// Something that was done, or that somebody was not allowed to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    /// Its place in the chain: 1, 2, 3 … without gaps.
    pub(crate) number: i64,
    /// Its id.
    id: String,
    /// Whose chain it belongs to; null is the installation's.
    tenant_id: Option<String>,
    /// When it was.
    occurred_at: DateTime<Utc>,
    /// Who did it.
    actor: AuditActor,
    /// What was done, such as `meeting.update`.
    action: String,
    /// What it was done to.
    target: AuditTarget,
    /// `success` or `denied`.
    result: String,
    /// The request that asked for it.
    request_id: Option<String>,
    /// Which fields changed, and what else matters. Never what people wrote.
    #[schema(value_type = Object)]
    details: Value,
    /// The hash of the event before.
    previous_hash: String,
    /// SHA-256 over all of this, in hexadecimal.
    hash: String,
}

/// Who did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `user`, `api_token`, `oauth_client`, `participant` or `system`.
    r#type: String,
    /// Which of that kind.
    id: String,
}

/// What something was done to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuditTarget {
    /// Such as `meeting`.
    r#type: String,
    /// Which of that kind.
    id: String,
}

impl From<Link> for AuditEvent {
    fn from(link: Link) -> Self {
        Self {
            number: link.number,
            id: link.id,
            tenant_id: Some(link.tenant_id).filter(|id| !id.is_empty()),
            occurred_at: DateTime::from_timestamp_millis(link.occurred_at_ms).unwrap_or_default(),
            actor: AuditActor { r#type: link.actor_type, id: link.actor_id },
            action: link.action,
            target: AuditTarget { r#type: link.target_type, id: link.target_id },
            result: link.result,
            request_id: link.request_id,
            details: serde_json::from_str(&link.details).unwrap_or_default(),
            previous_hash: link.previous_hash,
            hash: link.hash,
        }
    }
}

/// What looking through a chain has shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AuditVerification {
    /// Whether nothing is wrong with it.
    is_intact: bool,
    /// How many events were looked at.
    events: u64,
    /// The number of the first one: retention deletes the oldest.
    first_number: i64,
    /// The number of the last one.
    last_number: i64,
    /// The end of the chain, signed. Kept elsewhere and given back later, it shows whether the end was cut off.
    head: Option<String>,
    /// Where the chain is broken, at most a hundred places.
    #[schema(max_items = 100)]
    breaks: Vec<Break>,
}

impl AuditVerification {
    /// Of that report, with the signed end of the chain.
    pub(super) fn of(report: Report, head: Option<String>) -> Self {
        Self {
            is_intact: report.is_intact(),
            events: report.events,
            first_number: report.first_number,
            last_number: report.last_number,
            head,
            breaks: report.breaks,
        }
    }
}
