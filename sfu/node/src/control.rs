// SPDX-License-Identifier: EUPL-1.2
//! The node's control: a pure state machine between the bus and the shards.
//!
//! It keeps what signaling ordered (transports, tracks, subscriptions), answers offers, and tells the shards what
//! follows from it. A subscription starts at its shard once three things are there: both clients are connected, and
//! the receiver's session has a downlink for it. Nothing here waits, and nothing is on the packet path.
//!
//! The callers of a bridge have legs in place of transports. A leg is in the same room, under the same orders, and has
//! neither a session nor a shard.

mod data;
mod legs;
mod offers;
mod publications;
mod reports;
mod subscriptions;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bus::{ParticipantSid, RoomSid, SfuCommand, SfuEvent, SfuRefusal, SfuReply, TrackSid, TransportSid};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sfu_media::ids::{ShardId, SpeakerGroup, TrackId, TransportId};
use sfu_media::session::{Codec, Session};
use sfu_media::shard::message::ShardCommand;
use sfu_media::transport::negotiation::{Negotiation, NegotiationConfig};
use tracing::debug;

use self::legs::LegEntry;
use crate::bridge_end::BridgeCommand;
use crate::node::MAX_TRANSPORTS;
use crate::placement::Placement;
use crate::registry::{Place, Registry};

/// What follows from a command or an event.
#[derive(Debug)]
pub enum ControlOutput {
    /// For a shard, in this order.
    ToShard(ShardId, ShardCommand),
    /// For a bridge, by what the shards know it, in this order, and before what shards are told after it.
    ToBridge(ShardId, BridgeCommand),
    /// For whoever keeps the room.
    Report(RoomSid, SfuEvent),
}

/// The state of one node beside its shards.
pub struct Control {
    config: Arc<NegotiationConfig>,
    registry: Arc<Registry>,
    rng: StdRng,
    /// In the order of their age, as all that is walked through here: what follows from an input is the same in each run.
    transports: BTreeMap<TransportId, TransportEntry>,
    legs: BTreeMap<TransportId, LegEntry>,
    /// By their numbers; `None` for those that have ended.
    bridges: Vec<Option<ShardId>>,
    /// Of transports and legs.
    transport_ids: HashMap<TransportSid, TransportId>,
    tracks: BTreeMap<TrackId, TrackEntry>,
    track_ids: HashMap<TrackSid, TrackId>,
    rooms: HashMap<RoomSid, RoomEntry>,
    rooms_by_group: HashMap<SpeakerGroup, RoomSid>,
    placement: Placement,
    last_id: u64,
    outputs: Vec<ControlOutput>,
}

/// One client.
struct TransportEntry {
    sid: TransportSid,
    room: RoomSid,
    negotiation: Negotiation,
    /// What was last agreed on.
    session: Session,
    /// The shard that it shall be on, once it made an offer.
    placed: Option<ShardId>,
    /// The shard that hears it, once DTLS is up there.
    shard: Option<ShardId>,
    subscriptions: BTreeMap<TrackId, SubscriptionEntry>,
    /// Those of them that it was last said to have no decoder for.
    unreceivable: Vec<TrackId>,
}

/// What a client shall receive.
struct SubscriptionEntry {
    settings: bus::SubscriptionSettings,
    /// The shard was told.
    is_running: bool,
}

/// What a client or a caller publishes.
struct TrackEntry {
    sid: TrackSid,
    /// The publisher's transport or leg.
    transport: TransportId,
    codec: Codec,
    is_muted: bool,
}

struct RoomEntry {
    group: SpeakerGroup,
    transports: usize,
    /// The shard that those are on who came last.
    shard: Option<ShardId>,
}

impl Control {
    /// The control of a node whose clients reach it by `config`, and are spread over its shards by `placement`.
    #[must_use]
    pub fn new(config: Arc<NegotiationConfig>, registry: Arc<Registry>, placement: Placement, rng: StdRng) -> Self {
        Self {
            config,
            registry,
            rng,
            transports: BTreeMap::new(),
            legs: BTreeMap::new(),
            bridges: Vec::new(),
            transport_ids: HashMap::new(),
            tracks: BTreeMap::new(),
            track_ids: HashMap::new(),
            rooms: HashMap::new(),
            rooms_by_group: HashMap::new(),
            placement,
            last_id: 0,
            outputs: Vec::new(),
        }
    }

    /// Carries out an order.
    ///
    /// # Errors
    ///
    /// Refuses what names an unknown transport or bridge, an offer that cannot be answered, what a bridge cannot do, and
    /// more transports than fit.
    pub fn handle_command(&mut self, command: SfuCommand) -> Result<SfuReply, SfuRefusal> {
        match command {
            SfuCommand::OpenTransport { transport, room, participant } => self.open(transport, room, &participant)?,
            SfuCommand::OpenBridgeLeg { transport, room, bridge } => self.open_leg(transport, room, bridge)?,
            SfuCommand::Offer { transport, sdp } => return self.offer(&transport, &sdp).map(SfuReply::Answer),
            SfuCommand::Publish { transport, publication } => self.publish(&transport, publication)?,
            SfuCommand::Unpublish { transport, track } => self.unpublish(&transport, &track)?,
            SfuCommand::Mute { transport, track, is_muted } => self.mute(&transport, &track, is_muted)?,
            SfuCommand::Subscribe { transport, subscriptions } => self.subscribe(&transport, subscriptions)?,
            SfuCommand::Unsubscribe { transport, tracks } => self.unsubscribe(&transport, &tracks)?,
            SfuCommand::ConfigureSubscription { transport, track, settings } => {
                self.configure(&transport, &track, settings)?
            }
            SfuCommand::SendData { transports, channel, payload } => self.send_data(&transports, channel, payload),
            SfuCommand::DataTaken { transport, bytes } => self.data_taken(&transport, bytes)?,
            SfuCommand::CloseTransport { transport } => self.close(&transport)?,
        }
        Ok(SfuReply::Done)
    }

