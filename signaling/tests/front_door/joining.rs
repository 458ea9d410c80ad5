// SPDX-License-Identifier: EUPL-1.2
//! Coming in, and what the others see of it.

use livekit_protocol as proto;
use livekit_protocol::participant_info::State;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use serde_json::json;
use store::testing::TestStore;

use crate::support::client::{camera, join_request, offer, path};
use crate::support::server::config;
use crate::support::sfu::sdp;
use crate::support::{Client, Server, Token};

#[tokio::test]
async fn the_join_response_is_what_clients_need() {
    let server = Server::start().await;
    let (_client, joined) = Client::join(&server, "room", "ann").await;
    let info = joined.server_info.expect("server info");
    assert_eq!(info.version, "1.13.0", "clients refuse to join without a version");
    assert!(info.debug_info.starts_with("saal "));
    assert_eq!((joined.ping_interval, joined.ping_timeout), (5, 15));
    assert!(!joined.subscriber_primary && joined.fast_publish);
    assert!(joined.ice_servers.is_empty() && joined.enabled_publish_codecs.is_empty());
    let room = joined.room.expect("a room");
    assert!(room.sid.starts_with("RM_") && room.name == "room" && room.num_participants == 1);
    let participant = joined.participant.expect("a participant");
    assert!(participant.sid.starts_with("PA_"));
    assert_eq!((participant.identity.as_str(), participant.name.as_str()), ("ann", "ANN"));
    assert_eq!((participant.client_protocol, participant.capabilities.as_slice()), (2, [2].as_slice()));
    let permission = participant.permission.expect("permissions");
    assert!(permission.can_publish && permission.can_subscribe && permission.can_publish_data);
    assert!(!permission.can_update_metadata && !permission.hidden);
}

