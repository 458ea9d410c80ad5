// SPDX-License-Identifier: EUPL-1.2
//! A telephone for tests: A-law or G.722 in RTP, somebody who says a sentence and whistles, and an ear for the whistle.

use std::f64::consts::TAU;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};
use crate::media::codec::{OpusSettings, PhoneCodec, PhoneDecoder, PhoneEncoder};
use crate::media::level::level_dbov;
use crate::media::sample_speech::speech;
use crate::sdp::{Capabilities, Negotiated, SessionDescription, answer};

/// What a telephone offers that has A-law and telephone events.
pub(super) const USUAL: &str = "m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n";

/// The same with G.722.
pub(super) const WIDEBAND: &str = "m=audio 4000 RTP/AVP 9 101\na=rtpmap:101 telephone-event/8000\n";

/// What is whistled.
pub(super) const WHISTLE_HZ: f64 = 1_000.0;

/// What follows from an offer with these lines, of a telephone at 192.0.2.1.
pub(super) fn agreed(lines: &str) -> Negotiated {
    agreed_with("192.0.2.1", lines, None)
}

/// What follows from an offer of a telephone at that address, in a call with or without an agreement.
pub(super) fn agreed_with(address: &str, lines: &str, previous: Option<&Negotiated>) -> Negotiated {
    let text = format!("v=0\no=- 1 1 IN IP4 {address}\ns=-\nc=IN IP4 {address}\nt=0 0\n{lines}");
    let offer = SessionDescription::parse(text.as_bytes()).unwrap();
    let ours = Capabilities::new("192.0.2.10".parse().unwrap(), 20_000);
    answer(&offer, &ours, previous, &mut StdRng::seed_from_u64(1)).unwrap().1
}

/// 20 ms of a tone.
pub(super) fn whistle(tick: usize, hz: f64) -> Frame {
    std::array::from_fn(|at| {
        let time = (tick * FRAME_SAMPLES + at) as f64 / f64::from(SAMPLE_RATE_HZ);
        (6_000.0 * (TAU * hz * time).sin()) as i16
    })
}

/// Which part of a frame's power is at a frequency: 1 for a tone, and nothing for silence.
pub(super) fn share(frame: &Frame, hz: f64) -> f64 {
    if level_dbov(frame) > 45 {
        return 0.0;
    }
    let all: f64 = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    power_at(frame, hz) * FRAME_SAMPLES as f64 / all
}

/// The power of a tone within a frame, as a mean square, by Goertzel's algorithm. It has a whole number of periods in it.
pub(super) fn power_at(frame: &Frame, hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(SAMPLE_RATE_HZ)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in frame {
        (last, before) = (f64::from(*sample) + coefficient * last - before, last);
    }
    let at_frequency = last * last + before * before - coefficient * last * before;
    2.0 * at_frequency / (FRAME_SAMPLES as f64).powi(2)
}

/// Whether somebody whistles in a frame, and nothing else is heard.
pub(super) fn is_whistled(frame: &Frame) -> bool {
    share(frame, WHISTLE_HZ) > 0.8
}

/// Somebody who speaks for a second and whistles for half a one, over and over. A tone alone is not taken for a voice; one
/// that follows on a sentence belongs to it.
pub(super) struct Whistler {
    sentence: Vec<Frame>,
    tick: usize,
}

impl Whistler {
    pub(super) fn new() -> Self {
        Self { sentence: speech(), tick: 0 }
    }

    pub(super) fn next(&mut self) -> Frame {
        let tick = self.tick;
        self.tick += 1;
        // The first seconds of the sentence have no long pause.
        if tick % 75 < 50 { self.sentence[10 + tick % 75] } else { whistle(tick, WHISTLE_HZ) }
    }
}

/// A telephone's side of RTP.
pub(super) struct Phone {
    payload_type: u8,
    encoder: PhoneEncoder,
    decoder: PhoneDecoder,
    seq_no: u16,
    rtp_timestamp: u32,
}

impl Phone {
    pub(super) fn new() -> Self {
        Self::with(PhoneCodec::Pcma, 8)
    }

    /// With G.722, whose RTP time goes on as that of A-law does (RFC 3551 §4.5.2).
    pub(super) fn wideband() -> Self {
        Self::with(PhoneCodec::G722, 9)
    }

    fn with(codec: PhoneCodec, payload_type: u8) -> Self {
        Self {
            payload_type,
            encoder: PhoneEncoder::new(codec, OpusSettings::default()).unwrap(),
            decoder: PhoneDecoder::new(codec).unwrap(),
            seq_no: 65_500,
            rtp_timestamp: 4_294_960_000,
        }
    }

    /// A packet of sound.
    pub(super) fn say(&mut self, frame: &Frame) -> Vec<u8> {
        let mut packet = self.header(self.payload_type);
        self.encoder.encode(frame, &mut packet).unwrap();
        self.rtp_timestamp = self.rtp_timestamp.wrapping_add(160);
        packet
    }

    /// A packet that describes the noise of a pause (RFC 3389), which takes as long as one of sound.
    pub(super) fn pause(&mut self) -> Vec<u8> {
        let mut packet = self.header(13);
        packet.push(60);
        self.rtp_timestamp = self.rtp_timestamp.wrapping_add(160);
        packet
    }

    /// The packets of a key that is pressed for 100 ms (RFC 4733): time goes on by it.
    pub(super) fn press(&mut self, event: u8) -> Vec<Vec<u8>> {
        let packets = (1..=7).map(|number: u16| {
            let (end, duration) = if number >= 5 { (0x80, 800) } else { (0, 160 * number) };
            let mut packet = self.header(101);
            packet.extend([event, end | 10]);
            packet.extend(duration.to_be_bytes());
            packet
        });
        let packets = packets.collect();
        self.rtp_timestamp = self.rtp_timestamp.wrapping_add(800);
        packets
    }

    /// What a packet sounds like, if it is one of sound.
    pub(super) fn hear(&mut self, packet: &[u8]) -> Option<Frame> {
        let mut frame = SILENCE;
        let is_sound = packet[0] == 0x80 && packet[1] & 0x7f == self.payload_type;
        is_sound.then(|| assert_eq!(self.decoder.decode(&packet[12..], &mut frame), Ok(FRAME_SAMPLES)))?;
        Some(frame)
    }

    fn header(&mut self, payload_type: u8) -> Vec<u8> {
        self.seq_no = self.seq_no.wrapping_add(1);
        let mut packet = vec![0x80, payload_type];
        packet.extend(self.seq_no.to_be_bytes());
        packet.extend(self.rtp_timestamp.to_be_bytes());
        packet.extend(0x5151_u32.to_be_bytes());
        packet
    }
}
