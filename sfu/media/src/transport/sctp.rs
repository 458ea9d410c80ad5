// SPDX-License-Identifier: EUPL-1.2
//! The SCTP association under the data channels (RFC 8831 §6, RFC 9260), on `rtc-sctp`. The client opens it.

mod chunks;
mod guard;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtc_sctp::{
    Association, AssociationHandle, DatagramEvent, Endpoint, EndpointConfig, EndpointEvent, Event, Payload,
    PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent, TimerConfig, TransportConfig,
};
use rtc_shared::TransportProtocol;

use super::negotiation::MAX_DATA_MESSAGE_BYTES;
use guard::{Guard, Verdict};

/// An endpoint serves several peers by address. Ours has one, wherever it is, so the address means nothing.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 1);

/// Unread data of one client: eight of the longest messages.
const MAX_RECEIVE_BUFFER_BYTES: u32 = 512 * 1024;

/// Longest message that a client may send. Our SDP says so, and browsers refuse to send a longer one (RFC 8841 §6.1).
pub(super) const MAX_RECEIVED_MESSAGE_BYTES: usize = MAX_DATA_MESSAGE_BYTES;

/// Longest message that we send: what every browser takes (RFC 8841 §6.1).
pub(super) const MAX_SENT_MESSAGE_BYTES: usize = 64 * 1024;

/// Stream ids are below. The client opens channels with even ids only, and few.
const MAX_STREAMS: u16 = 64;

/// One SCTP stream, which is one data channel (RFC 8831 §6.4).
pub(super) type StreamId = u16;

/// What happened to the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SctpEvent {
    /// There are messages on the stream.
    Readable(StreamId),
    /// The client closed the stream.
    Reset(StreamId),
    /// The association is over.
    Lost,
    /// So it is, because the client broke the rules.
    Violation,
}

/// A message as it was received.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub(super) protocol: PayloadProtocolIdentifier,
    pub(super) payload: Bytes,
}

/// The client sent a message that is longer than we told it to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message too long")]
pub(super) struct MessageTooLong;

pub(super) struct SctpAssociation {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    guard: Guard,
    outgoing: VecDeque<Bytes>,
    events: VecDeque<SctpEvent>,
    is_lost: bool,
}

impl SctpAssociation {
    pub(super) fn new() -> Self {
        // Retransmission has no end of its own: a client that is gone loses its consent to receive, and one that does
        // not read fills the send buffer. By default `rtc-sctp` stops its timer after five attempts and says nothing.
        let timers = TimerConfig { max_t3_rtx_retrans: usize::MAX, ..TimerConfig::default() };
        let transport = TransportConfig::default()
            .with_max_receive_buffer_size(MAX_RECEIVE_BUFFER_BYTES)
            .with_max_message_size(MAX_SENT_MESSAGE_BYTES as u32)
            .with_max_num_inbound_streams(MAX_STREAMS)
            .with_max_num_outbound_streams(MAX_STREAMS)
            .with_timer_config(timers);
        let config = Arc::new(ServerConfig::new(transport));
        Self {
            endpoint: Endpoint::new(PEER, TransportProtocol::UDP, Arc::new(EndpointConfig::new()), Some(config)),
            association: None,
            guard: Guard::new(),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            is_lost: false,
        }
    }

