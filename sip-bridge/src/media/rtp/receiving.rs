// SPDX-License-Identifier: EUPL-1.2
//! What arrives at a call's ports. The cheap checks come first, and nothing changes the session before a packet has
//! passed those that a stranger cannot pass.

use std::net::SocketAddr;
use std::time::Instant;

use super::numbers::{RtpTime, SeqNo};
use super::packet::{Header, is_rtcp};
use super::reception;
use super::session::{Event, RtpSession};
use super::source_latch;
use super::srtp::OpenError;
use super::statistics::Dropped;
use crate::sdp::Codec;

/// Longer datagrams carry no telephone's sound: 60 ms of any codec fit many times over.
const MAX_DATAGRAM_BYTES: usize = 2_048;

/// A packet of the stream of sound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AudioPacket<'a> {
    /// Another number than before: another sender, whose numbers and timestamps begin anew.
    pub stream: u32,
    /// Its place in the stream, which does not wrap.
    pub index: u64,
    /// The same as it stands in the packet.
    pub seq_no: SeqNo,
    /// When its sound begins, in ticks of its codec's [`Codec::rtp_clock_hz`].
    pub rtp_timestamp: RtpTime,
    /// Whether sound begins after silence.
    pub marker: bool,
    /// The coded sound; may be empty.
    pub payload: &'a [u8],
}

impl std::fmt::Debug for AudioPacket<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioPacket")
            .field("stream", &self.stream)
            .field("index", &self.index)
            .field("rtp_timestamp", &self.rtp_timestamp)
            .field("payload_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// What a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Sound, and how it is coded. The other packets of a stream say nothing about that: where several codecs may come, they
    /// belong to whichever is in use.
    Audio(Codec, AudioPacket<'a>),
    /// Silence, and what it sounds like (RFC 3389): how loud, in dBov below zero, then its spectrum.
    ComfortNoise(AudioPacket<'a>),
    /// Keys, of which [`RtpSession::poll_event`] tells. The packet has a place in the stream of sound all the same, and
    /// would be missed there.
    Keys(AudioPacket<'a>),
    /// A report; a goodbye comes from [`RtpSession::poll_event`].
    Report,
}

/// What a payload type means here.
#[derive(Clone, Copy)]
enum Meaning {
    Audio(Codec),
    ComfortNoise,
    Keys,
}

impl RtpSession {
    /// Takes a datagram from the RTP port or the one for RTCP; it is decrypted in place.
    ///
    /// # Errors
    ///
    /// Why it was dropped, which is counted already.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &'a mut [u8],
    ) -> Result<Received<'a>, Dropped> {
        let received = if !self.is_open {
            Err(Dropped::NotOpen)
        } else if datagram.len() > MAX_DATAGRAM_BYTES {
            Err(Dropped::Malformed)
        } else if is_rtcp(datagram) {
            self.handle_rtcp(now, source, datagram)
        } else {
            self.handle_rtp(now, source, datagram)
        };
        received.inspect_err(|reason| self.statistics.drop(*reason))
    }

    fn handle_rtp<'a>(
        &mut self,
        now: Instant,
        source: SocketAddr,
        packet: &'a mut [u8],
    ) -> Result<Received<'a>, Dropped> {
        let header = Header::parse(packet).ok_or(Dropped::Malformed)?;
        if !self.latch.may_be(now, source) {
            return Err(Dropped::OtherSource);
        }
        let meaning = self.meaning(header.payload_type).ok_or(Dropped::UnknownPayloadType)?;
        let len = match &mut self.opener {
            Some(opener) => opener.open_rtp(packet, &header).map_err(dropped)?,
            None => packet.len(),
        };
        let packet = &*packet;
        let payload = packet.get(..len).and_then(|packet| header.payload(packet)).ok_or(Dropped::Malformed)?;

        match self.latch.note(now, source, header.ssrc, header.seq_no) {
            source_latch::Verdict::Known | source_latch::Verdict::Latched { by_row: false } => {}
            source_latch::Verdict::Latched { by_row: true } => self.reception.expect(header.ssrc, header.seq_no),
            source_latch::Verdict::Candidate => return Err(Dropped::Candidate),
            source_latch::Verdict::Other => return Err(Dropped::OtherSource),
        }
        let stream_before = self.reception.ssrc();
        let (stream, index) = match self.reception.handle(header.ssrc, header.seq_no) {
            reception::Verdict::Accepted { stream, index } => (stream, index),
            reception::Verdict::Probation => return Err(Dropped::Probation),
            reception::Verdict::Duplicate => return Err(Dropped::Duplicate),
            reception::Verdict::OutOfRange => return Err(Dropped::OutOfRange),
        };
        if stream_before != Some(header.ssrc) {
            let press = self.received_digits.restart(now);
            self.note_press(press);
        }
        self.note_heard(now);
        self.statistics.packets_received += 1;
        self.statistics.payload_bytes_received += payload.len() as u64;
        if !self.agreed.direction.receives() {
            return Err(Dropped::NotReceiving);
        }
        let packet = AudioPacket {
            stream,
            index,
            seq_no: header.seq_no,
            rtp_timestamp: header.rtp_timestamp,
            marker: header.marker,
            payload,
        };
        Ok(match meaning {
            Meaning::Audio(codec) => {
                if codec == self.agreed.codec {
                    self.reception.note_arrival(now, header.rtp_timestamp);
                }
                Received::Audio(codec, packet)
            }
            Meaning::ComfortNoise => Received::ComfortNoise(packet),
            Meaning::Keys => {
                let presses = self.received_digits.handle(now, header.rtp_timestamp, header.marker, payload);
                presses.into_iter().for_each(|press| self.note_press(press));
                Received::Keys(packet)
            }
        })
    }

    fn handle_rtcp<'a>(
        &mut self,
        now: Instant,
        source: SocketAddr,
        packet: &'a mut [u8],
    ) -> Result<Received<'a>, Dropped> {
        // Without a port of its own it comes from where RTP comes from; else from the same host at least.
        let locked = self.latch.locked().ok_or(Dropped::Candidate)?;
        let is_from_phone = if self.agreed.is_rtcp_muxed { locked == source } else { locked.ip() == source.ip() };
        if !is_from_phone {
            return Err(Dropped::OtherSource);
        }
        let len = match &mut self.opener {
            Some(opener) => opener.open_rtcp(packet).map_err(dropped)?,
            None => packet.len(),
        };
        let compound = packet.get(..len).ok_or(Dropped::Malformed)?;
        let remote = self.reception.ssrc();
        let is_goodbye =
            self.reporting.handle(now, compound, self.ssrc, remote, &mut self.statistics).ok_or(Dropped::Malformed)?;
        if !self.agreed.is_rtcp_muxed {
            self.reporting.note_source(source);
        }
        if is_goodbye {
            self.note_event(Event::Goodbye);
        }
        Ok(Received::Report)
    }

    fn meaning(&self, payload_type: u8) -> Option<Meaning> {
        if let Some(codec) = self.agreed.received_codec(payload_type) {
            return Some(Meaning::Audio(codec));
        }
        if self.agreed.telephone_event.is_some_and(|event| event.payload_types.receive == payload_type) {
            return Some(Meaning::Keys);
        }
        let noise = self.agreed.comfort_noise.filter(|types| types.receive == payload_type);
        noise.map(|_| Meaning::ComfortNoise)
    }
}

const fn dropped(error: OpenError) -> Dropped {
    match error {
        OpenError::Malformed => Dropped::Malformed,
        OpenError::Replayed => Dropped::Replayed,
        OpenError::Unauthentic => Dropped::Unauthentic,
    }
}
