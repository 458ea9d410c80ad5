// SPDX-License-Identifier: EUPL-1.2
//! A client of LiveKit's protocol.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{SinkExt as _, StreamExt as _};
use livekit_protocol as proto;
use livekit_protocol::signal_request::Message as Request;
use livekit_protocol::signal_response::Message as Response;
use prost::Message as _;
use std::io::Write as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Server, Token, sfu, soon};

/// Bytes to and fro.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Somebody with a websocket.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<Box<dyn Stream>>,
    is_json: bool,
}

/// Why the websocket did not open.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// The join request of a plain client.
pub(crate) fn join_request() -> proto::JoinRequest {
    proto::JoinRequest {
        client_info: Some(proto::ClientInfo { client_protocol: 2, capabilities: vec![2, 4711], ..Default::default() }),
        connection_settings: Some(proto::ConnectionSettings { auto_subscribe: true, ..Default::default() }),
        ..Default::default()
    }
}

pub(crate) fn offer(id: u32, sdp: &str) -> proto::SessionDescription {
    proto::SessionDescription { r#type: "offer".into(), sdp: sdp.into(), id, ..Default::default() }
}

/// The path by which a client connects.
pub(crate) fn path(token: &str, join: &proto::JoinRequest) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&join.encode_to_vec()).expect("written to memory");
    let join_request = encoder.finish().expect("written to memory");
    let wrapped = proto::WrappedJoinRequest { compression: 1, join_request }.encode_to_vec();
    // As browsers write it into a URL.
    let parameter = BASE64_URL_SAFE.encode(wrapped).replace('=', "%3D");
    format!("/rtc/v1?access_token={token}&join_request={parameter}")
}

impl Client {
    /// Joins a room as a plain client does and reads the join response.
    pub(crate) async fn join(server: &Server, room: &str, identity: &str) -> (Self, proto::JoinResponse) {
        Self::join_with(server, &Token::join(room, identity), &join_request()).await
    }

    pub(crate) async fn join_with(
        server: &Server,
        token: &Token,
        join: &proto::JoinRequest,
    ) -> (Self, proto::JoinResponse) {
        let mut client = Self::connect(server, &path(&token.sign(), join)).await.expect("let in");
        let joined = client.joined().await;
        (client, joined)
    }

    /// Joins and has media connected.
    pub(crate) async fn join_connected(server: &Server, room: &str, identity: &str) -> (Self, String) {
        Self::join_connected_with(server, &Token::join(room, identity)).await
    }

    pub(crate) async fn join_connected_with(server: &Server, token: &Token) -> (Self, String) {
        let (mut client, joined) = Self::join_with(server, token, &join_request()).await;
        let sid = joined.participant.expect("a participant").sid;
        client.negotiate(1, &sfu::sdp(3, 3, &[])).await;
        server.sfu.connect(&sid).await;
        client.update(|info| info.sid == sid && info.state() == proto::participant_info::State::Active).await;
        (client, sid)
    }

    pub(crate) async fn connect(server: &Server, path: &str) -> Result<Self, Refusal> {
        Self::connect_with_header(server, path, None).await
    }

    pub(crate) async fn connect_with_header(
        server: &Server,
        path: &str,
        authorization: Option<&str>,
    ) -> Result<Self, Refusal> {
        let stream = TcpStream::connect(server.address).await.expect("connected");
        Self::open(Box::new(stream), path, authorization).await
    }

