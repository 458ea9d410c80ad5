// SPDX-License-Identifier: EUPL-1.2
//! A thread with real sockets beside a real node, telephones on loopback, and a second bridge that hears what the callers of
//! the first one say, as any shard would.

use std::net::{SocketAddr, UdpSocket};

use bus::TransportSid;
use ropus::{Channels, DecodeMode, Decoder};
use sfu_media::bridge::Incoming;
use sfu_media::ids::{ShardId, SpeakerGroup, TrackId, TransportId};
use sfu_media::shard::Shard;
use sfu_media::transport::{DtlsIdentity, stun_is_valid};
use sfu_node::{BridgeCommand, BridgeEnd, ControlPorts, Node, NodeConfig};
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::audio::{FRAME_SAMPLES, SAMPLE_RATE_HZ, SILENCE};
use crate::caller::PlayToken;
use crate::digit::Digit;
use crate::media::level::level_dbov;
use crate::prompts::{Language, PromptId, Prompts};
use crate::sound::testing::{Phone, Whistler, agreed_with, is_whistled};

/// For what is certain to come.
const LONG: Duration = Duration::from_secs(60);

/// A telephone that calls, with the call's key.
struct Caller {
    key: CallKey,
    phone: Phone,
    socket: UdpSocket,
    bridge: SocketAddr,
    whistler: Whistler,
}

impl Caller {
    /// Sends 20 ms, of the voice or of silence, and gives what has come.
    fn turn(&mut self, speaks: bool) -> Vec<crate::audio::Frame> {
        let words = if speaks { self.whistler.next() } else { SILENCE };
        let packet = self.phone.say(&words);
        self.socket.send_to(&packet, self.bridge).unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 2_000];
        while let Ok(len) = self.socket.recv(&mut buffer) {
            heard.extend(self.phone.hear(&buffer[..len]));
        }
        heard
    }
}

struct Rig {
    node: Node,
    ports: ControlPorts,
    /// The bridge that listens from elsewhere.
    elsewhere: BridgeEnd,
    orders: SyncSender<SoundOrder>,
    events: Receiver<SoundEvent>,
    counters: Arc<SoundCounters>,
    thread: JoinHandle<()>,
}

impl Rig {
    fn new() -> Self {
        let identity = DtlsIdentity::generate().unwrap();
        let media = "127.0.0.1:0".parse().unwrap();
        let config = NodeConfig { media, advertise: Vec::new(), shards: 1, bridge_ends: 2, dev: false };
        let make_shard = move |id: ShardId| Shard::new(id, identity.clone(), id.0.into());
        let (mut node, ports) = Node::start(&config, Box::new(stun_is_valid), make_shard).unwrap();
        let mut ends = node.take_bridge_ends();
        let elsewhere = ends.remove(1);
        let library = Arc::new(SoundLibrary::new(Prompts::embedded()));
        let config = SoundConfig::new(library);
        let counters = config.counters.clone();
        let (sender, events) = tokio::sync::mpsc::channel(64);
        let (orders, thread) = SoundThread::spawn(Some(ends.remove(0).into()), config, sender).unwrap();
        Self { node, ports, elsewhere, orders, events, counters, thread }
    }

    fn order(&self, order: SoundOrder) {
        self.orders.send(order).unwrap();
    }

    fn command(&self, command: BridgeCommand) {
        assert!(self.ports.bridges[0].send_command(command));
    }

    /// Somebody calls and is answered.
    fn call(&self, number: u64) -> Caller {
        let bind = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        let (key, socket) = (CallKey(number), bind());
        let sockets = RtpSockets { rtp: bind(), rtcp: bind() };
        let bridge = sockets.rtp.local_addr().unwrap();
        let port = socket.local_addr().unwrap().port();
        let lines = format!("m=audio {port} RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n");
        let agreed = Box::new(agreed_with("127.0.0.1", &lines, None));
        self.order(SoundOrder::Begin { call: key, sockets, agreed });
        self.order(SoundOrder::Open { call: key });
        Caller { key, phone: Phone::new(), socket, bridge, whistler: Whistler::new() }
    }

