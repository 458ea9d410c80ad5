// SPDX-License-Identifier: EUPL-1.2

//! How many tests ran, read from the closing lines that test runners print.

use std::ops::AddAssign;

/// Tests passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Adds up every closing line in a runner's output; nothing when there is none.
pub(crate) fn tests_in(output: &str) -> Option<Tally> {
    let mut total: Option<Tally> = None;
    for line in output.lines() {
        if let Some(tally) = closing_line(line.trim()) {
            *total.get_or_insert_default() += tally;
        }
    }
    total
}

/// `test result: ok. 3 passed; 0 failed; …` (cargo), `Tests  1 failed | 3 passed (4)` (Vitest) and the
/// plain `3 passed, 0 failed` that our own runners print.
fn closing_line(line: &str) -> Option<Tally> {
    let summary = line
        .strip_prefix("test result: ")
        .map(|rest| rest.split_once(". ").map_or(rest, |(_, counts)| counts))
        .or_else(|| line.strip_prefix("Tests ").map(str::trim))
        .or_else(|| is_plain(line).then_some(line))?;
    let number_of = |what: &str| {
        summary.split([',', ';', '|']).find_map(|part| {
            let (number, word) = part.trim().split_once(' ')?;
            word.starts_with(what).then(|| number.parse().ok()).flatten()
        })
    };
    let (passed, failed) = (number_of("passed"), number_of("failed"));
    (passed.is_some() || failed.is_some()).then(|| Tally { passed: passed.unwrap_or(0), failed: failed.unwrap_or(0) })
}

fn is_plain(line: &str) -> bool {
    let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
    let number = |word: Option<&str>| word.is_some_and(|w| w.parse::<u64>().is_ok());
    number(words.next()) && words.next() == Some("passed") && number(words.next()) && words.next() == Some("failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(output: &str) -> Option<(u64, u64)> {
        tests_in(output).map(|tally| (tally.passed, tally.failed))
    }

    #[test]
    fn cargo_test_is_added_up_over_its_binaries() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: FAILED. 5 passed; 1 failed; 0 ignored\n";
        assert_eq!(counted(output), Some((7, 1)));
    }

    #[test]
    fn vitest_counts_tests_and_not_files() {
        let output = " Test Files  1 failed | 3 passed (4)\n      Tests  1 failed | 11 passed (12)\n";
        assert_eq!(counted(output), Some((11, 1)));
        assert_eq!(counted("      Tests  12 passed (12)\n"), Some((12, 0)));
    }

    #[test]
    fn our_own_runners_close_with_a_plain_line() {
        assert_eq!(counted("chromium\n9 passed, 0 failed\n"), Some((9, 0)));
        assert_eq!(counted("9 passed, 2 failed, 1 skipped"), Some((9, 2)));
    }

    #[test]
    fn other_output_counts_nothing() {
        assert_eq!(counted("Compiling saal\nFinished\n"), None);
        assert_eq!(counted("the call passed 3 hops and failed"), None);
    }
}
