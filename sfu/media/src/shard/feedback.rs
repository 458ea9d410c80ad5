// SPDX-License-Identifier: EUPL-1.2
//! Reports and feedback: what clients tell us about their reception, and what we tell them about ours.

use std::time::{Duration, Instant};

use super::Shard;
use super::message::{DataChannel, ShardEvent};
use super::subscribing::SubscriptionKey;
use crate::ids::TransportId;
use crate::rtcp::nack::Nack;
use crate::rtcp::reports::ReportBlocks;
use crate::rtcp::{RtcpPacket, RtcpPackets};
use crate::subscription::MAX_PACKET_BYTES;
use crate::track::Track;
use crate::transport::{SEAL_OVERHEAD_BYTES, SEAL_RTCP_OVERHEAD_BYTES, SendDataError};

/// A client that has just been looked after waits so long for the next time. Nothing should be due again at once; if
/// something ever is, it must not keep the shard from its other clients.
const MIN_SERVICE_INTERVAL: Duration = Duration::from_millis(1);

impl Shard {
    /// An RTCP datagram of a client.
    pub(super) fn handle_rtcp(&mut self, now: Instant, slot: usize, datagram: &mut [u8]) {
        let Ok(len) = self.clients[slot].transport.open_rtcp(datagram) else {
            self.counters.dropped_rtcp += 1;
            return;
        };
        for packet in RtcpPackets::new(&datagram[..len]) {
            self.handle_rtcp_packet(now, slot, packet);
        }
        self.reschedule(slot);
    }

    fn handle_rtcp_packet(&mut self, now: Instant, slot: usize, packet: RtcpPacket<'_>) {
        match packet {
            RtcpPacket::SenderReport(report, blocks) => {
                let client = &mut self.clients[slot];
                let route = client.router.route_of_ssrc(report.ssrc);
                let track = route.and_then(|route| client.track_mut(route.track));
                let clock = track.and_then(|track| Some((track.id(), track.handle_sender_report(now, &report)?)));
                if let Some((track, (layer, clock))) = clock {
                    self.pass_on_sender_clock(slot, track, layer, clock);
                }
                self.handle_report_blocks(now, slot, blocks);
            }
            RtcpPacket::ReceiverReport(blocks) => self.handle_report_blocks(now, slot, blocks),
            RtcpPacket::Nack(nack) => self.handle_nack(now, slot, nack),
            RtcpPacket::PictureLoss { media_ssrc } => self.handle_picture_loss(now, slot, media_ssrc),
            RtcpPacket::FullIntraRequest(targets) => {
                for ssrc in targets.ssrcs() {
                    self.handle_picture_loss(now, slot, ssrc);
                }
            }
            // Rates are not limited by what receivers report yet; a stream that ends is noticed by its silence.
            RtcpPacket::Remb(_) | RtcpPacket::TransportFeedback(_) | RtcpPacket::Bye(_) => {}
        }
    }

    fn handle_report_blocks(&mut self, now: Instant, slot: usize, blocks: ReportBlocks<'_>) {
        for block in blocks.iter() {
            if let Some(key) = self.subscription_by_ssrc(slot, block.ssrc) {
                self.subscriptions[key.0].subscription.handle_report_block(now, &block);
            }
        }
    }

    fn handle_picture_loss(&mut self, now: Instant, slot: usize, ssrc: u32) {
        let Some(key) = self.subscription_by_ssrc(slot, ssrc) else { return };
        self.counters.keyframe_requests_received += 1;
        self.subscriptions[key.0].subscription.handle_keyframe_request(now);
        self.want_keyframe_of(now, key);
    }

    /// Sends again what a client misses, as far as the feed still has it.
    fn handle_nack(&mut self, now: Instant, slot: usize, nack: Nack<'_>) {
        let Some(key) = self.subscription_by_ssrc(slot, nack.media_ssrc) else { return };
        self.counters.nacked_packets_received += nack.len() as u64;
        let wanted = &mut self.subscriptions[key.0];
        let Some(local) = self.feeds.get(&wanted.subscription.track()) else { return };
        if self.shedding.level().leaves_out(local.feed.codec().kind()) {
            return;
        }
        let client = &mut self.clients[slot];
        let Some(destination) = client.transport.remote() else { return };
        for seq_no in nack.seq_nos() {
            let seq = wanted.subscription.wants_transport_seq().then_some(client.next_transport_seq);
            let sent = self.transmits.push_with(destination, MAX_PACKET_BYTES + SEAL_OVERHEAD_BYTES, |space| {
                let len = wanted.subscription.handle_nacked(now, seq_no, &local.feed, seq, space)?;
                wanted.seal(&mut client.transport, space, len)
            });
            if sent.is_some() {
                if seq.is_some() {
                    client.next_transport_seq = client.next_transport_seq.next();
                }
                self.counters.retransmitted_packets += 1;
            }
        }
    }

