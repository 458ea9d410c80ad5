// SPDX-License-Identifier: EUPL-1.2
//! An OAuth client as the API shows it, and what one is made of.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::ids::{OauthClientId, TenantId};
use crate::identity::scopes::{Scope, Scopes};

/// Software that asks for access tokens. The id is its `client_id`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct OauthClient {
    /// Its id.
    pub(crate) id: OauthClientId,
    /// The tenant that it is for; null is the whole installation.
    pub(crate) tenant_id: Option<TenantId>,
    /// What it is for.
    pub(crate) name: String,
    /// What its access tokens may be used for at most.
    #[schema(value_type = Vec<Scope>)]
    pub(crate) scopes: Scopes,
    /// The networks that it may ask from; from anywhere without any.
    #[schema(value_type = Vec<String>)]
    pub(crate) allowed_networks: Vec<IpNet>,
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
    /// Until when, if it was made with a token that ends.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// When it asked for an access token last, to within ten minutes.
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    /// When it was withdrawn.
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

impl OauthClient {
    /// Whether it can be used now.
    pub(crate) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it can be used from there. From nowhere when that is not known and it matters.
    pub(crate) fn is_allowed_from(&self, address: Option<IpAddr>) -> bool {
        let contains = |address: IpAddr| self.allowed_networks.iter().any(|network| network.contains(&address));
        self.allowed_networks.is_empty() || address.is_some_and(contains)
    }
}

/// What an OAuth client is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OauthClientInput {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// What its access tokens may be used for at most. Nobody can give more than they have.
    #[schema(min_items = 1, max_items = 40)]
    pub(crate) scopes: Vec<Scope>,
    /// The networks that it may ask from, as address/length; from anywhere without any.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["10.20.0.0/16"]))]
    pub(crate) allowed_networks: Vec<String>,
}

/// A new OAuth client. This is the only answer that shows its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NewOauthClient {
    /// What it is.
    #[serde(flatten)]
    pub(crate) oauth_client: OauthClient,
    /// Its secret. Null when the request was repeated: it is shown once.
    pub(crate) client_secret: Option<String>,
}
