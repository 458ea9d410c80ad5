// SPDX-License-Identifier: EUPL-1.2

//! The figures that are kept in the tree, what is wrong with new ones, and how these take their place.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::tree;

/// Where the figures are, beside the program that they are of.
pub(super) const FILE: &str = "sfu/media/examples/forwarding_instructions.toml";

/// How far a new figure may be from the kept one. Compilers differ by a percent or two from release to release.
const TOLERANCE: f64 = 0.05;

/// Instructions per packet of one pattern.
pub(super) struct Measured {
    pub(super) pattern: String,
    /// Outside cryptography; this is what is kept.
    pub(super) own: f64,
    /// Inside. It depends on what the processor has for AES, and on the C compiler.
    pub(super) cryptography: f64,
}

/// The kept figures with the text they stand in.
pub(super) struct Figures {
    text: String,
    content: Content,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// The compiler that they were measured with.
    rustc: String,
    instructions_per_packet: BTreeMap<String, f64>,
}

impl Figures {
    pub(super) fn read() -> Result<Self> {
        Self::parse(fs::read_to_string(tree::root().join(FILE)).with_context(|| format!("reading {FILE}"))?)
    }

    fn parse(text: String) -> Result<Self> {
        let content: Content = toml::from_str(&text).context(FILE)?;
        ensure!(content.instructions_per_packet.values().all(|kept| *kept > 0.0), "{FILE} has a figure without a cost");
        Ok(Self { text, content })
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.content.instructions_per_packet.keys().map(String::as_str)
    }

    /// How far a figure is from the kept one, as a share of that.
    fn deviation(&self, measured: &Measured) -> f64 {
        measured.own / self.content.instructions_per_packet[&measured.pattern] - 1.0
    }

    /// What a person reads about a pattern.
    pub(super) fn line(&self, measured: &Measured) -> String {
        format!(
            "{:<10} {:>6.0} instructions per packet, {:+.2} %; cryptography {:.0}",
            measured.pattern,
            measured.own,
            100.0 * self.deviation(measured),
            measured.cryptography
        )
    }

    /// A sentence for each figure that is too far from the kept one.
    pub(super) fn problems(&self, measured: &[Measured], rustc: &str) -> Vec<String> {
        measured.iter().filter_map(|measured| self.problem(measured, rustc)).collect()
    }

    fn problem(&self, measured: &Measured, rustc: &str) -> Option<String> {
        let deviation = self.deviation(measured);
        if deviation.abs() <= TOLERANCE {
            return None;
        }
        let kept = self.content.instructions_per_packet[&measured.pattern];
        let (direction, advice) = if deviation > 0.0 {
            ("more", "if that is what the change is worth, keep the new figure with")
        } else {
            ("less", "so that it cannot creep back unseen, keep the lower figure with")
        };
        let mut sentence = format!(
            "{}: {:.0} instructions per packet, {:.1} % {direction} than the {kept:.0} that are kept; {advice} \
             cargo xtask instructions --keep",
            measured.pattern,
            measured.own,
            100.0 * deviation.abs()
        );
        if rustc != self.content.rustc {
            sentence.push_str(&format!(" (rustc is {rustc}, the figure is of {})", self.content.rustc));
        }
        Some(sentence)
    }

    /// Writes new figures in the place of the old ones.
    pub(super) fn keep(&self, measured: &[Measured], rustc: &str) -> Result<()> {
        fs::write(tree::root().join(FILE), self.with(measured, rustc)?).with_context(|| format!("writing {FILE}"))
    }

    /// The text with other figures, everything else as it was.
    fn with(&self, measured: &[Measured], rustc: &str) -> Result<String> {
        let mut values: BTreeMap<&str, String> =
            measured.iter().map(|measured| (measured.pattern.as_str(), format!("{:.0}", measured.own))).collect();
        values.insert("rustc", format!("{rustc:?}"));
        let lines =
            self.text.lines().map(|line| match line.split_once(" = ").and_then(|(key, _)| values.remove_entry(key)) {
                Some((key, value)) => format!("{key} = {value}\n"),
                None => format!("{line}\n"),
            });
        let text = lines.collect();
        ensure!(values.is_empty(), "{FILE} has no line of its own for {:?}", values.keys());
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# Why.\nrustc = \"1.95.0\"\n\n[instructions_per_packet]\n# What.\nspeech = 1000\nvideo = 1200\n";

    fn figures() -> Figures {
        Figures::parse(TEXT.to_owned()).unwrap()
    }

    fn speech(own: f64) -> Vec<Measured> {
        vec![Measured { pattern: "speech".to_owned(), own, cryptography: 3_000.0 }]
    }

    #[test]
    fn within_five_percent_nothing_is_wrong() {
        for own in [951.0, 1_000.0, 1_049.0] {
            assert!(figures().problems(&speech(own), "1.95.0").is_empty(), "{own}");
        }
    }

    #[test]
    fn a_cost_that_grew_or_shrank_is_named_with_the_way_to_keep_it() {
        for (own, expected) in [(1_060.0, "6.0 % more"), (930.0, "7.0 % less")] {
            let problems = figures().problems(&speech(own), "1.95.0");
            assert_eq!(problems.len(), 1);
            for part in ["speech: ", expected, " than the 1000 ", &own.to_string(), "cargo xtask instructions --keep"] {
                assert!(problems[0].contains(part), "{part:?} is not in {problems:?}");
            }
            assert!(!problems[0].contains("rustc"), "{problems:?}");
        }
    }

    #[test]
    fn another_compiler_is_named() {
        let problems = figures().problems(&speech(2_000.0), "1.96.0");
        assert!(problems[0].contains("rustc is 1.96.0, the figure is of 1.95.0"), "{problems:?}");
    }

    #[test]
    fn keeping_changes_figures_and_nothing_else() {
        let text = figures().with(&speech(1_234.4), "1.96.0").unwrap();
        assert_eq!(text, TEXT.replace("speech = 1000", "speech = 1234").replace("1.95.0", "1.96.0"));
        let elsewhere = Figures::parse(TEXT.replace("speech = 1000", "speech=1000")).unwrap();
        assert!(elsewhere.with(&speech(1.0), "1.95.0").is_err(), "it would be lost");
    }

    #[test]
    fn the_figures_of_the_tree_can_be_read() {
        assert!(Figures::read().unwrap().patterns().count() > 0);
    }
}
