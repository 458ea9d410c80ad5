// SPDX-License-Identifier: EUPL-1.2
//! What happens in rooms, told as LiveKit's server tells it, and read by LiveKit's own receiver.

use std::collections::HashSet;
use std::time::Duration;

use livekit_protocol as proto;
use livekit_protocol::signal_request::Message as Request;
use serde_json::{Value, json};
use signaling::{Config, LivekitWebhooks};
use tokio::net::TcpListener;

use crate::support::client::camera;
use crate::support::livekit_receiver::LivekitReceiver;
use crate::support::server::config;
use crate::support::sfu::sdp;
use crate::support::token::{KEY, now};
use crate::support::{Client, Server, Token};

async fn server_telling(url: &str) -> Server {
    let mut config = Config {
        // This machine's own addresses will do.
        dev: true,
        livekit_webhooks: LivekitWebhooks { urls: vec![url.to_owned()], api_key: KEY.to_owned() },
        ..config()
    };
    config.rooms.departure_timeout = Duration::from_millis(1);
    Server::start_with(config).await
}

async fn leave(mut client: Client) {
    client.send(Request::Leave(proto::LeaveRequest::default())).await;
    assert!(client.closed().await.is_some());
}

#[tokio::test]
async fn livekits_receiver_hears_all_that_happens_in_a_room() {
    let mut receiver = LivekitReceiver::start(0, json!({})).await;
    let server = server_telling(&receiver.url).await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let track = ann.add_track(camera("c")).await;
    ann.negotiate(2, &sdp(3, 3, &["c"])).await;
    ann.negotiate(3, &sdp(3, 3, &[])).await;
    let (bob, _) = Client::join(&server, "room", "bob").await;
    leave(bob).await;
    leave(ann).await;
    let mut events = Vec::new();
    for _ in 0..7 {
        events.push(receiver.next().await);
    }
    let of = |name: &str| -> Vec<Value> { events.iter().map(|event| event[name].clone()).collect() };
    assert_eq!(
        of("event"),
        [
            "room_started",
            "participant_joined",
            "track_published",
            "track_unpublished",
            "participant_connection_aborted",
            "participant_left",
            "room_finished"
        ]
    );
    assert_eq!(
        of("identity"),
        [json!(null), json!("ann"), json!("ann"), json!("ann"), json!("bob"), json!("ann"), json!(null)]
    );
    assert_eq!((&events[2]["track"], &events[3]["track"]), (&json!(track.sid), &json!(track.sid)));
    let client_initiated = proto::DisconnectReason::ClientInitiated as i32;
    assert_eq!((&events[4]["reason"], &events[5]["reason"]), (&json!(client_initiated), &json!(client_initiated)));
    assert_eq!(events[6]["endReason"], proto::RoomEndReason::RoomEndIdleTimeout as i32);
    let ids: HashSet<_> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    assert!(ids.len() == 7 && ids.iter().all(|id| id.starts_with("EV_")), "{ids:?}");
    for event in &events {
        assert!(event["createdAt"].as_u64().is_some_and(|at| now().abs_diff(at) < 60), "{event}");
        assert!(event["roomSid"].as_str().is_some_and(|sid| sid.starts_with("RM_")), "{event}");
        assert_eq!((&event["room"], &event["numDropped"]), (&json!("room"), &json!(0)));
        assert_eq!(event["contentType"], "application/webhook+json");
        assert_eq!(event["refusesForgery"], true, "neither another body nor another key will do");
    }
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains(r#"signaling_livekit_webhooks_total{outcome="delivered"} 7"#));
}

#[tokio::test]
async fn what_is_not_taken_comes_again_in_its_order_and_keeps_no_other_room_waiting() {
    let mut receiver = LivekitReceiver::start(0, json!({ "slow": [500, 0, 404] })).await;
    let server = server_telling(&receiver.url).await;
    let (slow, _) = Client::join_connected(&server, "slow", "ann").await;
    let (free, _) = Client::join_connected(&server, "free", "bob").await;
    leave(free).await;
    leave(slow).await;
    let words = receiver.next_words(8).await;
    let room = |identity: &str| {
        [
            "room_started",
            &format!("participant_joined {identity}"),
            &format!("participant_left {identity}"),
            "room_finished",
        ]
        .map(str::to_owned)
    };
    assert_eq!(words[..4], room("bob"), "the other room is told of at once");
    assert_eq!(words[4..], room("ann"), "and this one from its beginning");
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains(r#"signaling_livekit_webhooks_total{outcome="failed"} 3"#));
}

#[tokio::test]
async fn a_receiver_that_is_away_hears_all_of_it_afterwards() {
    // A port at which nobody listens.
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    let server = server_telling(&format!("http://127.0.0.1:{port}/livekit")).await;
    let (ann, _) = Client::join_connected(&server, "room", "ann").await;
    leave(ann).await;
    loop {
        let metrics = server.get("/metrics").await;
        if metrics.text().contains(r#"signaling_livekit_webhooks_total{outcome="failed"}"#) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut receiver = LivekitReceiver::start(port, json!({})).await;
    let words = receiver.next_words(4).await;
    assert_eq!(words, ["room_started", "participant_joined ann", "participant_left ann", "room_finished"]);
}

#[tokio::test]
async fn the_end_of_the_server_is_told_as_well() {
    let mut receiver = LivekitReceiver::start(0, json!({})).await;
    let server = server_telling(&receiver.url).await;
    let (_ann, _) = Client::join_connected(&server, "room", "ann").await;
    assert_eq!(receiver.next_words(2).await, ["room_started", "participant_joined ann"]);
    drop(server.stop().await);
    assert_eq!(receiver.next_words(1).await, ["participant_left ann"]);
    let end = receiver.next().await;
    assert_eq!((&end["event"], &end["endReason"]), (&json!("room_finished"), &json!(3)));
}

#[tokio::test]
async fn addresses_and_keys_that_cannot_be_used_are_told_at_the_start() {
    let start = async |url: &str, api_key: &str| {
        let webhooks = LivekitWebhooks { urls: vec![url.to_owned()], api_key: api_key.to_owned() };
        let config = Config { livekit_webhooks: webhooks, ..config() };
        let database = store::testing::TestStore::sqlite().await;
        let router =
            signaling::router(config, database.store.clone(), bus::Bus::local(), prometheus::Registry::new()).await;
        router.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(start("https://portal.example.org/livekit", KEY).await, Ok(()));
    for (url, key, word) in [
        ("https://portal.example.org/livekit", "another", "api_key"),
        ("http://portal.example.org/livekit", KEY, "urls"),
        ("https://10.0.0.1/livekit", KEY, "urls"),
        ("https://127.0.0.1/livekit", KEY, "urls"),
    ] {
        let error = start(url, key).await.expect_err(url);
        assert!(error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn moderation_in_a_meeting_is_heard_of_too() {
    let mut receiver = LivekitReceiver::start(0, json!({})).await;
    let server = server_telling(&receiver.url).await;
    let (_ann, _) = Client::join_connected(&server, "room", "ann").await;
    let admin = Token::admin("room");
    let removed = server.call("RemoveParticipant", &admin, json!({ "room": "room", "identity": "ann" })).await;
    assert_eq!(removed.status, 200);
    assert_eq!(receiver.next_words(2).await, ["room_started", "participant_joined ann"]);
    let left = receiver.next().await;
    assert_eq!(left["reason"], proto::DisconnectReason::ParticipantRemoved as i32);
}
