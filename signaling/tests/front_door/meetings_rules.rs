// SPDX-License-Identifier: EUPL-1.2
//! What a meeting allows: for clients that know nothing of it, while it changes, and up to which bounds.

use std::collections::BTreeSet;

use bus::{DataChannel, SfuCommand, SfuEvent};
use livekit_protocol as proto;
use livekit_protocol::data_packet::Value as Data;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message as _;
use serde_json::{Value, json};
use signaling::commands::{NewUser, create_user};
use store::testing::TestStore;
use store::{Statement, sql};

use crate::support::client::{camera, join_request, microphone, path};
use crate::support::hall::{CODE, Guest, HOST, Hall, INVITEE, MEETING, code};
use crate::support::server::{Answer, config};
use crate::support::sfu::sdp;
use crate::support::{Client, Server, Token};

const SECOND: &str = "0190c0de-0000-7000-8000-000000000002";
const PASSWORD: &str = "correct horse battery staple";

/// Changes something behind the server's back.
async fn execute(hall: &Hall, statement: Statement) {
    let mut tx = hall.server.database.store.write().await.expect("a transaction");
    tx.execute(statement).await.expect("done");
    tx.commit().await.expect("stored");
}

fn may_publish(info: &proto::ParticipantInfo, source: proto::TrackSource) -> bool {
    info.permission.as_ref().is_some_and(|may| may.can_publish_sources.contains(&i32::from(source)))
}

/// Sends a chat message as a client does that cares for no rules.
async fn chat(hall: &Hall, who: &Guest, id: &str, to: &[&str]) {
    let transport = hall.server.sfu.transport_of(&who.sid).await;
    let message = proto::ChatMessage { id: id.into(), message: id.into(), ..Default::default() };
    let destination_identities = to.iter().map(|&to| to.to_owned()).collect();
    let packet =
        proto::DataPacket { value: Some(Data::ChatMessage(message)), destination_identities, ..Default::default() };
    let payload = packet.encode_to_vec();
    hall.server.sfu.report(SfuEvent::Data { transport, channel: DataChannel::Reliable, payload });
}

/// The chat message that the SFU is told to send.
fn sent_chat(command: &SfuCommand) -> Option<String> {
    let SfuCommand::SendData { payload, .. } = command else { return None };
    match proto::DataPacket::decode(payload.as_slice()).ok()?.value {
        Some(Data::ChatMessage(chat)) => Some(chat.id),
        _ => None,
    }
}

/// Announces a track, which is refused.
async fn refused(client: &mut Client, track: proto::AddTrackRequest) {
    let cid = track.cid.clone();
    client.send(Request::AddTrack(track)).await;
    let outcome = client
        .expect(|message| match message {
            Response::TrackPublished(published) if published.cid == cid => panic!("published"),
            Response::RequestResponse(answer) => Some(answer.reason()),
            _ => None,
        })
        .await;
    assert_eq!(outcome, proto::request_response::Reason::NotAllowed);
}

