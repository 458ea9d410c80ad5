// SPDX-License-Identifier: EUPL-1.2
//! What it takes to make, change or remove a number, whoever asks. Whoever does it keeps it together with the event that says so.

use chrono::Utc;
use store::{StoreError, Tx};

use super::check::checked;
use super::model::{PhoneNumber, PhoneNumberInput};
use super::table;
use crate::api::ids::PhoneNumberId;
use crate::api::problem::{Code, Problem};
use crate::records::audit::Event;

/// Most numbers of an installation.
const MAX_NUMBERS: i64 = 1_000;

/// Makes a number.
pub(super) async fn create(tx: &mut Tx, input: PhoneNumberInput) -> Result<(PhoneNumber, Event), Problem> {
    lock(tx).await?;
    if table::count(tx).await? >= MAX_NUMBERS {
        return Err(Code::Conflict.into());
    }
    let input = checked(tx, input, None).await?;
    let now = Utc::now();
    let number = PhoneNumber { id: PhoneNumberId::new(), input, revision: 1, created_at: now, updated_at: now };
    table::insert(tx, &number).await.map_err(taken)?;
    let event = Event::new("phone_number.create", number.id);
    Ok((number, event))
}

/// Changes a number into what `change` says, which sees it as it is.
pub(super) async fn update(
    tx: &mut Tx,
    id: PhoneNumberId,
    change: impl FnOnce(&PhoneNumber) -> Result<PhoneNumberInput, Problem>,
) -> Result<(PhoneNumber, Event), Problem> {
    let found = table::find(tx, None, id).await?.ok_or(Code::NotFound)?;
    let input = checked(tx, change(&found)?, Some(&found)).await?;
    let event = Event::new("phone_number.update", id).changing(&found.input.changed(&input));
    let number = PhoneNumber { input, updated_at: Utc::now(), ..found };
    if !table::update(tx, &number).await.map_err(taken)? {
        return Err(Code::EtagMismatch.into());
    }
    Ok((PhoneNumber { revision: number.revision + 1, ..number }, event))
}

/// Removes a number that `check` lets go.
pub(super) async fn remove(
    tx: &mut Tx,
    id: PhoneNumberId,
    check: impl FnOnce(&PhoneNumber) -> Result<(), Problem>,
) -> Result<Event, Problem> {
    let found = table::find(tx, None, id).await?.ok_or(Code::NotFound)?;
    check(&found)?;
    table::delete(tx, id).await?;
    Ok(Event::new("phone_number.delete", id))
}

/// Lets nobody else make numbers meanwhile.
pub(super) async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    tx.lock("phone numbers").await
}

fn taken(error: StoreError) -> Problem {
    if error.is_taken("number") { Problem::taken("/number") } else { error.into() }
}
