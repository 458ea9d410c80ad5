// SPDX-License-Identifier: EUPL-1.2
//! What shards tell: turned into the names that signaling knows and reported under the room.

use bus::{SfuEvent, SpeakerLevel};
use sfu_media::ids::{ShardId, TransportId};
use sfu_media::shard::message::{self, ShardEvent};

use super::legs::LegEntry;
use super::{Control, ControlOutput};

impl Control {
    /// Takes in what a shard reports. Reports about what is gone are passed over.
    pub fn handle_event(&mut self, shard: ShardId, event: ShardEvent) {
        match event {
            ShardEvent::Connected { transport } => self.connected(shard, transport),
            ShardEvent::Failed { transport, reason } => self.failed(transport, reason),
            ShardEvent::Data { transport, channel, payload } => {
                let channel = super::data::channel_for_bus(channel);
                self.report(transport, |sid| SfuEvent::Data { transport: sid, channel, payload: payload.to_vec() });
            }
            ShardEvent::TrackStarted { track } => {
                let Some(entry) = self.tracks.get(&track) else { return };
                let track = entry.sid.clone();
                self.report(entry.transport, |_| SfuEvent::TrackStarted { track });
            }
            ShardEvent::Speakers { group, levels } => {
                let Some(room) = self.rooms_by_group.get(&group).cloned() else { return };
                let levels = levels
                    .into_iter()
                    .filter_map(|(track, level)| {
                        Some(SpeakerLevel { track: self.tracks.get(&track)?.sid.clone(), level })
                    })
                    .collect();
                self.outputs.push(ControlOutput::Report(room, SfuEvent::Speakers { levels, source: shard.0 }));
            }
        }
    }

    fn connected(&mut self, shard: ShardId, id: TransportId) {
        let Some(entry) = self.transports.get_mut(&id) else { return };
        if entry.shard.replace(shard).is_none()
            && let Some(placed) = entry.placed
        {
            self.placement.connected(placed);
        }
        self.report(id, |transport| SfuEvent::Connected { transport });
        self.mute_muted(id);
        self.run_subscriptions_of(id);
        self.run_subscriptions_to(id);
        self.settle_hearing_of_publisher(id);
    }

    fn failed(&mut self, id: TransportId, reason: message::TransportFailure) {
        let reason = match reason {
            message::TransportFailure::HandshakeTimeout => bus::TransportFailure::HandshakeTimeout,
            message::TransportFailure::HandshakeFailed => bus::TransportFailure::HandshakeFailed,
            message::TransportFailure::ConsentLost => bus::TransportFailure::ConsentLost,
            message::TransportFailure::ClosedByPeer => bus::TransportFailure::ClosedByPeer,
            message::TransportFailure::ProtocolViolation => bus::TransportFailure::ProtocolViolation,
        };
        self.report(id, |transport| SfuEvent::Failed { transport, reason });
        self.forget(id);
    }

    /// Reports under the room of a transport or a leg.
    pub(super) fn report(&mut self, id: TransportId, event: impl FnOnce(bus::TransportSid) -> SfuEvent) {
        let of_transport = self.transports.get(&id).map(|entry| (&entry.sid, &entry.room));
        let Some((sid, room)) = of_transport.or_else(|| self.legs.get(&id).map(LegEntry::names)) else { return };
        let event = event(sid.clone());
        self.outputs.push(ControlOutput::Report(room.clone(), event));
    }
}