#[tokio::test]
async fn a_client_that_knows_no_rules_is_held_to_them_at_the_server() {
    let rules = json!({ "lobby": "off", "allow_unmute": "on_permission", "allow_screen_share": false,
        "allow_camera": false, "allow_chat": "public" });
    let hall = Hall::on(TestStore::sqlite().await, rules).await;
    let (_host_client, host) = hall.come(HOST).await;
    let (mut client, guest) = hall.come(INVITEE).await;
    // Not even a token of the API key's owner gets round it.
    let all = json!(["camera", "microphone", "screen_share", "screen_share_audio"]);
    let forged = Token::join(&format!("meeting-{}", guest.session), "eve").granting("canPublishSources", all);
    let mut eve = Client::join_with(&hall.server, &forged, &join_request()).await.0;
    let screen = || proto::AddTrackRequest { source: proto::TrackSource::ScreenShare.into(), ..camera("s") };
    for client in [&mut client, &mut eve] {
        refused(client, camera("c")).await;
        refused(client, screen()).await;
    }

    let track = client.add_track(microphone("m")).await;
    client.negotiate(2, &sdp(3, 3, &["m"])).await;
    assert!(track.muted);
    let transport = hall.server.sfu.transport_of(&guest.sid).await;
    let is_muted_at_sfu = || {
        let log = hall.server.sfu.log();
        log.iter().rev().find_map(|command| match command {
            SfuCommand::Mute { transport: of, track: muted, is_muted }
                if *of == transport && muted.as_str() == track.sid =>
            {
                Some(*is_muted)
            }
            SfuCommand::Publish { transport: of, publication }
                if *of == transport && publication.track.as_str() == track.sid =>
            {
                Some(publication.is_muted)
            }
            _ => None,
        })
    };
    let open = || Request::Mute(proto::MuteTrackRequest { sid: track.sid.clone(), muted: false });
    let mute = || Request::Mute(proto::MuteTrackRequest { sid: track.sid.clone(), muted: true });
    for wish in [open(), mute(), open()] {
        client.send(wish).await;
    }
    client.ping().await;
    // Asks the room, which has dealt with all of that by then.
    hall.session(&guest.session).await;
    assert_eq!(is_muted_at_sfu(), Some(true), "whatever the client sends, nobody receives it");
    let permit = json!({ "identity": guest.identity, "is_permitted": true });
    assert_eq!(hall.moderate(&host.token, &host.session, "permit", Some(permit)).await, 204);
    client.send(open()).await;
    let is_opened = |command: &SfuCommand| matches!(command, SfuCommand::Mute { track: opened, is_muted: false, .. } if opened.as_str() == track.sid);
    hall.server.sfu.wait_for(|command| is_opened(command).then_some(())).await;

    chat(&hall, &guest, "private", &[&host.identity]).await;
    chat(&hall, &guest, "public", &[]).await;
    let shown = hall.session(&guest.session).await;
    assert!(shown["participants"].as_array().is_some_and(|people| people.len() == 3));
    // They came in their order: if the first had been sent, it would have been sent before.
    assert_eq!(hall.server.sfu.wait_for(sent_chat).await, "public");
}

#[tokio::test]
async fn rules_that_change_hold_at_once_for_those_who_are_inside() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "off" })).await;
        let (_host_client, _) = hall.come(HOST).await;
        let (mut client, guest) = hall.come(INVITEE).await;
        let me = |info: &proto::ParticipantInfo| info.identity == guest.identity;
        assert!(may_publish(&guest.participant, proto::TrackSource::Camera));
        client.add_track(camera("c")).await;
        client.negotiate(2, &sdp(3, 3, &["c"])).await;

        // By the meeting itself …
        let changed = hall
            .patch(
                &format!("/meetings/{MEETING}"),
                json!({ "policy_overrides": { "lobby": "off", "allow_camera": false } }),
            )
            .await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let camera = proto::TrackSource::Camera;
        client.update(|info| me(info) && !may_publish(info, camera) && info.tracks.is_empty()).await;

        // … by a policy that it is under …
        let made = hall.administer("POST /policies", Some(json!({ "name": "Council", "rules": {} }))).await;
        let policy = made.json()["id"].as_str().expect("a policy").to_owned();
        let under = json!({ "policy_id": policy, "policy_overrides": { "allow_camera": null } });
        assert_eq!(hall.patch(&format!("/meetings/{MEETING}"), under).await.status, 200);
        client.update(|info| me(info) && may_publish(info, camera)).await;
        let silent = json!({ "rules": { "audio_only": true } });
        assert_eq!(hall.patch(&format!("/policies/{policy}"), silent).await.status, 200);
        client.update(|info| me(info) && !may_publish(info, camera)).await;

        // … and a limit of time, which is over.
        let hour_ago = sql("UPDATE meeting_sessions SET started_at = started_at - 3600000");
        execute(&hall, hour_ago).await;
        let short = json!({ "rules": { "max_duration_minutes": 30 } });
        assert_eq!(hall.patch(&format!("/policies/{policy}"), short).await.status, 200);
        let leave = client.leave().await;
        assert_eq!(leave.reason(), proto::DisconnectReason::RoomClosed);
        let ended = loop {
            let session = hall.session(&guest.session).await;
            if session["status"] == "ended" {
                break session;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(ended["end_reason"], "time_limit");
    }
}

