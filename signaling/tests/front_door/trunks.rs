// SPDX-License-Identifier: EUPL-1.2
//! Trunks and numbers: who looks after the installation makes and changes them, the bridge hears of it at once, and calls find
//! their way by what is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{
    CallTerms, Decline, DestinationState, PhoneNotice, RegistrationState, TrunkList, TrunkState, TrunkTransport,
};
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use crate::api::header;
use crate::identity::installation::{Installation, Shows};
use crate::meetings::errors;
use crate::support::hall::Text;
use crate::support::phone::{NUMBER, Phone, TRUNK};
use crate::support::soon;

const PASSWORD: &str = "hush, says the provider";
const CALLERS_PASSWORD: &str = "hush, says the caller";
const ANOTHER: &str = "hush, says somebody else";

/// A provider with everything that one can have.
fn provider() -> Value {
    json!({
        "name": "Provider Süd",
        "networks": ["192.0.2.7/24"],
        "caller_credentials": { "username": "caller", "password": CALLERS_PASSWORD },
        "trusts_caller_ids": true,
        "dial_plan": { "area": "30" },
        "destinations": [{ "host": "sip.example.org", "port": 5061, "transport": "tls" }],
        "credentials": { "username": "4930900", "password": PASSWORD },
        "registration": { "domain": "example.org", "user": "4930900", "expires_seconds": 600 },
        "keep_alive_seconds": 30,
        "max_calls": 20,
    })
}

/// What a bridge is told next that is as wanted.
async fn told(saal: &Installation, is_wanted: impl FnMut(&TrunkList) -> bool) -> TrunkList {
    let mut list = saal.server.trunks.list.clone();
    let told = soon(list.wait_for(is_wanted)).await.expect("somebody tells");
    Arc::clone(&told)
}

