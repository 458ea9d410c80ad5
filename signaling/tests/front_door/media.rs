// SPDX-License-Identifier: EUPL-1.2
//! Publishing and receiving, from one websocket over the bus to the other.

use bus::{SfuCommand, SfuEvent, SpeakerLevel, TrackSid};
use livekit_protocol as proto;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use serde_json::json;

use crate::support::client::{camera, microphone, offer};
use crate::support::sfu::sdp;
use crate::support::{Client, Server, Token};

/// Ann publishes a camera; says how it is called.
async fn publish(client: &mut Client, cid: &str) -> proto::TrackInfo {
    let track = client.add_track(camera(cid)).await;
    client.negotiate(0, &sdp(3, 3, &[cid])).await;
    track
}

fn sections(message: Response) -> Option<(u32, u32)> {
    match message {
        Response::MediaSectionsRequirement(needed) => Some((needed.num_audios, needed.num_videos)),
        _ => None,
    }
}

#[tokio::test]
async fn a_track_finds_its_way_to_a_receiver() {
    let server = Server::start().await;
    let (mut ann, ann_sid) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    let published = ann.add_track(camera("{b7}")).await;
    assert!(published.sid.starts_with("TR_VC"));
    assert_eq!(published.codecs.first().map(|codec| codec.mime_type.as_str()), Some("video/VP8"));
    assert_eq!(published.codecs[0].layers.first().map(proto::VideoLayer::quality), Some(proto::VideoQuality::High));
    let answer = ann.negotiate(0, &sdp(3, 3, &["{b7}"])).await;
    assert!(answer.mid_to_track_id.is_empty(), "it names only what the client receives");
    let seen = bob.update(|info| !info.tracks.is_empty()).await;
    assert_eq!((seen.sid.as_str(), seen.tracks[0].sid.as_str()), (ann_sid.as_str(), published.sid.as_str()));
    // There is a free m-line: it only has to offer again.
    assert_eq!(bob.expect(sections).await, (0, 0));
    let answer = bob.negotiate(2, &sdp(3, 3, &[])).await;
    assert_eq!(answer.mid_to_track_id.get("v0"), Some(&published.sid));
    let subscribed = ann.expect(|message| match message {
        Response::TrackSubscribed(subscribed) => Some(subscribed.track_sid),
        _ => None,
    });
    assert_eq!(subscribed.await, published.sid);
}

#[tokio::test]
async fn a_receiver_is_asked_for_the_m_lines_it_lacks() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    bob.negotiate(2, &sdp(0, 0, &[])).await;
    for cid in ["1", "2"] {
        ann.add_track(camera(cid)).await;
    }
    ann.negotiate(2, &sdp(3, 3, &["1", "2"])).await;
    assert_eq!(bob.expect(sections).await, (0, 2));
    let answer = bob.negotiate(3, &sdp(0, 2, &[])).await;
    assert_eq!(answer.mid_to_track_id.len(), 2);
}

#[tokio::test]
async fn a_late_joiner_knows_every_track_before_it_arrives() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let track = publish(&mut ann, "c").await;
    let (mut bob, joined) = Client::join(&server, "room", "bob").await;
    assert_eq!(joined.other_participants[0].tracks[0].sid, track.sid);
    let first = bob.negotiate(1, &sdp(3, 3, &[])).await;
    assert_eq!(first.mid_to_track_id.get("v0"), Some(&track.sid), "the first answer shows what there is");
}

#[tokio::test]
async fn a_track_ends_with_its_m_line() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    publish(&mut ann, "c").await;
    bob.update(|info| info.identity == "ann" && !info.tracks.is_empty()).await;
    ann.negotiate(0, &sdp(3, 3, &[])).await;
    bob.update(|info| info.identity == "ann" && info.tracks.is_empty()).await;
}

