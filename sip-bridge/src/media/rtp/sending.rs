// SPDX-License-Identifier: EUPL-1.2
//! What we send: sound and reports.

use std::net::SocketAddr;
use std::time::Instant;

use super::numbers::RtpTime;
use super::packet::{FIXED_HEADER_BYTES, Header};
use super::session::RtpSession;

/// Larger payloads would be cut into pieces on the way.
const MAX_PAYLOAD_BYTES: usize = 1_200;

/// From which of a call's ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The even one.
    Rtp,
    /// The one after it.
    Rtcp,
}

/// Where a datagram goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// To.
    pub destination: SocketAddr,
    /// From.
    pub component: Component,
}

impl std::fmt::Debug for Transmit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transmit").field("component", &self.component).finish_non_exhaustive()
    }
}

impl RtpSession {
    /// Writes a packet of sound into `out`, which is emptied first, and says where it goes.
    ///
    /// `rtp_ticks` is how long the sound lasts by [`Codec::rtp_clock_hz`](crate::sdp::Codec::rtp_clock_hz); `marker` says
    /// that sound begins after silence, and is added by itself after a pause in the calls. On hold, and before the call is
    /// open, there is no packet, and time goes on.
    pub fn send_audio(
        &mut self,
        now: Instant,
        payload: &[u8],
        rtp_ticks: u32,
        marker: bool,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        self.send(now, self.agreed.send_payload_type, payload, rtp_ticks, marker, out)
    }

    /// Writes a description of silence in place of `rtp_ticks` of sound (RFC 3389). `None` also when that was not agreed on.
    pub fn send_comfort_noise(
        &mut self,
        now: Instant,
        payload: &[u8],
        rtp_ticks: u32,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let Some(types) = self.agreed.comfort_noise else {
            self.skip_audio(rtp_ticks);
            return None;
        };
        let transmit = self.send(now, types.send, payload, rtp_ticks, false, out);
        self.is_talkspurt_new = true;
        transmit
    }

    /// Sound that is not sent since it is silence: time goes on by it.
    pub const fn skip_audio(&mut self, rtp_ticks: u32) {
        self.clock.advance(rtp_ticks);
        self.is_talkspurt_new = true;
    }

    /// Writes a report that is due into `out`, which is emptied first. To be called until it gives `None`.
    pub fn poll_output(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.poll_report(now, out)
    }

    fn send(
        &mut self,
        now: Instant,
        payload_type: u8,
        payload: &[u8],
        rtp_ticks: u32,
        marker: bool,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        out.clear();
        if !self.can_send() {
            return None;
        }
        let (rtp_timestamp, is_after_silence) = self.clock.begin(now, rtp_ticks);
        self.clock.advance(rtp_ticks);
        if payload.len() > MAX_PAYLOAD_BYTES {
            return None;
        }
        let destination = self.latch.destination()?;
        let marker = marker || is_after_silence || std::mem::take(&mut self.is_talkspurt_new);
        self.write(payload_type, rtp_timestamp, marker, payload, out)?;
        self.is_talkspurt_new = false;
        Some(Transmit { destination, component: Component::Rtp })
    }

    fn write(
        &mut self,
        payload_type: u8,
        rtp_timestamp: RtpTime,
        marker: bool,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let header = Header {
            marker,
            payload_type,
            seq_no: self.next_seq_no,
            rtp_timestamp,
            ssrc: self.ssrc,
            len: FIXED_HEADER_BYTES,
            has_padding: false,
        };
        self.next_seq_no = self.next_seq_no.next();
        out.clear();
        header.write(out);
        out.extend_from_slice(payload);
        if let Some(sealer) = &mut self.sealer {
            sealer.seal_rtp(out, &header)?;
        }
        self.statistics.packets_sent += 1;
        self.statistics.payload_bytes_sent += payload.len() as u64;
        Some(())
    }
}
