// SPDX-License-Identifier: EUPL-1.2
//! What a bridge and the shards tell each other. Whole meetings with browsers are in `simulation/`.

use std::sync::OnceLock;

use super::*;
use crate::test_support::{self, ms, opus_payload};

const BRIDGE: ShardId = ShardId(7);
const HERE: TrackId = TrackId(1);
const THERE: TrackId = TrackId(2);
const LEG: TransportId = TransportId(10);
const GROUP: SpeakerGroup = SpeakerGroup(3);

/// The moment that all here is counted from.
fn begin() -> Instant {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    *BEGIN.get_or_init(test_support::start)
}

/// A bridge whose caller has a track, with those shards in its audience.
fn bridge(shards: &[u16]) -> BridgeTracks {
    let mut bridge = BridgeTracks::new(begin(), BRIDGE);
    bridge.handle_publish(begin(), LEG, HERE, GROUP, false);
    for shard in shards {
        assert_eq!(bridge.handle_message(begin(), ShardId(*shard), ShardMessage::JoinAudience { track: HERE }), None);
    }
    bridge
}

fn voice(rtp_timestamp: u32) -> VoicePacket {
    VoicePacket { payload: opus_payload(), rtp_timestamp, marker: false, audio_level: 20 }
}

fn media(track: TrackId, index: u64) -> ShardMessage {
    let meta = PacketMeta::new(Layer(0), index, begin());
    ShardMessage::Media { track, packet: Box::new(MediaPacket { meta, payload: opus_payload(), padding: 0 }) }
}

/// A message in few words.
fn told(message: &ShardMessage) -> String {
    match message {
        ShardMessage::Media { track, packet } => format!("{track} #{}", packet.meta.index),
        ShardMessage::SenderClock { track, clock, .. } => format!("{track} clock {}", clock.ntp >> 32),
        other => format!("{other:?}"),
    }
}

/// What was said to each shard, in the order of their ids.
fn said(bridge: &mut BridgeTracks) -> Vec<(u16, Vec<String>)> {
    let mut said: Vec<_> = std::iter::from_fn(|| bridge.poll_messages())
        .map(|(shard, messages)| (shard.0, messages.iter().map(told).collect()))
        .collect();
    said.sort();
    said
}

fn to(shard: u16, messages: &[&str]) -> (u16, Vec<String>) {
    (shard, messages.iter().map(|message| (*message).to_owned()).collect())
}

#[test]
fn an_audience_is_joined_once_however_many_hear() {
    let mut bridge = bridge(&[]);
    for leg in [1, 2, 3, 3] {
        bridge.handle_hear(TransportId(leg), THERE, ShardId(0));
    }
    assert_eq!(said(&mut bridge), [to(0, &["JoinAudience { track: track-2 }"])]);
    let heard = bridge.handle_message(begin(), ShardId(0), media(THERE, 5));
    assert!(matches!(heard, Some(Incoming::Media { track: THERE, packet }) if packet.meta.index == 5));
    bridge.handle_stop_hearing(TransportId(1), THERE);
    bridge.handle_leg_closed(TransportId(2));
    assert_eq!(said(&mut bridge), []);
    bridge.handle_stop_hearing(TransportId(3), THERE);
    bridge.handle_stop_hearing(TransportId(3), THERE);
    assert_eq!(said(&mut bridge), [to(0, &["LeaveAudience { track: track-2 }"])]);
    assert_eq!(bridge.handle_message(begin(), ShardId(0), media(THERE, 6)), None);
    let counters = bridge.counters();
    assert_eq!((counters.heard_packets, counters.dropped_packets[DropReason::NoAudience]), (1, 1));
}

#[test]
fn what_is_published_here_is_not_asked_for() {
    let mut bridge = bridge(&[]);
    bridge.handle_hear(LEG, HERE, BRIDGE);
    bridge.handle_stop_hearing(LEG, HERE);
    bridge.handle_hear(LEG, HERE, BRIDGE);
    bridge.handle_end();
    assert_eq!(said(&mut bridge), []);
}

#[test]
fn a_voice_reaches_each_shard_of_its_audience_once() {
    let mut bridge = bridge(&[0, 1, 1]);
    for frame in 0..3 {
        bridge.handle_voice(begin() + ms(20 * frame), HERE, voice(960 * frame as u32)).unwrap();
    }
    let all = ["track-1 #0", "track-1 clock 1", "track-1 #1", "track-1 #2"];
    assert_eq!(said(&mut bridge), [to(0, &all), to(1, &all)]);
    bridge.handle_message(begin(), ShardId(0), ShardMessage::LeaveAudience { track: HERE });
    bridge.handle_voice(begin() + ms(60), HERE, voice(2_880)).unwrap();
    assert_eq!(said(&mut bridge), [to(1, &["track-1 #3"])]);
    assert_eq!(bridge.counters().published_packets, 7);
}