    /// What follows from the commands and events so far, oldest first.
    pub fn drain_outputs(&mut self) -> impl Iterator<Item = ControlOutput> + '_ {
        self.outputs.drain(..)
    }

    /// The shards' shares of busy time, from 0 to 1, in the order of their ids.
    pub fn handle_busy_shares(&mut self, shares: impl IntoIterator<Item = f64>) {
        self.placement.handle_busy_shares(shares);
    }

    /// Whether there is such a transport.
    #[must_use]
    pub fn knows(&self, transport: TransportId) -> bool {
        self.transports.contains_key(&transport)
    }

    /// Chooses the shard of a transport that is about to connect.
    fn place(&mut self, id: TransportId) -> Option<ShardId> {
        let entry = self.transports.get_mut(&id)?;
        let room = self.rooms.get_mut(&entry.room)?;
        let shard = self.placement.choose(room.shard)?;
        self.placement.add(shard);
        room.shard = Some(shard);
        entry.placed = Some(shard);
        Some(shard)
    }

    /// How many transports are open.
    #[must_use]
    pub fn transport_count(&self) -> usize {
        self.transports.len()
    }

    fn open(&mut self, sid: TransportSid, room: RoomSid, participant: &ParticipantSid) -> Result<(), SfuRefusal> {
        if self.transport_ids.contains_key(&sid) {
            return Ok(());
        }
        if self.transports.len() >= MAX_TRANSPORTS {
            return Err(SfuRefusal::Full);
        }
        let id = TransportId(self.next_id());
        // The shards log the number alone: this line says whose it is.
        debug!(transport = %id, %sid, %participant, %room, "a transport opens");
        self.enter_room(&room);
        let negotiation = Negotiation::new(id, self.config.clone(), StdRng::from_rng(&mut self.rng));
        self.transport_ids.insert(sid.clone(), id);
        self.transports.insert(
            id,
            TransportEntry {
                sid,
                room,
                negotiation,
                session: Session::default(),
                placed: None,
                shard: None,
                subscriptions: BTreeMap::new(),
                unreceivable: Vec::new(),
            },
        );
        Ok(())
    }

    fn close(&mut self, sid: &TransportSid) -> Result<(), SfuRefusal> {
        let id = self.id_of(sid)?;
        self.close_and_forget(id);
        Ok(())
    }

    /// Closes every transport and leg.
    pub fn close_all(&mut self) {
        let all: Vec<_> = self.transports.keys().chain(self.legs.keys()).copied().collect();
        for id in all {
            self.close_and_forget(id);
        }
    }

    fn close_and_forget(&mut self, id: TransportId) {
        if self.legs.contains_key(&id) {
            return self.close_leg(id);
        }
        // What removes it also says whose it was. Asked before, a shard could claim it in between and keep it for ever.
        if let Place::OwnedBy(shard) = self.registry.remove(id) {
            self.outputs.push(ControlOutput::ToShard(shard, ShardCommand::CloseTransport { transport: id }));
        }
        self.forget(id);
    }

    /// Drops a transport that its shard has forgotten or is being told to forget.
    fn forget(&mut self, id: TransportId) {
        let Some(entry) = self.transports.remove(&id) else { return };
        self.transport_ids.remove(&entry.sid);
        self.registry.remove(id);
        if let Some(shard) = entry.placed {
            self.placement.remove(shard, entry.shard.is_none());
        }
        for track in self.published_by(id) {
            self.forget_track(track);
        }
        self.leave_room(&entry.room);
    }

    fn enter_room(&mut self, room: &RoomSid) {
        if let Some(entry) = self.rooms.get_mut(room) {
            entry.transports += 1;
            return;
        }
        let group = SpeakerGroup(self.next_id());
        self.rooms.insert(room.clone(), RoomEntry { group, transports: 1, shard: None });
        self.rooms_by_group.insert(group, room.clone());
    }

    fn leave_room(&mut self, room: &RoomSid) {
        let Some(entry) = self.rooms.get_mut(room) else { return };
        entry.transports -= 1;
        if entry.transports == 0 {
            self.rooms_by_group.remove(&entry.group);
            self.rooms.remove(room);
        }
    }

    /// Sends an order to the shard that owns a transport, if one does yet.
    fn tell_owner(&mut self, id: TransportId, command: ShardCommand) {
        if let Place::OwnedBy(shard) = self.registry.place(id) {
            self.outputs.push(ControlOutput::ToShard(shard, command));
        }
    }

    fn id_of(&self, sid: &TransportSid) -> Result<TransportId, SfuRefusal> {
        self.transport_ids.get(sid).copied().ok_or(SfuRefusal::UnknownTransport)
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

#[cfg(test)]
mod tests;
