// SPDX-License-Identifier: EUPL-1.2

//! Every dependency's licence must be one that Saal may carry under the EUPL: `xtask/licences.toml`.
//!
//! Rust crates are read from `cargo metadata`, npm packages from the web client's lock file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use crate::steps::Steps;
use crate::tree;

const POLICY: &str = "xtask/licences.toml";

/// Crates that only other systems would build are neither shipped nor fetched.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Adds the check to `steps`.
pub(crate) fn step(steps: &mut Steps) {
    let fix = "use another package; allowing a licence in xtask/licences.toml needs a reason there";
    steps.inspect("licences", fix, || {
        let policy = Policy::read(&fs::read_to_string(tree::root().join(POLICY))?)?;
        let mut packages = crates()?;
        packages.extend(npm_packages(&tree::web_client())?);
        Ok(policy.problems(&packages))
    });
}

/// A dependency and what it says about its licence.
struct Package {
    name: String,
    licence: Option<String>,
}

/// What `licences.toml` says.
struct Policy {
    allowed: Vec<Licensee>,
    exceptions: BTreeMap<String, Exception>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: BTreeMap<String, Exception>,
}

/// A package whose own words say nothing usable, read by a person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    licence: String,
    reason: String,
}

impl Policy {
    fn read(text: &str) -> Result<Self> {
        let file: PolicyFile = toml::from_str(text).context(POLICY)?;
        let allowed = file
            .allow
            .iter()
            .map(|licence| Licensee::parse(licence).with_context(|| format!("{POLICY}: {licence} is no licence")));
        for (name, exception) in &file.exceptions {
            ensure!(!exception.reason.is_empty(), "{POLICY}: {name} has no reason");
        }
        Ok(Self { allowed: allowed.collect::<Result<_>>()?, exceptions: file.exceptions })
    }

    fn problems(&self, packages: &[Package]) -> Vec<String> {
        let mut problems: Vec<String> = packages.iter().filter_map(|package| self.problem(package)).collect();
        problems.sort();
        problems.dedup();
        problems
    }

    fn problem(&self, package: &Package) -> Option<String> {
        let name = &package.name;
        let exception = self.exceptions.get(name).map(|exception| &exception.licence);
        let Some(licence) = exception.or(package.licence.as_ref()) else {
            return Some(format!("{name} names no licence"));
        };
        match self.allows(licence) {
            Ok(true) => None,
            Ok(false) => Some(format!("{name} is under {licence}, which is not allowed")),
            Err(_) => Some(format!("{name} says {licence:?}, which is no licence expression")),
        }
    }

    fn allows(&self, licence: &str) -> Result<bool> {
        let expression = Expression::parse_mode(licence, ParseMode::LAX)
            .map_err(|error| anyhow::anyhow!(error.reason.to_string()))?;
        Ok(expression.evaluate(|wanted| self.allowed.iter().any(|own| own.satisfies(wanted))))
    }
}

fn crates() -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Crate>,
    }
    #[derive(Deserialize)]
    struct Crate {
        name: String,
        license: Option<String>,
    }
    let output = tree::cargo()
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", PLATFORM])
        .output()
        .context("starting cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.packages.into_iter().map(|package| Package { name: package.name, licence: package.license }).collect())
}

fn npm_packages(folder: &Path) -> Result<Vec<Package>> {
    let lock =
        fs::read_to_string(folder.join("package-lock.json")).context("the web client has no package-lock.json")?;
    locked_packages(&lock, |path| {
        // Some packages leave the licence out of what npm copies into the lock file.
        let manifest = fs::read_to_string(folder.join(path).join("package.json")).ok()?;
        licence_in(&serde_json::from_str(&manifest).ok()?)
    })
}

/// The packages of a lock file; `installed` is asked when the lock file does not tell a licence.
fn locked_packages(lock: &str, installed: impl Fn(&str) -> Option<String>) -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Lock {
        packages: BTreeMap<String, serde_json::Value>,
    }
    let lock: Lock = serde_json::from_str(lock).context("reading package-lock.json")?;
    let packages = lock.packages.into_iter().filter(|(path, _)| !path.is_empty());
    Ok(packages
        .map(|(path, entry)| Package {
            licence: licence_in(&entry).or_else(|| installed(&path)),
            name: path.rsplit("node_modules/").next().unwrap_or(&path).to_owned(),
        })
        .collect())
}

/// `"license": "MIT"`, and the older `"license": {"type": "MIT"}`.
fn licence_in(manifest: &serde_json::Value) -> Option<String> {
    let licence = manifest.get("license")?;
    licence.as_str().or_else(|| licence.get("type")?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::read(
            "allow = ['MIT', 'Apache-2.0', 'Apache-2.0 WITH LLVM-exception', 'BSD-3-Clause']\n\
             [exceptions]\n\
             odd = { licence = 'MIT', reason = 'its LICENSE file is the MIT text' }",
        )
        .unwrap()
    }

    fn problem(name: &str, licence: Option<&str>) -> Option<String> {
        policy().problem(&Package { name: name.into(), licence: licence.map(str::to_owned) })
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        assert_eq!(problem("a", Some("MIT OR GPL-3.0-only")), None);
        assert_eq!(problem("a", Some("MIT/Apache-2.0")), None);
        assert_eq!(problem("a", Some("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only")), None);
    }

    #[test]
    fn every_part_of_a_conjunction_must_be_allowed() {
        assert_eq!(problem("a", Some("MIT AND BSD-3-Clause")), None);
        assert!(problem("a", Some("MIT AND AGPL-3.0-only")).unwrap().contains("not allowed"));
    }

    #[test]
    fn copyleft_and_source_available_licences_are_refused() {
        for licence in ["GPL-3.0-or-later", "AGPL-3.0-only", "SSPL-1.0", "BUSL-1.1"] {
            assert!(problem("a", Some(licence)).unwrap().contains(licence), "{licence}");
        }
    }

    #[test]
    fn silence_and_nonsense_are_named() {
        assert_eq!(problem("a", None).unwrap(), "a names no licence");
        assert!(problem("a", Some("see file")).unwrap().contains("no licence expression"));
    }

    #[test]
    fn an_exception_needs_a_reason_and_counts_for_one_package() {
        assert_eq!(problem("odd", None), None);
        let without = "allow = []\n[exceptions]\nodd = { licence = 'MIT', reason = '' }";
        assert!(Policy::read(without).is_err());
    }

    #[test]
    fn npm_packages_are_read_from_the_lock_file_and_then_from_disk() {
        let lock = r#"{"packages": {
            "": {"name": "web-client"},
            "node_modules/preact": {"license": "MIT"},
            "node_modules/a/node_modules/@s/b": {"license": {"type": "ISC"}},
            "node_modules/quiet": {}}}"#;
        let packages = locked_packages(lock, |path| {
            assert_eq!(path, "node_modules/quiet");
            Some("0BSD".into())
        });
        let read: Vec<(String, Option<String>)> = packages.unwrap().into_iter().map(|p| (p.name, p.licence)).collect();
        let expected = [("@s/b", "ISC"), ("preact", "MIT"), ("quiet", "0BSD")];
        assert_eq!(read, expected.map(|(name, l)| (name.to_owned(), Some(l.to_owned()))));
    }
}
