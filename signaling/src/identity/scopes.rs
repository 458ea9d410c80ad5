// SPDX-License-Identifier: EUPL-1.2
//! What a token may be used for. Each request to the API needs one scope.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use store::Textual;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! scopes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        /// What somebody may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub(crate) enum Scope {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)*
        }

        impl Scope {
            /// All there are.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in tokens and in the documentation.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it allows, in words.
            pub(crate) const fn description(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc,)+),)*
                }
            }
        }
    };
}

scopes! {
    /// See meetings and when they happen.
    MeetingsRead = "meetings:read";
    /// Schedule, change and cancel meetings.
    MeetingsWrite = "meetings:write";
    /// See permanent rooms.
    RoomsRead = "rooms:read";
    /// Make and change permanent rooms.
    RoomsWrite = "rooms:write";
    /// See who is invited, and their PINs and links.
    InviteesRead = "invitees:read";
    /// Invite people, change and withdraw invitations.
    InviteesWrite = "invitees:write";
    /// See running meetings and who is in them.
    SessionsRead = "sessions:read";
    /// Moderate running meetings: mute, admit, move, remove, lock, end.
    SessionsModerate = "sessions:moderate";
    /// See policies.
    PoliciesRead = "policies:read";
    /// Make and change policies.
    PoliciesWrite = "policies:write";
    /// See accounts.
    UsersRead = "users:read";
    /// Make, change and remove accounts.
    UsersWrite = "users:write";
    /// See and manage API tokens and OAuth clients.
    TokensAdmin = "tokens:admin";
    /// See and change what a tenant decides for itself: its name, looks, policy, legal texts and retention.
    TenantWrite = "tenant:write";
    /// List, make and remove tenants, and set what they may use.
    TenantsAdmin = "tenants:admin";
    /// See the audit log.
    AuditRead = "audit:read";
    /// See figures about use.
    StatsRead = "stats:read";
    /// See webhooks and their deliveries.
    WebhooksRead = "webhooks:read";
    /// Manage webhooks.
    WebhooksWrite = "webhooks:write";
    /// See the telephone numbers by which meetings are reached.
    PhoneRead = "phone:read";
    /// See and manage trunks and telephone numbers, and see and end calls in progress.
    PhoneAdmin = "phone:admin";
    /// Export and erase a person's data, also that of the tenant's administrators, with their accounts.
    PrivacyAdmin = "privacy:admin";
}

// By hand: the derive does not see names that come out of a macro.
impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.iter().map(|scope| scope.as_str());
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        schema.description(Some("What somebody may do.")).into()
    }
}

impl ToSchema for Scope {}

impl Scope {
    /// The scopes that a name stands for: itself, or with `meetings:*` all that begin so.
    pub(crate) fn named(text: &str) -> Vec<Self> {
        let is_meant = |scope: &Self| match text.strip_suffix('*') {
            Some(family) => family.ends_with(':') && scope.as_str().starts_with(family),
            None => scope.as_str() == text,
        };
        Self::ALL.iter().copied().filter(is_meant).collect()
    }
}

/// Several scopes. Stored as a JSON list of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scopes(pub(crate) BTreeSet<Scope>);

impl Scopes {
    /// Whether `scope` is among them.
    pub(crate) fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Those that are in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Reads names with spaces or commas between them. Fails with the first that is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut scopes = BTreeSet::new();
        for name in text.split([' ', ',']).filter(|name| !name.is_empty()) {
            let named = Scope::named(name);
            if named.is_empty() {
                return Err(name.to_owned());
            }
            scopes.extend(named);
        }
        Ok(Self(scopes))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl Textual for Scopes {
    fn to_text(&self) -> String {
        serde_json::json!(self).to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_a_family() {
        let scopes = Scopes::parse("meetings:*, audit:read").expect("known");
        let expected = [Scope::MeetingsRead, Scope::MeetingsWrite, Scope::AuditRead];
        assert_eq!(scopes, expected.into_iter().collect());
    }

    #[test]
    fn what_is_no_scope_is_named() {
        for bad in ["*", "meetings", "meetings:", "meet*", "meetings:delete"] {
            assert_eq!(Scopes::parse(&format!("audit:read {bad}")), Err(bad.to_owned()));
        }
    }
}
