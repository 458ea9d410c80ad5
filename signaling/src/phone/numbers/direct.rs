// SPDX-License-Identifier: EUPL-1.2
//! Numbers that lead to one meeting or permanent room alone, as the operator's software sets it. Everything is judged and written
//! down as over the REST API. A number that leads nowhere alone is there still: it leads to an attendant, who asks for a conference
//! number.

use serde_json::{Map, Value};
use store::{StoreError, Tx};

use super::model::PhoneNumber;
use super::of_trunk::in_one_form;
use super::{changes, table};
use crate::api::body::Patch;
use crate::api::ids::PhoneNumberId;
use crate::api::problem::{Code, Problem};
use crate::app::App;
use crate::phone::operator::keep;

/// A number that leads to one meeting or permanent room alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirectNumber {
    pub(crate) id: PhoneNumberId,
    pub(crate) number: String,
    pub(crate) name: String,
    /// The only trunk by which it can be called.
    pub(crate) trunk_id: Option<String>,
    /// The conference number of where it leads.
    pub(crate) conference_id: String,
}

impl DirectNumber {
    fn of(number: &PhoneNumber) -> Option<Self> {
        let input = &number.input;
        Some(Self {
            id: number.id,
            number: input.number.clone(),
            name: input.name.clone(),
            trunk_id: input.trunk_id.clone(),
            conference_id: input.direct.clone()?,
        })
    }

    /// Whether it is written like that.
    pub(crate) fn is(&self, number: &str) -> bool {
        self.number == in_one_form(number)
    }
}

/// All of them, by id.
pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<DirectNumber>, StoreError> {
    Ok(table::direct(tx).await?.iter().filter_map(DirectNumber::of).collect())
}

/// Has a number that led nowhere alone become what a merge patch says. It is the only one that is written like that and can be
/// called by that trunk alone; one of both is enough where it says which number is meant.
pub(crate) async fn lead(
    app: &App,
    number: Option<&str>,
    trunk: Option<&str>,
    patch: Map<String, Value>,
) -> Result<DirectNumber, Problem> {
    if number.is_none() && trunk.is_none() {
        return Err(Problem::field("/numbers", "required"));
    }
    let mut tx = app.store.write().await?;
    let written = number.map(in_one_form);
    let found = table::like(&mut tx, written.as_deref(), trunk).await?;
    let id = match found.as_slice() {
        [only] => *only,
        [] => return Err(Problem::field("/numbers", "unknown-reference")),
        _ if number.is_none() => return Err(Problem::field("/numbers", "required")),
        _ => return Err(Problem::field("/trunk_ids", "required")),
    };
    let patched = |found: &PhoneNumber| {
        if found.input.direct.is_some() {
            return Err(Problem::taken("/numbers"));
        }
        Patch::of(patch).apply(app, &found.input)
    };
    let (number, event) = changes::update(&mut tx, id, patched).await?;
    let shown = DirectNumber::of(&number).ok_or(Code::Internal)?;
    keep(tx, &[event]).await?;
    Ok(shown)
}

/// Changes one of them by a merge patch, which `change` makes in view of it.
pub(crate) async fn change(
    app: &App,
    id: PhoneNumberId,
    change: impl FnOnce(&DirectNumber) -> Result<Map<String, Value>, Problem>,
) -> Result<DirectNumber, Problem> {
    let mut tx = app.store.write().await?;
    let patched = |found: &PhoneNumber| {
        let known = DirectNumber::of(found).ok_or(Code::NotFound)?;
        Patch::of(change(&known)?).apply(app, &found.input)
    };
    let (number, event) = changes::update(&mut tx, id, patched).await?;
    let shown = DirectNumber::of(&number).ok_or(Code::Internal)?;
    keep(tx, &[event]).await?;
    Ok(shown)
}

/// Has a number lead nowhere alone any more. Returns it as it was.
pub(crate) async fn release(app: &App, id: PhoneNumberId) -> Result<DirectNumber, Problem> {
    let mut tx = app.store.write().await?;
    let mut released = None;
    let patched = |found: &PhoneNumber| {
        released = Some(DirectNumber::of(found).ok_or(Code::NotFound)?);
        let nowhere = Map::from_iter([("direct".to_owned(), Value::Null)]);
        Patch::of(nowhere).apply(app, &found.input)
    };
    let (_, event) = changes::update(&mut tx, id, patched).await?;
    keep(tx, &[event]).await?;
    Ok(released.ok_or(Code::Internal)?)
}
