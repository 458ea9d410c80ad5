// SPDX-License-Identifier: EUPL-1.2
//! The session itself: what it is made of, how it begins and changes, and what it has to say about time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::numbers::{RtpTime, SeqNo};
use super::received_digits::{Press, ReceivedDigits};
use super::reception::Reception;
use super::reporting::Reporting;
use super::send_clock::SendClock;
use super::source_latch::SourceLatch;
use super::srtp::{KeyError, Opener, Sealer};
use super::statistics::Statistics;
use crate::digit::Digit;
use crate::sdp::Negotiated;

/// Events that nobody fetched. When it is full, further keys are dropped and counted; others are kept once each.
const MAX_EVENTS: usize = 64;

/// Limits of a call. In operation they are always the usual ones ([`Default`]); no setting changes them.
#[derive(Clone, Copy, Debug)]
pub struct RtpConfig {
    /// A call in which nothing arrives for so long is [`Event::Silent`].
    pub silence_timeout: Duration,
    /// Keys in a second; more are dropped. A telephone that dials by itself makes ten.
    pub max_digits_per_second: u32,
}

impl Default for RtpConfig {
    fn default() -> Self {
        Self { silence_timeout: Duration::from_secs(60), max_digits_per_second: 16 }
    }
}

/// What happened to a call's media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody pressed a key, and let it go.
    Digit {
        /// Which.
        digit: Digit,
        /// For how long, as far as packets tell.
        duration: Duration,
    },
    /// Nothing arrived for the time of the configuration, though it should. Said once, until something arrives again.
    Silent {
        /// Whether reports still arrive: then the telephone is there, and perhaps leaves out silence.
        hears_reports: bool,
    },
    /// The other side says that it sends no more. SIP decides whether the call has ended.
    Goodbye,
}

/// RTP of one call.
pub struct RtpSession {
    pub(super) config: RtpConfig,
    pub(super) rng: StdRng,
    pub(super) agreed: Negotiated,
    pub(super) is_open: bool,
    pub(super) latch: SourceLatch,
    pub(super) reception: Reception,
    pub(super) received_digits: ReceivedDigits,
    pub(super) opener: Option<Opener>,
    pub(super) ssrc: u32,
    pub(super) next_seq_no: SeqNo,
    pub(super) clock: SendClock,
    pub(super) is_talkspurt_new: bool,
    pub(super) sealer: Option<Sealer>,
    pub(super) reporting: Reporting,
    pub(super) statistics: Statistics,
    /// When RTP arrived last, or should have begun to.
    pub(super) heard: Instant,
    is_silent: bool,
    events: VecDeque<Event>,
}

impl RtpSession {
    /// A session for what was agreed on. SSRC and timestamp begin anywhere (RFC 3550 §5.1), the sequence number in the lower
    /// half: a receiver that misses the first packets could not tell otherwise that it has wrapped meanwhile, and could decrypt
    /// none of the following (RFC 3711 §3.3.1).
    ///
    /// # Errors
    ///
    /// When the cryptographic library refuses the keys.
    pub fn new(
        config: RtpConfig,
        agreed: &Negotiated,
        rng: &mut impl rand::CryptoRng,
        now: Instant,
    ) -> Result<Self, KeyError> {
        let mut rng = StdRng::from_rng(rng);
        let (opener, sealer) = ends(agreed)?;
        let clock_rate_hz = agreed.codec.rtp_clock_hz();
        let event_clock_hz = agreed.telephone_event.map_or(clock_rate_hz, |event| event.clock_rate_hz);
        Ok(Self {
            config,
            agreed: agreed.clone(),
            is_open: false,
            latch: SourceLatch::new(now, agreed.remote_rtp),
            reception: Reception::new(now, clock_rate_hz),
            received_digits: ReceivedDigits::new(event_clock_hz, config.max_digits_per_second),
            opener,
            ssrc: rng.random(),
            next_seq_no: SeqNo(rng.random_range(0..1 << 15)),
            clock: SendClock::new(RtpTime(rng.random()), clock_rate_hz),
            is_talkspurt_new: true,
            sealer,
            reporting: Reporting::new(now, &mut rng),
            statistics: Statistics::default(),
            heard: now,
            is_silent: false,
            events: VecDeque::new(),
            rng,
        })
    }

