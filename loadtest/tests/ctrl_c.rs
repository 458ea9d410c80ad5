// SPDX-License-Identifier: EUPL-1.2

//! The program as somebody meets it who has seen enough of a run, against a small server that takes one publisher.

// Clippy knows tests by their attribute, and helpers have none.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;
use sfu_media::ids::{SpeakerGroup, TrackId, TransportId};
use sfu_media::session::{MediaKind, TransportSetup};
use sfu_media::transport::negotiation::{Negotiation, NegotiationConfig, Publication};
use sfu_media::transport::{DtlsIdentity, Transport};

/// Longer than any test takes: a run that does not end on Ctrl-C is found by the test's patience.
const MEASURED_SECONDS: &str = "600";

/// About a second of pictures: the count begins a moment after the program says so.
const SOME_PACKETS: usize = 250;

/// What a server does when a client says good-bye.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    Answers,
    KeepsSilent,
}

/// A server of offers that are posted over HTTP.
struct Server {
    url: String,
    /// One for each packet of media.
    packets: Receiver<()>,
    /// One when the client says good-bye.
    goodbyes: Receiver<()>,
}

impl Server {
    fn start(manners: Manners) -> Self {
        let http = TcpListener::bind("127.0.0.1:0").unwrap();
        let media = UdpSocket::bind("127.0.0.1:0").unwrap();
        let url = format!("post+http://{}", http.local_addr().unwrap());
        let identity = DtlsIdentity::generate().unwrap();
        let negotiation = negotiation(&identity, media.local_addr().unwrap());
        let ((setups, setup), (packet, packets), (goodbye, goodbyes)) = (channel(), channel(), channel());
        std::thread::spawn(move || serve_http(&http, negotiation, manners, &setups, &goodbye));
        std::thread::spawn(move || serve_media(&media, &identity, &setup, &packet));
        Self { url, packets, goodbyes }
    }
}

/// With a client that publishes one camera.
fn negotiation(identity: &DtlsIdentity, media: SocketAddr) -> Negotiation {
    let config = NegotiationConfig { fingerprint: identity.fingerprint(), candidates: vec![media] };
    let mut negotiation = Negotiation::new(TransportId(1), Arc::new(config), StdRng::seed_from_u64(1));
    negotiation.publish(Publication {
        track: TrackId(1),
        cid: "publisher-0-0".to_owned(),
        kind: MediaKind::Video,
        is_stereo: false,
        wants_dtx: false,
        speaker_group: SpeakerGroup(1),
    });
    negotiation
}

/// Takes one connection, and ends with it.
fn serve_http(
    listener: &TcpListener,
    mut negotiation: Negotiation,
    manners: Manners,
    setups: &Sender<TransportSetup>,
    goodbye: &Sender<()>,
) {
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    while let Some((method, body)) = read_request(&mut stream) {
        if method == "POST" {
            let accepted = negotiation.accept_offer(&body).unwrap();
            setups.send(negotiation.transport_setup(&accepted)).unwrap();
            respond(stream.get_mut(), &accepted.answer);
            continue;
        }
        let _ = goodbye.send(());
        if manners == Manners::Answers {
            respond(stream.get_mut(), "");
        }
    }
}

/// The method and the body; `None` when the client has hung up.
fn read_request(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let method = head.split(' ').next().unwrap().to_ascii_uppercase();
    Some((method, String::from_utf8(body).unwrap()))
}

fn respond(stream: &mut TcpStream, body: &str) {
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
}

fn serve_media(socket: &UdpSocket, identity: &DtlsIdentity, setups: &Receiver<TransportSetup>, packet: &Sender<()>) {
    let Ok(setup) = setups.recv() else { return };
    let mut transport = Transport::new(Instant::now(), identity, &setup);
    let mut datagram = [0; 2_048];
    while let Ok((len, from)) = socket.recv_from(&mut datagram) {
        let now = Instant::now();
        // RFC 7983.
        match datagram[0] {
            0..=3 => drop(transport.handle_stun(now, from, &datagram[..len])),
            20..=63 => drop(transport.handle_dtls(now, &datagram[..len])),
            _ => {
                // The test is over when nobody counts any more.
                if transport.open_rtp(&mut datagram[..len]).is_ok() && packet.send(()).is_err() {
                    return;
                }
            }
        }
        while let Some((to, datagram)) = transport.poll_datagram() {
            socket.send_to(&datagram, to).unwrap();
        }
    }
}

