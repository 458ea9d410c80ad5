// SPDX-License-Identifier: EUPL-1.2
//! One core's world: the clients whose datagrams it hears, the tracks they publish, its own copies of the tracks that
//! its clients receive, and the subscriptions between them.
//!
//! Input goes in by `handle_*` with the time it arrived; after each, the outputs are drained by `transmits` and
//! `poll_*`. Shards never share state: what one needs of another travels as a [`ShardMessage`].

mod addresses;
mod clients;
pub mod counters;
pub mod demux;
mod fan_out;
mod feedback;
mod forwarding;
mod gathering;
pub mod message;
pub mod output;
mod reception;
mod shedding;
mod subscribing;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub use self::counters::ShardCounters;
pub use self::demux::{DatagramKind, classify};
pub use self::gathering::PICTURE_AUDIENCE;
pub use self::gathering::sounds::SOUND_AUDIENCE;

use self::addresses::{Addresses, Route};
use self::clients::Client;
use self::fan_out::Errand;
use self::forwarding::LocalFeed;
use self::gathering::sounds::SOUND_WAIT;
use self::gathering::{Gathering, PICTURE_WAIT};
use self::message::{ShardCommand, ShardEvent, ShardMessage};
use self::output::SendBatch;
use self::shedding::Ladder;
use self::subscribing::SubscriptionSlot;
use self::timers::Timers;
use crate::ids::{ShardId, TrackId, TransportId};
use crate::slots::Slots;
use crate::speakers::SpeakerDetector;
use crate::transport::{DtlsIdentity, stun_local_ufrag};

/// Claims that wait to be answered. The node answers them in the same turn, so a full queue means a flood: what comes
/// on top is dropped, and a client repeats its check within a second.
const MAX_CLAIMS: usize = 64;

/// A valid-looking STUN check for a client that no transport of this shard is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Our user name fragment that the check is addressed to.
    pub ufrag: String,
    /// Where it came from.
    pub source: SocketAddr,
    /// The check, to verify and to handle again.
    pub datagram: Vec<u8>,
}

/// One core's world.
pub struct Shard {
    id: ShardId,
    identity: DtlsIdentity,
    /// Our SSRC in feedback; receivers of feedback look at the media's SSRC only.
    feedback_ssrc: u32,
    clients: Slots<Client>,
    slots_by_transport: HashMap<TransportId, usize>,
    slots_by_ufrag: HashMap<String, usize>,
    addresses: Addresses,
    /// The slot of each track's publisher, for tracks published here.
    homes: HashMap<TrackId, usize>,
    feeds: HashMap<TrackId, LocalFeed>,
    subscriptions: Slots<SubscriptionSlot>,
    speakers: SpeakerDetector,
    /// Packets of pictures that wait for their last one.
    pictures: Gathering,
    /// Packets of sound that wait for others'.
    sounds: Gathering,
    /// Memory for what is forwarded at present.
    errands: Vec<Errand>,
    timers: Timers,
    /// The moment from which the moments of care are counted.
    care_origin: Option<Instant>,
    /// What is left out because there is too much to do.
    shedding: Ladder,
    transmits: SendBatch,
    events: VecDeque<ShardEvent>,
    messages: Vec<(ShardId, Vec<ShardMessage>)>,
    claims: VecDeque<ClaimRequest>,
    counters: ShardCounters,
    scratch: Vec<u8>,
}

impl Shard {
    /// A shard that has heard nobody yet. `seed` makes its random numbers.
    #[must_use]
    pub fn new(id: ShardId, identity: DtlsIdentity, seed: u64) -> Self {
        Self {
            id,
            identity,
            feedback_ssrc: SmallRng::seed_from_u64(seed).random(),
            clients: Slots::new(),
            slots_by_transport: HashMap::new(),
            slots_by_ufrag: HashMap::new(),
            addresses: Addresses::default(),
            homes: HashMap::new(),
            feeds: HashMap::new(),
            subscriptions: Slots::new(),
            speakers: SpeakerDetector::new(),
            pictures: Gathering::new(PICTURE_WAIT),
            sounds: Gathering::new(SOUND_WAIT),
            errands: Vec::new(),
            timers: Timers::default(),
            care_origin: None,
            shedding: Ladder::default(),
            transmits: SendBatch::new(),
            events: VecDeque::new(),
            messages: Vec::new(),
            claims: VecDeque::new(),
            counters: ShardCounters::default(),
            scratch: Vec::new(),
        }
    }

