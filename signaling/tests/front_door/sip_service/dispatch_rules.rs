// SPDX-License-Identifier: EUPL-1.2
//! Software made for LiveKit says where numbers lead: to one meeting, or to an attendant again.

use bus::phone::PhoneNotice;
use serde_json::{Value, json};
use store::testing::TestStore;

use super::{administrator, call, refused};
use crate::identity::installation::Installation;
use crate::support::phone::{NUMBER, Phone, TRUNK};

/// Whether callers are led straight to a meeting.
async fn is_direct(saal: &Installation) -> bool {
    match Phone::call(&saal.server, NUMBER, "+4930222222").await {
        (_, PhoneNotice::Begun(terms)) => terms.is_direct,
        (_, notice) => panic!("{notice:?}"),
    }
}

/// The conference number of a new meeting.
async fn meeting(saal: &Installation) -> String {
    let tenant = saal.first_tenant().await;
    let meeting = json!({ "title": "Budget", "type": "ad_hoc", "organizer": { "email": "o@example.org" } });
    let made = saal.made(&saal.root(), &format!("/meetings?tenant_id={tenant}"), &meeting).await;
    made["dial_in"]["conference_id"].as_str().expect("a number").to_owned()
}

fn direct(conference_id: &str) -> Value {
    json!({ "dispatchRuleDirect": { "roomName": conference_id } })
}

#[tokio::test]
async fn a_rule_leads_a_number_to_a_meeting_until_it_is_removed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let token = administrator();
        let ask = async |method: &str, request: Value| call(&saal.server, method, &token, request).await;
        let trunk = json!({ "name": TRUNK, "numbers": [NUMBER], "allowedAddresses": ["192.0.2.1"] });
        let trunk = ask("CreateSIPInboundTrunk", json!({ "trunk": trunk })).await;
        assert_eq!(trunk.json()["sipTrunkId"], TRUNK, "{}", trunk.text());
        assert!(!is_direct(&saal).await);
        let (first, second) = (meeting(&saal).await, meeting(&saal).await);

        let rule = json!({ "name": "Budget", "trunkIds": [TRUNK], "rule": direct(&first) });
        let made = ask("CreateSIPDispatchRule", json!({ "dispatchRule": rule })).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let number = saal.get(&saal.root(), "/phone/numbers").await.json()["items"][0].clone();
        let mut shown = json!({ "sipDispatchRuleId": number["id"], "name": "Budget", "trunkIds": [TRUNK],
            "numbers": [NUMBER], "rule": direct(&first) });
        assert_eq!((&made.json(), &number["direct"]), (&shown, &json!(first)));
        assert!(is_direct(&saal).await);
        // In the older form of the request.
        let again = json!({ "trunkIds": [TRUNK], "rule": direct(&second) });
        let again = ask("CreateSIPDispatchRule", again).await;
        assert_eq!(refused(&again), (409, "already_exists".to_owned()), "{}", again.text());

        let rules = async |request: Value| ask("ListSIPDispatchRule", request).await.json()["items"].clone();
        assert_eq!(rules(json!({})).await, json!([shown]));
        assert_eq!(rules(json!({ "trunkIds": [TRUNK] })).await, json!([shown]));
        assert_eq!(rules(json!({ "trunkIds": ["another"] })).await, Value::Null);
        assert_eq!(rules(json!({ "dispatchRuleIds": ["another"] })).await, Value::Null);

        let id = number["id"].clone();
        let change = async |form: &str, rule: Value| {
            let mut request = json!({ "sipDispatchRuleId": id });
            request[form] = rule;
            ask("UpdateSIPDispatchRule", request).await
        };
        let updated = change("update", json!({ "name": "Office" })).await;
        shown["name"] = json!("Office");
        assert_eq!((updated.status, &updated.json()), (200, &shown));
        let replaced = change("replace", json!({ "rule": direct(&second), "numbers": ["+49 30 900"] })).await;
        shown["rule"] = direct(&second);
        assert_eq!((replaced.status, &replaced.json()), (200, &shown), "what is not said of a number stays");
        let elsewhere = change("update", json!({ "trunkIds": { "set": ["another"] } })).await;
        assert_eq!(refused(&elsewhere), (400, "invalid_argument".to_owned()), "{}", elsewhere.text());

        let gone = json!({ "sipDispatchRuleId": id });
        let removed = ask("DeleteSIPDispatchRule", gone.clone()).await;
        assert_eq!((removed.status, &removed.json()), (200, &shown));
        assert!(!is_direct(&saal).await, "the number is there still");
        assert_eq!(refused(&ask("DeleteSIPDispatchRule", gone).await), (404, "not_found".to_owned()));
        assert_eq!(refused(&change("update", json!({ "name": "A" })).await), (404, "not_found".to_owned()));
        assert_eq!(rules(json!({})).await, Value::Null);
        let events = saal.events().await;
        let updates = events.iter().filter(|(action, ..)| action == "phone_number.update").count();
        assert_eq!(updates, 4, "{events:?}");
    }
}

