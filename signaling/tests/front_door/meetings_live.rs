// SPDX-License-Identifier: EUPL-1.2
//! From a link to the room and out of it again: joining, the lobby, and what moderators do.

use bus::{DataChannel, SfuEvent};
use livekit_protocol as proto;
use livekit_protocol::data_packet::Value as Data;
use livekit_protocol::signal_request::Message as Request;
use prost::Message as _;
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use crate::support::client::{join_request, path};
use crate::support::hall::{CODE, HOST, Hall, INVITEE, MEETING, code, cookie};
use crate::support::server::config;
use crate::support::{Client, Server, Token};

#[tokio::test]
async fn a_guest_waits_is_admitted_removed_and_banned_and_cannot_return() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "guests": "link" })).await;
        let page = hall.ask(&format!("GET /join/{CODE}"), None, None, None).await;
        assert_eq!((page.status, &page.json()["title"]), (200, &Value::Null), "strangers learn no titles");
        assert_eq!((&page.json()["takes_guests"], &page.json()["is_running"]), (&json!(true), &json!(false)));
        let nameless = hall.knock(None, json!({ "name": "  " })).await;
        assert_eq!((nameless.status, &nameless.json()["errors"][0]["pointer"]), (422, &json!("/name")));

        let waiting = hall.knock(None, json!({ "name": "Gus" })).await;
        assert_eq!(waiting.status, 202, "{}", waiting.text());
        assert_eq!((&waiting.json()["waits_for"], &waiting.json()["position"]), (&json!("host"), &json!(1)));
        let browser = cookie(&waiting);
        let entry = waiting.json()["entry_id"].as_str().expect("an entry").to_owned();
        let ticket = waiting.json()["ticket"].as_str().expect("a ticket").to_owned();
        let poll = async |known: &str| {
            let known = if known.is_empty() { String::new() } else { format!("?known={known}") };
            hall.ask(&format!("GET /lobby/{entry}{known}"), Some(&ticket), None, None).await
        };
        let stranger = hall.ask(&format!("GET /lobby/{entry}"), Some("lobby_wrong"), None, None).await;
        assert_eq!(stranger.status, 404);

        // The host comes, and the guest waits for admission from then on.
        let (changed, (_host_client, host)) = tokio::join!(poll("host-1"), hall.come(HOST));
        assert_eq!((changed.status, &changed.json()["waits_for"]), (202, &json!("admission")));
        let queue =
            hall.ask(&format!("GET /meeting_sessions/{}/lobby", host.session), Some(&host.token), None, None).await;
        assert_eq!((queue.status, &queue.json()["items"][0]["name"]), (200, &json!("Gus")));

        let admit = async {
            let status = hall.moderate(&host.token, &host.session, "admit", Some(json!({ "entry_id": entry }))).await;
            assert_eq!(status, 204);
        };
        let (admitted, ()) = tokio::join!(poll("admission-1"), admit);
        assert_eq!(admitted.status, 200, "{}", admitted.text());
        let (mut guest_client, guest) = hall.enter(&admitted).await;
        assert_eq!(guest.participant.attributes.get("saal.guest").map(String::as_str), Some("1"));
        assert_eq!(guest.participant.name, "Gus");
        let forbidden = hall.moderate(&guest.token, &host.session, "lock", None).await;
        assert_eq!(forbidden, 403, "a guest's token moderates nothing");

        let removal = json!({ "identity": guest.identity, "ban": true });
        assert_eq!(hall.moderate(&host.token, &host.session, "remove", Some(removal)).await, 204);
        let leave = guest_client.leave().await;
        assert_eq!(leave.reason(), proto::DisconnectReason::ParticipantRemoved);
        let again = Client::connect(&hall.server, &path(&guest.token, &join_request())).await;
        assert_eq!(again.err().map(|refusal| refusal.status), Some(401), "the old token is void");
        assert_eq!(poll("").await.status, 404, "and so is the place in the lobby");
        let renamed = hall.knock(Some(&browser), json!({ "name": "Somebody Else" })).await;
        assert_eq!(code(&renamed), (403, "banned".into()));
        let chat =
            hall.ask(&format!("GET /meeting_sessions/{}/chat", host.session), Some(&guest.token), None, None).await;
        assert_eq!(chat.status, 401);

        let details =
            hall.ask(&format!("GET /meeting_sessions/{}", host.session), Some(&host.token), None, None).await.json();
        let ban = details["bans"][0]["id"].clone();
        assert_eq!(details["bans"][0]["name"], "Gus");
        assert_eq!(hall.moderate(&host.token, &host.session, "unban", Some(json!({ "ban_id": ban }))).await, 204);
        let back = hall.knock(Some(&browser), json!({ "name": "Gus" })).await;
        assert_eq!(back.status, 202, "who may come again waits again");

        let events = hall.events().await;
        for action in [
            "lobby_entry.create",
            "meeting_session.start",
            "meeting_session.join",
            "lobby_entry.admit",
            "meeting_session.remove",
            "meeting.join",
            "meeting_session.unban",
        ] {
            assert!(events.iter().any(|event| event == action), "{action} is missing in {events:?}");
        }
    }
}

