// SPDX-License-Identifier: EUPL-1.2
//! The messages of LiveKit's client protocol that a load generator needs.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use livekit_protocol as proto;
use livekit_protocol::signal_response::Message as Response;
use prost::Message as _;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Socket;
use crate::peer::Content;
use crate::sdp::Sends;

/// The protocol version that we speak.
const PROTOCOL: i32 = 16;

/// The TCP address behind a `ws` or `wss` URL.
pub(super) async fn address_of(url: &str) -> Result<SocketAddr> {
    let uri: Uri = url.parse().with_context(|| format!("{url} is no address"))?;
    let default_port = match uri.scheme_str() {
        Some("ws") => 80,
        Some("wss") => 443,
        _ => bail!("{url} does not begin with ws:// or wss://"),
    };
    let host = uri.host().with_context(|| format!("{url} names no host"))?.trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(default_port);
    let mut addresses = tokio::net::lookup_host((host, port)).await.with_context(|| format!("{host} is not known"))?;
    addresses.next().with_context(|| format!("{host} has no address"))
}

/// A join request, packed as its parameter is.
pub(super) fn join_request(offer: Option<String>, auto_subscribe: bool) -> String {
    let offer =
        offer.map(|sdp| proto::SessionDescription { r#type: "offer".to_owned(), sdp, id: 1, ..Default::default() });
    let request = proto::JoinRequest {
        client_info: Some(proto::ClientInfo {
            sdk: proto::client_info::Sdk::Rust.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            os: std::env::consts::OS.to_owned(),
            ..Default::default()
        }),
        connection_settings: Some(proto::ConnectionSettings { auto_subscribe, ..Default::default() }),
        publisher_offer: offer,
        ..Default::default()
    };
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let plain = request.encode_to_vec();
    let packed = packer.write_all(&plain).and_then(|()| packer.finish());
    let (compression, join_request) = match packed {
        Ok(packed) => (proto::wrapped_join_request::Compression::Gzip, packed),
        Err(_) => (proto::wrapped_join_request::Compression::None, plain),
    };
    let wrapped = proto::WrappedJoinRequest { compression: compression.into(), join_request };
    URL_SAFE_NO_PAD.encode(wrapped.encode_to_vec())
}

/// Opens the WebSocket. The token travels in a header, so that no log of addresses has it.
pub(super) async fn open(url: &str, token: &str, join_request: &str) -> Result<Socket> {
    let url = format!("{}/rtc/v1?join_request={join_request}", url.trim_end_matches('/'));
    let mut request = url.into_client_request().context("no request can be made of the address")?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).context("a token that is no header")?;
    request.headers_mut().insert("authorization", bearer);
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => {
            let status = response.status();
            let body = response.into_body().unwrap_or_default();
            Err(anyhow!("the server answers {status}: {}", String::from_utf8_lossy(&body).trim()))
        }
        Err(error) => Err(error).context("the server cannot be reached"),
    }
}

/// The response in a frame; `None` for frames that carry none.
pub(super) fn decode(frame: &Message) -> Result<Option<Response>> {
    match frame {
        Message::Binary(bytes) => {
            Ok(proto::SignalResponse::decode(bytes.as_ref()).context("a frame that cannot be read")?.message)
        }
        Message::Close(_) => bail!("the server closes the connection"),
        _ => Ok(None),
    }
}

pub(super) fn add_track(sends: &Sends, content: &Content) -> proto::AddTrackRequest {
    let base = proto::AddTrackRequest { cid: sends.cid.clone(), ..Default::default() };
    match content {
        Content::Speech { .. } | Content::Sound(_) | Content::Silence => proto::AddTrackRequest {
            r#type: proto::TrackType::Audio.into(),
            source: proto::TrackSource::Microphone.into(),
            ..base
        },
        Content::Video(layers) => {
            let qualities = [proto::VideoQuality::Low, proto::VideoQuality::Medium, proto::VideoQuality::High];
            // A single layer is the high one.
            let qualities = qualities.into_iter().skip(3_usize.saturating_sub(layers.len()));
            let announced = layers.iter().zip(qualities).map(|(layer, quality)| proto::VideoLayer {
                quality: quality.into(),
                width: layer.width.into(),
                height: layer.height.into(),
                bitrate: layer.bits_per_second,
                ..Default::default()
            });
            let largest = layers.last();
            proto::AddTrackRequest {
                r#type: proto::TrackType::Video.into(),
                source: proto::TrackSource::Camera.into(),
                width: largest.map_or(0, |layer| layer.width.into()),
                height: largest.map_or(0, |layer| layer.height.into()),
                layers: announced.collect(),
                ..base
            }
        }
    }
}

pub(super) fn subscribe(track_sids: Vec<String>) -> proto::UpdateSubscription {
    proto::UpdateSubscription { track_sids, subscribe: true, ..Default::default() }
}

pub(super) fn choose_layer(track_sids: Vec<String>, layer: u8) -> proto::UpdateTrackSettings {
    proto::UpdateTrackSettings { track_sids, quality: i32::from(layer.min(2)), ..Default::default() }
}

pub(super) fn ping() -> proto::Ping {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    proto::Ping { timestamp: i64::try_from(now).unwrap_or_default(), rtt: 0 }
}

pub(super) fn leave() -> proto::LeaveRequest {
    proto::LeaveRequest { reason: proto::DisconnectReason::ClientInitiated.into(), ..Default::default() }
}

/// The candidate that a server trickles, when it is one of UDP.
pub(super) fn candidate(trickle: &proto::TrickleRequest) -> Option<SocketAddr> {
    #[derive(Deserialize)]
    struct Init {
        candidate: String,
    }
    let init: Init = serde_json::from_str(&trickle.candidate_init).ok()?;
    crate::sdp::read_candidate(init.candidate.strip_prefix("candidate:")?).ok()
}
