// SPDX-License-Identifier: EUPL-1.2
//! A code that was keyed in. It does not show itself in a log, and is overwritten when it is done with.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// What a caller has keyed in. The memory is on the heap, so that moving it leaves no copy behind, and it is overwritten
/// when it is dropped.
pub struct Digits {
    bytes: Box<Zeroizing<[u8; Self::CAPACITY]>>,
    length: usize,
}

impl Digits {
    /// More than any number or PIN has.
    pub const CAPACITY: usize = 32;

    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: Box::new(Zeroizing::new([0; Self::CAPACITY])), length: 0 }
    }

    /// Adds one of 0 to 9. Other keys, and what does not fit any more, are left out.
    pub fn push(&mut self, digit: char) {
        if digit.is_ascii_digit()
            && let Some(free) = self.bytes.get_mut(self.length)
        {
            *free = digit as u8;
            self.length += 1;
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The digits, for whoever checks them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|digits| str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

impl Default for Digits {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not even how many there are.
        f.write_str("Digits")
    }
}

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Reading)
    }
}

/// Takes digits out of a text without a copy of it.
struct Reading;

impl Visitor<'_> for Reading {
    type Value = Digits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} digits", Digits::CAPACITY)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Digits, E> {
        // The text is not named: it is what must not be seen.
        if text.len() > Digits::CAPACITY || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(E::custom("these are not digits"));
        }
        let mut digits = Digits::new();
        text.chars().for_each(|digit| digits.push(digit));
        Ok(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Digits {
        let mut digits = Digits::new();
        text.chars().for_each(|digit| digits.push(digit));
        digits
    }

    #[test]
    fn a_code_does_not_show_itself() {
        assert_eq!(format!("{:?}", digits("4815162342")), "Digits");
        assert_eq!(digits("4815162342").as_str(), "4815162342");
    }

    #[test]
    fn only_digits_are_kept_and_no_more_than_fit() {
        assert_eq!(digits("1*2#3").as_str(), "123");
        assert_eq!(digits(&"7".repeat(40)).len(), Digits::CAPACITY);
        assert!(Digits::new().is_empty());
    }
}