#[tokio::test]
async fn muting_works_both_ways() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    let track = ann.add_track(microphone("m")).await;
    ann.negotiate(0, &sdp(3, 3, &["m"])).await;
    let is_muted = |muted| move |info: &proto::ParticipantInfo| info.tracks.iter().any(|track| track.muted == muted);
    bob.update(is_muted(false)).await;
    let mute = |muted| Request::Mute(proto::MuteTrackRequest { sid: track.sid.clone(), muted });
    ann.send(mute(true)).await;
    bob.update(is_muted(true)).await;
    ann.send(mute(false)).await;
    bob.update(is_muted(false)).await;
    server.sfu.forget();
    let admin = Token::admin("room");
    let request = json!({ "room": "room", "identity": "ann", "trackSid": track.sid, "muted": true });
    let muted = server.call("MutePublishedTrack", &admin, request).await.json();
    assert_eq!(muted["track"]["muted"], json!(true));
    let told =
        ann.expect(|message| if let Response::Mute(mute) = message { Some((mute.sid, mute.muted)) } else { None });
    assert_eq!(told.await, (track.sid.clone(), true));
    bob.update(is_muted(true)).await;
    let at_sfu = server.sfu.wait_for(|command| match command {
        SfuCommand::Mute { track, is_muted, .. } => Some((track.clone(), *is_muted)),
        _ => None,
    });
    assert_eq!(at_sfu.await, (TrackSid::from(track.sid.as_str()), true));
    let request = json!({ "room": "room", "identity": "ann", "trackSid": track.sid, "muted": false });
    let refused = server.call("MutePublishedTrack", &admin, request).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (412, Some("failed_precondition")));
}

#[tokio::test]
async fn a_smaller_tile_asks_the_sfu_for_less() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    let layer = |quality: proto::VideoQuality, width, height| proto::VideoLayer {
        quality: quality.into(),
        width,
        height,
        ..Default::default()
    };
    let layers = vec![
        layer(proto::VideoQuality::Low, 320, 180),
        layer(proto::VideoQuality::Medium, 640, 360),
        layer(proto::VideoQuality::High, 1280, 720),
    ];
    let track = ann.add_track(proto::AddTrackRequest { layers, ..camera("c") }).await;
    assert_eq!(track.codecs[0].layers.len(), 3);
    ann.negotiate(0, &sdp(3, 3, &["c"])).await;
    bob.expect(sections).await;
    let settings =
        proto::UpdateTrackSettings { track_sids: vec![track.sid], width: 200, height: 100, ..Default::default() };
    bob.send(Request::TrackSetting(settings)).await;
    let settings = server.sfu.wait_for(|command| match command {
        SfuCommand::ConfigureSubscription { settings, .. } => Some(*settings),
        _ => None,
    });
    let settings = settings.await;
    assert_eq!((settings.is_paused, settings.max_layer), (false, 0));
}

#[tokio::test]
async fn a_receiver_chooses_and_a_publisher_permits() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, bob_sid) = Client::join_connected(&server, "room", "bob").await;
    // Every browser says so after it connected.
    ann.send(Request::SubscriptionPermission(proto::SubscriptionPermission {
        all_participants: true,
        ..Default::default()
    }))
    .await;
    let track = publish(&mut ann, "c").await;
    bob.expect(sections).await;
    let choice = |subscribe| {
        Request::Subscription(proto::UpdateSubscription {
            track_sids: vec![track.sid.clone(), "TR_gone".into()],
            subscribe,
            ..Default::default()
        })
    };
    bob.send(choice(false)).await;
    server.sfu.wait_for(|command| matches!(command, SfuCommand::Unsubscribe { .. }).then_some(())).await;
    bob.send(choice(true)).await;
    let failed =
        bob.expect(|message| if let Response::SubscriptionResponse(failed) = message { Some(failed) } else { None });
    let failed = failed.await;
    assert_eq!((failed.track_sid.as_str(), failed.err()), ("TR_gone", proto::SubscriptionError::SeTrackNotfound));
    server.sfu.forget();
    ann.send(Request::SubscriptionPermission(proto::SubscriptionPermission {
        all_participants: false,
        track_permissions: vec![proto::TrackPermission {
            participant_sid: bob_sid,
            track_sids: vec!["TR_other".into()],
            ..Default::default()
        }],
    }))
    .await;
    let permission = bob.expect(|message| match message {
        Response::SubscriptionPermissionUpdate(update) => Some((update.track_sid, update.allowed)),
        _ => None,
    });
    assert_eq!(permission.await, (track.sid, false));
    server.sfu.wait_for(|command| matches!(command, SfuCommand::Unsubscribe { .. }).then_some(())).await;
}

