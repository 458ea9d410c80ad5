// SPDX-License-Identifier: EUPL-1.2

//! Installs the Debian packages that tests and measurements need and a build does not.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};

use crate::tools;

/// What the end-to-end tests run: programs that will do, and the package to install otherwise. `ip` sets up the network
/// namespace of the hostile scenarios; baresip is a telephone.
const FOR_BROWSER_TESTS: [(&[&str], &str); 4] = [
    (&["chromium", "google-chrome"], "chromium"),
    (&["firefox-esr", "firefox"], "firefox-esr"),
    (&["ip"], "iproute2"),
    (&["baresip"], "baresip-core"),
];

/// Makes sure that the end-to-end tests find a Chromium, a Firefox, a telephone and the tools to set up a network.
pub(crate) fn for_browser_tests() -> Result<()> {
    let missing: Vec<&str> = FOR_BROWSER_TESTS
        .iter()
        .filter(|(programs, _)| !programs.iter().any(|program| tools::find(program).is_some()))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() { Ok(()) } else { debian_packages(&missing) }
}

/// Makes sure that tests can start a PostgreSQL of their own. Debian's programs are in no search path.
pub(crate) fn postgres() -> Result<()> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let is_there = versions.map(|version| version.path().join("bin/initdb")).any(|program| program.exists());
    if is_there { Ok(()) } else { debian_packages(&["postgresql"]) }
}

/// What tests call the bridge for telephones with, what it calls, and what it registers at: a file of each package, and the package.
/// `ip` sets up the network namespace in which strangers flood it.
const SIP_PEERS: [(&str, &str); 5] = [
    ("/sbin/ip", "iproute2"),
    ("/usr/bin/sipp", "sip-tester"),
    ("/usr/bin/baresip", "baresip-core"),
    ("/usr/sbin/kamailio", KAMAILIO),
    ("/usr/bin/rtpengine", RTPENGINE),
];
const KAMAILIO: &str = "kamailio";
const RTPENGINE: &str = "rtpengine-daemon";

/// Makes sure that the bridge for telephones can be tested with others' idea of SIP.
pub(crate) fn sip_peers() -> Result<()> {
    let missing: Vec<&str> =
        SIP_PEERS.iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    debian_packages(&missing)?;
    // Debian starts them as services: one at the port that telephones and `saal serve --dev` want, the other with the ports of sound.
    for service in [KAMAILIO, RTPENGINE].into_iter().filter(|service| missing.contains(service)) {
        if Path::new("/run/systemd/system").exists() {
            let words = [privilege().unwrap_or_default(), &["systemctl", "disable", "--now", service]].concat();
            let status = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).status()?;
            ensure!(status.success(), "the service {service} could not be switched off: it takes ports of telephones");
        }
    }
    Ok(())
}

/// Makes sure that instructions can be counted.
pub(crate) fn valgrind() -> Result<()> {
    if tools::find("valgrind").is_some() { Ok(()) } else { debian_packages(&["valgrind"]) }
}

/// What a comparison needs: a file of each package, and the package.
const RIVALS: [(&str, &str); 8] = [
    ("/usr/bin/janus", "janus"),
    ("/usr/lib/go/bin/go", "golang-go"),
    ("/usr/share/gocode/src/github.com/pion/webrtc/go.mod", "golang-github-pion-webrtc.v3-dev"),
    ("/sbin/ip", "iproute2"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/bin/perf", "linux-perf"),
    ("/usr/bin/valgrind", "valgrind"),
    ("/usr/bin/strace", "strace"),
];

/// Makes sure that the rivals of a comparison are there, and what they are measured by.
pub(crate) fn rivals() -> Result<()> {
    let missing: Vec<&str> =
        RIVALS.iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() { Ok(()) } else { debian_packages(&missing) }
}

/// Installs packages as root, or through `sudo` when that asks no password. Steps that run side by side take turns: apt
/// refuses to work twice.
pub(crate) fn debian_packages(packages: &[&str]) -> Result<()> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = packages.join(" ");
    if tools::find("apt-get").is_none() {
        bail!("this system has no apt-get: install what these Debian packages hold: {wanted}");
    }
    let prefix = privilege()
        .with_context(|| format!("not root, and sudo asks for a password: run apt-get install {wanted} yourself"))?;
    apt_get(prefix, &["update", "-q"])?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    apt_get(prefix, &[&install, packages].concat())
}

/// The words to put before a command that needs root, when there are any that work.
pub(crate) fn privilege() -> Option<&'static [&'static str]> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(&[]);
    }
    let silent = Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    silent.is_ok_and(|status| status.success()).then_some(&["sudo", "-n"])
}

fn apt_get(prefix: &[&str], arguments: &[&str]) -> Result<()> {
    let words = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
    let output = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "apt-get {} failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
