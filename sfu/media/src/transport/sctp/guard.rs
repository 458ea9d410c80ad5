// SPDX-License-Identifier: EUPL-1.2
//! What may reach `rtc-sctp`, and how much of it.
//!
//! Its peer is a client that has proved who it is, which does not make it friendly. Left alone, one packet of such a
//! client ends the process (an error cause longer than its chunk) or keeps it busy for seconds (FORWARD TSN over 2^31
//! numbers), and some thousand packets take gigabytes (an INIT flood, a message without end, chunks of one byte,
//! reset requests that are never due). The guard knows no message and no stream: it counts chunks, on the way in by
//! TSN and on the way out by the acknowledgements that `rtc-sctp` sends.

use bytes::Bytes;

use super::chunks::{self, Chunk};
use super::{MAX_RECEIVE_BUFFER_BYTES, MAX_STREAMS};

/// How far TSNs may run ahead of what is acknowledged. At full packets it is four times the receive buffer.
const TSN_WINDOW: u32 = 4096;

/// TSNs older than that are no duplicates. Half the number space would do if we knew as soon as `rtc-sctp` what it has:
/// it takes a number that is older for us by nearly half of it for one that is newer by nearly half of it.
const MAX_AGE: i32 = 1 << 30;

/// Unread chunks beyond which only the one that is due next is let in: it may complete what others wait for.
const MAX_UNREAD_CHUNKS: usize = 4096;

/// Unread chunks and bytes that only a client gets to which ignores the receive window.
const ABUSIVE_UNREAD_CHUNKS: usize = 2 * MAX_UNREAD_CHUNKS;
const ABUSIVE_UNREAD_BYTES: usize = 3 * MAX_RECEIVE_BUFFER_BYTES as usize;

/// TSNs that the gap ack blocks of one SACK may cover. More are not in flight.
const MAX_GAP_ACKED: u32 = 16_384;

/// Streams are reset when a data channel is closed, which clients do about never.
const MAX_RESET_REQUESTS: u8 = 64;

/// What to do with a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Hand it over.
    Pass,
    /// Begin a new association with it.
    Open,
    /// It asks again for something that was sent before: this.
    Repeat(Bytes),
    /// It makes no sense, or comes too early.
    Drop,
    /// The client ends the association.
    Aborted,
    /// The client breaks the rules on purpose: end the association.
    Abusive,
}

pub(super) struct Guard {
    init: Option<Bytes>,
    init_ack: Option<Bytes>,
    is_established: bool,
    /// What we acknowledged last.
    acked_tsn: u32,
    ahead: TsnWindow,
    unread_chunks: usize,
    unread_bytes: usize,
    reset_requests_left: u8,
}

impl Guard {
    pub(super) fn new() -> Self {
        Self {
            init: None,
            init_ack: None,
            is_established: false,
            acked_tsn: 0,
            ahead: TsnWindow::default(),
            unread_chunks: 0,
            unread_bytes: 0,
            reset_requests_left: MAX_RESET_REQUESTS,
        }
    }

    /// Judges a packet of the client's.
    pub(super) fn admit(&mut self, packet: &Bytes) -> Verdict {
        let Some(chunks) = chunks::parse(packet) else { return Verdict::Drop };
        match &chunks[..] {
            [] => Verdict::Drop,
            [init] if init.kind == chunks::INIT => self.admit_init(packet, init),
            _ if self.init.is_none() => Verdict::Drop,
            chunks if chunks.iter().any(|chunk| chunk.kind == chunks::ABORT) => Verdict::Aborted,
            chunks if chunks.iter().all(|chunk| self.admits(chunk)) => self.count(chunks),
            _ => Verdict::Drop,
        }
    }

    /// One association, begun by the first INIT. INIT is repeated until our answer arrives.
    fn admit_init(&mut self, packet: &Bytes, init: &Chunk<'_>) -> Verdict {
        if self.is_established {
            return Verdict::Drop;
        }
        if self.init.as_ref() == Some(packet)
            && let Some(init_ack) = &self.init_ack
        {
            return Verdict::Repeat(init_ack.clone());
        }
        *self = Self { init: Some(packet.clone()), acked_tsn: init.u32_at(12).wrapping_sub(1), ..Self::new() };
        Verdict::Open
    }

    fn admits(&self, chunk: &Chunk<'_>) -> bool {
        match chunk.kind {
            chunks::DATA => self.admits_data(chunk),
            chunks::SACK => are_plausible_gaps(chunk),
            chunks::FORWARD_TSN => self.steps_ahead(chunk.u32_at(0)).is_some(),
            chunks::RE_CONFIG => self.admits_reset(chunk),
            chunks::COOKIE_ECHO
            | chunks::HEARTBEAT
            | chunks::SHUTDOWN
            | chunks::SHUTDOWN_ACK
            | chunks::SHUTDOWN_COMPLETE => true,
            _ => false,
        }
    }

    /// How far a TSN lies ahead of what is acknowledged, zero for old ones, `None` outside of what can be.
    fn steps_ahead(&self, tsn: u32) -> Option<u32> {
        let steps = tsn.wrapping_sub(self.acked_tsn).cast_signed();
        (-MAX_AGE..=TSN_WINDOW.cast_signed()).contains(&steps).then_some(steps.max(0).cast_unsigned())
    }

