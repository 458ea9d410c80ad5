// SPDX-License-Identifier: EUPL-1.2
//! What control orders when offers, connections, publications and subscriptions come in every order, and when what they
//! are about is gone.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use bus::{Answer, MediaKind, Publication, Subscription};
use sfu_media::session::Fingerprint;
use sfu_media::shard::message::{ShardEvent, TransportFailure as ShardFailure};

use super::*;
use crate::registry::{ClaimOutcome, ClaimRequest};

mod legs;

/// Three m-lines of each kind to receive by, as Chromium offers them.
const RECEIVING: &str = include_str!("../../../media/tests/fixtures/offers/chromium-placeholders.sdp");

/// The same, and a microphone to send.
const PUBLISHING: &str = include_str!("../../../media/tests/fixtures/offers/chromium-publish.sdp");

/// The microphone's id in there.
const MICROPHONE: &str = "c7a700a1-5db7-4ba3-bf7f-1fdf03da7c72";

/// Control with a registry that takes every check for valid.
struct Bench {
    control: Control,
    registry: Arc<Registry>,
}

impl Bench {
    fn new() -> Self {
        let config = NegotiationConfig { fingerprint: Fingerprint([7; 32]), candidates: Vec::new() };
        let registry = Arc::new(Registry::new(8, Box::new(|_, _| true)));
        Self {
            control: Control::new(Arc::new(config), registry.clone(), Placement::new(1), StdRng::seed_from_u64(1)),
            registry,
        }
    }

    /// Carries out what must be possible.
    fn command(&mut self, command: SfuCommand) -> SfuReply {
        self.control.handle_command(command).expect("the node has room and knows the transport")
    }

    fn open(&mut self, transport: &str) {
        let participant = format!("PA_{transport}").as_str().into();
        self.command(SfuCommand::OpenTransport { transport: transport.into(), room: "RM_1".into(), participant });
    }

    fn offer(&mut self, transport: &str, sdp: &str) -> Answer {
        let offer = SfuCommand::Offer { transport: transport.into(), sdp: sdp.to_owned() };
        match self.command(offer) {
            SfuReply::Answer(answer) => answer,
            SfuReply::Done => panic!("an offer without an answer"),
        }
    }

    /// Opens a transport whose first offer is `sdp`, and says under which name its client is expected.
    fn join(&mut self, transport: &str, sdp: &str) -> String {
        self.open(transport);
        ufrag(&self.offer(transport, sdp))
    }

    /// Lets `shard` hear the client expected as `ufrag`, and bring up its transport.
    fn connect(&mut self, ufrag: &str, shard: u16) -> TransportId {
        let ClaimOutcome::Claimed(setup) = self.registry.claim(ShardId(shard), &check(ufrag)) else {
            panic!("nobody is expected")
        };
        self.control.handle_event(ShardId(shard), ShardEvent::Connected { transport: setup.id });
        setup.id
    }

    fn publish(&mut self, transport: &str, track: &str, cid: &str, is_muted: bool) {
        let publication = Publication {
            track: track.into(),
            cid: cid.to_owned(),
            kind: MediaKind::Audio,
            is_stereo: false,
            wants_dtx: false,
            is_muted,
        };
        self.command(SfuCommand::Publish { transport: transport.into(), publication });
    }

    fn subscribe(&mut self, transport: &str, track: &str) {
        let subscription = Subscription {
            track: track.into(),
            kind: MediaKind::Audio,
            publisher: "PA_1".into(),
            settings: bus::SubscriptionSettings { is_paused: false, max_layer: 2 },
        };
        self.command(SfuCommand::Subscribe { transport: transport.into(), subscriptions: vec![subscription] });
    }

    /// What followed so far.
    fn outputs(&mut self) -> Vec<ControlOutput> {
        self.control.drain_outputs().collect()
    }

    /// The subscriptions that shards were told to run, with receiver's and publisher's shard.
    fn started(&mut self) -> Vec<(TrackId, ShardId, ShardId)> {
        let started = |output| match output {
            ControlOutput::ToShard(shard, ShardCommand::Subscribe { track, home, .. }) => Some((track, shard, home)),
            _ => None,
        };
        self.outputs().into_iter().filter_map(started).collect()
    }
}

/// An output in few words.
fn told(output: &ControlOutput) -> String {
    match output {
        ControlOutput::Report(_, SfuEvent::Failed { transport, reason }) => {
            format!("room: {transport} failed of {reason:?}")
        }
        ControlOutput::Report(_, SfuEvent::SectionsNeeded { transport, .. }) => {
            format!("room: {transport} must offer again")
        }
        ControlOutput::ToShard(shard, ShardCommand::Unsubscribe { transport, track }) => {
            format!("shard {}: {transport} no longer receives {track}", shard.0)
        }
        other => format!("{other:?}"),
    }
}