#[test]
fn the_clock_is_told_now_and_then_and_to_whoever_joins() {
    let mut bridge = bridge(&[0]);
    let clocks = |bridge: &mut BridgeTracks, at: Duration| {
        bridge.handle_voice(begin() + at, HERE, voice(0)).unwrap();
        let said = said(bridge).into_iter().flat_map(|(_, messages)| messages);
        said.filter(|message| message.contains("clock")).collect::<Vec<_>>()
    };
    assert_eq!(clocks(&mut bridge, ms(0)), ["track-1 clock 1"]);
    assert!(clocks(&mut bridge, ms(4_980)).is_empty());
    assert_eq!(clocks(&mut bridge, ms(5_000)), ["track-1 clock 6"]);
    bridge.handle_message(begin(), ShardId(1), ShardMessage::JoinAudience { track: HERE });
    assert_eq!(clocks(&mut bridge, ms(5_020)), ["track-1 clock 6"; 2]);
}

#[test]
fn a_muted_track_passes_no_packet_and_leaves_no_gap() {
    let mut bridge = bridge(&[0]);
    bridge.handle_voice(begin(), HERE, voice(0)).unwrap();
    said(&mut bridge);
    bridge.handle_mute(HERE, true);
    for frame in 1..10 {
        assert_eq!(bridge.handle_voice(begin() + ms(20 * frame), HERE, voice(0)), Err(DropReason::Muted));
    }
    assert_eq!(said(&mut bridge), []);
    bridge.handle_mute(HERE, false);
    bridge.handle_voice(begin() + ms(200), HERE, voice(9_600)).unwrap();
    assert_eq!(said(&mut bridge), [to(0, &["track-1 #1"])]);
    assert_eq!(bridge.counters().dropped_packets[DropReason::Muted], 9);
}

#[test]
fn a_track_that_begins_muted_starts_with_its_first_sound() {
    let mut bridge = BridgeTracks::new(begin(), BRIDGE);
    bridge.handle_publish(begin(), LEG, HERE, GROUP, true);
    // The order is repeated with something else, which changes nothing.
    bridge.handle_publish(begin(), LEG, HERE, GROUP, false);
    assert_eq!(bridge.handle_voice(begin(), HERE, voice(0)), Err(DropReason::Muted));
    assert!(bridge.poll_event().is_none());
    bridge.handle_mute(HERE, false);
    for _ in 0..2 {
        assert_eq!(bridge.handle_voice(begin(), HERE, voice(0)), Err(DropReason::NoAudience));
    }
    assert!(matches!(bridge.poll_event(), Some(ShardEvent::TrackStarted { track: HERE })));
    assert!(bridge.poll_event().is_none());
}

#[test]
fn what_is_no_packet_of_a_callers_track_goes_nowhere() {
    let mut bridge = bridge(&[0]);
    assert_eq!(bridge.handle_voice(begin(), THERE, voice(0)), Err(DropReason::UnknownStream));
    for len in [0, MAX_PAYLOAD_BYTES + 1] {
        let packet = VoicePacket { payload: vec![0x78; len], ..voice(0) };
        assert_eq!(bridge.handle_voice(begin(), HERE, packet), Err(DropReason::Malformed));
    }
    let datagram = ShardMessage::Datagram { source: ([192, 0, 2, 1], 9).into(), datagram: bytes::Bytes::new() };
    assert_eq!(bridge.handle_message(begin(), ShardId(0), datagram), None);
    assert_eq!(
        bridge.handle_message(begin(), ShardId(0), ShardMessage::RequestKeyframe { track: HERE, layer: Layer(0) }),
        None
    );
    assert_eq!((bridge.counters().misdirected_messages, said(&mut bridge)), (1, Vec::new()));
}

