// SPDX-License-Identifier: EUPL-1.2
//! One node with its shards, a bridge and control, and the clients around it, on one virtual clock.
//!
//! The deployment does what signaling does for a media test: it relays offers and answers without delay, adds the
//! m-lines that the node asks for, and subscribes whoever a scenario tells it to.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{
    Publication, RoomSid, SfuCommand, SfuEvent, SfuReply, Subscription, SubscriptionSettings, TrackSid, TransportSid,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sfu_media::ids::ShardId;
use sfu_media::shard::Shard;
use sfu_media::shard::message::ShardMessage;
use sfu_media::transport::DtlsIdentity;
use sfu_media::transport::negotiation::NegotiationConfig;
use sfu_node::Placement;
use sfu_node::control::{Control, ControlOutput};
use sfu_node::registry::Registry;
use sfu_node::shard_thread::{Claimed, settle_claim};

use crate::bridge::Bridge;
use crate::client::{Client, Kind};
use crate::link::Link;

/// Where all clients reach the node.
pub const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 7882);

/// A client of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(usize);

struct Site {
    client: Client,
    transport: TransportSid,
    address: SocketAddr,
    up: Link,
    down: Link,
    /// Deterministic, so that a scenario chooses who is heard where.
    shard: usize,
}

struct Flight {
    arrives: Instant,
    /// Datagrams that arrive at the same time arrive in the order they were sent.
    number: u64,
    from: SocketAddr,
    to: SocketAddr,
    datagram: Vec<u8>,
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Flight {
    fn key(&self) -> (Instant, u64) {
        (self.arrives, self.number)
    }
}

/// A node and its clients.
pub struct Deployment {
    /// The virtual time.
    pub now: Instant,
    seed: u64,
    rng: StdRng,
    shards: Vec<Shard>,
    bridge: Bridge,
    registry: Arc<Registry>,
    control: Control,
    sites: Vec<Site>,
    flights: BinaryHeap<Reverse<Flight>>,
    flight_number: u64,
    tracks: u64,
    legs: u64,
    events: Vec<SfuEvent>,
    renegotiate: VecDeque<ClientId>,
}

impl Deployment {
    /// A node with some shards, on which clients stay where they are heard first. The seed decides all that happens; it
    /// is printed when a scenario fails.
    #[must_use]
    pub fn new(shards: u16, seed: u64) -> Self {
        // With one shard there is nothing to choose.
        Self::placing(Placement::new(1), shards, seed)
    }

    /// The same, but a room's clients are brought together on one shard, as on a real node.
    #[must_use]
    pub fn keeping_rooms_together(shards: u16, seed: u64) -> Self {
        Self::placing(Placement::new(usize::from(shards)), shards, seed)
    }

    fn placing(placement: Placement, shards: u16, seed: u64) -> Self {
        let identity = DtlsIdentity::generate().expect("a certificate can be made");
        let config = NegotiationConfig { fingerprint: identity.fingerprint(), candidates: vec![SERVER] };
        let registry = Arc::new(Registry::new(1_000, Box::new(sfu_media::transport::stun_is_valid)));
        let control = Control::new(Arc::new(config), registry.clone(), placement, StdRng::seed_from_u64(seed));
        let (now, bridge) = (Instant::now(), ShardId(shards));
        Self {
            now,
            seed,
            rng: StdRng::seed_from_u64(seed ^ 0x5EED),
            shards: (0..shards).map(|id| Shard::new(ShardId(id), identity.clone(), u64::from(id) ^ seed)).collect(),
            bridge: Bridge::new(now, bridge),
            registry,
            control: control.with_bridges([bridge]),
            sites: Vec::new(),
            flights: BinaryHeap::new(),
            flight_number: 0,
            tracks: 0,
            legs: 0,
            events: Vec::new(),
            renegotiate: VecDeque::new(),
        }
    }

    /// How many clients each shard has.
    #[must_use]
    pub fn clients_by_shard(&self) -> Vec<u64> {
        self.shards.iter().map(|shard| shard.counters().transports).collect()
    }

    /// A client with three sections of each kind to receive by joins a room; its datagrams reach `shard`.
    pub fn join(&mut self, room: &str, shard: u16) -> ClientId {
        let number = self.sites.len();
        let client = Client::new(u32::try_from(number).expect("few clients") + 1);
        self.join_as(client, room, shard)
    }

