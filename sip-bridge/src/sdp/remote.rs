// SPDX-License-Identifier: EUPL-1.2
//! What the other side's section says about where and how it wants sound, in an offer as in an answer.

use std::net::{IpAddr, SocketAddr};

use super::capabilities::Capabilities;
use super::description::{Address, Media, SessionDescription};
use super::direction::Direction;
use super::parse::{address, number};
use super::refusal::Refusal;

/// What we send, as does everybody.
pub(super) const PTIME_MS: u8 = 20;

/// The longest packets that we send. Longer ones save little more, and everybody would wait for what is in them.
const LONGEST_SENT_MS: u8 = 40;

/// How sections are carried: the four profiles of RTP without DTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// Whether it demands SRTP.
    pub(super) is_secure: bool,
}

impl Profile {
    pub(super) fn parse(protocol: &str) -> Option<Self> {
        let is = |known: &str| protocol.eq_ignore_ascii_case(known);
        if is("RTP/AVP") || is("RTP/AVPF") {
            return Some(Self { is_secure: false });
        }
        (is("RTP/SAVP") || is("RTP/SAVPF")).then_some(Self { is_secure: true })
    }
}

/// The other side of a stream.
pub(super) struct Remote {
    pub(super) rtp: Option<SocketAddr>,
    pub(super) rtcp: Option<SocketAddr>,
    /// As they see it.
    pub(super) direction: Direction,
    pub(super) ptime_ms: u8,
    pub(super) remote_ptime_ms: u8,
}

impl Remote {
    pub(super) fn of(description: &SessionDescription, media: &Media, ours: &Capabilities) -> Result<Self, Refusal> {
        let connection = media.connection.as_ref().or(description.connection.as_ref());
        let ip = connection.ok_or(Refusal::Address)?.ip();
        // How RFC 2543 put a call on hold; RFC 3264 §8.4 wants it understood. Who says so wants to hear nothing.
        let is_nowhere = ip.is_some_and(|ip| ip.is_unspecified());
        let ip = ip.filter(|_| !is_nowhere);
        if ip.is_some_and(|ip| !is_reachable(ip, ours.address)) {
            return Err(Refusal::Address);
        }
        let said = Direction::of_section(description, media);
        let direction = if is_nowhere { said.and(Direction::SendOnly) } else { said };
        Ok(Self {
            rtp: ip.map(|ip| SocketAddr::new(ip, media.port)),
            rtcp: rtcp(media, ip).filter(|rtcp| is_reachable(rtcp.ip(), ours.address)),
            direction,
            ptime_ms: packet_time_ms(media),
            remote_ptime_ms: milliseconds(media, "ptime").unwrap_or(PTIME_MS).clamp(10, 60),
        })
    }
}

/// How much sound a packet of ours has: what they would like (RFC 3264 §6.1) and no more than they take, in whole tens.
fn packet_time_ms(media: &Media) -> u8 {
    let wanted = milliseconds(media, "ptime").unwrap_or(PTIME_MS);
    let wanted = milliseconds(media, "maxptime").map_or(wanted, |most| wanted.min(most)).clamp(10, LONGEST_SENT_MS);
    wanted - wanted % 10
}

/// Whether they take no packets as long as our frames.
pub(super) fn takes_no_frames(media: &Media) -> bool {
    milliseconds(media, "maxptime").is_some_and(|most| most < PTIME_MS)
}

fn is_reachable(theirs: IpAddr, ours: IpAddr) -> bool {
    theirs.is_ipv4() == ours.is_ipv4() && !theirs.is_multicast()
}

/// `a=rtcp` (RFC 3605), or the port after RTP's (RFC 3550 §11).
fn rtcp(media: &Media, ip: Option<IpAddr>) -> Option<SocketAddr> {
    let Some(value) = media.attribute("rtcp") else {
        return Some(SocketAddr::new(ip?, media.port.checked_add(1)?));
    };
    let mut words = value.split_ascii_whitespace();
    let port = words.next().and_then(number).and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)?;
    let own = address(&mut words).and_then(|address: Address| address.ip()).filter(|ip| !ip.is_unspecified());
    Some(SocketAddr::new(own.or(ip)?, port))
}

/// Some telephones write fractions.
fn milliseconds(media: &Media, name: &str) -> Option<u8> {
    let whole = media.attribute(name)?.trim().split('.').next().and_then(number)?;
    Some(u8::try_from(whole).unwrap_or(u8::MAX)).filter(|milliseconds| *milliseconds != 0)
}
