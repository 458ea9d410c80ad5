// SPDX-License-Identifier: EUPL-1.2

//! Runs steps one after the other or side by side, prints one line for each, and goes on after a failure.
//!
//! A command's output goes to `target/xtask/<step>.log`; the end of it is shown when the step fails.
//! That keeps a green run readable and works the same with and without a terminal.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::console::{say, say_part};
use crate::count::{Tally, tests_in};
use crate::tree;

/// How much of a failed step's output is shown.
const TAIL_LINES: usize = 100;

/// Longer than any step takes on two slow cores, and short enough that CI still prints what hung.
const TIME_LIMIT: Duration = Duration::from_secs(40 * 60);

/// What a step may take to end by itself when it is told to.
const GRACE: Duration = Duration::from_secs(10);

/// The results so far.
#[derive(Default)]
pub(crate) struct Steps {
    total: Tally,
    failures: Vec<String>,
    /// Whether others print at the same time.
    is_beside: bool,
}

impl Steps {
    /// Runs a command; `fix` tells what to do when it fails. Returns whether it succeeded.
    pub(crate) fn command(&mut self, name: &str, fix: &str, mut command: Command) -> bool {
        self.step(name, fix, || {
            let log = tree::target().join("xtask").join(format!("{}.log", name.replace(' ', "-")));
            let status = run_into(&mut command, &log)?;
            let output = without_colours(&String::from_utf8_lossy(&fs::read(&log)?));
            let tally = tests_in(&output).unwrap_or_default();
            let problem = match status {
                Some(status) if status.success() => None,
                Some(status) => Some(format!("{status}; the whole output is in {}", log.display())),
                None => Some(format!("stopped after {} minutes", TIME_LIMIT.as_secs() / 60)),
            };
            let details = last_lines(&output, TAIL_LINES);
            Ok(Outcome { tally, problem, details, ..Outcome::default() })
        })
    }

    /// Runs a check of our own, which returns one line for each thing that is wrong.
    pub(crate) fn inspect(&mut self, name: &str, fix: &str, check: impl FnOnce() -> Result<Vec<String>>) -> bool {
        self.step(name, fix, || {
            let details = check()?;
            let problem = (!details.is_empty()).then(|| format!("{} problems", details.len()));
            Ok(Outcome { problem, details, ..Outcome::default() })
        })
    }

    /// Does something that later steps need and that is no check itself.
    pub(crate) fn prepare(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        self.step(name, "see the message", || {
            work()?;
            Ok(Outcome { is_preparation: true, ..Outcome::default() })
        })
    }

    /// Says that a step does not run here, and why.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        say(format_args!("{name:<WIDTH$} skipped: {why}"));
    }

    /// Does two things side by side: steps that mostly wait, and others. Each prints its lines when a step has ended.
    pub(crate) fn beside(&mut self, first: impl FnOnce(&mut Self), second: impl FnOnce(&mut Self) + Send) {
        let lane = || Self { is_beside: true, ..Self::default() };
        let (mut one, mut other) = (lane(), lane());
        std::thread::scope(|scope| {
            scope.spawn(|| second(&mut other));
            first(&mut one);
        });
        for lane in [one, other] {
            self.total += lane.total;
            self.failures.extend(lane.failures);
        }
    }

    /// Prints the summary. Its last line is the plain `N passed, N failed`.
    pub(crate) fn finish(self) -> ExitCode {
        say("");
        if !self.failures.is_empty() {
            say(format_args!("failed: {}", self.failures.join(", ")));
        }
        say(self.total);
        if self.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn step(&mut self, name: &str, fix: &str, work: impl FnOnce() -> Result<Outcome>) -> bool {
        if !self.is_beside {
            say_part(format_args!("{name:<WIDTH$} "));
        }
        let started = Instant::now();
        let outcome = work();
        // What could not even be tried is not mended by the usual way.
        let fix = if outcome.is_ok() { fix } else { "see the message" };
        let outcome = outcome.unwrap_or_else(|error| {
            let message = format!("{error:#}");
            let (problem, details) = message.split_once('\n').unwrap_or((&message, ""));
            let details = last_lines(details, TAIL_LINES);
            Outcome { problem: Some(problem.to_owned()), details, ..Outcome::default() }
        });
        let seconds = started.elapsed().as_secs_f32();
        let ok = outcome.problem.is_none();
        self.total += outcome.counted();
        // At once, so that nothing comes between.
        let mut lines = if self.is_beside { format!("{name:<WIDTH$} ") } else { String::new() };
        match (outcome.problem, outcome.tally) {
            (None, Tally { passed: 0, failed: 0 }) => lines += &format!("ok      {seconds:6.1} s"),
            (None, tally) => lines += &format!("ok      {seconds:6.1} s   {tally}"),
            (Some(problem), _) => {
                lines += &format!("FAILED  {seconds:6.1} s   {problem}");
                outcome.details.iter().for_each(|line| lines += &format!("\n    {line}"));
                lines += &format!("\n    to fix: {fix}");
                self.failures.push(name.to_owned());
            }
        }
        say(lines);
        ok
    }
}

