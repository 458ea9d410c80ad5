// SPDX-License-Identifier: EUPL-1.2
//! PostgreSQL dies while people are in a meeting. They notice nothing; whoever asks for what is stored is told when to come
//! again; and when it is back, Saal goes on by itself.

use bus::{DataChannel, SfuCommand, SfuEvent};
use livekit_protocol as proto;
use livekit_protocol::data_packet::Value as Data;
use livekit_protocol::signal_request::Message as Request;
use prost::Message as _;
use serde_json::{Value, json};
use store::testing::{DurablePostgres, TestStore};

use crate::api::{Api, header};
use crate::support::client::{join_request, microphone, path};
use crate::support::server::Answer;
use crate::support::{Client, Token, sfu};

/// Somebody in the meeting.
struct Person {
    client: Client,
    token: String,
    sid: String,
    identity: String,
}

/// Comes in by a personal link.
async fn come(api: &Api, code: &str, invitation: &str) -> Person {
    let join = json!({ "invitation": invitation });
    let admitted = api.ask(&format!("POST /join/{code}"), &[], Some(&join)).await;
    assert_eq!(admitted.status, 200, "{}", admitted.text());
    let token = admitted.json()["token"].as_str().expect("a token").to_owned();
    let mut client = Client::connect(&api.server, &path(&token, &join_request())).await.expect("let in");
    let person = client.joined().await.participant.expect("a participant");
    client.negotiate(1, &sfu::sdp(3, 3, &[])).await;
    api.server.sfu.connect(&person.sid).await;
    Person { client, token, sid: person.sid, identity: person.identity }
}

fn is_away(answer: &Answer) -> bool {
    let seconds = header(answer, "retry-after").and_then(|value| value.parse::<u32>().ok());
    answer.status == 503 && answer.json()["code"] == "unavailable" && seconds.is_some_and(|seconds| seconds > 0)
}

#[tokio::test]
async fn a_meeting_goes_on_while_postgresql_is_away() {
    let mut postgres = DurablePostgres::start();
    let database = TestStore::at(postgres.url().parse().expect("a location")).await;
    let api = Api::with_scopes(database, "meetings:*,invitees:*,sessions:*").await;
    let meeting = |title: &str| {
        json!({ "title": title, "type": "ad_hoc", "organizer": { "email": "organizer@example.org" },
            "policy_overrides": { "lobby": "off", "join_before_host": true, "mute_upon_entry": false },
            "invitees": [{ "email": "ann@example.org", "role": "co_host" }, { "email": "bob@example.org" }] })
    };
    let made = api.ask("POST /meetings", &[], Some(&meeting("Before"))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let invitees = api.get(&format!("/meetings/{id}/invitees")).await.json();
    let link = |email: &str| {
        let mut found = invitees["items"].as_array().expect("invitees").iter();
        let invitee = found.find(|invitee| invitee["email"] == email).expect("somebody");
        let link = invitee["personal_join_url"].as_str().expect("a link").to_owned();
        let (start, token) = link.split_once("#i=").expect("a token");
        (start.rsplit('/').next().expect("a code").to_owned(), token.to_owned())
    };
    let (code, token) = link("ann@example.org");
    let mut ann = come(&api, &code, &token).await;
    let mut bob = come(&api, &code, &link("bob@example.org").1).await;
    let track = bob.client.add_track(microphone("mic")).await;
    bob.client.negotiate(2, &sfu::sdp(3, 3, &["mic"])).await;
    let has_track = |info: &proto::ParticipantInfo| info.tracks.iter().any(|found| found.sid == track.sid);
    ann.client.update(has_track).await;

    postgres.kill();
    let join = format!("GET /join/{code}");
    let (listed, late) = tokio::join!(api.get("/meetings"), api.ask(&join, &[], None));
    assert!(is_away(&listed), "{} {}", listed.head, listed.text());
    assert!(is_away(&late), "{} {}", late.head, late.text());
    let key = [("idempotency-key", "asked-while-it-was-away")];
    let refused = api.ask("POST /meetings", &key, Some(&meeting("Meanwhile"))).await;
    assert!(is_away(&refused), "{} {}", refused.head, refused.text());

    // They still hear each other.
    let transport = api.server.sfu.transport_of(&ann.sid).await;
    let to = api.server.sfu.transport_of(&bob.sid).await;
    let packet = proto::UserPacket { payload: b"still here".to_vec(), ..Default::default() };
    let packet = proto::DataPacket { value: Some(Data::User(packet)), ..Default::default() };
    let payload = packet.encode_to_vec();
    api.server.sfu.report(SfuEvent::Data { transport, channel: DataChannel::Reliable, payload });
    let receivers = api.server.sfu.wait_for(|command| match command {
        SfuCommand::SendData { transports, payload, .. } => {
            let packet = proto::DataPacket::decode(&**payload).expect("a packet");
            let is_hers = matches!(&packet.value, Some(Data::User(user)) if user.payload == b"still here");
            is_hers.then(|| transports.clone())
        }
        _ => None,
    });
    assert_eq!(receivers.await, [to]);
    // Software that has a key mutes somebody, and they open the microphone again.
    let room = room(&ann.token);
    let mute = json!({ "room": room, "identity": bob.identity, "trackSid": track.sid, "muted": true });
    let software = Token::admin(room.as_str().expect("a room"));
    let muted = api.server.call("MutePublishedTrack", &software, mute).await;
    assert_eq!(muted.status, 200, "{}", muted.text());
    let is_muted = |wanted: bool, sid: String| {
        move |info: &proto::ParticipantInfo| info.sid == sid && info.tracks.iter().any(|track| track.muted == wanted)
    };
    ann.client.update(is_muted(true, bob.sid.clone())).await;
    bob.client.send(Request::Mute(proto::MuteTrackRequest { sid: track.sid.clone(), muted: false })).await;
    ann.client.update(is_muted(false, bob.sid.clone())).await;

    postgres.start_again();
    let mut again = api.ask("POST /meetings", &key, Some(&meeting("Meanwhile"))).await;
    while is_away(&again) {
        again = api.ask("POST /meetings", &key, Some(&meeting("Meanwhile"))).await;
    }
    assert_eq!(again.status, 201, "{}", again.text());
    let listed = api.get("/meetings").await.json();
    let mut titles: Vec<_> =
        listed["items"].as_array().expect("meetings").iter().map(|one| one["title"].clone()).collect();
    titles.sort_by_key(Value::to_string);
    assert_eq!(titles, ["Before", "Meanwhile"]);
    ann.client.ping().await;
    bob.client.ping().await;
    let sessions = api.get("/meeting_sessions").await.json();
    let session = format!("/meeting_sessions/{}", sessions["items"][0]["id"].as_str().expect("a session"));
    assert_eq!(api.get(&session).await.json()["participants"].as_array().map(Vec::len), Some(2));
    let mute = json!({ "identity": bob.identity });
    assert_eq!(api.ask(&format!("POST {session}/mute"), &[], Some(&mute)).await.status, 204);
    ann.client.update(is_muted(true, bob.sid.clone())).await;
}

/// The room that a token is for.
fn room(token: &str) -> Value {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).expect("claims");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("Base64");
    serde_json::from_slice::<Value>(&claims).expect("JSON")["video"]["room"].clone()
}
