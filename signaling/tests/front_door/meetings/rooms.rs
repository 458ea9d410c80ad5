// SPDX-License-Identifier: EUPL-1.2
//! Permanent rooms: making, changing and removing them, their PINs and links, and the way in.

use serde_json::json;
use store::sql;
use store::testing::TestStore;

use crate::identity::installation::{Installation, Shows};

#[tokio::test]
async fn a_room_has_a_link_a_number_and_pins_that_can_be_renewed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let (tenant, other) = (saal.first_tenant().await, saal.tenant("other").await);
        let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
        let bob = saal.browser(&tenant, "bob@example.org", "organizer").await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let foreign = saal.browser(&other, "admin@example.com", "tenant_admin").await;
        let numbers = json!({ "dial_in": { "numbers": [{ "e164": "+4930555", "label": "Berlin" }] } });
        assert_eq!(saal.patch(&admin, &format!("/tenants/{tenant}"), &numbers).await.status, 200);
        let made = saal.made(&ann, "/rooms", &json!({ "name": "Council", "slug": "council" })).await;
        let path = format!("/rooms/{}", made["id"].as_str().expect("an id"));
        let dial_in = &made["dial_in"];
        let (number, pin) = (dial_in["conference_id"].as_str().expect("one"), dial_in["pin"].as_str().expect("one"));
        assert_eq!((number.len(), pin.len()), (10, 6));
        assert_eq!(dial_in["one_tap"], format!("tel:+4930555,,{number}%23,,{pin}%23"));
        // Who sees it: its owner and the administrators.
        for (who, expected) in [(&ann, 200), (&admin, 200), (&bob, 404), (&foreign, 404)] {
            assert_eq!(saal.get(who, &path).await.status, expected, "{who:?}");
            assert_eq!(saal.get(who, &format!("{path}/phone_pins")).await.status, expected, "{who:?}");
            let renewed = saal.ask(who, &format!("POST {path}/renew_link"), &[], None).await;
            assert_eq!(renewed.status, expected, "{who:?}");
            let patched = saal.patch(who, &path, &json!({ "name": "Council" })).await;
            assert_eq!(patched.status, expected, "{who:?}: {}", patched.text());
        }
        let list = async |who: &Shows| saal.get(who, "/rooms").await.json()["items"].as_array().map(Vec::len);
        assert_eq!((list(&ann).await, list(&bob).await, list(&admin).await), (Some(1), Some(0), Some(1)));
        let taken = saal.ask(&bob, "POST /rooms", &[], Some(&json!({ "name": "C", "slug": "council" }))).await;
        assert_eq!((taken.status, &taken.json()["errors"][0]["pointer"]), (409, &json!("/slug")));
        let given = saal.patch(&ann, &path, &json!({ "owner_id": "0190f3a0-0000-7000-8000-000000000000" })).await;
        assert_eq!(given.json()["errors"][0]["code"], "unknown-reference");
        // Its PINs and its link are renewed one by one. What somebody may have guessed is not what it is from then on.
        let mut tx = saal.server.database.store.write().await.expect("a transaction");
        tx.execute(sql("UPDATE phone_pins SET exposed_at = 0")).await.expect("noted");
        tx.commit().await.expect("kept");
        let pins = saal.get(&ann, &format!("{path}/phone_pins")).await.json()["items"].clone();
        let kinds: Vec<_> = pins.as_array().expect("PINs").iter().map(|pin| pin["kind"].clone()).collect();
        assert_eq!(kinds, [json!("room"), json!("host")]);
        assert_eq!(pins[0]["exposed_at"], "1970-01-01T00:00:00Z");
        let rotate = format!("POST /phone_pins/{}/rotate", pins[0]["id"].as_str().expect("an id"));
        assert_eq!(saal.ask(&bob, &rotate, &[], None).await.status, 404);
        let rotated = saal.ask(&ann, &rotate, &[], None).await.json();
        let before = saal.get(&ann, &path).await.json();
        assert_eq!(before["dial_in"]["pin"], rotated["pin"]);
        assert_ne!(rotated["pin"], pins[0]["pin"]);
        assert_eq!(rotated.get("exposed_at"), Some(&json!(null)));
        let renewed = saal.ask(&ann, &format!("POST {path}/renew_link"), &[], None).await.json();
        assert_ne!(renewed["join_url"], before["join_url"]);
        assert_eq!(renewed["dial_in"], before["dial_in"]);
        // The old link leads nowhere, the new one to the room, of which strangers learn no name.
        let code = |room: &serde_json::Value| {
            room["join_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a code").to_owned()
        };
        assert_eq!(saal.get(&ann, &format!("/join/{}", code(&before))).await.status, 404);
        let look = format!("/join/{}", code(&renewed));
        assert_eq!(saal.get(&ann, &look).await.json()["title"], "Council");
        assert_eq!(saal.get(&Shows::Nothing, &look).await.json()["title"], json!(null));
        // The owner comes in as its host, and it runs.
        let admitted = saal.ask(&ann, &format!("POST {look}"), &[], Some(&json!({}))).await;
        assert_eq!(admitted.status, 200, "{}", admitted.text());
        assert_eq!(admitted.json()["role"], "host");
        let session = saal
            .get(&ann, &format!("/meeting_sessions/{}", admitted.json()["session_id"].as_str().expect("one")))
            .await;
        assert_eq!((session.status, &session.json()["room_id"]), (200, &made["id"]), "{}", session.text());
        let colleague = saal.ask(&bob, &format!("POST {look}"), &[], Some(&json!({}))).await;
        assert!([200, 202].contains(&colleague.status), "{}", colleague.text());
        // Its end.
        let any = [("if-match", "*")];
        assert_eq!(saal.ask(&bob, &format!("DELETE {path}"), &any, None).await.status, 404);
        assert_eq!(saal.ask(&ann, &format!("DELETE {path}"), &[], None).await.status, 428);
        assert_eq!(saal.ask(&ann, &format!("DELETE {path}"), &any, None).await.status, 204);
        assert_eq!(saal.get(&ann, &path).await.status, 404);
        assert_eq!(saal.get(&ann, &look).await.status, 404);
        let actions: Vec<_> = saal.events().await.into_iter().map(|(action, _, _)| action).collect();
        for action in ["room.create", "room.update", "room.renew_link", "phone_pin.rotate", "room.delete"] {
            assert!(actions.iter().any(|known| known == action), "{action} is missing in {actions:?}");
        }
    }
}