/// All that a column says, one row after the other.
async fn texts(saal: &Installation, select: &'static str) -> String {
    let mut tx = saal.server.database.store.read().await.expect("a transaction");
    let rows: Vec<Text> = tx.all(sql(select)).await.expect("rows");
    rows.into_iter().map(|row| row.0).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_trunk_is_made_told_shown_with_how_it_is_changed_and_removed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let root = saal.root();
        let key = [("idempotency-key", "a")];
        let made = saal.ask(&root, "POST /phone/trunks", &key, Some(&provider())).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(header(&made, "location"), Some("/api/v1/phone/trunks/provider-sued"));
        let trunk = made.json();
        assert_eq!((&trunk["id"], &trunk["networks"]), (&json!("provider-sued"), &json!(["192.0.2.0/24"])));
        assert_eq!((&trunk["has_password"], &trunk["has_caller_password"]), (&json!(true), &json!(true)));
        assert_eq!((&trunk["credentials"], &trunk["status"]), (&json!({ "username": "4930900" }), &Value::Null));
        let again = saal.ask(&root, "POST /phone/trunks", &key, Some(&provider())).await;
        assert_eq!((again.status, &again.json()), (201, &trunk), "a request that is repeated makes no other");

        let list = told(&saal, |list| !list.is_empty()).await;
        let [config] = &list[..] else { panic!("{list:?}") };
        assert_eq!((config.id.as_str(), config.networks[0].to_string().as_str()), ("provider-sued", "192.0.2.0/24"));
        let [own, callers] = [&config.credentials, &config.caller_credentials].map(|one| one.clone().expect("one"));
        assert_eq!((own.username.as_str(), own.password.as_str()), ("4930900", PASSWORD));
        assert_eq!((callers.username.as_str(), callers.password.as_str()), ("caller", CALLERS_PASSWORD));
        let destination = &config.destinations[0];
        assert_eq!((destination.port, destination.transport), (Some(5061), TrunkTransport::Tls));
        let registration = config.registration.clone().expect("one");
        assert_eq!(
            (registration.expires, config.keep_alive),
            (Duration::from_secs(600), Some(Duration::from_secs(30)))
        );
        assert_eq!((config.vouches_for_callers, config.max_calls), (true, Some(20)));

        let path = "/phone/trunks/provider-sued";
        let before = saal.get(&root, path).await;
        let state = TrunkState {
            registration: Some(RegistrationState::Failed { status: Some(403) }),
            destinations: vec![DestinationState::Reachable],
            calls: 2,
        };
        saal.server.trunks.states.send_replace(Arc::new(BTreeMap::from([("provider-sued".to_owned(), state)])));
        let known = [("if-none-match", header(&before, "etag").expect("a tag"))];
        let shown = saal.ask(&root, &format!("GET {path}"), &known, None).await;
        let status = json!({ "registration": { "state": "failed", "answer": 403 }, "destinations": ["reachable"],
            "calls": 2 });
        assert_eq!((shown.status, &shown.json()["status"]), (200, &status));
        let listed = saal.get(&root, "/phone/trunks").await.json();
        assert_eq!(listed["items"][0]["status"], status);

        let change = json!({ "max_calls": 3 });
        assert_eq!(saal.ask(&root, &format!("PATCH {path}"), &[], Some(&change)).await.status, 428);
        let tag = header(&shown, "etag").expect("a tag").to_owned();
        let by_tag = [("if-match", tag.as_str())];
        let changed = saal.ask(&root, &format!("PATCH {path}"), &by_tag, Some(&change)).await;
        assert_eq!((changed.status, &changed.json()["revision"]), (200, &json!(2)), "{}", changed.text());
        assert_eq!(saal.ask(&root, &format!("PATCH {path}"), &by_tag, Some(&change)).await.status, 412);
        let list = told(&saal, |list| list[0].max_calls == Some(3)).await;
        assert_eq!(list[0].credentials.as_ref().expect("one").password.as_str(), PASSWORD, "it stays");
        let mut whole = provider();
        whole["credentials"] = json!({ "username": "another" });
        whole["caller_credentials"] = json!({ "username": "caller", "password": ANOTHER });
        let replaced = saal.ask(&root, &format!("PUT {path}"), &[("if-match", "*")], Some(&whole)).await;
        assert_eq!(replaced.status, 200, "{}", replaced.text());
        let list = told(&saal, |list| list[0].max_calls == Some(20)).await;
        let [own, callers] = [&list[0].credentials, &list[0].caller_credentials].map(|one| one.clone().expect("one"));
        assert_eq!((own.username.as_str(), own.password.as_str()), ("another", PASSWORD));
        assert_eq!(callers.password.as_str(), ANOTHER);
        let off = saal.patch(&root, path, &json!({ "is_enabled": false, "credentials": null })).await;
        assert_eq!((&off.json()["status"], &off.json()["has_password"]), (&Value::Null, &json!(false)));
        told(&saal, |list| list.is_empty()).await;

        let number = json!({ "number": "115", "name": "Office", "trunk_id": "provider-sued" });
        let number = saal.made(&root, "/phone/numbers", &number).await;
        let any = [("if-match", "*")];
        assert_eq!(saal.ask(&root, &format!("DELETE {path}"), &any, None).await.status, 409, "a number needs it");
        let number = format!("DELETE /phone/numbers/{}", number["id"].as_str().expect("an id"));
        assert_eq!(saal.ask(&root, &number, &any, None).await.status, 204);
        assert_eq!(saal.ask(&root, &format!("DELETE {path}"), &any, None).await.status, 204);
        assert_eq!(saal.get(&root, path).await.status, 404);

        let answers =
            [&made, &again, &before, &shown, &changed, &replaced, &off].map(|answer| answer.text().to_owned());
        let kept = texts(&saal, "SELECT body AS text FROM idempotency_keys WHERE body IS NOT NULL").await;
        let audit = texts(&saal, "SELECT details AS text FROM audit_events").await;
        for (text, what) in [(answers.concat(), "answers"), (kept, "kept answers"), (audit.clone(), "the audit log")] {
            assert!(!text.is_empty() && !text.contains("hush"), "a password is in {what}");
        }
        assert!(audit.contains(r#"["caller_credentials","credentials","max_calls"]"#), "{audit}");
        let events = saal.events().await;
        for action in ["phone_trunk.create", "phone_trunk.update", "phone_trunk.delete", "phone_number.create"] {
            assert!(events.iter().any(|(known, ..)| known == action), "{action} is missing in {events:?}");
        }
    }
}

#[tokio::test]
async fn passwords_are_stored_sealed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        saal.made(&saal.root(), "/phone/trunks", &provider()).await;
        let mut tx = saal.server.database.store.read().await.expect("a transaction");
        for select in ["SELECT password FROM phone_trunks", "SELECT caller_password FROM phone_trunks"] {
            let store::Single(sealed): store::Single<Vec<u8>> = tx.one(sql(select)).await.expect("a password");
            assert!(sealed.len() > PASSWORD.len().min(CALLERS_PASSWORD.len()));
            assert!(!sealed.windows(4).any(|part| part == b"hush"), "{select}");
        }
    }
}

