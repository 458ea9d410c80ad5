// SPDX-License-Identifier: EUPL-1.2
//! Keys and the codes that are made of them. Neither shows itself in a log, and a code is overwritten when it is done with.

use std::fmt;

use zeroize::Zeroizing;

/// A key of a telephone. A to D are no keys that callers have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(u8);

impl Key {
    /// `*`
    pub const STAR: Self = Self(b'*');
    /// `#`
    pub const HASH: Self = Self(b'#');

    /// The key of a character: `0` to `9`, `*`, `#`.
    #[must_use]
    pub fn from_char(character: char) -> Option<Self> {
        let is_key = character.is_ascii_digit() || character == '*' || character == '#';
        u8::try_from(character).ok().filter(|_| is_key).map(Self)
    }

    /// The key of an event in a packet for telephone events (RFC 4733 §3.2): 0 to 9, 10 for `*`, 11 for `#`.
    #[must_use]
    pub const fn from_event(event: u8) -> Option<Self> {
        match event {
            0..=9 => Some(Self(b'0' + event)),
            10 => Some(Self::STAR),
            11 => Some(Self::HASH),
            _ => None,
        }
    }

    /// Whether it is one of 0 to 9.
    #[must_use]
    pub const fn is_digit(self) -> bool {
        self.0.is_ascii_digit()
    }

    /// As a character, for choices and commands, which are no secret.
    pub(super) const fn character(self) -> char {
        self.0 as char
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A log with single keys is a log with codes.
        f.write_str("Key")
    }
}

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
    pub fn push(&mut self, key: Key) {
        if key.is_digit()
            && let Some(free) = self.bytes.get_mut(self.length)
        {
            *free = key.0;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Digits {
        let mut digits = Digits::new();
        text.chars().filter_map(Key::from_char).for_each(|key| digits.push(key));
        digits
    }

    #[test]
    fn neither_keys_nor_codes_show_themselves() {
        assert_eq!(format!("{:?} {:?}", digits("4815162342"), Key::from_char('7')), "Digits Some(Key)");
        assert_eq!(digits("4815162342").as_str(), "4815162342");
    }

    #[test]
    fn only_digits_are_kept_and_no_more_than_fit() {
        assert_eq!(digits("1*2#3").as_str(), "123");
        assert_eq!(digits(&"7".repeat(40)).len(), Digits::CAPACITY);
        assert!(Digits::new().is_empty());
    }

    #[test]
    fn keys_come_as_characters_and_as_events() {
        let events: Vec<Option<Key>> = (0..13).map(Key::from_event).collect();
        let keys: Vec<Option<Key>> = "0123456789*#A".chars().map(Key::from_char).collect();
        assert_eq!(events, keys);
        assert_eq!(keys.last(), Some(&None));
    }
}
