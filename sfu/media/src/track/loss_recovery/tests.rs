// SPDX-License-Identifier: EUPL-1.2
//! What is asked for again, how often, and when it is given up.

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::test_support::{ms, start};

fn ask(recovery: &mut LossRecovery, now: Instant) -> Vec<u16> {
    recovery.ask(now, usize::MAX).iter().map(|seq_no| seq_no.0).collect()
}

#[test]
fn a_packet_that_is_only_overtaken_is_not_asked_for() {
    let start = start();
    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 12, 1);
    assert!(ask(&mut recovery, start + ms(9)).is_empty());
    recovery.handle_newest(start + ms(9), 13, 0);
    recovery.handle_late(start + ms(9), 11, true);
    assert_eq!(recovery.poll_timeout(), None);
    assert!(ask(&mut recovery, start + ms(100)).is_empty());
}

#[test]
fn a_missing_packet_is_asked_for_after_a_wait_or_three_newer_ones() {
    let start = start();
    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 12, 1);
    assert_eq!(recovery.poll_timeout(), Some(start + REORDERING_WAIT));
    assert_eq!(ask(&mut recovery, start + REORDERING_WAIT), [11]);

    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 12, 2);
    recovery.handle_newest(start + ms(1), 13, 0);
    assert_eq!(ask(&mut recovery, start + ms(1)), [10], "11 has two newer ones only");
    recovery.handle_newest(start + ms(1), 14, 0);
    assert_eq!(ask(&mut recovery, start + ms(1)), [11]);
}

#[test]
fn requests_are_repeated_at_the_round_trip_time() {
    let start = start();
    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 12, 1);
    assert_eq!(ask(&mut recovery, start + ms(10)), [11]);
    assert_eq!(recovery.poll_timeout(), Some(start + ms(110)), "100 ms as long as it is unknown");
    recovery.handle_late(start + ms(50), 11, true);

    recovery.handle_newest(start + ms(60), 20, 1);
    assert_eq!(ask(&mut recovery, start + ms(70)), [19]);
    assert_eq!(recovery.poll_timeout(), Some(start + ms(110)), "40 ms from the first answer");
    assert_eq!(ask(&mut recovery, start + ms(110)), [19]);
}

#[test]
fn video_that_never_comes_ends_in_a_keyframe_request() {
    let start = start();
    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 12, 1);
    let mut requests = 0;
    let mut now = start;
    while let Some(due) = recovery.poll_timeout() {
        assert!(!recovery.take_need_for_keyframe());
        now = due;
        requests += ask(&mut recovery, now).len();
    }
    assert_eq!(requests, usize::from(MAX_REQUESTS));
    assert!(now < start + ms(1_200));
    assert!(recovery.take_need_for_keyframe());
    assert!(!recovery.take_need_for_keyframe(), "once");
}

#[test]
fn what_a_keyframe_supersedes_is_asked_for_a_while_and_then_forgotten() {
    let start = start();
    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 20, 5);
    recovery.handle_keyframe(20);
    assert_eq!(
        ask(&mut recovery, start + REORDERING_WAIT),
        [15, 16, 17, 18, 19],
        "the picture before may still be shown"
    );
    let mut now = start;
    while let Some(due) = recovery.poll_timeout() {
        now = due;
        ask(&mut recovery, now);
    }
    assert!(now <= start + SUPERSEDED_LIFETIME + DEFAULT_ROUND_TRIP + REORDERING_WAIT);
    assert!(!recovery.take_need_for_keyframe());
}

#[test]
fn a_publisher_that_knows_no_nack_is_asked_for_a_keyframe_at_once() {
    let start = start();
    let mut recovery = LossRecovery::new(false);
    recovery.handle_newest(start, 12, 1);
    assert!(ask(&mut recovery, start + REORDERING_WAIT).is_empty());
    assert!(recovery.take_need_for_keyframe());
    assert_eq!(recovery.poll_timeout(), None);
}

#[test]
fn what_does_not_fit_one_nack_stays_due() {
    let start = start();
    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 20, 5);
    let due = start + REORDERING_WAIT;
    assert_eq!(recovery.ask(due, 3), [15, 16, 17].map(SeqNo));
    assert_eq!(recovery.poll_timeout(), Some(due));
    assert_eq!(recovery.ask(due, 3), [18, 19].map(SeqNo));
    assert_eq!(recovery.poll_timeout(), Some(due + DEFAULT_ROUND_TRIP));
}

#[test]
fn a_long_outage_is_answered_by_a_keyframe_request_alone() {
    let start = start();
    let mut recovery = LossRecovery::new(true);
    recovery.handle_newest(start, 2_000, 1_000);
    assert_eq!(recovery.poll_timeout(), None);
    assert!(recovery.take_need_for_keyframe());

    recovery.handle_keyframe(5_000);
    recovery.handle_newest(start, 5_000, 2_999);
    assert!(!recovery.take_need_for_keyframe(), "a keyframe ended it");
}

/// Every packet that is missing long enough is asked for, none that came is, and memory stays bounded.
#[test]
fn random_loss_is_asked_for_exactly() {
    for seed in 0..20 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut now = start();
        let mut recovery = LossRecovery::new(true);
        let mut missing = std::collections::BTreeSet::new();
        let mut index = 100_000u64;
        for _ in 0..5_000 {
            now += ms(rng.random_range(0..8));
            let lost = if rng.random_ratio(1, 10) { rng.random_range(1..40) } else { 0 };
            missing.extend(index + 1..=index + lost);
            index += lost + 1;
            recovery.handle_newest(now, index, lost);
            for candidate in [index - rng.random_range(0..100), index - rng.random_range(0..100)] {
                missing.remove(&candidate);
                recovery.handle_late(now, candidate, true);
            }
            for seq_no in recovery.ask(now, usize::MAX) {
                assert!(missing.contains(&seq_no.extend(index)), "seed {seed}");
            }
            assert!(recovery.missing.len() <= MAX_MISSING_PACKETS && recovery.missing.len() <= missing.len());
            assert!(recovery.missing.is_sorted_by_key(|missing| missing.index));
            assert!(recovery.poll_timeout().is_none_or(|due| due > now), "nothing due is left over, seed {seed}");
            recovery.take_need_for_keyframe();
        }
    }
}
