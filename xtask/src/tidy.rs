// SPDX-License-Identifier: EUPL-1.2

//! The shape of the tree: what a reviewer would otherwise have to say again and again.
//!
//! Each rule is a file in this folder and a pure function over one source file, or over the list of
//! files. `xtask/tidy.toml` holds the few exceptions, each with its reason.

mod comments;
mod length;
mod links;
mod map;
mod names;
mod places;
mod stubs;
mod unsafe_code;

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::steps::Steps;
use crate::tree;

const CONFIG: &str = "xtask/tidy.toml";

/// Adds the check to `steps`.
pub(crate) fn step(steps: &mut Steps) {
    let fix = "each line says what is wrong; the rules are in xtask/src/tidy/ and CONTRIBUTING.md";
    steps.inspect("tidy", fix, || {
        let config: Config = toml::from_str(&fs::read_to_string(tree::root().join(CONFIG))?).context(CONFIG)?;
        let paths = tree::files()?;
        let mut problems = whole_tree(&paths)?;
        let mut lengths = length::Lengths::default();
        for path in &paths {
            let Ok(text) = fs::read_to_string(tree::root().join(path)) else {
                continue; // Not text: a picture or a font.
            };
            let file = Source { path, text: &text };
            one_file(file, &config, &paths, &mut problems);
            lengths.add(file);
        }
        problems.extend(lengths.problems());
        problems.extend(unsafe_code::stale(&config.unsafe_code, &paths));
        Ok(problems)
    });
}

/// A file of the tree: its path from the root, and its text.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

impl<'a> Source<'a> {
    fn has_extension(self, extensions: &[&str]) -> bool {
        let extension = self.path.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| extensions.contains(&extension))
    }

    /// Whether it is in a folder of one of these names, or one of the tests beside the code.
    fn is_test(self) -> bool {
        let (folders, name) = self.path.rsplit_once('/').unwrap_or(("", self.path));
        folders.split('/').any(|folder| ["test", "tests", "fuzz", "benches"].contains(&folder))
            || name == "tests.rs"
            || name.contains(".test.")
    }

    fn is_generated(self) -> bool {
        self.path.split('/').any(|part| part == "generated") || self.path.contains("_pb.")
    }

    /// Lines with their numbers, counted from one.
    fn lines(self) -> impl Iterator<Item = (usize, &'a str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// What a rule reports about a line.
    fn at(self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// `xtask/tidy.toml`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The files that may say `unsafe`.
    #[serde(default)]
    unsafe_code: Vec<unsafe_code::Permit>,
}

fn whole_tree(paths: &[String]) -> Result<Vec<String>> {
    let architecture =
        fs::read_to_string(tree::root().join(map::DOCUMENT)).with_context(|| format!("reading {}", map::DOCUMENT))?;
    Ok(map::problems(&architecture, paths))
}

fn one_file(file: Source<'_>, config: &Config, paths: &[String], problems: &mut Vec<String>) {
    problems.extend(comments::header(file));
    problems.extend(comments::module(file));
    problems.extend(stubs::problems(file));
    problems.extend(places::problems(file));
    problems.extend(names::problem(file));
    problems.extend(unsafe_code::problems(file, &config.unsafe_code));
    problems.extend(links::problems(file, paths));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_production_code() {
        let is_test = |path| Source { path, text: "" }.is_test();
        assert!(is_test("sfu/media/tests/join.rs"));
        assert!(is_test("sfu/media/src/track/tests.rs"));
        assert!(is_test("web-client/src/room.test.ts"));
        assert!(!is_test("xtask/src/test.rs"));
        assert!(!is_test("signaling/src/latest.rs"));
    }
}
