// SPDX-License-Identifier: EUPL-1.2

//! The systemd unit: systemd itself reads it and rates how far it shuts the service in.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::steps::Steps;
use crate::{tools, tree};

const UNIT: &str = "deploy/systemd/saal.service";

/// `systemd-analyze` takes the highest exposure it accepts in tenths.
const HIGHEST_EXPOSURE: &str = "20";

/// Adds the check to `steps`; without systemd's tool it cannot run.
pub(crate) fn step(steps: &mut Steps) {
    if tools::find("systemd-analyze").is_none() {
        return steps.skip("service unit", "there is no systemd-analyze here");
    }
    let fix = "read what systemd says about deploy/systemd/saal.service";
    steps.inspect("service unit", fix, || {
        let text = fs::read_to_string(tree::root().join(UNIT))?;
        let folder = tree::target().join("xtask");
        fs::create_dir_all(&folder)?;
        // `verify` wants the program to exist, and here it is not installed.
        let copy = folder.join("saal.service");
        fs::write(&copy, text.replace("/usr/bin/saal", "/bin/true"))?;
        let mut problems = complaints(Command::new("systemd-analyze").arg("verify").arg(&copy))?;
        problems.extend(complaints(
            Command::new("systemd-analyze")
                .args(["security", "--no-pager", "--offline=true"])
                .arg(format!("--threshold={HIGHEST_EXPOSURE}"))
                .arg(&copy),
        )?);
        Ok(problems)
    });
}

/// The command's output, when it fails.
fn complaints(command: &mut Command) -> Result<Vec<String>> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let said = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&said).lines().map(str::to_owned).collect())
}
