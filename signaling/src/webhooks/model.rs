// SPDX-License-Identifier: EUPL-1.2
//! Webhooks and their deliveries as the API shows them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use store::Textual;
use utoipa::ToSchema;

use super::WebhookEvent;
use crate::api::ids::{TenantId, WebhookId};

/// An address that is told what happens, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its id.
    pub(crate) id: WebhookId,
    /// The tenant whose events it is told.
    pub(crate) tenant_id: TenantId,
    /// What it is made of.
    #[serde(flatten)]
    pub(crate) input: WebhookInput,
    /// Since when nothing arrives there.
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// When Saal gave up on it: nothing had arrived for three days. Setting `is_active` begins anew.
    pub(crate) disabled_at: Option<DateTime<Utc>>,
    /// Grows with each change: its ETag.
    pub(crate) revision: i64,
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
    /// Which of its secrets is in use.
    #[serde(skip)]
    pub(crate) secret_generation: i64,
    /// When the one before was replaced. It is used beside the new one for a day.
    pub(crate) secret_rotated_at: Option<DateTime<Utc>>,
}

/// What a webhook is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookInput {
    /// Where messages are sent: `https`, and on the Internet or in a network that the operator allows.
    #[schema(min_length = 1, max_length = 2000, format = "uri")]
    pub(crate) url: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub(crate) description: String,
    /// What it is told.
    #[schema(min_items = 1, max_items = 40)]
    pub(crate) events: Vec<WebhookEvent>,
    /// Whether it is told anything.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(crate) is_active: bool,
}

fn yes() -> bool {
    true
}

/// A webhook with its secret. This is the only answer that shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NewWebhook {
    /// What it is.
    #[serde(flatten)]
    pub(crate) webhook: Webhook,
    /// What messages are signed with. Null when the request was repeated: it is shown once.
    pub(crate) secret: Option<String>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WebhookDeliveryStatus {
    /// It waits, for its turn or for another try.
    Pending,
    /// It arrived.
    Delivered,
    /// Saal gave up on it.
    Failed,
}

impl Textual for WebhookDeliveryStatus {
    fn to_text(&self) -> String {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
        .to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|status| status.to_text() == text)
    }
}

/// A message to a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct WebhookDelivery {
    /// Its id, which the header `webhook-id` says: the same with each try.
    pub(crate) id: String,
    /// What it tells, such as `meeting.created`.
    pub(crate) event: String,
    /// What is sent.
    #[schema(value_type = Object)]
    pub(crate) payload: Json,
    /// What became of it.
    pub(crate) status: WebhookDeliveryStatus,
    /// How often it was tried.
    pub(crate) attempts: i64,
    /// The HTTP status of the last answer.
    pub(crate) last_status: Option<i64>,
    /// What went wrong before there was an answer: `not-public`, `connect`, `timeout` or `broken`.
    pub(crate) last_error: Option<String>,
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
    /// When it arrived, or Saal gave up.
    pub(crate) finished_at: Option<DateTime<Utc>>,
}
