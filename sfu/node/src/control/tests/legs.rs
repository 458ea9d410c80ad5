// SPDX-License-Identifier: EUPL-1.2
//! What control orders for the callers of bridges.

use super::*;
use crate::control::legs::{MAX_LEGS, MAX_TRACKS_PER_LEG};

/// What the shards know the two bridges by.
const FIRST: ShardId = ShardId(2);
const SECOND: ShardId = ShardId(3);

fn bench() -> Bench {
    let Bench { control, registry } = Bench::new();
    Bench { control: control.with_bridges([FIRST, SECOND]), registry }
}

impl Bench {
    fn try_call(&mut self, leg: &str, bridge: u16) -> Result<SfuReply, SfuRefusal> {
        self.control.handle_command(SfuCommand::OpenBridgeLeg { transport: leg.into(), room: "RM_1".into(), bridge })
    }

    /// Opens a leg and forgets what follows.
    fn call(&mut self, leg: &str, bridge: u16) {
        self.try_call(leg, bridge).expect("there is such a bridge");
        self.outputs();
    }

    /// Somebody connects on a shard, with the microphone as a track.
    fn publisher(&mut self, transport: &str, track: &str, shard: u16) -> TransportId {
        self.open(transport);
        self.publish(transport, track, MICROPHONE, false);
        let ufrag = ufrag(&self.offer(transport, PUBLISHING));
        let id = self.connect(&ufrag, shard);
        self.outputs();
        id
    }

    /// What followed for bridges and about legs, in few words.
    fn told_bridges(&mut self) -> Vec<String> {
        self.outputs().iter().filter_map(told_bridge).collect()
    }

    fn configure(&mut self, transport: &str, track: &str, is_paused: bool) {
        let settings = bus::SubscriptionSettings { is_paused, max_layer: 2 };
        let (transport, track) = (transport.into(), track.into());
        self.command(SfuCommand::ConfigureSubscription { transport, track, settings });
    }

    fn unsubscribe(&mut self, transport: &str, track: &str) {
        self.command(SfuCommand::Unsubscribe { transport: transport.into(), tracks: vec![track.into()] });
    }
}

fn told_bridge(output: &ControlOutput) -> Option<String> {
    let (bridge, command) = match output {
        ControlOutput::ToBridge(bridge, command) => (bridge.0, command),
        ControlOutput::Report(_, SfuEvent::Connected { transport }) => {
            return Some(format!("{transport} is connected"));
        }
        ControlOutput::Report(_, SfuEvent::Failed { transport, reason }) => {
            return Some(format!("{transport} failed: {reason:?}"));
        }
        _ => return None,
    };
    Some(match command {
        BridgeCommand::OpenLeg { sid, room, .. } => format!("{bridge}: open {sid} in {room}"),
        BridgeCommand::CloseLeg { .. } => format!("{bridge}: close"),
        BridgeCommand::Publish { sid, is_muted, .. } => format!("{bridge}: publish {sid} muted {is_muted}"),
        BridgeCommand::Mute { is_muted, .. } => format!("{bridge}: muted {is_muted}"),
        BridgeCommand::Unpublish { .. } => format!("{bridge}: unpublish"),
        BridgeCommand::Hear { sid, home, .. } => format!("{bridge}: hear {sid} of {home}"),
        BridgeCommand::StopHearing { .. } => format!("{bridge}: stop hearing"),
    })
}

#[test]
fn a_leg_is_connected_at_once_and_its_tracks_are_the_bridges() {
    let mut bench = bench();
    bench.try_call("TP_leg", 1).unwrap();
    bench.publish("TP_leg", "TR_1", "", true);
    let publish = SfuCommand::Mute { transport: "TP_leg".into(), track: "TR_1".into(), is_muted: false };
    bench.command(publish);
    bench.command(SfuCommand::Unpublish { transport: "TP_leg".into(), track: "TR_1".into() });
    bench.command(SfuCommand::CloseTransport { transport: "TP_leg".into() });
    let expected = [
        "3: open TP_leg in RM_1",
        "TP_leg is connected",
        "3: publish TR_1 muted true",
        "3: muted false",
        "3: unpublish",
        "3: close",
    ];
    assert_eq!(bench.told_bridges(), expected);
    assert!(bench.control.rooms.is_empty() && bench.control.transport_ids.is_empty() && bench.control.legs.is_empty());
}

#[test]
fn a_browser_receives_a_caller_as_it_receives_anybody() {
    let mut bench = bench();
    bench.call("TP_leg", 0);
    bench.publish("TP_leg", "TR_1", "", false);
    let bert = bench.join("TP_b", RECEIVING);
    bench.connect(&bert, 1);
    bench.subscribe("TP_b", "TR_1");
    assert_eq!(bench.started(), [], "it has no m-line for it yet");
    let answer = bench.offer("TP_b", RECEIVING);
    assert!(answer.tracks_by_mid.iter().any(|(_, track)| *track == "TR_1".into()), "{answer:?}");
    let started = bench.started();
    assert_eq!((started.len(), started[0].1, started[0].2), (1, ShardId(1), FIRST));
    bench.command(SfuCommand::CloseTransport { transport: "TP_leg".into() });
    let told: Vec<_> =
        bench.outputs().iter().map(|output| told_bridge(output).unwrap_or_else(|| told(output))).collect();
    let receiver = *bench.control.transports.keys().next().unwrap();
    let track = started[0].0;
    assert_eq!(
        told,
        [
            "2: close".to_owned(),
            format!("shard 1: {receiver} no longer receives {track}"),
            "room: TP_b must offer again".to_owned()
        ]
    );
}

