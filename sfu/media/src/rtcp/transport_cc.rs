// SPDX-License-Identifier: EUPL-1.2
//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): when each
//! packet of a transport arrived, over all its streams. Browsers raise the rate they send at only when they get it.

use std::time::{Duration, Instant};

use crate::rtcp::{FORMAT_TRANSPORT_CC, TRANSPORT_FEEDBACK, write_packet};
use crate::rtp::seq_no::SeqNo;

/// How long an arrival waits to be reported at most. Browsers report to one another every 50 to 250 ms.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);
/// The same once [`BUSY_PACKETS`] wait: the faster the sender is, the sooner it must hear of congestion.
const BUSY_FEEDBACK_INTERVAL: Duration = Duration::from_millis(50);
/// Half of what a video of 200 packets a second sends in [`FEEDBACK_INTERVAL`].
const BUSY_PACKETS: usize = 10;

/// Arrivals that are remembered, a power of two. Older ones that were not reported are forgotten.
const WINDOW_PACKETS: u64 = 1_024;

/// Keeps one feedback packet below 1,000 bytes: 20 of head, 2 of delta a packet, 2 of status for 7 packets.
const MAX_PACKETS_PER_FEEDBACK: usize = 400;

/// Arrival times count units of 250 µs (§3.1.5), reference times 256 of these (§3.1).
const TICK: Duration = Duration::from_micros(250);
const TICKS_PER_REFERENCE: i64 = 256;

/// Packet statuses (§3.1.1).
const NOT_RECEIVED: u8 = 0;
const SMALL_DELTA: u8 = 1;
const LARGE_DELTA: u8 = 2;

/// Most that a run length chunk can say (§3.1.3), and what the two kinds of vector hold (§3.1.4).
const MAX_RUN: usize = 0x1fff;
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;

/// Marks a place of the window whose packet has not come.
const ABSENT: i64 = -1;

/// Remembers the arrivals of one transport's packets until they are reported.
#[derive(Debug, Default)]
pub struct ArrivalRecorder {
    window: Option<Window>,
    feedback_count: u8,
    statuses: Vec<u8>,
    deltas: Vec<u8>,
}

impl ArrivalRecorder {
    /// A recorder that has seen nothing and holds no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the packet with this transport-wide number arrived.
    pub fn record(&mut self, now: Instant, seq_no: SeqNo) {
        match &mut self.window {
            Some(window) => window.record(now, seq_no),
            None => self.window = Some(Window::new(now, seq_no)),
        }
    }

    /// When [`Self::write_feedback`] has something to write.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let window = self.window.as_ref()?;
        let interval = if window.waiting < BUSY_PACKETS { FEEDBACK_INTERVAL } else { BUSY_FEEDBACK_INTERVAL };
        Some(window.waits_since? + interval)
    }

    /// Appends one feedback packet of less than 1,000 bytes, if one is due, and says whether it did: when it did, more
    /// may be due. `media_ssrc` may be any stream of the transport.
    pub fn write_feedback(&mut self, now: Instant, sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) -> bool {
        if self.poll_timeout().is_none_or(|due| due > now) {
            return false;
        }
        let Some(window) = &mut self.window else { return false };
        let Some((first, reference)) = window.encode(&mut self.statuses, &mut self.deltas) else { return false };
        write_packet(out, FORMAT_TRANSPORT_CC, TRANSPORT_FEEDBACK, |out| {
            out.extend_from_slice(&sender_ssrc.to_be_bytes());
            out.extend_from_slice(&media_ssrc.to_be_bytes());
            out.extend_from_slice(&first.0.to_be_bytes());
            out.extend_from_slice(&(self.statuses.len() as u16).to_be_bytes());
            // 24 bits that wrap.
            out.extend_from_slice(&((reference & 0xff_ffff) as u32).to_be_bytes()[1..]);
            out.push(self.feedback_count);
            write_status_chunks(&self.statuses, out);
            out.extend_from_slice(&self.deltas);
        });
        self.feedback_count = self.feedback_count.wrapping_add(1);
        true
    }
}

#[derive(Debug)]
struct Window {
    /// Arrival times count from here.
    epoch: Instant,
    /// In ticks, by index modulo the window.
    arrivals: Box<[i64]>,
    /// The newest packet seen.
    highest: u64,
    /// The first packet that the next feedback speaks about.
    next: u64,
    /// Arrivals since the last feedback, and when the first of them came.
    waiting: usize,
    waits_since: Option<Instant>,
}

impl Window {
    fn new(now: Instant, seq_no: SeqNo) -> Self {
        let index = seq_no.first_index();
        let arrivals = vec![ABSENT; WINDOW_PACKETS as usize].into_boxed_slice();
        let mut window = Self { epoch: now, arrivals, highest: index, next: index, waiting: 0, waits_since: None };
        window.put(now, index);
        window
    }