#[tokio::test]
async fn a_meeting_takes_place_by_the_policy_of_its_room() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let policy = json!({ "name": "hearing", "rules": { "guests": "link" } });
        let policy = saal.made(&admin, "/policies", &policy).await["id"].clone();
        let room = json!({ "name": "Hearing", "slug": "hearing", "policy_id": policy });
        let room = saal.made(&ann, "/rooms", &room).await;
        let input = json!({ "title": "x", "type": "ad_hoc", "room_id": room["id"] });
        let meeting = saal.made(&ann, "/meetings", &input).await;
        let code = |thing: &serde_json::Value| {
            thing["join_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a code").to_owned()
        };
        for thing in [&room, &meeting] {
            let page = saal.get(&Shows::Nothing, &format!("/join/{}", code(thing))).await.json();
            assert_eq!(page["takes_guests"], json!(true), "{page}");
        }
        // Without the room the meeting is by itself, and by what is built in.
        let gone = saal
            .ask(&ann, &format!("DELETE /rooms/{}", room["id"].as_str().expect("an id")), &[("if-match", "*")], None)
            .await;
        assert_eq!(gone.status, 204, "{}", gone.text());
        let page = saal.get(&Shows::Nothing, &format!("/join/{}", code(&meeting))).await.json();
        assert_eq!(page["takes_guests"], json!(false), "{page}");
    }
}

#[tokio::test]
async fn whoever_has_a_link_learns_how_to_call_where_no_pin_is_needed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let tenant = saal.first_tenant().await;
        let ann = saal.browser(&tenant, "ann@example.org", "organizer").await;
        let admin = saal.browser(&tenant, "admin@example.org", "tenant_admin").await;
        let mut rooms = Vec::new();
        for (name, rules) in [
            ("open", json!({ "guests": "link" })),
            ("invited", json!({ "guests": "invited_only" })),
            ("proven", json!({ "guests": "link", "required_acr": "high" })),
        ] {
            let policy = saal.made(&admin, "/policies", &json!({ "name": name, "rules": rules })).await;
            let room = json!({ "name": name, "slug": name, "policy_id": policy["id"] });
            rooms.push(saal.made(&ann, "/rooms", &room).await);
        }
        let dial_in = async |room: &serde_json::Value| {
            let code = room["join_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a code");
            let page = saal.get(&Shows::Nothing, &format!("/join/{code}")).await.json();
            page["dial_in"].clone()
        };
        assert_eq!(dial_in(&rooms[0]).await, json!(null), "nobody answers the telephone");
        let numbers = json!({ "dial_in": { "numbers": [{ "e164": "+4930555", "label": "Berlin" }] } });
        assert_eq!(saal.patch(&admin, &format!("/tenants/{tenant}"), &numbers).await.status, 200);
        let shown = dial_in(&rooms[0]).await;
        assert_eq!(shown["conference_id"], rooms[0]["dial_in"]["conference_id"]);
        assert_eq!((&shown["numbers"][0]["e164"], &shown["numbers"][1]), (&json!("+4930555"), &json!(null)));
        assert_eq!(shown.get("pin"), None, "the link does not tell the PIN");
        for room in &rooms[1..] {
            assert_eq!(dial_in(room).await, json!(null), "{}", room["name"]);
        }
    }
}
