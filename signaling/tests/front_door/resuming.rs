// SPDX-License-Identifier: EUPL-1.2
//! Coming back after the websocket died.

use livekit_protocol as proto;
use livekit_protocol::participant_info::State;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use serde_json::{Value, json};

use crate::support::client::{camera, join_request, path};
use crate::support::sfu::sdp;
use crate::support::token::now;
use crate::support::{Client, Server, Token};

fn resume_request(sid: &str) -> proto::JoinRequest {
    proto::JoinRequest { reconnect: true, participant_sid: sid.into(), ..join_request() }
}

async fn resume(server: &Server, room: &str, identity: &str, sid: &str) -> Client {
    let path = path(&Token::join(room, identity).sign(), &resume_request(sid));
    Client::connect(server, &path).await.expect("let in")
}

#[tokio::test]
async fn a_client_whose_connection_died_goes_on_as_before() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (bob, sid) = Client::join_connected(&server, "room", "bob").await;
    ann.update(|info| info.identity == "bob" && info.state() == State::Active).await;
    // Without a word, as when a cable is pulled.
    drop(bob);
    let mut bob = resume(&server, "room", "bob", &sid).await;
    let Response::Reconnect(reconnect) = bob.next().await else { panic!("not resumed") };
    assert_eq!(reconnect.server_info.expect("server info").version, "1.13.0");
    assert!(reconnect.ice_servers.is_empty());
    let Response::Update(update) = bob.next().await else { panic!("no update") };
    let mut identities: Vec<_> = update.participants.iter().map(|info| info.identity.as_str()).collect();
    identities.sort_unstable();
    assert_eq!(identities, ["ann", "bob"]);
    assert!(matches!(bob.next().await, Response::RoomUpdate(_)));
    // The first numbers were used up before; the offer with the ICE restart has the next one.
    assert_eq!(bob.negotiate(2, &sdp(3, 3, &[])).await.id, 2);
    bob.ping().await;
    ann.ping().await;
    let seen = server.call("GetParticipant", &Token::admin("room"), json!({ "room": "room", "identity": "bob" })).await;
    assert_eq!((seen.json()["sid"].as_str(), seen.json()["state"].as_str()), (Some(sid.as_str()), Some("ACTIVE")));
}

#[tokio::test]
async fn whoever_is_not_known_must_join_anew() {
    let server = Server::start().await;
    let (_ann, _) = Client::join(&server, "room", "ann").await;
    let (_bob, bob) = Client::join_connected(&server, "room", "bob").await;
    for (room, identity, sid) in
        [("room", "ann", "PA_gone"), ("room", "ann", &bob), ("desert", "ann", &bob), ("room", "ann", "")]
    {
        let mut client = resume(&server, room, identity, sid).await;
        let Response::Leave(leave) = client.next().await else { panic!("let in") };
        assert_eq!(leave.reason(), proto::DisconnectReason::StateMismatch);
        assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
        assert!(client.closed().await.is_some());
    }
    assert!(!server.call("ListRooms", &Token::admin(""), json!({})).await.text().contains("desert"), "no room is made");
}

#[tokio::test]
async fn a_token_that_has_ended_resumes_nothing() {
    let server = Server::start().await;
    let (_ann, joined) = Client::join(&server, "room", "ann").await;
    let sid = joined.participant.expect("a participant").sid;
    let expired = Token::join("room", "ann").with("exp", json!(now() - 120)).sign();
    let refusal = Client::connect(&server, &path(&expired, &resume_request(&sid))).await.err();
    assert_eq!(refusal.map(|refusal| refusal.status), Some(401));
}

#[tokio::test]
async fn the_second_websocket_of_a_stay_ends_the_first() {
    let server = Server::start().await;
    let (first, sid) = Client::join_connected(&server, "room", "ann").await;
    let mut second = resume(&server, "room", "ann", &sid).await;
    assert!(matches!(second.next().await, Response::Reconnect(_)));
    assert!(first.closed().await.is_some());
    second.ping().await;
}

