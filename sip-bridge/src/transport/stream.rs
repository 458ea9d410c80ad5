// SPDX-License-Identifier: EUPL-1.2
//! One connection, TCP or TLS, from its first byte to its last: messages in, messages out, keep-alives answered
//! (RFC 5626 §3.5.1).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as SystemInstant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::gate::{Gate, Sender};
use super::limits::{CLOSE_TIME, IDLE_STRANGER, IDLE_TRUNK, KEEP_ALIVE, MESSAGE_TIME, WRITE_TIME};
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
    /// Whether a registration stands by it, so that calls may come after any time.
    pub(super) is_kept: Arc<AtomicBool>,
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
            end = write(writer, outgoing, &self.is_kept) => end,
        };
        if let Some(reason) = reason {
            self.metrics.closed_connections.with_label_values(&[reason]).inc();
        }
    }

    async fn read(&self, mut reader: impl AsyncRead + Unpin) -> End {
        let mut framer = Framer::new();
        let mut buffer = [0; READ_BYTES];
        let mut until = Instant::now() + self.idle_time();
        loop {
            let length = match timeout_at(until, reader.read(&mut buffer)).await {
                Ok(Ok(length)) if length > 0 => length,
                Ok(_) => return End(None),
                // Not everybody answers keep-alives. That the other side is gone shows when they cannot be written.
                Err(_) if self.is_kept.load(Ordering::Relaxed) && !framer.is_within_message() => {
                    until = Instant::now() + self.idle_time();
                    continue;
                }
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
                until = Instant::now() + self.idle_time();
            } else if has_frame || !was_within_message {
                until = Instant::now() + MESSAGE_TIME;
            }
        }
    }

    /// Whoever was a stranger may have proven by now that they are none.
    fn idle_time(&self) -> Duration {
        match self.gate.sender(SystemInstant::now(), self.flow.remote.ip()) {
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
        if !self.gate.admits(SystemInstant::now(), self.flow.remote.ip()) {
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

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    is_kept: &AtomicBool,
) -> End {
    loop {
        let bytes = match timeout(KEEP_ALIVE, outgoing.recv()).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(_) if is_kept.load(Ordering::Relaxed) => b"\r\n\r\n".to_vec(),
            Err(_) => continue,
        };
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

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::sip::message::Transport;
    use crate::trunks::Trunks;

    /// A connection of a stranger's, its other end, what writes to it, and whether it is to stay.
    fn connection() -> (JoinHandle<()>, DuplexStream, mpsc::Sender<Vec<u8>>, Arc<AtomicBool>) {
        let address = "192.0.2.1:5060".parse().unwrap();
        let flow =
            Flow { transport: Transport::Tcp, local: address, remote: address, connection: None, tls_name: None };
        let (queue, outgoing) = mpsc::channel(1);
        // Nothing arrives.
        let (arrivals, _) = mpsc::channel(1);
        let is_kept = Arc::new(AtomicBool::new(true));
        let connection = Connection {
            flow,
            gate: Arc::new(Gate::new(Arc::new(Trunks::default()))),
            arrivals,
            replies: queue.downgrade(),
            is_kept: is_kept.clone(),
            metrics: Metrics::new(&prometheus::Registry::new()).unwrap(),
        };
        let (ours, theirs) = duplex(1_024);
        (tokio::spawn(connection.run(ours, outgoing)), theirs, queue, is_kept)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_by_which_we_are_registered_stays_and_is_kept_alive() {
        let (running, mut theirs, _queue, is_kept) = connection();
        let began = Instant::now();
        for _ in 0..60 {
            let mut ping = [0; 4];
            theirs.read_exact(&mut ping).await.unwrap();
            assert_eq!(&ping, b"\r\n\r\n");
        }
        assert!(began.elapsed() > 2 * IDLE_TRUNK, "{:?}", began.elapsed());
        // Without the registration it ends as others do.
        is_kept.store(false, Ordering::Relaxed);
        running.await.unwrap();
        assert_eq!(theirs.read(&mut [0; 4]).await.unwrap(), 0);
    }
}
