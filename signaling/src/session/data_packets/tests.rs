// SPDX-License-Identifier: EUPL-1.2
//! What becomes of data packets on their way through the edge.

use livekit_protocol as proto;

use super::*;

fn user(payload: &[u8]) -> proto::UserPacket {
    proto::UserPacket { payload: payload.to_vec(), topic: Some("t".into()), ..Default::default() }
}

fn packet(value: Value) -> proto::DataPacket {
    proto::DataPacket { value: Some(value), ..Default::default() }
}

/// What receivers read of what a client named `ann` sent.
fn pass_on(sent: &proto::DataPacket) -> proto::DataPacket {
    let packet = open(&sent.encode_to_vec()).expect("a good packet");
    let sender = Some(("ann".into(), "PA_ann".into()));
    let sealed = seal(&OutgoingData { packet, channel: DataChannel::Reliable, sender });
    proto::DataPacket::decode(&*sealed).expect("a good packet")
}

#[test]
#[expect(deprecated, reason = "old clients name the sender inside")]
fn nobody_speaks_under_another_name() {
    let mut sent = packet(Value::User(proto::UserPacket {
        participant_sid: "PA_eve".into(),
        participant_identity: "eve".into(),
        ..user(b"hello")
    }));
    sent.participant_identity = "eve".into();
    sent.participant_sid = "PA_eve".into();
    let received = pass_on(&sent);
    assert_eq!((received.participant_identity.as_str(), received.participant_sid.as_str()), ("ann", "PA_ann"));
    assert_eq!(received.value, Some(Value::User(user(b"hello"))));
}

#[test]
fn the_hidden_have_no_name() {
    let mut sent = packet(Value::User(user(b"hello")));
    sent.participant_identity = "ghost".into();
    let opened = open(&sent.encode_to_vec()).expect("a good packet");
    let sealed = seal(&OutgoingData { packet: opened, channel: DataChannel::Lossy, sender: None });
    let received = proto::DataPacket::decode(&*sealed).expect("a good packet");
    assert!(received.participant_identity.is_empty() && received.participant_sid.is_empty());
}

#[test]
#[expect(deprecated, reason = "the kind is what old clients read")]
fn the_kind_is_that_of_the_channel() {
    let mut sent = packet(Value::User(user(b"hello")));
    sent.kind = proto::data_packet::Kind::Lossy.into();
    assert_eq!(pass_on(&sent).kind, i32::from(proto::data_packet::Kind::Reliable));
    let opened = open(&sent.encode_to_vec()).expect("a good packet");
    let sealed = seal(&OutgoingData { packet: opened, channel: DataChannel::Lossy, sender: None });
    let received = proto::DataPacket::decode(&*sealed).expect("a good packet");
    assert_eq!(received.kind, i32::from(proto::data_packet::Kind::Lossy));
}

#[test]
fn the_way_is_read_and_not_passed_on() {
    let mut sent = packet(Value::ChatMessage(proto::ChatMessage { message: "hi".into(), ..Default::default() }));
    sent.destination_identities = vec!["bob".into(), "cy".into()];
    sent.sequence = 7;
    let opened = open(&sent.encode_to_vec()).expect("a good packet");
    assert_eq!((opened.identities.as_slice(), opened.sequence), (["bob".to_owned(), "cy".to_owned()].as_slice(), 7));
    let received = pass_on(&sent);
    assert!(received.destination_identities.is_empty());
    assert_eq!(received.sequence, 7);
    assert_eq!(received.value, sent.value);
}

#[test]
#[expect(deprecated, reason = "old clients name the receivers inside")]
fn old_clients_name_receivers_inside() {
    let sent = packet(Value::User(proto::UserPacket {
        destination_sids: vec!["PA_bob".into()],
        destination_identities: vec!["cy".into()],
        ..user(b"hello")
    }));
    let opened = open(&sent.encode_to_vec()).expect("a good packet");
    assert_eq!(opened.identities, ["cy"]);
    assert_eq!(opened.participants, [ParticipantSid::from("PA_bob")]);
    assert_eq!(pass_on(&sent).value, Some(Value::User(user(b"hello"))));
}

#[test]
fn what_newer_clients_say_passes_untouched() {
    let mut sent = Vec::new();
    string::encode(99, &"from the future".to_owned(), &mut sent);
    let opened = open(&sent).expect("a good packet");
    assert_eq!(*opened.sealed, *sent);
}

#[test]
fn some_things_are_not_for_clients_to_say() {
    let speaker = proto::ActiveSpeakerUpdate::default();
    #[expect(deprecated, reason = "clients still believe it")]
    let speaker = packet(Value::Speaker(speaker));
    assert_eq!(open(&speaker.encode_to_vec()), None);
    let transcription = packet(Value::Transcription(proto::Transcription::default()));
    assert_eq!(open(&transcription.encode_to_vec()).map(|packet| packet.audience), Some(DataAudience::FromAgents));
    let metrics = packet(Value::Metrics(proto::MetricsBatch::default()));
    assert_eq!(open(&metrics.encode_to_vec()).map(|packet| packet.audience), Some(DataAudience::ToMetricsReaders));
}

#[test]
fn nonsense_goes_nowhere() {
    assert_eq!(open(&[0xff; 20]), None);
    assert_eq!(open(&[0x2a, 0xff]), None, "longer than it is");
    assert_eq!(open(&[0x20, 0x01]), None, "an identity that is a number");
    assert_eq!(open(&[0x2a, 0x01, 0xff]), None, "an identity that is no text");
    assert_eq!(open(&vec![0; MAX_PACKET_BYTES + 1]), None);
    for length in 0..200 {
        // Whatever it is, it must not panic.
        let noise: Vec<u8> = (0..length).map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        drop(open(&noise));
    }
}
