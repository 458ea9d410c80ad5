// SPDX-License-Identifier: EUPL-1.2
//! How much video a shard leaves out, and when: a step more when there is a sign of overload, a step less when there has
//! been none for a while.
//!
//! A step back may bring the overload back. Then the same step waits twice as long the next time, so that a load that is
//! just too much does not change everybody's picture every few seconds.

use std::time::{Duration, Instant};

use crate::ids::Layer;
use crate::session::MediaKind;
use crate::track::keyframe_requests::KEYFRAME_REQUEST_INTERVAL;

/// Between two steps. Receivers go over to a smaller layer with its next keyframe, and publishers are asked for one no
/// more often than this.
const SETTLING: Duration = KEYFRAME_REQUEST_INTERVAL;

/// Time without a sign before a step back. A peak, of many who join at the same time, is over by then.
const FIRST_CALM: Duration = Duration::from_secs(5);

/// The same for a step back that keeps failing. Each try may cost a second of bad sound; and who meets on a shard whose
/// load is gone waits no longer for a picture.
const LONGEST_CALM: Duration = Duration::from_secs(40);

/// A step back after which there was no sign for so long has not failed. What comes later is another overload.
const LASTING: Duration = Duration::from_secs(30);

/// What is left out. Layers count from the smallest: clients give a larger picture more of them, so that the same layer
/// costs about the same on every track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::shard) enum Level {
    /// Nothing.
    #[default]
    Nothing,
    /// Layers above layer 1.
    LargeLayers,
    /// Layers above layer 0.
    AllButSmallest,
    /// All video.
    AllVideo,
}

const LEVELS: usize = Level::AllVideo as usize + 1;

impl Level {
    /// The number by which operators know it.
    pub(in crate::shard) const fn number(self) -> u64 {
        self as u64
    }

    /// The largest layer that receivers may have; `None` when that is up to them.
    pub(in crate::shard) const fn max_layer(self) -> Option<Layer> {
        match self {
            Self::Nothing => None,
            Self::LargeLayers => Some(Layer(1)),
            Self::AllButSmallest | Self::AllVideo => Some(Layer(0)),
        }
    }

    /// Whether packets of this kind are left out altogether.
    pub(in crate::shard) fn leaves_out(self, kind: MediaKind) -> bool {
        self == Self::AllVideo && kind == MediaKind::Video
    }

    const fn more(self) -> Self {
        match self {
            Self::Nothing => Self::LargeLayers,
            Self::LargeLayers => Self::AllButSmallest,
            Self::AllButSmallest | Self::AllVideo => Self::AllVideo,
        }
    }

    const fn less(self) -> Self {
        match self {
            Self::Nothing | Self::LargeLayers => Self::Nothing,
            Self::AllButSmallest => Self::LargeLayers,
            Self::AllVideo => Self::AllButSmallest,
        }
    }
}

/// Where a shard stands, and when it may step back.
#[derive(Debug)]
pub(in crate::shard) struct Ladder {
    level: Level,
    last_step: Option<Instant>,
    /// The last sign or step back, whichever came later.
    calm_since: Option<Instant>,
    /// For each level, how long it has to be calm before a step back from it.
    calm: [Duration; LEVELS],
    /// The last step back, as long as no step forward has shown whether it lasted.
    last_recovery: Option<Instant>,
}

impl Default for Ladder {
    fn default() -> Self {
        Self {
            level: Level::Nothing,
            last_step: None,
            calm_since: None,
            calm: [FIRST_CALM; LEVELS],
            last_recovery: None,
        }
    }
}

impl Ladder {
    /// What is left out at present.
    pub(in crate::shard) const fn level(&self) -> Level {
        self.level
    }

    /// There is a sign of overload.
    pub(in crate::shard) fn handle_overload(&mut self, now: Instant) {
        self.calm_since = Some(now);
        let has_settled = self.last_step.is_none_or(|step| now.saturating_duration_since(step) >= SETTLING);
        if !has_settled || self.level == Level::AllVideo {
            return;
        }
        self.level = self.level.more();
        self.last_step = Some(now);
        let Some(recovery) = self.last_recovery.take() else { return };
        if now.saturating_duration_since(recovery) < LASTING {
            let calm = &mut self.calm[self.level as usize];
            *calm = (*calm * 2).min(LONGEST_CALM);
        } else {
            self.calm = [FIRST_CALM; LEVELS];
        }
    }

