// SPDX-License-Identifier: EUPL-1.2
//! Reading a header's value from left to right by the basic rules of RFC 3261 §25.1: tokens, quoted strings, separators
//! with white space around them. Values are unfolded before, so white space is spaces and tabs.

/// Whether a character may stand in a token (RFC 3261 §25.1).
pub(in crate::sip) const fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '!' | '%' | '*' | '_' | '+' | '`' | '\'' | '~')
}

/// Whether a text is a token.
pub(in crate::sip) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// What is left of a value.
#[derive(Clone, Copy)]
pub(in crate::sip) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(in crate::sip) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What has not been read.
    pub(in crate::sip) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(in crate::sip) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(in crate::sip) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Skips spaces and tabs, and says whether there were any.
    pub(in crate::sip) fn skip_space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.rest.len() < before
    }

    /// Reads that character if it is next.
    pub(in crate::sip) fn eat(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads a separator with the white space around it; nothing is read if it is not there.
    pub(in crate::sip) fn eat_separator(&mut self, separator: char) -> bool {
        let before = self.rest;
        self.skip_space();
        if self.eat(separator) {
            self.skip_space();
            return true;
        }
        self.rest = before;
        false
    }

    /// Reads as long as characters belong to a set.
    pub(in crate::sip) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Reads a token of at least one character.
    pub(in crate::sip) fn token(&mut self) -> Option<&'a str> {
        let token = self.take_while(is_token_char);
        (!token.is_empty()).then_some(token)
    }

    /// Reads a number of at least one digit, however many digits it has. One that is too large is the largest.
    pub(in crate::sip) fn number(&mut self) -> Option<u64> {
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return None;
        }
        Some(digits.bytes().fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
    }

    /// Reads a quoted string and takes its quotes and escapes away. A backslash escapes any ASCII character except for
    /// the line's end; without one, control characters are not allowed.
    pub(in crate::sip) fn quoted_string(&mut self) -> Option<String> {
        let mut content = String::new();
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => match chars.next()? {
                    '\r' | '\n' => return None,
                    escaped if escaped.is_ascii() => content.push(escaped),
                    _ => return None,
                },
                c if c.is_ascii_control() && c != '\t' => return None,
                c => content.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(content)
    }
}