#[tokio::test]
async fn a_policy_decides_who_comes_in_how() {
    let hall = Hall::on(TestStore::sqlite().await, json!({})).await;
    assert_eq!(code(&hall.knock(None, json!({ "name": "Gus" })).await), (403, "guests-forbidden".into()));
    let wrong = format!("{INVITEE}.wrong");
    assert_eq!(code(&hall.knock(None, json!({ "invitation": wrong })).await), (410, "link-revoked".into()));
    let nowhere = hall.ask("POST /join/nowhere", None, None, Some(json!({ "name": "Gus" }))).await;
    assert_eq!(nowhere.status, 404);
    let invited = json!({ "invitation": hall.invitation(INVITEE).await });
    assert_eq!(hall.knock(None, invited.clone()).await.json()["waits_for"], "host");
    let (_client, host) = hall.come(HOST).await;
    assert_eq!(hall.knock(None, invited.clone()).await.json()["waits_for"], "admission");
    assert_eq!(hall.moderate(&host.token, &host.session, "lock", None).await, 204);
    assert_eq!(code(&hall.knock(None, invited.clone()).await), (403, "meeting-locked".into()));
    assert_eq!(hall.moderate(&host.token, &host.session, "unlock", None).await, 204);
    assert_eq!(hall.moderate(&host.token, &host.session, "end", None).await, 204);
    let ended = hall.ask(&format!("GET /meeting_sessions/{}", host.session), Some(&hall.api_token), None, None).await;
    assert_eq!((&ended.json()["status"], &ended.json()["end_reason"]), (&json!("ended"), &json!("moderator")));
    let late = Client::connect(&hall.server, &path(&host.token, &join_request())).await;
    assert_eq!(late.err().map(|refusal| refusal.status), Some(404), "a token opens no meeting that is over");
}

#[tokio::test]
async fn a_room_token_moderates_its_own_meeting_only() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let (_client, host) = hall.come(HOST).await;
    let (_other, attendee) = hall.come(INVITEE).await;
    let listed = hall.ask("GET /meeting_sessions", Some(&attendee.token), None, None).await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let mute = json!({ "identity": host.identity });
    assert_eq!(hall.moderate(&attendee.token, &host.session, "mute", Some(mute.clone())).await, 403);
    let elsewhere = "0190c0de-0000-7000-8000-0000000000ff";
    assert_eq!(hall.moderate(&host.token, elsewhere, "lock", None).await, 404);
    let foreign = Token::admin("room").granting("roomJoin", json!(true)).with("sub", json!("eve"));
    assert_eq!(hall.moderate(&foreign.sign(), &host.session, "lock", None).await, 404);
    assert_eq!(hall.ask("GET /api_tokens", Some(&host.token), None, None).await.status, 403);
    for (action, body) in [
        ("mute", Some(json!({}))),
        ("mute", Some(json!({ "identity": attendee.identity, "sources": ["camera", "microphone"] }))),
        ("unmute_request", Some(json!({ "identity": attendee.identity }))),
        ("permit", Some(json!({ "identity": attendee.identity, "is_permitted": false }))),
        ("rename", Some(json!({ "identity": attendee.identity, "name": "Iris" }))),
        ("lower_hand", Some(json!({}))),
    ] {
        assert_eq!(hall.moderate(&host.token, &host.session, action, body).await, 204, "{action}");
    }
    let nobody = json!({ "identity": "nobody" });
    assert_eq!(hall.moderate(&host.token, &host.session, "mute", Some(nobody)).await, 404);
    let shown =
        hall.ask(&format!("GET /meeting_sessions/{}", host.session), Some(&hall.api_token), None, None).await.json();
    let iris = shown["participants"]
        .as_array()
        .expect("people")
        .iter()
        .find(|one| one["identity"] == attendee.identity.as_str());
    let iris = iris.expect("there");
    assert_eq!((&iris["name"], &iris["may_unmute"], &iris["kind"]), (&json!("Iris"), &json!(false), &json!("invitee")));
}

