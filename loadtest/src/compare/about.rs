// SPDX-License-Identifier: EUPL-1.2
//! On what was measured and what: the machine, and the versions and settings of all servers.

use std::fs;
use std::path::Path;

use serde::Serialize;
use tokio::process::Command;

use super::rivals::DEBIAN_GO;

/// Debian's packages that Janus's cost depends on.
const JANUS_PACKAGES: [&str; 6] = ["janus", "libnice10", "libsrtp2-1", "libssl3", "libglib2.0-0", "libmicrohttpd12"];

/// Debian's packages that make the SFU on pion.
const PION_PACKAGES: [&str; 7] = [
    "golang-go",
    "golang-github-pion-webrtc.v3-dev",
    "golang-github-pion-interceptor-dev",
    "golang-github-pion-srtp.v2-dev",
    "golang-github-pion-dtls.v2-dev",
    "golang-github-pion-ice.v2-dev",
    "golang-github-pion-rtp-dev",
];

/// What a report says about the machine.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) kernel: String,
    /// What else it had to do: `/proc/loadavg` at the beginning and at the end.
    pub(super) load_before: String,
    pub(super) load_after: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map_or_else(String::new, |(_, name)| name.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: one_line("/proc/sys/kernel/osrelease"),
            load_before: load(),
            load_after: String::new(),
        }
    }

    pub(crate) fn look_again(&mut self) {
        self.load_after = load();
    }

    /// It in a sentence or two.
    pub(crate) fn words(&self) -> String {
        let Self { processor, cores, kernel, load_before, load_after } = self;
        format!("{cores} × {processor}, Linux {kernel}. Load of the machine: {load_before} before, {load_after} after.")
    }
}

fn load() -> String {
    one_line("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn one_line(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default().trim().to_owned()
}

/// What a report says about a server.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ServerNote {
    pub(super) version: String,
    pub(super) settings: &'static str,
}

/// Asks the servers for their versions.
pub(super) async fn servers(saal: &Path) -> Vec<(&'static str, ServerNote)> {
    let note = |version, settings| ServerNote { version, settings };
    let saal = first_line(Command::new(saal).arg("--version")).await;
    let janus = first_line(Command::new("janus").arg("--version")).await;
    let go = first_line(Command::new(DEBIAN_GO).arg("version").env_remove("GOROOT")).await;
    vec![
        ("saal", note(saal, "release build, default settings")),
        (
            "janus",
            note(
                format!("{janus}; packages: {}", packages(&JANUS_PACKAGES).await),
                "VideoRoom by the HTTP API, default settings but for quieter logs and only the transport that is used; \
                 one peer connection to send and one to receive, multistream",
            ),
        ),
        (
            "pion",
            note(
                format!("{go}; packages: {}", packages(&PION_PACKAGES).await),
                "a small SFU of our own (loadtest/rivals/pion), default codecs, interceptors and ports",
            ),
        ),
    ]
}

async fn first_line(command: &mut Command) -> String {
    let Ok(output) = command.output().await else { return "not there".to_owned() };
    // Janus prints its version among other things.
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    text.lines().next().unwrap_or("says nothing").trim().to_owned()
}

async fn packages(names: &[&str]) -> String {
    let query = Command::new("dpkg-query").args(["-W", "-f", "${Package} ${Version}, "]).args(names).output().await;
    let listed = query.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    listed.unwrap_or_default().trim_end_matches(", ").to_owned()
}
