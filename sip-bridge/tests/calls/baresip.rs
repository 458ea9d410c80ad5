// SPDX-License-Identifier: EUPL-1.2
//! baresip (Debian: `baresip-core`) as a telephone that is called: it answers by itself, hears what is said, and presses a key.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bus::phone::{CallPurpose, DialProgress, NotReachedReason, PhoneNotice, PhoneRequest, TrunkTransport};
use sip_bridge::transport::Roots;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running, Setup};
use super::callee::{Ordered, PORT, provider};

/// Where Debian keeps its parts.
const MODULES: &str = "/usr/lib/baresip/modules";

/// Where it takes commands.
const CONTROL: u16 = 4_444;

/// Longer than it takes to answer.
const RING: Duration = Duration::from_secs(60);

/// A telephone that runs.
struct Baresip {
    child: Child,
    control: TcpStream,
    told: String,
    folder: TempDir,
}

impl Baresip {
    /// One whose number is the one that tests dial. With a certificate it is called by TLS, and encrypts its sound.
    async fn start(address: IpAddr, certificate: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        let sound = home.join("microphone.wav");
        std::fs::write(&sound, speech()).unwrap();
        let modules = ["g722", "aufile", "aubridge", "sndfile", "srtp", "account", "menu", "ctrl_tcp", "stdio"];
        let modules: String = modules.iter().map(|name| format!("module {name}.so\n")).collect();
        let certificate_line =
            certificate.map(|file| format!("sip_certificate {}\n", file.display())).unwrap_or_default();
        let config = format!(
            "sip_listen {address}:{PORT}\n{certificate_line}call_max_calls 1\naudio_source aufile,{}\n\
             audio_player aubridge,loudspeaker\naudio_alert aubridge,alert\naudio_channels 1-1\nrtp_timeout 0\n\
             snd_path {}\nctrl_tcp_listen {address}:{CONTROL}\nmodule_path {MODULES}\n{modules}",
            sound.display(),
            home.display(),
        );
        std::fs::write(home.join("config"), config).unwrap();
        let secure = if certificate.is_some() { ";transport=tls" } else { "" };
        let encryption = if certificate.is_some() { ";mediaenc=srtp-mand" } else { "" };
        let account = format!(
            "<sip:+4930777@{address}{secure}>;regint=0;audio_codecs=G722;dtmfmode=rtpevent;answermode=auto{encryption}\n"
        );
        std::fs::write(home.join("accounts"), account).unwrap();
        std::fs::write(home.join("contacts"), "").unwrap();
        let log = std::fs::File::create(home.join("log")).unwrap();
        let child = Command::new("baresip")
            .arg("-f")
            .arg(home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("no baresip: `cargo xtask test --only packages` installs it");
        let connected = async {
            loop {
                match TcpStream::connect(SocketAddr::new(address, CONTROL)).await {
                    Ok(control) => return control,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let Ok(control) = timeout(PATIENCE, connected).await else {
            panic!("baresip does not start: {}", log_of(home))
        };
        Self { child, control, told: String::new(), folder }
    }

    /// Commands are JSON in netstrings.
    async fn command(&mut self, command: &str, params: &str) {
        let text = format!("{{\"command\":\"{command}\",\"params\":\"{params}\"}}");
        self.control.write_all(format!("{}:{text},", text.len()).as_bytes()).await.unwrap();
    }

    /// Waits until it has told of an event.
    async fn until(&mut self, event: &str) {
        let mut buffer = [0; 4_096];
        while !self.told.contains(event) {
            let read = timeout(PATIENCE, self.control.read(&mut buffer)).await;
            let length = read.ok().and_then(Result::ok).filter(|length| *length > 0);
            let Some(length) = length else { panic!("no {event}: {}\n{}", self.told, log_of(self.folder.path())) };
            self.told.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }

    /// Ends it. Gives the samples that have come out of its loudspeaker.
    async fn stop(mut self) -> Vec<i16> {
        self.command("quit", "").await;
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let recorded = files.filter(|path| path.to_string_lossy().ends_with("dec.wav")).max();
        let Some(recorded) = recorded else { panic!("nothing is recorded: {}", log_of(self.folder.path())) };
        let bytes = std::fs::read(recorded).unwrap();
        // Behind a header of 44 bytes.
        bytes[44..].chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect()
    }
}

fn log_of(home: &Path) -> String {
    std::fs::read_to_string(home.join("log")).unwrap_or_default()
}

/// A WAV file with a sentence that is said again and again: at the end of its file it hangs up.
fn speech() -> Vec<u8> {
    const HEADER: usize = 44;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sounds/sentence.wav");
    let mut file = std::fs::read(path).unwrap();
    let samples = file.split_off(HEADER).repeat(20);
    let length = u32::try_from(samples.len()).unwrap();
    file[4..8].copy_from_slice(&(length + 36).to_le_bytes());
    file[40..44].copy_from_slice(&length.to_le_bytes());
    file.extend(samples);
    file
}

/// How loud sound is, from 0 to 1.
fn loudness(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|sample| (f64::from(*sample) / 32_768.0).powi(2)).sum();
    (power / samples.len().max(1) as f64).sqrt()
}

/// Calls it, has it take part by its key, and ends the call.
async fn invite(running: Running, mut baresip: Baresip) {
    let mut call = Ordered::new(&running, CallPurpose::Invitation, RING);
    call.until_answered().await;
    baresip.until("CALL_ESTABLISHED").await;
    // A second of the invitation.
    while running.counted("sip_sound_sent_datagrams_total", None) < 50.0 {
        tokio::task::yield_now().await;
    }
    baresip.command("sndcode", "1").await;
    assert!(matches!(call.next().await, Some(PhoneRequest::CheckRoom { .. })));
    assert_eq!(running.counted("sip_outgoing_calls_total", Some("took_part")), 1.0);
    call.end.notices.send(PhoneNotice::GiveUp).await.unwrap();
    assert!(call.next().await.is_none());
    baresip.until("CALL_CLOSED").await;
    let heard = loudness(&baresip.stop().await);
    assert!(heard > 0.01, "{heard}");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_answers_hears_the_invitation_and_takes_part_by_a_key() {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 6, 1));
    let baresip = Baresip::start(address, None).await;
    let trunks = vec![provider(&[address], TrunkTransport::Udp)];
    invite(Running::with_sound(Setup { trunks, ..Setup::default() }), baresip).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_by_tls_has_its_sound_encrypted() {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 6, 2));
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec![address.to_string()]).unwrap();
    let (root, both) = (folder.path().join("root.pem"), folder.path().join("both.pem"));
    std::fs::write(&root, made.cert.pem()).unwrap();
    std::fs::write(&both, made.signing_key.serialize_pem() + &made.cert.pem()).unwrap();
    let baresip = Baresip::start(address, Some(&both)).await;
    let trunks = vec![provider(&[address], TrunkTransport::Tls)];
    let setup = Setup { trunks, roots: Roots::File(root), ..Setup::default() };
    invite(Running::with_sound(setup), baresip).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_that_hangs_up_has_declined() {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 6, 3));
    let mut baresip = Baresip::start(address, None).await;
    let trunks = vec![provider(&[address], TrunkTransport::Udp)];
    let running = Running::with_sound(Setup { trunks, ..Setup::default() });
    let mut call = Ordered::new(&running, CallPurpose::Invitation, RING);
    call.until_answered().await;
    baresip.until("CALL_ESTABLISHED").await;
    baresip.command("hangup", "").await;
    call.expect_not_reached(NotReachedReason::Declined, None).await;
    // And one to which nobody has to do anything.
    baresip.until("CALL_CLOSED").await;
    let mut test = Ordered::new(&running, CallPurpose::Test, RING);
    test.until_answered().await;
    assert_eq!(test.progress().await, DialProgress::Tested);
    assert!(test.next().await.is_none());
    baresip.stop().await;
    running.end().await;
}
