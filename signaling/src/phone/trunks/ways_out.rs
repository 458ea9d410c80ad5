// SPDX-License-Identifier: EUPL-1.2
//! By which trunks we can call, and which of them is tried.

use std::cmp::Reverse;

use bus::phone::{DestinationState, RegistrationState, TrunkState, TrunkStates};
use store::{FromRow, Row, StoreError, Tx, sql};

use super::model::PhoneOutgoing;
use crate::phone::caller_number::{DialPlan, E164};
use crate::phone::number_format;

/// A trunk by which we can call.
#[derive(Clone, Debug)]
pub(in crate::phone) struct WayOut {
    pub(in crate::phone) id: String,
    pub(in crate::phone) dial_plan: DialPlan,
    outgoing: PhoneOutgoing,
}

impl FromRow for WayOut {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { id: row.get("id")?, dial_plan: row.json("dial_plan")?, outgoing: row.json("outgoing")? })
    }
}

impl WayOut {
    /// A number as the trunk takes it. `None`: it would take it for another one.
    pub(in crate::phone) fn written(&self, number: &E164) -> Option<String> {
        number_format::write(number, &self.dial_plan, self.outgoing.number_format)
    }

    /// Our number, if it is to be told, and as the trunk takes it.
    pub(in crate::phone) fn own_number(&self) -> Option<String> {
        let number = E164::read(self.outgoing.from.as_deref()?, &self.dial_plan)?;
        self.written(&number)
    }
}

/// The trunk by which to call; of several, one that seems to work, and of these the first by id. With `only`, that one or none.
pub(in crate::phone) async fn find(
    tx: &mut Tx,
    states: &TrunkStates,
    only: Option<&str>,
) -> Result<Option<WayOut>, StoreError> {
    let mut select = sql("SELECT id, dial_plan, outgoing FROM phone_trunks WHERE is_enabled AND outgoing IS NOT NULL");
    if let Some(id) = only {
        select.push_bound(" AND id = ", id);
    }
    select.push(" ORDER BY id");
    let found: Vec<WayOut> = tx.all(select).await?;
    // Of equals the first one is the least.
    Ok(found.into_iter().min_by_key(|trunk| Reverse(states.get(&trunk.id).is_none_or(seems_to_work))))
}

/// Whether nothing is known that speaks against it.
fn seems_to_work(state: &TrunkState) -> bool {
    let is_registered =
        !matches!(state.registration, Some(RegistrationState::Failed { .. } | RegistrationState::Trying));
    let is_reachable =
        |state: &DestinationState| matches!(state, DestinationState::Unknown | DestinationState::Reachable);
    is_registered && state.destinations.iter().any(is_reachable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use store::testing::TestStore;

    fn trunk(id: &str, is_enabled: bool, outgoing: Value) -> (&'static str, Value) {
        let outgoing = (!outgoing.is_null()).then(|| outgoing.to_string());
        let row = json!({ "id": id, "is_enabled": is_enabled, "networks": "[]", "dial_plan": "{}",
            "destinations": "[]", "outgoing": outgoing });
        ("phone_trunks", row)
    }

    fn state(registration: Option<RegistrationState>, destination: DestinationState) -> TrunkState {
        TrunkState { registration, destinations: vec![destination], calls: 0 }
    }

    #[tokio::test]
    async fn the_first_trunk_that_seems_to_work_is_tried() {
        let (failed, up) = (Some(RegistrationState::Failed { status: Some(403) }), DestinationState::Reachable);
        for test in TestStore::both().await {
            test.insert_all([
                trunk("a-off", false, json!({})),
                trunk("b-only-in", true, Value::Null),
                trunk("c", true, json!({ "from": "+4930900", "number_format": "national" })),
                trunk("d", true, json!({})),
            ])
            .await;
            let mut tx = test.store.read().await.expect("a transaction");
            let mut chosen = async |known: &[(&str, TrunkState)], only| {
                let states: BTreeMap<_, _> =
                    known.iter().map(|(id, state)| ((*id).to_owned(), state.clone())).collect();
                find(&mut tx, &Arc::new(states), only).await.expect("the database")
            };
            let first = chosen(&[], None).await.expect("a trunk");
            assert_eq!((first.id.as_str(), first.own_number().as_deref()), ("c", Some("030900")));
            let number = E164::read("+4312345678", &first.dial_plan).expect("a number");
            assert_eq!(first.written(&number).as_deref(), Some("004312345678"));
            let id = |found: Option<WayOut>| found.map(|trunk| trunk.id);
            for down in
                [state(failed, up), state(None, DestinationState::Unreachable), state(None, DestinationState::NotFound)]
            {
                assert_eq!(id(chosen(&[("c", down.clone())], None).await).as_deref(), Some("d"));
                let both = [("c", down.clone()), ("d", down)];
                assert_eq!(
                    id(chosen(&both, None).await).as_deref(),
                    Some("c"),
                    "one that may fail is better than none"
                );
            }
            let second = chosen(&[], Some("d")).await.expect("a trunk");
            assert_eq!((second.own_number(), second.written(&number).as_deref()), (None, Some("+4312345678")));
            for other in ["a-off", "b-only-in", "nothing"] {
                assert!(chosen(&[], Some(other)).await.is_none(), "{other}");
            }
        }
    }
}
