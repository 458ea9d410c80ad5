// SPDX-License-Identifier: EUPL-1.2
//! Data packets and their way.

use super::*;
use crate::rooms::chat::DataContent;
use crate::rooms::input::DataAudience;

fn packet() -> DataPacket {
    DataPacket {
        sequence: 0,
        identities: Vec::new(),
        participants: Vec::new(),
        claimed_identity: String::new(),
        audience: DataAudience::Anyone,
        content: DataContent::Other,
        sealed: (*b"hello").into(),
    }
}

fn send_over(room: &mut Fixture, who: &Someone, channel: DataChannel, packet: Option<DataPacket>) {
    let data = IncomingData { transport: who.transport.clone(), channel, bytes: 100, packet };
    room.handle(Input::Data(data));
}

/// Sends a reliable packet and says who receives it, under which name.
fn send(room: &mut Fixture, who: &Someone, packet: DataPacket) -> Option<(Vec<TransportSid>, Option<String>)> {
    send_over(room, who, DataChannel::Reliable, Some(packet));
    let (receivers, message) = room.data.pop()?;
    Some((receivers, message.sender.map(|(identity, _)| identity.to_string())))
}

#[test]
fn a_packet_goes_to_all_others_who_are_connected() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.enter(joiner("unconnected")).expect("let in");
    assert_eq!(send(&mut room, &ann, packet()), Some((vec![bob.transport], Some("ann".into()))));
}

#[test]
fn a_packet_can_be_for_some_only() {
    let mut room = room();
    let (ann, bob, cy) = (room.join("ann"), room.join("bob"), room.join("cy"));
    let to_bob = DataPacket { identities: vec!["bob".into(), "ann".into(), "nobody".into()], ..packet() };
    assert_eq!(send(&mut room, &ann, to_bob).map(|sent| sent.0), Some(vec![bob.transport]));
    let to_cy = DataPacket { participants: vec![cy.sid.clone()], ..packet() };
    assert_eq!(send(&mut room, &ann, to_cy).map(|sent| sent.0), Some(vec![cy.transport]));
    assert_eq!(send(&mut room, &ann, DataPacket { identities: vec!["nobody".into()], ..packet() }), None);
}

#[test]
fn reliable_packets_come_once_and_are_acknowledged_always() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    let with = |sequence| DataPacket { sequence, ..packet() };
    let delivered = [1, 2, 2, 1, 5, 4, 6].map(|sequence| send(&mut room, &ann, with(sequence)).is_some());
    assert_eq!(delivered, [true, true, false, false, true, false, true]);
    assert_eq!(room.dropped_data, [DataDrop::Repeated; 3]);
    let taken = room.ordered();
    assert_eq!(taken.len(), 7);
    assert!(taken.iter().all(|command| matches!(command, SfuCommand::DataTaken { bytes: 100, .. })));
    let session = room.resume("ann", &ann.sid);
    assert_eq!(room.told_to(session)[0], Notice::Resumed { last_data_sequence: 6 });
}

#[test]
fn lossy_packets_are_neither_counted_nor_acknowledged() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    for _ in 0..2 {
        send_over(&mut room, &ann, DataChannel::Lossy, Some(DataPacket { sequence: 1, ..packet() }));
    }
    assert_eq!(room.data.len(), 2);
    assert!(room.ordered().is_empty());
}

#[test]
fn nonsense_is_acknowledged_dropped_and_counted() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    room.forget_all();
    send_over(&mut room, &ann, DataChannel::Reliable, None);
    assert!(room.data.is_empty());
    assert!(matches!(room.ordered().as_slice(), [SfuCommand::DataTaken { .. }]));
    assert_eq!(room.dropped_data, [DataDrop::Malformed]);
}

