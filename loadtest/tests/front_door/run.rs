// SPDX-License-Identifier: EUPL-1.2
//! A run of the program.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A run of the program, which is killed when its test gives up.
pub(crate) struct Run {
    process: Option<Child>,
    pub(crate) json: PathBuf,
}

impl Run {
    /// A camera that nobody watches, for so many seconds, with more words on the command line.
    pub(crate) fn start(name: &str, server: &str, seconds: f64, more: &[&str]) -> Self {
        let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
        let _ = std::fs::remove_file(&json);
        let process = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["broadcast", "--publishers", "1", "--subscribers", "0", "--settle", "0"])
            .args(["--duration", &seconds.to_string(), "--server", server, "--json"])
            .arg(&json)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { process: Some(process), json }
    }

    pub(crate) fn process(&mut self) -> &mut Child {
        self.process.as_mut().unwrap()
    }

    /// Reads what it says until it has come to `stage`.
    pub(crate) fn wait_for(&mut self, stage: &str) {
        let mut said = String::new();
        let stderr = self.process().stderr.as_mut().unwrap();
        while !said.ends_with(&format!("{stage}\n")) {
            let mut byte = [0];
            assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended: {said}");
            said.push(char::from(byte[0]));
        }
    }

    pub(crate) fn press_ctrl_c(&mut self) {
        let pid = i32::try_from(self.process().id()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    }

    /// What it said at the end, with exit status 130.
    pub(crate) fn interrupted(self) -> (String, String) {
        self.ended(130)
    }

    /// What it said at the end, with this exit status.
    pub(crate) fn ended(mut self, code: i32) -> (String, String) {
        let Output { status, stdout, stderr } = self.process.take().unwrap().wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
        (stdout, stderr)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