#[test]
fn what_ends_here_ends_for_everybody() {
    let mut bridge = bridge(&[0, 1]);
    bridge.handle_publish(begin(), TransportId(11), TrackId(4), GROUP, false);
    bridge.handle_message(begin(), ShardId(1), ShardMessage::JoinAudience { track: TrackId(4) });
    bridge.handle_hear(LEG, THERE, ShardId(0));
    said(&mut bridge);
    bridge.handle_leg_closed(LEG);
    let ended = "TrackEnded { track: track-1 }";
    assert_eq!(said(&mut bridge), [to(0, &[ended, "LeaveAudience { track: track-2 }"]), to(1, &[ended])]);
    bridge.handle_message(begin(), ShardId(0), ShardMessage::JoinAudience { track: HERE });
    assert_eq!(said(&mut bridge), [to(0, &[ended])], "it came too late");
    bridge.handle_hear(TransportId(11), THERE, ShardId(0));
    bridge.handle_end();
    let last = ["JoinAudience { track: track-2 }", "LeaveAudience { track: track-2 }"];
    assert_eq!(said(&mut bridge), [to(0, &last), to(1, &["TrackEnded { track: track-4 }"])]);
    assert_eq!((bridge.counters().tracks, bridge.counters().heard_tracks), (0, 0));
}

#[test]
fn a_track_that_ended_elsewhere_is_told_once() {
    let mut bridge = bridge(&[]);
    bridge.handle_hear(LEG, THERE, ShardId(0));
    said(&mut bridge);
    let end = || ShardMessage::TrackEnded { track: THERE };
    assert_eq!(bridge.handle_message(begin(), ShardId(0), end()), Some(Incoming::Ended { track: THERE }));
    assert_eq!(bridge.handle_message(begin(), ShardId(0), end()), None);
    bridge.handle_stop_hearing(LEG, THERE);
    bridge.handle_timeout(begin() + ms(500));
    assert_eq!(said(&mut bridge), [], "its home has forgotten it");
}

#[test]
fn a_home_that_did_not_know_a_track_yet_is_asked_again() {
    let mut bridge = BridgeTracks::new(begin(), BRIDGE);
    bridge.handle_hear(LEG, THERE, ShardId(0));
    said(&mut bridge);
    assert_eq!(bridge.poll_timeout(), None);
    bridge.handle_message(begin(), ShardId(0), ShardMessage::TrackEnded { track: THERE });
    assert_eq!(bridge.poll_timeout(), Some(begin() + ms(500)));
    bridge.handle_timeout(begin() + ms(499));
    assert_eq!(said(&mut bridge), []);
    bridge.handle_timeout(begin() + ms(500));
    assert_eq!(said(&mut bridge), [to(0, &["JoinAudience { track: track-2 }"])]);
    assert!(bridge.handle_message(begin(), ShardId(0), media(THERE, 1)).is_some());
    assert_eq!(bridge.poll_timeout(), None);
    bridge.handle_end();
    assert_eq!(said(&mut bridge), [to(0, &["LeaveAudience { track: track-2 }"])]);
}

#[test]
fn packets_that_nobody_takes_do_not_pile_up() {
    let mut bridge = bridge(&[0, 1]);
    for _ in 0..MAX_WAITING_PACKETS + 10 {
        let _ = bridge.handle_voice(begin(), HERE, voice(0));
    }
    bridge.handle_unpublish(HERE);
    let said = said(&mut bridge);
    for (_, messages) in &said {
        // The clock counts, too; what is no media comes in any case.
        assert_eq!(
            (messages.len(), messages.last().unwrap().as_str()),
            (MAX_WAITING_PACKETS + 1, "TrackEnded { track: track-1 }")
        );
    }
    assert_eq!((said.len(), bridge.counters().dropped_packets[DropReason::Overload]), (2, 22));
}

#[test]
fn a_caller_who_speaks_is_told_as_a_speaker() {
    let mut bridge = bridge(&[]);
    let changes = |bridge: &mut BridgeTracks| -> Vec<_> {
        let events = std::iter::from_fn(|| bridge.poll_event());
        events
            .filter_map(|event| if let ShardEvent::Speakers { levels, .. } = event { Some(levels) } else { None })
            .collect()
    };
    assert_eq!(bridge.poll_timeout(), Some(begin() + ms(500)));
    for frame in 0..25 {
        let _ = bridge.handle_voice(begin() + ms(20 * frame), HERE, voice(0));
    }
    bridge.handle_timeout(begin() + ms(500));
    let [loud] = &changes(&mut bridge)[..] else { panic!("one change") };
    assert!(matches!(loud[..], [(HERE, level)] if level > 0.0), "{loud:?}");
    bridge.handle_mute(HERE, true);
    bridge.handle_timeout(begin() + ms(1_000));
    assert_eq!(changes(&mut bridge), [vec![]], "a muted caller is silent");
    bridge.handle_unpublish(HERE);
    bridge.handle_timeout(begin() + ms(1_500));
    assert_eq!(bridge.poll_timeout(), None, "there is nobody to compare");
}
