// SPDX-License-Identifier: EUPL-1.2
//! A service with real shards and sockets, as the rest of Saal and its clients see it.

use std::net::UdpSocket;

use bus::{SfuCommand, SfuReply, TransportSid};
use prometheus::TextEncoder;

use super::*;
use crate::load::client::{AS_BROWSERS, Client};

/// What Chromium offers to receive.
const OFFER: &str = include_str!("../../../media/tests/fixtures/offers/chromium-placeholders.sdp");

const RECEIVED: &str = "sfu_received_datagrams_total";
const RELAYED: &str = "sfu_relayed_datagrams_total";
const PASSED_ON: &str = "sfu_claims_total{outcome=\"passed_on\"}";
const RULES: &str = "sfu_steering_rules";
/// What is made of [`MEDIA`] by the shard that has the client, and by no other.
const HANDLED: &str = "sfu_dropped_packets_total{reason=\"not_connected\"}";

/// RTP before DTLS is up.
const MEDIA: [u8; 40] = [0x80; 40];

/// How often each client sends it.
const MEDIA_COUNT: u64 = 5;

/// For what is certain to come.
const LONG: Duration = Duration::from_secs(30);

fn start(bus: &Bus, shards: usize, metrics: &prometheus::Registry) -> Service {
    let media = "127.0.0.1:0".parse().unwrap();
    let config = NodeConfig { media, advertise: Vec::new(), shards, bridge_ends: 0, dev: false };
    Service::start(&config, "node".into(), bus, metrics).unwrap()
}

fn open(transport: &TransportSid) -> SfuCommand {
    SfuCommand::OpenTransport { transport: transport.clone(), room: "RM_1".into(), participant: "PA_1".into() }
}

#[tokio::test]
async fn control_that_ends_without_a_word_counts_as_dead() {
    let service = start(&Bus::local(), 1, &prometheus::Registry::new());
    let died = service.died();
    service.task.abort();
    died.await;
}

#[tokio::test]
async fn a_node_that_was_shut_down_serves_nobody() {
    let bus = Bus::local();
    let service = start(&bus, 1, &prometheus::Registry::new());
    bus.request(&"node".into(), open(&"TP_1".into())).await.unwrap();
    service.shutdown().await.unwrap();
    assert!(bus.sfu_nodes().is_empty());
    assert!(bus.request(&"node".into(), open(&"TP_1".into())).await.is_err());
}

#[tokio::test]
async fn events_that_no_room_takes_are_counted() {
    let bus = Bus::local();
    let (endpoint, undelivered) = (bus.serve_sfu("node".into()), AtomicU64::new(0));
    let event = || SfuEvent::Connected { transport: "TP_1".into() };
    report(&endpoint, &undelivered, &"RM_1".into(), event());
    let mut room = bus.room_events("RM_1".into());
    report(&endpoint, &undelivered, &"RM_1".into(), event());
    assert_eq!(room.next().await, Some(event()));
    assert_eq!(undelivered.into_inner(), 1);
}

/// A service on tokio's paused clock. Its control runs only while the test awaits something, and its rhythm goes on only
/// when the test says so; its shards run on threads and a clock of their own.
struct Meeting {
    bus: Bus,
    metrics: prometheus::Registry,
    service: Service,
    clients: Vec<Participant>,
}

/// Somebody in the meeting's room.
struct Participant {
    transport: TransportSid,
    socket: UdpSocket,
    /// A valid STUN check.
    check: Vec<u8>,
}

impl Meeting {
    fn start(shards: usize) -> Self {
        let (bus, metrics) = (Bus::local(), prometheus::Registry::new());
        let service = start(&bus, shards, &metrics);
        Self { bus, metrics, service, clients: Vec::new() }
    }

    async fn request(&self, command: SfuCommand) -> SfuReply {
        self.bus.request(&"node".into(), command).await.unwrap()
    }

    /// Somebody more offers, checks, and is answered.
    async fn join(&mut self) {
        let transport: TransportSid = format!("TP_{}", self.clients.len()).as_str().into();
        self.request(open(&transport)).await;
        let offer = SfuCommand::Offer { transport: transport.clone(), sdp: OFFER.to_owned() };
        let SfuReply::Answer(answer) = self.request(offer).await else { panic!("an offer without an answer") };
        let user_name = format!("{}:{}", value(&answer.sdp, "a=ice-ufrag:"), value(OFFER, "a=ice-ufrag:"));
        let check = Client::new(AS_BROWSERS).check(&user_name, value(&answer.sdp, "a=ice-pwd:"), true);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.service.media_addr()).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        self.clients.push(Participant { transport, socket, check });
        self.clients[self.clients.len() - 1].check();
    }

    async fn leave(&mut self) {
        for client in std::mem::take(&mut self.clients) {
            self.request(SfuCommand::CloseTransport { transport: client.transport }).await;
        }
    }

    fn send_media(&self) {
        for client in &self.clients {
            (0..MEDIA_COUNT).for_each(|_| assert_eq!(client.socket.send(&MEDIA).unwrap(), MEDIA.len()));
        }
    }

    fn count(&self, metric: &str) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.metrics.gather()).unwrap();
        value(&text, &format!("{metric} ")).parse().unwrap()
    }

    /// Waits for the shards' threads, and for nothing else: control stands still.
    fn wait_until(&self, metric: &str, wanted: u64) {
        let deadline = Instant::now() + LONG;
        while self.count(metric) != wanted {
            assert!(Instant::now() < deadline, "{metric} is {}, not {wanted}", self.count(metric));
            std::thread::yield_now();
        }
    }

    /// Lets control go on, a beat of its rhythm after the other.
    async fn pass_time_until(&self, metric: &str, wanted: u64) {
        for _ in 0..100 {
            tokio::time::advance(MEASURING_INTERVAL).await;
            if self.count(metric) == wanted {
                return;
            }
        }
        panic!("{metric} stays {}, not {wanted}", self.count(metric));
    }
}

impl Participant {
    fn check(&self) {
        self.socket.send(&self.check).unwrap();
        self.socket.recv(&mut [0; 1_500]).expect("every valid check is answered");
    }
}

/// What follows `name` in the first line that begins with it.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test(start_paused = true)]
async fn clients_are_heard_by_their_shard_after_a_moment() {
    let mut meeting = Meeting::start(2);
    // All are on one shard. Chance decides which one hears them at first.
    while meeting.count(PASSED_ON) < 3 {
        assert!(meeting.clients.len() < 64, "one shard hears everybody");
        meeting.join().await;
        meeting.wait_until(RECEIVED, meeting.clients.len() as u64);
    }
    let (all, elsewhere) = (meeting.clients.len() as u64, meeting.count(PASSED_ON));
    meeting.send_media();
    meeting.wait_until(HANDLED, MEDIA_COUNT * all);
    meeting.wait_until(RELAYED, MEDIA_COUNT * elsewhere);
    assert_eq!(meeting.count(RULES), 0);

    meeting.pass_time_until(RULES, elsewhere).await;
    meeting.send_media();
    meeting.clients.iter().for_each(Participant::check);
    meeting.wait_until(HANDLED, 2 * MEDIA_COUNT * all);
    meeting.wait_until(RECEIVED, (2 + 2 * MEDIA_COUNT) * all);
    assert_eq!(meeting.count(RELAYED), MEDIA_COUNT * elsewhere, "datagrams are still passed on");
    assert_eq!(meeting.count(PASSED_ON), elsewhere, "checks are still passed on");

    meeting.leave().await;
    meeting.pass_time_until(RULES, 0).await;
    meeting.service.shutdown().await.unwrap();
}