#[tokio::test]
async fn tenants_see_their_numbers_and_change_nothing() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
    let root = saal.root();
    saal.made(&root, "/phone/trunks", &provider()).await;
    let number = async |number: &str, tenants: Value| {
        let mut body = json!({ "number": number, "name": "Office", "trunk_id": "provider-sued" });
        if !tenants.is_null() {
            body["tenants"] = tenants;
        }
        saal.made(&root, "/phone/numbers", &body).await["id"].as_str().expect("an id").to_owned()
    };
    let everybodys = number("+493090001", Value::Null).await;
    let shared = number("+493090002", json!([own, other])).await;
    let others = number("+493090003", json!([other])).await;
    let nobodys = number("+493090004", json!([])).await;

    let admin = saal.browser(&own, "admin@example.org", "tenant_admin").await;
    let listed = saal.get(&admin, "/phone/numbers").await.json();
    let listed = listed["items"].as_array().expect("numbers");
    let ids: Vec<_> = listed.iter().map(|number| number["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, [everybodys.as_str(), shared.as_str()]);
    assert_eq!((&listed[0]["tenants"], &listed[1]["tenants"]), (&Value::Null, &json!([own])), "not who else has it");
    for (id, status) in [(&everybodys, 200), (&shared, 200), (&others, 404), (&nobodys, 404)] {
        assert_eq!(saal.get(&admin, &format!("/phone/numbers/{id}")).await.status, status);
    }
    let organizer = saal.browser(&own, "organizer@example.org", "organizer").await;
    assert_eq!(saal.get(&organizer, "/phone/numbers").await.status, 403);

    let software = json!({ "name": "of a tenant", "scopes": ["phone:read", "phone:admin"] });
    let software = saal.made(&root, &format!("/api_tokens?tenant_id={own}"), &software).await;
    let software = Shows::Token(software["token"].as_str().expect("a token").to_owned());
    let body = json!({ "number": "+493090009", "name": "Mine" });
    for shows in [&admin, &software] {
        for path in ["/phone/trunks", "/phone/trunks/provider-sued", "/phone/calls"] {
            let answer = saal.get(shows, path).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        }
        assert_eq!(saal.ask(shows, "POST /phone/trunks", &[], Some(&provider())).await.status, 403);
        assert_eq!(saal.ask(shows, "POST /phone/numbers", &[], Some(&body)).await.status, 403);
        assert_eq!(
            saal.patch(shows, &format!("/phone/numbers/{shared}"), &json!({ "name": "Mine" })).await.status,
            403
        );
    }
    let system = saal.browser(&own, "system@example.org", "system_admin").await;
    assert_eq!(saal.get(&system, "/phone/trunks").await.json()["items"].as_array().expect("trunks").len(), 1);
    assert_eq!(saal.get(&system, "/phone/numbers").await.json()["items"].as_array().expect("numbers").len(), 4);

    let gone = saal.ask(&root, &format!("DELETE /tenants/{other}"), &[("if-match", "*")], None).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    let left = saal.get(&root, &format!("/phone/numbers/{others}")).await.json();
    assert_eq!(left["tenants"], json!([]), "a number of a tenant that is gone is nobody's, not everybody's");
}

#[tokio::test]
async fn what_cannot_work_is_refused_by_its_place() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let root = saal.root();
    saal.made(&root, "/phone/trunks", &provider()).await;
    saal.made(&root, "/phone/numbers", &json!({ "number": "+49 (30) 90001", "name": "Office" })).await;
    let refused = async |path: &str, body: &Value| {
        let answer = saal.ask(&root, &format!("POST {path}"), &[], Some(body)).await;
        (answer.status, errors(&answer))
    };
    let one = |pointer: &str, code: &str| BTreeSet::from([(pointer.to_owned(), code.to_owned())]);
    let destination = |host: &str, port: u32| json!([{ "host": host, "port": port, "transport": "udp" }]);
    for (body, pointer, code) in [
        (json!({ "networks": ["192.0.2.0/64"] }), "/networks/0", "wrong-format"),
        (json!({ "networks": ["192.0.2.9/24"] }), "/networks/0", "contradiction"),
        (json!({ "destinations": destination("sip.example.org:5060", 5060) }), "/destinations/0/host", "wrong-format"),
        (json!({ "destinations": destination("sip.example.org", 70_000) }), "/destinations/0/port", "too-large"),
        (
            json!({ "networks": ["198.51.100.1"], "registration": { "domain": "example.org", "user": "a" } }),
            "/destinations",
            "required",
        ),
        (
            json!({ "destinations": destination("a.org", 5060), "caller_credentials": { "username": "a", "password": "b" } }),
            "/networks",
            "required",
        ),
        (json!({ "networks": ["198.51.100.1"], "id": "dev" }), "/id", "forbidden-value"),
        (json!({ "networks": ["198.51.100.1"], "id": "No Slug" }), "/id", "wrong-format"),
        (
            json!({ "networks": ["198.51.100.1"], "dial_plan": { "country": "049" } }),
            "/dial_plan/country",
            "wrong-format",
        ),
    ] {
        let mut whole = json!({ "name": "Another" });
        whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
        assert_eq!(refused("/phone/trunks", &whole).await, (422, one(pointer, code)), "{body}");
    }
    let taken = json!({ "name": "Another", "id": "provider-sued", "networks": ["198.51.100.1"] });
    assert_eq!(refused("/phone/trunks", &taken).await, (409, one("/id", "taken")));

    let nobody = "0190f3a0-0000-7000-8000-000000000000";
    for (body, pointer, code) in [
        (json!({ "number": "+4930" }), "/number", "wrong-format"),
        (json!({ "number": "115", "is_shown": true }), "/number", "wrong-format"),
        (json!({ "trunk_id": "nobody" }), "/trunk_id", "unknown-reference"),
        (json!({ "tenants": [nobody] }), "/tenants/0", "unknown-reference"),
        (json!({ "languages": ["de", "fr"] }), "/languages/1", "unknown-value"),
        (json!({ "languages": ["de", "de"] }), "/languages/1", "repeated"),
        (json!({ "direct": "4815162342" }), "/direct", "unknown-reference"),
    ] {
        let mut whole = json!({ "number": "+493090002", "name": "Another" });
        whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
        assert_eq!(refused("/phone/numbers", &whole).await, (422, one(pointer, code)), "{body}");
    }
    let taken = json!({ "number": "+493090001", "name": "Another" });
    assert_eq!(refused("/phone/numbers", &taken).await, (409, one("/number", "taken")));
    let of_a_trunk = json!({ "number": "+493090001", "name": "Another", "trunk_id": "provider-sued" });
    saal.made(&root, "/phone/numbers", &of_a_trunk).await;
    assert_eq!(refused("/phone/numbers", &of_a_trunk).await, (409, one("/number", "taken")));
}

