// SPDX-License-Identifier: EUPL-1.2
//! One call from the first INVITE to the end: dial, key in the codes, hear the room, stay, hang up. Whatever else happens is
//! a failed call. It opens no socket and reads no clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sfu_media::rtp::packet::RtpView;
use sip_bridge::media::codec::g711::{ALAW, expand};
use sip_bridge::sip::message::Response;

use super::keypad::Keypad;
use super::messages::{Dialog, PCMA, audio_port};
use super::sound::{Payloads, WHISTLED, whistled_share};
use crate::ear::{Ear, HeardPacket};
use crate::source::Noise;

/// RFC 3261 §17.1.1.1.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// From the first INVITE until the room is heard. Codes are answered within seconds.
const ENTRY_PATIENCE: Duration = Duration::from_secs(40);

/// For the answer to BYE: as long as a transaction takes (64 · T1).
const GOODBYE_PATIENCE: Duration = Duration::from_secs(32);

/// From the answer to the first key.
const KEYING_DELAY: Duration = Duration::from_millis(200);

/// Frames in a row in which the whistle is heard, until the caller is in the room: 100 ms.
const FRAMES_IN_A_ROW: u32 = 5;

/// A telephone's packets.
const FRAME: Duration = Duration::from_millis(20);

const RATE_HZ: u32 = 8_000;

/// What a caller says in the room.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    pub(super) payloads: Payloads,
    /// With what it begins.
    pub(super) first: usize,
    /// The payload whose sendings are written down.
    pub(super) mark: Option<usize>,
}

/// What a caller does.
#[derive(Clone, Debug)]
pub(super) struct CallPlan {
    pub(super) keys: Arc<str>,
    pub(super) silence: Payloads,
    pub(super) voice: Option<Voice>,
    /// How long the caller stays; `None`: until told to go.
    pub(super) stay: Option<Duration>,
    /// Which share of RTP gets lost, in each direction.
    pub(super) loss: f64,
    /// Who listens to what the caller hears in the room.
    pub(super) ear: Option<Ear>,
}

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Failure {
    Refused(u16),
    NotAnswered,
    /// The room was not heard.
    NotHeard,
    /// The bridge hung up.
    HungUpOn,
    /// BYE was not answered.
    NoGoodbye,
}

/// A call that is over.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) failure: Option<Failure>,
    /// From INVITE to 200.
    pub(super) answered: Option<Duration>,
    /// From INVITE until the room was heard.
    pub(super) heard: Option<Duration>,
    pub(super) reception: Reception,
}

/// What was counted of what the bridge sends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reception {
    first: Option<u16>,
    pub(super) expected: u64,
    pub(super) received: u64,
    highest: u16,
}

impl Reception {
    fn note(&mut self, seq_no: u16) {
        if self.first.is_none() {
            (self.first, self.highest, self.expected) = (Some(seq_no), seq_no, 1);
        }
        let ahead = seq_no.wrapping_sub(self.highest);
        if ahead < 0x8000 {
            self.highest = seq_no;
            self.expected += u64::from(ahead);
        }
        self.received += 1;
    }

    pub(super) fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }
}

/// Where a call's packets go.
pub(super) trait Sink {
    fn send_sip(&mut self, text: &str);
    fn send_rtp(&mut self, to: SocketAddr, packet: &[u8]);
    /// The clock of the kernel's receive times.
    fn wall_nanos(&self) -> u64;
}

enum Phase {
    /// `next` is when the INVITE is repeated; `None` once anything was answered.
    Dialing {
        next: Option<Instant>,
        interval: Duration,
    },
    Keying {
        from: Instant,
    },
    /// Keys are being pressed, or were.
    Listening,
    Staying {
        until: Option<Instant>,
    },
    Leaving {
        next: Instant,
        interval: Duration,
        since: Instant,
    },
    Over,
}

pub(super) struct Call {
    dialog: Dialog,
    plan: CallPlan,
    phase: Phase,
    began: Instant,
    /// The call fails when it is over.
    failure: Option<Failure>,
    answered: Option<Duration>,
    heard: Option<Duration>,
    rtp_to: Option<SocketAddr>,
    keypad: Keypad,
    next_packet: Instant,
    said: usize,
    whistled: u32,
    noise: Noise,
    pub(super) reception: Reception,
    /// When the marked payload was sent.
    pub(super) marks: Vec<u64>,
    /// Of what we sent, so many packets never came, as the bridge reports.
    pub(super) reported_lost: i32,
    pub(super) sent: u64,
}