    /// Lets a client of the scenario's making join.
    pub fn join_as(&mut self, mut client: Client, room: &str, shard: u16) -> ClientId {
        let id = ClientId(self.sites.len());
        let transport = TransportSid::from(format!("TP_{}", id.0));
        client.add_receiving(Kind::Audio, 3);
        client.add_receiving(Kind::Video, 3);
        let octet = u8::try_from(id.0 + 1).expect("few clients");
        self.sites.push(Site {
            client,
            transport: transport.clone(),
            address: SocketAddr::from(([198, 51, 100, octet], 50_000)),
            up: Link::default(),
            down: Link::default(),
            shard: usize::from(shard),
        });
        let participant = format!("PA_{}", id.0).into();
        self.command(SfuCommand::OpenTransport { transport, room: RoomSid::from(room), participant });
        self.negotiate(id);
        id
    }

    /// Publishes a microphone or a camera with three layers.
    pub fn publish(&mut self, id: ClientId, kind: Kind) -> TrackSid {
        let cid = self.sites[id.0].client.publish(kind);
        let track = self.announce(self.transport(id), cid, kind);
        self.negotiate(id);
        track
    }

    fn announce(&mut self, transport: TransportSid, cid: String, kind: Kind) -> TrackSid {
        self.tracks += 1;
        let track = TrackSid::from(format!("TR_{}", self.tracks));
        let publication = Publication {
            track: track.clone(),
            cid,
            kind: media_kind(kind),
            is_stereo: false,
            wants_dtx: false,
            is_muted: false,
        };
        self.command(SfuCommand::Publish { transport, publication });
        track
    }

    /// Lets a client receive a track.
    pub fn subscribe(&mut self, receiver: ClientId, publisher: ClientId, track: &TrackSid, kind: Kind) {
        self.forward(self.transport(receiver), format!("PA_{}", publisher.0), track, kind);
    }

    fn forward(&mut self, transport: TransportSid, publisher: String, track: &TrackSid, kind: Kind) {
        let settings = SubscriptionSettings { is_paused: false, max_layer: 2 };
        let publisher = publisher.into();
        let subscription = Subscription { track: track.clone(), kind: media_kind(kind), publisher, settings };
        self.command(SfuCommand::Subscribe { transport, subscriptions: vec![subscription] });
    }

    /// Somebody calls who speaks without a pause: a leg of the bridge, and a track of it.
    pub fn call(&mut self, room: &str) -> (TransportSid, TrackSid) {
        self.legs += 1;
        let leg = TransportSid::from(format!("TP_leg{}", self.legs));
        self.command(SfuCommand::OpenBridgeLeg { transport: leg.clone(), room: RoomSid::from(room), bridge: 0 });
        let track = self.announce(leg.clone(), String::new(), Kind::Audio);
        (leg, track)
    }

    /// Lets a client receive a caller's track.
    pub fn subscribe_to_caller(&mut self, receiver: ClientId, track: &TrackSid) {
        self.forward(self.transport(receiver), "PA_caller".to_owned(), track, Kind::Audio);
    }

    /// Lets a caller hear a track.
    pub fn hear(&mut self, leg: &TransportSid, track: &TrackSid) {
        self.forward(leg.clone(), "PA_publisher".to_owned(), track, Kind::Audio);
    }

    /// The bridge, to see what callers hear.
    #[must_use]
    pub const fn bridge(&self) -> &Bridge {
        &self.bridge
    }

    /// Sends an order to the node and takes its answer, which must be yes.
    pub fn command(&mut self, command: SfuCommand) -> SfuReply {
        let reply = self.control.handle_command(command);
        self.settle();
        reply.unwrap_or_else(|refusal| panic!("the node refused: {refusal}"))
    }

    /// The transport of a client.
    #[must_use]
    pub fn transport(&self, id: ClientId) -> TransportSid {
        self.sites[id.0].transport.clone()
    }

    /// Offer and answer, without delay.
    pub fn negotiate(&mut self, id: ClientId) {
        let sdp = self.sites[id.0].client.offer();
        let transport = self.transport(id);
        let SfuReply::Answer(answer) = self.command(SfuCommand::Offer { transport, sdp }) else {
            panic!("an offer was not answered by an answer")
        };
        let site = &mut self.sites[id.0];
        site.client.accept_answer(self.now, &answer.sdp);
    }

