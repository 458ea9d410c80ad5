// SPDX-License-Identifier: EUPL-1.2

//! The tools a build needs, and one clear sentence for each that is missing or too old.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use crate::tree;

/// What Vite 8 runs on: 20.19 or newer in the 20 series, or 22.12 and newer. Node 21 is in neither.
const NODE_20: Version = Version { major: 20, minor: 19, patch: 0 };
const NODE_22: Version = Version { major: 22, minor: 12, patch: 0 };

/// A version as tools print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// Reads the first thing in `text` that looks like `1.2` or `1.2.3`, with or without a `v`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| {
            let mut parts = word.trim_start_matches('v').split('.').map(|part| {
                let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
                part[..digits].parse().ok()
            });
            Some(Self { major: parts.next()??, minor: parts.next()??, patch: parts.next().flatten().unwrap_or(0) })
        })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// What the web client is built with.
pub(crate) fn require_node_and_npm() -> Result<()> {
    let Some(node) = version_of("node") else {
        bail!("Node is missing: install Node 20.19 or newer (with npm); Debian 12's own package is too old")
    };
    judge_node(&node)?;
    ensure!(version_of("npm").is_some(), "npm is missing: install it beside Node");
    Ok(())
}

/// What the cryptography is built with.
pub(crate) fn require_c_compiler() -> Result<()> {
    judge_c_compiler(&std::env::var("CC").unwrap_or_default())
}

/// The compiler that Cargo runs, as far as the search path says.
pub(crate) fn rustc() -> Option<Version> {
    Version::parse(&version_of("rustc")?)
}

/// What some checks are, and what rustup's smallest profile leaves out.
pub(crate) fn require_cargo_commands(commands: &[(&str, &str)]) -> Result<()> {
    for (command, component) in commands {
        let asked = tree::cargo().args([*command, "--version"]).stdin(Stdio::null()).output();
        let is_there = asked.is_ok_and(|output| output.status.success());
        ensure!(is_there, "cargo {command} is missing: rustup component add {component}");
    }
    Ok(())
}

/// `CC` may hold options, or another program in front (`ccache gcc`).
fn judge_c_compiler(from_environment: &str) -> Result<()> {
    let compiler = from_environment.split_whitespace().next().unwrap_or("cc");
    ensure!(
        version_of(compiler).is_some(),
        "there is no C compiler called {compiler}: on Debian, apt-get install gcc libc6-dev"
    );
    Ok(())
}

/// The file that `name` would run, when it is on the search path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn judge_node(printed: &str) -> Result<()> {
    let Some(version) = Version::parse(printed) else {
        bail!("node --version printed {printed:?}, which is no version: reinstall Node")
    };
    let suits = (version >= NODE_20 && version.major == NODE_20.major) || version >= NODE_22;
    ensure!(suits, "Node {version} does not suit: install Node 20.19 or newer of the 20 series, or 22.12 or newer");
    Ok(())
}

fn version_of(tool: &str) -> Option<String> {
    let output = Command::new(tool).arg("--version").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch }
    }

    #[test]
    fn versions_are_read_as_tools_print_them() {
        assert_eq!(Version::parse("v20.20.2"), Some(version(20, 20, 2)));
        assert_eq!(Version::parse("cc (Debian 12.2.0-14) 12.2.0"), Some(version(12, 2, 0)));
        assert_eq!(Version::parse("typos-cli 1.52"), Some(version(1, 52, 0)));
        assert_eq!(Version::parse("no version here"), None);
    }

    #[test]
    fn versions_compare_by_number_and_not_by_letter() {
        assert!(version(20, 9, 0) < version(20, 19, 0));
        assert!(version(22, 0, 0) > version(20, 19, 9));
    }

    #[test]
    fn only_a_node_that_vite_runs_on_is_accepted() {
        for good in ["v20.19.0", "v20.20.2", "v22.12.0", "v24.1.0"] {
            assert!(judge_node(good).is_ok(), "{good}");
        }
        for bad in ["v18.20.4", "v20.18.3", "v21.7.0", "v22.11.0", "nonsense"] {
            assert!(judge_node(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_c_compiler_may_come_with_options() {
        // Cargo is no compiler, but it is surely here and prints a version.
        for good in ["cargo", "cargo -m64", " cargo "] {
            assert!(judge_c_compiler(good).is_ok(), "{good:?}");
        }
        let message = judge_c_compiler("no-such-compiler -m64").unwrap_err().to_string();
        assert!(message.starts_with("there is no C compiler called no-such-compiler: "), "{message}");
    }

    #[test]
    fn a_cargo_command_that_is_missing_is_named_with_the_way_to_get_it() {
        assert!(require_cargo_commands(&[("fmt", "rustfmt")]).is_ok());
        let message = require_cargo_commands(&[("no-such-command", "some")]).unwrap_err().to_string();
        assert_eq!(message, "cargo no-such-command is missing: rustup component add some");
    }

    #[test]
    fn an_old_node_is_named_in_one_sentence() {
        let message = judge_node("v18.20.4").unwrap_err().to_string();
        assert!(message.contains("18.20.4") && message.contains("20.19"), "{message}");
        assert!(!message.contains('\n'));
    }
}
