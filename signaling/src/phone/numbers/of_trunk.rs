// SPDX-License-Identifier: EUPL-1.2
//! The numbers that can be called by one trunk alone, where other software says with the trunk which these are.

use serde_json::json;
use store::Tx;

use super::check::stored_form;
use super::{changes, table};
use crate::api::body::Patch;
use crate::api::ids::PhoneNumberId;
use crate::api::problem::Problem;
use crate::app::App;
use crate::phone::list_change::ListChange;
use crate::records::audit::Event;

/// Longest name of a number.
const MAX_NAME_CHARS: usize = 100;

/// Changes which they are, and adds the events that say so. Returns them as they are then: the oldest first. Those that are new lead
/// to all tenants' meetings by their conference numbers; those that go out are removed.
pub(in crate::phone) async fn change_of_trunk(
    app: &App,
    tx: &mut Tx,
    trunk: &str,
    change: ListChange,
    events: &mut Vec<Event>,
) -> Result<Vec<String>, Problem> {
    changes::lock(tx).await?;
    let known = table::of_trunk(tx, trunk).await?;
    let current: Vec<String> = known.iter().map(|(_, number)| number.clone()).collect();
    let Some(wanted) = change.applied(current.clone(), in_one_form) else { return Ok(current) };
    let mut listed: Vec<String> = Vec::with_capacity(wanted.len());
    for (index, number) in wanted.iter().enumerate() {
        let number = in_one_form(number);
        if number.is_empty() || listed.contains(&number) {
            let why = if number.is_empty() { "required" } else { "repeated" };
            return Err(Problem::field(format!("/numbers/{index}"), why));
        }
        listed.push(number);
    }
    let gone: Vec<PhoneNumberId> =
        known.into_iter().filter(|(_, number)| !listed.contains(number)).map(|(id, _)| id).collect();
    // Before others come in: together they may be too many.
    for id in gone {
        events.push(changes::remove(tx, id, |_| Ok(())).await?);
    }
    listed.retain(|number| !current.contains(number));
    for number in listed {
        // What it is called is not said, and nobody reads it before it is shown.
        let name: String = number.chars().take(MAX_NAME_CHARS).collect();
        let parts = [("number", json!(number)), ("name", json!(name)), ("trunk_id", json!(trunk))];
        let new = parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (_, event) = changes::create(tx, Patch::of(new).whole(app)?).await?;
        events.push(event);
    }
    Ok(table::of_trunk(tx, trunk).await?.into_iter().map(|(_, number)| number).collect())
}

/// A number in the form in which it is stored; as it is where it will not be.
pub(super) fn in_one_form(number: &str) -> String {
    stored_form(number).unwrap_or_else(|| number.trim().to_owned())
}