    /// The node tells the bridge of a caller's leg and track.
    fn open_leg(&self, number: u64) -> TransportSid {
        let (leg, sid) = (TransportId(number), TransportSid::from(format!("TP_{number}")));
        self.command(BridgeCommand::OpenLeg { leg, sid: sid.clone(), room: "RM_1".into() });
        let (track, group) = (TrackId(number), SpeakerGroup(1));
        self.command(BridgeCommand::Publish { leg, track, sid: "TR_1".into(), group, is_muted: false });
        sid
    }

    /// Turns of 20 ms, of which the first caller speaks in all, until something holds. Each time it is given what the second
    /// heard, and what came elsewhere.
    fn talk(
        &mut self,
        callers: &mut [Caller],
        what: &str,
        mut holds: impl FnMut(&[crate::audio::Frame], &[Incoming]) -> bool,
    ) {
        let deadline = Instant::now() + LONG;
        let mut pace = Pace::new(Instant::now());
        loop {
            assert!(Instant::now() < deadline, "{what} did not come about");
            match pace.poll(Instant::now()) {
                Err(time) => thread::sleep(time),
                Ok(_) => {
                    let mut heard = Vec::new();
                    for (at, caller) in callers.iter_mut().enumerate() {
                        let frames = caller.turn(at == 0);
                        if at == 1 {
                            heard = frames;
                        }
                    }
                    let now = Instant::now();
                    self.elsewhere.collect();
                    let told = std::iter::from_fn(|| self.elsewhere.poll(now));
                    let incoming: Vec<_> = told
                        .filter_map(|told| if let Told::Incoming(incoming) = told { Some(incoming) } else { None })
                        .collect();
                    self.elsewhere.hand_over(now);
                    if holds(&heard, &incoming) {
                        return;
                    }
                }
            }
        }
    }

    /// The next event, but for what a busy machine makes of lines.
    fn event(&mut self) -> SoundEvent {
        loop {
            match self.events.blocking_recv().expect("the thread runs") {
                SoundEvent::BadLine { .. } => {}
                event => return event,
            }
        }
    }

    fn shut_down(self) {
        drop(self.orders);
        self.thread.join().unwrap();
        self.node.shutdown().unwrap();
    }
}

#[test]
fn callers_of_a_room_hear_each_other_and_elsewhere_hears_them_until_they_are_muted() {
    let mut rig = Rig::new();
    let mut callers = [rig.call(1), rig.call(2)];
    // One leg is there before the call is connected, and one after.
    let first = rig.open_leg(1);
    rig.order(SoundOrder::Connect { call: callers[0].key, leg: first });
    rig.order(SoundOrder::Connect { call: callers[1].key, leg: "TP_2".into() });
    rig.open_leg(2);
    let home = ShardId(1);
    let hear = BridgeCommand::Hear { leg: TransportId(9), track: TrackId(1), sid: "TR_1".into(), home };
    assert!(rig.ports.bridges[1].send_command(hear));

    let mut decoder = Decoder::new(SAMPLE_RATE_HZ, Channels::Mono).unwrap();
    let (mut whistled, mut elsewhere) = (0, 0);
    rig.talk(&mut callers, "hearing the whistle", |heard, incoming| {
        whistled += heard.iter().filter(|frame| is_whistled(frame)).count();
        for incoming in incoming {
            let Incoming::Media { track: TrackId(1), packet } = incoming else { continue };
            let mut frame = SILENCE;
            if decoder.decode(&packet.payload, &mut frame, DecodeMode::Normal) == Ok(FRAME_SAMPLES) {
                elsewhere += usize::from(is_whistled(&frame));
            }
        }
        whistled >= 50 && elsewhere >= 50
    });

    rig.command(BridgeCommand::Mute { track: TrackId(1), is_muted: true });
    // What is under way still comes. Who speaks and is heard has no pause as long as this.
    let mut quiet_turns = 0;
    rig.talk(&mut callers, "the mute", |heard, incoming| {
        let is_quiet = incoming.is_empty() && !heard.iter().any(is_whistled);
        quiet_turns = if is_quiet { quiet_turns + 1 } else { 0 };
        quiet_turns == 100
    });
    let (mut turns, mut whistled, mut packets) = (0, 0, 0);
    rig.talk(&mut callers, "a while", |heard, incoming| {
        whistled += heard.iter().filter(|frame| is_whistled(frame)).count();
        packets += incoming.len();
        turns += 1;
        turns == 150
    });
    assert_eq!((whistled, packets), (0, 0));

    for caller in &callers {
        rig.order(SoundOrder::End { call: caller.key });
        let event = rig.event();
        let SoundEvent::Ended { call, summary } = event else { panic!("{event:?}") };
        assert_eq!(call, caller.key);
        assert!(summary.received > 200 && summary.sent > 200, "{summary:?}");
    }
    assert_eq!(rig.counters.read().calls, 0);
    rig.shut_down();
}

