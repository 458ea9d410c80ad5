// SPDX-License-Identifier: EUPL-1.2
//! As which tenant callers are spoken to: as the one whose number they called, or whose meeting they have reached. A bridge may
//! have recordings in its name.

use bus::phone::PhoneNotice;
use store::{Single, StoreError, Tx, sql};
use tracing::warn;

use super::Serves;
use super::attendant::{Attendant, Goes};
use super::lines::Called;
use crate::app::App;
use crate::meetings::phone_pins::model::Place;

/// The tenant that alone is reached by a number. `None`: there are several, or none.
pub(super) async fn of_called(tx: &mut Tx, called: &Called) -> Result<Option<String>, StoreError> {
    let only = match &called.serves {
        Serves::Tenants(tenants) => match tenants.as_slice() {
            [tenant] => Some(*tenant),
            _ => None,
        },
        Serves::All => None,
    };
    let select = match (only, &called.direct) {
        (Some(tenant), _) => sql("SELECT slug FROM tenants WHERE id = $1").bind(tenant),
        (None, Some(id)) => sql("SELECT slug FROM tenants WHERE id IN
                 (SELECT tenant_id FROM meetings WHERE conference_id = $1
                  UNION SELECT tenant_id FROM rooms WHERE conference_id = $1)")
        .bind(id.as_str()),
        (None, None) => return Ok(None),
    };
    slug(tx, select).await
}

/// The tenant that a meeting or a room is of.
async fn of_place(tx: &mut Tx, place: Place) -> Result<Option<String>, StoreError> {
    let select = match place {
        Place::Meeting(id) => {
            sql("SELECT slug FROM tenants WHERE id IN (SELECT tenant_id FROM meetings WHERE id = $1)").bind(id)
        }
        Place::Room(id) => {
            sql("SELECT slug FROM tenants WHERE id IN (SELECT tenant_id FROM rooms WHERE id = $1)").bind(id)
        }
    };
    slug(tx, select).await
}

async fn slug(tx: &mut Tx, select: store::Statement) -> Result<Option<String>, StoreError> {
    let found: Option<Single<String>> = tx.optional(select).await?;
    Ok(found.map(|Single(slug)| slug))
}

impl Attendant {
    /// Tells the bridge whose meeting a caller has reached, if the number that they called did not say. Not before all their codes
    /// are right: what else tells whether a conference number is, nobody may hear.
    pub(super) async fn tell_tenant(&mut self, place: Place) -> Goes {
        if self.caller.tenant.is_some() {
            return Goes::On;
        }
        match tenant_of(&self.app, place).await {
            Ok(Some(slug)) => {
                self.caller.tenant = Some(slug.clone());
                self.tell(PhoneNotice::Tenant(slug))
            }
            Ok(None) => Goes::On,
            Err(error) => {
                // They hear the installation's own words.
                warn!(%error, "as which tenant to speak to a caller cannot be seen");
                Goes::On
            }
        }
    }
}

async fn tenant_of(app: &App, place: Place) -> Result<Option<String>, StoreError> {
    of_place(&mut app.store.read().await?, place).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::TenantId;
    use crate::phone::Trunk;
    use crate::phone::caller_number::DialPlan;
    use crate::records::everywhere::tenant;
    use store::testing::TestStore;

    fn called(serves: Serves, direct: Option<&str>) -> Called {
        let trunk = Trunk { id: "provider".to_owned(), trusts_caller_ids: false, dial_plan: DialPlan::default() };
        Called { trunk, serves, languages: Vec::new(), direct: direct.map(str::to_owned) }
    }

    #[tokio::test]
    async fn a_number_speaks_for_the_only_tenant_that_is_reached_by_it() {
        for test in TestStore::both().await {
            let only = tenant(&test.store).await;
            let mut tx = test.store.read().await.expect("a transaction");
            let several = Serves::Tenants(vec![only, TenantId::new()]);
            for (serves, direct, expected) in [
                (Serves::Tenants(vec![only]), None, Some("main")),
                (Serves::Tenants(vec![only]), Some("4815162342"), Some("main")),
                (several, None, None),
                (Serves::Tenants(Vec::new()), None, None),
                (Serves::All, None, None),
                (Serves::All, Some("4815162342"), None),
            ] {
                let found = of_called(&mut tx, &called(serves.clone(), direct)).await.expect("the database");
                assert_eq!(found.as_deref(), expected, "{serves:?} {direct:?}");
            }
        }
    }
}