    /// Takes in a datagram that the shard's socket received. Its bytes are decrypted in place.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &mut [u8]) {
        if classify(datagram) == DatagramKind::Stun {
            return self.handle_stun(now, source, datagram);
        }
        match self.addresses.route(source) {
            Some(Route::Client(slot)) => self.handle_client_datagram(now, slot, datagram),
            Some(Route::Shard(owner)) => self.hand_on(owner, source, datagram),
            None => self.counters.unknown_datagrams += 1,
        }
    }

    /// Carries out an order of the node's control.
    pub fn handle_command(&mut self, now: Instant, command: ShardCommand) {
        match command {
            ShardCommand::AddTransport(setup) => self.add_client(now, *setup),
            ShardCommand::UpdateSession { transport, session } => self.update_session(now, transport, session),
            ShardCommand::RestartIce { transport, local, remote } => self.restart_ice(transport, local, remote),
            ShardCommand::CloseTransport { transport } => self.close_client(now, transport),
            ShardCommand::Subscribe { transport, track, home } => self.subscribe(now, transport, track, home),
            ShardCommand::Unsubscribe { transport, track } => self.unsubscribe(transport, track),
            ShardCommand::ConfigureSubscription { transport, track, settings } => {
                self.configure_subscription(now, transport, track, settings);
            }
            ShardCommand::MuteTrack { track, is_muted } => self.mute_track(now, track, is_muted),
            ShardCommand::SendData { transports, channel, payload } => {
                self.send_data(now, &transports, channel, &payload)
            }
            ShardCommand::DataTaken { transport, bytes } => self.data_taken(now, transport, bytes),
        }
    }

    /// Takes in what another shard said, in its order.
    pub fn handle_messages(&mut self, now: Instant, from: ShardId, messages: Vec<ShardMessage>) {
        for message in messages {
            self.handle_message(now, from, message);
        }
    }

    fn handle_message(&mut self, now: Instant, from: ShardId, message: ShardMessage) {
        match message {
            ShardMessage::JoinAudience { track } => self.join_audience(track, from),
            ShardMessage::LeaveAudience { track } => self.leave_audience(track, from),
            ShardMessage::Media { track, packet } => self.deliver(now, track, packet.meta, &packet.payload),
            ShardMessage::SenderClock { track, layer, clock } => self.take_sender_clock(track, layer, clock),
            ShardMessage::RequestKeyframe { track, layer } => self.request_keyframe(now, track, layer),
            ShardMessage::TrackEnded { track } => self.end_feed(track),
            ShardMessage::Datagram { source, datagram } => self.handle_handed_on(now, source, &datagram),
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(slot) = self.timers.pop_due(now) {
            self.service(now, slot);
        }
        self.release_gathered(now);
        self.report_speakers(now);
        self.recover_from_overload(now);
    }

    /// When [`Self::handle_timeout`] has something to do next.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let gathered = [self.pictures.due(), self.sounds.due()];
        let others = [self.timers.next(), self.speakers.poll_timeout(), self.shedding.poll_timeout()];
        others.into_iter().chain(gathered).flatten().min()
    }

    /// Datagrams to send. The caller sends and clears them.
    pub fn transmits(&mut self) -> &mut SendBatch {
        &mut self.transmits
    }

    /// The next event for the node's control.
    pub fn poll_event(&mut self) -> Option<ShardEvent> {
        self.events.pop_front()
    }

    /// Messages for another shard, all that wait for it.
    pub fn poll_messages(&mut self) -> Option<(ShardId, Vec<ShardMessage>)> {
        self.messages.pop()
    }

    /// The next check by a client that may be waiting for a shard to hear it.
    pub fn poll_claim(&mut self) -> Option<ClaimRequest> {
        self.claims.pop_front()
    }

    /// Takes in a check that waited as a claim until its transport was here: a client checks from several addresses at
    /// once, and the first of them claims for all. Returns whether the transport is here.
    pub fn handle_claimed_check(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        let is_here = stun_local_ufrag(datagram).is_some_and(|ufrag| self.slots_by_ufrag.contains_key(ufrag));
        if is_here {
            self.handle_stun(now, source, datagram);
        }
        is_here
    }

    /// Datagrams from `source` are for a client of `owner`; the node has verified it.
    pub fn learn_forward(&mut self, source: SocketAddr, owner: ShardId) {
        self.addresses.learn_forward(source, owner);
    }

    /// What was counted since the shard began, with the present sizes.
    #[must_use]
    pub fn counters(&self) -> ShardCounters {
        ShardCounters {
            transports: self.clients.len() as u64,
            tracks: self.homes.len() as u64,
            subscriptions: self.subscriptions.len() as u64,
            shedding_level: self.shedding.level().number(),
            ..self.counters
        }
    }

    /// Queues a message; those for one shard travel together.
    fn tell(&mut self, shard: ShardId, message: ShardMessage) {
        match self.messages.iter_mut().find(|(to, _)| *to == shard) {
            Some((_, messages)) => messages.push(message),
            None => self.messages.push((shard, vec![message])),
        }
    }
}
