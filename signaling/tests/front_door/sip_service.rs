// SPDX-License-Identifier: EUPL-1.2
//! LiveKit's SIP service over HTTP: telephones are called into meetings, callers are connected elsewhere, trunks are listed. The test is
//! the bridge.

mod dispatch_rules;
mod trunks;

use bus::phone::{NotReachedReason, PhoneNotice, PhoneRequest};
use serde_json::{Value, json};
use store::testing::TestStore;

use crate::dial_out::{ANSWERED, AS_DIALLED, NUMBER, Scene, come_in, nothing, told};
use crate::support::phone::Phone;
use crate::support::server::{Answer, config};
use crate::support::{Server, Token};

/// Calls a method.
async fn call(server: &Server, method: &str, token: &Token, request: Value) -> Answer {
    let authorization = format!("Bearer {}", token.sign());
    let headers = [("authorization", &*authorization), ("content-type", "application/json")];
    server.request(&format!("POST /twirp/livekit.SIP/{method}"), &headers, request.to_string().as_bytes()).await
}

/// The status and Twirp's code of an error.
fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

fn room(scene: &Scene) -> String {
    format!("meeting-{}", scene.host.session)
}

/// Software that may call, and administers that room.
fn software(room: &str) -> Token {
    Token::admin(room).with("sip", json!({ "call": true }))
}

/// Software that may administer telephones.
fn administrator() -> Token {
    Token::admin("room").with("sip", json!({ "admin": true }))
}

#[tokio::test]
async fn software_calls_a_telephone_into_a_meeting_and_connects_it_elsewhere() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let (server, room) = (&scene.hall.server, room(&scene));
        let token = software(&room);
        let wish = json!({ "roomName": room, "sipCallTo": format!("tel:{NUMBER}"), "participantName": "Ada" });
        let made = call(server, "CreateSIPParticipant", &token, wish).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let made = made.json();
        assert!(made["sipCallId"].as_str().is_some_and(|id| !id.is_empty()), "{made}");
        let (mut phone, order) = Phone::called(server).await;
        assert_eq!((order.trunk.as_str(), order.to.as_str()), ("provider", AS_DIALLED));
        phone.progress(ANSWERED).await;
        come_in(&mut phone).await;
        let people = scene.participants().await;
        let ada = people.iter().find(|person| person["identity"] == made["participantIdentity"]).expect("somebody");
        assert_eq!((&ada["kind"], &ada["name"]), (&json!("phone"), &json!("Ada")));

        let elsewhere = json!({ "roomName": room, "participantIdentity": made["participantIdentity"],
            "transferTo": "tel:+49 89 7654321" });
        for (result, expected) in [(Err(Some(486)), 503), (Ok(()), 200)] {
            let transfer = call(server, "TransferSIPParticipant", &token, elsewhere.clone());
            let bridge = async {
                assert_eq!(told(&mut phone).await, PhoneNotice::Transfer { to: "0897654321".to_owned() });
                phone.ask(PhoneRequest::TransferEnded(result)).await;
            };
            assert_eq!(scene.minutes().await, ["10"], "what came to nothing counts for nothing");
            let (answer, ()) = tokio::join!(transfer, bridge);
            assert_eq!(answer.status, expected, "{}", answer.text());
        }
        assert_eq!(scene.minutes().await, ["10", "120"], "nobody says how long they talk elsewhere");
        for per_day in [0, 249] {
            scene.set("dial_out", json!({ "is_enabled": true, "minutes_per_day": per_day })).await;
            let answer = call(server, "TransferSIPParticipant", &token, elsewhere.clone()).await;
            assert_eq!(refused(&answer), (412, "failed_precondition".to_owned()), "{}", answer.text());
        }
        scene.set("dial_out", json!({ "is_enabled": true })).await;
        // The caller hangs up before anything is known.
        let transfer = call(server, "TransferSIPParticipant", &token, elsewhere.clone());
        let bridge = async {
            assert_eq!(told(&mut phone).await, PhoneNotice::Transfer { to: "0897654321".to_owned() });
            drop(phone);
        };
        let (answer, ()) = tokio::join!(transfer, bridge);
        assert_eq!(refused(&answer), (503, "unavailable".to_owned()), "{}", answer.text());
        assert_eq!(scene.minutes().await.iter().filter(|minutes| *minutes == "120").count(), 2, "it may have worked");
        let events = scene.hall.events().await;
        assert_eq!(events.iter().filter(|event| *event == "phone_call.transfer").count(), 3, "{events:?}");
    }
}

