// SPDX-License-Identifier: EUPL-1.2

//! A small telephone: it calls, sends a packet for each that it hears, silent until it is told what to say, and presses keys by
//! SIP INFO.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::process::PATIENCE;
use super::sound::Ear;

/// RFC 3261 §17.1.1.1: how long an answer is waited for at first.
const T1: Duration = Duration::from_millis(500);

/// The head of an RTP packet of the bridge (RFC 3550 §5.1), which names no contributors.
const RTP_HEADER_BYTES: usize = 12;

/// RTP ticks and samples of a packet of 20 ms.
const FRAME_SAMPLES: u32 = 160;

/// The payload type of PCMA, and its silence.
const PCMA: u8 = 8;
const SILENCE: u8 = 0xd5;

/// A call that was answered. It is not hung up when it is dropped, as with a telephone whose battery is empty.
pub(crate) struct Telephone {
    sip: UdpSocket,
    rtp: UdpSocket,
    id: String,
    to_tag: String,
    cseq: u32,
    /// Where the bridge receives sound.
    sound: SocketAddr,
    packets: u16,
    /// Packets that are said one after the other and over and over. Silence without any.
    voice: Vec<Vec<u8>>,
    ear: Ear,
}

impl Telephone {
    /// Calls, and is answered.
    pub(crate) fn call(bridge: SocketAddr) -> Self {
        let (mut telephone, status, answer) = Self::dial(bridge);
        assert_eq!(status, 200, "{answer}");
        let to = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("to:")).expect("a To");
        telephone.to_tag = to.split_once(";tag=").expect("a tag").1.trim().to_owned();
        let audio = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).expect("an m-line");
        let port = audio.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
        telephone.sound = SocketAddr::new(bridge.ip(), port);
        telephone.send("ACK", "", "");
        telephone
    }

    /// The status by which a call is refused.
    pub(crate) fn refused(bridge: SocketAddr) -> u16 {
        let (mut telephone, status, _) = Self::dial(bridge);
        telephone.send("ACK", "", "");
        status
    }

    fn dial(bridge: SocketAddr) -> (Self, u16, String) {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let [sip, rtp] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a port"));
        sip.connect(bridge).expect("connected");
        sip.set_read_timeout(Some(T1)).expect("a timeout");
        rtp.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let id = format!("linked-{}-{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
        let port = rtp.local_addr().expect("an address").port();
        let (to_tag, voice, ear) = (String::new(), Vec::new(), Ear::new());
        let mut telephone = Self { sip, rtp, id, to_tag, cseq: 1, sound: bridge, packets: 0, voice, ear };
        let offer = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP {PCMA}\r\na=rtpmap:{PCMA} PCMA/8000\r\n"
        );
        let (status, answer) = telephone.transact("INVITE", "application/sdp", &offer);
        (telephone, status, answer)
    }

    /// Presses keys, one after the other.
    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.cseq += 1;
            let body = format!("Signal={key}\r\nDuration=100\r\n");
            let (status, answer) = self.transact("INFO", "application/dtmf-relay", &body);
            assert_eq!(status, 200, "{answer}");
        }
    }

    /// Hears so many packets.
    pub(crate) fn listen(&mut self, packets: usize) {
        for _ in 0..packets {
            self.hear();
        }
    }

    /// Hears what there is until something has come about.
    pub(crate) fn listen_until(&mut self, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "it did not come about");
            self.hear();
        }
    }

    /// The same of several at a time, each of which hears a packet in turn.
    pub(crate) fn all_listen(telephones: &mut [Self], packets: usize) {
        for _ in 0..packets {
            telephones.iter_mut().for_each(Self::hear);
        }
    }

    /// The same until something has come about.
    pub(crate) fn all_listen_until(telephones: &mut [Self], is_so: impl Fn(&[Self]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(telephones) {
            assert!(Instant::now() < deadline, "it did not come about");
            Self::all_listen(telephones, 1);
        }
    }

    /// Says that from now on.
    pub(crate) fn say(&mut self, voice: Vec<Vec<u8>>) {
        self.voice = voice;
    }

    /// What was heard so far counts no more.
    pub(crate) fn forget_tone(&mut self) {
        self.ear = Ear::new();
    }

    /// Whether the tone was heard that another one says.
    pub(crate) fn has_heard_tone(&self) -> bool {
        self.ear.has_heard_tone()
    }

    fn hear(&mut self) {
        let mut packet = [0; 1_500];
        let length = self.rtp.recv(&mut packet).expect("sound");
        // RTP's version, and the payload type without the marker.
        let heard = &packet[..length];
        assert!(length > RTP_HEADER_BYTES && heard[0] >> 6 == 2 && heard[1] & 0x7f == PCMA, "{heard:?}");
        self.ear.hear(&heard[RTP_HEADER_BYTES..]);
        self.packets = self.packets.wrapping_add(1);
        let timestamp = u32::from(self.packets) * FRAME_SAMPLES;
        let silence = [SILENCE; FRAME_SAMPLES as usize];
        let place = usize::from(self.packets).checked_rem(self.voice.len());
        let payload = place.map_or(&silence[..], |place| &self.voice[place][..]);
        let mut said = vec![0x80, PCMA];
        said.extend_from_slice(&self.packets.to_be_bytes());
        said.extend_from_slice(&timestamp.to_be_bytes());
        said.extend_from_slice(&7_u32.to_be_bytes());
        said.extend_from_slice(payload);
        self.rtp.send_to(&said, self.sound).expect("sent");
    }

    /// Sends a request, again while nothing comes, until it has its final answer.
    fn transact(&mut self, method: &str, content_type: &str, body: &str) -> (u16, String) {
        let deadline = Instant::now() + PATIENCE;
        let mut is_heard = false;
        let cseq = format!("{} {method}", self.cseq);
        self.send(method, content_type, body);
        loop {
            assert!(Instant::now() < deadline, "{method} is not answered");
            let mut buffer = [0; 65_536];
            match self.sip.recv(&mut buffer) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    let is_ours = text.lines().any(|line| {
                        line.split_once(':').is_some_and(|(name, value)| {
                            name.trim().eq_ignore_ascii_case("cseq") && value.trim() == cseq
                        })
                    });
                    let status = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok());
                    match status.filter(|_| is_ours) {
                        Some(status) if status >= 200 => return (status, text),
                        Some(_) => is_heard = true,
                        // Of an earlier request, said again.
                        None => {}
                    }
                }
                Err(_) if is_heard => {}
                Err(_) => self.send(method, content_type, body),
            }
        }
    }

    fn send(&mut self, method: &str, content_type: &str, body: &str) {
        let Self { id, cseq, to_tag, .. } = self;
        let own = self.sip.local_addr().expect("an address");
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let content_type = if body.is_empty() { String::new() } else { format!("Content-Type: {content_type}\r\n") };
        // A new transaction for the ACK of a 200 (RFC 3261 §13.2.2.4), and that of the INVITE for the ACK of a refusal (§17.1.1.3).
        let branch = match method {
            "ACK" if to_tag.is_empty() => "INVITE",
            other => other,
        };
        let request = format!(
            "{method} sip:+49301@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{branch}{id}{cseq};rport\r\n\
             From: <sip:+491701@127.0.0.1>;tag=f{id}\r\nTo: <sip:+49301@127.0.0.1>{to_tag}\r\nCall-ID: {id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:phone@{own}>\r\nMax-Forwards: 70\r\n{content_type}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.sip.send(request.as_bytes()).expect("sent");
    }
}
