// SPDX-License-Identifier: EUPL-1.2
//! Making, changing and removing trunks for the operator's software, together with the numbers that can be called by one alone.
//! Everything is judged, sealed and written down as over the REST API ([`changes`]).

use serde_json::{Map, Value, json};

use super::changes;
use super::model::StoredTrunk;
use super::overview::TrunkOverview;
use crate::api::body::Patch;
use crate::api::problem::Problem;
use crate::app::App;
use crate::phone::list_change::ListChange;
use crate::phone::numbers;
use crate::phone::operator::keep;

/// What is to become of a trunk.
pub(crate) struct TrunkChange {
    /// A merge patch (RFC 7396) of what the REST API shows.
    pub(crate) patch: Map<String, Value>,
    /// Which numbers can be called by it alone.
    pub(crate) numbers: ListChange,
}

/// Makes a trunk, which is used at once.
pub(crate) async fn create(app: &App, new: TrunkChange) -> Result<TrunkOverview, Problem> {
    let TrunkChange { patch, numbers } = new;
    let input = Patch::of(patch).whole(app)?;
    let mut tx = app.store.write().await?;
    let (trunk, event) = changes::create(&app.installation, &mut tx, input).await?;
    let mut events = vec![event];
    let numbers = numbers::change_of_trunk(app, &mut tx, &trunk.id, numbers, &mut events).await?;
    keep(tx, &events).await?;
    app.phone.trunks.changed.notify_one();
    Ok(TrunkOverview::of(numbers, trunk))
}

/// Changes a trunk as `change` says, which sees it as the REST API shows it. Calls go on.
pub(crate) async fn change(
    app: &App,
    id: &str,
    change: impl FnOnce(&Value) -> Result<TrunkChange, Problem>,
) -> Result<TrunkOverview, Problem> {
    let mut tx = app.store.write().await?;
    let mut numbers = ListChange::None;
    let patched = |found: &StoredTrunk| {
        let change = change(&json!(found.input))?;
        numbers = change.numbers;
        Patch::of(change.patch).apply(app, &found.input)
    };
    let (trunk, event) = changes::update(&app.installation, &mut tx, id, patched).await?;
    let mut events = vec![event];
    let numbers = numbers::change_of_trunk(app, &mut tx, id, numbers, &mut events).await?;
    keep(tx, &events).await?;
    app.phone.trunks.changed.notify_one();
    Ok(TrunkOverview::of(numbers, trunk))
}

/// Removes a trunk, whose calls go on to their ends. Numbers that can be called by it alone go first. Returns it as it was.
pub(crate) async fn remove(app: &App, id: &str) -> Result<TrunkOverview, Problem> {
    let mut tx = app.store.write().await?;
    let (trunk, event) = changes::remove(&mut tx, id, |_| Ok(())).await?;
    keep(tx, &[event]).await?;
    app.phone.trunks.changed.notify_one();
    Ok(TrunkOverview::of(Vec::new(), trunk))
}