#[tokio::test]
async fn whoever_waits_comes_in_when_the_rules_let_them() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "guests" })).await;
    let (_host_client, _) = hall.come(HOST).await;
    let waiting = hall.knock(None, json!({ "invitation": hall.invitation(INVITEE).await })).await.json();
    let (entry, ticket) = (waiting["entry_id"].as_str().expect("an entry"), waiting["ticket"].as_str());
    let (poll, meeting) = (format!("GET /lobby/{entry}?known=admission-1"), format!("/meetings/{MEETING}"));
    let open = json!({ "policy_overrides": { "lobby": "off" } });
    let (answer, changed) = tokio::join!(hall.ask(&poll, ticket, None, None), hall.patch(&meeting, open));
    assert_eq!((changed.status, answer.status), (200, 200), "{}", answer.text());
    assert_eq!(answer.json()["status"], "admitted");
}

/// Somebody with an account in a browser that is signed in.
struct Browser {
    cookie: String,
    csrf: String,
}

impl Browser {
    async fn sign_in(hall: &Hall, email: &str) -> Self {
        let answer = hall.ask("POST /session", None, None, Some(json!({ "email": email, "password": PASSWORD }))).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let cookie = answer.cookies.first().and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
        Self { cookie, csrf: answer.json()["csrf_token"].as_str().expect("a token").to_owned() }
    }

    async fn ask(&self, hall: &Hall, head: &str, body: &Value) -> Answer {
        let headers = [
            ("content-type", "application/json"),
            ("cookie", self.cookie.as_str()),
            ("x-csrf-token", self.csrf.as_str()),
        ];
        let (method, path) = head.split_once(' ').expect("a method and a path");
        hall.server.request(&format!("{method} /api/v1{path}"), &headers, body.to_string().as_bytes()).await
    }

    async fn knock(&self, hall: &Hall) -> Answer {
        self.ask(hall, &format!("POST /join/{CODE}"), &json!({})).await
    }
}

async fn account(hall: &Hall, email: &str, role: &str) -> String {
    let wanted = NewUser { email, name: Some("Ann Account"), role, tenant: None, password: Some(PASSWORD) };
    create_user(&hall.server.database.store, &wanted).await.expect("an account")
}

#[tokio::test]
async fn a_banned_account_cannot_come_back_from_another_browser() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    account(&hall, "ann@example.org", "participant").await;
    let (_host_client, host) = hall.come(HOST).await;
    let (first, second) =
        (Browser::sign_in(&hall, "ann@example.org").await, Browser::sign_in(&hall, "ann@example.org").await);
    let forged = Browser { csrf: String::new(), cookie: first.cookie.clone() };
    assert_eq!(code(&forged.knock(&hall).await), (403, "forgery-protection".into()), "no page of others lets her in");
    let admitted = first.knock(&hall).await;
    let (mut client, ann) = hall.enter(&admitted).await;
    assert_eq!(
        (ann.participant.name.as_str(), ann.participant.attributes["saal.role"].as_str()),
        ("Ann Account", "attendee")
    );
    let removal = json!({ "identity": ann.identity, "ban": true });
    assert_eq!(hall.moderate(&host.token, &host.session, "remove", Some(removal)).await, 204);
    assert_eq!(client.leave().await.reason(), proto::DisconnectReason::ParticipantRemoved);
    for browser in [&first, &second] {
        assert_eq!(code(&browser.knock(&hall).await), (403, "banned".into()));
    }
    let again = Client::connect(&hall.server, &path(&ann.token, &join_request())).await;
    assert_eq!(again.err().map(|refusal| refusal.status), Some(401));
}

#[tokio::test]
async fn a_meeting_can_ask_for_a_strong_sign_in() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off", "required_acr": "high" })).await;
    let id = account(&hall, "ann@example.org", "organizer").await;
    execute(&hall, sql("UPDATE meetings SET organizer_id = $1").bind(id)).await;
    let ann = Browser::sign_in(&hall, "ann@example.org").await;
    assert_eq!(code(&ann.knock(&hall).await), (403, "acr-too-low".into()));
    execute(&hall, sql("UPDATE user_sessions SET acr = 'low'")).await;
    assert_eq!(code(&ann.knock(&hall).await), (403, "acr-too-low".into()));
    execute(&hall, sql("UPDATE user_sessions SET acr = 'high'")).await;
    let admitted = ann.knock(&hall).await;
    assert_eq!((admitted.status, &admitted.json()["role"]), (200, &json!("host")));
    // A personal link does not say how somebody signed in.
    let invited = json!({ "invitation": hall.invitation(INVITEE).await });
    assert_eq!(code(&hall.knock(None, invited).await), (403, "acr-too-low".into()));
}

