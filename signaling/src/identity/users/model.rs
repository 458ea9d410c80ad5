// SPDX-License-Identifier: EUPL-1.2
//! Somebody who can sign in, as the API shows them, and what an account is made of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::ids::{TenantId, UserId};
use crate::api::language::Language;
use crate::identity::roles::Role;

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct User {
    /// Their id.
    pub(crate) id: UserId,
    /// The tenant they belong to.
    pub(crate) tenant_id: TenantId,
    /// What the account is made of.
    #[serde(flatten)]
    pub(crate) input: UserInput,
    /// Whether they can sign in with a password.
    pub(crate) has_password: bool,
    /// Whether they have signed in with the identity provider.
    pub(crate) is_known_to_provider: bool,
    /// When they signed in last.
    pub(crate) last_sign_in_at: Option<DateTime<Utc>>,
    /// Grows with each change: the account's ETag.
    pub(crate) revision: i64,
    /// Since when there is the account.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was changed last.
    pub(crate) updated_at: DateTime<Utc>,
}

/// What an account is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserInput {
    /// Their address, by which they sign in and are invited. Kept in lower case.
    #[schema(max_length = 254, pattern = r"^[^@\s]+@[^@\s]+$", example = "anna.muster@example.org")]
    pub(crate) email: String,
    /// What others read.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// What they are in the organisation.
    #[serde(default = "participant")]
    #[schema(default = "participant")]
    pub(crate) role: Role,
    /// The language they are addressed in; the tenant's when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<Language>,
    /// The number of their telephone, as in E.164. Who calls a meeting from it is shown with their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^\\+[1-9][0-9]{1,14}$", example = "+4930123456")]
    pub(crate) phone_e164: Option<String>,
    /// Whether they are kept from signing in.
    #[serde(default)]
    pub(crate) disabled: bool,
}

fn participant() -> Role {
    Role::Participant
}

impl UserInput {
    /// With the address in the form in which it is stored.
    pub(crate) fn tidied(mut self) -> Self {
        self.email = tidy_email(&self.email);
        self
    }

    /// Names of the fields in which they differ.
    pub(crate) fn changed(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("email", self.email != other.email),
            ("name", self.name != other.name),
            ("role", self.role != other.role),
            ("language", self.language != other.language),
            ("phone_e164", self.phone_e164 != other.phone_e164),
            ("disabled", self.disabled != other.disabled),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

/// An address in the form in which it is stored.
pub(crate) fn tidy_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// A password that an administrator gives somebody.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordInput {
    /// The new one.
    #[schema(min_length = 12, max_length = 256, format = "password")]
    pub(crate) password: String,
}

/// One's own new password.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnPasswordInput {
    /// The one until now.
    #[schema(max_length = 256, format = "password")]
    pub(crate) current_password: String,
    /// The new one.
    #[schema(min_length = 12, max_length = 256, format = "password")]
    pub(crate) new_password: String,
}