#[tokio::test]
async fn who_comes_late_finds_the_chat_and_the_hands() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "off", "keep_chat": true })).await;
        let (mut host_client, host) = hall.come(HOST).await;
        let transport = hall.server.sfu.transport_of(&host.sid).await;
        let message = proto::ChatMessage { id: "m1".into(), message: "Welcome".into(), ..Default::default() };
        let packet = proto::DataPacket { value: Some(Data::ChatMessage(message)), ..Default::default() };
        let payload = packet.encode_to_vec();
        hall.server.sfu.report(SfuEvent::Data { transport, channel: DataChannel::Reliable, payload });
        let attributes = [("saal.hand".to_owned(), "1".to_owned())].into();
        let raise = proto::UpdateParticipantMetadata { attributes, ..Default::default() };
        host_client.send(Request::UpdateMetadata(raise)).await;
        host_client.update(|info| info.attributes.contains_key("saal.hand")).await;
        let (_client, late) = hall.come(INVITEE).await;
        let chat =
            hall.ask(&format!("GET /meeting_sessions/{}/chat", late.session), Some(&late.token), None, None).await;
        assert_eq!((chat.status, &chat.json()["items"][0]["text"]), (200, &json!("Welcome")), "{}", chat.text());
        let shown =
            hall.ask(&format!("GET /meeting_sessions/{}", late.session), Some(&late.token), None, None).await.json();
        assert_eq!(shown["hands"], json!([host.identity]));
        assert_eq!(hall.moderate(&host.token, &host.session, "end", None).await, 204);
    }
}

#[tokio::test]
async fn a_meeting_survives_a_restart_with_its_lock_and_its_bans() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let (_host_client, host) = hall.come(HOST).await;
    let (_client, attendee) = hall.come(INVITEE).await;
    let removal = json!({ "identity": attendee.identity });
    assert_eq!(hall.moderate(&host.token, &host.session, "remove", Some(removal)).await, 204);
    assert_eq!(hall.moderate(&host.token, &host.session, "lock", None).await, 204);
    let invited = json!({ "invitation": hall.invitation(INVITEE).await });
    let database = hall.server.stop().await;
    let server = Server::start_on(database, config()).await;
    let hall = Hall { server, api_token: hall.api_token };
    let back = Client::connect(&hall.server, &path(&host.token, &join_request())).await;
    assert!(back.is_ok(), "{:?}", back.err());
    let removed = Client::connect(&hall.server, &path(&attendee.token, &join_request())).await;
    assert_eq!(removed.err().map(|refusal| refusal.status), Some(401));
    assert_eq!(code(&hall.knock(None, invited).await), (403, "meeting-locked".into()));
}

#[tokio::test]
async fn without_a_database_meetings_go_on_and_nobody_new_is_let_in() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    let (_host_client, host) = hall.come(HOST).await;
    let answer = hall.knock(None, json!({ "invitation": hall.invitation(INVITEE).await })).await;
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    let invited = json!({ "invitation": hall.invitation(INVITEE).await });
    hall.server.database.store.close().await;
    let refused = hall.knock(None, invited).await;
    assert_eq!(code(&refused), (503, "unavailable".into()));
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    let mut client = Client::connect(&hall.server, &path(&token, &join_request())).await.expect("let in");
    assert_eq!(client.joined().await.other_participants.len(), 1);
    let again = Client::connect(&hall.server, &path(&host.token, &join_request())).await;
    assert!(again.is_ok());
}

#[tokio::test]
async fn nobody_opens_the_room_of_a_meeting_by_other_ways() {
    let hall = Hall::on(TestStore::sqlite().await, json!({})).await;
    let room = format!("meeting-{MEETING}");
    let token = crate::support::Token::join(&room, "eve").granting("roomCreate", json!(true));
    let refused = Client::connect(&hall.server, &path(&token.sign(), &join_request())).await;
    assert_eq!(refused.err().map(|refusal| refusal.status), Some(404));
    let created = hall.server.call("CreateRoom", &crate::support::Token::admin(&room), json!({ "name": room })).await;
    assert_eq!(created.json()["code"], "invalid_argument");
}