#[tokio::test]
async fn a_permanent_room_is_a_place_like_a_meeting() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({})).await;
        let owner = account(&hall, "ann@example.org", "organizer").await;
        let input = json!({ "name": "Council", "slug": "council", "owner_id": owner });
        let room = hall.administer("POST /rooms", Some(input)).await;
        assert_eq!(room.status, 201, "{}", room.text());
        let (room, link) = (room.json()["id"].clone(), room.json()["join_url"].as_str().expect("a link").to_owned());
        let join = format!("/join/{}", link.rsplit('/').next().expect("a code"));
        account(&hall, "bob@example.org", "participant").await;
        let (ann, bob) =
            (Browser::sign_in(&hall, "ann@example.org").await, Browser::sign_in(&hall, "bob@example.org").await);
        let waiting = bob.ask(&hall, &format!("POST {join}"), &json!({})).await;
        assert_eq!((waiting.status, &waiting.json()["waits_for"]), (202, &json!("host")));
        let admitted = ann.ask(&hall, &format!("POST {join}"), &json!({})).await;
        assert_eq!(
            (admitted.status, &admitted.json()["role"], &admitted.json()["title"]),
            (200, &json!("host"), &json!("Council"))
        );
        let (_client, host) = hall.enter(&admitted).await;
        let session = hall.session(&host.session).await;
        assert_eq!((&session["room_id"], &session["meeting_id"]), (&room, &Value::Null));
        assert_eq!(bob.ask(&hall, &format!("POST {join}"), &json!({})).await.status, 200, "the host is there");
        let opened = hall.administer(&format!("POST /rooms/{}/sessions", room.as_str().expect("an id")), None).await;
        assert_eq!((opened.status, &opened.json()["id"]), (200, &session["id"]), "what is open stays as it is");
        assert_eq!(hall.moderate(&host.token, &host.session, "end", None).await, 204);
        assert_eq!(bob.ask(&hall, &format!("POST {join}"), &json!({})).await.status, 202);
    }
}

#[tokio::test]
async fn whoever_is_moved_is_in_the_other_meeting_what_they_are_there() {
    let hall = Hall::on(TestStore::sqlite().await, json!({ "lobby": "off" })).await;
    hall.add_meeting(SECOND, "SecondCodeOfMeeting0000", "987654321", json!({})).await;
    let (mut client, host) = hall.come(HOST).await;
    let (_other, other) = hall.come(INVITEE).await;
    let second = hall.administer(&format!("POST /meetings/{SECOND}/sessions"), None).await;
    assert_eq!(second.status, 201, "{}", second.text());
    let second = second.json()["id"].as_str().expect("a session").to_owned();
    let to = |identity: &str| json!({ "identity": identity, "to_session_id": second });
    let refused = hall.moderate(&host.token, &host.session, "move", Some(to(&other.identity))).await;
    assert_eq!(refused, 422, "the host does not moderate there");
    assert_eq!(hall.moderate(&hall.api_token, &host.session, "move", Some(to("nobody"))).await, 404);
    assert_eq!(hall.moderate(&hall.api_token, &host.session, "move", Some(to(&host.identity))).await, 204);
    let mut token = String::new();
    let leave = loop {
        match client.next().await {
            Response::RefreshToken(renewed) => token = renewed,
            Response::Leave(leave) => break leave,
            _ => {}
        }
    };
    assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
    let mut there = Client::connect(&hall.server, &path(&token, &join_request())).await.expect("let in");
    let joined = there.joined().await;
    assert_eq!(joined.room.expect("a room").name, format!("meeting-{second}"));
    let me = joined.participant.expect("a participant");
    assert_eq!((me.name.as_str(), me.attributes["saal.role"].as_str()), ("Henry Host", "attendee"));
    assert_eq!(hall.moderate(&token, &second, "lock", None).await, 403, "nobody is a host by being moved");
    assert_eq!(hall.session(&second).await["current_participants"], 1);
}

