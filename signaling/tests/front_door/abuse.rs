// SPDX-License-Identifier: EUPL-1.2
//! Clients that ask for too much. Whoever does is sent away; the room lives on.

use livekit_protocol as proto;
use livekit_protocol::participant_info::State;
use livekit_protocol::signal_request::Message as Request;
use prost::Message as _;
use signaling::Config;
use store::testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::api::header;
use crate::identity::installation::{Installation, Shows};
use crate::support::client::{join_request, offer};
use crate::support::server::{Answer, config};
use crate::support::sfu::sdp;
use crate::support::{Client, Server, Token, soon};

#[tokio::test]
async fn a_frame_that_is_too_large_closes_the_websocket() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    let (mut bob, _) = Client::join(&server, "room", "bob").await;
    ann.send_frame(Message::binary(vec![0; 3 * 1024 * 1024])).await;
    assert_eq!(ann.closed().await, Some(CloseCode::Size));
    bob.ping().await;
    check_count(&server, r#"signaling_rejected_frames_total{reason="too_large"} 1"#).await;
}

/// Everything that is dropped is counted.
async fn check_count(server: &Server, line: &str) {
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().lines().any(|found| found == line), "{line} is not in\n{}", metrics.text());
}

#[tokio::test]
async fn what_is_no_websocket_traffic_closes_the_websocket() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let server = Server::start().await;
    let (mut bob, _) = Client::join(&server, "room", "bob").await;
    let continuation = Frame::message(vec![0], OpCode::Data(Data::Continue), true);
    let no_text = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    for (frame, code, reason) in
        [(continuation, CloseCode::Protocol, "protocol"), (no_text, CloseCode::Invalid, "no_text")]
    {
        let (mut ann, _) = Client::join(&server, "room", "ann").await;
        ann.send_frame(Message::Frame(frame)).await;
        assert_eq!(ann.closed().await, Some(code));
        check_count(&server, &format!(r#"signaling_rejected_frames_total{{reason="{reason}"}} 1"#)).await;
    }
    bob.ping().await;
}

#[tokio::test]
async fn who_hangs_up_without_a_word_has_broken_no_rule() {
    let server = Server::start().await;
    let (ann, _) = Client::join(&server, "room", "ann").await;
    drop(ann);
    // The same person again: by now the server has noticed.
    let (_ann, _) = Client::join(&server, "room", "ann").await;
    let metrics = server.get("/metrics").await;
    assert!(!metrics.text().contains("signaling_rejected_frames_total{"), "{}", metrics.text());
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_counted() {
    let server = Server::start().await;
    for (bytes, reason) in [
        (vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, b'\r', b'\n'], "malformed"),
        (b"GET / HTTP/1.1\r\nhost x\r\n\r\n".to_vec(), "malformed"),
        (format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(200_000)).into_bytes(), "too_large"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.expect("connected");
        soon(async {
            drop(stream.write_all(&bytes).await);
            drop(stream.read_to_end(&mut Vec::new()).await);
        })
        .await;
        let count = if bytes.starts_with(b"GET / HTTP/1.1\r\nhost") { 2 } else { 1 };
        check_count(&server, &format!(r#"signaling_closed_connections_total{{reason="{reason}"}} {count}"#)).await;
    }
}

#[tokio::test]
async fn fragments_without_end_are_too_large_as_well() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    for number in 0..24 {
        let opcode = OpCode::Data(if number == 0 { Data::Binary } else { Data::Continue });
        ann.send_frame(Message::Frame(Frame::message(vec![0; 128 * 1024], opcode, false))).await;
    }
    assert_eq!(ann.closed().await, Some(CloseCode::Size));
}

#[tokio::test]
async fn an_offer_of_a_large_meeting_fits() {
    let server = Server::start().await;
    let (mut ann, _) = Client::join(&server, "room", "ann").await;
    let large = format!("{}{}", sdp(3, 3, &[]), "publish nothing\n".repeat(60_000));
    assert!(large.len() > 900_000);
    ann.negotiate(1, &large).await;
    // Who resumes repeats the offer and its answer.
    let sync = proto::SyncState {
        offer: Some(offer(1, &large)),
        answer: Some(proto::SessionDescription { sdp: large.clone(), ..Default::default() }),
        ..Default::default()
    };
    ann.send(Request::SyncState(sync)).await;
    ann.ping().await;
}

#[tokio::test]
async fn a_join_that_announces_tracks_without_end_is_heard_in_part() {
    let server = Server::start().await;
    let join = proto::JoinRequest { add_track_requests: vec![Default::default(); 5000], ..join_request() };
    let (mut ann, _) = Client::join_with(&server, &Token::join("room", "ann"), &join).await;
    ann.ping().await;
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains("signaling_slow_sessions_total 0"), "nobody can read so many answers at once");
}

#[tokio::test]
async fn a_flood_ends_its_sender_s_stay() {
    let server = Server::start().await;
    let (mut bob, _) = Client::join(&server, "room", "bob").await;
    let (mut eve, _) = Client::join(&server, "room", "eve").await;
    let request = proto::SignalRequest { message: Some(Request::Ping(0)) }.encode_to_vec();
    for _ in 0..2000 {
        // The server may have had enough before the last one.
        if futures_util::SinkExt::feed(&mut eve.socket, Message::binary(request.clone())).await.is_err() {
            break;
        }
    }
    drop(futures_util::SinkExt::flush(&mut eve.socket).await);
    let leave = eve.leave().await;
    assert_eq!(leave.reason(), proto::DisconnectReason::ParticipantRemoved);
    assert_eq!(leave.action(), proto::leave_request::Action::Disconnect);
    bob.update(|info| info.identity == "eve" && info.state() == State::Disconnected).await;
    bob.ping().await;
    let metrics = server.get("/metrics").await;
    assert!(metrics.text().contains(r#"signaling_rejected_frames_total{reason="too_many"} 1"#));
}

#[tokio::test]
async fn too_much_nonsense_ends_its_sender_s_stay() {
    let server = Server::start().await;
    let (mut bob, _) = Client::join(&server, "room", "bob").await;
    let (mut eve, _) = Client::join(&server, "room", "eve").await;
    for _ in 0..30 {
        eve.send_frame(Message::text("nonsense")).await;
    }
    assert_eq!(eve.leave().await.reason(), proto::DisconnectReason::ParticipantRemoved);
    bob.ping().await;
}

#[tokio::test]
async fn a_url_without_end_is_not_read() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    let request = format!("GET /rtc/v1?access_token={} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(200_000));
    let mut answer = Vec::new();
    soon(async {
        drop(stream.write_all(request.as_bytes()).await);
        drop(stream.read_to_end(&mut answer).await);
    })
    .await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(server.get("/health/live").await.status, 200);
}

/// Asks until somebody is told to wait, and returns that answer.
async fn told_to_wait(ask: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..10_000 {
        let answer = ask().await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("nobody is ever told to wait");
}

#[tokio::test]
async fn who_asks_the_api_too_often_waits_and_nobody_else() {
    let config = Config { api_requests_per_second: 1, ..config() };
    let saal = Installation::with(TestStore::sqlite().await, config).await;
    let tenant = saal.first_tenant().await;
    let token = async |name: &str| {
        let body = serde_json::json!({ "name": name, "scopes": ["users:read"] });
        let made = saal.made(&saal.root(), &format!("/api_tokens?tenant_id={tenant}"), &body).await;
        Shows::Token(made["token"].as_str().expect("a token").to_owned())
    };
    let (busy, other) = (token("busy").await, token("other").await);
    let answer = told_to_wait(async || saal.get(&busy, "/users").await).await;
    assert_eq!(answer.json()["code"], "rate-limited");
    let seconds = header(&answer, "retry-after").and_then(|value| value.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=5).contains(&seconds)), "{}", answer.head);
    assert_eq!(saal.get(&other, "/users").await.status, 200);
    // Strangers are counted by their address.
    let from =
        async |address: &str| saal.ask(&Shows::Nothing, "GET /join/x", &[("x-forwarded-for", address)], None).await;
    let answer = told_to_wait(async || from("192.0.2.1").await).await;
    assert!(header(&answer, "retry-after").is_some(), "{}", answer.head);
    assert_eq!(from("192.0.2.2").await.status, 404);
}