#[tokio::test]
async fn calls_find_their_way_by_what_is_stored() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let root = saal.root();
        let first = async |called: &str| {
            let (_phone, notice) = Phone::call(&saal.server, called, "+4930222222").await;
            notice
        };
        let unknown = PhoneNotice::Declined(Decline::UnknownNumber);
        assert_eq!(first(NUMBER).await, unknown);
        let trunk =
            json!({ "id": TRUNK, "name": "Provider", "networks": ["192.0.2.1"], "dial_plan": { "area": "30" } });
        saal.made(&root, "/phone/trunks", &trunk).await;
        assert_eq!(first(NUMBER).await, unknown, "the trunk is known, the number is not");
        let number = json!({ "number": "+49 30 900", "name": "Berlin", "languages": ["en"] });
        let number = saal.made(&root, "/phone/numbers", &number).await;
        assert_eq!(number["number"], NUMBER);
        let english =
            PhoneNotice::Begun(CallTerms { languages: vec!["en".to_owned()], is_direct: false, tenant: None });
        for called in [NUMBER, "004930900", "030900"] {
            assert_eq!(first(called).await, english, "{called}");
        }
        let path = format!("/phone/numbers/{}", number["id"].as_str().expect("an id"));
        let changed = saal.patch(&root, &path, &json!({ "languages": [] })).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let both = CallTerms { languages: vec!["de".to_owned(), "en".to_owned()], is_direct: false, tenant: None };
        assert_eq!(first(NUMBER).await, PhoneNotice::Begun(both));
        let off = saal.patch(&root, &format!("/phone/trunks/{TRUNK}"), &json!({ "is_enabled": false })).await;
        assert_eq!(off.status, 200, "{}", off.text());
        assert_eq!(first(NUMBER).await, unknown, "nobody calls by a trunk that is off");
    }
}

