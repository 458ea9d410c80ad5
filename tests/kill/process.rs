// SPDX-License-Identifier: EUPL-1.2
//! The processes: Saal, which is killed, and its commands.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

fn saal(folder: &Path, database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saal"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SAAL_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null()).env("SAAL_API__REQUESTS_PER_SECOND", "100000");
    command.env("SAAL_DATABASE__URL", database);
    command
}

impl Server {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(folder: &Path, database: &str) -> Self {
        let mut command = saal(folder, database);
        command.args(["serve", "--dev", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0"]);
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().expect("running saal");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("not ready: {line:?} {}", self::log(folder)));
        Self { process, address }
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("dead");
    }
}

/// What the last server said.
pub(crate) fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// A token for the writers.
pub(crate) fn token(folder: &Path, database: &str) -> String {
    let mut create = saal(folder, database);
    create.args(["api-token", "create", "--name", "writer", "--scopes", "meetings:*,invitees:*"]);
    let token = create.output().expect("running saal");
    assert!(token.status.success(), "{token:?}");
    String::from_utf8(token.stdout).expect("text").trim().to_owned()
}

/// What an operator would ask afterwards.
pub(crate) fn verify_audit(folder: &Path, database: &str) {
    let verified = saal(folder, database).args(["audit", "verify"]).output().expect("running saal");
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("intact"), "{verified:?}");
    print!("{said}");
}
