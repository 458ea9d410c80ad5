// SPDX-License-Identifier: EUPL-1.2
//! A bridge's end alone, and beside shards on threads of their own that real clients are connected to.

mod meeting;

use std::sync::atomic::{AtomicU64, Ordering};

use sfu_media::ids::{Layer, SpeakerGroup, TransportId};
use sfu_media::media_packet::{MediaPacket, PacketMeta};
use sfu_media::shard::message::ShardEvent;

use super::*;
use crate::mailbox::{MAX_WAITING_PACKETS, mailbox};
use crate::reports::{ReportReceiver, reports};

/// The one shard that the bridge has beside it here.
const PEER: ShardId = ShardId(0);
const BRIDGE: ShardId = ShardId(1);
const TRACK: TrackId = TrackId(1);
const LEG: TransportId = TransportId(9);

/// For what is certain to come.
const LONG: Duration = Duration::from_secs(30);

/// A bridge's end with the mailbox of the one shard beside it.
struct Alone {
    sender: BridgeSender,
    end: BridgeEnd,
    /// The way to the end for shards.
    to_end: MailboxSender,
    shard: Mailbox,
    reports: ReportReceiver,
}

impl Alone {
    fn new() -> Self {
        let (to_shard, shard) = mailbox().unwrap();
        let (to_end, own) = mailbox().unwrap();
        let (report_sender, reports) = reports();
        let (sender, end) = BridgeEnd::new(BRIDGE, own, vec![to_shard, to_end.clone()], report_sender);
        Self { sender, end, to_end, shard, reports }
    }

    /// What the shard was told, in one vector for each hand-over.
    fn told_shard(&mut self) -> Vec<Vec<ShardMessage>> {
        self.shard.collect();
        std::iter::from_fn(|| self.shard.next_messages()).map(|(_, messages)| messages).collect()
    }
}

fn publish(track: TrackId) -> BridgeCommand {
    BridgeCommand::Publish { leg: LEG, track, sid: "TR_1".into(), group: SpeakerGroup(1), is_muted: false }
}

fn hear(leg: u64, track: TrackId, home: ShardId) -> BridgeCommand {
    BridgeCommand::Hear { leg: TransportId(leg), track, sid: "TR_1".into(), home }
}

fn voice(payload: &[u8]) -> VoicePacket {
    VoicePacket { payload: payload.to_vec(), rtp_timestamp: 0, marker: false, audio_level: 20 }
}

fn media() -> ShardMessage {
    let meta = PacketMeta::new(Layer(0), 0, Instant::now());
    ShardMessage::Media { track: TRACK, packet: Box::new(MediaPacket { meta, payload: vec![0x78], padding: 0 }) }
}

#[test]
fn an_order_is_done_before_the_messages_that_follow_from_it() {
    let mut alone = Alone::new();
    let now = Instant::now();
    // A shard was so quick that it asks for the track before the bridge has looked.
    alone.sender.send_command(publish(TRACK));
    alone.to_end.send_messages(PEER, vec![ShardMessage::JoinAudience { track: TRACK }]);
    alone.end.collect();
    assert!(matches!(alone.end.poll(now), Some(Told::Command(command)) if command == publish(TRACK)));
    assert!(alone.end.poll(now).is_none());
    alone.end.publish(now, TRACK, voice(b"one")).unwrap();
    alone.end.publish(now, TRACK, voice(b"two")).unwrap();
    assert!(alone.told_shard().is_empty(), "nothing is handed over yet");
    alone.end.hand_over(now);
    let [told] = &alone.told_shard()[..] else { panic!("one vector for a hand-over") };
    let payloads: Vec<_> = told
        .iter()
        .filter_map(|message| match message {
            ShardMessage::Media { packet, .. } => Some(&packet.payload[..]),
            _ => None,
        })
        .collect();
    assert_eq!(payloads, [b"one", b"two"]);
    let started = |report| matches!(report, (BRIDGE, ShardReport::Event(ShardEvent::TrackStarted { track: TRACK })));
    assert!(alone.reports.blocking_next().is_some_and(started));
}