impl Call {
    pub(super) fn dial(now: Instant, dialog: Dialog, plan: CallPlan, sink: &mut impl Sink) -> Self {
        sink.send_sip(&dialog.invite());
        let mut noise = Noise::new(dialog.number as u64 + 1);
        Self {
            phase: Phase::Dialing { next: Some(now + T1), interval: T1 },
            keypad: Keypad::new(noise.next() as u32, noise.next() as u16, noise.next() as u32),
            next_packet: now,
            noise,
            dialog,
            plan,
            began: now,
            failure: None,
            answered: None,
            heard: None,
            rtp_to: None,
            said: 0,
            whistled: 0,
            reception: Reception::default(),
            marks: Vec::new(),
            reported_lost: 0,
            sent: 0,
        }
    }

    pub(super) fn number(&self) -> usize {
        self.dialog.number
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.keypad.ssrc
    }

    /// Where the bridge's sound comes from.
    pub(super) fn rtp_port(&self) -> Option<u16> {
        self.rtp_to.map(|address| address.port())
    }

    pub(super) fn is_in_room(&self) -> bool {
        matches!(self.phase, Phase::Staying { .. })
    }

    /// What became of it, once it is over.
    pub(super) fn ended(&self) -> Option<Ended> {
        let Self { failure, answered, heard, reception, .. } = *self;
        matches!(self.phase, Phase::Over).then_some(Ended { failure, answered, heard, reception })
    }

    /// Forgets what was counted of sound.
    pub(super) fn reset(&mut self) {
        (self.reception, self.sent) = (Reception::default(), 0);
        self.marks.clear();
    }

    pub(super) fn hang_up(&mut self, now: Instant, sink: &mut impl Sink) {
        if !matches!(self.phase, Phase::Over | Phase::Leaving { .. }) {
            sink.send_sip(&self.dialog.bye());
            self.phase = Phase::Leaving { next: now + T1, interval: T1, since: now };
        }
    }

    pub(super) fn handle_response(&mut self, now: Instant, response: &Response, sink: &mut impl Sink) {
        match (&self.phase, response.headers.cseq.method.as_str(), response.status) {
            (Phase::Dialing { .. }, "INVITE", 100..=199) => {
                self.phase = Phase::Dialing { next: None, interval: T1 };
            }
            (Phase::Dialing { .. }, "INVITE", 200..=299) => self.take_answer(now, response, sink),
            // Our ACK was lost.
            (_, "INVITE", 200..=299) => sink.send_sip(&self.dialog.ack(true)),
            (phase, "INVITE", status @ 300..) => {
                let is_news = matches!(phase, Phase::Dialing { .. });
                sink.send_sip(&self.dialog.ack(false));
                if is_news {
                    self.fail(Failure::Refused(status));
                }
            }
            (Phase::Leaving { .. }, "BYE", 200..) => self.phase = Phase::Over,
            _ => {}
        }
    }

    fn take_answer(&mut self, now: Instant, response: &Response, sink: &mut impl Sink) {
        self.dialog.remote_tag = response.headers.to.tag().map(str::to_owned);
        self.answered = Some(now.saturating_duration_since(self.began));
        sink.send_sip(&self.dialog.ack(true));
        let Some(port) = audio_port(&response.body) else {
            self.failure = Some(Failure::NotHeard);
            self.hang_up(now, sink);
            return;
        };
        self.rtp_to = Some(SocketAddr::new(self.dialog.bridge.ip(), port));
        self.next_packet = now;
        self.phase = Phase::Keying { from: now + KEYING_DELAY };
    }

    /// The bridge hangs up.
    pub(super) fn handle_bye(&mut self) {
        self.fail(Failure::HungUpOn);
    }

    fn fail(&mut self, failure: Failure) {
        // What came first is why.
        self.failure.get_or_insert(failure);
        self.phase = Phase::Over;
    }

