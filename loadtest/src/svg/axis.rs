// SPDX-License-Identifier: EUPL-1.2
//! An axis from zero up, with ticks at round values.

use crate::number::with_decimals;

/// Where values stand along a line, and where it has ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    end: f64,
    step: f64,
}

impl Axis {
    /// Steps that people count in.
    const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

    /// Ends at the first tick that is not below `most`, after at most so many steps. Without anything to show it ends
    /// at 1.
    pub(crate) fn up_to(most: f64, steps: u32) -> Self {
        let exact = Self::ending_at(most, steps);
        // A little more than a multiple is one of rounding.
        let ticks = (exact.end / exact.step - 1e-9).ceil().max(1.0);
        Self { end: ticks * exact.step, ..exact }
    }

    /// Ends at `end`, wherever the last tick is.
    pub(crate) fn ending_at(end: f64, steps: u32) -> Self {
        let end = if end.is_finite() && end > 0.0 { end } else { 1.0 };
        let least = end / f64::from(steps.max(1));
        let magnitude = 10.0_f64.powf(least.log10().floor());
        let step = Self::STEPS.into_iter().map(|step| step * magnitude).find(|step| *step >= least * (1.0 - 1e-9));
        Self { end, step: step.unwrap_or(10.0 * magnitude) }
    }

    /// How far along the axis a value is, from 0 to 1.
    pub(crate) fn share(self, value: f64) -> f64 {
        (value / self.end).clamp(0.0, 1.0)
    }

    /// Its ticks with their labels.
    pub(crate) fn ticks(self) -> impl Iterator<Item = (f64, String)> {
        let count = (self.end / self.step + 1e-9).floor() as u32;
        (0..=count).map(move |tick| {
            let value = f64::from(tick) * self.step;
            (value, self.label(value))
        })
    }

    /// As many decimals as the steps have.
    fn label(self, value: f64) -> String {
        with_decimals(value, (-self.step.log10().floor()).max(0.0) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        axis.ticks().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_reach_beyond_the_most() {
        assert_eq!(labels(Axis::up_to(0.23, 3)), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(Axis::up_to(6_130.0, 3)), ["0", "5000", "10,000"]);
        assert_eq!(labels(Axis::up_to(140_000.0, 3)), ["0", "50,000", "100,000", "150,000"]);
        assert_eq!(labels(Axis::up_to(3.0, 3)), ["0", "1", "2", "3"]);
        assert_eq!(Axis::up_to(0.3, 3), Axis::up_to(0.1 + 0.2, 3), "whatever the last bit is");
    }

    #[test]
    fn without_anything_to_show_there_is_still_an_axis() {
        for most in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let axis = Axis::up_to(most, 3);
            assert_eq!((axis.end, axis.share(0.0)), (1.0, 0.0), "{most}");
        }
    }

    #[test]
    fn an_axis_may_end_between_ticks() {
        let axis = Axis::ending_at(23.5, 8);
        assert_eq!(labels(axis), ["0", "5", "10", "15", "20"]);
        assert_eq!((axis.share(23.5), axis.share(47.0)), (1.0, 1.0));
    }
}
