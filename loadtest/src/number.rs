// SPDX-License-Identifier: EUPL-1.2
//! Figures as people read them.

/// Bytes in a KiB (IEC 80000-13).
pub(crate) const KIB_BYTES: f64 = 1_024.0;

/// Bytes in a MiB.
pub(crate) const MIB_BYTES: f64 = 1_024.0 * KIB_BYTES;

/// A figure with as many digits as mean something; a dash when there is none.
pub(crate) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) => with_decimals(value, decimals(value)),
    }
}

/// A figure with so many decimals, and its thousands apart when there are more than four digits.
pub(crate) fn with_decimals(value: f64, decimals: usize) -> String {
    let digits = format!("{value:.decimals$}");
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut words = String::with_capacity(digits.len() + 4);
    for (place, digit) in digits.chars().enumerate() {
        if whole > 4 && place > 0 && place < whole && (whole - place).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// A figure without decimals.
pub(crate) fn whole(value: f64) -> String {
    with_decimals(value, 0)
}

/// From where to where figures reach, with the digits of the larger one; one figure when both read the same.
pub(crate) fn range(low: f64, high: f64) -> String {
    let high_words = number(Some(high));
    let low_words = if low == 0.0 { number(Some(low)) } else { with_decimals(low, decimals(high)) };
    if low_words == high_words { high_words } else { format!("{low_words} to {high_words}") }
}

fn decimals(value: f64) -> usize {
    match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        0.1.. => 2,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_mean_something() {
        let words = [123.4, 12.34, 1.234, 0.01234, 0.0].map(|value| number(Some(value)));
        assert_eq!(words, ["123", "12.3", "1.23", "0.0123", "0"]);
        let words = [1_234.0, 12_345.0, 1_234_567.8].map(|value| number(Some(value)));
        assert_eq!(words, ["1234", "12,345", "1,234,568"]);
        assert_eq!(number(None), "–");
    }

    #[test]
    fn both_ends_of_a_range_have_the_same_digits() {
        assert_eq!(range(0.0258, 0.13), "0.03 to 0.13");
        assert_eq!(range(0.0, 0.5), "0 to 0.50");
        assert_eq!(range(9_876.0, 123_456.0), "9876 to 123,456");
        assert_eq!(range(17.41, 17.44), "17.4");
        assert_eq!(range(0.0, 0.0), "0");
    }
}
