// SPDX-License-Identifier: EUPL-1.2

//! No production file over 600 lines, and 95 of 100 at most 400: what a reader holds in the head.

use super::Source;

const MOST_LINES: usize = 600;
const USUAL_LINES: usize = 400;

/// How many of 100 files may be longer than usual.
const LONG_FILES_PERCENT: usize = 5;

/// The lengths of all production files.
#[derive(Default)]
pub(super) struct Lengths {
    files: Vec<(String, usize)>,
}

impl Lengths {
    /// Counts a file, when the rule is about it.
    pub(super) fn add(&mut self, file: Source<'_>) {
        let is_code = file.has_extension(&["rs", "ts", "tsx", "mjs", "css", "sh"]);
        if is_code && !file.is_test() && !file.is_generated() {
            self.files.push((file.path.to_owned(), file.text.lines().count()));
        }
    }

    /// The files that are too long, and the long ones when there are too many of them.
    pub(super) fn problems(&self) -> Vec<String> {
        let over = |limit: usize| self.files.iter().filter(move |(_, lines)| *lines > limit);
        let mut problems: Vec<String> = over(MOST_LINES)
            .map(|(path, lines)| format!("{path}: {lines} lines, and {MOST_LINES} is the limit"))
            .collect();
        let long = over(USUAL_LINES).count();
        if long * 100 > self.files.len() * LONG_FILES_PERCENT {
            problems
                .extend(over(USUAL_LINES).map(|(path, lines)| {
                    format!("{path}: {lines} lines; too many files have more than {USUAL_LINES}")
                }));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(lengths: &[(&str, usize)]) -> Vec<String> {
        let mut all = Lengths::default();
        for (path, lines) in lengths {
            all.add(Source { path, text: &"x\n".repeat(*lines) });
        }
        all.problems()
    }

    #[test]
    fn nobody_goes_over_the_limit() {
        let mut files = vec![("a.rs", 100); 99];
        files.push(("long.rs", 601));
        assert_eq!(problems(&files), ["long.rs: 601 lines, and 600 is the limit"]);
    }

    #[test]
    fn one_long_file_in_twenty_is_fine_and_two_are_not() {
        let mut files = vec![("a.rs", 400); 19];
        files.push(("long.rs", 401));
        assert!(problems(&files).is_empty());
        files[0] = ("longer.rs", 500);
        assert_eq!(problems(&files).len(), 2);
    }

    #[test]
    fn tests_and_generated_files_may_be_long() {
        assert!(problems(&[("tests/a.rs", 900), ("generated/a.ts", 900)]).is_empty());
        assert!(problems(&[("notes.md", 900)]).is_empty());
    }
}
