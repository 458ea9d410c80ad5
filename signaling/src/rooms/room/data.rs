// SPDX-License-Identifier: EUPL-1.2
//! Data packets: who may send them, whom they are for, and under whose name they travel.

use bus::{DataChannel, ParticipantSid, SfuCommand, TransportSid};

use super::Room;
use super::lifetime::Timer;
use super::participant::Participant;
use crate::rooms::info::Identity;
use crate::rooms::input::{DataAudience, DataPacket, IncomingData};
use crate::rooms::output::{DataDrop, OutgoingData, Output};

impl Room {
    /// A client sent a packet. One that may not be sent, or came before, is dropped and counted, without a word.
    pub(super) fn data(&mut self, data: IncomingData) {
        let IncomingData { transport, channel, bytes, packet } = data;
        let Some(sid) = self.participant_of_transport(&transport) else { return };
        let outcome = self.admit_data(&sid, channel, bytes).and_then(|()| {
            let packet = packet.ok_or(DataDrop::Malformed)?;
            self.pass_on(&sid, channel, packet)
        });
        if let Err(reason) = outcome {
            self.outputs.push_back(Output::DataDropped(reason));
        }
    }

    /// Counts a message against its sender's allowance, whatever it is. A reliable one has been served in any case: its
    /// sender may send more now, or when its pace allows it.
    fn admit_data(&mut self, sid: &ParticipantSid, channel: DataChannel, bytes: usize) -> Result<(), DataDrop> {
        let now = self.now;
        let Some(sender) = self.participants.get_mut(sid) else { return Ok(()) };
        let allowance = &mut sender.data_allowance;
        if channel == DataChannel::Lossy && allowance.rests_until(now).is_some() {
            return Err(DataDrop::TooMuch);
        }
        allowance.count(now, bytes);
        if channel == DataChannel::Reliable {
            allowance.hold(bytes);
            self.give_back_data(sid);
        }
        Ok(())
    }

    /// Lets a client send as much reliable data again as it has been served, if it has not sent too much lately.
    pub(super) fn give_back_data(&mut self, sid: &ParticipantSid) {
        let now = self.now;
        let Some(sender) = self.participants.get_mut(sid) else { return };
        if let Some(at) = sender.data_allowance.rests_until(now) {
            return self.schedule(at, Timer::Data(sid.clone()));
        }
        let bytes = sender.data_allowance.release();
        let transport = sender.transport.clone();
        self.order(SfuCommand::DataTaken { transport, bytes });
    }

    fn pass_on(&mut self, sid: &ParticipantSid, channel: DataChannel, packet: DataPacket) -> Result<(), DataDrop> {
        let Some(sender) = self.participants.get_mut(sid) else { return Ok(()) };
        let may_send = packet.audience != DataAudience::FromAgents || sender.is_agent();
        if !sender.profile.permissions.can_publish_data || !may_send {
            return Err(DataDrop::NotAllowed);
        }
        if channel == DataChannel::Reliable && packet.sequence > 0 {
            // After a reconnect a client sends again what it is not sure has arrived.
            if packet.sequence <= sender.last_data_sequence {
                return Err(DataDrop::Repeated);
            }
            sender.last_data_sequence = packet.sequence;
        }
        self.check_content(sid, &packet)?;
        let name = self.name_of_sender(sid, &packet);
        self.send_data(Some(sid), channel, packet, name);
        Ok(())
    }

    /// Whom receivers are told that a packet is from. Only agents may speak for others; nobody learns of the hidden.
    fn name_of_sender(&self, sid: &ParticipantSid, packet: &DataPacket) -> Option<(Identity, ParticipantSid)> {
        let sender = self.participants.get(sid)?;
        let claimed = self.identities.get(packet.claimed_identity.as_str()).filter(|_| sender.is_agent());
        let named = claimed.and_then(|claimed| self.participants.get(claimed)).unwrap_or(sender);
        (!named.is_hidden()).then(|| (named.profile.identity.clone(), named.sid.clone()))
    }

    /// Sends a packet to those it is for, its sender left out.
    pub(super) fn send_data(
        &mut self,
        from: Option<&ParticipantSid>,
        channel: DataChannel,
        packet: DataPacket,
        sender: Option<(Identity, ParticipantSid)>,
    ) {
        let receivers = self.participants.values().filter(|receiver| Some(&receiver.sid) != from);
        let transports: Vec<TransportSid> = receivers
            .filter(|receiver| receiver.is_active() && !receiver.is_caller() && receiver.is_meant_by(&packet))
            .map(|receiver| receiver.transport.clone())
            .collect();
        if !transports.is_empty() {
            let message = OutgoingData { packet, channel, sender };
            self.outputs.push_back(Output::SendData { transports, channel, message });
        }
    }
}

impl Participant {
    fn is_meant_by(&self, packet: &DataPacket) -> bool {
        let is_for_all = packet.identities.is_empty() && packet.participants.is_empty();
        let is_named = || {
            packet.identities.iter().any(|identity| **identity == *self.profile.identity)
                || packet.participants.contains(&self.sid)
        };
        let may_receive =
            packet.audience != DataAudience::ToMetricsReaders || self.profile.permissions.can_subscribe_metrics;
        may_receive && (is_for_all || is_named())
    }
}
