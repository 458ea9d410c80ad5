// SPDX-License-Identifier: EUPL-1.2
//! What people are in the organisation, and what that lets them do.
//!
//! Who administrates the installation sees no meetings; who administrates a tenant schedules and moderates there, but is in
//! no meeting that they have not joined like anybody else.

use serde::{Deserialize, Serialize};
use store::Textual;
use utoipa::ToSchema;

use super::scopes::{Scope, Scopes};

/// What somebody is in the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Looks after the installation: tenants, their administrators, and what machines may do.
    SystemAdmin,
    /// Looks after a tenant: its people, policies, rooms and meetings.
    TenantAdmin,
    /// Schedules meetings, and sees those they are invited to.
    Organizer,
    /// Sees the meetings they are invited to.
    Participant,
}

impl Role {
    /// All there are.
    pub(crate) const ALL: [Self; 4] = [Self::SystemAdmin, Self::TenantAdmin, Self::Organizer, Self::Participant];

    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SystemAdmin => "system_admin",
            Self::TenantAdmin => "tenant_admin",
            Self::Organizer => "organizer",
            Self::Participant => "participant",
        }
    }

    /// Reads its name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What it lets somebody do. Which meetings it concerns is another matter: see `Caller::sees_whole_tenant`.
    pub(crate) fn scopes(self) -> Scopes {
        use Scope as S;
        let all_but = |left_out: &[Scope]| S::ALL.iter().copied().filter(|scope| !left_out.contains(scope)).collect();
        match self {
            Self::SystemAdmin => all_but(&[
                S::MeetingsRead,
                S::MeetingsWrite,
                S::RoomsRead,
                S::RoomsWrite,
                S::InviteesRead,
                S::InviteesWrite,
                S::SessionsRead,
                S::SessionsModerate,
            ]),
            Self::TenantAdmin => all_but(&[S::TenantsAdmin, S::PhoneAdmin]),
            Self::Organizer => [
                S::MeetingsRead,
                S::MeetingsWrite,
                S::RoomsRead,
                S::RoomsWrite,
                S::InviteesRead,
                S::InviteesWrite,
                S::SessionsRead,
                S::SessionsModerate,
                S::PoliciesRead,
            ]
            .into_iter()
            .collect(),
            Self::Participant => [S::MeetingsRead].into_iter().collect(),
        }
    }
}

impl Textual for Role {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administration_gives_no_way_into_meetings_of_others() {
        let system = Role::SystemAdmin.scopes();
        assert!(!system.contains(Scope::MeetingsRead) && !system.contains(Scope::SessionsModerate));
        assert!(system.contains(Scope::TenantsAdmin));
        assert!(!Role::TenantAdmin.scopes().contains(Scope::TenantsAdmin));
        assert!(Role::TenantAdmin.scopes().contains(Scope::TenantWrite));
    }

    #[test]
    fn trunks_belong_to_the_installation_and_tenants_see_their_numbers() {
        let tenants = Role::TenantAdmin.scopes();
        assert!(tenants.contains(Scope::PhoneRead) && !tenants.contains(Scope::PhoneAdmin));
        assert!(Role::SystemAdmin.scopes().contains(Scope::PhoneAdmin));
    }
}