#[tokio::test]
async fn a_client_without_the_codec_is_told_so() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, sid) = Client::join_connected(&server, "room", "bob").await;
    let track = publish(&mut ann, "c").await;
    let (transport, tracks) = (server.sfu.transport_of(&sid).await, vec![track.sid.as_str().into()]);
    server.sfu.report(SfuEvent::Unreceivable { transport, tracks });
    let failed =
        bob.expect(|message| if let Response::SubscriptionResponse(failed) = message { Some(failed) } else { None });
    let failed = failed.await;
    assert_eq!((failed.err(), failed.track_sid), (proto::SubscriptionError::SeCodecUnsupported, track.sid));
}

#[tokio::test]
async fn whoever_speaks_is_shown() {
    let server = Server::start().await;
    let (mut ann, sid) = Client::join_connected(&server, "room", "ann").await;
    let (mut bob, _) = Client::join_connected(&server, "room", "bob").await;
    let track = ann.add_track(microphone("m")).await;
    ann.negotiate(0, &sdp(3, 3, &["m"])).await;
    bob.expect(sections).await;
    let levels = vec![SpeakerLevel { track: track.sid.into(), level: 0.7 }];
    server.sfu.report(SfuEvent::Speakers { levels, source: 3 });
    let speakers = bob
        .expect(|message| if let Response::SpeakersChanged(changed) = message { Some(changed.speakers) } else { None });
    let speakers = speakers.await;
    assert_eq!((speakers[0].sid.as_str(), speakers[0].level, speakers[0].active), (sid.as_str(), 0.75, true));
}

#[tokio::test]
async fn what_may_not_be_published_is_refused() {
    let server = Server::start().await;
    let token = Token::join("room", "ann").granting("canPublishSources", json!(["microphone"]));
    let (mut ann, _) = Client::join_connected_with(&server, &token).await;
    ann.send(Request::AddTrack(camera("c"))).await;
    let refusal =
        ann.expect(|message| if let Response::RequestResponse(answer) = message { Some(answer) } else { None });
    let refusal = refusal.await;
    assert_eq!(refusal.reason(), proto::request_response::Reason::NotAllowed);
    assert!(matches!(refusal.request, Some(proto::request_response::Request::AddTrack(track)) if track.cid == "c"));
    ann.add_track(microphone("m")).await;
    for (request, kind) in [
        (Request::StoreDataBlobRequest(proto::StoreDataBlobRequest { request_id: 9, ..Default::default() }), 9),
        (Request::PublishDataTrackRequest(proto::PublishDataTrackRequest { pub_handle: 1, ..Default::default() }), 0),
    ] {
        ann.send(request).await;
        let answer =
            ann.expect(|message| if let Response::RequestResponse(answer) = message { Some(answer) } else { None });
        let answer = answer.await;
        assert_eq!((answer.request_id, answer.reason()), (kind, proto::request_response::Reason::UnsupportedType));
    }
}

#[tokio::test]
async fn an_offer_that_is_nonsense_ends_the_attempt() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    ann.send(Request::Offer(offer(1, "m=audio 1 RTP/AVP 4294967296"))).await;
    let leave = ann.leave().await;
    assert_eq!(
        (leave.reason(), leave.action()),
        (proto::DisconnectReason::JoinFailure, proto::leave_request::Action::Disconnect)
    );
}

#[tokio::test]
async fn candidates_of_every_kind_are_heard_and_ignored() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    for candidate in [
        "",
        r#"{"candidate":"","sdpMid":"0","sdpMLineIndex":0}"#,
        r#"{"candidate":"candidate:1 2 TCP 2105524479 127.0.0.1 9 typ host tcptype active","sdpMid":"0"}"#,
        r#"{"candidate":"candidate:1 1 UDP 2122252543 169.254.169.254 80 typ host"}"#,
        "not even JSON",
    ] {
        ann.send(Request::Trickle(proto::TrickleRequest {
            candidate_init: candidate.into(),
            target: 7,
            r#final: true,
        }))
        .await;
    }
    ann.ping().await;
}
