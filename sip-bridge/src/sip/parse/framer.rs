// SPDX-License-Identifier: EUPL-1.2
//! Cuts a stream of bytes (TCP, TLS) into messages by their Content-Length (RFC 3261 §18.3) and sees the keep-alives
//! between them (RFC 5626 §3.5.1).

use super::headers;
use super::limits::{MAX_HEAD_BYTES, MAX_MESSAGE_BYTES};
use super::malformed::{Flaw, Malformed};
use super::{header_lines, refusal, start_line};

/// Bytes that are kept at once: one message, and as much as tells that it is too long.
const CAPACITY_BYTES: usize = MAX_MESSAGE_BYTES + MAX_HEAD_BYTES;

/// What a stream brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// One message, for [`parse`](super::parse) with the stream's transport.
    Message(Vec<u8>),
    /// Two line ends, which the other side sends to hear one back: answer with CRLF at once.
    Ping,
    /// One line end: the answer to a ping of ours, or the first half of theirs.
    Pong,
}

/// Where the next message begins cannot be known any more: answer with the refusal if there is one and close.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Broken(pub Malformed);

/// The bytes of one connection that are no whole message yet.
///
/// Each byte is looked at a fixed number of times, however small the pieces are in which it comes.
#[derive(Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// What has been given out already; moved out of the buffer when it is the larger part.
    start: usize,
    /// How far, from `start`, no end of the headers was found.
    searched: usize,
    /// The length of the message at `start`, once its headers are there.
    whole: Option<usize>,
    /// The last thing before `start` was one line end, given out as a pong.
    is_half_ping: bool,
    is_broken: bool,
}

impl Framer {
    /// For a new connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes in and says how many. When the buffer is full the rest *waits*: poll until there is nothing, and
    /// hand it in again. Once the stream is broken everything is taken and forgotten.
    #[must_use]
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> usize {
        if self.is_broken {
            return bytes.len();
        }
        if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let free = CAPACITY_BYTES.saturating_sub(self.buffer.len().saturating_sub(self.start));
        let taken = bytes.get(..free).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        taken.len()
    }

    /// Whether something has begun that is not whole yet.
    #[must_use]
    pub fn is_within_message(&self) -> bool {
        self.start < self.buffer.len()
    }

    /// The next message or keep-alive.
    ///
    /// # Errors
    /// [`Broken`], once. After it there is nothing more.
    pub fn poll_frame(&mut self) -> Option<Result<Frame, Broken>> {
        if self.is_broken {
            return None;
        }
        let frame = self.next_frame();
        if let Err(broken) = frame {
            self.is_broken = true;
            self.buffer = Vec::new();
            self.start = 0;
            return Some(Err(broken));
        }
        frame.ok().flatten().map(Ok)
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, Broken> {
        let pending = self.buffer.get(self.start..).unwrap_or_default();
        if pending.starts_with(b"\r\n") {
            self.start += 2;
            self.searched = 0;
            self.is_half_ping = !self.is_half_ping;
            return Ok(Some(if self.is_half_ping { Frame::Pong } else { Frame::Ping }));
        }
        if pending.is_empty() || pending == b"\r" {
            return Ok(None);
        }
        let whole = match self.whole {
            Some(whole) => whole,
            None => {
                let Some(head_bytes) = find_head(pending, &mut self.searched)? else {
                    return Ok(None);
                };
                let whole = message_length(pending.get(..head_bytes).unwrap_or_default())?;
                self.whole = Some(whole);
                whole
            }
        };
        let Some(message) = pending.get(..whole) else {
            return Ok(None);
        };
        let message = message.to_vec();
        self.start += whole;
        self.searched = 0;
        self.whole = None;
        self.is_half_ping = false;
        if self.start == self.buffer.len() {
            // Connections are idle most of the time, and there may be many.
            self.buffer = Vec::new();
            self.start = 0;
        }
        Ok(Some(Frame::Message(message)))
    }
}

/// How long the head is, if it is there.
fn find_head(pending: &[u8], searched: &mut usize) -> Result<Option<usize>, Broken> {
    let within = pending.get(..MAX_HEAD_BYTES).unwrap_or(pending);
    let unsearched = within.get(*searched..).unwrap_or_default();
    if let Some(at) = unsearched.windows(4).position(|four| four == b"\r\n\r\n") {
        return Ok(Some(*searched + at + 4));
    }
    // Its end may have begun with the last three bytes.
    *searched = within.len().saturating_sub(3);
    if pending.len() >= MAX_HEAD_BYTES { Err(broken(Flaw::TooLong, within)) } else { Ok(None) }
}

/// How long the message is that begins with that head.
fn message_length(head: &[u8]) -> Result<usize, Broken> {
    let lines = header_lines::split(head);
    if let Some(flaw) = lines.flaw {
        // One of the lines that cannot be read may be the one with the length.
        return Err(broken(flaw, head));
    }
    let length = headers::content_length(&lines.lines).map_err(|flaw| broken(flaw, head))?;
    let whole = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(head.len());
    if whole > MAX_MESSAGE_BYTES { Err(broken(Flaw::TooLong, head)) } else { Ok(whole) }
}

fn broken(flaw: Flaw, head: &[u8]) -> Broken {
    let lines = header_lines::split(head);
    Broken(match start_line::kind(lines.first) {
        Some(kind) => refusal::malformed(flaw, kind, &lines),
        None => Malformed::dropped(Flaw::NotSip),
    })
}
