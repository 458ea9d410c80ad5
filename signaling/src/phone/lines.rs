// SPDX-License-Identifier: EUPL-1.2
//! Which trunks and which numbers there are, and where each number leads. They are in the settings; nobody else needs to know
//! that.

use store::{StoreError, Tx};

use super::caller_number::{DialPlan, E164};
use super::{Serves, Trunk};
use crate::config::{Config, NumberRules, TrunkRules};
use crate::identity::tenants;

/// The trunk of a developer's machine.
const DEV_TRUNK: &str = "dev";

/// What callers are asked where a number does not say: what there are prompts for, the usual one first.
const LANGUAGES: [&str; 2] = ["de", "en"];

/// All trunks and numbers.
pub(crate) struct Lines {
    trunks: Vec<TrunkRules>,
    numbers: Vec<NumberRules>,
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
    pub(crate) fn new(config: &Config) -> Self {
        let (trunks, numbers) = (config.phone.trunks.clone(), config.phone.numbers.clone());
        Self { trunks, numbers, is_dev: config.dev }
    }

    /// Where a call leads. `None`: there is no such trunk, or nobody is to be reached by the number.
    pub(super) async fn find(&self, tx: &mut Tx, trunk: &str, called: &str) -> Result<Option<Called>, StoreError> {
        let Some(trunk) = self.trunk(trunk) else { return Ok(None) };
        let Some(rules) = self.number(&trunk.dial_plan, called) else {
            // A developer calls whatever number there is.
            let anything = Called { trunk, serves: Serves::All, languages: usual_languages(), direct: None };
            return Ok(Some(anything).filter(|called| self.is_dev && called.trunk.id == DEV_TRUNK));
        };
        let serves = match rules.tenants.as_slice() {
            [] => Serves::All,
            named => {
                let mut tenants = Vec::new();
                for name in named {
                    tenants.extend(tenants::named(tx, Some(name)).await?);
                }
                Serves::Tenants(tenants)
            }
        };
        let languages = if rules.languages.is_empty() { usual_languages() } else { rules.languages.clone() };
        Ok(Some(Called { trunk, serves, languages, direct: rules.direct.clone() }))
    }

    fn trunk(&self, id: &str) -> Option<Trunk> {
        if let Some(rules) = self.trunks.iter().find(|trunk| trunk.id == id) {
            let TrunkRules { id, trusts_caller_ids, dial_plan } = rules.clone();
            return Some(Trunk { id, trusts_caller_ids, dial_plan });
        }
        let dev = || Trunk { id: id.to_owned(), trusts_caller_ids: true, dial_plan: DialPlan::default() };
        (self.is_dev && id == DEV_TRUNK).then(dev)
    }

    /// The rules of a number: written as in the settings, or the same number by the trunk's dial plan.
    fn number(&self, plan: &DialPlan, called: &str) -> Option<&NumberRules> {
        let read = E164::read(called, plan);
        let is_it = |rules: &&NumberRules| {
            rules.number == called || (read.is_some() && E164::read(&rules.number, plan) == read)
        };
        self.numbers.iter().find(is_it)
    }
}

fn usual_languages() -> Vec<String> {
    LANGUAGES.map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::everywhere::tenant;
    use store::testing::TestStore;

    fn number(number: &str, tenants: &[&str]) -> NumberRules {
        let tenants = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
        NumberRules { number: number.to_owned(), tenants, ..NumberRules::default() }
    }

    #[tokio::test]
    async fn a_call_leads_where_its_number_says_and_strange_ones_lead_nowhere() {
        let database = TestStore::sqlite().await;
        let tenant = tenant(&database.store).await;
        let mut config = Config::default();
        let plan = DialPlan { area: Some("30".to_owned()), ..DialPlan::default() };
        config.phone.trunks = vec![TrunkRules { id: "provider".to_owned(), trusts_caller_ids: false, dial_plan: plan }];
        let direct = NumberRules {
            direct: Some("123456789".to_owned()),
            languages: vec!["en".to_owned()],
            ..number("115", &[])
        };
        config.phone.numbers =
            vec![number("+49 30 90000", &["nobody"]), direct, number("+493091", &[&tenant.to_string()])];
        let mut tx = database.store.read().await.expect("a transaction");
        let lines = Lines::new(&config);
        for called in ["+493090000", "004930-90000", "03090000"] {
            let found = lines.find(&mut tx, "provider", called).await.expect("the database").expect("a number");
            assert_eq!((found.serves, found.direct), (Serves::Tenants(vec![]), None), "{called}: no such tenant");
            assert_eq!((found.languages, found.trunk.trusts_caller_ids), (usual_languages(), false));
        }
        let found = lines.find(&mut tx, "provider", "115").await.expect("the database").expect("a number");
        assert_eq!((found.serves, found.direct.as_deref()), (Serves::All, Some("123456789")));
        assert_eq!(found.languages, ["en"]);
        let found = lines.find(&mut tx, "provider", "+493091").await.expect("the database").expect("a number");
        assert_eq!(found.serves, Serves::Tenants(vec![tenant]));
        for (trunk, called) in [("provider", "+493092"), ("provider", ""), ("dev", "115"), ("", "115")] {
            assert!(lines.find(&mut tx, trunk, called).await.expect("the database").is_none(), "{trunk} {called}");
        }
        let dev = Lines::new(&Config { dev: true, ..config });
        let found = dev.find(&mut tx, "dev", "anything").await.expect("the database").expect("a number");
        assert_eq!((found.serves, found.trunk.trusts_caller_ids), (Serves::All, true));
        assert!(dev.find(&mut tx, "provider", "anything").await.expect("the database").is_none());
    }
}