    /// A client.
    #[must_use]
    pub fn client(&self, id: ClientId) -> &Client {
        &self.sites[id.0].client
    }

    /// A client, to change what it does.
    pub fn client_mut(&mut self, id: ClientId) -> &mut Client {
        &mut self.sites[id.0].client
    }

    /// A client's links to and from the node.
    pub fn links(&mut self, id: ClientId) -> (&mut Link, &mut Link) {
        let site = &mut self.sites[id.0];
        (&mut site.up, &mut site.down)
    }

    /// The client's datagrams come from another address from now on, and reach `shard`. It notices at once, as a
    /// browser does whose interface changed.
    pub fn move_client(&mut self, id: ClientId, address: SocketAddr, shard: u16) {
        let now = self.now;
        let site = &mut self.sites[id.0];
        site.address = address;
        site.shard = usize::from(shard);
        site.client.change_address(now);
    }

    /// A shard, to read its counters.
    #[must_use]
    pub fn shard(&self, shard: u16) -> &Shard {
        &self.shards[usize::from(shard)]
    }

    /// A shard has too much to do for so long, as its thread would find five times a second.
    pub fn overload(&mut self, shard: u16, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.shards[usize::from(shard)].handle_overload(self.now);
            self.run_for(Duration::from_millis(200));
        }
    }

    /// What the node reported and nobody took yet.
    pub fn take_events(&mut self) -> Vec<SfuEvent> {
        std::mem::take(&mut self.events)
    }

    /// Hands a shard a datagram that no client of the deployment sent.
    pub fn inject(&mut self, shard: u16, from: SocketAddr, datagram: &[u8]) {
        let mut datagram = datagram.to_vec();
        self.shards[usize::from(shard)].handle_datagram(self.now, from, &mut datagram);
        self.settle();
    }

