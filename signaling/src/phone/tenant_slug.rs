// SPDX-License-Identifier: EUPL-1.2
//! As which tenant callers are spoken to: as the one whose number they called, or whose meeting they have reached. A bridge may
//! have recordings in its name.

use bus::phone::PhoneNotice;
use store::{Single, StoreError, Tx, sql};
use tracing::warn;

use super::Serves;
use super::attendant::{Attendant, Goes};
use super::lines::Called;
use crate::meetings::phone_pins::model::Place;

/// The tenant that alone is reached by a number. `None`: there are several, or none.
pub(super) async fn of_called(tx: &mut Tx, called: &Called) -> Result<Option<String>, StoreError> {
    let select = match (&called.serves, &called.direct) {
        (Serves::Tenants(tenants), _) if tenants.len() == 1 => {
            sql("SELECT slug FROM tenants WHERE id = $1").bind(tenants[0])
        }
        (_, Some(id)) => {
            sql("SELECT slug FROM tenants WHERE id IN (SELECT tenant_id FROM meetings WHERE conference_id = $1
                 UNION SELECT tenant_id FROM rooms WHERE conference_id = $1)")
            .bind(id.as_str())
        }
        _ => return Ok(None),
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
        match self.tenant_of(place).await {
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

    async fn tenant_of(&self, place: Place) -> Result<Option<String>, StoreError> {
        of_place(&mut self.app.store.read().await?, place).await
    }
}
