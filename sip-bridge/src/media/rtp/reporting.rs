// SPDX-License-Identifier: EUPL-1.2
//! When reports are sent, and what is remembered of those that arrive (RFC 3550 §6).
//!
//! Two people talk, so the rules for large audiences are left out: a report every five seconds, give or take half, which
//! is the least interval of §6.2.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::Rng as _;
use rand::rngs::StdRng;

use super::rtcp::{Compound, Heard, LastSenderReport, NtpTime, SenderInfo, duration_of};
use super::sending::{Component, Transmit};
use super::session::RtpSession;
use super::statistics::Statistics;

/// Between reports, on average (RFC 3550 §6.2).
const INTERVAL: Duration = Duration::from_secs(5);

/// Longer round trips are a mistake of the other side's clock.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(10);

/// Reports of one call.
pub(super) struct Reporting {
    epoch: Instant,
    /// Made anew for each call, so that it tells nobody who calls (RFC 7022 §4.2).
    cname: String,
    due: Option<Instant>,
    /// Packets sent when we last reported.
    packets_reported: u64,
    /// The other side's last report: the middle of its time, and when it came.
    last: Option<(u32, Instant)>,
    heard: Option<Instant>,
    /// From where reports came first, when they have a port of their own.
    source: Option<SocketAddr>,
}

impl Reporting {
    pub(super) fn new(now: Instant, rng: &mut StdRng) -> Self {
        // 96 bits.
        let name: [u8; 12] = rng.random();
        Self {
            epoch: now,
            cname: STANDARD_NO_PAD.encode(name),
            due: None,
            packets_reported: 0,
            last: None,
            heard: None,
            source: None,
        }
    }

    /// The first report comes after half the time.
    pub(super) fn open(&mut self, now: Instant, rng: &mut StdRng) {
        self.due = Some(now + interval(rng) / 2);
    }

    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// When a report arrived last.
    pub(super) const fn heard(&self) -> Option<Instant> {
        self.heard
    }

    /// Notes from where reports come. The first one counts, as with RTP.
    pub(super) fn note_source(&mut self, source: SocketAddr) {
        self.source.get_or_insert(source);
    }

    /// Takes a compound packet. Gives whether the other side leaves; `None` when the packet is broken.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        compound: &[u8],
        our_ssrc: u32,
        their_ssrc: Option<u32>,
        statistics: &mut Statistics,
    ) -> Option<bool> {
        let heard = Heard::parse(compound, our_ssrc)?;
        self.heard = Some(now);
        if let Some((_, middle)) = heard.sender_report.filter(|(ssrc, _)| Some(*ssrc) == their_ssrc) {
            self.last = Some((middle, now));
        }
        if let Some(about) = heard.about_us {
            statistics.remote_fraction_lost = Some(f32::from(about.fraction_lost) / 256.0);
            if about.last.middle != 0 {
                let arrived = NtpTime::of(now.saturating_duration_since(self.epoch)).middle();
                let trip = duration_of(arrived.wrapping_sub(about.last.middle).wrapping_sub(about.last.age));
                statistics.round_trip = Some(trip).filter(|trip| *trip <= MAX_ROUND_TRIP).or(statistics.round_trip);
            }
        }
        Some(heard.goodbye.is_some() && heard.goodbye == their_ssrc)
    }

    fn last_sender_report(&self, now: Instant) -> LastSenderReport {
        self.last.map_or_else(LastSenderReport::default, |(middle, came)| LastSenderReport {
            middle,
            age: NtpTime::of(now.saturating_duration_since(came)).middle(),
        })
    }
}

fn interval(rng: &mut StdRng) -> Duration {
    INTERVAL.mul_f64(rng.random_range(0.5..1.5))
}

impl RtpSession {
    pub(super) fn poll_report(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.reporting.due.filter(|due| *due <= now)?;
        self.reporting.due = Some(now + interval(&mut self.rng));
        self.write_report(now, false, out)
    }

    /// The call ends: writes the last report with a goodbye into `out`, which is emptied first. Nothing flows after it.
    pub fn close(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let transmit = if self.is_open { self.write_report(now, true, out) } else { None };
        self.is_open = false;
        transmit
    }

    fn write_report(&mut self, now: Instant, is_goodbye: bool, out: &mut Vec<u8>) -> Option<Transmit> {
        out.clear();
        let transmit = self.report_destination()?;
        let sent = self.statistics.packets_sent;
        let has_sent = sent > self.reporting.packets_reported;
        self.reporting.packets_reported = sent;
        let sender = has_sent.then(|| SenderInfo {
            ntp: NtpTime::of(now.saturating_duration_since(self.reporting.epoch)),
            rtp_timestamp: self.clock.at(now).0,
            // Both counters wrap on the wire.
            packets: (sent & 0xffff_ffff) as u32,
            payload_bytes: (self.statistics.payload_bytes_sent & 0xffff_ffff) as u32,
        });
        let last = self.reporting.last_sender_report(now);
        let report = self.reception.report().map(|report| (report, last));
        Compound { ssrc: self.ssrc, sender, report, cname: &self.reporting.cname, is_goodbye }.write(out);
        if let Some(sealer) = &mut self.sealer {
            sealer.seal_rtcp(out, self.ssrc)?;
        }
        Some(transmit)
    }

    fn report_destination(&self) -> Option<Transmit> {
        let rtp = self.latch.destination()?;
        // Who holds a call by giving no address wants no reports either (RFC 3264 §8.4).
        if self.agreed.is_on_hold && self.agreed.remote_rtp.is_none() {
            return None;
        }
        if self.agreed.is_rtcp_muxed {
            return Some(Transmit { destination: rtp, component: Component::Rtp });
        }
        let seen = self.reporting.source.filter(|source| source.ip() == rtp.ip());
        let described = self.agreed.remote_rtcp.filter(|_| self.agreed.remote_rtp == Some(rtp));
        // Where the description is wrong, the next port is the best guess.
        let guess = rtp.port().checked_add(1).map(|port| SocketAddr::new(rtp.ip(), port));
        let destination = seen.or(described).or(guess)?;
        Some(Transmit { destination, component: Component::Rtcp })
    }
}
