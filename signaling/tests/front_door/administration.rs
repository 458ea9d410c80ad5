// SPDX-License-Identifier: EUPL-1.2
//! RoomService over HTTP.

use livekit_protocol as proto;
use livekit_protocol::participant_info::State;
use livekit_protocol::signal_response::Message as Response;
use serde_json::{Value, json};

use crate::support::client::{camera, microphone};
use crate::support::server::Answer;
use crate::support::sfu::sdp;
use crate::support::{Client, Server, Token};

/// The status, Twirp's code and the words of an error.
fn error(answer: &Answer) -> (u16, String, String) {
    assert!(answer.head.contains("content-type: application/json\r\n"), "SDKs compare it as a whole");
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("code"), text("msg"))
}

async fn call_protobuf<R: prost::Message + Default>(server: &Server, method: &str, request: &impl prost::Message) -> R {
    let authorization = format!("Bearer {}", Token::admin("room").sign());
    let headers = [("authorization", &*authorization), ("content-type", "application/protobuf")];
    let path = format!("POST /twirp/livekit.RoomService/{method}");
    let answer = server.request(&path, &headers, &request.encode_to_vec()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("content-type: application/protobuf"));
    R::decode(&*answer.body).expect("protobuf")
}

#[tokio::test]
async fn rooms_are_made_listed_changed_and_ended() {
    let server = Server::start().await;
    let admin = Token::admin("room");
    let request =
        json!({ "name": "room", "empty_timeout": 60, "departureTimeout": 30, "maxParticipants": 5, "metadata": "m" });
    let made = server.call("CreateRoom", &admin, request).await.json();
    assert!(made["sid"].as_str().is_some_and(|sid| sid.starts_with("RM_")));
    assert_eq!(
        (&made["emptyTimeout"], &made["departureTimeout"], &made["maxParticipants"]),
        (&json!(60), &json!(30), &json!(5))
    );
    let again = server.call("CreateRoom", &admin, json!({ "name": "room", "emptyTimeout": 90 })).await.json();
    assert_eq!((&again["sid"], &again["emptyTimeout"], &again["metadata"]), (&made["sid"], &json!(90), &json!("m")));
    server.call("CreateRoom", &admin, json!({ "name": "other" })).await;
    let names = |list: Value| -> Vec<String> {
        list["rooms"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|room| room["name"].as_str().map(Into::into))
            .collect()
    };
    assert_eq!(names(server.call("ListRooms", &admin, json!({})).await.json()), ["room", "other"]);
    assert_eq!(names(server.call("ListRooms", &admin, json!({ "names": ["other", "x"] })).await.json()), ["other"]);
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    let updated = server.call("UpdateRoomMetadata", &admin, json!({ "room": "room", "metadata": "new" })).await.json();
    assert_eq!(updated["metadata"], json!("new"));
    let told = ann.expect(|message| match message {
        Response::RoomUpdate(update) => update.room.map(|room| room.metadata).filter(|metadata| metadata == "new"),
        _ => None,
    });
    told.await;
    assert_eq!(server.call("DeleteRoom", &admin, json!({ "room": "room" })).await.json(), json!({}));
    let leave = ann.leave().await;
    assert_eq!(
        (leave.reason(), leave.action()),
        (proto::DisconnectReason::RoomDeleted, proto::leave_request::Action::Disconnect)
    );
    assert_eq!(names(server.call("ListRooms", &admin, json!({})).await.json()), ["other"]);
    assert_eq!(error(&server.call("DeleteRoom", &admin, json!({ "room": "room" })).await).1, "not_found");
}

#[tokio::test]
async fn protobuf_is_spoken_too() {
    let server = Server::start().await;
    let request = proto::CreateRoomRequest { name: "room".into(), ..Default::default() };
    let made: proto::Room = call_protobuf(&server, "CreateRoom", &request).await;
    assert!(made.sid.starts_with("RM_"));
    let (_ann, _) = Client::join(&server, "room", "ann").await;
    let request = proto::ListParticipantsRequest { room: "room".into() };
    let list: proto::ListParticipantsResponse = call_protobuf(&server, "ListParticipants", &request).await;
    assert_eq!(list.participants.iter().map(|info| info.identity.as_str()).collect::<Vec<_>>(), ["ann"]);
    let list: proto::ListRoomsResponse = call_protobuf(&server, "ListRooms", &proto::ListRoomsRequest::default()).await;
    assert_eq!(list.rooms[0].num_participants, 1);
}

