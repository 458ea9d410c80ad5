// SPDX-License-Identifier: EUPL-1.2
//! Software made for LiveKit makes, changes and removes trunks. What it does is what the REST API would do, with what follows for
//! the bridge and the audit log.

use std::sync::Arc;

use bus::phone::{TrunkList, TrunkTransport};
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use super::{administrator, call, refused};
use crate::identity::installation::Installation;
use crate::support::hall::Text;
use crate::support::{Token, soon};

const PASSWORD: &str = "hush, says the provider";

/// What a bridge is told next that is as wanted.
async fn told(saal: &Installation, is_wanted: impl FnMut(&TrunkList) -> bool) -> TrunkList {
    let mut list = saal.server.trunks.list.clone();
    let told = soon(list.wait_for(is_wanted)).await.expect("somebody tells");
    Arc::clone(&told)
}

/// All that the audit log says of details.
async fn audit(saal: &Installation) -> String {
    let mut tx = saal.server.database.store.read().await.expect("a transaction");
    let rows: Vec<Text> = tx.all(sql("SELECT details AS text FROM audit_events")).await.expect("rows");
    rows.into_iter().map(|row| row.0).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn inbound_trunks_are_made_told_changed_and_removed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (token, mut said) = (administrator(), String::new());
        let mut ask = async |method: &str, request: Value| {
            let answer = call(&saal.server, method, &token, request).await;
            said.push_str(answer.text());
            answer
        };
        let trunk = json!({ "name": "Provider Süd", "numbers": ["+49 30 90001"], "allowedAddresses": ["192.0.2.7/24"],
            "authUsername": "caller", "authPassword": PASSWORD, "mediaEncryption": "SIP_MEDIA_ENCRYPT_ALLOW" });
        let made = ask("CreateSIPInboundTrunk", json!({ "trunk": trunk })).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let shown = json!({ "sipTrunkId": "provider-sued", "name": "Provider Süd", "numbers": ["+493090001"],
            "allowedAddresses": ["192.0.2.0/24"], "authUsername": "caller" });
        assert_eq!(made.json(), shown);
        assert_eq!(ask("ListSIPInboundTrunk", json!({})).await.json()["items"], json!([shown]));
        let list = told(&saal, |list| !list.is_empty()).await;
        let callers = list[0].caller_credentials.clone().expect("credentials");
        assert_eq!((callers.username.as_str(), callers.password.as_str()), ("caller", PASSWORD));
        let numbers = saal.get(&saal.root(), "/phone/numbers").await.json();
        assert_eq!(numbers["items"][0]["trunk_id"], "provider-sued");

        let update = json!({ "name": "Provider", "numbers": { "add": ["115", "+49 (30) 90001"] },
            "allowedAddresses": { "add": ["198.51.100.1"], "remove": ["192.0.2.9/24"] } });
        let update = json!({ "sipTrunkId": "provider-sued", "update": update });
        let changed = ask("UpdateSIPInboundTrunk", update).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let shown = json!({ "sipTrunkId": "provider-sued", "name": "Provider", "numbers": ["+493090001", "115"],
            "allowedAddresses": ["198.51.100.1/32"], "authUsername": "caller" });
        assert_eq!(changed.json(), shown);
        let list = told(&saal, |list| list[0].networks[0].to_string() == "198.51.100.1/32").await;
        assert_eq!(list[0].caller_credentials.as_ref().expect("credentials").password.as_str(), PASSWORD, "it stays");
        // What LiveKit's message does not have stays as it is, too.
        let limited = saal.patch(&saal.root(), "/phone/trunks/provider-sued", &json!({ "max_calls": 3 })).await;
        assert_eq!(limited.status, 200, "{}", limited.text());
        let whole = json!({ "name": "Provider", "numbers": ["115"], "allowedAddresses": ["192.0.2.1"] });
        let replaced = ask("UpdateSIPInboundTrunk", json!({ "sipTrunkId": "provider-sued", "replace": whole })).await;
        let shown = json!({ "sipTrunkId": "provider-sued", "name": "Provider", "numbers": ["115"],
            "allowedAddresses": ["192.0.2.1/32"] });
        assert_eq!((replaced.status, replaced.json()), (200, shown));
        let list = told(&saal, |list| list[0].caller_credentials.is_none()).await;
        assert_eq!(list[0].max_calls, Some(3));

        let gone = json!({ "sipTrunkId": "provider-sued" });
        let kept = ask("DeleteSIPTrunk", gone.clone()).await;
        assert_eq!(refused(&kept), (412, "failed_precondition".to_owned()), "a number needs it");
        let clear = json!({ "sipTrunkId": "provider-sued", "update": { "numbers": { "clear": true } } });
        assert_eq!(ask("UpdateSIPInboundTrunk", clear.clone()).await.status, 200);
        let removed = ask("DeleteSIPTrunk", gone.clone()).await;
        assert_eq!((removed.status, &removed.json()["sipTrunkId"]), (200, &json!("provider-sued")));
        told(&saal, |list| list.is_empty()).await;
        for (method, request) in [("DeleteSIPTrunk", gone), ("UpdateSIPInboundTrunk", clear)] {
            assert_eq!(refused(&ask(method, request).await), (404, "not_found".to_owned()), "{method}");
        }

        let audit = audit(&saal).await;
        assert!(!said.contains("hush") && !audit.contains("hush"), "a password is in answers or in the audit log");
        let events = saal.events().await;
        let count = |action: &str| events.iter().filter(|(known, ..)| known == action).count();
        let counts =
            ["phone_trunk.create", "phone_trunk.delete", "phone_number.create", "phone_number.delete"].map(count);
        assert_eq!(counts, [1, 1, 2, 2], "{events:?}");
        assert!(audit.contains(r#"["name","networks"]"#), "{audit}");
    }
}

#[tokio::test]
async fn outbound_trunks_are_made_told_and_changed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let token = administrator();
        let ask = async |method: &str, request: Value| call(&saal.server, method, &token, request).await;
        let trunk = json!({ "name": "Out", "address": "SIP.example.org:5061", "transport": "SIP_TRANSPORT_TLS",
            "numbers": ["+4930900"], "authUsername": "4930900", "authPassword": PASSWORD,
            "media": { "encryption": "SIP_MEDIA_ENCRYPT_REQUIRE" } });
        let made = ask("CreateSIPOutboundTrunk", json!({ "trunk": trunk })).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let mut shown = json!({ "sipTrunkId": "out", "name": "Out", "address": "sip.example.org:5061",
            "transport": "SIP_TRANSPORT_TLS", "numbers": ["+4930900"], "authUsername": "4930900" });
        assert_eq!(made.json(), shown);
        let list = told(&saal, |list| !list.is_empty()).await;
        assert_eq!(list[0].credentials.as_ref().expect("credentials").password.as_str(), PASSWORD);
        assert_eq!(list[0].destinations[0].transport, TrunkTransport::Tls);

        // Where it has more than LiveKit's trunks, that stays.
        let more = json!({ "outgoing": { "number_format": "national" }, "destinations": [
            { "host": "sip.example.org", "port": 5061, "transport": "tls" },
            { "host": "second.example.org", "transport": "tls" }] });
        let more = saal.patch(&saal.root(), "/phone/trunks/out", &more).await;
        assert_eq!(more.status, 200, "{}", more.text());
        let update = json!({ "sipTrunkId": "out", "update": { "address": "192.0.2.1", "transport": "SIP_TRANSPORT_TCP",
            "numbers": { "set": ["+4930901"] } } });
        let changed = ask("UpdateSIPOutboundTrunk", update).await;
        (shown["address"], shown["transport"]) = (json!("192.0.2.1"), json!("SIP_TRANSPORT_TCP"));
        shown["numbers"] = json!(["+4930901"]);
        assert_eq!((changed.status, &changed.json()), (200, &shown));
        let stored = saal.get(&saal.root(), "/phone/trunks/out").await.json();
        assert_eq!(stored["outgoing"], json!({ "from": "+4930901", "number_format": "national" }));
        assert_eq!(stored["destinations"][1]["host"], "second.example.org");
        assert_eq!(stored["has_password"], true, "it stays");

        // One by which nobody is called becomes one when a message says all of it.
        let trunk = json!({ "name": "In", "allowedAddresses": ["198.51.100.1"] });
        assert_eq!(ask("CreateSIPInboundTrunk", json!({ "trunk": trunk })).await.status, 200);
        let name = json!({ "sipTrunkId": "in", "update": { "name": "Both" } });
        assert_eq!(refused(&ask("UpdateSIPOutboundTrunk", name).await), (404, "not_found".to_owned()));
        let whole = json!({ "name": "Both", "address": "sip.example.com" });
        let replaced = ask("UpdateSIPOutboundTrunk", json!({ "sipTrunkId": "in", "replace": whole })).await;
        let shown = json!({ "sipTrunkId": "in", "name": "Both", "address": "sip.example.com",
            "transport": "SIP_TRANSPORT_UDP" });
        assert_eq!((replaced.status, replaced.json()), (200, shown));
        let both = ask("ListSIPInboundTrunk", json!({ "trunkIds": ["in"] })).await.json();
        assert_eq!(both["items"][0]["allowedAddresses"], json!(["198.51.100.1/32"]));
    }
}

