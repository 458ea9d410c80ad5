// SPDX-License-Identifier: EUPL-1.2
//! The client's data channels (RFC 8831, RFC 8832): `_reliable` and `_lossy` carry messages, others are accepted and
//! ignored.
//!
//! The client opens the channels, and we send over those that it opened. Every queue has a bound:
//!
//! * To the client: what does not fit is dropped and counted, on either channel. What fills them up may be the doing of
//!   whoever sends it, and nobody may end another one's call with data. A reliable message is short of room only when
//!   some seconds' worth of others wait; a client that acknowledges nothing at all is given up by SCTP.
//! * From the client, reliable: while too much waits to be taken, the stream is not read. SCTP's receive window closes
//!   and the client has to wait. The window is one for the association, so its lossy messages wait as well.
//! * From the client, lossy: handed on at once; whoever takes them drops what is too much.

mod backlog;
mod dcep;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use rtc_sctp::PayloadProtocolIdentifier;

use super::sctp::{MAX_SENT_MESSAGE_BYTES, Message, MessageTooLong, SctpAssociation, SctpEvent, StreamId};
use crate::shard::message::DataChannel;
use backlog::Backlog;

/// Reliable data that the client has not acknowledged.
const MAX_RELIABLE_BACKLOG_BYTES: usize = 4 * 1024 * 1024;
const MAX_RELIABLE_BACKLOG_MESSAGES: usize = 16_384;

/// Lossy data that the client has not acknowledged: half a second at 1 Mbit/s, after which it is stale.
const MAX_LOSSY_BACKLOG_BYTES: usize = 64 * 1024;
const MAX_LOSSY_BACKLOG_MESSAGES: usize = 1024;

/// Reliable data handed out and not yet taken.
const MAX_UNTAKEN_BYTES: usize = 256 * 1024;
const MAX_UNTAKEN_MESSAGES: usize = 4096;

/// Channels of one client, the ignored ones included.
const MAX_CHANNELS: usize = 16;

const RELIABLE_LABEL: &str = "_reliable";
const LOSSY_LABEL: &str = "_lossy";

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendDataError {
    /// Longer than a browser must be able to take.
    #[error("message too long")]
    TooLong,
    /// The channel is full, or lossy and not open.
    #[error("the channel has no room")]
    Dropped,
    /// The transport has ended.
    #[error("the transport has ended")]
    Ended,
}

/// What happened on the channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DataEvent {
    /// The client sent a message.
    Message { channel: DataChannel, payload: Bytes },
    /// The client left.
    Lost,
    /// The client broke the rules.
    Violation,
}

/// All channels of one client.
pub(super) struct DataChannels {
    sctp: SctpAssociation,
    channels: Vec<Channel>,
    /// Reliable messages for a channel that is not open yet.
    waiting: VecDeque<Bytes>,
    reliable_backlog: Backlog,
    /// Of reliable channels that the client has closed, what it had not acknowledged as far as we knew. SCTP goes on
    /// trying to deliver it.
    stranded_bytes: usize,
    lossy_backlog: Backlog,
    untaken: Backlog,
    events: VecDeque<DataEvent>,
    dropped: u64,
}

struct Channel {
    stream: StreamId,
    /// `None` for a channel that we ignore. No two carry the same.
    carries: Option<DataChannel>,
}

impl DataChannels {
    pub(super) fn new() -> Self {
        Self {
            sctp: SctpAssociation::new(),
            channels: Vec::new(),
            waiting: VecDeque::new(),
            reliable_backlog: Backlog::default(),
            stranded_bytes: 0,
            lossy_backlog: Backlog::default(),
            untaken: Backlog::default(),
            events: VecDeque::new(),
            dropped: 0,
        }
    }