    pub(crate) async fn open(
        stream: Box<dyn Stream>,
        path: &str,
        authorization: Option<&str>,
    ) -> Result<Self, Refusal> {
        let mut request = format!("ws://localhost{path}").into_client_request().expect("a request");
        if let Some(authorization) = authorization {
            request.headers_mut().insert("authorization", authorization.parse().expect("a header"));
        }
        match soon(client_async(request, stream)).await {
            Ok((socket, response)) => {
                assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
                Ok(Self { socket, is_json: false })
            }
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                let text = String::from_utf8(body).expect("text");
                Err(Refusal { status: response.status().as_u16(), text })
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// From now on speaks JSON.
    pub(crate) fn speak_json(&mut self) {
        self.is_json = true;
    }

    pub(crate) async fn send(&mut self, message: Request) {
        let request = proto::SignalRequest { message: Some(message) };
        let frame = if self.is_json {
            Message::text(serde_json::to_string(&request).expect("JSON"))
        } else {
            Message::binary(request.encode_to_vec())
        };
        self.send_frame(frame).await;
    }

    pub(crate) async fn send_frame(&mut self, frame: Message) {
        soon(self.socket.send(frame)).await.expect("sent");
    }

    /// The next frame that is not of the websocket itself; `None` is its end.
    pub(crate) async fn frame(&mut self) -> Option<Message> {
        loop {
            match soon(self.socket.next()).await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(frame)) => return Some(frame),
                Some(Err(_)) | None => return None,
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Response {
        let frame = self.frame().await.expect("a message");
        let response = match frame {
            Message::Binary(bytes) => proto::SignalResponse::decode(bytes).expect("protobuf"),
            Message::Text(text) => serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")),
            other => panic!("{other:?}"),
        };
        response.message.expect("a message")
    }

    /// The next message of which `wanted` makes something. Others are skipped.
    pub(crate) async fn expect<T>(&mut self, wanted: impl Fn(Response) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    pub(crate) async fn joined(&mut self) -> proto::JoinResponse {
        match self.next().await {
            Response::Join(join) => join,
            other => panic!("the first message is {other:?}"),
        }
    }

    pub(crate) async fn leave(&mut self) -> proto::LeaveRequest {
        self.expect(|message| if let Response::Leave(leave) = message { Some(leave) } else { None }).await
    }

    /// What is told about a participant, once it is as wanted.
    pub(crate) async fn update(&mut self, wanted: impl Fn(&proto::ParticipantInfo) -> bool) -> proto::ParticipantInfo {
        self.expect(|message| match message {
            Response::Update(update) => update.participants.into_iter().find(&wanted),
            _ => None,
        })
        .await
    }

    /// Offers and reads the answer.
    pub(crate) async fn negotiate(&mut self, id: u32, sdp: &str) -> proto::SessionDescription {
        self.send(Request::Offer(offer(id, sdp))).await;
        self.answer(id).await
    }

    pub(crate) async fn answer(&mut self, id: u32) -> proto::SessionDescription {
        self.expect(|message| match message {
            Response::Answer(answer) if answer.id == id => Some(answer),
            _ => None,
        })
        .await
    }

    /// Announces a track and reads what it is called.
    pub(crate) async fn add_track(&mut self, track: proto::AddTrackRequest) -> proto::TrackInfo {
        let cid = track.cid.clone();
        self.send(Request::AddTrack(track)).await;
        self.expect(|message| match message {
            Response::TrackPublished(published) if published.cid == cid => published.track,
            _ => None,
        })
        .await
    }

    /// Asks whether the server is there, and skips everything until it says so.
    pub(crate) async fn ping(&mut self) {
        self.send(Request::PingReq(proto::Ping { timestamp: 4711, rtt: 0 })).await;
        let timestamp = self
            .expect(
                |message| if let Response::PongResp(pong) = message { Some(pong.last_ping_timestamp) } else { None },
            )
            .await;
        assert_eq!(timestamp, 4711);
    }

    /// Reads to the end and says how the server closed the websocket.
    pub(crate) async fn closed(mut self) -> Option<CloseCode> {
        loop {
            match self.frame().await {
                Some(Message::Close(frame)) => return frame.map(|frame| frame.code),
                Some(_) => {}
                None => return None,
            }
        }
    }
}

pub(crate) fn camera(cid: &str) -> proto::AddTrackRequest {
    proto::AddTrackRequest {
        cid: cid.into(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::Camera.into(),
        width: 1280,
        height: 720,
        ..Default::default()
    }
}

pub(crate) fn microphone(cid: &str) -> proto::AddTrackRequest {
    proto::AddTrackRequest {
        cid: cid.into(),
        r#type: proto::TrackType::Audio.into(),
        source: proto::TrackSource::Microphone.into(),
        ..Default::default()
    }
}