#[tokio::test]
async fn what_trunks_cannot_have_is_refused_by_its_field() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let token = administrator();
    let message = async |method: &str, request: &Value| {
        let answer = call(&saal.server, method, &token, request.clone()).await;
        assert_eq!(refused(&answer), (400, "invalid_argument".to_owned()), "{request}: {}", answer.text());
        answer.json()["msg"].as_str().unwrap_or_default().to_owned()
    };
    let good = json!({ "name": "In", "allowedAddresses": ["192.0.2.1"] });
    for (field, differs) in [
        ("allowed_addresses", json!({ "allowedAddresses": [] })),
        ("allowed_addresses", json!({ "allowedAddresses": ["192.0.2.0/33"] })),
        ("name", json!({ "name": "" })),
        ("numbers", json!({ "numbers": ["+4930"] })),
        ("numbers", json!({ "numbers": ["+493090001", "+49 30 90001"] })),
        ("auth_password", json!({ "authUsername": "a" })),
        ("auth_username", json!({ "authPassword": PASSWORD })),
        ("allowed_numbers", json!({ "allowedNumbers": ["+493090002"] })),
        ("auth_realm", json!({ "authRealm": "example.org" })),
        ("metadata", json!({ "metadata": "{}" })),
        ("headers", json!({ "headers": { "X-A": "b" } })),
        ("headers_to_attributes", json!({ "headersToAttributes": { "X-A": "b" } })),
        ("attributes_to_headers", json!({ "attributesToHeaders": { "a": "X-B" } })),
        ("include_headers", json!({ "includeHeaders": "SIP_ALL_HEADERS" })),
        ("ringing_timeout", json!({ "ringingTimeout": "10s" })),
        ("max_call_duration", json!({ "maxCallDuration": "10s" })),
        ("krisp_enabled", json!({ "krispEnabled": true })),
        ("media_encryption", json!({ "mediaEncryption": "SIP_MEDIA_ENCRYPT_REQUIRE" })),
        ("media_encryption", json!({ "media": { "encryption": "SIP_MEDIA_ENCRYPT_DISABLE" } })),
        ("media.codecs", json!({ "media": { "onlyListedCodecs": true } })),
    ] {
        let mut trunk = good.clone();
        trunk.as_object_mut().expect("an object").extend(differs.as_object().expect("an object").clone());
        let message = message("CreateSIPInboundTrunk", &json!({ "trunk": trunk })).await;
        assert!(message.starts_with(&format!("{field}: ")), "{differs}: {message}");
        assert!(!message.contains("hush"), "{message}");
    }
    let good = json!({ "name": "Out", "address": "sip.example.org" });
    for (field, differs) in [
        ("address", json!({ "address": "" })),
        ("address", json!({ "address": "sip:provider" })),
        ("address", json!({ "address": "192.0.2.256" })),
        ("numbers", json!({ "numbers": ["+4930900", "+4930901"] })),
        ("numbers", json!({ "numbers": ["030900"] })),
        ("auth_password", json!({ "authUsername": "a" })),
        ("metadata", json!({ "metadata": "{}" })),
        ("destination_country", json!({ "destinationCountry": "DE" })),
        ("from_host", json!({ "fromHost": "example.org" })),
        ("headers", json!({ "headers": { "X-A": "b" } })),
        ("media_encryption", json!({ "mediaEncryption": "SIP_MEDIA_ENCRYPT_REQUIRE" })),
    ] {
        let mut trunk = good.clone();
        trunk.as_object_mut().expect("an object").extend(differs.as_object().expect("an object").clone());
        let message = message("CreateSIPOutboundTrunk", &json!({ "trunk": trunk })).await;
        assert!(message.starts_with(&format!("{field}: ")), "{differs}: {message}");
    }
    for method in ["CreateSIPInboundTrunk", "CreateSIPOutboundTrunk", "UpdateSIPInboundTrunk", "UpdateSIPOutboundTrunk"]
    {
        message(method, &json!({})).await;
    }
    let listed = saal.get(&saal.root(), "/phone/trunks").await.json();
    assert_eq!(listed["items"], json!([]), "nothing is half made");
    let numbers = saal.get(&saal.root(), "/phone/numbers").await.json();
    assert_eq!(numbers["items"], json!([]));
}

