// SPDX-License-Identifier: EUPL-1.2
//! One connection, TCP or TLS, from its first byte to its last: messages in, messages out, keep-alives answered
//! (RFC 5626 §3.5.1).

use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout, timeout_at};

use super::gate::{Gate, Sender};
use super::limits::{CLOSE_TIME, IDLE_STRANGER, IDLE_TRUNK, MESSAGE_TIME, WRITE_TIME};
use super::{Arrival, refusing};
use crate::metrics::Metrics;
use crate::sip::flow::Flow;
use crate::sip::parse::{Broken, Frame, Framer, Malformed, parse};

/// Bytes that are read at once.
const READ_BYTES: usize = 4_096;

/// What belongs to a connection beside its bytes.
pub(super) struct Connection {
    pub(super) flow: Flow,
    pub(super) gate: Arc<Gate>,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    /// Its own queue outwards.
    pub(super) replies: mpsc::WeakSender<Vec<u8>>,
    pub(super) metrics: Metrics,
}

/// Why a connection ended, for the counters. `None`: the other side closed it, or nobody here needs it any more.
struct End(Option<&'static str>);

impl Connection {
    /// Reads and writes until either ends.
    pub(super) async fn run(self, stream: impl AsyncRead + AsyncWrite, outgoing: mpsc::Receiver<Vec<u8>>) {
        let (reader, writer) = tokio::io::split(stream);
        let End(reason) = tokio::select! {
            end = self.read(reader) => end,
            end = write(writer, outgoing) => end,
        };
        if let Some(reason) = reason {
            self.metrics.closed_connections.with_label_values(&[reason]).inc();
        }
    }

    async fn read(&self, mut reader: impl AsyncRead + Unpin) -> End {
        let mut framer = Framer::new();
        let mut buffer = [0; READ_BYTES];
        let mut until = self.idle_until();
        loop {
            let length = match timeout_at(until.into(), reader.read(&mut buffer)).await {
                Ok(Ok(length)) if length > 0 => length,
                Ok(_) => return End(None),
                Err(_) => return End(Some("idle")),
            };
            let was_within_message = framer.is_within_message();
            let mut has_frame = false;
            let mut rest = buffer.get(..length).unwrap_or_default();
            while !rest.is_empty() {
                let taken = framer.handle_bytes(rest);
                rest = rest.get(taken..).unwrap_or_default();
                while let Some(frame) = framer.poll_frame() {
                    has_frame = true;
                    if let Err(end) = self.handle_frame(frame).await {
                        return end;
                    }
                }
            }
            // More bytes of a message do not give it more time.
            if !framer.is_within_message() {
                until = self.idle_until();
            } else if has_frame || !was_within_message {
                until = Instant::now() + MESSAGE_TIME;
            }
        }
    }

    /// Whoever was a stranger may have proven by now that they are none.
    fn idle_until(&self) -> Instant {
        let now = Instant::now();
        now + match self.gate.sender(now, self.flow.remote.ip()) {
            Sender::Trunk => IDLE_TRUNK,
            Sender::Stranger => IDLE_STRANGER,
        }
    }

    async fn handle_frame(&self, frame: Result<Frame, Broken>) -> Result<(), End> {
        match frame {
            Ok(Frame::Message(bytes)) => self.handle_message(&bytes).await,
            Ok(Frame::Ping) => self.reply(b"\r\n".to_vec()),
            Ok(Frame::Pong) => Ok(()),
            Err(Broken(malformed)) => {
                self.refuse(malformed)?;
                // What is queued has that long to be written.
                sleep(CLOSE_TIME).await;
                Err(End(Some("malformed")))
            }
        }
    }

    async fn handle_message(&self, bytes: &[u8]) -> Result<(), End> {
        if !self.gate.admits(Instant::now(), self.flow.remote.ip()) {
            return Err(End(Some("stranger")));
        }
        match parse(bytes, self.flow.transport) {
            Ok(message) => {
                let arrival = Arrival::Message { flow: self.flow, message: Box::new(message) };
                // Full: the stream waits.
                self.arrivals.send(arrival).await.map_err(|_| End(None))
            }
            Err(malformed) => self.refuse(malformed),
        }
    }

    fn refuse(&self, malformed: Malformed) -> Result<(), End> {
        self.metrics.malformed_messages.inc();
        tracing::debug!(flaw = %malformed.flaw, "a message was not understood");
        match refusing::answer(&self.gate, self.flow, malformed) {
            Some((_, bytes)) => self.reply(bytes),
            None => Ok(()),
        }
    }

    /// Full: the other side does not read what it asks for.
    fn reply(&self, bytes: Vec<u8>) -> Result<(), End> {
        let queue = self.replies.upgrade().ok_or(End(None))?;
        queue.try_send(bytes).map_err(|_| End(Some("not_reading")))
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut outgoing: mpsc::Receiver<Vec<u8>>) -> End {
    while let Some(bytes) = outgoing.recv().await {
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        match timeout(WRITE_TIME, written).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End(None),
            Err(_) => return End(Some("not_reading")),
        }
    }
    // Politely, with TLS's good-bye. That it cannot be sent any more is nobody's concern.
    let _ = timeout(CLOSE_TIME, writer.shutdown()).await;
    End(None)
}
