// SPDX-License-Identifier: EUPL-1.2
//! A connection of a link, as both sides have it: frames in, frames out, and the time in which the other side must be heard.

use std::io;
use std::time::Duration;

use serde::Serialize;
use socket2::SockRef;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tokio_rustls::TlsStream;
use zeroize::Zeroize as _;

use crate::framing::{Frame, Framing, Kind, LONGEST_GREETING_BYTES, LONGEST_WORDS_BYTES, Malformed, add};
use crate::messages::Refusal;
use crate::sound_packet::SoundPacket;

/// How often a side says that it is there.
pub(crate) const ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// A side that is silent for so long is gone. Processes that end are noticed at once, by their sockets; this is for machines
/// and networks that do.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// For how long the other side may take nothing.
const LONGEST_WRITE: Duration = Duration::from_secs(5);

/// Bytes that the kernel keeps for sending: a tenth of a second of a thread with many rooms. What does not fit waits with us,
/// where the oldest is dropped.
const SEND_BUFFER_BYTES: usize = 128 * 1_024;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 16 * 1_024;

/// So much is written at once at most, so that what is urgent never waits for long.
const BATCH_BYTES: usize = 64 * 1_024;

/// Why a link does not come about, or ends.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The connection could not be made, or broke.
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    /// The other side has ended it.
    #[error("the other side has ended it")]
    Ended,
    /// Nothing was heard of the other side.
    #[error("the other side is silent")]
    Silent,
    /// The other side takes nothing.
    #[error("the other side takes nothing any more")]
    Stuck,
    /// What the other side said is no message.
    #[error("the other side sent {0}")]
    Malformed(#[from] Malformed),
    /// The node does not want it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Who answers has not proven that it is the node.
    #[error("what answers there does not know the secret in link.secret_file")]
    Stranger,
}

impl LinkError {
    /// Whether trying again is of no use until somebody has changed something. What nobody has proven never is: whoever answers
    /// once at the node's address could end the bridge by it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is_final())
    }

    /// Whether the other side does not know the secret that we know.
    pub(crate) const fn is_about_the_secret(&self) -> bool {
        matches!(self, Self::Stranger | Self::Refused(Refusal::Secret))
    }
}

/// Both directions of a connection.
pub(crate) struct Connection {
    pub(crate) reader: FrameReader,
    pub(crate) writer: FrameWriter,
}

impl Connection {
    /// Before anybody has proven anything.
    pub(crate) fn new(stream: TlsStream<TcpStream>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let framing = Framing::new(LONGEST_GREETING_BYTES);
        let chunk = vec![0; CHUNK_BYTES].into_boxed_slice();
        Self {
            reader: FrameReader { stream: reader, framing, chunk, heard: Instant::now() },
            writer: FrameWriter { stream: writer, frames: Vec::new() },
        }
    }

    /// The other side has proven who it is.
    pub(crate) fn trust(&mut self) {
        self.reader.framing.allow(LONGEST_WORDS_BYTES);
    }
}

/// Sets a socket up for messages that are short and urgent.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_send_buffer_size(SEND_BUFFER_BYTES)
}

/// What comes on a connection.
pub(crate) struct FrameReader {
    stream: ReadHalf<TlsStream<TcpStream>>,
    framing: Framing,
    chunk: Box<[u8]>,
    heard: Instant,
}

impl FrameReader {
    /// The next frame that says something. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Frame, LinkError> {
        loop {
            match self.framing.next()? {
                Some(Frame { kind: Kind::Alive, .. }) => {}
                Some(frame) => return Ok(frame),
                None => self.read().await?,
            }
        }
    }

    /// The next frame, which must be a message.
    pub(crate) async fn next_words(&mut self) -> Result<Frame, LinkError> {
        let frame = self.next().await?;
        if frame.kind == Kind::Words { Ok(frame) } else { Err(Malformed::OutOfPlace.into()) }
    }

    async fn read(&mut self) -> Result<(), LinkError> {
        let read = timeout_at(self.heard + LONGEST_SILENCE, self.stream.read(&mut self.chunk));
        let length = match read.await {
            Err(_) => return Err(LinkError::Silent),
            Ok(Ok(0)) => return Err(LinkError::Ended),
            Ok(Ok(length)) => length,
            // A process that was killed takes no leave of TLS.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(LinkError::Ended),
            Ok(Err(error)) => return Err(error.into()),
        };
        self.heard = Instant::now();
        let chunk = &mut self.chunk[..length];
        self.framing.push(chunk);
        chunk.zeroize();
        Ok(())
    }
}

/// What goes out on a connection. Frames are collected until [`Self::flush`].
pub(crate) struct FrameWriter {
    stream: WriteHalf<TlsStream<TcpStream>>,
    frames: Vec<u8>,
}

impl FrameWriter {
    pub(crate) fn words(&mut self, message: &impl Serialize) {
        add(&mut self.frames, Kind::Words, |bytes| {
            // It fails for maps whose keys are no texts; there are none in what is said here.
            let written = serde_json::to_writer(bytes, message);
            debug_assert!(written.is_ok(), "{written:?}");
        });
    }

    pub(crate) fn sound(&mut self, packet: &SoundPacket) {
        add(&mut self.frames, Kind::Sound, |bytes| packet.write(bytes));
    }

    pub(crate) fn alive(&mut self) {
        add(&mut self.frames, Kind::Alive, |_| {});
    }

    /// Whether so much is collected that it should be sent before more is.
    pub(crate) const fn is_full(&self) -> bool {
        self.frames.len() >= BATCH_BYTES
    }

    /// Sends what was collected. Dropping the future breaks the connection.
    pub(crate) async fn flush(&mut self) -> Result<(), LinkError> {
        let send = async {
            self.stream.write_all(&self.frames).await?;
            self.stream.flush().await
        };
        timeout(LONGEST_WRITE, send).await.map_err(|_| LinkError::Stuck)??;
        self.frames.zeroize();
        Ok(())
    }

    /// Takes leave.
    pub(crate) async fn close(mut self) {
        // It is over either way.
        let _ = timeout(LONGEST_WRITE, self.stream.shutdown()).await;
    }

    /// Sends messages as they come, and now and then that we are there, until the connection breaks or no sender is left.
    pub(crate) async fn send_all<M: Serialize>(mut self, mut messages: mpsc::Receiver<M>) -> LinkError {
        let mut alive = interval(ALIVE_INTERVAL);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => self.words(&message),
                    None => {
                        self.close().await;
                        return LinkError::Ended;
                    }
                },
                _ = alive.tick() => self.alive(),
            }
            while !self.is_full()
                && let Ok(message) = messages.try_recv()
            {
                self.words(&message);
            }
            if let Err(error) = self.flush().await {
                return error;
            }
        }
    }
}