#[tokio::test]
async fn meetings_show_the_numbers_that_lead_there_unless_the_tenant_names_its_own() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let root = saal.root();
        let number = async |number: &str, body: Value| {
            let mut whole = json!({ "number": number, "name": "Berlin", "is_shown": true });
            whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
            saal.made(&root, "/phone/numbers", &whole).await
        };
        number("+493090001", json!({ "languages": ["de"] })).await;
        number("+493090002", json!({ "tenants": [other] })).await;
        number("+493090003", json!({ "is_shown": false })).await;
        let off = json!({ "id": "off", "name": "Off", "networks": ["192.0.2.1"], "is_enabled": false });
        saal.made(&root, "/phone/trunks", &off).await;
        number("+493090004", json!({ "trunk_id": "off" })).await;
        let meeting = json!({ "title": "Budget", "type": "ad_hoc", "organizer": { "email": "o@example.org" } });
        let path = format!("/meetings?tenant_id={own}");
        let made = saal.made(&root, &path, &meeting).await;
        let shown = json!([{ "e164": "+493090001", "label": "Berlin", "language": "de" }]);
        assert_eq!(made["dial_in"]["numbers"], shown);
        assert!(made["dial_in"]["one_tap"].as_str().is_some_and(|link| link.starts_with("tel:+493090001,,")));
        let named = json!({ "dial_in": { "numbers": [{ "e164": "+4930555", "label": "Own" }] } });
        let changed = saal.patch(&root, &format!("/tenants/{own}"), &named).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let path = format!("/meetings/{}", made["id"].as_str().expect("an id"));
        let numbers = saal.get(&root, &path).await.json()["dial_in"]["numbers"].clone();
        assert_eq!(numbers, json!([{ "e164": "+4930555", "label": "Own" }]));
    }
}
