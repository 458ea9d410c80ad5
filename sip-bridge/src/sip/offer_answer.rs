// SPDX-License-Identifier: EUPL-1.2
//! Whose turn it is to describe the session (RFC 3264 §4, RFC 6337 §2): one offer at a time, and an answer to each.

/// Where a dialog is with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negotiation {
    /// Either may offer.
    Idle,
    /// We have offered, and wait for the answer.
    OfferedByUs,
    /// They have offered, and wait for ours.
    OfferedByPeer,
}

/// An offer of theirs cannot be taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Ours is open: both are refused, and tried again after a while (491, RFC 3261 §14.2).
    Glare,
    /// Theirs is open already (500 with Retry-After, RFC 3311 §5.2).
    SecondOffer,
}

impl Negotiation {
    /// Whether we may offer.
    pub(super) fn is_idle(self) -> bool {
        self == Self::Idle
    }

    /// They offer.
    pub(super) fn offered_by_peer(&mut self) -> Result<(), Refused> {
        match self {
            Self::Idle => {
                *self = Self::OfferedByPeer;
                Ok(())
            }
            Self::OfferedByUs => Err(Refused::Glare),
            Self::OfferedByPeer => Err(Refused::SecondOffer),
        }
    }

    /// The open offer was answered or came to nothing.
    pub(super) fn close(&mut self) {
        *self = Self::Idle;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_meets_ours_as_glare_and_theirs_as_a_second_one() {
        let mut negotiation = Negotiation::Idle;
        assert_eq!(negotiation.offered_by_peer(), Ok(()));
        assert_eq!(negotiation.offered_by_peer(), Err(Refused::SecondOffer));
        negotiation.close();
        assert!(negotiation.is_idle());
        negotiation = Negotiation::OfferedByUs;
        assert_eq!(negotiation.offered_by_peer(), Err(Refused::Glare));
    }
}
