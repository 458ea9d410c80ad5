// SPDX-License-Identifier: EUPL-1.2
//! A tenant as the API shows it, and what one is made of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings::{Branding, DialIn, DialOut, Legal, Limits, Retention, Settings};
use crate::api::ids::{PolicyId, TenantId};
use crate::api::language::Language;

/// A tenant: an authority with its own people and meetings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Tenant {
    /// Its id.
    pub(crate) id: TenantId,
    /// What it is made of.
    #[serde(flatten)]
    pub(crate) input: TenantInput,
    /// Grows with each change: its ETag.
    pub(crate) revision: i64,
    /// Since when there is one.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// What a tenant is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantInput {
    /// What people read.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// Its short name, as on the command line.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", example = "ministry-a")]
    pub(crate) slug: String,
    /// Which people the identity provider sends here: what the claim `oidc.tenant_claim` says.
    #[schema(min_length = 1, max_length = 400)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) oidc_claim_value: Option<String>,
    /// The language of mails and pages for those who have not chosen.
    #[serde(default)]
    #[schema(default = "de")]
    pub(crate) locale: Language,
    /// The zone of meetings that name none; Europe/Berlin without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "Europe/Berlin")]
    pub(crate) time_zone: Option<String>,
    /// The policy of meetings that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default_policy_id: Option<PolicyId>,
    /// How pages and mails look.
    #[serde(default)]
    pub(crate) branding: Branding,
    /// What the law wants people to find.
    #[serde(default)]
    pub(crate) legal: Legal,
    /// How meetings are reached by telephone.
    #[serde(default)]
    pub(crate) dial_in: DialIn,
    /// Whether moderators may call telephones, and which.
    #[serde(default)]
    pub(crate) dial_out: DialOut,
    /// How much it may use.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// For how long things are kept.
    #[serde(default)]
    pub(crate) retention: Retention,
    /// Whether lists of who was there outlast the meetings.
    #[serde(default)]
    pub(crate) keep_attendance: bool,
}

impl TenantInput {
    /// What it decides for itself.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            time_zone: self.time_zone.clone(),
            branding: self.branding.clone(),
            legal: self.legal.clone(),
            dial_in: self.dial_in.clone(),
            dial_out: self.dial_out.clone(),
            limits: self.limits.clone(),
            retention: self.retention.clone(),
            keep_attendance: self.keep_attendance,
        }
    }

    /// Names of the fields in which they differ.
    pub(crate) fn changed(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name != other.name),
            ("slug", self.slug != other.slug),
            ("oidc_claim_value", self.oidc_claim_value != other.oidc_claim_value),
            ("locale", self.locale != other.locale),
            ("time_zone", self.time_zone != other.time_zone),
            ("default_policy_id", self.default_policy_id != other.default_policy_id),
            ("branding", self.branding != other.branding),
            ("legal", self.legal != other.legal),
            ("dial_in", self.dial_in != other.dial_in),
            ("dial_out", self.dial_out != other.dial_out),
            ("limits", self.limits != other.limits),
            ("retention", self.retention != other.retention),
            ("keep_attendance", self.keep_attendance != other.keep_attendance),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}
