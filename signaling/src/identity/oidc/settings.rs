// SPDX-License-Identifier: EUPL-1.2
//! What the operator says about the identity provider, in a form that cannot be wrong.

use crate::auth::secret::Secret;
use crate::config::Oidc;
use crate::identity::roles::Role;

/// What the operator says about the identity provider.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) scopes: String,
    pub(super) tenant_claim: String,
    pub(super) role_claim: String,
    /// What the provider says, and the role it stands for.
    pub(super) role_mapping: Vec<(String, Role)>,
    /// The role of people of whom the provider says nothing. None lets them not in.
    pub(super) default_role: Option<Role>,
    pub(super) name_claim: String,
    pub(super) email_claim: String,
    pub(super) phone_claim: String,
    pub(super) create_users: bool,
    pub(super) trust_email: bool,
    pub(super) required_acr: Vec<String>,
    /// Empty: people's software shows no tokens of the provider.
    pub(super) api_audience: String,
}

impl Settings {
    /// Whether a sign-in of that strength (`acr`) will do.
    pub(super) fn is_strong_enough(&self, acr: Option<&str>) -> bool {
        self.required_acr.is_empty() || acr.is_some_and(|acr| self.required_acr.iter().any(|known| known == acr))
    }

    pub(super) fn new(config: &Oidc) -> Result<Self, String> {
        let role = |name: &str| Role::parse(name).ok_or_else(|| format!("{name:?} is no role"));
        let mapping = config.role_mapping.iter().map(|(said, name)| Ok((said.clone(), role(name)?)));
        let default_role = if config.default_role.is_empty() { None } else { Some(role(&config.default_role)?) };
        if !config.api_audience.is_empty() && config.api_audience == config.client_id {
            return Err("the audience of the API must differ from the client's id, or ID tokens would do".to_owned());
        }
        Ok(Self {
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            scopes: config.scopes.join(" "),
            tenant_claim: config.tenant_claim.clone(),
            role_claim: config.role_claim.clone(),
            role_mapping: mapping.collect::<Result<_, String>>()?,
            default_role,
            name_claim: config.name_claim.clone(),
            email_claim: config.email_claim.clone(),
            phone_claim: config.phone_claim.clone(),
            create_users: config.create_users,
            trust_email: config.trust_email,
            required_acr: config.required_acr.clone(),
            api_audience: config.api_audience.clone(),
        })
    }
}
