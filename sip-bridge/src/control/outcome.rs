// SPDX-License-Identifier: EUPL-1.2
//! What has become of a call that we make: from SIP's words to signaling's, and whether it may go better elsewhere.

use bus::phone::{DialProgress, NotReached, NotReachedReason};

use crate::caller::EndReason;
use crate::sip::event::Cause;
use crate::trunks::Tried;

/// Without a word of SIP's.
pub(super) const fn not_reached(reason: NotReachedReason) -> NotReached {
    NotReached { reason, status: None }
}

/// Why a call that was not answered has ended.
pub(super) fn of_cause(cause: &Cause) -> NotReached {
    let reason = match cause {
        Cause::Refused { status, .. } => {
            return NotReached { reason: of_status(*status), status: Some(*status) };
        }
        Cause::RingTimeout => NotReachedReason::NotAnswered,
        // They took the call back before we had the answer.
        Cause::HungUpByPeer { .. } => NotReachedReason::Declined,
        Cause::Cancelled | Cause::HungUp => NotReachedReason::GivenUp,
        Cause::NoDescription => NotReachedReason::NoCommonSound,
        Cause::Full => NotReachedReason::Full,
        Cause::RefusedByUs { .. }
        | Cause::Unreachable
        | Cause::TransportFailed
        | Cause::ConnectionLost
        | Cause::NoAck
        | Cause::NoPrack
        | Cause::SessionExpired
        | Cause::Forgotten => NotReachedReason::TrunkFailed,
    };
    not_reached(reason)
}

/// RFC 3261 §21, and what came later. A redirection is among what is not allowed: it is not followed, because it would let
/// whoever is called choose what we pay for.
const fn of_status(status: u16) -> NotReachedReason {
    match status {
        486 | 600 => NotReachedReason::Busy,
        408 | 480 | 487 => NotReachedReason::NotAnswered,
        // 607: unwanted (RFC 8197).
        603 | 607 => NotReachedReason::Declined,
        404 | 410 | 416 | 484 | 485 | 604 => NotReachedReason::UnknownNumber,
        // 433: our number must be shown (RFC 5079). 608: somebody on the way has refused (RFC 8688).
        300..=399 | 401 | 402 | 403 | 407 | 433 | 608 => NotReachedReason::NotAllowed,
        415 | 488 | 606 => NotReachedReason::NoCommonSound,
        _ => NotReachedReason::TrunkFailed,
    }
}

/// Whether another of the trunk's addresses may do better (RFC 3263 §4.3).
pub(super) const fn may_go_elsewhere(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::Unreachable | Cause::TransportFailed | Cause::ConnectionLost | Cause::Refused { status: 503, .. }
    )
}

/// What it shows of where it was tried. That a connection was gone says nothing of who is there.
pub(super) const fn shown(cause: &Cause) -> Option<Tried> {
    match cause {
        Cause::Refused { status: 503, retry_after: Some(time), .. } => Some(Tried::Busy(*time)),
        Cause::Refused { .. } => Some(Tried::Heard),
        Cause::Unreachable | Cause::TransportFailed => Some(Tried::Unheard),
        _ => None,
    }
}

/// What it means that we end a call before whoever was called takes part.
pub(super) const fn of_end(reason: EndReason) -> DialProgress {
    let reason = match reason {
        EndReason::Tested => return DialProgress::Tested,
        EndReason::NotConfirmed => NotReachedReason::NotConfirmed,
        EndReason::Restarting | EndReason::Operator | EndReason::TimeUp => NotReachedReason::GivenUp,
        _ => NotReachedReason::TrunkFailed,
    };
    DialProgress::NotReached(not_reached(reason))
}

/// Whom we called has hung up before they took part.
pub(super) const fn hung_up() -> DialProgress {
    DialProgress::NotReached(not_reached(NotReachedReason::Declined))
}

/// For the counters.
pub(super) const fn label(outcome: DialProgress) -> &'static str {
    match outcome {
        DialProgress::Ringing | DialProgress::Answered { .. } => "took_part",
        DialProgress::Tested => "tested",
        DialProgress::NotReached(NotReached { reason, .. }) => match reason {
            NotReachedReason::Busy => "busy",
            NotReachedReason::NotAnswered => "not_answered",
            NotReachedReason::Declined => "declined",
            NotReachedReason::NotConfirmed => "not_confirmed",
            NotReachedReason::UnknownNumber => "unknown_number",
            NotReachedReason::NotAllowed => "not_allowed",
            NotReachedReason::TrunkFailed => "trunk_failed",
            NotReachedReason::Full => "full",
            NotReachedReason::NoCommonSound => "no_common_sound",
            NotReachedReason::GivenUp => "given_up",
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refused(status: u16) -> Cause {
        Cause::Refused { status, reason: String::new(), retry_after: None }
    }

    #[test]
    fn each_status_is_a_reason_that_somebody_can_do_something_about() {
        use NotReachedReason as R;
        for (status, reason) in [
            (302, R::NotAllowed),
            (403, R::NotAllowed),
            (407, R::NotAllowed),
            (404, R::UnknownNumber),
            (484, R::UnknownNumber),
            (480, R::NotAnswered),
            (486, R::Busy),
            (600, R::Busy),
            (488, R::NoCommonSound),
            (503, R::TrunkFailed),
            (500, R::TrunkFailed),
            (603, R::Declined),
        ] {
            assert_eq!(of_cause(&refused(status)), NotReached { reason, status: Some(status) });
        }
        assert_eq!(of_cause(&Cause::RingTimeout), not_reached(R::NotAnswered));
        assert_eq!(of_cause(&Cause::Unreachable), not_reached(R::TrunkFailed));
    }

    #[test]
    fn only_who_is_out_of_order_is_left_for_another() {
        for cause in [refused(503), Cause::Unreachable, Cause::TransportFailed, Cause::ConnectionLost] {
            assert!(may_go_elsewhere(&cause), "{cause:?}");
        }
        for cause in [refused(500), refused(486), refused(302), refused(408), Cause::RingTimeout, Cause::Cancelled] {
            assert!(!may_go_elsewhere(&cause), "{cause:?}");
        }
        let time = Duration::from_secs(9);
        let cause = Cause::Refused { status: 503, reason: String::new(), retry_after: Some(time) };
        assert_eq!(shown(&cause), Some(Tried::Busy(time)));
        assert_eq!(shown(&refused(503)), Some(Tried::Heard));
        assert_eq!(shown(&Cause::Unreachable), Some(Tried::Unheard));
        assert_eq!(shown(&Cause::ConnectionLost), None);
    }
}
