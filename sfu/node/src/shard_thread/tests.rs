// SPDX-License-Identifier: EUPL-1.2
//! The loop of a shard, turn by turn.

use std::net::{SocketAddr, UdpSocket as Client};

use bytes::Bytes;
use sfu_media::ids::{TrackId, TransportId};
use sfu_media::session::{Fingerprint, IceCredentials, Session, TransportSetup};
use sfu_media::shard::message::{ShardCommand, ShardEvent};

use super::fake::FakeShard;
use super::*;
use crate::mailbox::mailbox;
use crate::reports::{ReportReceiver, reports};

mod system_calls;

/// Shards that a test turns by hand, each with a port of its own so that the test says who hears what.
struct World {
    shards: Vec<ShardLoop<FakeShard>>,
    mailboxes: Vec<MailboxSender>,
    registry: Arc<Registry>,
    reports: ReportReceiver,
}

impl World {
    fn new(count: u16) -> Self {
        let (mailboxes, boxes): (Vec<_>, Vec<_>) = (0..count).map(|_| mailbox().unwrap()).unzip();
        let registry = Arc::new(Registry::new(8, Box::new(|datagram, _| datagram.starts_with(b"claim"))));
        let (sender, reports) = reports();
        let shards = (0..count).zip(boxes).map(|(id, mailbox)| {
            let socket = UdpSocket::bind_group("127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0);
            let with = Connections {
                id: ShardId(id),
                socket,
                mailbox,
                peers: mailboxes.clone(),
                registry: registry.clone(),
                reports: sender.clone(),
                counters: Arc::default(),
            };
            ShardLoop::new(FakeShard::default(), with)
        });
        Self { shards: shards.collect(), mailboxes: mailboxes.clone(), registry, reports }
    }

    fn address(&self, shard: usize) -> SocketAddr {
        self.shards[shard].with.socket.local_addr()
    }

    fn expect(&self, name: &str) {
        let credentials = IceCredentials { ufrag: name.into(), password: "password".into() };
        let setup = TransportSetup {
            id: TransportId(7),
            local: credentials.clone(),
            remote: credentials,
            remote_fingerprint: Fingerprint([0; 32]),
            session: Session::default(),
        };
        self.registry.register(Box::new(setup), None).unwrap();
    }
}

fn client() -> Client {
    let client = Client::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client
}

/// What `client` hears next.
fn hear(client: &Client) -> String {
    let mut space = [0; 2_000];
    let len = client.recv(&mut space).unwrap();
    String::from_utf8(space[..len].to_vec()).unwrap()
}

fn hears_nothing(client: &Client) -> bool {
    client.set_nonblocking(true).unwrap();
    let is_silent = client.recv(&mut [0; 10]).is_err();
    client.set_nonblocking(false).unwrap();
    is_silent
}

fn order(id: u64) -> ShardCommand {
    ShardCommand::MuteTrack { track: TrackId(id), is_muted: true }
}

#[test]
fn what_arrives_is_answered_in_the_same_turn() {
    let mut world = World::new(1);
    let client = client();
    for _ in 0..10 {
        client.send_to(b"echo hello", world.address(0)).unwrap();
    }
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Sleep(None));
    for _ in 0..10 {
        assert_eq!(hear(&client), "echo hello");
    }
    let counters = world.shards[0].with.counters.read();
    assert_eq!((counters.received.syscalls, counters.sent.syscalls), (1, 1));
    assert_eq!((counters.shard.received_packets, counters.turns.turns), (10, 1));
}

#[test]
fn a_client_that_may_come_is_claimed_and_answered_in_the_same_turn() {
    let mut world = World::new(1);
    world.expect("anna");
    let client = client();
    client.send_to(b"claim anna", world.address(0)).unwrap();
    world.shards[0].turn(Instant::now());
    assert_eq!(hear(&client), "claim anna");
    assert_eq!(world.shards[0].counters.claims_granted, 1);
    let connected = world.reports.blocking_next();
    assert!(
        matches!(connected, Some((_, ShardReport::Event(ShardEvent::Connected { transport: TransportId(7) })))),
        "{connected:?}"
    );
}

#[test]
fn a_client_heard_by_another_shard_is_passed_on_to_its_owner() {
    let mut world = World::new(2);
    world.expect("anna");
    let home = client();
    home.send_to(b"claim anna", world.address(1)).unwrap();
    world.shards[1].turn(Instant::now());
    assert_eq!(hear(&home), "claim anna");
    // The client moves to another network, and the kernel gives its new address to the other shard.
    let moved = client();
    moved.send_to(b"claim anna", world.address(0)).unwrap();
    world.shards[0].turn(Instant::now());
    assert_eq!(world.shards[0].counters.claims_passed_on, 1);
    world.shards[1].turn(Instant::now());
    assert_eq!(hear(&moved), "claim anna");
    // The address is learnt: what follows goes there without asking.
    moved.send_to(b"echo media", world.address(0)).unwrap();
    world.shards[0].turn(Instant::now());
    assert!(hears_nothing(&moved));
    world.shards[1].turn(Instant::now());
    assert_eq!(hear(&moved), "echo media");
    assert_eq!(world.shards[0].counters.claims_passed_on, 1);
}