#[tokio::test]
async fn participants_are_looked_at_and_changed() {
    let server = Server::start().await;
    let admin = Token::admin("room");
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    let (sound, picture) = (ann.add_track(microphone("m")).await, ann.add_track(camera("c")).await);
    ann.negotiate(0, &sdp(3, 3, &["m", "c"])).await;
    bob.update(|info| info.tracks.len() == 2).await;
    let seen = server.call("GetParticipant", &admin, json!({ "room": "room", "identity": "ann" })).await.json();
    assert_eq!((seen["state"].as_str(), seen["tracks"].as_array().map(Vec::len)), (Some("ACTIVE"), Some(2)));
    let request = json!({ "room": "room", "identity": "ann", "name": "Anna", "metadata": "m", "attributes": { "a": "1" },
        "permission": { "canPublish": true, "canPublishSources": ["MICROPHONE"], "canSubscribe": true } });
    let updated = server.call("UpdateParticipant", &admin, request).await.json();
    assert_eq!((&updated["name"], &updated["tracks"].as_array().map(Vec::len)), (&json!("Anna"), &Some(1)));
    let unpublished = ann.expect(|message| match message {
        Response::TrackUnpublished(track) => Some(track.track_sid),
        _ => None,
    });
    assert_eq!(unpublished.await, picture.sid);
    let seen = bob.update(|info| info.identity == "ann" && info.name == "Anna" && info.tracks.len() == 1).await;
    assert_eq!((seen.tracks[0].sid.as_str(), seen.metadata.as_str()), (sound.sid.as_str(), "m"));
    let permission = seen.permission.expect("permissions");
    assert!(!permission.can_publish_data && permission.can_publish_sources == [2]);
    let token =
        ann.expect(|message| if let Response::RefreshToken(token) = message { Some(token) } else { None }).await;
    drop(token);
    let request = json!({ "room": "room", "identity": "bob", "trackSids": [sound.sid], "subscribe": false });
    assert_eq!(server.call("UpdateSubscriptions", &admin, request).await.status, 200);
    server
        .sfu
        .wait_for(|command| match command {
            bus::SfuCommand::Unsubscribe { tracks, .. } => tracks.contains(&sound.sid.as_str().into()).then_some(()),
            _ => None,
        })
        .await;
    let removed = server.call("RemoveParticipant", &admin, json!({ "room": "room", "identity": "ann" })).await;
    assert_eq!(removed.status, 200);
    let gone = bob.update(|info| info.identity == "ann" && info.state() == State::Disconnected).await;
    assert_eq!(gone.disconnect_reason(), proto::DisconnectReason::ParticipantRemoved);
}

