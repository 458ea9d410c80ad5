// SPDX-License-Identifier: EUPL-1.2
//! Who asks.

use crate::api::ids::{ApiTokenId, OauthClientId, TenantId, UserId};
use crate::api::problem::{Code, Problem};
use crate::identity::roles::Role;
use crate::identity::scopes::{Scope, Scopes};

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Actor {
    /// Somebody who signed in.
    User(UserId),
    /// Software with a token.
    ApiToken(ApiTokenId),
    /// Software that got a token by OAuth 2.0.
    OauthClient(OauthClientId),
    /// Somebody in a meeting, by their room token: a guest may be a co-host.
    Participant {
        /// The room of the token.
        room: String,
        /// Who they are in it.
        identity: String,
    },
    /// Saal itself: what is due at a time, and commands on the server.
    System,
}

impl Actor {
    /// Its kind, in the audit log.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ApiToken(_) => "api_token",
            Self::OauthClient(_) => "oauth_client",
            Self::Participant { .. } => "participant",
            Self::System => "system",
        }
    }

    /// Which of that kind, in the audit log.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::ApiToken(id) => id.to_string(),
            Self::OauthClient(id) => id.to_string(),
            Self::Participant { identity, .. } => identity.clone(),
            Self::System => "saal".to_owned(),
        }
    }
}

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) actor: Actor,
    /// The tenant they belong to. None is the installation.
    pub(crate) tenant: Option<TenantId>,
    /// What they are, when they are a person, or software that acts for one.
    pub(crate) role: Option<Role>,
    /// The person that software acts for.
    pub(crate) on_behalf_of: Option<UserId>,
    /// What they may do.
    pub(crate) scopes: Scopes,
    /// What software may do itself, whomever it acts for. With others it is the same as `scopes`.
    pub(crate) own_scopes: Scopes,
    /// How strongly they proved who they are, in the identity provider's words (`acr`).
    pub(crate) acr: Option<String>,
}

impl Caller {
    /// Fails unless they have `scope`.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(scope) { Ok(()) } else { Err(Code::InsufficientScope.into()) }
    }

    /// Fails unless software has `scope` itself, whether the person whom it acts for has it or not: for what a person has
    /// always, and software only if that was meant.
    pub(crate) fn require_itself(&self, scope: Scope) -> Result<(), Problem> {
        if self.own_scopes.contains(scope) { Ok(()) } else { Err(Code::InsufficientScope.into()) }
    }

    /// Whether it is a person with all that they may do, not software that acts for one or has a narrower token of theirs.
    pub(crate) fn is_person_themselves(&self) -> bool {
        matches!(self.actor, Actor::User(_)) && self.role.is_some_and(|role| role.scopes() == self.scopes)
    }

    /// The person whose meetings it is about: themselves, or whom software acts for.
    pub(crate) fn person(&self) -> Option<UserId> {
        match self.actor {
            Actor::User(id) => Some(id),
            _ => self.on_behalf_of,
        }
    }

    /// Whether they see all meetings of the tenant: administrators, and software that acts for nobody. Others see those
    /// that they organise or are invited to.
    pub(crate) fn sees_whole_tenant(&self) -> bool {
        match self.role {
            Some(role) => matches!(role, Role::SystemAdmin | Role::TenantAdmin),
            None => !matches!(self.actor, Actor::Participant { .. }),
        }
    }
}
