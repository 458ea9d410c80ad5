// SPDX-License-Identifier: EUPL-1.2
//! Two threads whose ticks are called one by one, and a telephone with encryption on loopback.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::audio::FRAME_TIME;
use crate::caller::{PlayToken, VolumeStep};
use crate::media::rtp::{Received, RtpConfig, RtpSession};
use crate::prompts::{Language, PromptId, Prompts};
use crate::sdp::{Capabilities, Negotiated, SessionDescription, SrtpKeys, answer};
use crate::sound::pace::Tick;
use crate::sound::{RtpSockets, SoundConfig, SoundLibrary};

const KEY: CallKey = CallKey(1);

/// Longer than a packet takes on loopback, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    thread: SoundThread,
    orders: SyncSender<SoundOrder>,
    events: Receiver<SoundEvent>,
}

impl Bench {
    fn new(library: &Arc<SoundLibrary>) -> Self {
        let (orders, taken) = mpsc::sync_channel(16);
        let (sender, events) = tokio::sync::mpsc::channel(16);
        let thread = SoundThread::new(None, SoundConfig::new(library.clone()), taken, sender);
        Self { thread, orders, events }
    }

    fn order(&self, order: SoundOrder) {
        self.orders.send(order).unwrap();
    }

    fn tick(&mut self, at: Instant) {
        assert!(self.thread.tick(&Tick { at, lateness: Duration::ZERO, left_out: 0 }).is_ok());
    }

    fn events(&mut self) -> Vec<SoundEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// Somebody calls, is answered, and is told something.
    fn call(&self) -> Telephone {
        let (telephone, sockets, agreed) = Telephone::new();
        self.order(SoundOrder::Begin { call: KEY, sockets, agreed: Box::new(agreed) });
        self.order(SoundOrder::Open { call: KEY });
        let (language, prompts) = (Language::English, vec![PromptId::Goodbye]);
        self.order(SoundOrder::Play { call: KEY, tenant: None, language, prompts, token: PlayToken(5) });
        self.order(SoundOrder::Volume { call: KEY, step: VolumeStep::Louder });
        telephone
    }
}

struct Telephone {
    session: RtpSession,
    socket: UdpSocket,
    bridge: SocketAddr,
    now: Instant,
    /// SSRC, sequence number and timestamp of the last packet.
    last: Option<(u32, u16, u32)>,
}

impl Telephone {
    fn new() -> (Self, RtpSockets, Negotiated) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let bind = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        let sockets = RtpSockets { rtp: bind(), rtcp: bind() };
        let bridge = sockets.rtp.local_addr().unwrap();
        let agreed = encrypted(socket.local_addr().unwrap().port());
        let mut theirs = agreed.clone();
        theirs.srtp = theirs.srtp.map(|keys| SrtpKeys { send: keys.receive, receive: keys.send });
        let now = Instant::now();
        let mut session = RtpSession::new(RtpConfig::default(), &theirs, &mut StdRng::seed_from_u64(2), now).unwrap();
        session.open(now);
        (Self { session, socket, bridge, now, last: None }, sockets, agreed)
    }

    fn say(&mut self) {
        let mut packet = Vec::new();
        self.session.send_audio(self.now, &[0xd5; 160], 160, false, &mut packet).unwrap();
        self.socket.send_to(&packet, self.bridge).unwrap();
    }

    /// The next packet, which goes on where the last one ended.
    fn hear(&mut self) {
        let mut buffer = [0; 2_000];
        let (len, source) = self.socket.recv_from(&mut buffer).unwrap();
        let packet = &mut buffer[..len];
        let number = |from: usize, bytes: usize| {
            packet[from..from + bytes].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
        };
        let (ssrc, seq_no, timestamp) = (number(8, 4), number(2, 2) as u16, number(4, 4));
        assert_eq!(source, self.bridge);
        let remote = self.session.agreed().remote_rtp.unwrap();
        let received = self.session.handle_datagram(self.now, remote, packet);
        if let Some((last_ssrc, last_seq_no, last_timestamp)) = self.last {
            let expected = (last_ssrc, last_seq_no.wrapping_add(1), last_timestamp.wrapping_add(160));
            assert_eq!((ssrc, seq_no, timestamp), expected);
            // The first of a source is only looked at (RFC 3550 appendix A.1).
            assert!(matches!(received, Ok(Received::Audio(..))), "it has the right keys and counters");
        }
        self.last = Some((ssrc, seq_no, timestamp));
    }

    fn hears_nothing_more(&self) {
        self.socket.set_nonblocking(true).unwrap();
        assert!(self.socket.recv(&mut [0; 2_000]).is_err());
        self.socket.set_nonblocking(false).unwrap();
    }
}