    fn admits_data(&self, chunk: &Chunk<'_>) -> bool {
        let has_room = self.unread_chunks < MAX_UNREAD_CHUNKS;
        let is_welcome = |steps| steps <= 1 || has_room;
        chunk.u16_at(4) < MAX_STREAMS && self.steps_ahead(chunk.u32_at(0)).is_some_and(is_welcome)
    }

    /// A reset that comes before the data in front of it would be kept. The client repeats it, so it may come later.
    fn admits_reset(&self, chunk: &Chunk<'_>) -> bool {
        chunk.parameters().all(|(kind, value)| {
            let last_tsn = value.get(8..12).map_or(0, |tsn| u32::from_be_bytes([tsn[0], tsn[1], tsn[2], tsn[3]]));
            kind != chunks::OUTGOING_RESET_REQUEST
                || (self.reset_requests_left > 0
                    && self.has_all_up_to(last_tsn)
                    && value[12..].chunks_exact(2).all(|id| u16::from_be_bytes([id[0], id[1]]) < MAX_STREAMS))
        })
    }

    fn has_all_up_to(&self, tsn: u32) -> bool {
        let have_come = |steps| (1..=steps).all(|step| self.ahead.contains(self.acked_tsn.wrapping_add(step)));
        self.steps_ahead(tsn).is_some_and(have_come)
    }

    fn count(&mut self, chunks: &[Chunk<'_>]) -> Verdict {
        for chunk in chunks {
            match chunk.kind {
                chunks::DATA if self.ahead.insert(chunk.u32_at(0), self.acked_tsn) => {
                    self.unread_chunks += 1;
                    self.unread_bytes += chunk.user_data_len();
                }
                chunks::RE_CONFIG => {
                    let requests =
                        chunk.parameters().filter(|(kind, _)| *kind == chunks::OUTGOING_RESET_REQUEST).count();
                    self.reset_requests_left = self.reset_requests_left.saturating_sub(requests as u8);
                }
                _ => {}
            }
        }
        if self.unread_chunks > ABUSIVE_UNREAD_CHUNKS || self.unread_bytes > ABUSIVE_UNREAD_BYTES {
            Verdict::Abusive
        } else {
            Verdict::Pass
        }
    }

    /// The association is up: INIT has no business any more.
    pub(super) fn establish(&mut self) {
        self.is_established = true;
        self.init_ack = None;
    }

    /// A message was read.
    pub(super) fn note_read(&mut self, chunks: usize, bytes: usize) {
        self.unread_chunks = self.unread_chunks.saturating_sub(chunks);
        self.unread_bytes = self.unread_bytes.saturating_sub(bytes);
    }

    /// A packet that `rtc-sctp` sends: its acknowledgements say what it has and what is unread.
    pub(super) fn note_sent(&mut self, packet: &Bytes) {
        for chunk in chunks::parse(packet).unwrap_or_default() {
            match chunk.kind {
                chunks::INIT_ACK => self.init_ack = Some(packet.clone()),
                chunks::SACK => self.note_acknowledged(chunk.u32_at(0), chunk.u32_at(4)),
                _ => {}
            }
        }
    }

    fn note_acknowledged(&mut self, tsn: u32, receive_window_bytes: u32) {
        self.ahead.forget_up_to(tsn, self.acked_tsn);
        self.acked_tsn = tsn;
        if receive_window_bytes > 0 {
            // Chunks that it refused, or dropped with an abandoned message, have been counted here but are not there.
            let unread_bytes = MAX_RECEIVE_BUFFER_BYTES.saturating_sub(receive_window_bytes) as usize;
            self.unread_bytes = self.unread_bytes.min(unread_bytes);
            self.unread_chunks = self.unread_chunks.min(unread_bytes);
        }
    }
}

/// In order, and not more than can be in flight.
fn are_plausible_gaps(sack: &Chunk<'_>) -> bool {
    let (mut last_end, mut covered) = (0, 0);
    sack.gap_ack_blocks().all(|(start, end)| {
        let follows = start > last_end && end >= start;
        if follows {
            covered += u32::from(end - start) + 1;
            last_end = end;
        }
        follows && covered <= MAX_GAP_ACKED
    })
}

/// Which TSNs after the acknowledged one have been seen.
struct TsnWindow([u64; TSN_WINDOW as usize / 64]);

impl Default for TsnWindow {
    fn default() -> Self {
        Self([0; TSN_WINDOW as usize / 64])
    }
}

impl TsnWindow {
    /// Whether the TSN is new.
    fn insert(&mut self, tsn: u32, acked: u32) -> bool {
        if !(1..=TSN_WINDOW).contains(&tsn.wrapping_sub(acked)) {
            return false;
        }
        let (word, bit) = Self::place(tsn);
        let is_new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_new
    }

    /// Whether a TSN within the window has been seen.
    fn contains(&self, tsn: u32) -> bool {
        let (word, bit) = Self::place(tsn);
        self.0[word] & bit != 0
    }

    fn forget_up_to(&mut self, tsn: u32, acked: u32) {
        for step in 1..=tsn.wrapping_sub(acked).min(TSN_WINDOW) {
            let (word, bit) = Self::place(acked.wrapping_add(step));
            self.0[word] &= !bit;
        }
    }

    fn place(tsn: u32) -> (usize, u64) {
        let position = tsn % TSN_WINDOW;
        ((position / 64) as usize, 1 << (position % 64))
    }
}