#[tokio::test]
async fn somebody_is_sent_to_another_room() {
    let server = Server::start().await;
    let mut ann = Client::join(&server, "here", "ann").await.0;
    let admin = crate::support::Token::admin("here").granting("destinationRoom", json!("there"));
    let request = |to: &str| json!({ "room": "here", "identity": "ann", "destinationRoom": to });
    assert_eq!(server.call("MoveParticipant", &admin, request("elsewhere")).await.json()["code"], "unauthenticated");
    assert_eq!(server.call("MoveParticipant", &admin, request("there")).await.status, 200);
    let mut token = String::new();
    let leave = loop {
        match ann.next().await {
            proto::signal_response::Message::RefreshToken(renewed) => token = renewed,
            proto::signal_response::Message::Leave(leave) => break leave,
            _ => {}
        }
    };
    assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
    let mut there = Client::connect(&server, &path(&token, &join_request())).await.expect("let in");
    assert_eq!(there.joined().await.room.expect("a room").name, "there");
}

/// What is asked of a run, with a body that is right: all that changes it, and who waits.
async fn asked_of_runs(hall: &Hall) -> Vec<(String, Option<Value>)> {
    let document = hall.server.get("/api/v1/openapi.json").await.json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let Some(action) = path.strip_prefix("/meeting_sessions/{session_id}/") else { continue };
        if let Some(post) = methods.get("post") {
            let body = post["requestBody"]["content"]["application/json"]["example"].clone();
            found.push((format!("POST {action}"), Some(body).filter(|body| !body.is_null())));
        }
        if action == "lobby" && methods.get("get").is_some() {
            found.push(("GET lobby".to_owned(), None));
        }
    }
    assert!(found.len() > 12, "{found:?}");
    found
}

#[tokio::test]
async fn only_hosts_of_a_meeting_keep_order_in_it() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "guests": "link", "lobby": "off" })).await;
        let settings = json!({ "dial_out": { "is_enabled": true } }).to_string();
        let mut tx = hall.server.database.store.write().await.expect("a transaction");
        tx.execute(sql("UPDATE tenants SET settings = $1").bind(settings)).await.expect("changed");
        tx.commit().await.expect("kept");
        let (_host_client, host) = hall.come(HOST).await;
        let asked = asked_of_runs(&hall).await;
        let ask = async |token: &str, what: &str, body: &Option<Value>| {
            let (method, action) = what.split_once(' ').expect("a method");
            let head = format!("{method} /meeting_sessions/{}/{action}", host.session);
            hall.ask(&head, Some(token), None, body.clone()).await.status
        };
        // Otherwise the refusals below show nothing.
        for (what, body) in asked.iter().filter(|(what, _)| what != "POST end") {
            let status = ask(&host.token, what, body).await;
            assert!(![401, 403].contains(&status) && status < 500, "{what}: {status}");
            // Nobody is called into a locked meeting.
            assert_eq!(hall.moderate(&host.token, &host.session, "unlock", None).await, 204);
        }
        for role in ["presenter", "attendee", "listener", "interpreter", "captioner"] {
            let mut tx = hall.server.database.store.write().await.expect("a transaction");
            let update = sql("UPDATE invitees SET role = $1 WHERE id = $2").bind(role).bind(INVITEE);
            tx.execute(update).await.expect("changed");
            tx.commit().await.expect("kept");
            let (_client, person) = hall.come(INVITEE).await;
            for (what, body) in &asked {
                assert_eq!(ask(&person.token, what, body).await, 403, "{role}: {what}");
            }
        }
        let admitted = hall.knock(None, json!({ "name": "Gus" })).await;
        let (_client, guest) = hall.enter(&admitted).await;
        for (what, body) in &asked {
            assert_eq!(ask(&guest.token, what, body).await, 403, "a guest: {what}");
        }
        let stranger = Token::join("another-room", "eve").granting("roomAdmin", json!(true)).sign();
        for (what, body) in &asked {
            assert!([403, 404].contains(&ask(&stranger, what, body).await), "a host of another room: {what}");
        }
        assert_eq!(hall.session(&host.session).await["status"], "running");
    }
}
