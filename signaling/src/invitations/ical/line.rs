// SPDX-License-Identifier: EUPL-1.2
//! Lines of iCalendar (RFC 5545 §3.1): written so that nothing somebody typed can become a line or a parameter of its
//! own, and read back.

/// Longest line in bytes, without its end.
const MAX_LINE_BYTES: usize = 75;

/// A line while it is written: name, parameters, value.
#[derive(Debug)]
pub(super) struct Line(String);

impl Line {
    /// A line of that name.
    pub(super) fn new(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// With a parameter. Its value is quoted, and what quotes cannot hold is encoded by RFC 6868.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push(';');
        self.0.push_str(name);
        self.0.push('=');
        let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte));
        if is_plain && !value.is_empty() {
            self.0.push_str(value);
            return self;
        }
        self.0.push('"');
        for character in value.chars() {
            match character {
                '^' => self.0.push_str("^^"),
                '"' => self.0.push_str("^'"),
                '\n' => self.0.push_str("^n"),
                other if other.is_control() => {}
                other => self.0.push(other),
            }
        }
        self.0.push('"');
        self
    }

    /// With a parameter that has several values, each a word of ours.
    pub(super) fn list(mut self, name: &'static str, words: &[&'static str]) -> Self {
        self.0.push(';');
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&words.join(","));
        self
    }

    /// Ends it with a text (RFC 5545 §3.3.11).
    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.push(':');
        // Browsers send CR LF.
        for character in text.replace("\r\n", "\n").chars() {
            match character {
                '\\' | ';' | ',' => self.0.extend(['\\', character]),
                '\n' | '\r' => self.0.push_str("\\n"),
                '\t' => self.0.push('\t'),
                other if other.is_control() => {}
                other => self.0.push(other),
            }
        }
        self
    }

    /// Ends it with a value that is not escaped: a date, a rule, an address. Control characters are left out.
    pub(super) fn value(mut self, value: &str) -> Self {
        self.0.push(':');
        self.0.extend(value.chars().filter(|character| !character.is_control()));
        self
    }
}

/// A calendar while it is written.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Adds a line, folded where it is too long, but never within a character.
    pub(super) fn push(&mut self, line: Line) {
        let mut rest = line.0.as_str();
        let mut room = MAX_LINE_BYTES;
        while rest.len() > room {
            let end = (0..=room).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(0);
            let (head, tail) = rest.split_at(end);
            self.0.push_str(head);
            self.0.push_str("\r\n ");
            rest = tail;
            room = MAX_LINE_BYTES - 1;
        }
        self.0.push_str(rest);
        self.0.push_str("\r\n");
    }

    /// Adds a component with what `content` adds.
    pub(super) fn component(&mut self, name: &'static str, content: impl FnOnce(&mut Self)) {
        self.push(Line::new("BEGIN").value(name));
        content(self);
        self.push(Line::new("END").value(name));
    }

    /// All of it.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: Line) -> String {
        let mut lines = Lines::default();
        lines.push(line);
        lines.finish()
    }

    #[test]
    fn what_somebody_typed_becomes_no_line_of_its_own() {
        let text = "a\r\nBEGIN:VALARM\rx;y,z\\n\u{0}\u{7}";
        assert_eq!(written(Line::new("SUMMARY").text(text)), "SUMMARY:a\\nBEGIN:VALARM\\nx\\;y\\,z\\\\n\r\n");
        let line = Line::new("ATTENDEE").with("CN", "Dr. \"X\"; ^\r\nY:z").value("mailto:x@example.org\r\nUID:1");
        assert_eq!(written(line), "ATTENDEE;CN=\"Dr. ^'X^'; ^^^nY:z\":mailto:x@example.orgUID:1\r\n");
        assert_eq!(written(Line::new("X").with("CN", "").value("1")), "X;CN=\"\":1\r\n");
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        let text = "ä€𝄞 ".repeat(60);
        let folded = written(Line::new("SUMMARY").text(&text));
        assert!(folded.split("\r\n").all(|line| line.len() <= MAX_LINE_BYTES));
        assert!(folded.split("\r\n").filter(|line| line.len() >= MAX_LINE_BYTES - 3).count() > 5, "lines are filled");
        assert_eq!(folded.replace("\r\n ", ""), format!("SUMMARY:{text}\r\n"));
        let exact = "x".repeat(MAX_LINE_BYTES - "SUMMARY:".len());
        assert_eq!(written(Line::new("SUMMARY").text(&exact)), format!("SUMMARY:{exact}\r\n"));
    }
}
