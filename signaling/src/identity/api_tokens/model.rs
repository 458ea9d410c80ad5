// SPDX-License-Identifier: EUPL-1.2
//! An API token as the API shows it, and what one is made of.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::ids::{ApiTokenId, TenantId};
use crate::identity::scopes::{Scope, Scopes};

/// An API token, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ApiToken {
    /// Its id.
    pub(crate) id: ApiTokenId,
    /// The tenant that it is for; null is the whole installation.
    pub(crate) tenant_id: Option<TenantId>,
    /// What it is for.
    pub(crate) name: String,
    /// How it begins.
    pub(crate) prefix: String,
    /// What it may be used for.
    #[schema(value_type = Vec<Scope>)]
    pub(crate) scopes: Scopes,
    /// The networks that it may be used from; from anywhere without any.
    #[schema(value_type = Vec<String>)]
    pub(crate) allowed_networks: Vec<IpNet>,
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
    /// Until when.
    pub(crate) expires_at: DateTime<Utc>,
    /// When it was used last, to within ten minutes.
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    /// When it was withdrawn.
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// Whether it can be used now.
    pub(crate) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Whether it can be used from there. From nowhere when that is not known and it matters.
    pub(crate) fn is_allowed_from(&self, address: Option<IpAddr>) -> bool {
        let contains = |address: IpAddr| self.allowed_networks.iter().any(|network| network.contains(&address));
        self.allowed_networks.is_empty() || address.is_some_and(contains)
    }
}

/// What an API token is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiTokenInput {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// What it may be used for. Nobody can give more than they have.
    #[schema(min_items = 1, max_items = 40)]
    pub(crate) scopes: Vec<Scope>,
    /// Until when, at most a year from now, and no longer than the token that makes it; 90 days when nothing is said.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// The networks that it may be used from, as address/length; from anywhere without any.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["10.20.0.0/16"]))]
    pub(crate) allowed_networks: Vec<String>,
}

/// A new API token. This is the only answer that shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NewApiToken {
    /// What it is.
    #[serde(flatten)]
    pub(crate) api_token: ApiToken,
    /// The token itself. Null when the request was repeated: it is shown once.
    pub(crate) token: Option<String>,
}
