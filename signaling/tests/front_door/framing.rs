// SPDX-License-Identifier: EUPL-1.2
//! Frames: JSON for those who speak it, and nonsense.

use livekit_protocol as proto;
use livekit_protocol::participant_info::State;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{camera, microphone};
use crate::support::sfu::sdp;
use crate::support::{Client, Server};

#[tokio::test]
async fn a_client_that_speaks_json_is_answered_in_json() {
    let server = Server::start().await;
    let (mut ann, joined) = Client::join(&server, "room", "ann").await;
    ann.speak_json();
    ann.ping().await;
    ann.send(Request::Ping(1)).await;
    let Some(Message::Text(text)) = ann.frame().await else { panic!("no text") };
    assert!(text.contains("\"pong\""), "{text}");
    // The whole way, so that everything we write can be written in JSON.
    let track = ann.add_track(camera("c")).await;
    assert_eq!(ann.negotiate(1, &sdp(3, 3, &["c"])).await.id, 1);
    server.sfu.connect(&joined.participant.expect("a participant").sid).await;
    let active = ann.update(|info| info.state() == State::Active).await;
    assert_eq!(active.tracks[0].sid, track.sid);
    ann.send(Request::AddTrack(proto::AddTrackRequest { r#type: 2, ..microphone("d") })).await;
    let refusal =
        ann.expect(|message| if let Response::RequestResponse(answer) = message { Some(answer) } else { None });
    assert_eq!(refusal.await.reason(), proto::request_response::Reason::UnsupportedType);
}

#[tokio::test]
async fn a_client_can_change_its_mind_about_json() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    ann.send_frame(Message::text(r#"{"pingReq":{"timestamp":"5","rtt":"0"}}"#)).await;
    let text = loop {
        match ann.frame().await {
            Some(Message::Text(text)) => break text,
            Some(_) => {}
            None => panic!("closed"),
        }
    };
    assert!(text.contains(r#""lastPingTimestamp":"5""#), "{text}");
    ann.send(Request::Ping(1)).await;
    assert!(matches!(ann.frame().await, Some(Message::Binary(_))));
}

#[tokio::test]
async fn nonsense_hurts_nobody() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    let (mut bob, _) = Client::join(&server, "room", "bob").await;
    for frame in [
        Message::binary(vec![0xff; 50]),
        Message::binary(Vec::new()),
        Message::text(""),
        Message::text("{"),
        Message::text(r#"{"mute":7}"#),
        Message::text("[".repeat(10_000)),
        Message::text(r#"{"simulate":{"migration":true}}"#),
        Message::text(r#"{"fromTheFuture":{}}"#),
        Message::text(r#"{"addTrack":{"type":"HOLOGRAM"}}"#),
    ] {
        ann.send_frame(frame).await;
    }
    ann.send(Request::Answer(proto::SessionDescription::default())).await;
    ann.ping().await;
    bob.ping().await;
}

#[tokio::test]
async fn unknown_numbers_hurt_only_their_sender() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    bob.speak_json();
    bob.ping().await;
    let strange = proto::AddTrackRequest {
        source: 77,
        encryption: -1,
        audio_features: vec![99],
        backup_codec_policy: 55,
        layers: vec![proto::VideoLayer { quality: 42, spatial_layer: -7, ..Default::default() }],
        ..camera("c")
    };
    let track = ann.add_track(strange).await;
    ann.negotiate(0, &sdp(3, 3, &["c"])).await;
    let seen = bob.update(|info| !info.tracks.is_empty()).await;
    assert_eq!(
        (seen.tracks[0].sid.as_str(), seen.tracks[0].source()),
        (track.sid.as_str(), proto::TrackSource::Unknown)
    );
    ann.send(Request::AddTrack(proto::AddTrackRequest { r#type: 99, ..camera("d") })).await;
    ann.send(Request::TrackSetting(proto::UpdateTrackSettings { quality: 99, ..Default::default() })).await;
    ann.send(Request::Simulate(proto::SimulateScenario::default())).await;
    ann.ping().await;
    bob.ping().await;
}
