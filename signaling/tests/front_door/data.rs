// SPDX-License-Identifier: EUPL-1.2
//! Data packets: what clients send over their data channels, and what an application sends.

use bus::{DataChannel, SfuCommand, SfuEvent, TransportSid};
use livekit_protocol as proto;
use livekit_protocol::data_packet::Value;
use prost::Message as _;
use serde_json::json;

use crate::support::{Client, Server, Token};

fn chat(text: &str) -> proto::DataPacket {
    let user = proto::UserPacket { payload: text.into(), topic: Some("chat".into()), ..Default::default() };
    proto::DataPacket { value: Some(Value::User(user)), ..Default::default() }
}

/// The last message that was sent, with its receivers.
async fn sent(server: &Server) -> (Vec<TransportSid>, DataChannel, proto::DataPacket) {
    server
        .sfu
        .wait_for(|command| match command {
            SfuCommand::SendData { transports, channel, payload } => {
                let packet = proto::DataPacket::decode(&**payload).expect("a packet");
                Some((transports.clone(), *channel, packet))
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_packet_reaches_the_others_under_its_sender_s_name() {
    let server = Server::start().await;
    let (_ann, ann) = Client::join_connected(&server, "room", "ann").await;
    let (_bob, bob) = Client::join_connected(&server, "room", "bob").await;
    let (from, to) = (server.sfu.transport_of(&ann).await, server.sfu.transport_of(&bob).await);
    let packet = proto::DataPacket {
        participant_identity: "eve".into(),
        participant_sid: "PA_eve".into(),
        sequence: 1,
        ..chat("hello")
    };
    let payload = packet.encode_to_vec();
    let bytes = payload.len();
    server.sfu.report(SfuEvent::Data { transport: from.clone(), channel: DataChannel::Reliable, payload });
    let (receivers, channel, received) = sent(&server).await;
    assert_eq!((receivers, channel), (vec![to], DataChannel::Reliable));
    assert_eq!((received.participant_identity.as_str(), received.participant_sid.as_str()), ("ann", ann.as_str()));
    assert_eq!((received.sequence, received.value), (1, chat("hello").value));
    let taken = server.sfu.wait_for(|command| match command {
        SfuCommand::DataTaken { transport, bytes } => Some((transport.clone(), *bytes)),
        _ => None,
    });
    assert_eq!(taken.await, (from, bytes));
}

#[tokio::test]
async fn a_packet_goes_only_where_it_is_meant_to() {
    let server = Server::start().await;
    let (_ann, ann) = Client::join_connected(&server, "room", "ann").await;
    let (_bob, _) = Client::join_connected(&server, "room", "bob").await;
    let (_cy, cy) = Client::join_connected(&server, "room", "cy").await;
    let (from, to) = (server.sfu.transport_of(&ann).await, server.sfu.transport_of(&cy).await);
    let packet = proto::DataPacket { destination_identities: vec!["cy".into()], ..chat("psst") };
    let payload = packet.encode_to_vec();
    server.sfu.report(SfuEvent::Data { transport: from, channel: DataChannel::Lossy, payload });
    let (receivers, channel, received) = sent(&server).await;
    assert_eq!((receivers, channel), (vec![to], DataChannel::Lossy));
    assert!(received.destination_identities.is_empty());
}

#[tokio::test]
async fn an_application_sends_to_the_room() {
    let server = Server::start().await;
    let (_ann, _) = Client::join_connected(&server, "room", "ann").await;
    let (_bob, bob) = Client::join_connected(&server, "room", "bob").await;
    let to = server.sfu.transport_of(&bob).await;
    let admin = Token::admin("room");
    let request = json!({ "room": "room", "data": "aGVsbG8=", "kind": "LOSSY", "topic": "chat",
        "destinationIdentities": ["bob"], "nonce": "AAAAAAAAAAAAAAAAAAAAAA==" });
    assert_eq!(server.call("SendData", &admin, request).await.status, 200);
    let (receivers, channel, received) = sent(&server).await;
    assert_eq!((receivers, channel), (vec![to], DataChannel::Lossy));
    assert!(received.participant_identity.is_empty());
    assert!(matches!(received.value, Some(Value::User(user))
        if user.payload == b"hello" && user.topic.as_deref() == Some("chat") && user.nonce.len() == 16));
    let request = json!({ "room": "room", "data": "aGVsbG8=", "nonce": "AAAA" });
    assert_eq!(server.call("SendData", &admin, request).await.json()["code"], json!("invalid_argument"));
}