#[test]
fn a_caller_hears_a_prompt_and_its_end_is_told_and_keys_are() {
    let mut rig = Rig::new();
    let mut callers = [rig.call(1), rig.call(2)];
    let call = callers[1].key;
    let token = PlayToken(3);
    let (language, prompts) = (Language::German, vec![PromptId::Goodbye]);
    rig.order(SoundOrder::Play { call, tenant: None, language, prompts, token });
    let mut audible = 0;
    rig.talk(&mut callers, "hearing the prompt", |heard, _| {
        audible += heard.iter().filter(|frame| level_dbov(frame) < 40).count();
        audible >= 20
    });
    assert!(matches!(rig.event(), SoundEvent::Played { call: played, token: PlayToken(3) } if played == call));
    rig.order(SoundOrder::Digit { call, digit: Digit::HASH });
    assert!(matches!(rig.event(), SoundEvent::Digit { digit: Digit::HASH, .. }));
    assert!(rig.counters.read().datagrams_sent > 0);
    rig.shut_down();
}

#[test]
fn a_thread_at_rest_takes_orders_and_ends_with_its_calls() {
    let mut rig = Rig::new();
    // What a call that is not there is to do is passed over.
    rig.order(SoundOrder::Disconnect { call: CallKey(5) });
    rig.order(SoundOrder::Chime { call: CallKey(5), chime: crate::caller::Chime::Done });
    rig.order(SoundOrder::End { call: CallKey(5) });
    let caller = rig.call(6);
    rig.order(SoundOrder::End { call: caller.key });
    assert!(matches!(rig.event(), SoundEvent::Ended { call: CallKey(6), .. }));
    let caller = rig.call(7);
    let Rig { orders, mut events, thread, node, .. } = rig;
    drop(orders);
    thread.join().unwrap();
    assert!(matches!(events.blocking_recv(), Some(SoundEvent::Ended { call, .. }) if call == caller.key));
    assert!(events.blocking_recv().is_none());
    node.shutdown().unwrap();
}

#[test]
fn calls_go_on_when_the_node_ends() {
    let rig = Rig::new();
    let caller = rig.call(1);
    let sid = rig.open_leg(1);
    rig.order(SoundOrder::Connect { call: caller.key, leg: sid });
    let Rig { node, orders, mut events, thread, .. } = rig;
    node.shutdown().unwrap();
    let (call, token) = (caller.key, PlayToken(1));
    let prompts = vec![PromptId::Restarting];
    orders.send(SoundOrder::Play { call, tenant: None, language: Language::German, prompts, token }).unwrap();
    assert!(matches!(events.blocking_recv(), Some(SoundEvent::Played { .. })));
    drop(orders);
    thread.join().unwrap();
}