    /// Steps back if it is time to.
    pub(in crate::shard) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|due| due > now) {
            return;
        }
        self.level = self.level.less();
        self.last_step = Some(now);
        self.calm_since = Some(now);
        self.last_recovery = Some(now);
    }

    /// When it steps back, if nothing happens until then.
    pub(in crate::shard) fn poll_timeout(&self) -> Option<Instant> {
        self.calm_since.filter(|_| self.level != Level::Nothing).map(|since| since + self.calm[self.level as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ms, start};

    /// A ladder with its clock.
    struct Rig {
        ladder: Ladder,
        now: Instant,
    }

    impl Rig {
        fn new() -> Self {
            Self { ladder: Ladder::default(), now: start() }
        }

        /// Lets time pass with ten signs of overload a second, or none.
        fn run_for(&mut self, time: Duration, is_overloaded: bool) {
            let end = self.now + time;
            while self.now < end {
                self.now += ms(100);
                if is_overloaded {
                    self.ladder.handle_overload(self.now);
                }
                self.ladder.handle_timeout(self.now);
            }
        }

        /// Lets time pass without a sign until the level changes, and says how long that took.
        fn calm_until_recovery(&mut self) -> Duration {
            let due = self.ladder.poll_timeout().expect("a step back to take");
            let waited = due - self.now;
            self.ladder.handle_timeout(due - ms(1));
            let before = self.ladder.level();
            self.now = due;
            self.ladder.handle_timeout(due);
            assert_eq!(self.ladder.level(), before.less());
            waited
        }
    }

    #[test]
    fn video_is_left_out_step_by_step_and_comes_back_step_by_step() {
        let mut rig = Rig::new();
        let mut levels = Vec::new();
        for _ in 0..30 {
            rig.run_for(ms(100), true);
            levels.push(rig.ladder.level().number());
        }
        assert_eq!(levels, [[1; 5], [2; 5], [3; 5], [3; 5], [3; 5], [3; 5]].concat());
        for level in [2, 1, 0] {
            assert_eq!(rig.calm_until_recovery(), FIRST_CALM);
            assert_eq!(rig.ladder.level().number(), level);
        }
        assert_eq!(rig.ladder.poll_timeout(), None);
        rig.run_for(ms(100_000), false);
        assert_eq!(rig.ladder.level(), Level::Nothing);
    }

    #[test]
    fn the_last_sign_decides_when_video_comes_back() {
        let mut rig = Rig::new();
        rig.run_for(ms(100), true);
        rig.run_for(ms(300), false);
        rig.ladder.handle_overload(rig.now);
        assert_eq!(rig.ladder.level(), Level::LargeLayers, "the first step has had no time to work");
        assert_eq!(rig.ladder.poll_timeout(), Some(rig.now + FIRST_CALM));
    }

    #[test]
    fn a_recovery_that_fails_makes_the_next_one_wait_longer() {
        let mut rig = Rig::new();
        let mut waits = Vec::new();
        for _ in 0..8 {
            // All layers are too much, the middle one is not.
            rig.run_for(ms(100), true);
            waits.push(rig.calm_until_recovery());
            rig.run_for(ms(1_000), false);
        }
        assert_eq!(waits, [5, 10, 20, 40, 40, 40, 40, 40].map(Duration::from_secs));
    }

    #[test]
    fn a_recovery_that_lasts_is_forgotten() {
        let mut rig = Rig::new();
        for _ in 0..2 {
            rig.run_for(ms(100), true);
            rig.calm_until_recovery();
            rig.run_for(ms(1_000), false);
        }
        rig.run_for(ms(100), true);
        assert_eq!(rig.calm_until_recovery(), Duration::from_secs(20));
        rig.run_for(LASTING, false);
        rig.run_for(ms(100), true);
        assert_eq!(rig.calm_until_recovery(), FIRST_CALM);
    }

    /// However many steps it takes to make up for it.
    #[test]
    fn only_the_step_that_failed_waits_longer() {
        let mut rig = Rig::new();
        rig.run_for(ms(100), true);
        rig.calm_until_recovery();
        rig.run_for(ms(2_000), true);
        assert_eq!(rig.ladder.level(), Level::AllVideo);
        assert_eq!([(); 3].map(|()| rig.calm_until_recovery()), [5, 5, 10].map(Duration::from_secs));
    }

    /// However the load comes and goes, pictures come back no more often than the calm before a step allows.
    #[test]
    fn a_load_that_is_too_much_at_every_second_step_does_not_flap() {
        let mut rig = Rig::new();
        let mut recoveries = 0;
        for _ in 0..6_000 {
            let before = rig.ladder.level().number();
            rig.run_for(ms(100), before < 2);
            recoveries += u32::from(rig.ladder.level().number() < before);
        }
        // Ten minutes: after 5, 10 and 20 seconds, then every 40.
        assert!((14..=18).contains(&recoveries), "{recoveries}");
    }

    #[test]
    fn sound_is_never_left_out() {
        let mut level = Level::Nothing;
        for _ in 0..5 {
            assert!(!level.leaves_out(MediaKind::Audio));
            level = level.more();
        }
        assert!(level.leaves_out(MediaKind::Video) && !level.less().leaves_out(MediaKind::Video));
    }
}