#[tokio::test]
async fn nobody_administers_telephones_without_the_grant() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let tenant = saal.first_tenant().await;
    let software = json!({ "name": "of a tenant", "scopes": ["phone:read", "phone:admin"] });
    let software = saal.made(&saal.root(), &format!("/api_tokens?tenant_id={tenant}"), &software).await;
    let software = format!("Bearer {}", software["token"].as_str().expect("a token"));
    let trunk = json!({ "trunk": { "name": "In", "allowedAddresses": ["192.0.2.1"] } });
    for method in [
        "CreateSIPInboundTrunk",
        "CreateSIPOutboundTrunk",
        "UpdateSIPInboundTrunk",
        "UpdateSIPOutboundTrunk",
        "DeleteSIPTrunk",
        "ListSIPDispatchRule",
        "CreateSIPDispatchRule",
        "UpdateSIPDispatchRule",
        "DeleteSIPDispatchRule",
    ] {
        let request = if method == "CreateSIPInboundTrunk" { trunk.clone() } else { json!({}) };
        for weak in [Token::admin("room"), Token::admin("room").with("sip", json!({ "call": true }))] {
            let answer = call(&saal.server, method, &weak, request.clone()).await;
            assert_eq!(refused(&answer), (401, "unauthenticated".to_owned()), "{method}");
        }
        let headers = [("authorization", software.as_str()), ("content-type", "application/json")];
        let path = format!("POST /twirp/livekit.SIP/{method}");
        let answer = saal.server.request(&path, &headers, request.to_string().as_bytes()).await;
        assert_eq!(answer.status, 401, "{method}: a tenant's token is no API key");
    }
    assert_eq!(saal.get(&saal.root(), "/phone/trunks").await.json()["items"], json!([]));
}
