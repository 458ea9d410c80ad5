// SPDX-License-Identifier: EUPL-1.2
//! Accounts: the people of the tenants, what they are there, and who may change that.

pub(crate) mod model;
pub(crate) mod routes;
pub(crate) mod table;

use store::Tx;

use self::model::{User, UserInput};
use super::caller::Caller;
use super::roles::Role;
use super::scopes::Scope;
use crate::api::ids::{TenantId, UserId};
use crate::api::problem::{Code, Problem};

/// Those who make somebody a system administrator, or stop one, wait for each other.
const SYSTEM_ADMINS: &str = "system administrators";

/// Whether `caller`, who may write accounts, may do so with people of that role. Otherwise they could make themselves an
/// account, or give one a password, with which they may do more than now.
pub(crate) fn may_manage(caller: &Caller, role: Role) -> bool {
    let is_installation = caller.tenant.is_none() && caller.scopes.contains(Scope::TenantsAdmin);
    let needed = role.scopes();
    let may_as_much = role != Role::SystemAdmin && needed.intersection(&caller.scopes) == needed;
    is_installation || may_as_much
}

/// Those who change who is a system administrator wait for each other from here on. Before anything of an account is
/// written, or two would wait for one another.
pub(crate) async fn lock_system_admins(tx: &mut Tx) -> Result<(), store::StoreError> {
    tx.lock(SYSTEM_ADMINS).await
}

/// Fails when `user` is the last system administrator who can sign in, and would be none any more as `input` says.
pub(crate) async fn check_system_admin_remains(
    tx: &mut Tx,
    user: &User,
    input: Option<&UserInput>,
) -> Result<(), Problem> {
    let is_one = |input: &UserInput| input.role == Role::SystemAdmin && !input.disabled;
    if is_one(&user.input) && !input.is_some_and(is_one) {
        tx.lock(SYSTEM_ADMINS).await?;
        if !table::has_system_admin_besides(tx, Some(user.id), None).await? {
            return Err(Code::Conflict.into());
        }
    }
    Ok(())
}

/// Fails when without the people of `tenant` there is no system administrator any more. Where there never was one it does
/// not matter.
pub(crate) async fn check_system_admin_remains_without_tenant(tx: &mut Tx, tenant: TenantId) -> Result<(), Problem> {
    tx.lock(SYSTEM_ADMINS).await?;
    if table::has_system_admin_besides(tx, None, None).await?
        && !table::has_system_admin_besides(tx, None, Some(tenant)).await?
    {
        return Err(Code::Conflict.into());
    }
    Ok(())
}

/// The person whom somebody names by id or address, if there is exactly one of the tenant.
pub(crate) async fn named(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    name: &str,
) -> Result<Option<User>, store::StoreError> {
    if let Some(id) = UserId::parse(name) {
        return table::find(tx, tenant, id).await;
    }
    let mut found = table::by_email(tx, tenant, &model::tidy_email(name)).await?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::ApiTokenId;
    use crate::identity::caller::Actor;
    use crate::identity::scopes::Scopes;

    fn caller(tenant: Option<TenantId>, role: Option<Role>, scopes: Scopes) -> Caller {
        let (actor, own_scopes) = (Actor::ApiToken(ApiTokenId::new()), scopes.clone());
        Caller { actor, tenant, role, on_behalf_of: None, scopes, own_scopes, acr: None }
    }

    #[test]
    fn nobody_makes_somebody_who_may_do_more() {
        let managed = |caller: &Caller| Role::ALL.map(|role| may_manage(caller, role));
        let tenant = Some(TenantId::new());
        let system = caller(None, Some(Role::SystemAdmin), Role::SystemAdmin.scopes());
        assert_eq!(managed(&system), [true; 4]);
        let admin = caller(tenant, Some(Role::TenantAdmin), Role::TenantAdmin.scopes());
        assert_eq!(managed(&admin), [false, true, true, true]);
        let software = caller(tenant, None, [Scope::UsersWrite].into_iter().collect());
        assert_eq!(managed(&software), [false; 4]);
        let software = caller(tenant, None, [Scope::UsersWrite, Scope::TenantsAdmin].into_iter().collect());
        assert_eq!(managed(&software), [false; 4], "of a tenant");
        let software = caller(tenant, None, [Scope::UsersWrite, Scope::MeetingsRead].into_iter().collect());
        assert_eq!(managed(&software), [false, false, false, true]);
        let organizer = Role::Organizer.scopes().0.into_iter().chain([Scope::UsersWrite]).collect();
        assert_eq!(managed(&caller(tenant, None, organizer)), [false, false, true, true]);
    }
}