    /// A packet that came through DTLS.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        self.sctp.handle_packet(now, packet);
        self.handle_events(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.sctp.handle_timeout(now);
        self.handle_events(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.sctp.poll_timeout()
    }

    /// The next packet to be sent through DTLS.
    pub(super) fn poll_packet(&mut self) -> Option<Bytes> {
        self.sctp.poll_packet()
    }

    pub(super) fn poll_event(&mut self) -> Option<DataEvent> {
        self.events.pop_front()
    }

    /// Messages that were not sent because the channel was full, or lossy and not open.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Sends a message to the client.
    pub(super) fn send(&mut self, now: Instant, channel: DataChannel, payload: &[u8]) -> Result<(), SendDataError> {
        if payload.len() > MAX_SENT_MESSAGE_BYTES {
            return Err(SendDataError::TooLong);
        }
        let stream = self.stream_for(channel);
        let result = match channel {
            DataChannel::Reliable => self.send_reliable(now, stream, payload),
            DataChannel::Lossy => self.send_lossy(now, stream, payload),
        };
        self.handle_events(now);
        result
    }

    fn stream_for(&self, channel: DataChannel) -> Option<StreamId> {
        let carries = |open: &&Channel| open.carries == Some(channel);
        self.channels.iter().find(carries).map(|open| open.stream)
    }

    /// Keeps the message until the client has it. Drops and counts it when too much waits already.
    fn send_reliable(&mut self, now: Instant, stream: Option<StreamId>, payload: &[u8]) -> Result<(), SendDataError> {
        if let Some(stream) = stream {
            self.reliable_backlog.settle(self.sctp.buffered_bytes(stream));
        }
        let max_bytes = MAX_RELIABLE_BACKLOG_BYTES.saturating_sub(self.stranded_bytes);
        if !self.reliable_backlog.has_room(payload.len(), max_bytes, MAX_RELIABLE_BACKLOG_MESSAGES) {
            self.dropped += 1;
            return Err(SendDataError::Dropped);
        }
        self.reliable_backlog.push(payload.len());
        match stream {
            Some(stream) => self.write(now, stream, Bytes::copy_from_slice(payload)),
            None => self.waiting.push_back(Bytes::copy_from_slice(payload)),
        }
        Ok(())
    }

    /// Drops and counts the message when the channel is full.
    fn send_lossy(&mut self, now: Instant, stream: Option<StreamId>, payload: &[u8]) -> Result<(), SendDataError> {
        if let Some(stream) = stream {
            self.lossy_backlog.settle(self.sctp.buffered_bytes(stream));
            let has_room =
                self.lossy_backlog.has_room(payload.len(), MAX_LOSSY_BACKLOG_BYTES, MAX_LOSSY_BACKLOG_MESSAGES);
            if has_room {
                self.lossy_backlog.push(payload.len());
                self.write(now, stream, Bytes::copy_from_slice(payload));
                return Ok(());
            }
        }
        self.dropped += 1;
        Err(SendDataError::Dropped)
    }

    /// SCTP cannot carry an empty message (RFC 8831 §6.6). A stream that was closed a moment ago takes none, either.
    fn write(&mut self, now: Instant, stream: StreamId, payload: Bytes) {
        if payload.is_empty() {
            let placeholder = Bytes::from_static(&[0]);
            self.sctp.write(now, stream, PayloadProtocolIdentifier::BinaryEmpty, &placeholder);
        } else {
            self.sctp.write(now, stream, PayloadProtocolIdentifier::Binary, &payload);
        }
    }

    /// The reader has dealt with that much reliable data.
    pub(super) fn data_taken(&mut self, now: Instant, bytes: usize) {
        self.untaken.take(bytes);
        let reliable = |channel: &Channel| channel.carries == Some(DataChannel::Reliable);
        let streams: Vec<_> = self.channels.iter().filter(|channel| reliable(channel)).map(|c| c.stream).collect();
        for stream in streams {
            self.read(now, stream);
        }
        self.handle_events(now);
    }

    fn handle_events(&mut self, now: Instant) {
        while let Some(event) = self.sctp.poll_event() {
            match event {
                SctpEvent::Readable(stream) => self.read(now, stream),
                SctpEvent::Reset(stream) => self.forget(stream),
                SctpEvent::Lost => self.lose(DataEvent::Lost),
                SctpEvent::Violation => self.lose(DataEvent::Violation),
            }
        }
    }

    /// The client closed a channel; what it did not get over it is lost.
    fn forget(&mut self, stream: StreamId) {
        match self.carried_by(stream) {
            Some(DataChannel::Reliable) => {
                self.stranded_bytes = self.stranded_bytes.saturating_add(self.reliable_backlog.bytes());
                self.reliable_backlog.settle(0);
            }
            Some(DataChannel::Lossy) => self.lossy_backlog.settle(0),
            None => {}
        }
        self.channels.retain(|channel| channel.stream != stream);
    }

    /// Reads a stream until it is empty or its messages have to wait.
    fn read(&mut self, now: Instant, stream: StreamId) {
        while self.may_read(stream) {
            match self.sctp.read(stream) {
                Ok(Some(message)) => self.handle_message(now, stream, message),
                Ok(None) => break,
                Err(MessageTooLong) => self.lose(DataEvent::Violation),
            }
        }
    }

    fn may_read(&self, stream: StreamId) -> bool {
        let waits = self.untaken.is_full(MAX_UNTAKEN_BYTES, MAX_UNTAKEN_MESSAGES);
        !waits || self.carried_by(stream) != Some(DataChannel::Reliable)
    }

    fn carried_by(&self, stream: StreamId) -> Option<DataChannel> {
        self.channels.iter().find(|channel| channel.stream == stream)?.carries
    }

    /// Messages on a channel that is not open, as an unordered one may overtake DATA_CHANNEL_OPEN, are dropped.
    fn handle_message(&mut self, now: Instant, stream: StreamId, message: Message) {
        use PayloadProtocolIdentifier as Protocol;
        match (message.protocol, self.carried_by(stream)) {
            (Protocol::Dcep, _) => self.handle_establishment(now, stream, &message.payload),
            (Protocol::String | Protocol::Binary, Some(channel)) => self.hand_out(channel, message.payload),
            // Nobody sends one with a meaning, and there would be no end to them.
            (Protocol::StringEmpty | Protocol::BinaryEmpty, _) => {}
            _ => {}
        }
    }

    fn hand_out(&mut self, channel: DataChannel, payload: Bytes) {
        if channel == DataChannel::Reliable {
            self.untaken.push(payload.len());
        }
        self.events.push_back(DataEvent::Message { channel, payload });
    }

    fn handle_establishment(&mut self, now: Instant, stream: StreamId, message: &[u8]) {
        let Some(open) = dcep::Open::parse(message) else { return };
        let is_open = self.channels.iter().any(|channel| channel.stream == stream);
        if is_open || self.channels.len() >= MAX_CHANNELS {
            return;
        }
        let carries = match open.label {
            RELIABLE_LABEL => Some(DataChannel::Reliable),
            LOSSY_LABEL => Some(DataChannel::Lossy),
            _ => None,
        };
        // A second channel of that name would have a backlog of its own, which nobody counts.
        let carries = carries.filter(|carries| self.stream_for(*carries).is_none());
        self.channels.push(Channel { stream, carries });
        self.sctp.set_reliability(stream, open.is_unordered, open.reliability, open.limit);
        let acknowledgement = Bytes::from_static(dcep::DATA_CHANNEL_ACK);
        self.sctp.write(now, stream, PayloadProtocolIdentifier::Dcep, &acknowledgement);
        if carries == Some(DataChannel::Reliable) {
            while let Some(payload) = self.waiting.pop_front() {
                self.write(now, stream, payload);
            }
        }
    }

    fn lose(&mut self, event: DataEvent) {
        self.sctp.lose();
        self.waiting.clear();
        self.channels.clear();
        self.events.push_back(event);
    }
}