#[tokio::test]
async fn a_lobby_that_is_full_takes_nobody_else() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "guests": "link" })).await;
        let knock = async || hall.knock(None, json!({ "name": "Gus" })).await;
        let waiting = knock().await;
        assert_eq!((waiting.status, &waiting.json()["position"]), (202, &json!(1)));
        // More of the same kind: so many browsers would need a while.
        let entry = waiting.json()["entry_id"].as_str().expect("an entry").to_owned();
        let copy = async |copies: std::ops::Range<usize>| {
            let mut tx = hall.server.database.store.write().await.expect("a transaction");
            for copy in copies {
                let insert = sql("INSERT INTO lobby_entries (id, tenant_id, meeting_id, room_id, venue_id, identity,
                         ticket_hash, user_id, invitee_id, browser, name, role, lobby_bypass, acr, waits_for, status,
                         address_mark, created_at, last_seen_at)
                     SELECT id || $1, tenant_id, meeting_id, room_id, venue_id, identity || $1, ticket_hash, user_id,
                         invitee_id, browser, name, role, lobby_bypass, acr, waits_for, status, address_mark, created_at,
                         last_seen_at
                     FROM lobby_entries WHERE id = $2");
                tx.execute(insert.bind(format!("-{copy}")).bind(&entry)).await.expect("a copy");
            }
            tx.commit().await.expect("stored");
        };
        copy(0..98).await;
        assert_eq!(knock().await.status, 202, "the hundredth");
        assert_eq!(code(&knock().await), (409, "lobby-full".into()), "so many come from nowhere at once");
        execute(&hall, sql("UPDATE lobby_entries SET address_mark = 'elsewhere'")).await;
        copy(100..499).await;
        assert_eq!(knock().await.status, 202, "the five hundredth");
        assert_eq!(code(&knock().await), (409, "lobby-full".into()));
        let silent =
            sql("UPDATE lobby_entries SET last_seen_at = last_seen_at - 60000 WHERE address_mark = 'elsewhere'");
        execute(&hall, silent).await;
        assert_eq!(knock().await.status, 202, "who is gone leaves room");
    }
}

#[tokio::test]
async fn runs_of_meetings_come_page_by_page() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "lobby": "off" })).await;
        let tenant = hall.tenant().await;
        for number in 0..5_i64 {
            // Two of them began at the same time.
            execute(
                &hall,
                sql("INSERT INTO meeting_sessions (id, tenant_id, meeting_id, is_locked, started_at, ended_at, end_reason,
                         peak_participants, total_participants, guest_participants)
                     VALUES ($1, $2, $3, $4, $5, $6, 'idle', 0, 0, 0)")
                .bind(format!("0190c0de-0000-7000-8000-00000000010{number}"))
                .bind(&tenant)
                .bind(MEETING)
                .bind(false)
                .bind(1_000 + number / 2)
                .bind(5_000_i64),
            )
            .await;
        }
        let (_client, host) = hall.come(HOST).await;
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = hall.administer(&format!("GET /meeting_sessions?limit=2{cursor}"), None).await;
            assert_eq!(page.status, 200, "{}", page.text());
            let page = page.json();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 2);
            seen.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 6);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 6, "each once");
        assert_eq!(seen[5], host.session, "the oldest first");
        let running = hall.administer("GET /meeting_sessions?status=running", None).await.json();
        assert_eq!(running["items"].as_array().map(Vec::len), Some(1));
        let wrong = hall.administer("GET /meeting_sessions?cursor=wrong", None).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text());
    }
}

