// SPDX-License-Identifier: EUPL-1.2
//! What we can and want in a call, from the configuration and from where its media ports are.

use std::net::IpAddr;

use super::codecs::Codec;
use super::crypto::SrtpSuite;
use super::direction::Direction;

/// Whether the sound of a call is encrypted: for calls that we make, as their destination is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// When the other side can, too.
    #[default]
    Preferred,
    /// Or there is no call.
    Required,
}

/// Our side of an offer or answer.
#[derive(Clone)]
pub struct Capabilities {
    /// Where telephones reach us.
    pub address: IpAddr,
    /// Where RTP arrives; RTCP arrives at the port after it when the other side cannot have both on one.
    pub rtp_port: u16,
    /// Codecs in our order, which wins over theirs.
    pub codecs: Vec<Codec>,
    /// Whether keys come as events (RFC 4733).
    pub has_telephone_events: bool,
    /// Whether the other side may describe its silence (RFC 3389).
    pub has_comfort_noise: bool,
    /// What we want to do; [`Direction::SendRecv`] but for a call that we hold.
    pub direction: Direction,
    /// Whether sound is encrypted.
    pub encryption: Encryption,
    /// Suites that we accept, and offer in this order.
    pub suites: Vec<SrtpSuite>,
    /// Whether the way of the signalling is encrypted. Keys travel in descriptions, so without it there are none
    /// (RFC 4568 §8).
    pub is_signaling_encrypted: bool,
}

impl Capabilities {
    /// What is usual, at an address.
    #[must_use]
    pub fn new(address: IpAddr, rtp_port: u16) -> Self {
        Self {
            address,
            rtp_port,
            codecs: Codec::ALL.to_vec(),
            has_telephone_events: true,
            has_comfort_noise: true,
            direction: Direction::SendRecv,
            encryption: Encryption::Preferred,
            suites: SrtpSuite::ALL.to_vec(),
            is_signaling_encrypted: false,
        }
    }

    /// Whether we may agree on keys at all.
    pub(super) fn can_encrypt(&self) -> bool {
        self.is_signaling_encrypted && !self.suites.is_empty()
    }
}
