// SPDX-License-Identifier: EUPL-1.2
//! rtpengine (Debian: `rtpengine-daemon`) between a telephone and the bridge, as providers have it: the telephone's side is in the
//! open, ours is encrypted with keys from the description (SDES). The test plays the proxy that tells rtpengine of the call.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use sip_bridge::sip::message::Transport;
use tempfile::TempDir;
use tokio::net::{TcpStream, UdpSocket};
use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::rustls::pki_types::ServerName;

use super::bridge::{PATIENCE, Running, Setup};
use super::phone::request;
use super::sound::{PACKET_TIME, Sound};
use super::streams::{Phone, certificate};

/// Where rtpengine is, and the telephone. Nobody else is on these addresses.
const ENGINE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 7, 1));
const TELEPHONE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 7, 2));

/// How long an answer is waited for before it is asked again. It knows by the cookie that it has answered already.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// One that runs. Dropping it ends it.
struct RtpEngine {
    control: UdpSocket,
    asked: u32,
    _child: Child,
    folder: TempDir,
}

impl RtpEngine {
    /// Without its kernel module.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let port = std::net::UdpSocket::bind((ENGINE, 0)).unwrap().local_addr().unwrap().port();
        let listen = SocketAddr::new(ENGINE, port);
        let child = Command::new("rtpengine")
            .args(["--config-file=none", "--foreground", "--log-stderr", "--log-level=6", "--table=-1"])
            // With several, they take packets of one call at the same time, and may change their order.
            .args(["--num-threads=1", "--port-min=46000", "--port-max=46099"])
            .arg(format!("--interface={ENGINE}"))
            .arg(format!("--listen-ng={listen}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("no rtpengine: `cargo xtask test --only packages` installs it");
        let control = UdpSocket::bind((ENGINE, 0)).await.unwrap();
        control.connect(listen).await.unwrap();
        let mut engine = Self { control, asked: 0, _child: child, folder };
        assert_eq!(engine.ask(&[("command", "ping")]).await["result"], "pong");
        engine
    }

    /// What the other side is offered in place of a description.
    async fn offer(&mut self, sdp: &str) -> String {
        let wants = [("DTLS", "off"), ("ICE", "remove"), ("transport-protocol", "RTP/SAVP")];
        self.describe(&[[("command", "offer"), ("sdp", sdp)].as_slice(), wants.as_slice()].concat()).await
    }

    /// What the telephone is answered in place of a description.
    async fn answer(&mut self, sdp: &str) -> String {
        self.describe(&[("command", "answer"), ("to-tag", "bridge"), ("sdp", sdp), ("ICE", "remove")]).await
    }

    async fn describe(&mut self, entries: &[(&str, &str)]) -> String {
        let call = [("call-id", "one"), ("from-tag", "telephone")];
        let mut reply = self.ask(&[entries, call.as_slice()].concat()).await;
        assert_eq!(reply.get("result").map(String::as_str), Some("ok"), "{reply:?}; {}", self.log());
        reply.remove("sdp").unwrap()
    }

    /// Asks something: a cookie, and a dictionary in the way of BitTorrent's bencoding.
    async fn ask(&mut self, entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        self.asked += 1;
        let cookie = format!("saal_{} ", self.asked);
        let sorted: BTreeMap<&str, &str> = entries.iter().copied().collect();
        let text = |text: &str| format!("{}:{text}", text.len());
        let entries: String = sorted.iter().map(|(name, value)| text(name) + &text(value)).collect();
        let question = format!("{cookie}d{entries}e");
        let answered = async {
            let mut buffer = vec![0; 65_536];
            loop {
                // Before it listens, this fails.
                let _ = self.control.send(question.as_bytes()).await;
                if let Ok(Ok(length)) = timeout(ASK_AGAIN, self.control.recv(&mut buffer)).await
                    && let Some(reply) = std::str::from_utf8(&buffer[..length]).unwrap().strip_prefix(&cookie)
                {
                    return dictionary(reply);
                }
                tokio::task::yield_now().await;
            }
        };
        match timeout(PATIENCE, answered).await {
            Ok(reply) => reply,
            Err(_) => panic!("rtpengine does not answer: {}", self.log()),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// A dictionary whose names and values are texts, as are those of the replies that are read here.
fn dictionary(reply: &str) -> BTreeMap<String, String> {
    let mut rest = reply.strip_prefix('d').unwrap();
    let mut entries = BTreeMap::new();
    while rest != "e" {
        let mut text = || {
            let (length, after) = rest.split_once(':').unwrap();
            let (text, after) = after.split_at(length.parse().unwrap());
            rest = after;
            text.to_owned()
        };
        entries.insert(text(), text());
    }
    entries
}

/// Whether some sample of A-law is louder than 36 dB below the loudest.
fn is_audible(payload: &[u8]) -> bool {
    payload.iter().any(|byte| (byte ^ 0x55) & 0x7f >= 0x20)
}

/// The port of a description's sound.
fn port_of(sdp: &str) -> u16 {
    let media = sdp.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
    media.split(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_is_encrypted_with_the_keys_of_both_descriptions_in_both_directions() {
    let mut engine = RtpEngine::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (tls, client) = certificate(folder.path());
    let mut running = Running::with_sound(Setup { tls: Some(tls), ..Setup::default() });
    let stream = TcpStream::connect(running.address(Transport::Tls)).await.unwrap();
    let mut proxy = Phone::on(client.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap());

    let telephone = UdpSocket::bind((TELEPHONE, 0)).await.unwrap();
    let port = telephone.local_addr().unwrap().port();
    let plain = format!(
        "v=0\r\no=- 1 1 IN IP4 {TELEPHONE}\r\ns=-\r\nc=IN IP4 {TELEPHONE}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    );
    let offer = engine.offer(&plain).await;
    assert!(offer.contains(" RTP/SAVP 8 101\r\n") && offer.contains("a=crypto:"), "{offer}");
    proxy.send(&request("INVITE", "TLS", "one", 1, None, &offer)).await;
    let answer = proxy.expect(200).await;
    let tag = answer.headers.to.tag().unwrap().to_owned();
    let encrypted = String::from_utf8(answer.body).unwrap();
    assert!(encrypted.contains(" RTP/SAVP 8 101\r\n") && encrypted.contains("a=crypto:"), "{encrypted}");
    let answer = engine.answer(&encrypted).await;
    assert!(answer.contains(" RTP/AVP 8 101\r\n") && !answer.contains("a=crypto:"), "{answer}");
    proxy.send(&request("ACK", "TLS", "one", 1, Some(&tag), "")).await;

    // The greeting. What does not prove its key is dropped by rtpengine, so what comes was decrypted.
    let target = SocketAddr::new(ENGINE, port_of(&answer));
    let mut own = Sound { seq_no: 1_000, timestamp: 1_000 };
    // As a telephone has it: in one burst, rtpengine would change the order of packets.
    let mut clock = interval(PACKET_TIME);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = [0; 2_048];
    let hears = async {
        let mut audible = 0;
        while audible < 10 {
            tokio::select! {
                _ = clock.tick() => {
                    telephone.send_to(&own.silence(), target).await.unwrap();
                }
                received = telephone.recv_from(&mut buffer) => {
                    let (length, source) = received.unwrap();
                    assert_eq!((source, length, buffer[1] & 0x7f), (target, 12 + 160, 8));
                    audible += u32::from(is_audible(&buffer[12..length]));
                }
            }
        }
    };
    assert!(timeout(PATIENCE, hears).await.is_ok(), "nothing is heard: {}", engine.log());

    // And the other way: keys that the bridge understands.
    for event in [1, 2, 3, 4, 5, 6, 7, 8, 0, 1] {
        for packet in own.key_and_pause(event) {
            clock.tick().await;
            telephone.send_to(&packet, target).await.unwrap();
        }
    }
    let code = timeout(PATIENCE, running.codes.recv()).await;
    assert_eq!(code.unwrap_or_else(|_| panic!("no key comes: {}", engine.log())).as_deref(), Some("1234567801"));
    proxy.send(&request("BYE", "TLS", "one", 2, Some(&tag), "")).await;
    proxy.expect(200).await;
    running.end().await;
}