#[tokio::test]
async fn errors_are_those_of_twirp() {
    let server = Server::start().await;
    let admin = Token::admin("room");
    let own = |code: &str, status: u16| (status, code.to_owned());
    let check = |answer: Answer, code: &str, status: u16| {
        let (answered, twirp_code, _) = error(&answer);
        assert_eq!((answered, twirp_code), own(code, status));
    };
    check(server.call("GetParticipant", &admin, json!({ "room": "room", "identity": "x" })).await, "not_found", 404);
    let (_ann, _) = Client::join(&server, "room", "ann").await;
    check(server.call("GetParticipant", &admin, json!({ "room": "room", "identity": "x" })).await, "not_found", 404);
    let mute = json!({ "room": "room", "identity": "ann", "trackSid": "TR_gone", "muted": true });
    check(server.call("MutePublishedTrack", &admin, mute).await, "not_found", 404);
    check(server.call("CreateRoom", &admin, json!({})).await, "invalid_argument", 400);
    check(server.call("CreateRoom", &admin, json!({ "name": "x".repeat(300) })).await, "invalid_argument", 400);
    let metadata = json!({ "room": "room", "metadata": "x".repeat(70_000) });
    check(server.call("UpdateRoomMetadata", &admin, metadata).await, "invalid_argument", 400);
    let update = json!({ "room": "room", "identity": "ann", "metadata": "x".repeat(70_000) });
    check(server.call("UpdateParticipant", &admin, update).await, "invalid_argument", 400);
    check(server.call("CreateRoom", &admin, json!([1])).await, "malformed", 400);
    check(server.call("PerformRpc", &admin, json!({})).await, "unimplemented", 501);
    check(server.call("Dance", &admin, json!({})).await, "bad_route", 404);
    check(server.get("/twirp/livekit.RoomService/ListRooms").await, "bad_route", 404);
    check(server.request("POST /twirp/livekit.Egress/ListEgress", &[], b"{}").await, "bad_route", 404);
    let authorization = format!("Bearer {}", admin.sign());
    let plain = [("authorization", &*authorization), ("content-type", "text/plain")];
    check(server.request("POST /twirp/livekit.RoomService/ListRooms", &plain, b"{}").await, "bad_route", 404);
}

#[tokio::test]
async fn nobody_administers_without_permission() {
    let server = Server::start().await;
    let (_ann, _) = Client::join(&server, "room", "ann").await;
    let request = json!({ "room": "room", "name": "room", "identity": "ann" });
    let strangers = [
        Token::join("room", "ann"),
        Token::admin("elsewhere").granting("roomCreate", json!(false)).granting("roomList", json!(false)),
    ];
    for method in [
        "CreateRoom",
        "ListRooms",
        "DeleteRoom",
        "UpdateRoomMetadata",
        "ListParticipants",
        "GetParticipant",
        "RemoveParticipant",
        "UpdateParticipant",
        "MutePublishedTrack",
        "UpdateSubscriptions",
        "SendData",
    ] {
        for token in &strangers {
            let refused = error(&server.call(method, token, request.clone()).await);
            assert_eq!(refused, (401, "unauthenticated".into(), "permissions denied".into()), "{method}");
            // One cannot tell from it whether a room exists.
            let elsewhere = json!({ "room": "nowhere", "identity": "ann", "name": "nowhere" });
            assert_eq!(error(&server.call(method, token, elsewhere).await), refused, "{method}");
        }
        let unsigned = server.request(&format!("POST /twirp/livekit.RoomService/{method}"), &[], b"{}").await;
        assert_eq!(error(&unsigned), (401, "unauthenticated".into(), "invalid authorization token".into()));
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    let server = Server::start().await;
    let authorization = format!("Bearer {}", Token::admin("room").sign());
    let headers = [("authorization", &*authorization), ("content-type", "application/json")];
    let body = vec![b' '; 10 * 1024 * 1024 + 1];
    let answer = server.request("POST /twirp/livekit.RoomService/ListRooms", &headers, &body).await;
    assert_eq!((answer.status, error(&answer).1.as_str()), (413, "resource_exhausted"));
}

#[tokio::test]
async fn what_is_remembered_of_removals_is_short_and_of_rooms_that_there_are() {
    let server = Server::start().await;
    let (_ann, _) = Client::join(&server, "room", "ann").await;
    let admin = Token::admin("room");
    let long = json!({ "room": "room", "identity": "x".repeat(257) });
    let (status, code, _) = error(&server.call("RemoveParticipant", &admin, long).await);
    assert_eq!((status, code.as_str()), (400, "invalid_argument"));
    let elsewhere = Token::admin("nowhere");
    let request = json!({ "room": "nowhere", "identity": "bob" });
    let (status, code, _) = error(&server.call("RemoveParticipant", &elsewhere, request).await);
    assert_eq!((status, code.as_str()), (404, "not_found"));
    let (_bob, joined) = Client::join(&server, "nowhere", "bob").await;
    assert_eq!(joined.participant.expect("a participant").identity, "bob", "nothing of it was remembered");
}