#[test]
fn a_client_that_nobody_expects_is_dropped_and_counted() {
    let mut world = World::new(1);
    let client = client();
    client.send_to(b"claim mallory", world.address(0)).unwrap();
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Sleep(None));
    assert!(hears_nothing(&client));
    assert_eq!(world.shards[0].counters.claims_refused, 1);
}

#[test]
fn checks_that_come_together_are_all_answered() {
    let mut world = World::new(1);
    world.expect("anna");
    let interfaces = [client(), client(), client()];
    for interface in &interfaces {
        interface.send_to(b"claim anna", world.address(0)).unwrap();
    }
    world.shards[0].turn(Instant::now());
    for interface in &interfaces {
        assert_eq!(hear(interface), "claim anna");
    }
    assert_eq!((world.shards[0].counters.claims_granted, world.shards[0].counters.claims_refused), (1, 0));
}

#[test]
fn a_flood_of_claims_takes_several_turns() {
    let mut world = World::new(1);
    let client = client();
    for _ in 0..CLAIMS_PER_TURN + 1 {
        client.send_to(b"claim mallory", world.address(0)).unwrap();
    }
    while world.shards[0].turn(Instant::now()) == Next::Turn {}
    assert!(world.shards[0].counters.turns >= 2);
    assert_eq!(world.shards[0].counters.claims_refused, CLAIMS_PER_TURN as u64 + 1);
}

#[test]
fn timeouts_are_kept() {
    let mut world = World::new(1);
    let start = Instant::now();
    let later = start + Duration::from_secs(3_600);
    world.shards[0].shard.timeout = Some(later);
    assert_eq!(world.shards[0].turn(start), Next::Sleep(Some(later)));
    assert_eq!(world.shards[0].turn(later), Next::Sleep(None));
    assert!(matches!(world.reports.blocking_next(), Some((_, ShardReport::Event(_)))));
}

#[test]
fn many_commands_do_not_keep_datagrams_waiting() {
    let mut world = World::new(1);
    let client = client();
    for id in 0..COMMANDS_PER_TURN as u64 * 2 + 1 {
        world.mailboxes[0].send_command(order(id));
    }
    client.send_to(b"echo hello", world.address(0)).unwrap();
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Turn);
    assert_eq!(hear(&client), "echo hello");
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Turn);
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Sleep(None));
    for id in 0..COMMANDS_PER_TURN as u64 * 2 + 1 {
        let report = world.reports.blocking_next();
        let Some((_, ShardReport::Event(ShardEvent::TrackStarted { track }))) = report else { panic!("{report:?}") };
        assert_eq!(track, TrackId(id));
    }
}

#[test]
fn messages_are_taken_by_whole_vectors_up_to_a_bound() {
    let mut world = World::new(2);
    let client = client();
    let source = client.local_addr().unwrap();
    for text in ["echo first", "echo second"] {
        let message = ShardMessage::Datagram { source, datagram: Bytes::from_static(text.as_bytes()) };
        let filler = ShardMessage::LeaveAudience { track: TrackId(0) };
        let mut messages = vec![filler; MESSAGES_PER_TURN];
        messages.push(message);
        world.mailboxes[0].send_messages(ShardId(1), messages);
    }
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Turn);
    assert_eq!(hear(&client), "echo first");
    assert!(hears_nothing(&client));
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Sleep(None));
    assert_eq!(hear(&client), "echo second");
}

#[test]
fn what_is_to_be_sent_does_not_pile_up_within_a_turn() {
    let mut world = World::new(1);
    let client = client();
    for _ in 0..10 {
        client.send_to(b"fan 500", world.address(0)).unwrap();
    }
    world.shards[0].turn(Instant::now());
    assert!(world.shards[0].shard.longest_batch < DATAGRAMS_PER_FLUSH + 500);
    let sent = world.shards[0].sender.counters();
    assert_eq!(sent.datagrams + sent.dropped_full, 5_000);
}

#[test]
fn a_closed_mailbox_is_worked_off_before_the_end() {
    let mut world = World::new(1);
    for id in 0..COMMANDS_PER_TURN as u64 + 1 {
        world.mailboxes[0].send_command(order(id));
    }
    world.mailboxes[0].close();
    assert_eq!(world.shards[0].turn(Instant::now()), Next::Turn);
    assert_eq!(world.shards[0].turn(Instant::now()), Next::End);
    for _ in 0..=COMMANDS_PER_TURN {
        assert!(matches!(world.reports.blocking_next(), Some((_, ShardReport::Event(_)))));
    }
}

