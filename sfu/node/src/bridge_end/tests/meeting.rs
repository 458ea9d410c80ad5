// SPDX-License-Identifier: EUPL-1.2
//! A bridge next to two shards, each with a client: what the clients say comes to the bridge once, and what callers say to
//! both of them.

use std::collections::HashSet;
use std::net::UdpSocket;

use sfu_media::session::{
    Codec, Downlink, Fingerprint, IceCredentials, Mid, NegotiatedCodec, Session, TransportSetup, Uplink,
};
use sfu_media::shard::message::ShardCommand;
use sfu_media::shard::{DatagramKind, Shard, classify};
use sfu_media::transport::{DtlsIdentity, stun_is_valid};

use super::*;
use crate::load::client::{AS_BROWSERS, Client};
use crate::node::{ControlPorts, Node, NodeConfig};

const PASSWORD: &str = "a-password-of-22-chars";

const OPUS: NegotiatedCodec = NegotiatedCodec {
    codec: Codec::Opus,
    payload_type: 111,
    rtx_payload_type: None,
    nack: false,
    pli: false,
    transport_cc: false,
};

/// What Anna says, and what the caller says.
const ANNAS: TrackId = TrackId(1);
const CALLERS: TrackId = TrackId(2);

/// The stream by which Anna sends.
const SSRC: u32 = 0x1111;

/// How long a client listens for a datagram.
const MOMENT: Duration = Duration::from_millis(2);

/// Two shards, a client on each who hears the caller, and a bridge. The first client has a track.
struct Meeting {
    node: Node,
    ports: ControlPorts,
    end: BridgeEnd,
    people: Vec<Person>,
}

struct Person {
    client: Client,
    socket: UdpSocket,
    sent: u16,
    /// Sequence numbers and payloads.
    heard: Vec<(u16, Vec<u8>)>,
}

impl Person {
    fn send(&self, datagrams: impl IntoIterator<Item = Vec<u8>>) {
        for datagram in datagrams {
            self.socket.send(&datagram).unwrap();
        }
    }

    /// Takes in what has come within a moment.
    fn listen(&mut self) {
        let mut buffer = [0; 2_000];
        while let Ok(len) = self.socket.recv(&mut buffer) {
            let datagram = &buffer[..len];
            match classify(datagram) {
                DatagramKind::Dtls => self.client.handle_datagram(Instant::now(), datagram),
                DatagramKind::Rtp => {
                    let media = self.client.media.as_mut().unwrap();
                    let packet = media.receives.decrypt_rtp(datagram).expect("authentic");
                    self.heard.push((u16::from_be_bytes([packet[2], packet[3]]), packet[12..].to_vec()));
                }
                _ => {}
            }
            let answers = self.client.take_datagrams();
            self.send(answers);
        }
    }

    /// Says 20 ms of something.
    fn speak(&mut self) {
        self.sent += 1;
        let mut packet = vec![0x80, OPUS.payload_type];
        packet.extend(self.sent.to_be_bytes());
        packet.extend((u32::from(self.sent) * 960).to_be_bytes());
        packet.extend(SSRC.to_be_bytes());
        packet.extend([0x78; 80]);
        let sealed = self.client.media.as_mut().unwrap().sends.encrypt_rtp(&packet).unwrap().to_vec();
        self.send([sealed]);
    }
}

impl Meeting {
    fn start() -> Self {
        let identity = DtlsIdentity::generate().unwrap();
        let media = "127.0.0.1:0".parse().unwrap();
        let config = NodeConfig { media, advertise: Vec::new(), shards: 2, bridge_ends: 1, dev: false };
        let make_shard = move |id: ShardId| Shard::new(id, identity.clone(), id.0.into());
        let (mut node, ports) = Node::start(&config, Box::new(stun_is_valid), make_shard).unwrap();
        let end = node.take_bridge_ends().remove(0);
        assert_eq!((end.id(), ports.bridges[0].id()), (ShardId(2), ShardId(2)));
        let mut meeting = Self { node, ports, end, people: Vec::new() };
        let uplink = Uplink {
            mid: Mid::parse("1").unwrap(),
            track: ANNAS,
            speaker_group: SpeakerGroup(1),
            codec: OPUS,
            rids: Vec::new(),
            ssrcs: vec![(SSRC, None)],
        };
        meeting.join(Session { uplinks: vec![uplink], ..listening() });
        meeting.join(listening());
        meeting
    }

