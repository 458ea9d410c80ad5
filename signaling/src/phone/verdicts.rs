// SPDX-License-Identifier: EUPL-1.2
//! What a bridge is told, in its own words, of what was found out about a caller. It decides nothing.

use bus::phone::{Again, Refusal, Verdict, WaitReason};
use chrono::{DateTime, Utc};

use super::id_and_pin::Closed;
use super::{Known, Step};
use crate::api::problem::Code;
use crate::joining::by_phone::{Standing, Waiting};
use crate::joining::decision::WaitsFor;

/// Who it is, if a code says so; else what it was good for.
pub(super) fn of_code(step: Step) -> Result<Known, Verdict> {
    Err(match step {
        Step::Known(known) => return Ok(known),
        Step::Wrong(super::Again::Id) => Verdict::Wrong(Again::Id),
        Step::Wrong(super::Again::Pin) => Verdict::Wrong(Again::Pin),
        Step::AskPin { may_skip } => Verdict::AskPin { may_skip },
        Step::Ended => Verdict::Refused(Refusal::TooManyTries),
        Step::Busy => Verdict::Refused(Refusal::Busy),
        Step::Closed(closed) => Verdict::Refused(match closed {
            Closed::Nowhere | Closed::Over => Refusal::Ended,
            Closed::NotYet => Refusal::TooEarly,
            Closed::Cancelled => Refusal::Cancelled,
            Closed::Encrypted => Refusal::Encrypted,
        }),
    })
}

/// How it stands before a meeting. `None`: by a fault of ours nobody knows.
pub(super) fn of_standing(standing: &Standing, now: DateTime<Utc>) -> Option<Verdict> {
    Some(match standing {
        Standing::Admitted(_) => Verdict::Admitted,
        Standing::Waiting(waiting) => Verdict::Wait(reason(waiting, now)),
        Standing::TooEarly => Verdict::Refused(Refusal::TooEarly),
        Standing::Refused(code) => Verdict::Refused(refusal(*code)?),
    })
}

/// Why somebody is not let in. `None`: that is no answer about them.
pub(super) const fn refusal(code: Code) -> Option<Refusal> {
    Some(match code {
        Code::MeetingLocked => Refusal::Locked,
        Code::Banned => Refusal::Banned,
        Code::MeetingEnded | Code::NotFound => Refusal::Ended,
        Code::MeetingFull => Refusal::Full,
        // The meeting itself may have room.
        Code::LobbyFull => Refusal::Busy,
        Code::GuestsForbidden | Code::AcrTooLow | Code::LinkRevoked => Refusal::NotAllowed,
        Code::NotAdmitted => Refusal::Declined,
        _ => return None,
    })
}

fn reason(waiting: &Waiting, now: DateTime<Utc>) -> WaitReason {
    match waiting.waits_for {
        WaitsFor::Admission => WaitReason::Lobby { position: u16::try_from(waiting.position).ok() },
        WaitsFor::Host => WaitReason::NoHost,
        WaitsFor::Place => WaitReason::Full,
        WaitsFor::Start => {
            let starts_in = waiting.starts_at.map(|starts_at| (starts_at - now).to_std().unwrap_or_default());
            WaitReason::BeforeStart { starts_in }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_refusal_that_the_door_gives_has_a_word_and_a_fault_of_ours_has_none() {
        for (code, expected) in [
            (Code::MeetingLocked, Some(Refusal::Locked)),
            (Code::Banned, Some(Refusal::Banned)),
            (Code::MeetingEnded, Some(Refusal::Ended)),
            (Code::MeetingFull, Some(Refusal::Full)),
            (Code::LobbyFull, Some(Refusal::Busy)),
            (Code::GuestsForbidden, Some(Refusal::NotAllowed)),
            (Code::AcrTooLow, Some(Refusal::NotAllowed)),
            (Code::LinkRevoked, Some(Refusal::NotAllowed)),
            (Code::NotAdmitted, Some(Refusal::Declined)),
            (Code::Unavailable, None),
            (Code::Internal, None),
        ] {
            assert_eq!(refusal(code), expected, "{code:?}");
        }
    }

    #[test]
    fn whoever_waits_hears_what_for() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let check = |waits_for, position, starts_at, expected| {
            let standing = Standing::Waiting(Waiting { waits_for, position, starts_at });
            assert_eq!(of_standing(&standing, now), Some(Verdict::Wait(expected)));
        };
        check(WaitsFor::Admission, 3, None, WaitReason::Lobby { position: Some(3) });
        check(WaitsFor::Admission, 70_000, None, WaitReason::Lobby { position: None });
        check(WaitsFor::Host, 1, Some(now), WaitReason::NoHost);
        check(WaitsFor::Place, 1, None, WaitReason::Full);
        let starts_in = Some(Duration::from_secs(90));
        check(WaitsFor::Start, 1, Some(now + chrono::Duration::seconds(90)), WaitReason::BeforeStart { starts_in });
        let starts_in = Some(Duration::ZERO);
        check(WaitsFor::Start, 1, Some(now - chrono::Duration::seconds(1)), WaitReason::BeforeStart { starts_in });
    }
}
