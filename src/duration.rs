// SPDX-License-Identifier: EUPL-1.2

//! Durations as people write them in settings: `20s`, `5m`, `1h30m`. For serde's `with`.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

const EXPECTED: &str = "expected a duration with its unit, such as 20s, 5m or 6h";

/// Seconds in each unit, the largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads one or more numbers, each with its unit.
pub(crate) fn parse(text: &str) -> Result<Duration, &'static str> {
    let mut seconds = 0_u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(EXPECTED);
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(EXPECTED)?;
        let number: u64 = rest[..end].parse().map_err(|_| EXPECTED)?;
        let unit = rest[end..].chars().next().ok_or(EXPECTED)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(EXPECTED)?;
        let part = number.checked_mul(*factor).ok_or("the duration is too long")?;
        seconds = seconds.checked_add(part).ok_or("the duration is too long")?;
        rest = rest[end + unit.len_utf8()..].trim_start();
    }
    Ok(Duration::from_secs(seconds))
}

/// Writes whole seconds the way [`parse`] reads them.
pub(crate) fn format(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut text = String::new();
    for (unit, factor) in UNITS {
        let number = seconds / factor;
        seconds %= factor;
        if number > 0 {
            text.push_str(&format!("{number}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// For `#[serde(with)]`.
pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(with)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    parse(&text).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        for (text, seconds) in [("20s", 20), ("5m", 300), ("6h", 21_600), ("1h30m", 5_400), ("2d 1s", 172_801)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["", "20", "h", "5x", "-5m", "1h30", "99999999999999999999s", "300000000000000d"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for seconds in [0, 1, 20, 60, 5_400, 86_400, 172_801] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(parse(&format(duration)), Ok(duration));
        }
        assert_eq!(format(Duration::from_secs(5_400)), "1h30m");
    }
}
