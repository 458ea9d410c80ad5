// SPDX-License-Identifier: EUPL-1.2
//! What somebody who types digits is answered: one call's tries, and when it is over. It looks nothing up: whoever has
//! done that says what was found. It opens no socket and reads no clock.

use std::time::{Duration, Instant};

use super::attempts::{Attempts, IdTry, OF_CALL, PinTry, Source, Target};

/// After what time an answer is given while ids alone are not answered: longer than any look at the database, so that
/// right and wrong ids are not told apart by it.
pub(super) const STRICT_DELAY: Duration = Duration::from_secs(2);

/// After what time the first wrong code is answered; twice as much after the next one.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// What is to be typed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Everything, from the id on.
    Id,
    /// The PIN.
    Pin,
}

/// What follows digits that say nothing of who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Wrong, with what is to be typed next.
    Wrong(Again),
    /// Wrong, and the call is to end.
    Ended,
    /// A PIN is wanted.
    AskPin {
        /// The id is enough; whoever types nothing gets to the lobby.
        may_skip: bool,
    },
    /// Right.
    Right,
    /// Too many codes come from everywhere: the call is to end, and it may be called again later.
    Busy,
}

/// What was found by an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// No meeting, or none that is open.
    Nothing,
    /// One.
    Place {
        /// Its policy lets people come who know the id alone.
        may_skip: bool,
        /// The caller's number is of somebody who is invited there: they may know its id.
        is_invited: bool,
    },
}

/// What was typed last as an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    is_there: bool,
    may_skip: bool,
    /// Nobody has been told whether it is there.
    is_secret: bool,
}

/// One call's tries.
#[derive(Clone, Debug)]
pub(super) struct Tries {
    source: Source,
    wrong: u32,
    asked: Option<Asked>,
}

impl Tries {
    /// Of a call that begins.
    pub(super) fn new(source: Source) -> Self {
        Self { source, wrong: 0, asked: None }
    }

    /// Who calls.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// How many wrong codes there were.
    pub(super) fn wrong(&self) -> u32 {
        self.wrong
    }

    fn is_over(&self, now: Instant, attempts: &Attempts) -> bool {
        self.wrong >= OF_CALL || attempts.blocked_for(now, &self.source).is_some()
    }

    /// Digits that are no id, such as too few. They hit nothing, so they cost nothing but a try of this call.
    pub(super) fn no_id(&mut self) -> (Reply, Duration) {
        self.asked = None;
        self.wrong += 1;
        let reply = if self.wrong >= OF_CALL { Reply::Ended } else { Reply::Wrong(Again::Id) };
        (reply, self.delay())
    }

    /// An id was typed. Fails when the call is over.
    pub(super) fn id(&mut self, now: Instant, attempts: &mut Attempts) -> Result<IdTry, Reply> {
        self.asked = None;
        if self.is_over(now, attempts) {
            return Err(Reply::Ended);
        }
        Ok(attempts.begin_id(now, &self.source))
    }

    /// It was looked up.
    pub(super) fn id_looked_up(
        &mut self,
        now: Instant,
        attempts: &mut Attempts,
        id: IdTry,
        looked: Looked,
    ) -> (Reply, Duration) {
        match (id, looked) {
            (IdTry::Alone(paid), Looked::Place { may_skip, .. }) => {
                attempts.right_id(&self.source, paid);
                self.asked = Some(Asked { is_there: true, may_skip, is_secret: false });
                (Reply::AskPin { may_skip }, Duration::ZERO)
            }
            (IdTry::Alone(_), Looked::Nothing) => {
                self.wrong += 1;
                let is_blocked = attempts.wrong_id(now, &self.source).is_some();
                let is_over = is_blocked || self.wrong >= OF_CALL;
                (if is_over { Reply::Ended } else { Reply::Wrong(Again::Id) }, self.delay())
            }
            (IdTry::OnlyWithPin, Looked::Place { may_skip, is_invited: true }) => {
                self.asked = Some(Asked { is_there: true, may_skip, is_secret: false });
                (Reply::AskPin { may_skip }, STRICT_DELAY)
            }
            (IdTry::OnlyWithPin, looked) => {
                self.asked = Some(Asked { is_there: looked != Looked::Nothing, may_skip: false, is_secret: true });
                (Reply::AskPin { may_skip: false }, STRICT_DELAY)
            }
        }
    }