#[tokio::test]
async fn who_waits_for_an_answer_hears_that_there_was_none() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let (server, room) = (&scene.hall.server, room(&scene));
        let wish = json!({ "roomName": room, "sipCallTo": NUMBER, "waitUntilAnswered": true });
        let token = software(&room);
        let asked = call(server, "CreateSIPParticipant", &token, wish.clone());
        let bridge = async {
            let (phone, _) = Phone::called(server).await;
            phone.progress(nothing(NotReachedReason::Busy, Some(486))).await;
        };
        let (answer, ()) = tokio::join!(asked, bridge);
        assert_eq!((refused(&answer), &answer.json()["msg"]), ((503, "unavailable".to_owned()), &json!("busy")));
        let asked = call(server, "CreateSIPParticipant", &token, wish);
        let bridge = async {
            let (phone, _) = Phone::called(server).await;
            phone.progress(ANSWERED).await;
            phone
        };
        let (answer, _phone) = tokio::join!(asked, bridge);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test]
async fn nobody_calls_without_the_grant_or_where_the_tenant_forbids_it() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let (server, room) = (&scene.hall.server, room(&scene));
        let wish = |number: &str| json!({ "roomName": room, "sipCallTo": number });
        for weak in [Token::admin(&room), Token::admin(&room).with("sip", json!({ "admin": true }))] {
            let answer = call(server, "CreateSIPParticipant", &weak, wish(NUMBER)).await;
            assert_eq!(refused(&answer), (401, "unauthenticated".to_owned()));
            let transfer = json!({ "roomName": room, "participantIdentity": "a", "transferTo": NUMBER });
            assert_eq!(call(server, "TransferSIPParticipant", &weak, transfer).await.status, 401);
        }
        let token = software(&room);
        for (request, expected) in [
            (wish("112"), (400, "invalid_argument")),
            (wish("+1 212 5550123"), (400, "invalid_argument")),
            (wish("sip:ada@example.org"), (400, "invalid_argument")),
            (json!({ "roomName": "demo", "sipCallTo": NUMBER }), (412, "failed_precondition")),
            (json!({ "roomName": room, "sipCallTo": NUMBER, "sipTrunkId": "other" }), (412, "failed_precondition")),
            (json!({ "roomName": room, "sipCallTo": NUMBER, "dtmf": "1" }), (501, "unimplemented")),
        ] {
            let answer = call(server, "CreateSIPParticipant", &token, request.clone()).await;
            assert_eq!(refused(&answer), (expected.0, expected.1.to_owned()), "{request}");
        }
        let transfer = json!({ "roomName": room, "participantIdentity": "nobody", "transferTo": NUMBER });
        let answer = call(server, "TransferSIPParticipant", &token, transfer.clone()).await;
        assert_eq!(refused(&answer), (404, "not_found".to_owned()));
        let elsewhere = software("another room");
        assert_eq!(call(server, "TransferSIPParticipant", &elsewhere, transfer).await.status, 401);
    }
}

#[tokio::test]
async fn trunks_are_listed() {
    let database = TestStore::sqlite().await;
    for (id, outgoing) in [("a-in", Value::Null), ("b-both", json!(json!({ "from": "+4930900" }).to_string()))] {
        let trunk = json!({ "id": id, "is_enabled": true, "networks": "[\"192.0.2.0/24\"]", "dial_plan": "{}",
            "destinations": json!([{ "host": "sip.example.org", "port": 5061, "transport": "tls" }]).to_string(),
            "outgoing": outgoing });
        database.insert("phone_trunks", trunk).await;
    }
    let server = Server::start_on(database, config()).await;
    let token = administrator();
    let ids = |answer: &Answer| -> Vec<String> {
        let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|trunk| trunk["sipTrunkId"].as_str().map(str::to_owned)).collect()
    };
    let inbound = call(&server, "ListSIPInboundTrunk", &token, json!({})).await;
    assert_eq!(ids(&inbound), ["a-in", "b-both"], "{}", inbound.text());
    let outbound = call(&server, "ListSIPOutboundTrunk", &token, json!({})).await;
    assert_eq!(ids(&outbound), ["b-both"], "{}", outbound.text());
    let trunk = &outbound.json()["items"][0];
    let shown = ["address", "transport", "numbers"].map(|name| trunk[name].clone());
    assert_eq!(shown, [json!("sip.example.org:5061"), json!("SIP_TRANSPORT_TLS"), json!(["+4930900"])]);
    let one = call(&server, "ListSIPInboundTrunk", &token, json!({ "page": { "afterId": "a-in", "limit": 1 } })).await;
    assert_eq!(ids(&one), ["b-both"]);
    for weak in [Token::admin("room"), Token::admin("room").with("sip", json!({ "call": true }))] {
        assert_eq!(call(&server, "ListSIPInboundTrunk", &weak, json!({})).await.status, 401);
    }
    for method in ["CreateSIPTrunk", "ListSIPTrunk"] {
        let answer = call(&server, method, &token, json!({})).await;
        assert_eq!(refused(&answer), (501, "unimplemented".to_owned()));
        assert!(answer.text().contains("/api/v1/phone/trunks"), "it says what there is instead");
    }
    assert_eq!(call(&server, "DeleteEverything", &token, json!({})).await.status, 404);
}