/// Wide enough for the longest step name.
const WIDTH: usize = 14;

/// How one step went.
#[derive(Default)]
struct Outcome {
    tally: Tally,
    problem: Option<String>,
    details: Vec<String>,
    is_preparation: bool,
}

impl Outcome {
    /// A check without tests of its own counts as one; a failed step fails even if no test did.
    fn counted(&self) -> Tally {
        match (&self.problem, self.tally) {
            (None, tally) if self.is_preparation => tally,
            (None, Tally { passed: 0, failed: 0 }) => Tally { passed: 1, failed: 0 },
            (Some(_), Tally { passed, failed: 0 }) => Tally { passed, failed: 1 },
            (_, tally) => tally,
        }
    }
}

/// Runs `command` with its output in `log`; `None` when it took too long.
fn run_into(command: &mut Command, log: &Path) -> Result<Option<ExitStatus>> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    // Its own process group lets a time-out end the whole family. With a terminal, Ctrl-C must
    // reach them all instead, and that goes by the group they share with us.
    let has_own_group = !std::io::stdin().is_terminal();
    if has_own_group {
        command.process_group(0);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.spawn().with_context(|| format!("starting {program}"))?;
    wait(child, has_own_group, TIME_LIMIT)
}

fn wait(mut child: Child, has_own_group: bool, limit: Duration) -> Result<Option<ExitStatus>> {
    let id = child.id();
    let (ended, status) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait()));
    if let Ok(status) = status.recv_timeout(limit) {
        return Ok(Some(status?));
    }
    let target = if has_own_group { format!("-{id}") } else { id.to_string() };
    for signal in ["-TERM", "-KILL"] {
        Command::new("kill").args([signal, "--", &target]).status()?;
        if status.recv_timeout(GRACE).is_ok() {
            break;
        }
    }
    Ok(None)
}

/// Not every tool can be told to do without them.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // An escape sequence ends with its first letter: `[1;31m`, and `(B` from terminals that know no colours.
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |letter| letter + 1);
        plain.push_str(&part[end..]);
    }
    plain
}

fn last_lines(text: &str, count: usize) -> Vec<String> {
    let mut tail = VecDeque::with_capacity(count + 1);
    for line in text.lines() {
        tail.push_back(line.to_owned());
        if tail.len() > count {
            tail.pop_front();
        }
    }
    tail.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(problem: Option<&str>, passed: u64, failed: u64) -> Tally {
        let tally = Tally { passed, failed };
        Outcome { tally, problem: problem.map(str::to_owned), ..Outcome::default() }.counted()
    }

    #[test]
    fn a_check_without_tests_counts_as_one() {
        assert_eq!(outcome(None, 0, 0), Tally { passed: 1, failed: 0 });
        assert_eq!(outcome(Some("exit 1"), 0, 0), Tally { passed: 0, failed: 1 });
    }

    #[test]
    fn a_runner_that_dies_after_green_tests_still_fails() {
        assert_eq!(outcome(Some("signal 9"), 7, 0), Tally { passed: 7, failed: 1 });
        assert_eq!(outcome(Some("exit 1"), 7, 2), Tally { passed: 7, failed: 2 });
    }

    #[test]
    fn the_end_of_a_long_output_is_shown() {
        assert_eq!(last_lines("a\nb\nc\n", 2), ["b", "c"]);
        assert_eq!(last_lines("a", 2), ["a"]);
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colours("\u{1b}[38;2;225;80;80;1m×\u{1b}[0m wrong\u{1b}["), "× wrong");
        assert_eq!(without_colours("\u{1b}[31m-old\u{1b}(B\u{1b}[m"), "-old");
        assert_eq!(without_colours("plain [0m text"), "plain [0m text");
    }

    #[test]
    fn what_runs_side_by_side_counts_together() {
        let mut steps = Steps::default();
        let failing = |steps: &mut Steps| {
            steps.inspect("meant to fail", "no way", || Ok(vec!["wrong".to_owned()]));
        };
        let fine = |steps: &mut Steps| {
            steps.inspect("fine", "no way", || Ok(Vec::new()));
        };
        steps.beside(failing, fine);
        assert_eq!((steps.total, steps.failures), (Tally { passed: 1, failed: 1 }, vec!["meant to fail".to_owned()]));
    }

    #[test]
    fn a_step_that_hangs_is_stopped() {
        let mut command = Command::new("cat");
        // Its standard input stays open, so it would wait for ever.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        let mut child = command.spawn().unwrap();
        let _open = child.stdin.take();
        assert!(wait(child, true, Duration::from_millis(20)).unwrap().is_none());
    }
}