#[test]
fn what_a_leg_hears_is_told_when_it_is_sent_whatever_comes_last() {
    for last in 0..3 {
        let mut bench = bench();
        bench.call("TP_leg", 0);
        bench.open("TP_a");
        bench.publish("TP_a", "TR_1", MICROPHONE, false);
        let anna = ufrag(&bench.offer("TP_a", RECEIVING));
        bench.outputs();
        for step in [1, 2, 3].map(|step| (last + step) % 3) {
            assert_eq!(
                bench.control.drain_outputs().filter_map(|output| told_bridge(&output)).find(|o| o.contains("hear")),
                None
            );
            match step {
                0 => drop(bench.connect(&anna, 1)),
                1 => bench.subscribe("TP_leg", "TR_1"),
                _ => drop(bench.offer("TP_a", PUBLISHING)),
            }
        }
        let told = bench.told_bridges();
        assert_eq!(told.last().map(String::as_str), Some("2: hear TR_1 of shard-1"), "those that end with {last}");
        bench.subscribe("TP_leg", "TR_1");
        bench.offer("TP_a", PUBLISHING);
        assert!(bench.told_bridges().is_empty(), "it is told once");
    }
}

#[test]
fn a_leg_hears_no_longer_what_is_paused_unsubscribed_not_sent_or_over() {
    let mut bench = bench();
    let anna = bench.publisher("TP_a", "TR_1", 1);
    bench.call("TP_leg", 0);
    bench.subscribe("TP_leg", "TR_1");
    let (hear, stop) = (["2: hear TR_1 of shard-1"], ["2: stop hearing"]);
    assert_eq!(bench.told_bridges(), hear);
    for is_paused in [true, true, false, false] {
        bench.configure("TP_leg", "TR_1", is_paused);
    }
    assert_eq!(bench.told_bridges(), [stop[0], hear[0]]);
    bench.unsubscribe("TP_leg", "TR_1");
    bench.unsubscribe("TP_leg", "TR_1");
    assert_eq!(bench.told_bridges(), stop);
    bench.subscribe("TP_leg", "TR_1");
    bench.offer("TP_a", RECEIVING);
    assert_eq!(bench.told_bridges(), [hear[0], stop[0]], "there is no m-line for it any more");
    bench.offer("TP_a", PUBLISHING);
    assert_eq!(bench.told_bridges(), hear);
    bench.control.handle_event(ShardId(1), ShardEvent::Failed { transport: anna, reason: ShardFailure::ConsentLost });
    assert_eq!(bench.told_bridges(), ["TP_a failed: ConsentLost", stop[0]]);
    bench.subscribe("TP_leg", "TR_1");
    assert!(bench.told_bridges().is_empty(), "the track is over");
}

#[test]
fn callers_of_one_bridge_and_of_two_hear_each_other() {
    let mut bench = bench();
    bench.call("TP_1", 0);
    bench.call("TP_2", 1);
    bench.publish("TP_1", "TR_1", "", false);
    bench.subscribe("TP_1", "TR_1");
    bench.subscribe("TP_2", "TR_1");
    let expected = ["2: publish TR_1 muted false", "2: hear TR_1 of shard-2", "3: hear TR_1 of shard-2"];
    assert_eq!(bench.told_bridges(), expected);
    bench.command(SfuCommand::CloseTransport { transport: "TP_1".into() });
    assert_eq!(bench.told_bridges(), ["2: close", "3: stop hearing"]);
}

#[test]
fn a_bridge_carries_sound_alone() {
    let mut bench = bench();
    bench.call("TP_leg", 0);
    let publication = |kind| Publication {
        track: "TR_1".into(),
        cid: String::new(),
        kind,
        is_stereo: false,
        wants_dtx: true,
        is_muted: false,
    };
    let publish = SfuCommand::Publish { transport: "TP_leg".into(), publication: publication(MediaKind::Video) };
    assert_eq!(bench.control.handle_command(publish), Err(SfuRefusal::NotOnABridge));
    let offer = SfuCommand::Offer { transport: "TP_leg".into(), sdp: RECEIVING.to_owned() };
    assert_eq!(bench.control.handle_command(offer), Err(SfuRefusal::NotOnABridge));
    bench.open("TP_a");
    bench.command(SfuCommand::Publish { transport: "TP_a".into(), publication: publication(MediaKind::Video) });
    bench.subscribe("TP_leg", "TR_1");
    assert!(bench.control.legs.values().all(|leg| leg.names().0.as_str() == "TP_leg"));
    assert!(bench.control.legs_that_hear(*bench.control.tracks.keys().next().unwrap()).is_empty());
    bench.command(SfuCommand::DataTaken { transport: "TP_leg".into(), bytes: 1 });
    let (transports, channel) = (vec!["TP_leg".into()], bus::DataChannel::Reliable);
    bench.command(SfuCommand::SendData { transports, channel, payload: vec![1] });
    assert!(bench.told_bridges().is_empty());
}