    /// Somebody connects on the next shard.
    fn join(&mut self, session: Session) {
        let number = self.people.len() as u64;
        let credentials = |ufrag: String| IceCredentials { ufrag: ufrag.into(), password: PASSWORD.into() };
        let mut client = Client::new(AS_BROWSERS);
        let setup = TransportSetup {
            id: TransportId(number),
            local: credentials(format!("ours{number}")),
            remote: credentials("theirs".to_owned()),
            remote_fingerprint: Fingerprint(client.fingerprint()),
            session,
        };
        self.ports.registry.register(Box::new(setup), Some(ShardId(number as u16))).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.node.media_addr()).unwrap();
        socket.set_read_timeout(Some(MOMENT)).unwrap();
        socket.send(&client.check(&format!("ours{number}:theirs"), PASSWORD, true)).unwrap();
        client.start_dtls(Instant::now());
        let mut person = Person { client, socket, sent: 0, heard: Vec::new() };
        let first = person.client.take_datagrams();
        // The answer to the check: whoever hears the next datagram knows whose it is.
        let deadline = Instant::now() + LONG;
        while person.socket.recv(&mut [0; 200]).is_err() {
            assert!(Instant::now() < deadline, "the check was not answered");
        }
        person.send(first);
        while person.client.media.is_none() {
            assert!(Instant::now() < deadline, "the handshake did not finish");
            person.listen();
            person.client.handle_timeout(Instant::now());
        }
        self.people.push(person);
        loop {
            let (_, report) = self.ports.reports.blocking_next().expect("the shards run");
            if matches!(report, ShardReport::Event(ShardEvent::Connected { .. })) {
                return;
            }
        }
    }

    fn order(&self, command: BridgeCommand) {
        assert!(self.ports.bridges[0].send_command(command));
    }

    /// Everybody receives the caller's track.
    fn subscribe_all(&self) {
        for (number, mailbox) in (0..).zip(&self.ports.mailboxes) {
            let transport = TransportId(number);
            mailbox.send_command(ShardCommand::Subscribe { transport, track: CALLERS, home: self.end.id() });
        }
    }

    /// A tick of the bridge, in which the caller says something, and what was heard in it.
    fn tick(&mut self, words: Option<&[u8]>) -> Vec<Incoming> {
        let now = Instant::now();
        self.end.collect();
        let told: Vec<_> = std::iter::from_fn(|| self.end.poll(now)).collect();
        let incoming = told.into_iter().filter_map(|told| match told {
            Told::Incoming(incoming) => Some(incoming),
            Told::Command(_) => None,
        });
        if let Some(words) = words {
            let _ = self.end.publish(now, CALLERS, voice(words));
        }
        self.end.hand_over(now);
        incoming.collect()
    }

    /// Waits until something holds.
    fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + LONG;
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what} did not come about");
        }
    }

    /// Lets the caller say something until everybody has heard it.
    fn say_until_heard(&mut self, words: &[u8]) {
        self.wait_until("being heard", |meeting| {
            meeting.tick(Some(words));
            meeting.people.iter_mut().for_each(Person::listen);
            meeting.people.iter().all(|person| person.heard.iter().any(|(_, heard)| heard == words))
        });
    }

    fn subscriptions(&self) -> u64 {
        self.ports.counters.iter().map(|counters| counters.read().shard.subscriptions).sum()
    }
}

fn listening() -> Session {
    let downlink =
        Downlink { mid: Mid::parse("0").unwrap(), track: CALLERS, codec: OPUS, ssrc: 0x2222, rtx_ssrc: None };
    Session { downlinks: vec![downlink], ..Session::default() }
}

