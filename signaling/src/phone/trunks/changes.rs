// SPDX-License-Identifier: EUPL-1.2
//! What it takes to make, change or remove a trunk, whoever asks. Whoever does it keeps it together with the event that says so,
//! and afterwards tells that trunks have changed.

use chrono::Utc;
use store::Tx;
use tracing::error;

use super::check::{checked, free_id};
use super::model::{PhoneCredentials, PhoneTrunkInput, StoredTrunk};
use super::sealed::{self, Field};
use super::table;
use crate::api::problem::{Code, Problem};
use crate::identity::keys::Keys;
use crate::records::audit::Event;

/// Most trunks: each is watched, and all of them are read together.
const MAX_TRUNKS: usize = 100;

/// What of the database nobody else changes meanwhile.
const LOCK: &str = "phone trunks";

/// Makes a trunk.
pub(super) async fn create(keys: &Keys, tx: &mut Tx, input: PhoneTrunkInput) -> Result<(StoredTrunk, Event), Problem> {
    tx.lock(LOCK).await?;
    let others = table::all(tx).await?;
    if others.len() >= MAX_TRUNKS {
        return Err(Code::Conflict.into());
    }
    let chosen = input.id.clone();
    let mut input = checked(input, None, &others)?;
    let id = chosen.unwrap_or_else(|| free_id(&input.name, &others));
    if others.iter().any(|other| other.id == id) {
        return Err(Problem::taken("/id"));
    }
    let caller_password = password(keys, &id, Field::Caller, &mut input.caller_credentials, None)?;
    let password = password(keys, &id, Field::Own, &mut input.credentials, None)?;
    let now = Utc::now();
    let trunk = StoredTrunk { id, input, caller_password, password, revision: 1, created_at: now, updated_at: now };
    table::insert(tx, &trunk).await?;
    let event = Event::new("phone_trunk.create", &trunk.id);
    Ok((trunk, event))
}

/// Changes a trunk into what `change` says, which sees it as it is.
pub(super) async fn update(
    keys: &Keys,
    tx: &mut Tx,
    id: &str,
    change: impl FnOnce(&StoredTrunk) -> Result<PhoneTrunkInput, Problem>,
) -> Result<(StoredTrunk, Event), Problem> {
    tx.lock(LOCK).await?;
    let (mut found, mut others) = (None, Vec::new());
    for trunk in table::all(tx).await? {
        if trunk.id == id { found = Some(trunk) } else { others.push(trunk) }
    }
    let found = found.ok_or(Code::NotFound)?;
    let mut input = checked(change(&found)?, Some(&found), &others)?;
    let event = Event::new("phone_trunk.update", id).changing(&found.input.changed(&input));
    let (known_caller, known) = (found.caller_password.clone(), found.password.clone());
    let caller_password = password(keys, id, Field::Caller, &mut input.caller_credentials, known_caller)?;
    let password = password(keys, id, Field::Own, &mut input.credentials, known)?;
    let trunk = StoredTrunk { input, caller_password, password, updated_at: Utc::now(), ..found };
    if !table::update(tx, &trunk).await? {
        return Err(Code::EtagMismatch.into());
    }
    Ok((StoredTrunk { revision: trunk.revision + 1, ..trunk }, event))
}

/// Removes a trunk that `check` lets go. Returns it as it was.
pub(super) async fn remove(
    tx: &mut Tx,
    id: &str,
    check: impl FnOnce(&StoredTrunk) -> Result<(), Problem>,
) -> Result<(StoredTrunk, Event), Problem> {
    tx.lock(LOCK).await?;
    let found = table::find(tx, id).await?.ok_or(Code::NotFound)?;
    check(&found)?;
    table::delete(tx, id).await?;
    let event = Event::new("phone_trunk.delete", id);
    Ok((found, event))
}

/// What is stored of a password: the one that is named, sealed, or else the one that is there.
fn password(
    keys: &Keys,
    trunk: &str,
    field: Field,
    credentials: &mut Option<PhoneCredentials>,
    known: Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, Problem> {
    let Some(credentials) = credentials else { return Ok(None) };
    let Some(password) = credentials.password.take() else { return Ok(known) };
    let sealed = sealed::seal(keys, trunk, field, password.expose());
    sealed.map(Some).map_err(|_| {
        error!("a password cannot be sealed");
        Code::Internal.into()
    })
}