#[test]
fn media_that_nobody_collects_is_dropped_and_counted_and_orders_are_not() {
    let mut alone = Alone::new();
    alone.sender.send_command(hear(1, TRACK, PEER));
    for _ in 0..MAX_WAITING_PACKETS + 5 {
        alone.to_end.send_messages(PEER, vec![media()]);
        alone.sender.send_command(publish(TrackId(2)));
    }
    alone.to_end.send_messages(PEER, vec![media(), ShardMessage::TrackEnded { track: TRACK }, media()]);
    assert_eq!(alone.end.dropped_packets(), 7);
    alone.end.collect();
    let (mut commands, mut heard, mut ended) = (0, 0, 0);
    while let Some(told) = alone.end.poll(Instant::now()) {
        match told {
            Told::Command(_) => commands += 1,
            Told::Incoming(Incoming::Media { .. }) => heard += 1,
            Told::Incoming(Incoming::Ended { .. }) => ended += 1,
        }
    }
    assert_eq!((commands, heard, ended), (MAX_WAITING_PACKETS + 6, MAX_WAITING_PACKETS, 1));
    alone.to_end.send_messages(PEER, vec![media()]);
    assert_eq!(alone.end.dropped_packets(), 7, "there is room again");
}

#[test]
fn each_order_wakes_a_bridge_that_falls_asleep_just_then() {
    const ROUNDS: u64 = 10_000;
    let Alone { sender, mut end, to_end, .. } = Alone::new();
    let handled = Arc::new(AtomicU64::new(0));
    let thread = std::thread::spawn({
        let handled = handled.clone();
        move || {
            for round in 0..ROUNDS {
                while handled.load(Ordering::Acquire) < round {
                    std::thread::yield_now();
                }
                if round % 2 == 0 {
                    sender.send_command(BridgeCommand::CloseLeg { leg: LEG });
                } else {
                    to_end.send_messages(PEER, vec![media()]);
                }
            }
        }
    });
    let deadline = Instant::now() + LONG;
    end.collect();
    for round in 0..ROUNDS {
        let counted = |end: &BridgeEnd| end.counters().dropped_packets[DropReason::NoAudience];
        let before = counted(&end);
        loop {
            // The message is about nothing that is heard; so it is counted and not told.
            let is_told = end.poll(Instant::now()).is_some();
            if is_told || counted(&end) > before {
                break;
            }
            assert!(Instant::now() < deadline, "nobody woke the bridge in round {round}");
            end.wait(Some(deadline));
            end.collect();
        }
        handled.store(round + 1, Ordering::Release);
        // So that the next one meets every moment of falling asleep.
        for _ in 0..round % 32 {
            std::hint::spin_loop();
        }
    }
    thread.join().unwrap();
}

#[test]
fn a_bridge_waits_no_longer_than_it_wants_and_not_at_all_when_something_is_there() {
    let mut alone = Alone::new();
    let start = Instant::now();
    alone.end.wait(Some(start + Duration::from_millis(5)));
    assert!(start.elapsed() >= Duration::from_millis(5));
    alone.sender.send_command(publish(TRACK));
    alone.end.wait(None);
    alone.end.collect();
    alone.end.wait(None);
    assert!(alone.end.poll(start).is_some() && alone.end.poll(start).is_none());
    assert!(alone.end.may_sleep(), "it has been told all");
    alone.end.woke_up(false);
    alone.to_end.close();
    alone.end.wait(None);
    alone.end.collect();
    assert!(alone.end.is_closed());
}

#[test]
fn an_end_that_is_dropped_leaves_nothing_behind() {
    let mut alone = Alone::new();
    alone.sender.send_command(publish(TRACK));
    alone.sender.send_command(hear(1, TrackId(2), PEER));
    alone.to_end.send_messages(PEER, vec![ShardMessage::JoinAudience { track: TRACK }]);
    alone.end.collect();
    while alone.end.poll(Instant::now()).is_some() {}
    let Alone { sender, end, mut shard, mut reports, .. } = alone;
    drop(end);
    assert!(!sender.send_command(publish(TRACK)));
    shard.collect();
    let (_, told) = shard.next_messages().unwrap();
    let told: Vec<_> = told.iter().map(|message| format!("{message:?}")).collect();
    let expected =
        ["JoinAudience { track: track-2 }", "TrackEnded { track: track-1 }", "LeaveAudience { track: track-2 }"];
    assert_eq!(told, expected);
    assert!(matches!(reports.blocking_next(), Some((BRIDGE, ShardReport::BridgeEnded))));
    assert!(reports.blocking_next().is_none());
}
