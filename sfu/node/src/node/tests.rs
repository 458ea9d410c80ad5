// SPDX-License-Identifier: EUPL-1.2
//! Nodes that start, are heard, and end.

use std::net::UdpSocket as Client;
use std::sync::Mutex;

use sfu_media::ids::TransportId;
use sfu_media::session::{Fingerprint, IceCredentials, Session, TransportSetup};

use super::*;
use crate::shard_thread::fake::FakeShard;

fn config(shards: usize) -> NodeConfig {
    NodeConfig { media: "127.0.0.1:0".parse().unwrap(), advertise: Vec::new(), shards, bridge_ends: 0, dev: false }
}

fn start(config: &NodeConfig) -> Result<(Node, ControlPorts), StartError> {
    Node::start(config, Box::new(|_, _| true), |_| FakeShard::default())
}

fn client() -> Client {
    let client = Client::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client
}

#[test]
fn a_node_serves_its_port_until_it_is_shut_down() {
    let (node, mut ports) = start(&config(2)).unwrap();
    let address = node.media_addr();
    assert_eq!(node.candidates(), [address]);
    for _ in 0..20 {
        let client = client();
        client.send_to(b"echo hello", address).unwrap();
        let mut answer = [0; 20];
        assert_eq!(client.recv(&mut answer).unwrap(), 10);
    }
    assert_eq!(ports.mailboxes.len(), 2);
    node.shutdown().unwrap();
    assert!(ports.reports.blocking_next().is_none(), "no shard is left to report");
    assert_eq!(ports.metrics.sum().received.datagrams, 20);
    drop(ports);
    let (again, _) = start(&NodeConfig { media: address, ..config(2) }).unwrap();
    again.shutdown().unwrap();
}

#[test]
fn a_client_is_answered_whichever_shard_hears_it() {
    let (node, ports) = start(&config(2)).unwrap();
    let credentials = IceCredentials { ufrag: "anna".into(), password: "password".into() };
    let setup = TransportSetup {
        id: TransportId(1),
        local: credentials.clone(),
        remote: credentials,
        remote_fingerprint: Fingerprint([0; 32]),
        session: Session::default(),
    };
    ports.registry.register(Box::new(setup), None).unwrap();
    // Enough addresses that the kernel gives some to either shard.
    for _ in 0..40 {
        let client = client();
        for request in [&b"claim anna"[..], b"echo media"] {
            client.send_to(request, node.media_addr()).unwrap();
            let mut answer = [0; 20];
            let len = client.recv(&mut answer).unwrap();
            assert_eq!(&answer[..len], request);
        }
    }
    node.shutdown().unwrap();
    let turns = ports.metrics.sum().turns;
    assert_eq!(turns.claims_granted, 1);
    assert!(turns.claims_passed_on > 0, "one shard heard everything");
}

#[test]
fn a_port_in_use_is_named() {
    let (node, _ports) = start(&config(1)).unwrap();
    let refused = start(&NodeConfig { media: node.media_addr(), ..config(1) }).err().unwrap();
    assert!(refused.to_string().contains(&node.media_addr().port().to_string()), "{refused}");
    assert!(matches!(refused, StartError::Socket(_, error) if error.kind() == io::ErrorKind::AddrInUse));
    let elsewhere = start(&NodeConfig { media: "192.0.2.99:0".parse().unwrap(), ..config(1) }).err().unwrap();
    assert!(matches!(elsewhere, StartError::Socket(..)), "{elsewhere}");
}

#[test]
fn there_is_a_shard_per_core_unless_told_otherwise() {
    let (node, ports) = start(&config(0)).unwrap();
    assert_eq!(ports.mailboxes.len(), thread::available_parallelism().unwrap().get());
    node.shutdown().unwrap();
    for many in [MAX_SHARDS + 1, 70_000] {
        assert!(matches!(start(&config(many)).err(), Some(StartError::TooManyShards(count)) if count == many));
    }
}

#[test]
fn bridges_come_behind_the_shards_and_are_none_of_them() {
    let with_bridges = |bridge_ends| NodeConfig { bridge_ends, ..config(2) };
    let (mut node, mut ports) = start(&with_bridges(2)).unwrap();
    let ends = node.take_bridge_ends();
    assert_eq!(ends.iter().map(BridgeEnd::id).collect::<Vec<_>>(), [ShardId(2), ShardId(3)]);
    assert_eq!(ports.bridges.iter().map(BridgeSender::id).collect::<Vec<_>>(), [ShardId(2), ShardId(3)]);
    assert_eq!((ports.mailboxes.len(), ports.counters.len()), (2, 2));
    assert!(node.take_bridge_ends().is_empty(), "there is one of each");
    drop(ends);
    for id in [2, 3] {
        assert!(
            matches!(ports.reports.blocking_next(), Some((ShardId(bridge), ShardReport::BridgeEnded)) if bridge == id)
        );
    }
    node.shutdown().unwrap();
    assert!(ports.reports.blocking_next().is_none(), "nobody is left to report");
    let many = MAX_BRIDGE_ENDS + 1;
    assert!(matches!(start(&with_bridges(many)).err(), Some(StartError::TooManyBridgeEnds(count)) if count == many));
}

#[test]
fn threads_are_pinned_only_when_each_has_a_core_and_each_core_one() {
    let cores = usable_cores().unwrap().len();
    assert_eq!(cores_for(cores).len(), cores);
    assert!(cores_for(cores + 1).is_empty() && cores_for(cores - 1).is_empty());
    let (node, _ports) = start(&config(cores + 1)).unwrap();
    node.shutdown().unwrap();
}

#[test]
fn a_shard_that_panics_is_reported() {
    let (node, mut ports) = start(&config(1)).unwrap();
    client().send_to(b"panic", node.media_addr()).unwrap();
    assert!(matches!(ports.reports.blocking_next(), Some((ShardId(0), ShardReport::Died))));
    assert_eq!(node.shutdown(), Err(ShutdownError::Panicked(1)));
}

#[test]
fn a_shard_that_hangs_does_not_hold_up_the_end_for_ever() {
    let (release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let (node, _ports) = Node::start(&config(1), Box::new(|_, _| true), move |_| {
        let _ = wait.lock().unwrap().recv();
        FakeShard::default()
    })
    .unwrap();
    assert_eq!(node.shutdown_within(Duration::from_millis(20)), Err(ShutdownError::StillRunning));
    drop(release);
}

#[test]
fn a_dropped_node_ends_its_shards() {
    let (node, mut ports) = start(&config(2)).unwrap();
    drop(node);
    assert!(ports.reports.blocking_next().is_none());
}