/// What is agreed on with a telephone at that port that wants encryption.
fn encrypted(port: u16) -> Negotiated {
    let key = "A".repeat(40);
    let text = format!(
        "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/SAVP 8\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\n"
    );
    let offer = SessionDescription::parse(text.as_bytes()).unwrap();
    let mut ours = Capabilities::new("127.0.0.1".parse().unwrap(), 20_000);
    ours.is_signaling_encrypted = true;
    answer(&offer, &ours, None, &mut StdRng::seed_from_u64(1)).unwrap().1
}

/// Lets a call go from one thread to the other, whose ticks are so many milliseconds behind those of the first, in the middle
/// of a sentence.
fn check_move(phase_ms: u64) {
    let library = Arc::new(SoundLibrary::new(Prompts::embedded()));
    let (mut first, mut second) = (Bench::new(&library), Bench::new(&library));
    let mut telephone = first.call();
    let (start, phase) = (telephone.now, Duration::from_millis(phase_ms));
    let mut has_heard_all = false;
    for round in 0..500 {
        telephone.now = start + FRAME_TIME * round;
        telephone.say();
        if round == 20 {
            first.order(SoundOrder::HandOver { call: KEY, to: second.orders.clone() });
        }
        first.tick(telephone.now);
        second.tick(telephone.now + phase);
        // In each round a packet, also in that of the move.
        telephone.hear();
        assert!(first.events().is_empty());
        for event in second.events() {
            match event {
                SoundEvent::Moved { call: KEY } => assert_eq!(round, 20),
                SoundEvent::Played { call: KEY, token: PlayToken(5) } => has_heard_all = true,
                other => panic!("{other:?}"),
            }
        }
    }
    telephone.hears_nothing_more();
    assert!(has_heard_all, "the sentence goes on");
    assert!(first.thread.calls.is_empty());
    assert_eq!(second.thread.calls[&KEY].volume, 1);
    second.order(SoundOrder::End { call: KEY });
    second.tick(telephone.now + FRAME_TIME);
    let events = second.events();
    let [SoundEvent::Ended { summary, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((summary.lost, summary.sent), (0, 500));
    assert!(summary.received >= 490, "{summary:?}");
}

#[test]
fn a_telephone_does_not_notice_that_another_thread_has_its_call() {
    for phase_ms in [0, 3, 19] {
        check_move(phase_ms);
    }
}

#[test]
fn ticks_that_the_first_thread_has_done_are_not_done_again() {
    let library = Arc::new(SoundLibrary::new(Prompts::embedded()));
    let (mut first, mut second) = (Bench::new(&library), Bench::new(&library));
    let mut telephone = first.call();
    let start = telephone.now;
    for round in 0..10 {
        first.tick(start + FRAME_TIME * round);
        telephone.hear();
    }
    first.order(SoundOrder::HandOver { call: KEY, to: second.orders.clone() });
    first.tick(start + FRAME_TIME * 10);
    // The other one is late, and makes up for what its own calls lack.
    for round in 6..10 {
        second.tick(start + FRAME_TIME * round);
    }
    telephone.hears_nothing_more();
    second.tick(start + FRAME_TIME * 10);
    telephone.hear();
    telephone.hears_nothing_more();
}

#[test]
fn a_call_that_cannot_be_given_stays_and_goes_on() {
    let library = Arc::new(SoundLibrary::new(Prompts::embedded()));
    let mut bench = Bench::new(&library);
    let mut telephone = bench.call();
    let (gone, _) = mpsc::sync_channel(1);
    let (full, _waiting) = mpsc::sync_channel(1);
    full.send(SoundOrder::Open { call: CallKey(2) }).unwrap();
    for (round, to) in (0..).zip([gone, full]) {
        bench.order(SoundOrder::HandOver { call: KEY, to });
        bench.tick(telephone.now + FRAME_TIME * round);
        let events = bench.events();
        assert!(matches!(events[..], [SoundEvent::NotMoved { call: KEY }]), "{events:?}");
        telephone.hear();
    }
    let (unknown, to) = (CallKey(9), bench.orders.clone());
    bench.order(SoundOrder::HandOver { call: unknown, to });
    bench.tick(telephone.now + FRAME_TIME * 2);
    let events = bench.events();
    assert!(matches!(events[..], [SoundEvent::NotMoved { call }] if call == unknown), "{events:?}");
}
