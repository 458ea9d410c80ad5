// SPDX-License-Identifier: EUPL-1.2
//! Where a call leads: by which trunk it came, and which number was called.

use store::{StoreError, Tx};

use super::caller_number::{DialPlan, E164};
use super::{Serves, Trunk, numbers, trunks};
use crate::api::language::Language;

/// The trunk of a developer's machine, which no administrator has to make.
pub(super) const DEV_TRUNK: &str = "dev";

/// What callers are asked where a number does not say: what there are prompts for, the usual one first.
const LANGUAGES: [Language; 2] = [Language::De, Language::En];

/// All trunks and numbers.
pub(crate) struct Lines {
    is_dev: bool,
}

/// A number that was called, and the trunk by which.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) trunk: Trunk,
    pub(super) serves: Serves,
    /// Language tags, the usual one first.
    pub(super) languages: Vec<String>,
    /// The conference number of the one meeting or room that it leads to.
    pub(super) direct: Option<String>,
}

impl Lines {
    pub(crate) const fn new(is_dev: bool) -> Self {
        Self { is_dev }
    }

    /// Where a call leads. `None`: there is no such trunk, or nobody is to be reached by the number.
    pub(super) async fn find(&self, tx: &mut Tx, trunk: &str, called: &str) -> Result<Option<Called>, StoreError> {
        let Some(trunk) = self.trunk(tx, trunk).await? else { return Ok(None) };
        let meant = E164::read(called, &trunk.dial_plan);
        let found = numbers::called(tx, &trunk.id, called, meant.as_ref().map(E164::as_str)).await?;
        let Some(found) = found else {
            // A developer calls whatever number there is.
            let anything = Called { trunk, serves: Serves::All, languages: tags(&LANGUAGES), direct: None };
            return Ok(Some(anything).filter(|called| self.is_dev && called.trunk.id == DEV_TRUNK));
        };
        let languages = if found.languages.is_empty() { &LANGUAGES } else { found.languages.as_slice() };
        Ok(Some(Called { trunk, serves: found.serves, languages: tags(languages), direct: found.direct }))
    }

    async fn trunk(&self, tx: &mut Tx, id: &str) -> Result<Option<Trunk>, StoreError> {
        let dev = || Trunk { id: id.to_owned(), trusts_caller_ids: true, dial_plan: DialPlan::default() };
        let found = trunks::calling(tx, id).await?;
        Ok(found.or_else(|| (self.is_dev && id == DEV_TRUNK).then(dev)))
    }
}

fn tags(languages: &[Language]) -> Vec<String> {
    languages.iter().map(|language| language.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::{PhoneNumberId, TenantId};
    use crate::records::everywhere::tenant;
    use serde_json::{Value, json};
    use store::testing::TestStore;

    /// A number that all tenants' meetings are reached by, unless something else is said.
    fn number(number: &str, differs: Value) -> (&'static str, Value) {
        let mut row = json!({ "id": PhoneNumberId::new(), "number": number, "is_for_all": true, "languages": "[]" });
        for (name, value) in differs.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        ("phone_numbers", row)
    }

    async fn database(database: &TestStore) -> TenantId {
        let tenant = tenant(&database.store).await;
        let plan = json!({ "area": "30" }).to_string();
        let trunk = |id: &str, is_enabled: bool| {
            let row = json!({ "id": id, "is_enabled": is_enabled, "networks": "[]", "dial_plan": plan, "destinations": "[]" });
            ("phone_trunks", row)
        };
        let id = PhoneNumberId::new();
        let rows = [
            trunk("provider", true),
            trunk("exchange", true),
            trunk("off", false),
            number("+493090000", json!({ "is_for_all": false })),
            number("115", json!({ "direct": "1234567890", "languages": "[\"en\"]" })),
            number("+493091", json!({ "id": id, "is_for_all": false })),
            number("+493091", json!({ "trunk_id": "exchange", "direct": "123456789" })),
            ("phone_number_tenants", json!({ "number_id": id, "tenant_id": tenant })),
        ];
        database.insert_all(rows).await;
        tenant
    }

    #[tokio::test]
    async fn a_call_leads_where_its_number_says_and_strange_ones_lead_nowhere() {
        for test in TestStore::both().await {
            let tenant = database(&test).await;
            let mut tx = test.store.read().await.expect("a transaction");
            let lines = Lines::new(false);
            for called in ["+493090000", "004930-90000", "03090000"] {
                let found = lines.find(&mut tx, "provider", called).await.expect("the database").expect("a number");
                assert_eq!((found.serves, found.direct), (Serves::Tenants(vec![]), None), "{called}: nobody's");
                assert_eq!((found.languages, found.trunk.trusts_caller_ids), (tags(&LANGUAGES), false));
            }
            let found = lines.find(&mut tx, "provider", "115").await.expect("the database").expect("a number");
            assert_eq!((found.serves, found.direct.as_deref()), (Serves::All, Some("1234567890")));
            assert_eq!(found.languages, ["en"]);
            let found = lines.find(&mut tx, "provider", "03091").await.expect("the database").expect("a number");
            assert_eq!((found.serves, found.direct), (Serves::Tenants(vec![tenant]), None));
            let found = lines.find(&mut tx, "exchange", "03091").await.expect("the database").expect("a number");
            assert_eq!(found.direct.as_deref(), Some("123456789"), "what is said of that trunk");
            for (trunk, called) in
                [("provider", "+493092"), ("provider", ""), ("dev", "115"), ("", "115"), ("off", "115")]
            {
                assert!(lines.find(&mut tx, trunk, called).await.expect("the database").is_none(), "{trunk} {called}");
            }
            let dev = Lines::new(true);
            let found = dev.find(&mut tx, "dev", "anything").await.expect("the database").expect("a number");
            assert_eq!((found.serves, found.trunk.trusts_caller_ids), (Serves::All, true));
            let found = dev.find(&mut tx, "dev", "115").await.expect("the database").expect("a number");
            assert_eq!(found.languages, ["en"], "what is known of a number holds there, too");
            assert!(dev.find(&mut tx, "provider", "anything").await.expect("the database").is_none());
        }
    }
}
