// SPDX-License-Identifier: EUPL-1.2
//! What one transport dropped, and why.

use super::srtp::OpenError;

/// Counters since the transport began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportStats {
    /// STUN datagrams that were no valid check.
    pub stun_refused: u64,
    /// DTLS datagrams without a use: those before a valid check, and those without a record that could be expected.
    pub dtls_refused: u64,
    /// Media packets before the handshake was complete.
    pub media_early: u64,
    /// Media packets that were no protected packets at all.
    pub media_malformed: u64,
    /// Media packets seen before, or too old to know.
    pub media_replayed: u64,
    /// Media packets whose tag did not fit.
    pub media_unauthentic: u64,
    /// Media packets of SSRCs beyond the bound.
    pub media_of_surplus_ssrcs: u64,
    /// Packets of ours that could not be sealed, above all because their number had been sealed before.
    pub seal_refused: u64,
    /// Data messages that were not sent because the channel was full, or lossy and not open.
    pub data_dropped: u64,
}

impl TransportStats {
    pub(super) fn count_refused(&mut self, error: OpenError) {
        *match error {
            OpenError::NotConnected => &mut self.media_early,
            OpenError::Malformed => &mut self.media_malformed,
            OpenError::Replayed => &mut self.media_replayed,
            OpenError::Unauthentic => &mut self.media_unauthentic,
            OpenError::TooManySsrcs => &mut self.media_of_surplus_ssrcs,
        } += 1;
    }
}
