// SPDX-License-Identifier: EUPL-1.2
//! A key of a telephone.

use std::fmt;

/// A key of a telephone: 0 to 9, `*`, `#`, A to D. What somebody presses may be a PIN, so `Debug` does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digit(u8);

/// In the order of their codes (RFC 4733 §3.2).
const CHARS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

impl Digit {
    /// `*`
    pub const STAR: Self = Self(10);
    /// `#`
    pub const HASH: Self = Self(11);

    /// The key with that label; letters in either case.
    #[must_use]
    pub fn from_char(label: char) -> Option<Self> {
        let code = CHARS.iter().position(|known| known.eq_ignore_ascii_case(&label))?;
        u8::try_from(code).ok().map(Self)
    }

    /// The key of an event; `None` for events that are no keys, such as a flash of the hook.
    #[must_use]
    pub const fn from_event(code: u8) -> Option<Self> {
        if code < 16 { Some(Self(code)) } else { None }
    }

    /// Its code as an event, 0 to 15.
    #[must_use]
    pub const fn event(self) -> u8 {
        self.0
    }

    /// Whether it is one of 0 to 9.
    #[must_use]
    pub const fn is_numeral(self) -> bool {
        self.0 < 10
    }

    /// Its label.
    #[must_use]
    pub fn as_char(self) -> char {
        CHARS.get(usize::from(self.0)).copied().unwrap_or('?')
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_events_are_the_same_keys() {
        for (event, label) in (0..16).zip("0123456789*#ABCD".chars()) {
            let digit = Digit::from_event(event).unwrap();
            assert_eq!(digit.as_char(), label);
            assert_eq!(Digit::from_char(label.to_ascii_lowercase()), Some(digit));
            assert_eq!(digit.event(), event);
            assert!(!format!("{digit:?}").contains(label) || label == 'D');
        }
        assert_eq!(Digit::from_event(16), None, "flash");
        assert_eq!(Digit::from_char('x'), None);
    }
}
