// SPDX-License-Identifier: EUPL-1.2
//! Rooms whose SFU node does not keep up, and the end of them all.

use std::time::Duration;

use bus::{SfuCommand, SfuEndpoint};
use futures_util::FutureExt as _;
use prometheus::Registry;
use tokio::task::unconstrained;
use tokio::time::timeout;

use super::*;
use crate::config::RoomDefaults;
use crate::rooms::input::Join;
use crate::rooms::room::tests::{joiner, microphone};

fn directory(bus: &Bus) -> Directory {
    let codec = DataCodec { open: |_| None, seal: |_| Vec::new(), notice: |_, _| Vec::new() };
    let metrics = Metrics::new(&Registry::new()).expect("metrics");
    Directory::new(bus.clone(), RoomDefaults::default().settings(), codec, metrics, None)
}

/// Whether something is done without waiting, were it for the hundredth time in a row.
fn at_once(future: impl Future) -> bool {
    unconstrained(future).now_or_never().is_some()
}

/// A node that takes so many orders more and then none.
async fn stuck_node(bus: &Bus, orders: usize) -> SfuEndpoint {
    let mut endpoint = bus.serve_sfu("node".into());
    let order = || SfuCommand::CloseTransport { transport: "TP_none".into() };
    while at_once(bus.tell(&"node".into(), order())) {}
    for _ in 0..orders {
        endpoint.next().await.expect("an order");
    }
    endpoint
}

/// Lets somebody in, who hears that it is.
async fn join(directory: &Directory, room: &str, join: Join) -> (RoomHandle, mpsc::Receiver<Notice>) {
    let (room, _) = directory.get_or_create(room, &RoomChange::default()).expect("a room");
    let (sender, mut notices) = mpsc::channel(64);
    let session = directory.new_session();
    room.enter(session, sender, Input::Join(Box::new(Join { session, ..join }))).await;
    assert!(matches!(notices.recv().await, Some(Notice::Joined(_))));
    (room, notices)
}

/// Somebody who is in as soon as one order was taken, and whose room then waits for another one to be.
fn publisher() -> Join {
    Join { tracks: vec![microphone("m")], ..joiner("ann") }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_told_something_can_look_it_up() {
    let bus = Bus::local();
    let _node = stuck_node(&bus, 1).await;
    let (room, _notices) = join(&directory(&bus), "room", publisher()).await;
    assert_eq!(room.info().num_participants, 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_room_keeps_no_other_from_saying_goodbye() {
    let bus = Bus::local();
    let _node = stuck_node(&bus, 9).await;
    let directory = directory(&bus);
    let mut others = Vec::new();
    for number in 0..8 {
        others.push(join(&directory, &number.to_string(), joiner("ann")).await);
    }
    let (busy, _notices) = join(&directory, "busy", publisher()).await;
    while at_once(busy.send(Input::Timeout)) {}
    let goodbyes = async {
        for (_, notices) in &mut others {
            while !matches!(notices.recv().await.expect("a word of farewell"), Notice::Leave { .. }) {}
        }
    };
    tokio::select! {
        heard = timeout(Duration::from_secs(1), goodbyes) => assert!(heard.is_ok(), "some hear nothing"),
        () = directory.shut_down() => {}
    }
}

#[tokio::test]
async fn no_room_is_made_at_the_end() {
    let bus = Bus::local();
    let directory = directory(&bus);
    let (room, _) = directory.get_or_create("room", &RoomChange::default()).expect("a room");
    directory.shut_down().await;
    assert!(!room.is_open());
    assert!(directory.get_or_create("room", &RoomChange::default()).is_none());
    assert!(directory.list(&[]).is_empty());
}