#[test]
fn what_a_client_says_comes_once_however_many_callers_hear_it() {
    let mut meeting = Meeting::start();
    for leg in 1..=3 {
        meeting.order(hear(leg, ANNAS, ShardId(0)));
    }
    let mut heard = Vec::new();
    meeting.wait_until("hearing", |meeting| {
        meeting.people[0].speak();
        meeting.end.wait(Some(Instant::now() + MOMENT));
        for incoming in meeting.tick(None) {
            let Incoming::Media { track: ANNAS, packet } = incoming else { panic!("{incoming:?}") };
            assert_eq!(packet.payload, [0x78; 80]);
            heard.push(packet.meta.index);
        }
        heard.len() >= 50
    });
    assert_eq!(heard.iter().collect::<HashSet<_>>().len(), heard.len(), "{heard:?}");
    assert_eq!(meeting.end.counters().heard_packets, heard.len() as u64);
    meeting.ports.mailboxes[0].send_command(ShardCommand::CloseTransport { transport: TransportId(0) });
    meeting.wait_until("the end of the track", |meeting| {
        meeting.end.wait(Some(Instant::now() + MOMENT));
        meeting.tick(None).contains(&Incoming::Ended { track: ANNAS })
    });
    meeting.node.shutdown().unwrap();
    meeting.end.collect();
    assert!(meeting.end.is_closed());
}

#[test]
fn what_a_caller_says_comes_to_clients_on_all_shards_unless_muted() {
    let mut meeting = Meeting::start();
    meeting.order(publish(CALLERS));
    meeting.subscribe_all();
    meeting.say_until_heard(b"good morning");
    meeting.order(BridgeCommand::Mute { track: CALLERS, is_muted: true });
    meeting.tick(Some(b"a secret"));
    assert_eq!(meeting.end.publish(Instant::now(), CALLERS, voice(b"a secret")), Err(DropReason::Muted));
    meeting.order(BridgeCommand::Mute { track: CALLERS, is_muted: false });
    meeting.say_until_heard(b"goodbye");
    for person in &meeting.people {
        assert!(person.heard.iter().all(|(_, words)| words != b"a secret"), "{:?}", person.heard);
        let in_step = person.heard.windows(2).all(|pair| pair[1].0 == pair[0].0.wrapping_add(1));
        assert!(in_step, "{:?}", person.heard);
    }
    assert!(meeting.end.counters().dropped_packets[DropReason::Muted] >= 2);
    meeting.node.shutdown().unwrap();
}

#[test]
fn a_bridge_that_panics_ends_its_callers_tracks_and_nothing_else() {
    let mut meeting = Meeting::start();
    meeting.order(publish(CALLERS));
    meeting.order(hear(1, ANNAS, ShardId(0)));
    meeting.subscribe_all();
    meeting.say_until_heard(b"good morning");
    meeting.wait_until("two subscriptions", |meeting| {
        meeting.tick(None);
        meeting.subscriptions() == 2
    });
    let Meeting { node, mut ports, end, mut people } = meeting;
    let thread = std::thread::spawn(move || {
        let _end = end;
        panic!("as a bridge's thread may");
    });
    assert!(thread.join().is_err());
    loop {
        match ports.reports.blocking_next().expect("the shards run") {
            (ShardId(2), ShardReport::BridgeEnded) => break,
            (_, ShardReport::Died) => panic!("a shard died of it"),
            _ => {}
        }
    }
    assert!(!ports.bridges[0].send_command(publish(CALLERS)));
    // The shards learn of it by themselves, and what Anna says goes to nobody any more.
    let deadline = Instant::now() + LONG;
    let subscriptions = || ports.counters.iter().map(|counters| counters.read().shard.subscriptions).sum::<u64>();
    while subscriptions() > 0 {
        assert!(Instant::now() < deadline, "the callers' tracks did not end");
        people[0].speak();
        people[0].listen();
    }
    let unheard = || ports.counters[0].read().shard.dropped_packets[DropReason::NoAudience];
    let before = unheard();
    while unheard() == before {
        assert!(Instant::now() < deadline, "the bridge did not leave the audience");
        people[0].speak();
        people[0].listen();
    }
    node.shutdown().unwrap();
}