    /// A packet of sound came.
    pub(super) fn handle_rtp(&mut self, now: Instant, arrived_nanos: u64, packet: &[u8]) {
        let Ok(packet) = RtpView::parse(packet) else { return };
        if self.loses() || packet.payload_type != PCMA {
            return;
        }
        self.reception.note(packet.seq_no.0);
        match self.phase {
            Phase::Keying { .. } | Phase::Listening => self.listen(now, packet.payload),
            Phase::Staying { .. } => {
                if let Some(ear) = &self.plan.ear {
                    ear.hear(HeardPacket {
                        arrived_nanos,
                        ssrc: packet.ssrc,
                        seq_no: packet.seq_no.0,
                        rtp_timestamp: packet.timestamp.0,
                        payload: packet.payload.into(),
                    });
                }
            }
            _ => {}
        }
    }

    fn loses(&mut self) -> bool {
        self.plan.loss > 0.0 && (self.noise.within(0, 99_999) as f64) < self.plan.loss * 100_000.0
    }

    /// Waits for what is heard in the room alone.
    fn listen(&mut self, now: Instant, payload: &[u8]) {
        let mut samples = [0; 160];
        for (sample, byte) in samples.iter_mut().zip(payload) {
            *sample = expand(&ALAW, *byte);
        }
        let is_whistled = whistled_share(&samples, RATE_HZ) > WHISTLED;
        self.whistled = if is_whistled { self.whistled + 1 } else { 0 };
        if self.whistled >= FRAMES_IN_A_ROW {
            self.heard = Some(now.saturating_duration_since(self.began));
            self.phase = Phase::Staying { until: self.plan.stay.map(|stay| now + stay) };
        }
    }

    /// Does what is due.
    pub(super) fn handle_tick(&mut self, now: Instant, packet: &mut Vec<u8>, sink: &mut impl Sink) {
        if self.rtp_to.is_some() && !matches!(self.phase, Phase::Over | Phase::Leaving { .. }) {
            while self.next_packet <= now {
                self.next_packet += FRAME;
                self.say(packet, sink);
            }
        }
        let is_impatient = now.saturating_duration_since(self.began) > ENTRY_PATIENCE;
        match &mut self.phase {
            Phase::Dialing { .. } if is_impatient => self.fail(Failure::NotAnswered),
            Phase::Dialing { next: Some(next), interval } if *next <= now => {
                *interval *= 2;
                *next = now + *interval;
                sink.send_sip(&self.dialog.invite());
            }
            Phase::Keying { from } if *from <= now => {
                self.keypad.press(&self.plan.keys);
                self.phase = Phase::Listening;
            }
            Phase::Listening if is_impatient => {
                self.failure = Some(Failure::NotHeard);
                self.hang_up(now, sink);
            }
            Phase::Staying { until: Some(until) } if *until <= now => self.hang_up(now, sink),
            Phase::Leaving { since, .. } if now.saturating_duration_since(*since) > GOODBYE_PATIENCE => {
                self.fail(Failure::NoGoodbye);
            }
            Phase::Leaving { next, interval, .. } if *next <= now => {
                *interval = (*interval * 2).min(T2);
                *next = now + *interval;
                sink.send_sip(&self.dialog.bye());
            }
            _ => {}
        }
    }

    fn say(&mut self, packet: &mut Vec<u8>, sink: &mut impl Sink) {
        let Some(to) = self.rtp_to else { return };
        let voice = self.plan.voice.as_ref().filter(|_| matches!(self.phase, Phase::Staying { .. }));
        let (payloads, place, mark) = match voice {
            Some(voice) => (voice.payloads.clone(), voice.first + self.said, voice.mark),
            None => (self.plan.silence.clone(), self.said, None),
        };
        let place = place % payloads.len().max(1);
        if mark == Some(place) {
            self.marks.push(sink.wall_nanos());
        }
        let Some(payload) = payloads.get(place) else { return };
        self.said += 1;
        let loses = self.loses();
        let sent = &mut self.sent;
        self.keypad.send_next(payload, packet, |packet| {
            *sent += 1;
            if !loses {
                sink.send_rtp(to, packet);
            }
        });
    }
}

#[cfg(test)]
mod tests;