#[test]
fn nobody_mutes_or_ends_what_another_one_publishes() {
    let mut bench = bench();
    bench.call("TP_1", 0);
    bench.call("TP_2", 0);
    bench.publish("TP_1", "TR_1", "", false);
    bench.told_bridges();
    let (transport, track): (TransportSid, TrackSid) = ("TP_2".into(), "TR_1".into());
    bench.command(SfuCommand::Mute { transport: transport.clone(), track: track.clone(), is_muted: true });
    bench.command(SfuCommand::Unpublish { transport, track });
    assert!(bench.told_bridges().is_empty());
}

#[test]
fn orders_for_legs_can_be_repeated() {
    let mut bench = bench();
    bench.call("TP_leg", 0);
    bench.call("TP_leg", 1);
    for _ in 0..2 {
        bench.publish("TP_leg", "TR_1", "", false);
    }
    assert_eq!((bench.control.leg_count(), bench.told_bridges().len()), (1, 1));
    let close = || SfuCommand::CloseTransport { transport: "TP_leg".into() };
    bench.command(close());
    assert_eq!(bench.control.handle_command(close()), Err(SfuRefusal::UnknownTransport));
}

#[test]
fn there_are_so_many_legs_and_tracks_and_no_more() {
    let mut bench = bench();
    for number in 0..MAX_LEGS {
        bench.try_call(&format!("TP_{number}"), 0).unwrap();
    }
    assert_eq!(bench.try_call("TP_last", 0), Err(SfuRefusal::Full));
    bench.command(SfuCommand::CloseTransport { transport: "TP_1".into() });
    bench.try_call("TP_last", 0).unwrap();
    let publish = |number: usize| SfuCommand::Publish {
        transport: "TP_0".into(),
        publication: Publication {
            track: format!("TR_{number}").as_str().into(),
            cid: String::new(),
            kind: MediaKind::Audio,
            is_stereo: false,
            wants_dtx: true,
            is_muted: false,
        },
    };
    for number in 0..MAX_TRACKS_PER_LEG {
        bench.command(publish(number));
    }
    assert_eq!(bench.control.handle_command(publish(MAX_TRACKS_PER_LEG)), Err(SfuRefusal::Full));
    bench.command(SfuCommand::Unpublish { transport: "TP_0".into(), track: "TR_0".into() });
    bench.command(publish(MAX_TRACKS_PER_LEG));
}

#[test]
fn a_bridge_that_ends_takes_its_callers_along_and_nobody_else() {
    let mut bench = bench();
    bench.publisher("TP_a", "TR_0", 1);
    bench.call("TP_1", 0);
    bench.call("TP_2", 1);
    bench.publish("TP_1", "TR_1", "", false);
    bench.subscribe("TP_2", "TR_1");
    bench.subscribe("TP_1", "TR_0");
    bench.outputs();
    bench.control.handle_bridge_ended(FIRST);
    assert_eq!(bench.told_bridges(), ["TP_1 failed: BridgeEnded", "2: close", "3: stop hearing"]);
    assert_eq!((bench.control.leg_count(), bench.control.tracks.len(), bench.control.transport_count()), (1, 1, 1));
    for (bridge, answer) in
        [(0, Err(SfuRefusal::NoSuchBridge)), (1, Ok(SfuReply::Done)), (2, Err(SfuRefusal::NoSuchBridge))]
    {
        assert_eq!(bench.try_call(&format!("TP_new{bridge}"), bridge), answer, "bridge {bridge}");
    }
    bench.control.handle_bridge_ended(FIRST);
    bench.control.close_all();
    assert!(
        bench.control.rooms.is_empty() && bench.control.transport_ids.is_empty() && bench.control.tracks.is_empty()
    );
}

#[test]
fn what_a_bridge_reports_is_told_under_the_names_of_its_room() {
    let mut bench = bench();
    bench.call("TP_leg", 0);
    bench.publish("TP_leg", "TR_1", "", false);
    bench.outputs();
    let track = *bench.control.tracks.keys().next().unwrap();
    let group = bench.control.rooms.values().next().unwrap().group;
    bench.control.handle_event(FIRST, ShardEvent::TrackStarted { track });
    bench.control.handle_event(FIRST, ShardEvent::Speakers { group, levels: vec![(track, 0.5)] });
    let events: Vec<_> = bench
        .outputs()
        .into_iter()
        .map(|output| match output {
            ControlOutput::Report(room, event) if room == "RM_1".into() => event,
            other => panic!("{other:?}"),
        })
        .collect();
    let levels = vec![bus::SpeakerLevel { track: "TR_1".into(), level: 0.5 }];
    let source = FIRST.0;
    assert_eq!(events, [SfuEvent::TrackStarted { track: "TR_1".into() }, SfuEvent::Speakers { levels, source }]);
}