#[test]
fn a_thread_that_is_woken_by_its_mailbox_does_not_ask_the_socket() {
    let mut world = World::new(1);
    let shard = &mut world.shards[0];
    assert_eq!(shard.turn(Instant::now()), Next::Sleep(None));
    let asked = shard.receiver.counters().syscalls;
    // As if the command came while the thread was asleep.
    assert!(shard.with.mailbox.may_sleep());
    world.mailboxes[0].send_command(order(1));
    shard.with.mailbox.woke_up(false);
    shard.is_socket_quiet = true;
    shard.turn(Instant::now());
    assert_eq!(shard.receiver.counters().syscalls, asked);
    shard.turn(Instant::now());
    assert_eq!(shard.receiver.counters().syscalls, asked + 1, "it asks again the next time");
}

#[test]
fn a_sleeping_thread_wakes_for_every_input() {
    let mut world = World::new(2);
    let (address, other) = (world.address(0), world.address(1));
    world.shards[0].shard.timeout = Some(Instant::now() + Duration::from_millis(5));
    let run = |ShardLoop { shard, with, .. }| std::thread::spawn(|| ShardLoop::<FakeShard>::new(shard, with).run());
    let threads: Vec<_> = world.shards.drain(..).map(run).collect();
    let started = world.reports.blocking_next();
    assert!(matches!(started, Some((ShardId(0), ShardReport::Event(_)))), "the timeout: {started:?}");
    let client = client();
    client.send_to(b"echo socket", address).unwrap();
    assert_eq!(hear(&client), "echo socket");
    client.send_to(b"to 0 echo peer", other).unwrap();
    assert_eq!(hear(&client), "echo peer");
    world.mailboxes[0].send_command(order(3));
    assert!(matches!(world.reports.blocking_next(), Some((ShardId(0), ShardReport::Event(_)))), "the mailbox");
    for mailbox in &world.mailboxes {
        mailbox.close();
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

/// One turn every 40 ms, before each of which so many datagrams arrive. Returns when the shard was told that it has too
/// much to do.
fn overloads_at(turns: u32, datagrams: usize) -> Vec<Duration> {
    let mut world = World::new(1);
    let client = client();
    let start = Instant::now();
    for turn in 0..turns {
        for _ in 0..datagrams {
            client.send_to(b"fan 0", world.address(0)).unwrap();
        }
        world.shards[0].turn(start + turn * Duration::from_millis(40));
    }
    let overloads = &world.shards[0].shard.overloads;
    assert_eq!(world.shards[0].counters.overloads, overloads.len() as u64);
    overloads.iter().map(|at| *at - start).collect()
}

#[test]
fn a_shard_whose_socket_is_never_empty_is_told() {
    // More than a turn takes.
    assert_eq!(overloads_at(12, 40), [200, 400].map(Duration::from_millis));
}

#[test]
fn a_shard_that_slept_for_long_has_caught_up() {
    let mut world = World::new(1);
    let client = client();
    let start = Instant::now();
    for turn in 0..8 {
        if turn == 4 {
            // It fell asleep a second ago, and is woken by what the socket has.
            world.shards[0].counted_until -= Duration::from_secs(1);
            world.shards[0].sleep(None);
        }
        for _ in 0..40 {
            client.send_to(b"fan 0", world.address(0)).unwrap();
        }
        world.shards[0].turn(start + turn * Duration::from_millis(40));
    }
    assert!(world.shards[0].shard.overloads.is_empty());
}

#[test]
fn a_busy_shard_whose_socket_is_emptied_is_not_told() {
    assert!(overloads_at(50, 20).is_empty());
}

#[test]
fn a_shard_that_works_off_a_burst_is_not_told() {
    let mut world = World::new(1);
    let client = client();
    let start = Instant::now();
    for burst in 0..5u32 {
        for _ in 0..150 {
            client.send_to(b"fan 0", world.address(0)).unwrap();
        }
        for turn in 0..5 {
            let next = world.shards[0].turn(start + (burst * 5 + turn) * Duration::from_millis(40));
            assert_eq!(next == Next::Turn, turn < 4, "it takes five turns");
        }
    }
    assert!(world.shards[0].shard.overloads.is_empty());
}

#[test]
fn a_shard_that_is_behind_with_its_peers_messages_is_told() {
    let mut world = World::new(2);
    let start = Instant::now();
    for turn in 0..7u32 {
        // Half of what a turn takes, three times.
        for _ in 0..3 {
            let messages = vec![ShardMessage::LeaveAudience { track: TrackId(0) }; MESSAGES_PER_TURN / 2];
            world.mailboxes[0].send_messages(ShardId(1), messages);
        }
        world.shards[0].turn(start + turn * Duration::from_millis(40));
    }
    assert_eq!(world.shards[0].shard.overloads, [start + Duration::from_millis(200)]);
    assert!(world.shards[1].shard.overloads.is_empty());
}

#[test]
fn many_commands_are_no_overload() {
    let mut world = World::new(1);
    let start = Instant::now();
    for id in 0..COMMANDS_PER_TURN as u64 * 20 {
        world.mailboxes[0].send_command(order(id));
    }
    for turn in 0..20 {
        let next = world.shards[0].turn(start + turn * Duration::from_millis(40));
        assert_eq!(next == Next::Turn, turn < 19);
    }
    assert!(world.shards[0].shard.overloads.is_empty());
}
