// SPDX-License-Identifier: EUPL-1.2

//! The systemd units: systemd itself reads them and rates how far each shuts its service in.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::steps::Steps;
use crate::{tools, tree};

/// That of the server, and that of the bridge for telephones alone.
const UNITS: [&str; 2] = [SERVER, "saal-sip.service"];

const SERVER: &str = "saal.service";

/// Where they are.
const FOLDER: &str = "deploy/systemd";

/// `systemd-analyze` takes the highest exposure it accepts in tenths.
const HIGHEST_EXPOSURE: &str = "20";

/// What the server needs and systemd cannot know, each with why. Without these the service starts elsewhere and fails here.
const NEEDED: [(&str, &str, &str); 2] = [
    ("RestrictAddressFamilies=", "AF_NETLINK", "the addresses of the network interfaces are read by netlink"),
    ("SystemCallFilter=", "sched_setaffinity", "media threads are pinned to their cores"),
];

/// Adds the check to `steps`; without systemd's tool it cannot run.
pub(crate) fn step(steps: &mut Steps) {
    if tools::find("systemd-analyze").is_none() {
        return steps.skip("service units", "there is no systemd-analyze here");
    }
    steps.inspect("service units", "read what systemd says about the units in deploy/systemd", || {
        let folder = tree::target().join("xtask");
        fs::create_dir_all(&folder)?;
        let mut problems = Vec::new();
        for unit in UNITS {
            let text = fs::read_to_string(tree::root().join(FOLDER).join(unit))?;
            if unit == SERVER {
                problems.extend(missing(&text));
            }
            // `verify` wants the program and the file of variables to exist, and here they are not installed.
            let copy = folder.join(unit);
            let variables = "EnvironmentFile=";
            fs::write(&copy, text.replace("/usr/bin/saal", "/bin/true").replace(variables, &format!("{variables}-")))?;
            problems.extend(complaints(Command::new("systemd-analyze").arg("verify").arg(&copy))?);
            problems.extend(complaints(
                Command::new("systemd-analyze")
                    .args(["security", "--no-pager", "--offline=true"])
                    .arg(format!("--threshold={HIGHEST_EXPOSURE}"))
                    .arg(&copy),
            )?);
        }
        Ok(problems)
    });
}

/// What the server's unit has to allow and does not.
fn missing(unit: &str) -> Vec<String> {
    let allows = |setting: &str, word: &str| {
        let values = unit.lines().filter_map(|line| line.strip_prefix(setting));
        values.filter(|values| !values.starts_with('~')).any(|values| values.split(' ').any(|value| value == word))
    };
    let missing = NEEDED.iter().filter(|(setting, word, _)| !allows(setting, word));
    missing.map(|(setting, word, why)| format!("{FOLDER}/{SERVER}: {setting} lacks {word}: {why}")).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_saal_needs_must_be_allowed() {
        let unit = "RestrictAddressFamilies=AF_INET AF_NETLINK\nSystemCallFilter=@system-service\n\
            SystemCallFilter=sched_setaffinity\n";
        assert!(missing(unit).is_empty());
        let without = unit.replace(" AF_NETLINK", "").replace("=sched", "=~sched");
        assert_eq!(missing(&without).len(), 2, "{:?}", missing(&without));
    }
}