    /// The call is confirmed (ACK): packets flow from now on, and the silence is measured.
    pub fn open(&mut self, now: Instant) {
        if !self.is_open {
            self.is_open = true;
            self.heard = now;
            self.latch.open(now);
            self.reporting.open(now, &mut self.rng);
        }
    }

    /// Something else was agreed on (re-INVITE, UPDATE). Sequence numbers and timestamps go on; where the other side moved,
    /// its new source is looked for; keys that changed begin anew.
    ///
    /// # Errors
    ///
    /// When the cryptographic library refuses the keys. The session is as before then.
    pub fn reconfigure(&mut self, now: Instant, agreed: &Negotiated) -> Result<(), KeyError> {
        let key = |agreed: &Negotiated| agreed.srtp.clone().map(|keys| (keys.send, keys.receive));
        let (before, after) = (key(&self.agreed).unzip(), key(agreed).unzip());
        if before != after {
            let (opener, sealer) = ends(agreed)?;
            // A key that stays keeps its state: another one of the same key would repeat what must not be.
            if before.0 != after.0 {
                self.sealer = sealer;
            }
            if before.1 != after.1 {
                self.opener = opener;
            }
        }
        self.latch.describe(now, agreed.remote_rtp);
        let clock_rate_hz = agreed.codec.rtp_clock_hz();
        self.clock.set_rate(clock_rate_hz);
        self.reception.set_clock(clock_rate_hz);
        if let Some(event) = agreed.telephone_event {
            self.received_digits.set_clock(event.clock_rate_hz);
        }
        self.is_talkspurt_new = true;
        self.agreed = agreed.clone();
        self.note_heard(now);
        Ok(())
    }

    /// Does what is due: a key whose end got lost, and [`Event::Silent`]. What is due to be sent comes from
    /// [`Self::poll_output`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let press = self.received_digits.handle_timeout(now);
        self.note_press(press);
        if self.silence_due().is_some_and(|due| due <= now) {
            self.is_silent = true;
            let last = self.reporting.heard().filter(|last| *last > self.heard);
            self.note_event(Event::Silent { hears_reports: last.is_some() });
        }
    }

    /// When [`Self::handle_timeout`] or [`Self::poll_output`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.is_open {
            return None;
        }
        let times = [self.received_digits.poll_timeout(), self.silence_due(), self.reporting.due()];
        times.into_iter().flatten().min()
    }

    /// What happened, in its order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The figures so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics {
            packets_lost: self.reception.lost(),
            jitter: self.reception.jitter(),
            digits_dropped: self.statistics.digits_dropped + self.received_digits.dropped(),
            ..self.statistics
        }
    }

    /// What is in force.
    #[must_use]
    pub const fn agreed(&self) -> &Negotiated {
        &self.agreed
    }

    pub(super) fn can_send(&self) -> bool {
        self.is_open && self.agreed.direction.sends()
    }

    pub(super) const fn note_heard(&mut self, now: Instant) {
        self.heard = now;
        self.is_silent = false;
    }

    pub(super) fn note_press(&mut self, press: Option<Press>) {
        if let Some(Press { digit, duration }) = press {
            self.note_event(Event::Digit { digit, duration });
        }
    }

    pub(super) fn note_event(&mut self, event: Event) {
        let is_digit = matches!(event, Event::Digit { .. });
        if is_digit && self.events.len() >= MAX_EVENTS {
            self.statistics.digits_dropped += 1;
        } else if is_digit || !self.events.contains(&event) {
            self.events.push_back(event);
        }
    }

    /// When the silence is long enough. On hold, and when we alone send, nothing needs to arrive.
    fn silence_due(&self) -> Option<Instant> {
        let should_hear = self.is_open && self.agreed.direction.receives() && !self.agreed.is_on_hold;
        (should_hear && !self.is_silent).then(|| self.heard + self.config.silence_timeout)
    }
}

fn ends(agreed: &Negotiated) -> Result<(Option<Opener>, Option<Sealer>), KeyError> {
    Ok(match &agreed.srtp {
        Some(keys) => (Some(Opener::new(&keys.receive)?), Some(Sealer::new(&keys.send)?)),
        None => (None, None),
    })
}
