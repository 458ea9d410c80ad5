// SPDX-License-Identifier: EUPL-1.2

//! The two processes: a server that takes a bridge, and the bridge. What they log is how the test learns their ports and what
//! has happened.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;

/// For what is certain to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Lines of the log that wait for the test. When it is full, the reader waits, and with it the process; no test lets so many lie.
const LINES: usize = 65_536;

const NODE: &str = "[sip]\nlisten = []\n[link]\nlisten = ['127.0.0.1:0']\nsecret_file = 'secret'\nbridge_ends = 2\n";

const BRIDGE: &str =
    "[sip]\nlisten = ['127.0.0.1:0']\nrtp_ports = '42000-42999'\nmax_calls = 100\nthreads = 2\n[link]\n";

/// In place of the last line of that, with TLS.
const TLS: &str = "listen_tls = ['127.0.0.1:0']\ncertificate = 'certificate.pem'\nkey = 'key.pem'\n[link]";

/// The same with patience for calls.
const PATIENT: &str = "drain_seconds = 3600\n[link]";

/// A folder with settings, where both processes run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty one. An earlier run may have been of another version.
    pub(crate) fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("creating a folder");
        let files = [
            ("secret", "0123456789abcdef0123456789abcdef\n".to_owned()),
            ("other-secret", "0123456789abcdef0123456789abcdeF\n".to_owned()),
            ("node.toml", NODE.to_owned()),
            ("bridge.toml", format!("{BRIDGE}secret_file = 'secret'\n")),
            ("tls.toml", format!("{}secret_file = 'secret'\n", BRIDGE.replace("[link]", TLS))),
            ("patient.toml", format!("{}secret_file = 'secret'\n", BRIDGE.replace("[link]", PATIENT))),
            ("stranger.toml", format!("{BRIDGE}secret_file = 'other-secret'\n")),
        ];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).expect("writing a file");
        }
        Self(folder)
    }

    /// Writes a file, or writes it anew.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("writing a file");
    }

    /// Writes another certificate for the bridge of `tls.toml`, and its key.
    pub(crate) fn certify(&self) {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        self.write("certificate.pem", &made.cert.pem());
        self.write("key.pem", &made.signing_key.serialize_pem());
    }

    fn saal(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_saal"));
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SAAL_") {
                command.env_remove(name);
            }
        }
        command.env("SAAL_LOG__FORMAT", "json");
        command
    }
}

/// What a command says that does not do what it is told.
pub(crate) fn refused(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.saal(arguments).output().expect("running saal");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// One of the processes. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    http: SocketAddr,
    /// Of the link where it is a server, of SIP by UDP where it is a bridge.
    port: u16,
}

impl Process {
    /// A server that takes a bridge.
    pub(crate) fn node(folder: &Folder) -> Self {
        let (http, media) = ("127.0.0.1:0", "127.0.0.1:0");
        let mut command = folder.saal(&["serve", "--dev", "--config", "node.toml", "--http", http, "--media", media]);
        let (child, lines) = start(&mut command);
        let attachable = wait_for(&lines, |line| line["message"] == "a bridge for telephones can attach itself");
        Self::ready(child, lines, &attachable)
    }

    /// A bridge that attaches itself to a server.
    pub(crate) fn bridge(folder: &Folder, node: &Self, settings: &str) -> Self {
        let address = format!("127.0.0.1:{}", node.port);
        let (child, lines) = start(&mut bridge(folder, &address, settings));
        let callable = wait_for(&lines, |line| {
            line["message"] == "telephones can call"
                && line["transport"].as_str().is_some_and(|transport| transport.eq_ignore_ascii_case("udp"))
        });
        Self::ready(child, lines, &callable)
    }

    /// Why the server does not take a bridge, as the bridge says.
    pub(crate) fn refused_bridge(folder: &Folder, node: &Self, settings: &str) -> String {
        let address = format!("127.0.0.1:{}", node.port);
        let (mut child, lines) = start(&mut bridge(folder, &address, settings));
        let refused =
            wait_for(&lines, |line| line["message"] == "the node does not take this bridge; calls are declined");
        assert_eq!(
            child.try_wait().expect("a state"),
            None,
            "it goes on, since anybody could answer in the node's place"
        );
        child.kill().expect("killed");
        child.wait().expect("dead");
        refused["error"].as_str().expect("a reason").to_owned()
    }

    fn ready(child: Child, lines: Receiver<String>, with_port: &Value) -> Self {
        let port = with_port["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        let ready = wait_for(&lines, |line| line["message"] == "ready");
        let http = ready["http"].as_str().and_then(|http| http.parse().ok()).expect("an address");
        Self { child, lines, http, port }
    }

    /// Where a bridge is called.
    pub(crate) fn sip(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Whether a bridge has its server.
    pub(crate) fn is_attached(&self) -> bool {
        self.get("/health/ready").starts_with("HTTP/1.1 200 ")
    }

    /// Waits until it has logged that.
    pub(crate) fn wait_for(&self, message: &str) {
        wait_for(&self.lines, |line| line["message"] == message);
    }

    /// Asks over and over.
    pub(crate) fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "it did not come about");
        }
    }

    /// Tells it something by a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process");
        nix::sys::signal::kill(Pid::from_raw(id), signal).expect("told");
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("dead");
    }

    /// An answer with its head.
    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.http))
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let text = self.get("/metrics");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("{name} is not in {text}"))
    }

    /// Makes a meeting that lets everybody in at once: its conference number and its PIN.
    pub(crate) fn meeting(&self, folder: &Folder) -> (String, String) {
        let create = ["api-token", "create", "--name", "test", "--scopes", "meetings:*,invitees:*"];
        let token = folder.saal(&create).output().expect("running saal");
        assert!(token.status.success(), "{token:?}");
        let token = String::from_utf8(token.stdout).expect("text");
        let wanted = serde_json::json!({
            "title": "Linked", "type": "ad_hoc", "organizer": { "email": "orga@example.org" },
            "invitation": { "delivery": "none" },
            "policy_overrides": {
                "guests": "link", "lobby": "off", "join_before_host": true, "mute_upon_entry": false,
            },
        })
        .to_string();
        let answer = self.ask(&format!(
            "POST /api/v1/meetings HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{wanted}",
            self.http,
            token.trim(),
            wanted.len()
        ));
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 201 "), "{answer}");
        let made: Value = serde_json::from_str(body).expect("JSON");
        let text = |name: &str| made["dial_in"][name].as_str().expect("a code").to_owned();
        (text("conference_id"), text("pin"))
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.http).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bridge(folder: &Folder, node: &str, settings: &str) -> Command {
    folder.saal(&["sip", "--node", node, "--dev", "--config", settings, "--http", "127.0.0.1:0"])
}

fn start(command: &mut Command) -> (Child, Receiver<String>) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starting saal");
    let log = child.stderr.take().expect("its log");
    let (sender, lines) = mpsc::sync_channel(LINES);
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    (child, lines)
}

/// The next line of the log that is meant. What was before it is passed over.
fn wait_for(lines: &Receiver<String>, is_meant: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    let mut passed = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) => match serde_json::from_str::<Value>(&line) {
                Ok(value) if is_meant(&value) => return value,
                _ => passed.push(line),
            },
            Err(error) => panic!("{error} after {passed:#?}"),
        }
    }
}
