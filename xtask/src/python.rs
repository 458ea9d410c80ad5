// SPDX-License-Identifier: EUPL-1.2

//! Python programs from the Python package index, in environments of their own under `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{install, tree};

/// Where the tests of invitations find their interpreter: see `signaling/tests/front_door/support/mail.rs`.
const TEST_PYTHON: &str = "test-python";

/// What the tests of invitations run: a mail server that keeps what it receives, and independent readers of calendars,
/// with all that these need. One version of each for everyone.
const FOR_TESTS: [&str; 11] = [
    "aiosmtpd==1.4.6",
    "atpublic==9.0.0",
    "attrs==26.1.0",
    "click==8.5.1",
    "icalendar==7.3.0",
    "python-dateutil==2.9.0.post0",
    "recurring-ical-events==3.8.2",
    "six==1.17.0",
    "typing-extensions==4.16.0",
    "tzdata==2026.6",
    "x-wr-timezone==2.0.1",
];

/// What sends made-up requests to the REST API, and judges its document: schemathesis and openapi-spec-validator, with all
/// that these need.
const FOR_CONTRACT: [&str; 45] = [
    "annotated-types==0.8.0",
    "anyio==4.16.0",
    "attrs==26.1.0",
    "certifi==2026.10.18",
    "charset-normalizer==3.5.2",
    "click==8.5.1",
    "graphql-core==3.3.2",
    "harfile==0.6.0",
    "hypothesis-graphql==0.13.5",
    "hypothesis==6.170.15",
    "idna==3.20",
    "iniconfig==2.3.1",
    "jsonschema-path==0.5.0",
    "jsonschema-specifications==2025.9.1",
    "jsonschema==4.26.0",
    "jsonschema_rs==0.60.3",
    "lazy-object-proxy==1.13.0",
    "markdown-it-py==4.3.0",
    "markupsafe==3.0.4",
    "mdurl==0.1.2",
    "openapi-schema-validator==0.9.0",
    "openapi-spec-validator==0.9.0",
    "packaging==26.3",
    "pathable==0.6.0",
    "pluggy==1.7.0",
    "pydantic-settings==2.16.3",
    "pydantic==2.14.3",
    "pydantic_core==2.50.4",
    "pygments==2.21.0",
    "pyrate-limiter==4.5.1",
    "pytest==9.2.0",
    "python-dotenv==1.2.4",
    "pyyaml==6.0.3",
    "referencing==0.37.0",
    "requests==2.34.2",
    "rfc3339-validator==0.1.4",
    "rich==15.0.0",
    "rpds-py==2026.9.1",
    "schemathesis==4.32.5",
    "six==1.17.0",
    "sortedcontainers==2.4.0",
    "typing-inspection==0.4.5",
    "typing_extensions==4.16.0",
    "urllib3==2.8.0",
    "werkzeug==3.1.9",
];

/// Says in an environment's folder what it has.
const INSTALLED: &str = "installed.txt";

/// Makes sure that the tests find their Python programs.
pub(crate) fn for_tests() -> Result<()> {
    environment(TEST_PYTHON, &FOR_TESTS).map(drop)
}

/// The environment of the tests in `tests/contract/`.
pub(crate) fn for_contract() -> Result<PathBuf> {
    environment("contract-python", &FOR_CONTRACT)
}

/// An environment with these packages, each as `name==version`. It is made when it is not there yet, and anew when the
/// list is another one. Returns its folder, whose programs are in `bin/`.
pub(crate) fn environment(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = tree::target().join("tools").join(name);
    let wanted = packages.join("\n");
    if fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    create(&folder)?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(packages))?;
    fs::write(folder.join(INSTALLED), wanted).context("noting what is installed")?;
    Ok(folder)
}

fn create(folder: &Path) -> Result<()> {
    let create = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    if create().is_ok() {
        return Ok(());
    }
    // Debian ships Python without what `venv` needs.
    let _ = fs::remove_dir_all(folder);
    install::debian_packages(&["python3", "python3-venv"])?;
    create()
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {program}"))?;
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
