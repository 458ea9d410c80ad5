// SPDX-License-Identifier: EUPL-1.2
//! What was read in each round, and the arithmetic over rounds: only figures of the same round are divided by each
//! other, because a machine is not as fast in one minute as in the next.

use std::collections::BTreeMap;

/// The figures of one contender in one round.
pub(super) type Reading = BTreeMap<&'static str, f64>;

/// The rounds of one contender. A round that failed is an empty reading, so that those of others stay beside it.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    rounds: Vec<Reading>,
    /// Counted once, in a round of its own.
    pub(super) syscalls_per_packet: Option<f64>,
    /// Why rounds failed, and what was wrong in others.
    pub(super) faults: Vec<String>,
}

impl Samples {
    pub(super) fn add(&mut self, round: Result<Reading, String>) {
        match round {
            Ok(reading) => self.rounds.push(reading),
            Err(fault) => {
                self.rounds.push(Reading::new());
                self.faults.push(fault);
            }
        }
    }

    /// A figure of each round, `None` where it is missing.
    pub(super) fn of(&self, metric: &str) -> Vec<Option<f64>> {
        self.rounds.iter().map(|reading| reading.get(metric).copied()).collect()
    }

    /// Names of all figures that any round has.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &'static str> {
        let names: std::collections::BTreeSet<_> = self.rounds.iter().flat_map(|reading| reading.keys()).collect();
        names.into_iter().copied()
    }

    /// The median over the rounds.
    pub(super) fn median(&self, metric: &str) -> Option<f64> {
        median(self.of(metric).into_iter().flatten().collect())
    }

    /// The lowest and the highest round.
    pub(super) fn range(&self, metric: &str) -> Option<(f64, f64)> {
        let values: Vec<f64> = self.of(metric).into_iter().flatten().collect();
        let low = values.iter().copied().min_by(f64::total_cmp)?;
        Some((low, values.into_iter().max_by(f64::total_cmp)?))
    }

    /// The median of how many times the figure of `other` this one is, round by round.
    pub(super) fn ratio_to(&self, other: &Self, metric: &str) -> Option<f64> {
        let pairs = self.of(metric).into_iter().zip(other.of(metric));
        let ratios = pairs.filter_map(|(own, other)| Some(own? / other.filter(|other| *other > 0.0)?));
        median(ratios.collect())
    }
}

/// The middle value, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(values[middle - 1], upper)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[Option<f64>]) -> Samples {
        let mut samples = Samples::default();
        for value in values {
            samples.add(value.map(|value| Reading::from([("x", value)])).ok_or_else(|| "fell over".to_owned()));
        }
        samples
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_not_of_medians() {
        let ours = samples(&[Some(1.0), Some(2.0), Some(10.0)]);
        let theirs = samples(&[Some(5.0), Some(6.0), Some(20.0)]);
        assert_eq!(theirs.ratio_to(&ours, "x"), Some(3.0), "of 5, 3 and 2");
        assert_eq!(theirs.median("x").unwrap() / ours.median("x").unwrap(), 3.0);
        let slow = samples(&[Some(50.0), Some(6.0), Some(2.0)]);
        assert_eq!(slow.ratio_to(&ours, "x"), Some(3.0), "of 50, 3 and 0.2");
    }

    #[test]
    fn a_round_that_failed_spoils_no_other() {
        let ours = samples(&[Some(1.0), Some(2.0), Some(4.0)]);
        let theirs = samples(&[Some(3.0), None, Some(8.0)]);
        assert_eq!(theirs.ratio_to(&ours, "x"), Some(2.5), "of 3 and 2");
        assert_eq!(theirs.faults, ["fell over"]);
        assert_eq!(theirs.of("x"), [Some(3.0), None, Some(8.0)]);
        assert_eq!(samples(&[None]).ratio_to(&ours, "x"), None);
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        assert_eq!(samples(&[Some(1.0)]).ratio_to(&samples(&[Some(0.0)]), "x"), None);
    }
}
