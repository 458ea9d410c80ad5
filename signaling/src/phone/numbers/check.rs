// SPDX-License-Identifier: EUPL-1.2
//! What is wrong with a number in ways that a schema does not say.

use store::{Single, Tx, sql};

use super::model::{PhoneNumber, PhoneNumberInput};
use crate::api::ids::TenantId;
use crate::api::problem::{Invalid, Problem};
use crate::meetings::{permanent_rooms, table};
use crate::phone::caller_number::{DialPlan, E164};
use crate::phone::trunks;

/// What numbers look like that everybody can call.
const EXAMPLE: &str = "+4930123456";

/// The input in the form in which it is stored. `found` is the number as it is.
pub(super) async fn checked(
    tx: &mut Tx,
    mut input: PhoneNumberInput,
    found: Option<&PhoneNumber>,
) -> Result<PhoneNumberInput, Problem> {
    let mut invalid = Invalid::default();
    match stored_form(&input.number) {
        Some(number) if number.is_empty() => invalid.add("/number", "required"),
        // Nobody outside could call it.
        Some(number) if input.is_shown && !number.starts_with('+') => {
            invalid.add_with("/number", "wrong-format", EXAMPLE);
        }
        Some(number) => input.number = number,
        None => invalid.add_with("/number", "wrong-format", EXAMPLE),
    }
    if input.is_shown && input.direct.is_some() {
        // Invitations to other meetings would lead there.
        invalid.add_with("/is_shown", "contradiction", "direct");
    }
    for (index, language) in input.languages.iter().enumerate() {
        if input.languages[..index].contains(language) {
            invalid.add(format!("/languages/{index}"), "repeated");
        }
    }
    if let Some(trunk) = &input.trunk_id
        && !trunks::is_there(tx, trunk).await?
    {
        invalid.add("/trunk_id", "unknown-reference");
    }
    check_tenants(tx, &input, &mut invalid).await?;
    let is_as_before =
        found.is_some_and(|found| (&found.input.direct, &found.input.tenants) == (&input.direct, &input.tenants));
    if let Some(direct) = &input.direct
        && !is_as_before
        && !leads_somewhere(tx, direct, input.tenants.as_deref()).await?
    {
        invalid.add("/direct", "unknown-reference");
    }
    invalid.finish()?;
    if let Some(tenants) = &mut input.tenants {
        tenants.sort_unstable();
    }
    Ok(input)
}

/// The form in which a number is stored: that of E.164 where it begins with a plus, else as it is written. `None`: it begins with
/// one and is no number.
pub(super) fn stored_form(number: &str) -> Option<String> {
    let number = number.trim();
    if number.starts_with('+') {
        E164::read(number, &DialPlan::default()).map(|number| number.as_str().to_owned())
    } else {
        Some(number.to_owned())
    }
}

async fn check_tenants(tx: &mut Tx, input: &PhoneNumberInput, invalid: &mut Invalid) -> Result<(), Problem> {
    let Some(tenants) = input.tenants.as_deref().filter(|tenants| !tenants.is_empty()) else { return Ok(()) };
    let mut select = sql("SELECT id FROM tenants");
    select.push_list(" WHERE id IN ", tenants.iter().copied());
    let known: Vec<Single<TenantId>> = tx.all(select).await?;
    for (index, tenant) in tenants.iter().enumerate() {
        if tenants[..index].contains(tenant) {
            invalid.add(format!("/tenants/{index}"), "repeated");
        } else if !known.contains(&Single(*tenant)) {
            invalid.add(format!("/tenants/{index}"), "unknown-reference");
        }
    }
    Ok(())
}

/// Whether there is a meeting or a room with that conference number, of a tenant that the number serves.
async fn leads_somewhere(tx: &mut Tx, direct: &str, tenants: Option<&[TenantId]>) -> Result<bool, Problem> {
    let tenant = match table::by_conference_id(tx, direct).await? {
        Some(meeting) => Some(meeting.tenant_id),
        None => permanent_rooms::table::by_conference_id(tx, direct).await?.map(|room| room.tenant_id),
    };
    Ok(tenant.is_some_and(|tenant| tenants.is_none_or(|tenants| tenants.contains(&tenant))))
}