#[tokio::test]
async fn what_rules_cannot_say_is_refused() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let token = administrator();
    let ask = async |method: &str, request: Value| call(&saal.server, method, &token, request).await;
    let trunk = json!({ "name": TRUNK, "numbers": [NUMBER, "115"], "allowedAddresses": ["192.0.2.1"] });
    assert_eq!(ask("CreateSIPInboundTrunk", json!({ "trunk": trunk })).await.status, 200);
    let conference_id = meeting(&saal).await;
    let room = "rule.dispatch_rule_direct.room_name";
    for (field, differs) in [
        ("numbers", json!({ "numbers": [] })),
        ("numbers", json!({ "numbers": ["116"] })),
        ("numbers", json!({ "numbers": [NUMBER, "115"] })),
        ("numbers", json!({ "trunkIds": [], "numbers": [] })),
        ("trunk_ids", json!({ "trunkIds": [TRUNK, "another"] })),
        ("rule", json!({ "rule": {} })),
        (room, json!({ "rule": direct("demo") })),
        (room, json!({ "rule": direct("meeting-0190c0de-0000-7000-8000-000000000001") })),
        (room, json!({ "rule": direct("123") })),
        (room, json!({ "rule": direct("1234567890") })),
        (
            "rule.dispatch_rule_direct.pin",
            json!({ "rule": { "dispatchRuleDirect": { "roomName": conference_id, "pin": "1" } } }),
        ),
        ("hide_phone_number", json!({ "hidePhoneNumber": true })),
        ("inbound_numbers", json!({ "inboundNumbers": ["+4930222222"] })),
        ("metadata", json!({ "metadata": "{}" })),
        ("attributes", json!({ "attributes": { "a": "b" } })),
        ("room_preset", json!({ "roomPreset": "a" })),
        ("room_config", json!({ "roomConfig": {} })),
        ("krisp_enabled", json!({ "krispEnabled": true })),
        ("media", json!({ "media": {} })),
    ] {
        let mut rule = json!({ "trunkIds": [TRUNK], "numbers": [NUMBER], "rule": direct(&conference_id) });
        rule.as_object_mut().expect("an object").extend(differs.as_object().expect("an object").clone());
        let answer = ask("CreateSIPDispatchRule", json!({ "dispatchRule": rule })).await;
        assert_eq!(refused(&answer), (400, "invalid_argument".to_owned()), "{differs}: {}", answer.text());
        let message = answer.json()["msg"].as_str().unwrap_or_default().to_owned();
        assert!(message.starts_with(&format!("{field}: ")), "{differs}: {message}");
    }
    for rule in ["dispatchRuleIndividual", "dispatchRuleCallee"] {
        let mut other = json!({ "rule": {}, "trunkIds": [TRUNK] });
        other["rule"][rule] = json!({ "roomPrefix": "call" });
        let answer = ask("CreateSIPDispatchRule", json!({ "dispatchRule": other })).await;
        assert_eq!(refused(&answer), (501, "unimplemented".to_owned()));
        assert!(answer.text().contains("attendant"), "it says what there is instead");
    }
    let rules = ask("ListSIPDispatchRule", json!({})).await;
    assert_eq!(rules.json()["items"], Value::Null, "nothing leads anywhere");
}
