// SPDX-License-Identifier: EUPL-1.2
//! What happens because time passes. Time is paused, and jumps ahead whenever everybody waits.

use std::time::Duration;

use bus::Bus;
use futures_util::StreamExt as _;
use livekit_protocol as proto;
use livekit_protocol::participant_info::State;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prometheus::Registry;
use serde_json::json;
use signaling::{Config, RoomDefaults};
use store::testing::TestStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{join_request, path};
use crate::support::server::{call_over, config, serve_in_memory, serve_in_memory_through};
use crate::support::{Client, Server, TestSfu, Token};

/// A service in memory.
struct Memory {
    router: axum::Router,
    _database: TestStore,
    bus: Bus,
    sfu: TestSfu,
}

impl Memory {
    async fn start() -> Self {
        Self::start_with(config()).await
    }

    async fn start_with(config: Config) -> Self {
        // The database has threads of its own, for which paused time would not wait.
        tokio::time::resume();
        let database = TestStore::sqlite().await;
        let bus = Bus::local();
        let sfu = TestSfu::serve(&bus, "node");
        let router = signaling::router(config, database.store.clone(), bus.clone(), Registry::new()).await;
        tokio::time::pause();
        Self { router: router.expect("a good configuration"), _database: database, bus, sfu }
    }

    async fn open(&self, identity: &str, join: &proto::JoinRequest) -> Client {
        let path = path(&Token::join("room", identity).sign(), join);
        let stream = Box::new(serve_in_memory(self.router.clone()));
        Client::open(stream, &path, None).await.expect("let in")
    }

    async fn join(&self, identity: &str) -> (Client, String) {
        let mut client = self.open(identity, &join_request()).await;
        let joined = client.joined().await;
        (client, joined.participant.expect("a participant").sid)
    }
}

/// Waits until somebody is seen to leave, answering the server's pings meanwhile.
async fn departure(witness: &mut Client) -> proto::ParticipantInfo {
    loop {
        let Message::Binary(bytes) = witness.socket.next().await.expect("open").expect("a frame") else { continue };
        let response: proto::SignalResponse = prost::Message::decode(bytes).expect("protobuf");
        if let Some(Response::Update(update)) = response.message
            && let Some(gone) = update.participants.into_iter().find(|info| info.state() == State::Disconnected)
        {
            return gone;
        }
    }
}