#[tokio::test]
async fn webhooks_hear_of_a_meeting_as_it_goes() {
    for database in TestStore::both().await {
        let hall = Hall::on(database, json!({ "guests": "link", "lobby": "guests" })).await;
        let events = ["session.started", "session.ended", "participant.joined", "participant.left", "lobby.waiting"];
        let webhook = json!({ "url": "https://name.invalid/hook", "events": events });
        let webhook = hall.administer("POST /webhooks", Some(webhook)).await;
        assert_eq!(webhook.status, 201, "{}", webhook.text());
        let webhook = webhook.json()["id"].as_str().expect("a webhook").to_owned();
        let (_client, host) = hall.come(HOST).await;
        assert_eq!(hall.knock(None, json!({ "name": "Gus" })).await.status, 202);
        let removal = json!({ "identity": host.identity });
        assert_eq!(hall.moderate(&hall.api_token, &host.session, "remove", Some(removal)).await, 204);
        let told = async |count: usize| loop {
            let deliveries = hall.administer(&format!("GET /webhooks/{webhook}/deliveries"), None).await.json();
            let items = deliveries["items"].as_array().expect("items").clone();
            if items.len() >= count {
                break items;
            }
            tokio::task::yield_now().await;
        };
        told(4).await;
        assert_eq!(hall.moderate(&hall.api_token, &host.session, "end", None).await, 204);
        let mut items = told(5).await;
        items.reverse();
        let of = |event: &str| {
            let item = items.iter().find(|item| item["event"] == event).unwrap_or_else(|| panic!("no {event}"));
            item["payload"]["data"].clone()
        };
        assert_eq!(items[0]["event"], "session.started");
        assert_eq!(items[4]["event"], "session.ended");
        assert_eq!(of("session.started"), json!({ "session_id": host.session, "meeting_id": MEETING }));
        let whom = json!({ "session_id": host.session, "meeting_id": MEETING, "identity": host.identity,
            "kind": "invitee", "role": "host" });
        assert_eq!((of("participant.joined"), of("participant.left")), (whom.clone(), whom));
        assert_eq!(of("lobby.waiting")["session_id"], json!(host.session));
        assert_eq!(of("session.ended")["reason"], "moderator");
        let text = serde_json::to_string(&items).expect("JSON");
        assert!(!text.contains("Gus") && !text.contains("Henry"), "no names: {text}");
    }
}

#[tokio::test]
async fn who_was_removed_stays_removed_after_a_restart() {
    for database in TestStore::both().await {
        let server = Server::start_on(database, config()).await;
        let token = Token::join("room", "ann");
        let (_ann, _) = Client::join_with(&server, &token, &join_request()).await;
        let (_bob, _) = Client::join(&server, "room", "bob").await;
        let request = json!({ "room": "room", "identity": "ann" });
        assert_eq!(server.call("RemoveParticipant", &Token::admin("room"), request).await.status, 200);
        let server = Server::start_on(server.stop().await, config()).await;
        let (_bob, _) = Client::join(&server, "room", "bob").await;
        let again = Client::connect(&server, &path(&token.sign(), &join_request())).await;
        assert_eq!(again.err().map(|refusal| refusal.status), Some(401));
    }
}

#[tokio::test]
async fn the_room_of_something_that_was_deleted_is_closed() {
    let hall = Hall::on(TestStore::sqlite().await, json!({})).await;
    let owner = account(&hall, "ann@example.org", "organizer").await;
    let input = json!({ "name": "Council", "slug": "council", "owner_id": owner });
    let room = hall.administer("POST /rooms", Some(input)).await.json();
    let code = room["join_url"].as_str().and_then(|link| link.rsplit('/').next()).expect("a link");
    let ann = Browser::sign_in(&hall, "ann@example.org").await;
    let admitted = ann.ask(&hall, &format!("POST /join/{code}"), &json!({})).await;
    let (mut client, _) = hall.enter(&admitted).await;
    let authorization = format!("Bearer {}", hall.api_token);
    let headers = [("authorization", authorization.as_str()), ("if-match", "\"1\"")];
    let path = format!("DELETE /api/v1/rooms/{}", room["id"].as_str().expect("an id"));
    let deleted = hall.server.request(&path, &headers, &[]).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    assert_eq!(client.leave().await.reason(), proto::DisconnectReason::RoomDeleted);
}

#[tokio::test]
async fn the_document_says_where_a_room_token_will_do() {
    let server = Server::start().await;
    let document = server.get("/api/v1/openapi.json").await.json();
    assert_eq!(document["components"]["securitySchemes"]["room_token"]["scheme"], "bearer");
    let mut taking = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for operation in operations.as_object().expect("operations").values() {
            let ways = operation["security"].as_array().cloned().unwrap_or_default();
            if ways.iter().any(|way| way.get("room_token").is_some()) {
                taking.insert(path.clone());
            }
        }
    }
    assert!(taking.iter().all(|path| path.starts_with("/meeting_sessions")), "{taking:?}");
    for path in ["/meeting_sessions", "/meeting_sessions/{session_id}/chat", "/meeting_sessions/{session_id}/remove"] {
        assert!(taking.contains(path), "{path}");
    }
}