    fn record(&mut self, now: Instant, seq_no: SeqNo) {
        let index = seq_no.extend(self.highest);
        if index > self.highest {
            let is_new_start = index - self.highest >= WINDOW_PACKETS;
            if is_new_start {
                self.arrivals.fill(ABSENT);
                self.next = index;
            } else {
                for absent in self.highest + 1..index {
                    *self.arrival_mut(absent) = ABSENT;
                }
                self.next = self.next.max(index + 1 - WINDOW_PACKETS);
            }
            self.highest = index;
        } else if self.highest - index >= WINDOW_PACKETS || *self.arrival_mut(index) != ABSENT {
            return; // Too old, or seen before.
        } else {
            // Overtaken by a feedback that called it lost: the next one goes back and corrects that.
            self.next = self.next.min(index);
        }
        self.put(now, index);
    }

    fn put(&mut self, now: Instant, index: u64) {
        let ticks = now.saturating_duration_since(self.epoch).as_micros() / TICK.as_micros();
        *self.arrival_mut(index) = i64::try_from(ticks).unwrap_or(i64::MAX);
        self.waiting += 1;
        self.waits_since.get_or_insert(now);
    }

    fn arrival_mut(&mut self, index: u64) -> &mut i64 {
        &mut self.arrivals[(index % WINDOW_PACKETS) as usize]
    }

    /// Describes packets from `next` on, as many as one feedback holds, and gives the first one and the reference time.
    fn encode(&mut self, statuses: &mut Vec<u8>, deltas: &mut Vec<u8>) -> Option<(SeqNo, i64)> {
        loop {
            statuses.clear();
            deltas.clear();
            let first = SeqNo::of_index(self.next);
            let reference = self.encode_from_next(statuses, deltas);
            if self.next > self.highest {
                (self.waiting, self.waits_since) = (0, None);
            }
            if let Some(reference) = reference {
                return Some((first, reference));
            }
            // All of them were lost, so there is no time to refer to. The newest packet did arrive, so this ends.
            if self.next > self.highest {
                return None;
            }
        }
    }

    fn encode_from_next(&mut self, statuses: &mut Vec<u8>, deltas: &mut Vec<u8>) -> Option<i64> {
        let mut reference = None;
        let mut last_arrival = 0;
        while self.next <= self.highest && statuses.len() < MAX_PACKETS_PER_FEEDBACK {
            let arrival = *self.arrival_mut(self.next);
            if arrival == ABSENT {
                statuses.push(NOT_RECEIVED);
                self.next += 1;
                continue;
            }
            if reference.is_none() {
                reference = Some(arrival / TICKS_PER_REFERENCE);
                last_arrival = arrival / TICKS_PER_REFERENCE * TICKS_PER_REFERENCE;
            }
            let delta = arrival - last_arrival;
            if let Ok(small) = u8::try_from(delta) {
                statuses.push(SMALL_DELTA);
                deltas.push(small);
            } else if let Ok(large) = i16::try_from(delta) {
                statuses.push(LARGE_DELTA);
                deltas.extend_from_slice(&large.to_be_bytes());
            } else {
                break; // Eight seconds apart: the next feedback has its own reference time.
            }
            last_arrival = arrival;
            self.next += 1;
        }
        reference
    }
}

/// Packs statuses into chunks (§3.1.2): runs where they pay, else vectors.
fn write_status_chunks(mut statuses: &[u8], out: &mut Vec<u8>) {
    while let Some(&first) = statuses.first() {
        let run = statuses.iter().take(MAX_RUN).take_while(|status| **status == first).count();
        let ahead = &statuses[..statuses.len().min(ONE_BIT_SYMBOLS)];
        let fits_one_bit = !ahead.contains(&LARGE_DELTA);
        let vector = if fits_one_bit { ONE_BIT_SYMBOLS } else { TWO_BIT_SYMBOLS };
        let (taken, chunk) = if run >= vector || run == statuses.len() {
            (run, u16::from(first) << 13 | run as u16)
        } else if fits_one_bit {
            (ahead.len(), vector_chunk(0x8000, 1, ahead))
        } else {
            let ahead = &ahead[..ahead.len().min(TWO_BIT_SYMBOLS)];
            (ahead.len(), vector_chunk(0xc000, 2, ahead))
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        statuses = &statuses[taken..];
    }
}

/// Symbols of `bits` each below the two head bits, the first one highest.
fn vector_chunk(head: u16, bits: usize, statuses: &[u8]) -> u16 {
    statuses
        .iter()
        .enumerate()
        .fold(head, |chunk, (place, status)| chunk | u16::from(*status) << (14 - bits * (place + 1)))
}

#[cfg(test)]
mod tests;