/// Lets paused time pass: everybody does first what is to be done before.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_never_connects_has_to_go() {
    let service = Memory::start().await;
    let started = Instant::now();
    let (client, _) = service.join("ann").await;
    // Reading the websocket answers the server's pings.
    let mut client = client;
    let leave = loop {
        match client.socket.next().await.expect("open").expect("a frame") {
            Message::Binary(bytes) => {
                let response: proto::SignalResponse = prost::Message::decode(bytes).expect("protobuf");
                if let Some(Response::Leave(leave)) = response.message {
                    break leave;
                }
            }
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(leave.reason(), proto::DisconnectReason::JoinFailure);
    assert_eq!(started.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn the_server_asks_every_ten_seconds_whether_the_client_is_there() {
    let service = Memory::start().await;
    let (mut client, sid) = service.join("ann").await;
    service.sfu.connect(&sid).await;
    let started = Instant::now();
    let mut asked = Vec::new();
    while asked.len() < 3 {
        if let Message::Ping(_) = client.socket.next().await.expect("open").expect("a frame") {
            asked.push(started.elapsed().as_secs());
        }
    }
    assert_eq!(asked, [10, 20, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_the_server_is_not_asked() {
    let service = Memory::start().await;
    let (mut client, sid) = service.join("ann").await;
    service.sfu.connect(&sid).await;
    let mut pings = tokio::time::interval(Duration::from_secs(5));
    let started = Instant::now();
    let mut answers = 0;
    while started.elapsed() < Duration::from_secs(60) {
        tokio::select! {
            _ = pings.tick() => client.send(Request::PingReq(proto::Ping::default())).await,
            frame = client.socket.next() => match frame.expect("open").expect("a frame") {
                Message::Ping(_) => panic!("it was asked after {:?}", started.elapsed()),
                Message::Binary(_) => answers += 1,
                _ => {}
            },
        }
    }
    assert!(answers >= 11, "{answers}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_given_up_and_leaves_half_a_minute_later() {
    let service = Memory::start().await;
    let (mut witness, watching) = service.join("witness").await;
    service.sfu.connect(&watching).await;
    let (silent, sid) = service.join("silent").await;
    service.sfu.connect(&sid).await;
    let started = Instant::now();
    let gone = departure(&mut witness).await;
    assert_eq!((gone.sid, gone.disconnect_reason), (sid, proto::DisconnectReason::SignalClose.into()));
    // 40 s until three pings were left without an answer, and 30 s in which it could have resumed.
    assert_eq!(started.elapsed().as_secs(), 70);
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_lost_websocket_can_be_replaced_within_half_a_minute() {
    let service = Memory::start().await;
    let (ann, sid) = service.join("ann").await;
    service.sfu.connect(&sid).await;
    drop(ann);
    pass(Duration::from_secs(25)).await;
    let resume = proto::JoinRequest { reconnect: true, participant_sid: sid.clone(), ..join_request() };
    let mut ann = service.open("ann", &resume).await;
    assert!(matches!(ann.next().await, Response::Reconnect(_)));
    drop(ann);
    pass(Duration::from_secs(31)).await;
    let mut ann = service.open("ann", &resume).await;
    assert!(matches!(ann.next().await, Response::Leave(_)));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_every_five_minutes() {
    let service = Memory::start().await;
    let (mut client, sid) = service.join("ann").await;
    service.sfu.connect(&sid).await;
    let started = Instant::now();
    let mut renewed = Vec::new();
    while renewed.len() < 3 {
        if let Message::Binary(bytes) = client.socket.next().await.expect("open").expect("a frame") {
            let response: proto::SignalResponse = prost::Message::decode(bytes).expect("protobuf");
            if let Some(Response::RefreshToken(_)) = response.message {
                renewed.push(started.elapsed().as_secs());
            }
        }
    }
    assert_eq!(renewed, [0, 300, 600]);
}

/// A service that has done all that it does with its database.
async fn start_and_pause() -> Server {
    let server = Server::start().await;
    server.get("/health/live").await;
    tokio::time::pause();
    server
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_after_five_seconds() {
    let server = start_and_pause().await;
    let started = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    assert_eq!(started.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn no_connection_carries_requests_for_ever() {
    let server = start_and_pause().await;
    let started = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    let mut answer = [0; 1024];
    while stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.is_ok()
        && stream.read(&mut answer).await.is_ok_and(|length| length > 0)
    {
        assert!(started.elapsed().as_secs() < 400, "it is still served");
        pass(Duration::from_secs(3)).await;
    }
    assert!(started.elapsed().as_secs() >= 300);
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_does_not_hold_up_the_others() {
    let service = Memory::start().await;
    let (mut witness, watching) = service.join("witness").await;
    let (slow, sid) = service.join("slow").await;
    service.sfu.connect(&watching).await;
    service.sfu.connect(&sid).await;
    let talk = async {
        for number in 0..1000 {
            let request = json!({ "room": "room", "metadata": format!("{number}{}", "x".repeat(1000)) });
            let stream = serve_in_memory(service.router.clone());
            assert_eq!(call_over(stream, "UpdateRoomMetadata", &Token::admin("room"), request).await.status, 200);
        }
    };
    let ((), gone) = tokio::join!(talk, departure(&mut witness));
    assert_eq!(gone.sid, sid);
    drop(slow);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_dies_sends_everybody_to_another_one() {
    let mut service = Memory::start().await;
    let (mut ann, sid) = service.join("ann").await;
    service.sfu.connect(&sid).await;
    service.sfu.stop().await;
    let leave = ann.leave().await;
    assert_eq!(leave.action(), proto::leave_request::Action::Reconnect);
    let other = TestSfu::serve(&service.bus, "other");
    let (_ann, sid) = service.join("ann").await;
    other.connect(&sid).await;
}

#[tokio::test(start_paused = true)]
async fn a_room_that_ends_while_somebody_comes_is_not_made_again_by_everybody() {
    let rooms = RoomDefaults { auto_create: false, ..config().rooms };
    let service = Memory::start_with(Config { rooms, ..config() }).await;
    let call = async |method: &str, request| {
        let stream = serve_in_memory(service.router.clone());
        let answer = call_over(stream, method, &Token::admin("room"), request).await;
        assert_eq!(answer.status, 200);
        answer.json()
    };
    call("CreateRoom", json!({ "name": "room" })).await;
    let path = path(&Token::join("room", "ann").sign(), &join_request());
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    // The server has looked at the token and cannot go on before its answer is read.
    let mut stream = serve_in_memory_through(service.router.clone(), 64);
    stream.write_all(request.as_bytes()).await.expect("sent");
    pass(Duration::from_secs(1)).await;
    call("DeleteRoom", json!({ "room": "room" })).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    assert!(answer.starts_with(b"HTTP/1.1 101"), "it was let in");
    // A short binary frame (RFC 6455 §5.2).
    let [0x82, length, frames @ ..] = &answer[head..] else { panic!("no frame") };
    let first: proto::SignalResponse = prost::Message::decode(&frames[..usize::from(*length)]).expect("protobuf");
    assert!(matches!(first.message, Some(Response::Leave(_))), "{first:?}");
    assert_eq!(call("ListRooms", json!({})).await["rooms"].as_array().map(Vec::len).unwrap_or_default(), 0);
}