    /// The number that was called led to a meeting: there was no id to be wrong.
    pub(super) fn led(&mut self, now: Instant, attempts: &Attempts, may_skip: bool) -> Reply {
        if self.is_over(now, attempts) {
            return Reply::Ended;
        }
        self.asked = Some(Asked { is_there: true, may_skip, is_secret: false });
        Reply::AskPin { may_skip }
    }

    /// Nothing was typed where a PIN was asked for. True where that is enough.
    pub(super) fn skips(&self) -> bool {
        self.asked.is_some_and(|asked| asked.is_there && asked.may_skip)
    }

    /// A PIN was typed, which could hit `target` if the id led to a meeting. Fails when the call is over, or no id was typed.
    pub(super) fn pin(
        &mut self,
        now: Instant,
        attempts: &mut Attempts,
        target: Option<Target>,
    ) -> Result<PinTry, Reply> {
        if self.is_over(now, attempts) {
            return Err(Reply::Ended);
        }
        if self.asked.is_none() {
            return Err(Reply::Wrong(Again::Id));
        }
        attempts.begin_pin(now, &self.source, target).ok_or(Reply::Busy)
    }

    /// It was looked up.
    pub(super) fn pin_looked_up(
        &mut self,
        now: Instant,
        attempts: &mut Attempts,
        pin: PinTry,
        is_right: bool,
    ) -> (Reply, Duration) {
        let is_secret = self.asked.is_none_or(|asked| asked.is_secret);
        if is_right {
            attempts.right_pin(pin);
            return (Reply::Right, if is_secret { STRICT_DELAY } else { Duration::ZERO });
        }
        self.wrong += 1;
        let is_blocked = attempts.wrong_pin(now, &self.source).is_some();
        let delay = if is_secret { STRICT_DELAY } else { self.delay() };
        if is_blocked || self.wrong >= OF_CALL {
            return (Reply::Ended, delay);
        }
        // Whoever was not told whether the id is right may have mistyped that.
        (Reply::Wrong(if is_secret { Again::Id } else { Again::Pin }), delay)
    }

