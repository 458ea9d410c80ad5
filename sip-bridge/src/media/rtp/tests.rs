// SPDX-License-Identifier: EUPL-1.2
//! A session as a call uses it: with a telephone on the other side, a network between them, and strangers.

mod attacks;
mod calls;
mod reports;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::sdp::{Capabilities, Negotiated, SessionDescription, answer};

pub(super) const PHONE: &str = "192.0.2.1:4000";
pub(super) const STRANGER: &str = "203.0.113.9:4000";

pub(super) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(super) const PLAIN: &str = "m=audio 4000 RTP/AVP 8 13 101\na=rtpmap:101 telephone-event/8000\n";

/// What follows from an offer with these lines.
pub(super) fn agreed(lines: &str, previous: Option<&Negotiated>, seed: u64) -> Negotiated {
    let text = format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{lines}");
    let offer = SessionDescription::parse(text.as_bytes()).unwrap();
    let mut ours = Capabilities::new(at("192.0.2.10:1").ip(), 20_000);
    ours.is_signaling_encrypted = true;
    answer(&offer, &ours, previous, &mut StdRng::seed_from_u64(seed)).unwrap().1
}

/// A call with its clock.
pub(super) struct Call {
    pub(super) now: Instant,
    pub(super) session: RtpSession,
}

impl Call {
    pub(super) fn new(lines: &str) -> Self {
        Self::with(lines, RtpConfig::default())
    }

    pub(super) fn with(lines: &str, config: RtpConfig) -> Self {
        let mut call = Self::unopened(lines, config);
        call.session.open(call.now);
        call
    }

    pub(super) fn unopened(lines: &str, config: RtpConfig) -> Self {
        let now = Instant::now();
        let agreed = agreed(lines, None, 1);
        let session = RtpSession::new(config, &agreed, &mut StdRng::seed_from_u64(2), now).unwrap();
        Self { now, session }
    }

    pub(super) fn reconfigure(&mut self, lines: &str) {
        let agreed = agreed(lines, Some(self.session.agreed()), 3);
        self.session.reconfigure(self.now, &agreed).unwrap();
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.session.handle_timeout(self.now);
    }

    /// A datagram; the payload of sound comes out, or nothing for anything else that was taken.
    pub(super) fn receive(&mut self, source: &str, datagram: &[u8]) -> Result<Option<Vec<u8>>, Dropped> {
        let mut datagram = datagram.to_vec();
        self.session.handle_datagram(self.now, at(source), &mut datagram).map(|received| match received {
            Received::Audio(_, audio) => Some(audio.payload.to_vec()),
            Received::ComfortNoise(_) | Received::Keys(_) | Received::Report => None,
        })
    }

    /// A packet of sound that is sent now.
    pub(super) fn send(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let mut out = Vec::new();
        let transmit = self.session.send_audio(self.now, &[0xd5; 160], 160, false, &mut out)?;
        Some((transmit.destination, out))
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    pub(super) fn digits(&mut self) -> String {
        let digit = |event| if let Event::Digit { digit, .. } = event { Some(digit.as_char()) } else { None };
        self.events().into_iter().filter_map(digit).collect()
    }

    /// Whether it is certain from where the telephone sends.
    pub(super) fn is_latched(&self) -> bool {
        self.session.latch.locked().is_some()
    }

    pub(super) fn dropped(&self, reason: Dropped) -> u64 {
        self.session.statistics().dropped(reason)
    }
}

pub(super) fn rtp(ssrc: u32, payload_type: u8, seq_no: u16, rtp_timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend(seq_no.to_be_bytes());
    packet.extend(rtp_timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

/// A packet of sound, whose payload tells its number.
pub(super) fn sound(ssrc: u32, seq_no: u16) -> Vec<u8> {
    rtp(ssrc, 8, seq_no, u32::from(seq_no) * 160, &seq_no.to_be_bytes())
}
