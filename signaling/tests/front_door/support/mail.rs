// SPDX-License-Identifier: EUPL-1.2
//! A real mail server that keeps what it receives, and an independent reader of calendars. Both are Python programs with
//! packages that `cargo xtask test` installs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::soon;

/// The server.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Who vouches for it with TLS: itself.
    pub(crate) certificate: Option<String>,
    /// Both end with us.
    _process: Child,
    _folder: Option<TempDir>,
}

impl MailServer {
    /// One that takes everything.
    pub(crate) async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// The same, on a port that is known before.
    pub(crate) async fn start_on(port: u16) -> Self {
        Self::start_with(json!({ "port": port })).await
    }

    /// One that takes nothing without TLS, and what else it wants.
    pub(crate) async fn start_with_tls(mut options: Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let files = [("certificate", made.cert.pem()), ("key", made.signing_key.serialize_pem())];
        for (name, text) in files {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("a file");
            options[name] = file.to_str().expect("text").into();
        }
        let server = Self::start_with(options).await;
        Self { certificate: Some(made.cert.pem()), _folder: Some(folder), ..server }
    }

    async fn start_with(options: Value) -> Self {
        let mut process = python("mail_server.py")
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let input = process.stdin.take().expect("standard input");
        let mut output = BufReader::new(process.stdout.take().expect("standard output")).lines();
        let port = soon(output.next_line()).await.expect("a line").expect("a port");
        Self { port: port.parse().expect("a port"), input, output, certificate: None, _process: process, _folder: None }
    }

    /// The next mail.
    pub(crate) async fn mail(&mut self) -> Value {
        let line = soon(self.output.next_line()).await.expect("a line").expect("a mail");
        serde_json::from_str(&line).expect("JSON")
    }

    /// So many mails, by whom they go to.
    pub(crate) async fn mails(&mut self, count: usize) -> Vec<Value> {
        let mut mails = Vec::new();
        for _ in 0..count {
            mails.push(self.mail().await);
        }
        mails.sort_by_key(|mail| mail["envelope_to"].to_string());
        mails
    }

    /// From now on it answers so.
    pub(crate) async fn answer(&mut self, answer: &str) {
        self.input.write_all(format!("{answer}\n").as_bytes()).await.expect("written");
        let said = self.mail().await;
        assert_eq!(said["now"], answer, "a mail came that nobody looked at");
    }
}

/// What another reader makes of a calendar.
pub(crate) async fn read_calendar(calendar: &str, first: &str, last: &str) -> Value {
    let mut process = python("read_calendar.py")
        .args([first, last])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = process.stdin.take().expect("standard input");
    input.write_all(calendar.as_bytes()).await.expect("written");
    drop(input);
    let output = soon(process.wait_with_output()).await.expect("an end");
    assert!(output.status.success(), "the calendar cannot be read:\n{calendar}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn support() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/front_door/support")
}

/// One of our programs.
fn python(program: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let python = target.join("tools/test-python/bin/python");
    assert!(python.exists(), "{} is missing: `cargo xtask test --only packages` installs it", python.display());
    let mut command = Command::new(python);
    command.arg(support().join(program)).kill_on_drop(true);
    command
}
