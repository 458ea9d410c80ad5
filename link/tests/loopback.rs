// SPDX-License-Identifier: EUPL-1.2
//! Both ends of a link in one process, over sockets of loopback: calls and sound go through, a wrong secret does not, and what
//! a lost link leaves behind.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::phone::{
    BridgeLine, CallEnd, CallPurpose, CallTerms, Decline, DialOrder, DialProgress, Dialer, IncomingCall, OutgoingCall,
    PhoneDesk, PhoneNotice, PhoneRequest, TrunkAdministration, TrunkOperation, dialer, line, outgoing_line, trunks,
};
use link::{BridgeLink, BridgePhone, LinkError, NodeLink, NodePhone, Refusal, RemoteEnd, Secret};
use sfu_media::bridge::{Incoming, VoicePacket};
use sfu_media::ids::{ShardId, SpeakerGroup, TrackId, TransportId};
use sfu_media::shard::Shard;
use sfu_media::transport::{DtlsIdentity, stun_is_valid};
use sfu_node::{BridgeCommand, BridgeEnd, ControlPorts, Node, NodeConfig, Told};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// For what is certain to come.
const LONG: Duration = Duration::from_secs(30);

fn secret() -> Secret {
    Secret::new(b"0123456789abcdef0123456789abcdef").unwrap()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(LONG, future).await.expect("it did not come about")
}

/// The node with what signaling would hold, and an end that hears what the callers of the link say.
struct NodeSide {
    node: Option<Node>,
    ports: ControlPorts,
    link: NodeLink,
    elsewhere: BridgeEnd,
    calls: mpsc::Receiver<CallEnd>,
    trunks: TrunkAdministration,
    dialer: Dialer,
}

impl NodeSide {
    async fn new() -> Self {
        let identity = DtlsIdentity::generate().unwrap();
        let media = "127.0.0.1:0".parse().unwrap();
        let config = NodeConfig { media, advertise: Vec::new(), shards: 1, bridge_ends: 2, dev: false };
        let make_shard = move |id: ShardId| Shard::new(id, identity.clone(), id.0.into());
        let (mut node, ports) = Node::start(&config, Box::new(stun_is_valid), make_shard).unwrap();
        let mut ends = node.take_bridge_ends();
        let elsewhere = ends.remove(0);
        let (desk, calls) = bus::phone::desk();
        let (administration, operation) = trunks();
        let (dialer, dials) = dialer();
        let phone = NodePhone { desk, trunks: operation, dials: Some(dials), ends, first_bridge: 1 };
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let link = NodeLink::start(&[listen], secret(), phone).await.unwrap();
        Self { node: Some(node), ports, link, elsewhere, calls, trunks: administration, dialer }
    }

    fn address(&self) -> String {
        self.link.local_addresses()[0].to_string()
    }

    fn command(&self, bridge: usize, command: BridgeCommand) {
        assert!(self.ports.bridges[bridge].send_command(command));
    }

    /// A caller of a bridge comes into the room, with a track.
    fn open_leg(&self, bridge: usize, number: u64) {
        let (leg, track, group) = (TransportId(number), TrackId(number), SpeakerGroup(1));
        let sid = format!("TP_{number}").into();
        self.command(bridge, BridgeCommand::OpenLeg { leg, sid, room: "RM_1".into() });
        let sid = format!("TR_{number}").into();
        self.command(bridge, BridgeCommand::Publish { leg, track, sid, group, is_muted: false });
    }

    /// What a bridge's callers hear of a track that another has.
    fn hear(&self, bridge: usize, leg: u64, track: u64, home: ShardId) {
        let (leg, track) = (TransportId(leg), TrackId(track));
        self.command(bridge, BridgeCommand::Hear { leg, track, sid: "TR".into(), home });
    }
}

/// A bridge with what its call control would hold.
struct BridgeSide {
    link: BridgeLink,
    end: RemoteEnd,
    desk: PhoneDesk,
    trunks: TrunkOperation,
    orders: mpsc::Receiver<DialOrder>,
}

impl BridgeSide {
    fn new(node: String, secret: Secret, threads: u16) -> Self {
        let (desk, calls) = bus::phone::desk();
        let (administration, operation) = trunks();
        let (dialer, orders) = dialer();
        let phone = BridgePhone { calls, trunks: administration, dialer: Some(dialer) };
        let (link, mut ends) = BridgeLink::start(node, secret, threads, phone).unwrap();
        Self { link, end: ends.remove(0), desk, trunks: operation, orders }
    }

