// SPDX-License-Identifier: EUPL-1.2
//! Quantiles of some values that are all at hand.

/// Some values, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Sorted(Vec<f64>);

impl Sorted {
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The smallest value that such a share of all does not exceed; 0 of none.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let place = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_came() {
        assert_eq!(Sorted::new(vec![3.0, 1.0, 2.0]).quantile(0.5), 2.0);
        let many = Sorted::new((1..=1_000).rev().map(f64::from).collect());
        assert_eq!([0.0, 0.99, 1.0].map(|share| many.quantile(share)), [1.0, 990.0, 1_000.0]);
        assert_eq!(Sorted::new(Vec::new()).quantile(0.5), 0.0);
    }
}