#[tokio::test]
async fn what_a_client_believes_after_a_resume_is_taken_up() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let track = ann.add_track(camera("c")).await;
    ann.negotiate(2, &sdp(3, 3, &["c"])).await;
    let (bob, sid) = Client::join_connected(&server, "room", "bob").await;
    server.sfu.wait_for(|command| matches!(command, bus::SfuCommand::Subscribe { .. }).then_some(())).await;
    drop(bob);
    let mut bob = resume(&server, "room", "bob", &sid).await;
    bob.send(Request::SyncState(proto::SyncState {
        track_sids_disabled: vec![track.sid.clone()],
        offer: Some(proto::SessionDescription { sdp: "x".repeat(10_000), ..Default::default() }),
        ..Default::default()
    }))
    .await;
    let paused = server.sfu.wait_for(|command| match command {
        bus::SfuCommand::ConfigureSubscription { track, settings, .. } => Some((track.clone(), settings.is_paused)),
        _ => None,
    });
    assert_eq!(paused.await, (bus::TrackSid::from(track.sid), true));
}

#[tokio::test]
async fn a_transport_that_fails_makes_its_client_join_anew() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    let (mut bob, sid) = Client::join_connected(&server, "room", "bob").await;
    let transport = server.sfu.transport_of(&sid).await;
    server.sfu.report(bus::SfuEvent::Failed { transport, reason: bus::TransportFailure::ConsentLost });
    let leave = bob.leave().await;
    assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
    let gone = ann.update(|info| info.identity == "bob" && info.state() == State::Disconnected).await;
    assert_eq!(gone.disconnect_reason(), proto::DisconnectReason::ConnectionTimeout);
    let (_bob, joined) = Client::join(&server, "room", "bob").await;
    assert_ne!(joined.participant.expect("a participant").sid, sid);
}

#[tokio::test]
async fn a_removed_participant_does_not_come_back() {
    let server = Server::start().await;
    let admin = Token::admin("room");
    let old = Token::join("room", "bob");
    let (mut bob, _) = Client::join_with(&server, &old, &join_request()).await;
    let renewed =
        bob.expect(|message| if let Response::RefreshToken(token) = message { Some(token) } else { None }).await;
    let removed = server.call("RemoveParticipant", &admin, json!({ "room": "room", "identity": "bob" })).await;
    assert_eq!((removed.status, removed.json()), (200, json!({})));
    let leave = bob.leave().await;
    assert_eq!(leave.reason(), proto::DisconnectReason::ParticipantRemoved);
    assert_eq!(leave.action(), proto::leave_request::Action::Disconnect);
    // Neither with the token that it joined with, nor with the one it was given, nor with one that does not say.
    for token in [old.sign(), renewed, old.clone().with("nbf", Value::Null).sign()] {
        for join in [join_request(), resume_request("PA_old")] {
            let refusal = Client::connect(&server, &path(&token, &join)).await.err().expect("refused");
            assert_eq!((refusal.status, refusal.text.as_str()), (401, "invalid authorization token"));
        }
    }
    // An application that wants it back signs a new one; elsewhere it was never removed.
    let new = old.clone().with("nbf", json!(now() + 2));
    Client::join_with(&server, &new, &join_request()).await;
    Client::join(&server, "elsewhere", "bob").await;
}

#[tokio::test]
async fn a_renewed_token_is_revoked_with_the_one_it_stands_for() {
    let server = Server::start().await;
    let old = Token::join("room", "bob").with("nbf", json!(now() - 100));
    let (mut bob, _) = Client::join_with(&server, &old, &join_request()).await;
    let renewed =
        bob.expect(|message| if let Response::RefreshToken(token) = message { Some(token) } else { None }).await;
    let request = json!({ "room": "room", "identity": "bob", "revokeTokenTs": (now() - 50).to_string() });
    assert_eq!(server.call("RemoveParticipant", &Token::admin("room"), request).await.status, 200);
    let refusal = Client::connect(&server, &path(&renewed, &join_request())).await.err();
    assert_eq!(refusal.map(|refusal| refusal.status), Some(401));
}

#[tokio::test]
async fn an_application_may_say_which_tokens_are_revoked() {
    let server = Server::start().await;
    let admin = Token::admin("room");
    Client::join(&server, "room", "bob").await;
    let until = now() + 30;
    let request = json!({ "room": "room", "identity": "bob", "revokeTokenTs": until.to_string() });
    assert_eq!(server.call("RemoveParticipant", &admin, request).await.status, 200);
    let issued = |at: u64| path(&Token::join("room", "bob").with("nbf", json!(at)).sign(), &join_request());
    assert_eq!(Client::connect(&server, &issued(until - 1)).await.err().map(|refusal| refusal.status), Some(401));
    assert!(Client::connect(&server, &issued(until)).await.is_ok());
}
