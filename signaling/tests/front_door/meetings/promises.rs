// SPDX-License-Identifier: EUPL-1.2
//! What a tenant and its policies promise holds, or is refused.

use std::collections::BTreeSet;

use serde_json::json;
use store::sql;
use store::testing::TestStore;

use super::{Api, errors, monday, weekly};
use crate::support::client::join_request;
use crate::support::hall::{CODE, HOST, Hall, INVITEE, code};
use crate::support::{Client, Token};

const SECOND: &str = "0190c0de-0000-7000-8000-000000000002";
const SECOND_CODE: &str = "ZbCdEfGhIjKlMnOpQrStUv";

#[tokio::test]
async fn nobody_is_promised_what_nobody_can_do_yet() {
    for database in TestStore::both().await {
        let api = Api::on(database).await;
        let refused = |pointer: &str| (422, BTreeSet::from([(pointer.to_owned(), "not-there-yet".to_owned())]));
        for encryption in ["optional", "required"] {
            let rules = json!({ "e2ee": encryption });
            let policy = api.ask("POST /policies", &[], Some(&json!({ "name": "x", "rules": rules }))).await;
            assert_eq!((policy.status, errors(&policy)), refused("/rules/e2ee"));
            let mut meeting = weekly();
            meeting["policy_overrides"] = rules.clone();
            let meeting = api.ask("POST /meetings", &[], Some(&meeting)).await;
            assert_eq!((meeting.status, errors(&meeting)), refused("/policy_overrides/e2ee"));
        }
        let policy = api.make("/policies", &json!({ "name": "x", "rules": { "e2ee": "off" } })).await;
        let path = format!("PATCH /policies/{}", policy["id"].as_str().expect("an id"));
        let changed = api.change(&path, &json!(1), &json!({ "rules": { "e2ee": "required" } })).await;
        assert_eq!((changed.status, errors(&changed)), refused("/rules/e2ee"));
        let made = api.make("/meetings", &weekly()).await;
        let first = monday().format("%Y%m%dT%H%M%SZ");
        let path = format!("PATCH /meetings/{}/occurrences/{first}", made["id"].as_str().expect("an id"));
        let changed = api.change(&path, &json!(1), &json!({ "policy_overrides": { "e2ee": "required" } })).await;
        assert_eq!((changed.status, errors(&changed)), refused("/policy_overrides/e2ee"));
    }
}

#[tokio::test]
async fn a_tenants_limit_holds_over_all_its_meetings() {
    for database in TestStore::both().await {
        let rules = json!({ "lobby": "off", "guests": "link", "join_before_host": true });
        let hall = Hall::on(database, rules.clone()).await;
        hall.add_meeting(SECOND, SECOND_CODE, "987654321", rules).await;
        let mut tx = hall.server.database.store.write().await.expect("a transaction");
        let settings = json!({ "limits": { "max_concurrent_participants": 2 } });
        tx.execute(sql("UPDATE tenants SET settings = $1").bind(&settings)).await.expect("done");
        tx.commit().await.expect("stored");
        let (_client, host) = hall.come(HOST).await;
        // Who serves takes no place, as with a meeting's own limit.
        let recorder = Token::join(&format!("meeting-{}", host.session), "recorder").granting("recorder", json!(true));
        let _recorder = Client::join_with(&hall.server, &recorder, &join_request()).await;
        let beside =
            async |path: &str| hall.ask(&format!("POST /join/{path}"), None, None, Some(json!({ "name": "G" }))).await;
        let second = beside(SECOND_CODE).await;
        let _second = hall.enter(&second).await;
        assert_eq!(code(&beside(SECOND_CODE).await), (409, "meeting-full".into()), "one here and one there");
        assert_eq!(code(&beside(CODE).await), (409, "meeting-full".into()));
        let invited = json!({ "invitation": hall.invitation(INVITEE).await });
        assert_eq!(code(&hall.knock(None, invited).await), (409, "meeting-full".into()));
    }
}