    fn subscription_by_ssrc(&self, slot: usize, ssrc: u32) -> Option<SubscriptionKey> {
        let mut keys = self.clients[slot].subscriptions.iter();
        keys.find(|key| self.subscriptions[key.0].subscription.ssrc() == ssrc).copied()
    }

    /// A client's deadline has come: its transport's timers, and what it must be told.
    pub(super) fn service(&mut self, now: Instant, slot: usize) {
        let Some(client) = self.clients.get_mut(slot) else { return };
        if client.transport.poll_timeout().is_some_and(|due| due <= now) {
            client.transport.handle_timeout(now);
        }
        if client.transport.is_connected() {
            self.tell_publisher(now, slot);
            if self.clients[slot].next_care.is_some_and(|due| due <= now) {
                self.clients[slot].next_care = Some(self.next_care(now, slot));
                self.care_for_subscriptions(now, slot);
            }
        }
        self.after_transport(now, slot);
        self.timers.put_off(slot, now + MIN_SERVICE_INTERVAL);
    }

    /// Receiver reports, NACKs, keyframe requests and arrival times, as far as they are due.
    fn tell_publisher(&mut self, now: Instant, slot: usize) {
        let mut compound = std::mem::take(&mut self.scratch);
        let sender_ssrc = self.feedback_ssrc;
        for index in 0..self.clients[slot].tracks.len() {
            loop {
                compound.clear();
                let track = &mut self.clients[slot].tracks[index];
                let Some(written) = track.write_feedback(now, sender_ssrc, &mut compound) else { break };
                self.counters.nacked_packets_sent += written.nacked_packets as u64;
                self.counters.keyframe_requests_sent += written.keyframe_requests as u64;
                self.send_rtcp(slot, &compound);
            }
        }
        loop {
            compound.clear();
            let client = &mut self.clients[slot];
            if !client.arrivals.write_feedback(now, sender_ssrc, client.last_ssrc, &mut compound) {
                break;
            }
            self.send_rtcp(slot, &compound);
        }
        self.scratch = compound;
    }

    /// Sender reports, and keyframes that subscriptions still wait for.
    fn care_for_subscriptions(&mut self, now: Instant, slot: usize) {
        let mut report = std::mem::take(&mut self.scratch);
        for index in 0..self.clients[slot].subscriptions.len() {
            let key = self.clients[slot].subscriptions[index];
            let subscription = &mut self.subscriptions[key.0].subscription;
            if subscription.poll_timeout().is_some_and(|due| due <= now)
                && let Some(local) = self.feeds.get(&subscription.track())
            {
                report.clear();
                if subscription.write_sender_report(now, local.feed.activity(), &mut report) {
                    self.send_rtcp(slot, &report);
                }
            }
            self.want_keyframe_of(now, key);
        }
        self.scratch = report;
    }

    fn send_rtcp(&mut self, slot: usize, compound: &[u8]) {
        let transport = &mut self.clients[slot].transport;
        let Some(destination) = transport.remote() else { return };
        self.transmits.push_with(destination, compound.len() + SEAL_RTCP_OVERHEAD_BYTES, |space| {
            space[..compound.len()].copy_from_slice(compound);
            transport.seal_rtcp(space, compound.len())
        });
    }

    /// Reports groups whose speakers changed.
    pub(super) fn report_speakers(&mut self, now: Instant) {
        let tracks = self.clients.iter_mut().flat_map(|(_, client)| client.tracks.iter_mut());
        self.speakers.handle_timeout(now, tracks.map(Track::voice_mut));
        while let Some((group, levels)) = self.speakers.poll_change() {
            self.events.push_back(ShardEvent::Speakers { group, levels });
        }
    }

    /// One message to several clients.
    pub(super) fn send_data(&mut self, now: Instant, transports: &[TransportId], channel: DataChannel, payload: &[u8]) {
        for transport in transports {
            let Some(&slot) = self.slots_by_transport.get(transport) else { continue };
            let sent = self.clients[slot].transport.send_data(now, channel, payload);
            let is_dropped = matches!(sent, Err(SendDataError::Dropped | SendDataError::TooLong));
            self.counters.dropped_data += u64::from(is_dropped);
            self.after_transport(now, slot);
        }
    }

    pub(super) fn data_taken(&mut self, now: Instant, transport: TransportId, bytes: usize) {
        let Some(&slot) = self.slots_by_transport.get(&transport) else { return };
        self.clients[slot].transport.data_taken(now, bytes);
        self.after_transport(now, slot);
    }
}