fn check(ufrag: &str) -> ClaimRequest {
    ClaimRequest { ufrag: ufrag.into(), source: ([192, 0, 2, 1], 4711).into(), datagram: Vec::new() }
}

fn ufrag(answer: &Answer) -> String {
    let line = answer.sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    line.expect("an answer has credentials").to_owned()
}

#[test]
fn a_subscription_starts_when_all_it_needs_is_there_whatever_comes_last() {
    for last in 0..3 {
        let mut bench = Bench::new();
        let (anna, bert) = (bench.join("TP_a", PUBLISHING), bench.join("TP_b", RECEIVING));
        bench.publish("TP_a", "TR_1", MICROPHONE, false);
        bench.subscribe("TP_b", "TR_1");
        for step in [1, 2, 3].map(|step| (last + step) % 3) {
            assert_eq!(bench.started(), [], "before step {step} of those that end with {last}");
            match step {
                0 => drop(bench.connect(&anna, 4)),
                1 => drop(bench.connect(&bert, 5)),
                _ => drop(bench.offer("TP_b", RECEIVING)),
            }
        }
        let started = bench.started();
        assert_eq!(started.len(), 1, "those that end with {last}");
        assert_eq!((started[0].1, started[0].2), (ShardId(5), ShardId(4)));
        bench.offer("TP_b", RECEIVING);
        assert_eq!(bench.started(), [], "it runs already");
    }
}

#[test]
fn a_track_that_ends_before_its_subscription_starts_starts_nothing() {
    let mut bench = Bench::new();
    let (anna, bert) = (bench.join("TP_a", PUBLISHING), bench.join("TP_b", RECEIVING));
    bench.connect(&anna, 0);
    bench.connect(&bert, 0);
    bench.publish("TP_a", "TR_1", MICROPHONE, false);
    bench.subscribe("TP_b", "TR_1");
    bench.command(SfuCommand::Unpublish { transport: "TP_a".into(), track: "TR_1".into() });
    // The request crosses the end of the track.
    bench.subscribe("TP_b", "TR_1");
    let answer = bench.offer("TP_b", RECEIVING);
    assert_eq!(answer.tracks_by_mid, []);
    assert_eq!(bench.started(), []);
    let session = &bench.control.transports.values().last().expect("bert is there").session;
    assert!(session.downlinks.is_empty());
}

#[test]
fn a_publisher_that_dies_takes_its_tracks_from_everybody() {
    let mut bench = Bench::new();
    let (anna, bert) = (bench.join("TP_a", PUBLISHING), bench.join("TP_b", RECEIVING));
    let dying = bench.connect(&anna, 1);
    let receiver = bench.connect(&bert, 2);
    bench.publish("TP_a", "TR_1", MICROPHONE, false);
    bench.subscribe("TP_b", "TR_1");
    bench.offer("TP_b", RECEIVING);
    let track = bench.started()[0].0;
    bench.control.handle_event(ShardId(1), ShardEvent::Failed { transport: dying, reason: ShardFailure::ConsentLost });
    let expected = [
        "room: TP_a failed of ConsentLost".to_owned(),
        format!("shard 2: {receiver} no longer receives {track}"),
        "room: TP_b must offer again".to_owned(),
    ];
    assert_eq!(bench.outputs().iter().map(told).collect::<Vec<_>>(), expected);
    // What was on its way is about nobody any more.
    let offer = SfuCommand::Offer { transport: "TP_a".into(), sdp: PUBLISHING.to_owned() };
    assert_eq!(bench.control.handle_command(offer), Err(SfuRefusal::UnknownTransport));
    bench.control.handle_event(ShardId(1), ShardEvent::Connected { transport: dying });
    bench.control.handle_event(ShardId(1), ShardEvent::TrackStarted { track });
    bench.control.handle_event(ShardId(1), ShardEvent::Failed { transport: dying, reason: ShardFailure::ConsentLost });
    assert!(bench.outputs().is_empty());
    assert_eq!(bench.registry.place(dying), Place::Unknown);
}