    /// Lets virtual time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.turn();
        }
        self.now = end;
    }

    /// Lets virtual time pass until `holds`, at most for `limit`.
    pub fn run_until(&mut self, what: &str, limit: Duration, holds: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !holds(self) {
            let next = self.next_event().filter(|next| *next <= end);
            let next = next.unwrap_or_else(|| panic!("{what} did not come about in {limit:?}"));
            self.now = self.now.max(next);
            self.turn();
        }
    }

    fn next_event(&mut self) -> Option<Instant> {
        let flight = self.flights.peek().map(|Reverse(flight)| flight.arrives);
        let clients = self.sites.iter().filter_map(|site| site.client.poll_timeout()).min();
        let shards = self.shards.iter_mut().filter_map(Shard::poll_timeout).min();
        [flight, clients, shards, self.bridge.poll_timeout()].into_iter().flatten().min()
    }

    fn turn(&mut self) {
        while self.flights.peek().is_some_and(|Reverse(flight)| flight.arrives <= self.now) {
            let Some(Reverse(flight)) = self.flights.pop() else { break };
            self.deliver(flight);
        }
        for site in &mut self.sites {
            if site.client.poll_timeout().is_some_and(|due| due <= self.now) {
                site.client.handle_timeout(self.now);
            }
        }
        for shard in &mut self.shards {
            if shard.poll_timeout().is_some_and(|due| due <= self.now) {
                shard.handle_timeout(self.now);
            }
        }
        if self.bridge.poll_timeout().is_some_and(|due| due <= self.now) {
            self.bridge.handle_timeout(self.now);
        }
        self.settle();
    }

    fn deliver(&mut self, mut flight: Flight) {
        if flight.to == SERVER {
            // Who has left an address is no longer heard from there.
            let Some(site) = self.sites.iter().find(|site| site.address == flight.from) else { return };
            self.shards[site.shard].handle_datagram(self.now, flight.from, &mut flight.datagram);
        } else if let Some(site) = self.sites.iter_mut().find(|site| site.address == flight.to) {
            site.client.handle_datagram(self.now, &flight.datagram);
        }
        self.settle();
    }

    /// Carries outputs to where they go until nobody has any more at this instant.
    fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            for index in 0..self.shards.len() {
                is_quiet &= !self.settle_shard(index);
            }
            is_quiet &= !self.settle_bridge();
            is_quiet &= !self.settle_control();
            for index in 0..self.sites.len() {
                self.send_from_client(index);
            }
            if let Some(id) = self.renegotiate.pop_front() {
                self.negotiate(id);
                is_quiet = false;
            }
            if is_quiet {
                return;
            }
        }
    }

    fn settle_shard(&mut self, index: usize) -> bool {
        let mut did = false;
        let now = self.now;
        let id = ShardId(u16::try_from(index).expect("few shards"));
        while let Some(claim) = self.shards[index].poll_claim() {
            did = true;
            if let Claimed::PassOn { owner, message, .. } =
                settle_claim(&mut self.shards[index], id, &self.registry, now, claim)
            {
                self.shards[usize::from(owner.0)].handle_messages(now, id, vec![message]);
            }
        }
        while let Some((to, messages)) = self.shards[index].poll_messages() {
            did = true;
            self.pass(id, to, messages);
        }
        while let Some(event) = self.shards[index].poll_event() {
            did = true;
            self.control.handle_event(id, event);
        }
        let batch = self.shards[index].transmits();
        let datagrams: Vec<_> = batch.iter().map(|(to, datagram)| (to, datagram.to_vec())).collect();
        batch.clear();
        for (to, datagram) in datagrams {
            did = true;
            self.send_to_client(to, datagram);
        }
        did
    }

    fn settle_bridge(&mut self) -> bool {
        let (mut did, id) = (false, self.bridge.id());
        while let Some((to, messages)) = self.bridge.poll_messages() {
            did = true;
            self.pass(id, to, messages);
        }
        while let Some(event) = self.bridge.poll_event() {
            did = true;
            self.control.handle_event(id, event);
        }
        did
    }

    /// Hands over what one peer has to say to another.
    fn pass(&mut self, from: ShardId, to: ShardId, messages: Vec<ShardMessage>) {
        match self.shards.get_mut(usize::from(to.0)) {
            Some(shard) => shard.handle_messages(self.now, from, messages),
            None => self.bridge.handle_messages(self.now, from, messages),
        }
    }

    fn settle_control(&mut self) -> bool {
        let outputs: Vec<_> = self.control.drain_outputs().collect();
        let did = !outputs.is_empty();
        for output in outputs {
            match output {
                ControlOutput::ToShard(shard, command) => {
                    self.shards[usize::from(shard.0)].handle_command(self.now, command);
                }
                ControlOutput::ToBridge(_, command) => self.bridge.handle_command(self.now, &command),
                ControlOutput::Report(_, SfuEvent::SectionsNeeded { transport, sections }) => {
                    let index = self.sites.iter().position(|site| site.transport == transport);
                    let index = index.expect("only clients of the deployment have transports");
                    let client = &mut self.sites[index].client;
                    client.add_receiving(Kind::Audio, sections.audios as usize);
                    client.add_receiving(Kind::Video, sections.videos as usize);
                    self.renegotiate.push_back(ClientId(index));
                }
                ControlOutput::Report(_, event) => self.events.push(event),
            }
        }
        did
    }

    fn send_to_client(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        let Some(site) = self.sites.iter_mut().find(|site| site.address == to) else { return };
        if let Some(arrives) = site.down.arrival(self.now, datagram.len(), &mut self.rng) {
            self.fly(arrives, SERVER, to, datagram);
        }
    }

    fn send_from_client(&mut self, index: usize) {
        while let Some(datagram) = self.sites[index].client.poll_datagram() {
            let site = &mut self.sites[index];
            let from = site.address;
            if let Some(arrives) = site.up.arrival(self.now, datagram.len(), &mut self.rng) {
                self.fly(arrives, from, SERVER, datagram);
            }
        }
    }

    fn fly(&mut self, arrives: Instant, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        self.flight_number += 1;
        self.flights.push(Reverse(Flight { arrives, number: self.flight_number, from, to, datagram }));
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed of the failed scenario is {}", self.seed);
        }
    }
}

const fn media_kind(kind: Kind) -> bus::MediaKind {
    match kind {
        Kind::Audio => bus::MediaKind::Audio,
        Kind::Video => bus::MediaKind::Video,
    }
}
