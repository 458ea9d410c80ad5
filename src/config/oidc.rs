// SPDX-License-Identifier: EUPL-1.2

//! `[oidc]`: the identity provider that people sign in with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use signaling::{Secret, is_role};

/// `[oidc]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Oidc {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    pub(crate) scopes: Vec<String>,
    pub(crate) tenant_claim: String,
    pub(crate) role_claim: String,
    pub(crate) default_role: String,
    pub(crate) name_claim: String,
    pub(crate) email_claim: String,
    pub(crate) phone_claim: String,
    pub(crate) create_users: bool,
    pub(crate) trust_email: bool,
    pub(crate) required_acr: Vec<String>,
    pub(crate) api_audience: String,
    pub(crate) offer_passwords: bool,
    pub(crate) role_mapping: BTreeMap<String, String>,
}

impl Default for Oidc {
    fn default() -> Self {
        let signaling::Oidc {
            issuer,
            client_id,
            client_secret,
            scopes,
            tenant_claim,
            role_claim,
            role_mapping,
            default_role,
            name_claim,
            email_claim,
            phone_claim,
            create_users,
            trust_email,
            required_acr,
            api_audience,
            offer_passwords,
        } = signaling::Oidc::default();
        Self {
            issuer,
            client_id,
            client_secret,
            scopes,
            tenant_claim,
            role_claim,
            default_role,
            name_claim,
            email_claim,
            phone_claim,
            create_users,
            trust_email,
            required_acr,
            api_audience,
            offer_passwords,
            role_mapping,
        }
    }
}

impl Oidc {
    /// What the service is told of it; nothing without an issuer.
    pub(crate) fn for_signaling(&self) -> Option<signaling::Oidc> {
        let Self {
            issuer,
            client_id,
            client_secret,
            scopes,
            tenant_claim,
            role_claim,
            default_role,
            name_claim,
            email_claim,
            phone_claim,
            create_users,
            trust_email,
            required_acr,
            api_audience,
            offer_passwords,
            role_mapping,
        } = self.clone();
        (!issuer.is_empty()).then_some(signaling::Oidc {
            issuer,
            client_id,
            client_secret,
            scopes,
            tenant_claim,
            role_claim,
            role_mapping,
            default_role,
            name_claim,
            email_claim,
            phone_claim,
            create_users,
            trust_email,
            required_acr,
            api_audience,
            offer_passwords,
        })
    }

    /// What each value alone cannot tell.
    pub(super) fn judge(&self, problem: &mut impl FnMut(&[&str], String)) {
        if !self.default_role.is_empty() && !is_role(&self.default_role) {
            problem(&["oidc", "default_role"], format!("{:?} is no role", self.default_role));
        }
        for (said, role) in &self.role_mapping {
            if !is_role(role) {
                problem(&["oidc", "role_mapping", said], format!("{role:?} is no role"));
            }
        }
        if self.issuer.is_empty() {
            return;
        }
        if !is_safe(&self.issuer) {
            let what = format!("{:?} is no address such as https://login.example.org/realms/main", self.issuer);
            problem(&["oidc", "issuer"], what);
        }
        if self.client_id.is_empty() {
            problem(&["oidc", "client_id"], "the provider has to know Saal by some name".to_owned());
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            problem(&["oidc", "scopes"], "without openid the provider does not say who somebody is".to_owned());
        }
        if !self.api_audience.is_empty() && self.api_audience == self.client_id {
            let what = "it must differ from client_id, or tokens for signing in could be used for the API";
            problem(&["oidc", "api_audience"], what.to_owned());
        }
    }
}

/// Whether nobody listens on the way: https, or on this machine.
fn is_safe(issuer: &str) -> bool {
    let is_local = ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        let rest = issuer.strip_prefix("http://").and_then(|rest| rest.strip_prefix(host));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    let host = issuer.strip_prefix("https://");
    let has_no_tail = !issuer.contains(['?', '#', ' ']);
    has_no_tail && (is_local || host.is_some_and(|host| !host.is_empty() && !host.starts_with('/')))
}