#[test]
fn an_ssrc_that_carried_one_subscription_never_carries_another() {
    let mut bench = Bench::new();
    let (anna, bert) = (bench.join("TP_a", PUBLISHING), bench.join("TP_b", RECEIVING));
    bench.connect(&anna, 0);
    bench.connect(&bert, 0);
    bench.publish("TP_a", "TR_1", MICROPHONE, false);
    let mut seen = Vec::new();
    for _ in 0..3 {
        bench.subscribe("TP_b", "TR_1");
        bench.offer("TP_b", RECEIVING);
        assert_eq!(bench.started().len(), 1);
        let session = &bench.control.transports.values().last().expect("bert is there").session;
        seen.extend(session.downlinks.iter().flat_map(|downlink| [Some(downlink.ssrc), downlink.rtx_ssrc]).flatten());
        bench.command(SfuCommand::Unsubscribe { transport: "TP_b".into(), tracks: vec!["TR_1".into()] });
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert!(count >= 3 && seen.len() == count, "{seen:?}");
}

#[test]
fn a_mute_reaches_the_shard_however_late_it_learns_of_the_track() {
    let mut bench = Bench::new();
    bench.open("TP_a");
    bench.publish("TP_a", "TR_1", MICROPHONE, true);
    let anna = ufrag(&bench.offer("TP_a", PUBLISHING));
    let mutes = |bench: &mut Bench| {
        let outputs = bench.outputs().into_iter();
        outputs
            .filter(|o| matches!(o, ControlOutput::ToShard(_, ShardCommand::MuteTrack { is_muted: true, .. })))
            .count()
    };
    assert_eq!(mutes(&mut bench), 0, "there is no shard yet");
    bench.connect(&anna, 3);
    assert_eq!(mutes(&mut bench), 1);
    bench.offer("TP_a", RECEIVING);
    bench.outputs();
    bench.offer("TP_a", PUBLISHING);
    assert_eq!(mutes(&mut bench), 1, "the track came back with the offer");
}

#[test]
fn orders_can_be_repeated() {
    let mut bench = Bench::new();
    let anna = bench.join("TP_a", PUBLISHING);
    bench.open("TP_a");
    for _ in 0..2 {
        bench.publish("TP_a", "TR_1", MICROPHONE, false);
    }
    assert_eq!((bench.control.transport_count(), bench.control.tracks.len()), (1, 1));
    bench.connect(&anna, 0);
    let close = || SfuCommand::CloseTransport { transport: "TP_a".into() };
    bench.command(close());
    assert_eq!(bench.control.handle_command(close()), Err(SfuRefusal::UnknownTransport));
    assert_eq!((bench.control.transport_count(), bench.control.tracks.len()), (0, 0));
    assert!(bench.control.rooms.is_empty() && bench.control.rooms_by_group.is_empty());
}

#[test]
fn a_refused_offer_leaves_all_as_it_was() {
    let mut bench = Bench::new();
    bench.open("TP_a");
    for sdp in ["", "v=0\r\n", &RECEIVING.replace("sha-256", "sha-0")] {
        let offer = SfuCommand::Offer { transport: "TP_a".into(), sdp: sdp.to_owned() };
        assert!(matches!(bench.control.handle_command(offer), Err(SfuRefusal::BadOffer(_))), "{sdp}");
    }
    assert_eq!(bench.registry.pending(), 0);
    let anna = ufrag(&bench.offer("TP_a", RECEIVING));
    bench.connect(&anna, 0);
}

#[test]
fn what_follows_comes_in_the_order_of_age() {
    let mut bench = Bench::new();
    let (anna, bert) = (bench.join("TP_a", PUBLISHING), bench.join("TP_b", RECEIVING));
    bench.connect(&anna, 0);
    for number in 0..3 {
        bench.publish("TP_a", &format!("TR_{number}"), &format!("{MICROPHONE}-{number}"), false);
        bench.subscribe("TP_b", &format!("TR_{number}"));
    }
    bench.offer("TP_b", RECEIVING);
    bench.connect(&bert, 0);
    let started: Vec<_> = bench.started().into_iter().map(|(track, ..)| track).collect();
    assert!(started.len() == 3 && started.is_sorted(), "{started:?}");
}

#[test]
fn a_shard_that_claims_a_client_just_then_hears_that_it_was_closed() {
    const ROUNDS: usize = 1_000;
    let mut bench = Bench::new();
    let registry = bench.registry.clone();
    let (names, expected) = std::sync::mpsc::channel::<String>();
    let together = Arc::new(Barrier::new(2));
    let shard = std::thread::spawn({
        let together = together.clone();
        move || {
            let hear = |name: String| {
                together.wait();
                let is_claimed = matches!(registry.claim(ShardId(0), &check(&name)), ClaimOutcome::Claimed(_));
                together.wait();
                is_claimed
            };
            expected.into_iter().map(hear).collect::<Vec<bool>>()
        }
    });
    let mut was_told = Vec::new();
    for round in 0..ROUNDS {
        names.send(bench.join("TP_a", RECEIVING)).expect("the shard listens");
        bench.outputs();
        together.wait();
        // So that it meets every moment of the claim.
        let start = Instant::now();
        while start.elapsed() < Duration::from_nanos(20 * (round as u64 % 100)) {}
        bench.command(SfuCommand::CloseTransport { transport: "TP_a".into() });
        together.wait();
        let is_close =
            |output: &ControlOutput| matches!(output, ControlOutput::ToShard(_, ShardCommand::CloseTransport { .. }));
        was_told.push(bench.outputs().iter().any(is_close));
    }
    drop(names);
    let was_claimed = shard.join().expect("the shard ends well");
    assert_eq!(was_told, was_claimed);
}
