// SPDX-License-Identifier: EUPL-1.2
//! Data messages on their way down, split by the shards that own the receivers.

use std::collections::BTreeMap;

use bus::{SfuRefusal, TransportSid};
use bytes::Bytes;
use sfu_media::ids::{ShardId, TransportId};
use sfu_media::shard::message::{DataChannel, ShardCommand};

use super::{Control, ControlOutput};
use crate::registry::Place;

pub(super) const fn channel_for_bus(channel: DataChannel) -> bus::DataChannel {
    match channel {
        DataChannel::Reliable => bus::DataChannel::Reliable,
        DataChannel::Lossy => bus::DataChannel::Lossy,
    }
}

const fn channel_for_shard(channel: bus::DataChannel) -> DataChannel {
    match channel {
        bus::DataChannel::Reliable => DataChannel::Reliable,
        bus::DataChannel::Lossy => DataChannel::Lossy,
    }
}

impl Control {
    /// Sends a message to those receivers that are still here.
    pub(super) fn send_data(&mut self, receivers: &[TransportSid], channel: bus::DataChannel, payload: Vec<u8>) {
        let mut by_shard: BTreeMap<ShardId, Vec<TransportId>> = BTreeMap::new();
        for id in receivers.iter().filter_map(|sid| self.transport_ids.get(sid)) {
            if let Place::OwnedBy(shard) = self.registry.place(*id) {
                by_shard.entry(shard).or_default().push(*id);
            }
        }
        let payload = Bytes::from(payload);
        let channel = channel_for_shard(channel);
        for (shard, transports) in by_shard {
            let command = ShardCommand::SendData { transports, channel, payload: payload.clone() };
            self.outputs.push(ControlOutput::ToShard(shard, command));
        }
    }

    pub(super) fn data_taken(&mut self, sid: &TransportSid, bytes: usize) -> Result<(), SfuRefusal> {
        let transport = self.id_of(sid)?;
        self.tell_owner(transport, ShardCommand::DataTaken { transport, bytes });
        Ok(())
    }
}