    fn delay(&self) -> Duration {
        FIRST_DELAY * 2_u32.saturating_pow(self.wrong.saturating_sub(1).min(4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::attempts::PinLength;
    use crate::phone::attempts::tests::{drained, stranger};

    const HERE: Looked = Looked::Place { may_skip: false, is_invited: false };

    /// Types an id and says what is found by it.
    fn id(tries: &mut Tries, now: Instant, attempts: &mut Attempts, looked: Looked) -> (Reply, Duration) {
        match tries.id(now, attempts) {
            Ok(id) => tries.id_looked_up(now, attempts, id, looked),
            Err(reply) => (reply, Duration::ZERO),
        }
    }

    /// Types a PIN and says whether it is right.
    fn pin(tries: &mut Tries, now: Instant, attempts: &mut Attempts, is_right: bool) -> (Reply, Duration) {
        let target = Target { place: [9; 32], length: PinLength::Place, pins: 1 };
        match tries.pin(now, attempts, Some(target)) {
            Ok(pin) => tries.pin_looked_up(now, attempts, pin, is_right),
            Err(reply) => (reply, Duration::ZERO),
        }
    }

    /// Where there is room for wrong ids.
    fn calm() -> (Instant, Attempts) {
        let start = Instant::now();
        (start + Duration::from_secs(24 * 3600), Attempts::new(start))
    }

    #[test]
    fn three_wrong_codes_end_a_call_and_each_answer_takes_longer() {
        let (now, mut attempts) = calm();
        let mut tries = Tries::new(stranger(1));
        let answers = [(); 4].map(|()| id(&mut tries, now, &mut attempts, Looked::Nothing));
        assert_eq!(answers[0], (Reply::Wrong(Again::Id), FIRST_DELAY));
        assert_eq!(answers[1], (Reply::Wrong(Again::Id), FIRST_DELAY * 2));
        assert_eq!(answers[2], (Reply::Ended, FIRST_DELAY * 4));
        assert_eq!(answers[3].0, Reply::Ended, "and it stays so");
        assert_eq!(pin(&mut tries, now, &mut attempts, true).0, Reply::Ended);
    }

    #[test]
    fn a_right_id_is_followed_by_the_pin_which_can_be_skipped_where_the_policy_says_so() {
        let (now, mut attempts) = calm();
        for may_skip in [false, true] {
            let mut tries = Tries::new(stranger(1));
            assert!(!tries.skips());
            let looked = Looked::Place { may_skip, is_invited: false };
            let answer = id(&mut tries, now, &mut attempts, looked);
            assert_eq!(answer, (Reply::AskPin { may_skip }, Duration::ZERO));
            assert_eq!(tries.skips(), may_skip);
            assert_eq!(pin(&mut tries, now, &mut attempts, false).0, Reply::Wrong(Again::Pin));
            assert_eq!(pin(&mut tries, now, &mut attempts, true).0, Reply::Right);
            assert_eq!(tries.wrong(), 1);
        }
    }

    #[test]
    fn a_pin_without_an_id_is_wrong_and_a_wrong_id_forgets_the_right_one_before() {
        let (now, mut attempts) = calm();
        let mut tries = Tries::new(stranger(1));
        assert_eq!(pin(&mut tries, now, &mut attempts, true).0, Reply::Wrong(Again::Id));
        let looked = Looked::Place { may_skip: true, is_invited: false };
        assert_eq!(id(&mut tries, now, &mut attempts, looked).0, Reply::AskPin { may_skip: true });
        assert_eq!(id(&mut tries, now, &mut attempts, Looked::Nothing).0, Reply::Wrong(Again::Id));
        assert!(!tries.skips());
        assert_eq!(tries.no_id().0, Reply::Wrong(Again::Id));
        assert_eq!(tries.no_id().0, Reply::Ended);
    }

    #[test]
    fn during_an_attack_right_and_wrong_ids_are_answered_alike() {
        let (now, mut attempts) = drained();
        let open = Looked::Place { may_skip: true, is_invited: false };
        let replies = [(1, Looked::Nothing), (2, HERE), (3, open)].map(|(number, looked)| {
            let mut tries = Tries::new(stranger(number));
            let asked = id(&mut tries, now, &mut attempts, looked);
            assert!(!tries.skips(), "an id alone never gets in");
            (asked, pin(&mut tries, now, &mut attempts, false), pin(&mut tries, now, &mut attempts, false).0)
        });
        assert_eq!(replies[0], replies[1]);
        assert_eq!(replies[0], replies[2]);
        let (asked, wrong, _) = replies[0];
        assert_eq!(asked, (Reply::AskPin { may_skip: false }, STRICT_DELAY));
        assert_eq!(wrong, (Reply::Wrong(Again::Id), STRICT_DELAY), "the id may have been the mistake");
    }

    #[test]
    fn during_an_attack_who_is_invited_by_that_number_is_served_as_always() {
        let (now, mut attempts) = drained();
        let mut tries = Tries::new(stranger(7));
        let looked = Looked::Place { may_skip: true, is_invited: true };
        assert_eq!(id(&mut tries, now, &mut attempts, looked), (Reply::AskPin { may_skip: true }, STRICT_DELAY));
        assert!(tries.skips());
        let known = Source { is_known: true, ..stranger(8) };
        assert_eq!(id(&mut Tries::new(known), now, &mut attempts, Looked::Nothing).0, Reply::Wrong(Again::Id));
    }
}