#[test]
fn nobody_sends_data_without_permission() {
    let mut room = room();
    room.join("bob");
    let mute = room.join_as(joiner_with("mute", r#"{"canPublishData":false}"#));
    assert_eq!(send(&mut room, &mute, packet()), None);
    let listener = room.join_as(joiner_with("listener", r#"{"canPublish":false}"#));
    assert_eq!(send(&mut room, &listener, packet()), None);
    assert_eq!(room.dropped_data, [DataDrop::NotAllowed; 2]);
}

#[test]
fn the_hidden_speak_without_a_name() {
    let mut room = room();
    let bob = room.join("bob");
    let ghost = room.join_as(joiner_with("ghost", r#"{"hidden":true}"#));
    assert_eq!(send(&mut room, &ghost, packet()), Some((vec![bob.transport], None)));
}

#[test]
fn only_agents_speak_for_others_and_transcribe() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    let as_bob = DataPacket { claimed_identity: "bob".into(), ..packet() };
    let transcription = DataPacket { audience: DataAudience::FromAgents, ..packet() };
    assert_eq!(send(&mut room, &ann, as_bob.clone()).and_then(|sent| sent.1), Some("ann".into()));
    assert_eq!(send(&mut room, &ann, transcription.clone()), None);
    let agent = room.join_as(joiner_of_kind("agent", ParticipantKind::Agent));
    assert_eq!(send(&mut room, &agent, as_bob).and_then(|sent| sent.1), Some("bob".into()));
    assert!(send(&mut room, &agent, transcription).is_some());
}

#[test]
fn metrics_go_to_those_who_may_see_them() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    let metrics = DataPacket { audience: DataAudience::ToMetricsReaders, ..packet() };
    assert_eq!(send(&mut room, &ann, metrics.clone()), None);
    let reader = room.join_as(joiner_with("reader", r#"{"canSubscribeMetrics":true}"#));
    assert_eq!(send(&mut room, &ann, metrics).map(|sent| sent.0), Some(vec![reader.transport]));
}

const KIB: usize = 1024;

fn flood(room: &mut Fixture, who: &Someone, channel: DataChannel, messages: usize) {
    for _ in 0..messages {
        let data = IncomingData { transport: who.transport.clone(), channel, bytes: 64 * KIB, packet: Some(packet()) };
        room.handle(Input::Data(data));
    }
}

fn given_back(room: &mut Fixture) -> usize {
    let taken = std::mem::take(&mut room.commands).into_iter().map(|command| match command {
        SfuCommand::DataTaken { bytes, .. } => bytes,
        _ => 0,
    });
    taken.sum()
}

#[test]
fn who_sends_too_much_has_to_wait() {
    let mut room = room();
    let (ann, bob, _cy) = (room.join("ann"), room.join("bob"), room.join("cy"));
    room.forget_all();
    // What the SFU reads on before it waits for us is passed on all the same: it must not be lost.
    flood(&mut room, &ann, DataChannel::Reliable, 24);
    assert_eq!(room.data.len(), 24);
    let at_once = given_back(&mut room);
    assert_eq!(at_once, 16 * 64 * KIB);
    room.pass(Duration::from_millis(500));
    assert_eq!(given_back(&mut room), 0);
    room.pass(Duration::from_millis(501));
    assert_eq!(given_back(&mut room), 8 * 64 * KIB);
    // Nobody waits for somebody else.
    flood(&mut room, &bob, DataChannel::Reliable, 1);
    assert_eq!(given_back(&mut room), 64 * KIB);
}

#[test]
fn lossy_packets_that_are_too_many_are_dropped_and_counted() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    flood(&mut room, &ann, DataChannel::Lossy, 100);
    assert_eq!(room.data.len(), 17);
    assert_eq!(room.dropped_data, [DataDrop::TooMuch; 83]);
    room.pass(Duration::from_secs(3));
    flood(&mut room, &ann, DataChannel::Lossy, 1);
    assert_eq!(room.data.len(), 18);
}

#[test]
fn who_leaves_while_it_waits_is_forgotten() {
    let mut room = room();
    let (ann, _bob) = (room.join("ann"), room.join("bob"));
    flood(&mut room, &ann, DataChannel::Reliable, 30);
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    room.forget_all();
    room.pass(Duration::from_secs(10));
    assert_eq!(given_back(&mut room), 0);
}
