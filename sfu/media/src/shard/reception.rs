// SPDX-License-Identifier: EUPL-1.2
//! What arrives from clients: checks, handshakes, media and feedback.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

use super::addresses::Route;
use super::counters::DropReason;
use super::message::{ShardEvent, ShardMessage};
use super::{ClaimRequest, DatagramKind, MAX_CLAIMS, Shard, classify};
use crate::ids::ShardId;
use crate::rtp::extensions::HeaderExtensions;
use crate::rtp::packet::RtpView;
use crate::transport::{OpenError, TransportEvent, stun_local_ufrag};

impl Shard {
    /// A check from anywhere. One for a client of ours is answered, one for nobody here may be a claim.
    pub(super) fn handle_stun(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        let Some(ufrag) = stun_local_ufrag(datagram) else {
            self.counters.unknown_datagrams += 1;
            return;
        };
        let Some(&slot) = self.slots_by_ufrag.get(ufrag) else {
            if self.claims.len() < MAX_CLAIMS {
                self.counters.claims += 1;
                let claim = ClaimRequest { ufrag: ufrag.to_owned(), source, datagram: datagram.to_vec() };
                self.claims.push_back(claim);
            } else {
                self.counters.unknown_datagrams += 1;
            }
            return;
        };
        let outcome = self.clients[slot].transport.handle_stun(now, source, datagram);
        if let Some(forgotten) = outcome.forgotten {
            self.addresses.forget(forgotten, slot);
        }
        if outcome.is_verified {
            self.addresses.learn_client(source, slot);
        } else {
            self.counters.unknown_datagrams += 1;
        }
        self.after_transport(now, slot);
    }

    /// A datagram that another shard heard for a client of ours. It is not handed on again: what we do not know
    /// either is dropped.
    pub(super) fn handle_handed_on(&mut self, now: Instant, source: SocketAddr, datagram: &Bytes) {
        let mut datagram = datagram.to_vec();
        if classify(&datagram) == DatagramKind::Stun {
            return self.handle_stun(now, source, &datagram);
        }
        match self.addresses.route(source) {
            Some(Route::Client(slot)) => self.handle_client_datagram(now, slot, &mut datagram),
            Some(Route::Shard(_)) | None => self.counters.unknown_datagrams += 1,
        }
    }

    /// A datagram for a client of another shard.
    pub(super) fn hand_on(&mut self, owner: ShardId, source: SocketAddr, datagram: &[u8]) {
        self.counters.relayed_datagrams += 1;
        self.tell(owner, ShardMessage::Datagram { source, datagram: Bytes::copy_from_slice(datagram) });
    }

    /// Anything but STUN from a verified address.
    pub(super) fn handle_client_datagram(&mut self, now: Instant, slot: usize, datagram: &mut [u8]) {
        match classify(datagram) {
            DatagramKind::Rtp => self.handle_rtp(now, slot, datagram),
            DatagramKind::Rtcp => self.handle_rtcp(now, slot, datagram),
            DatagramKind::Dtls => {
                let is_of_use = self.clients[slot].transport.handle_dtls(now, datagram);
                self.counters.dropped_dtls += u64::from(!is_of_use);
                self.after_transport(now, slot);
            }
            DatagramKind::Stun | DatagramKind::Unknown => self.counters.unknown_datagrams += 1,
        }
    }

    fn handle_rtp(&mut self, now: Instant, slot: usize, datagram: &mut [u8]) {
        let len = datagram.len();
        let client = &mut self.clients[slot];
        let opened = match client.transport.open_rtp(datagram) {
            Ok(opened) => opened,
            Err(error) => return self.counters.dropped_packets.count(drop_reason(&error)),
        };
        self.counters.received_packets += 1;
        self.counters.received_bytes += len as u64;
        let Ok(view) = RtpView::parse(&datagram[..opened]) else {
            return self.counters.dropped_packets.count(DropReason::Malformed);
        };
        let extensions = HeaderExtensions::read(view.extensions(), &client.session.extensions);
        if let Some(seq_no) = extensions.transport_seq {
            client.arrivals.record(now, seq_no);
            client.last_ssrc = view.ssrc;
        }
        let Some(route) = client.router.route(&view, &extensions) else {
            return self.counters.dropped_packets.count(DropReason::UnknownStream);
        };
        let Some(track) = client.track_mut(route.track) else {
            return self.counters.dropped_packets.count(DropReason::UnknownStream);
        };
        match track.handle_rtp(now, &view, &extensions, route.layer, route.is_rtx) {
            Ok(accepted) => {
                if accepted.starts_track {
                    self.events.push_back(ShardEvent::TrackStarted { track: route.track });
                }
                self.forward(now, slot, route.track, &accepted);
            }
            Err(reason) => self.counters.dropped_packets.count(reason),
        }
        self.reschedule_media(slot, route.track);
    }

    /// Sends what the transport wants sent, and deals with what happened to it.
    pub(super) fn after_transport(&mut self, now: Instant, slot: usize) {
        while let Some(event) = self.clients.get_mut(slot).and_then(|client| client.transport.poll_event()) {
            let transport = self.clients[slot].id;
            match event {
                TransportEvent::Connected => {
                    self.clients[slot].next_care = Some(self.next_care(now, slot));
                    self.events.push_back(ShardEvent::Connected { transport });
                }
                TransportEvent::Data { channel, payload } => {
                    self.events.push_back(ShardEvent::Data { transport, channel, payload });
                }
                TransportEvent::Failed(reason) => return self.fail_client(slot, reason),
            }
        }
        self.send_control_datagrams(slot);
        self.reschedule(slot);
    }

    /// Moves what the transport wants sent into the batch.
    pub(super) fn send_control_datagrams(&mut self, slot: usize) {
        while let Some((destination, datagram)) = self.clients[slot].transport.poll_datagram() {
            self.transmits.push(destination, &datagram);
        }
    }
}

const fn drop_reason(error: &OpenError) -> DropReason {
    match error {
        OpenError::Replayed => DropReason::Replayed,
        OpenError::NotConnected => DropReason::NotConnected,
        OpenError::Malformed => DropReason::Malformed,
        _ => DropReason::NotAuthentic,
    }
}