#[tokio::test]
async fn an_offer_with_the_join_is_answered_after_the_join() {
    let server = Server::start().await;
    let join = proto::JoinRequest { publisher_offer: Some(offer(1, &sdp(3, 3, &[]))), ..join_request() };
    let (mut client, _) = Client::join_with(&server, &Token::join("room", "ann"), &join).await;
    let answer = client.answer(1).await;
    assert_eq!((answer.r#type.as_str(), answer.id), ("answer", 1));
    assert!(answer.sdp.starts_with("answer to PA_"));
    // Browsers offer again at once, before they are connected.
    assert_eq!(client.negotiate(2, &sdp(3, 3, &[])).await.id, 2);
    // A client that does not count.
    assert_eq!(client.negotiate(0, &sdp(3, 3, &[])).await.id, 0);
}

#[tokio::test]
async fn tracks_can_be_announced_with_the_join() {
    let server = Server::start().await;
    let join = proto::JoinRequest {
        add_track_requests: vec![camera("c")],
        publisher_offer: Some(offer(1, &sdp(3, 3, &["c"]))),
        ..join_request()
    };
    let (mut client, _) = Client::join_with(&server, &Token::join("room", "ann"), &join).await;
    let published =
        client.expect(|message| if let Response::TrackPublished(track) = message { Some(track) } else { None });
    assert_eq!(published.await.cid, "c");
    client.answer(1).await;
}

#[tokio::test]
async fn a_renewed_token_follows_the_join() {
    let server = Server::start().await;
    let (mut client, _) = Client::join(&server, "room", "ann").await;
    let token =
        client.expect(|message| if let Response::RefreshToken(token) = message { Some(token) } else { None }).await;
    drop(client);
    let answer = server.get(&format!("/rtc/validate?access_token={token}")).await;
    assert_eq!((answer.status, answer.text()), (200, "success"));
}

#[tokio::test]
async fn a_token_may_come_by_header_and_the_path_with_too_many_slashes() {
    let server = Server::start().await;
    let token = Token::join("room", "ann").sign();
    let path = path("", &join_request()).replace("/rtc/v1", "//rtc//v1");
    let mut client =
        Client::connect_with_header(&server, &path, Some(&format!("Bearer {token}"))).await.expect("let in");
    client.joined().await;
}

#[tokio::test]
async fn others_see_somebody_come_connect_and_go() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    let (mut bob, joined) = Client::join(&server, "room", "bob").await;
    assert_eq!(joined.other_participants.iter().map(|other| other.identity.as_str()).collect::<Vec<_>>(), ["ann"]);
    let sid = joined.participant.expect("a participant").sid;
    let came = ann.update(|info| info.identity == "bob").await;
    assert_eq!((came.state(), &came.sid), (State::Joined, &sid));
    server.sfu.connect(&sid).await;
    let active = ann.update(|info| info.identity == "bob").await;
    assert_eq!(active.state(), State::Active);
    assert!(active.version > came.version);
    bob.send(Request::Leave(proto::LeaveRequest::default())).await;
    let gone = ann.update(|info| info.identity == "bob").await;
    assert_eq!(
        (gone.state(), gone.disconnect_reason()),
        (State::Disconnected, proto::DisconnectReason::ClientInitiated)
    );
    assert!(bob.closed().await.is_some());
}

#[tokio::test]
async fn the_same_identity_takes_the_place_of_the_first() {
    let server = Server::start().await;
    let (mut witness, _) = Client::join(&server, "room", "witness").await;
    let (mut old, old_joined) = Client::join(&server, "room", "ann").await;
    let (mut new, new_joined) = Client::join(&server, "room", "ann").await;
    let leave = old.leave().await;
    assert_eq!(leave.reason(), proto::DisconnectReason::DuplicateIdentity);
    assert_eq!(leave.action(), proto::leave_request::Action::Disconnect);
    assert!(old.closed().await.is_some());
    let (old_sid, new_sid) = (old_joined.participant.expect("it").sid, new_joined.participant.expect("it").sid);
    assert_eq!(witness.update(|info| info.state() == State::Disconnected).await.sid, old_sid);
    assert!(new_joined.other_participants.iter().all(|other| other.identity != "ann"));
    assert_ne!(old_sid, new_sid);
    new.ping().await;
}

#[tokio::test]
async fn a_client_may_bring_details_if_its_token_says_so() {
    let server = Server::start().await;
    let join = proto::JoinRequest {
        metadata: "mine".into(),
        participant_attributes: [("b".to_owned(), "2".to_owned())].into(),
        ..join_request()
    };
    let token = Token::join("room", "ann").with("metadata", json!("token's")).with("attributes", json!({ "a": "1" }));
    let refusal = Client::connect(&server, &path(&token.sign(), &join)).await.err().expect("refused");
    assert_eq!((refusal.status, refusal.text.as_str()), (401, "permissions denied"));
    let token = token.granting("canUpdateOwnMetadata", json!(true));
    let (_client, joined) = Client::join_with(&server, &token, &join).await;
    let participant = joined.participant.expect("a participant");
    assert_eq!(participant.metadata, "mine");
    assert_eq!((participant.attributes["a"].as_str(), participant.attributes["b"].as_str()), ("1", "2"));
}

#[tokio::test]
async fn whoever_makes_a_room_may_say_how_it_is() {
    let server = Server::start().await;
    let token = Token::join("room", "ann")
        .with("roomConfig", json!({ "maxParticipants": 1, "emptyTimeout": 5, "metadata": "m", "agents": [] }));
    let (_ann, joined) = Client::join_with(&server, &token, &join_request()).await;
    let room = joined.room.expect("a room");
    assert_eq!((room.max_participants, room.empty_timeout, room.metadata.as_str()), (1, 5, "m"));
    // The room is full.
    let path = path(&Token::join("room", "bob").sign(), &join_request());
    let mut bob = Client::connect(&server, &path).await.expect("an open websocket");
    let Response::Leave(leave) = bob.next().await else { panic!("let in") };
    assert_eq!(leave.reason(), proto::DisconnectReason::JoinFailure);
}

#[tokio::test]
async fn recorders_and_agents_of_old_tokens_do_not_count() {
    let server = Server::start().await;
    let token = Token::join("room", "ann").with("roomConfig", json!({ "maxParticipants": 1 }));
    let (_ann, _) = Client::join_with(&server, &token, &join_request()).await;
    for (grant, kind) in
        [("recorder", proto::participant_info::Kind::Egress), ("agent", proto::participant_info::Kind::Agent)]
    {
        let token = Token::join("room", grant).granting(grant, json!(true));
        let (_client, joined) = Client::join_with(&server, &token, &join_request()).await;
        assert_eq!(joined.participant.expect("a participant").kind(), kind);
    }
}

#[tokio::test]
async fn a_room_that_must_be_made_first_is_not_found() {
    let mut config = config();
    config.rooms.auto_create = false;
    let server = Server::start_with(config).await;
    let token = Token::join("room", "ann");
    let refusal = Client::connect(&server, &path(&token.sign(), &join_request())).await.err().expect("refused");
    assert_eq!((refusal.status, refusal.text.as_str()), (404, "requested room does not exist"));
    let creator = token.clone().granting("roomCreate", json!(true));
    let (_creator, _) = Client::join_with(&server, &creator, &join_request()).await;
    let (_ann, _) = Client::join(&server, "room", "bob").await;
}

#[tokio::test]
async fn without_a_node_nobody_comes_in() {
    let mut server = Server::start().await;
    server.sfu.stop().await;
    let path = path(&Token::join("room", "ann").sign(), &join_request());
    let refusal = Client::connect(&server, &path).await.err().expect("refused");
    assert_eq!(refusal.status, 503);
    assert_eq!(server.get(&path.replace("/rtc/v1", "/rtc/v1/validate")).await.status, 503);
    assert_eq!(server.get("/health/ready").await.status, 503);
}

#[tokio::test]
async fn a_process_that_is_about_to_end_is_not_ready_and_lets_people_in() {
    let server = Server::start().await;
    (server.leave)();
    assert_eq!(server.get("/health/ready").await.status, 503);
    assert_eq!(server.get("/health/live").await.status, 200);
    let (_ann, _) = Client::join(&server, "room", "ann").await;
}

#[tokio::test]
async fn the_older_generation_is_told_that_it_cannot_join() {
    let server = Server::start().await;
    let token = Token::join("room", "ann").sign();
    let mut client = Client::connect(&server, &format!("/rtc?access_token={token}&protocol=15")).await.expect("open");
    let Response::Leave(leave) = client.next().await else { panic!("let in") };
    assert_eq!(
        (leave.reason(), leave.action()),
        (proto::DisconnectReason::JoinFailure, proto::leave_request::Action::Disconnect)
    );
    assert!(client.closed().await.is_some());
    let refusal = Client::connect(&server, "/rtc?access_token=x").await.err().expect("refused");
    assert_eq!(refusal.status, 401);
}

#[tokio::test]
async fn who_knocks_at_no_door_waits_for_no_writer() {
    for database in TestStore::both().await {
        let server = Server::start_on(database, config()).await;
        assert_eq!(server.get("/api/v1/join/nowhere").await.status, 404, "the service has begun");
        // SQLite has one writer, and it is busy.
        let _busy = server.database.store.write().await.expect("a transaction");
        let headers = [("content-type", "application/json")];
        let answer = server.request("POST /api/v1/join/nowhere", &headers, br#"{"name":"Ann"}"#).await;
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("not-found")), "{}", answer.text());
    }
}
