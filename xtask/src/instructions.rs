// SPDX-License-Identifier: EUPL-1.2

//! `cargo xtask instructions`: how many instructions the media core needs per packet, counted by callgrind under fixed
//! loads and compared with figures that are kept in the tree.
//!
//! Time depends on what else the machine does, instructions do not: two runs differ by less than a hundredth of a
//! percent. So a change that costs a few percent is seen, and no other is.

mod callgrind;
mod figures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::console::say;
use crate::steps::Steps;
use crate::{install, tools, tree};
use figures::{Figures, Measured};

/// What is run, from `sfu/media/examples/`.
const PROGRAM: &str = "forwarding_instructions";

/// The function of the program whose instructions are counted.
const COUNTED: &str = "*counted_turn*";

/// How the media core is compiled for it: as for a release, and as one unit, so that a change in one place does not move
/// what is inlined in another. All else, cryptography included, stays as the tests have compiled it; that saves the
/// minutes which a profile of its own would take, and hardly any of it is counted.
const AS_IN_A_RELEASE: [&str; 5] =
    ["opt-level=3", "codegen-units=1", "debug=false", "debug-assertions=false", "overflow-checks=false"];

/// What `cargo xtask instructions` takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Write the figures measured now into the tree
    #[arg(long)]
    keep: bool,
}

/// Counts, and compares or keeps.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(why) = why_not_here() {
        bail!("{why}");
    }
    tools::require_c_compiler()?;
    let mut steps = Steps::default();
    let mut measured = Vec::new();
    let kept = Figures::read()?;
    if prepare(&mut steps) {
        let measure = || {
            measured = measure_all(&kept)?;
            Ok(if options.keep { Vec::new() } else { kept.problems(&measured, &rustc()?) })
        };
        steps.inspect("instructions", FIX, measure);
    }
    for measured in &measured {
        say(kept.line(measured));
    }
    if options.keep && !measured.is_empty() {
        kept.keep(&measured, &rustc()?)?;
        say(format_args!("kept in {}", figures::FILE));
    }
    Ok(steps.finish())
}

/// Adds the comparison to `steps`.
pub(crate) fn step(steps: &mut Steps) {
    if let Some(why) = why_not_here() {
        return steps.skip("instructions", why);
    }
    if !prepare(steps) {
        return steps.skip("instructions", "what it needs is missing, see above");
    }
    steps.inspect("instructions", FIX, || {
        let kept = Figures::read()?;
        Ok(kept.problems(&measure_all(&kept)?, &rustc()?))
    });
}

/// What to do when a figure is off; each problem says how a new one is kept.
const FIX: &str = "callgrind_annotate target/xtask/instructions/<pattern>.callgrind shows what costs how much";

/// The figures hold where valgrind can show programs a processor with AVX2, as which it presents every newer one. With
/// another one, the C library copies memory in other steps.
fn why_not_here() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let suits = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("aes");
    #[cfg(not(target_arch = "x86_64"))]
    let suits = false;
    (!suits).then_some("not applicable: the figures are of x86-64 processors with AVX2 and AES")
}

fn prepare(steps: &mut Steps) -> bool {
    let mut cargo = tree::cargo();
    // With the whole workspace, so that the dependencies have the features with which the tests have compiled them.
    cargo.args(["build", "--workspace", "--example", PROGRAM]).env("CARGO_INCREMENTAL", "0");
    for package in ["sfu-media", "srtp"] {
        for setting in AS_IN_A_RELEASE {
            cargo.args(["--config", &format!("profile.dev.package.{package}.{setting}")]);
        }
    }
    steps.command("counted load", "mend what does not compile", cargo) && steps.prepare("valgrind", install::valgrind)
}

/// Measures every pattern that has a figure, all at the same time: they do not disturb each other.
fn measure_all(kept: &Figures) -> Result<Vec<Measured>> {
    let folder = tree::target().join("xtask").join("instructions");
    fs::create_dir_all(&folder)?;
    std::thread::scope(|scope| {
        let start = |pattern| {
            let profile = folder.join(format!("{pattern}.callgrind"));
            (pattern, scope.spawn(move || measure(pattern, &profile)))
        };
        let running: Vec<_> = kept.patterns().map(start).collect();
        let results = running.into_iter().map(|(pattern, thread)| {
            thread
                .join()
                .unwrap_or_else(|_| bail!("the thread panicked"))
                .with_context(|| format!("measuring {pattern}"))
        });
        results.collect()
    })
}

fn measure(pattern: &str, profile: &Path) -> Result<Measured> {
    let program: PathBuf = tree::target().join("debug/examples").join(PROGRAM);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"]);
    valgrind.arg(format!("--toggle-collect={COUNTED}"));
    valgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    let output = valgrind.arg(program).arg(pattern).stdin(Stdio::null()).output().context("starting valgrind")?;
    ensure!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    let printed = String::from_utf8_lossy(&output.stdout);
    let packets: u64 = printed.trim().parse().with_context(|| format!("the program printed {printed:?}"))?;
    let cost = callgrind::read(&fs::read_to_string(profile)?)?;
    ensure!(packets > 0 && cost.total > 0, "nothing was counted: {packets} packets, {} instructions", cost.total);
    // Else the cryptography would count as the core's.
    ensure!(cost.in_cryptography > 0, "no call into aws-lc is in {}", profile.display());
    let per_packet = |instructions: u64| instructions as f64 / packets as f64;
    Ok(Measured {
        pattern: pattern.to_owned(),
        own: per_packet(cost.total - cost.in_cryptography),
        cryptography: per_packet(cost.in_cryptography),
    })
}

fn rustc() -> Result<String> {
    tools::rustc().map(|version| version.to_string()).context("rustc --version says nothing")
}