/// A run of the program, which is killed when its test gives up.
struct Run {
    process: Option<Child>,
    json: PathBuf,
}

impl Run {
    /// A camera that nobody watches.
    fn start(name: &str, server: &str) -> Self {
        let json = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
        let _ = std::fs::remove_file(&json);
        let process = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(["broadcast", "--publishers", "1", "--subscribers", "0", "--settle", "0"])
            .args(["--duration", MEASURED_SECONDS, "--server", server, "--json"])
            .arg(&json)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { process: Some(process), json }
    }

    fn process(&mut self) -> &mut Child {
        self.process.as_mut().unwrap()
    }

    /// Reads what it says until it has come to `stage`.
    fn wait_for(&mut self, stage: &str) {
        let mut said = String::new();
        let stderr = self.process().stderr.as_mut().unwrap();
        while !said.ends_with(&format!("{stage}\n")) {
            let mut byte = [0];
            assert_eq!(stderr.read(&mut byte).unwrap(), 1, "it ended: {said}");
            said.push(char::from(byte[0]));
        }
    }

    fn press_ctrl_c(&mut self) {
        let pid = i32::try_from(self.process().id()).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    }

    /// What it said at the end, with exit status 130.
    fn interrupted(mut self) -> (String, String) {
        let Output { status, stdout, stderr } = self.process.take().unwrap().wait_with_output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(130), "{stdout}{stderr}");
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

/// How long anything may take that the tests wait for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Receives packets that are sent from now on.
fn receive_some(packets: &Receiver<()>) {
    while packets.try_recv().is_ok() {}
    for _ in 0..SOME_PACKETS {
        packets.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn ctrl_c_ends_a_run_early_and_keeps_what_was_measured() {
    let server = Server::start(Manners::Answers);
    let mut run = Run::start("ended-early", &server.url);
    run.wait_for("broadcast: measuring");
    receive_some(&server.packets);
    run.press_ctrl_c();
    server.goodbyes.recv_timeout(PATIENCE).unwrap();
    let json = run.json.clone();
    let (stdout, _) = run.interrupted();
    assert!(stdout.contains("ended early") && stdout.contains(" of 600 s were measured"), "{stdout}");
    let outcome: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!((&outcome["ended_early"], &outcome["planned_seconds"]), (&true.into(), &600.0.into()));
    assert!(outcome["sent"].as_u64().unwrap() > 0, "{outcome}");
    let seconds = outcome["seconds"].as_f64().unwrap();
    assert!(seconds > 0.0 && seconds < PATIENCE.as_secs_f64(), "{seconds}");
}

#[test]
fn a_second_ctrl_c_ends_at_once_what_the_first_does_not_and_the_result_is_there() {
    let server = Server::start(Manners::KeepsSilent);
    let mut run = Run::start("ended-at-once", &server.url);
    run.wait_for("broadcast: measuring");
    run.press_ctrl_c();
    server.goodbyes.recv_timeout(PATIENCE).unwrap();
    assert!(run.process().try_wait().unwrap().is_none(), "it waits for an answer to its good-bye");
    run.press_ctrl_c();
    let json = run.json.clone();
    let (stdout, stderr) = run.interrupted();
    assert!(stdout.contains("ended early") && stderr.contains("loadtest: interrupted\n"), "{stdout}{stderr}");
    assert!(json.exists());
}

#[test]
fn without_anything_measured_there_is_no_result() {
    // It takes connections and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut run = Run::start("nothing-measured", &format!("post+http://{}", silent.local_addr().unwrap()));
    run.wait_for("broadcast: joining");
    run.press_ctrl_c();
    let json = run.json.clone();
    let (stdout, stderr) = run.interrupted();
    assert!(stdout.is_empty() && stderr.contains("interrupted before anything was measured"), "{stdout}{stderr}");
    assert!(!json.exists());
}