    /// A packet that the client sent through DTLS.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        if self.is_lost {
            return;
        }
        match self.guard.admit(&packet) {
            Verdict::Pass => self.pass(now, packet),
            Verdict::Open => {
                self.forget_association();
                self.pass(now, packet);
            }
            Verdict::Repeat(answer) => self.outgoing.push_back(answer),
            Verdict::Drop => {}
            Verdict::Aborted => self.lose(),
            Verdict::Abusive => self.end(SctpEvent::Violation),
        }
    }

    fn pass(&mut self, now: Instant, packet: Bytes) {
        match self.endpoint.handle(now, PEER, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.association = Some((handle, association));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = &mut self.association {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.collect(now);
    }

    fn forget_association(&mut self) {
        if let Some((handle, _)) = self.association.take() {
            self.endpoint.handle_event(handle, EndpointEvent::drained());
        }
    }

    /// Nothing more can be sent or received.
    pub(super) fn lose(&mut self) {
        self.end(SctpEvent::Lost);
    }

    fn end(&mut self, why: SctpEvent) {
        if !self.is_lost {
            self.is_lost = true;
            self.forget_association();
            self.outgoing.clear();
            self.events.push_back(why);
        }
    }

    /// Takes what the association wants sent and told.
    fn collect(&mut self, now: Instant) {
        let Some((_, association)) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.guard.establish(),
                Event::Stream(StreamEvent::Readable { id }) => self.events.push_back(SctpEvent::Readable(id)),
                Event::AssociationLost { id, .. } => self.events.push_back(SctpEvent::Reset(id)),
                _ => {}
            }
        }
        while association.accept_stream().is_some() {}
        while let Some(transmit) = association.poll_transmit(now) {
            if let Payload::RawEncode(packets) = transmit.message {
                packets.iter().for_each(|packet| self.guard.note_sent(packet));
                self.outgoing.extend(packets);
            }
        }
        // A new association is closed, too, until its cookie comes back.
        if association.is_closed() && !association.is_handshaking() {
            self.lose();
        }
    }

    /// The next message of a stream.
    pub(super) fn read(&mut self, stream: StreamId) -> Result<Option<Message>, MessageTooLong> {
        let Some((_, association)) = &mut self.association else { return Ok(None) };
        let Ok(Some(message)) = association.stream(stream).and_then(|mut stream| stream.read_sctp()) else {
            return Ok(None);
        };
        self.guard.note_read(message.chunks.len(), message.len());
        let payload = message.to_payload(MAX_RECEIVED_MESSAGE_BYTES).map_err(|_| MessageTooLong)?;
        Ok(Some(Message { protocol: message.ppi, payload: payload.freeze() }))
    }

    /// Queues a message; it must not be empty (RFC 8831 §6.6). Gives whether the stream is there.
    pub(super) fn write(
        &mut self,
        now: Instant,
        stream: StreamId,
        protocol: PayloadProtocolIdentifier,
        payload: &Bytes,
    ) -> bool {
        debug_assert!(!payload.is_empty(), "an empty message would use up a sequence number and never arrive");
        let Some((_, association)) = &mut self.association else { return false };
        let written = association
            .stream(stream)
            .and_then(|mut stream| stream.write_chunk_with_ppi(now, payload, protocol))
            .is_ok();
        self.collect(now);
        written
    }

    /// Bytes of a stream that the client has not acknowledged.
    pub(super) fn buffered_bytes(&mut self, stream: StreamId) -> usize {
        let Some((_, association)) = &mut self.association else { return 0 };
        association.stream(stream).and_then(|stream| stream.buffered_amount()).unwrap_or(0)
    }

    /// Sets how hard we try to deliver what we send on a stream.
    pub(super) fn set_reliability(
        &mut self,
        stream: StreamId,
        is_unordered: bool,
        reliability: ReliabilityType,
        limit: u32,
    ) {
        if let Some((_, association)) = &mut self.association
            && let Ok(mut stream) = association.stream(stream)
        {
            // It fails for a stream that has just been closed, which is all the same.
            let _ = stream.set_reliability_params(is_unordered, reliability, limit);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.association.as_ref().and_then(|(_, association)| association.poll_timeout())
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now)
            && let Some((_, association)) = &mut self.association
        {
            association.handle_timeout(now);
            self.collect(now);
        }
    }

    /// The next packet to be sent through DTLS.
    pub(super) fn poll_packet(&mut self) -> Option<Bytes> {
        self.outgoing.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }
}