    async fn attached(self) -> Self {
        let mut attached = self.link.attached();
        soon(attached.wait_for(|attached| *attached)).await.unwrap();
        self
    }

    async fn call(&self) -> BridgeLine {
        let (ours, signaling) = line(call());
        self.desk.send(signaling).await.unwrap();
        ours
    }
}

fn call() -> IncomingCall {
    IncomingCall {
        bridge: 0,
        trunk: "trk_1".to_owned(),
        peer: "192.0.2.1".parse().unwrap(),
        called: "100".to_owned(),
        caller: None,
        is_withheld: false,
        call_id: "a@b".to_owned(),
    }
}

fn begun() -> PhoneNotice {
    PhoneNotice::Begun(CallTerms { languages: vec!["de".to_owned()], is_direct: true, tenant: None })
}

async fn pair() -> (NodeSide, BridgeSide) {
    let node = NodeSide::new().await;
    let bridge = BridgeSide::new(node.address(), secret(), 1).attached().await;
    (node, bridge)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_has_its_line_in_both_directions_until_somebody_drops_it() {
    let (mut node, bridge) = pair().await;
    let mut ours = bridge.call().await;
    let mut theirs = soon(node.calls.recv()).await.unwrap();
    // The end of the link's first thread is the second of the node's.
    assert_eq!((theirs.call.bridge, theirs.call.called.as_str()), (1, "100"));
    theirs.notices.send(begun()).await.unwrap();
    assert_eq!(soon(ours.notices.recv()).await, Some(begun()));
    ours.requests.send(PhoneRequest::SetHand(true)).await.unwrap();
    assert!(matches!(soon(theirs.requests.recv()).await, Some(PhoneRequest::SetHand(true))));
    // A room whose callers are with a thread of nobody here is not told; one of ours is, by our number, and back by the node's.
    theirs.notices.send(PhoneNotice::RoomIsAt { bridge: 0 }).await.unwrap();
    theirs.notices.send(PhoneNotice::RoomIsAt { bridge: 1 }).await.unwrap();
    assert_eq!(soon(ours.notices.recv()).await, Some(PhoneNotice::RoomIsAt { bridge: 0 }));
    ours.requests.send(PhoneRequest::SoundIsAt { bridge: 0 }).await.unwrap();
    assert!(matches!(soon(theirs.requests.recv()).await, Some(PhoneRequest::SoundIsAt { bridge: 1 })));
    theirs.notices.send(PhoneNotice::Count(2)).await.unwrap();
    assert_eq!(soon(ours.notices.recv()).await, Some(PhoneNotice::Count(2)));
    drop(ours);
    assert!(soon(theirs.requests.recv()).await.is_none());

    let mut ours = bridge.call().await;
    let theirs = soon(node.calls.recv()).await.unwrap();
    theirs.notices.send(PhoneNotice::Failed).await.unwrap();
    drop(theirs);
    assert_eq!(soon(ours.notices.recv()).await, Some(PhoneNotice::Failed));
    assert_eq!(soon(ours.notices.recv()).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_to_dial_reaches_the_bridge_and_its_progress_signaling() {
    let (node, mut bridge) = pair().await;
    let call = OutgoingCall {
        trunk: "trk_1".to_owned(),
        to: "+4989".to_owned(),
        from: None,
        language: "de".to_owned(),
        tenant: Some("town".to_owned()),
        purpose: CallPurpose::Test,
        ring_time: Duration::from_secs(30),
    };
    let (order, mut signaling) = outgoing_line(call.clone());
    node.dialer.send(order).await.unwrap();
    let order = soon(bridge.orders.recv()).await.unwrap();
    assert_eq!(order.call, call);
    let answered = PhoneRequest::Progress(DialProgress::Answered { bridge: 0 });
    order.line.requests.send(answered).await.unwrap();
    let told = soon(signaling.requests.recv()).await.unwrap();
    assert!(matches!(told, PhoneRequest::Progress(DialProgress::Answered { bridge: 1 })), "{told:?}");
    drop(order);
    assert!(soon(signaling.requests.recv()).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trunks_are_told_to_the_bridge_and_how_they_are_to_signaling() {
    let (mut node, mut bridge) = pair().await;
    let trunk = bus::phone::TrunkConfig::of_networks("trk_1", vec!["192.0.2.0/24".parse().unwrap()]);
    node.trunks.list.send_replace(Arc::from([trunk]));
    soon(bridge.trunks.list.wait_for(|list| list.len() == 1)).await.unwrap();
    let state = bus::phone::TrunkState { registration: None, destinations: Vec::new(), calls: 2 };
    bridge.trunks.states.send_replace(Arc::new([("trk_1".to_owned(), state)].into()));
    soon(node.trunks.states.wait_for(|states| states.len() == 1)).await.unwrap();
    // Nobody has them up any more when the bridge is gone.
    drop(bridge);
    soon(node.trunks.states.wait_for(|states| states.is_empty())).await.unwrap();
}

/// Publishes on one end until the other has it, and tells how long each packet took.
async fn carry_sound(
    mut say: impl FnMut(VoicePacket),
    mut hear: impl FnMut() -> Vec<Told>,
    track: TrackId,
) -> Vec<Duration> {
    let mut delays = Vec::new();
    let mut number = 0_u32;
    let deadline = Instant::now() + LONG;
    while delays.len() < 100 {
        assert!(Instant::now() < deadline, "only {} packets came", delays.len());
        number += 1;
        let said = Instant::now();
        let payload = number.to_be_bytes().to_vec();
        say(VoicePacket { payload, rtp_timestamp: number * 960, marker: false, audio_level: 20 });
        // The audience is joined while the first are on their way, so not each comes.
        while said.elapsed() < Duration::from_millis(20) {
            let told = hear();
            let came = told.iter().any(|told| {
                matches!(told, Told::Incoming(Incoming::Media { track: of, packet })
                    if *of == track && packet.payload == number.to_be_bytes())
            });
            if came {
                delays.push(said.elapsed());
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    delays.sort();
    delays
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_goes_both_ways_and_the_link_costs_less_than_five_milliseconds() {
    let (mut node, mut bridge) = pair().await;
    let (here, there) = (node.elsewhere.id(), ShardId(node.elsewhere.id().0 + 1));
    node.open_leg(0, 1);
    node.open_leg(1, 2);
    node.hear(0, 1, 2, there);
    node.hear(1, 2, 1, here);

    let mut legs = 0;
    let deadline = Instant::now() + LONG;
    while legs < 3 {
        assert!(Instant::now() < deadline, "the bridge was told {legs} commands");
        bridge.end.collect();
        while let Some(told) = bridge.end.poll(Instant::now()) {
            legs += usize::from(matches!(told, Told::Command(_)));
        }
        tokio::task::yield_now().await;
    }
    let NodeSide { elsewhere, .. } = &mut node;
    let listen = |end: &mut BridgeEnd| {
        let now = Instant::now();
        end.collect();
        let told = std::iter::from_fn(|| end.poll(now)).collect();
        end.hand_over(now);
        told
    };
    let out = {
        let say = |packet| {
            bridge.end.collect();
            bridge.end.publish(TrackId(2), packet).unwrap();
            bridge.end.hand_over();
        };
        carry_sound(say, || listen(elsewhere), TrackId(2)).await
    };
    let back = {
        let elsewhere = std::cell::RefCell::new(elsewhere);
        let say = |packet| {
            // Nobody gets it before the audience is joined.
            let _ = elsewhere.borrow_mut().publish(Instant::now(), TrackId(1), packet);
            elsewhere.borrow_mut().hand_over(Instant::now());
        };
        let hear = || {
            drop::<Vec<Told>>(listen(&mut elsewhere.borrow_mut()));
            bridge.end.collect();
            std::iter::from_fn(|| bridge.end.poll(Instant::now())).collect()
        };
        carry_sound(say, hear, TrackId(1)).await
    };
    let (median_out, median_back) = (out[50], back[50]);
    println!("from the bridge {median_out:?} (at most {:?}), to it {median_back:?} (at most {:?})", out[99], back[99]);
    assert!(median_out < Duration::from_millis(5) && median_back < Duration::from_millis(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_link_ends_calls_and_legs_and_the_bridge_comes_back() {
    let (mut node, mut bridge) = pair().await;
    let mut ours = bridge.call().await;
    let _theirs = soon(node.calls.recv()).await.unwrap();
    node.open_leg(1, 2);
    let mut commands = Vec::new();
    let deadline = Instant::now() + LONG;
    while commands.len() < 2 {
        assert!(Instant::now() < deadline, "{commands:?}");
        bridge.end.collect();
        while let Some(Told::Command(command)) = bridge.end.poll(Instant::now()) {
            commands.push(command);
        }
        tokio::task::yield_now().await;
    }
    let address = node.link.local_addresses()[0];
    node.link.shut_down().await;
    assert_eq!(soon(ours.notices.recv()).await, None);
    let mut attached = bridge.link.attached();
    soon(attached.wait_for(|attached| !attached)).await.unwrap();
    let deadline = Instant::now() + LONG;
    loop {
        assert!(Instant::now() < deadline, "the leg was not closed");
        bridge.end.collect();
        if let Some(Told::Command(command)) = bridge.end.poll(Instant::now()) {
            assert_eq!(command, BridgeCommand::CloseLeg { leg: TransportId(2) });
            break;
        }
        tokio::task::yield_now().await;
    }
    // While there is no node, calls are declined.
    let mut declined = bridge.call().await;
    assert_eq!(soon(declined.notices.recv()).await, Some(PhoneNotice::Declined(Decline::Unavailable)));

    let (desk, mut calls) = bus::phone::desk();
    let phone = NodePhone { desk, trunks: trunks().1, dials: None, ends: vec![node.elsewhere], first_bridge: 0 };
    let _link = NodeLink::start(&[address], secret(), phone).await.unwrap();
    soon(attached.wait_for(|attached| *attached)).await.unwrap();
    let _ours = bridge.call().await;
    assert_eq!(soon(calls.recv()).await.unwrap().call.bridge, 0);
    drop(node.node.take());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_is_gone_leaves_its_place_and_its_calls_end() {
    let (mut node, bridge) = pair().await;
    let _ours = bridge.call().await;
    let mut theirs = soon(node.calls.recv()).await.unwrap();
    drop(bridge);
    assert!(soon(theirs.requests.recv()).await.is_none());
    let next = BridgeSide::new(node.address(), secret(), 1).attached().await;
    let _ours = next.call().await;
    assert!(soon(node.calls.recv()).await.is_some());
}

async fn refusal(node: String, secret: Secret, threads: u16) -> Refusal {
    let mut bridge = BridgeSide::new(node, secret, threads);
    match soon(bridge.link.ended()).await {
        Some(LinkError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_with_too_many_threads_is_refused_for_good() {
    let node = NodeSide::new().await;
    assert_eq!(refusal(node.address(), secret(), 2).await, Refusal::TooFewEnds { threads: 2, ends: 1 });
    assert!(!node.link.is_attached());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_was_refused_for_its_secret_attaches_when_the_node_has_the_same() {
    let mut node = NodeSide::new().await;
    let other = || Secret::new(b"0123456789abcdef0123456789abcdeF").unwrap();
    let mut bridge = BridgeSide::new(node.address(), other(), 1);
    // Each time that the node looks at a secret, it refuses it.
    let ended = timeout(Duration::from_secs(2), bridge.link.ended()).await;
    assert!(ended.is_err(), "whoever is at that address can end the bridge: {ended:?}");
    assert!(!node.link.is_attached());

    let address = node.link.local_addresses()[0];
    node.link.shut_down().await;
    let (desk, _calls) = bus::phone::desk();
    let phone = NodePhone { desk, trunks: trunks().1, dials: None, ends: vec![node.elsewhere], first_bridge: 0 };
    let _link = NodeLink::start(&[address], other(), phone).await.unwrap();
    bridge.attached().await;
    drop(node.node.take());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_who_say_nothing_do_not_keep_the_bridge_out() {
    let node = NodeSide::new().await;
    // Far more than have a place, from several sources. Those who only wait in line would take minutes.
    let mut strangers = JoinSet::new();
    for number in 0..256_u16 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 1, 1 + (number / 4) as u8], 0).into()).unwrap();
        let mut stream = socket.connect(node.link.local_addresses()[0]).await.unwrap();
        strangers.spawn(async move { stream.read(&mut [0]).await.is_ok_and(|length| length > 0) });
    }
    let bridge = BridgeSide::new(node.address(), secret(), 1).attached().await;
    let _ours = bridge.call().await;
    // Each of them is shown the door, without a word.
    while let Some(has_heard) = soon(strangers.join_next()).await {
        assert!(!has_heard.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_greets_slowly_loses_their_place() {
    let node = NodeSide::new().await;
    let mut stream = TcpStream::connect(node.link.local_addresses()[0]).await.unwrap();
    // A record of TLS, the rest of which comes by a byte now and then: it would take until the next day.
    stream.write_all(&[22, 3, 1, 0x3f, 0xff]).await.unwrap();
    let trickle = async {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
            if stream.write_all(&[1]).await.is_err() {
                return;
            }
        }
    };
    soon(trickle).await;
}
