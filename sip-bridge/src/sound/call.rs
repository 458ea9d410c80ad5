// SPDX-License-Identifier: EUPL-1.2
//! The sound of one call, without sockets and clock: datagrams in, 20 ms of the caller out; 20 ms of the meeting in, datagrams
//! out. A tick is [`CallSound::handle_datagram`] for what came, [`CallSound::listen`], and [`CallSound::speak`].

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::CryptoRng;

use super::agreed::{downlink_settings, packet_bytes, phone_codec, uplink_settings};
use super::library::SoundLibrary;
use super::line_quality::LineQuality;
use super::muted_speech::MutedSpeech;
use super::playing::Playing;
use super::presence::Presence;
use super::presses::{Presses, Way};
use super::{CallKey, SoundEvent, SoundSummary};
use crate::audio::{Frame, SILENCE};
use crate::caller::{Chime, PlayToken};
use crate::digit::Digit;
use crate::media::codec::{CodecError, MAX_PAYLOAD_BYTES};
use crate::media::comfort_noise::TOWARDS_PHONES_DBOV;
use crate::media::downlink::Downlink;
use crate::media::jitter_buffer::PacketKind;
use crate::media::level::SILENT_DBOV;
use crate::media::rtp::{AudioPacket, Event, KeyError, Received, RtpConfig, RtpSession, Transmit};
use crate::media::uplink::Uplink;
use crate::prompts::{Language, PromptId};
use crate::sdp::{Codec, Negotiated};

/// An encoder that has failed for so many frames, a second, will not recover.
const FAILED_FRAMES: u32 = 50;

/// Why a call has no sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallSoundError {
    /// Its keys are of no use.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Its codec cannot be set up.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// 20 ms of what a caller says.
#[derive(Clone, Copy)]
pub struct Said {
    /// The sound.
    pub frame: Frame,
    /// Whether somebody speaks in it.
    pub is_speech: bool,
    /// Whether they play or whistle a tone.
    pub is_tone: bool,
    /// Whether others should hear it: speech or a tone, or a short pause after it.
    pub is_worth_sending: bool,
    /// How loud it is, 0 to 127 dB below overload (RFC 6464).
    pub level_dbov: u8,
}

impl Said {
    const NOTHING: Self =
        Self { frame: SILENCE, is_speech: false, is_tone: false, is_worth_sending: false, level_dbov: SILENT_DBOV };

    /// Whether it asks to be heard. A pause belongs to who is heard, and asks for nothing.
    pub(super) const fn is_sound(&self) -> bool {
        self.is_speech || self.is_tone
    }
}

/// The sound of one call.
pub struct CallSound {
    call: CallKey,
    is_open: bool,
    session: RtpSession,
    uplink: Uplink,
    downlink: Downlink,
    playing: Playing,
    presses: Presses,
    line: LineQuality,
    muted: MutedSpeech,
    presence: Presence,
    /// Which sender of the telephone's was heard last.
    stream: Option<u32>,
    said: Said,
    /// What is encoded and waits for its packet to be full: less than one.
    payload: Vec<u8>,
    /// Its packet is the first after silence.
    begins: bool,
    /// The last frame towards the telephone was left out.
    has_left_out: bool,
    failed_frames: u32,
    has_failed: bool,
    /// As many as a tick makes: they are fetched after each.
    events: VecDeque<SoundEvent>,
}

impl CallSound {
    /// A call that was answered, and is not open yet.
    ///
    /// # Errors
    ///
    /// When a library refuses what was agreed on.
    pub fn new(
        now: Instant,
        call: CallKey,
        config: RtpConfig,
        agreed: &Negotiated,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, CallSoundError> {
        let session = RtpSession::new(config, agreed, rng, now)?;
        let mut uplink = Uplink::new(uplink_settings(agreed, agreed.codec), rng)?;
        uplink.set_on_hold(agreed.is_on_hold);
        Ok(Self {
            call,
            is_open: false,
            session,
            uplink,
            downlink: Downlink::new(downlink_settings(agreed), rng)?,
            playing: Playing::default(),
            presses: Presses::default(),
            line: LineQuality::default(),
            muted: MutedSpeech::default(),
            presence: Presence::new(config.silence_timeout),
            stream: None,
            said: Said::NOTHING,
            payload: Vec::with_capacity(MAX_PAYLOAD_BYTES),
            begins: false,
            has_left_out: false,
            failed_frames: 0,
            has_failed: false,
            events: VecDeque::new(),
        })
    }

    /// The call is confirmed: packets flow from now on, and what is to be played begins.
    pub fn open(&mut self, now: Instant) {
        self.is_open = true;
        self.session.open(now);
    }

    /// Something else was agreed on.
    ///
    /// # Errors
    ///
    /// When a library refuses it. The call is of no use then.
    pub fn change(&mut self, now: Instant, agreed: &Negotiated) -> Result<(), CallSoundError> {
        self.drop_payload();
        self.session.reconfigure(now, agreed)?;
        self.uplink.switch(uplink_settings(agreed, self.codec_to_expect(agreed)))?;
        self.uplink.set_on_hold(agreed.is_on_hold);
        self.downlink.switch(downlink_settings(agreed))?;
        self.presence.restart();
        self.line.restart();
        Ok(())
    }

    /// Plays these in place of what is playing, as that tenant has them in that language.
    pub fn play(
        &mut self,
        library: &SoundLibrary,
        voice: (Option<&str>, Language),
        prompts: &[PromptId],
        token: PlayToken,
    ) {
        self.playing.play(library, voice, prompts, token);
    }

    /// Stops what is playing.
    pub fn stop_playing(&mut self) {
        self.playing.stop();
    }

    /// Plays music while nothing else is heard, or does not.
    pub fn set_music(&mut self, library: &SoundLibrary, is_on: bool) {
        self.playing.set_music(library, is_on);
    }

    /// Plays a short tone.
    pub fn chime(&mut self, library: &SoundLibrary, chime: Chime) {
        self.playing.chime(library, chime);
    }

    /// The microphone is off or on.
    pub fn set_muted(&mut self, is_muted: bool) {
        self.muted.set_muted(is_muted);
    }

    /// A key came by SIP INFO.
    pub fn handle_info_digit(&mut self, now: Instant, digit: Digit) {
        self.note_press(now, digit, Duration::ZERO, Way::Info);
    }

    /// A datagram has come, at one of the call's ports. It is decrypted in place.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &mut [u8]) {
        // Why one was dropped is counted already.
        let Ok(received) = self.session.handle_datagram(now, source, datagram) else { return };
        match received {
            Received::Audio(codec, packet) => self.hear_sound(now, codec, packet),
            Received::ComfortNoise(packet) => self.hear(now, packet, PacketKind::ComfortNoise),
            Received::Keys(packet) => self.hear(now, packet, PacketKind::Other),
            Received::Report => self.presence.note_report(now),
        }
    }

    /// Takes the caller's next 20 ms. Once in each tick, after its datagrams.
    pub fn listen(&mut self, now: Instant) {
        if !self.is_open {
            return;
        }
        self.session.handle_timeout(now);
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Digit { digit, duration } => self.note_press(now, digit, duration, Way::Event),
                Event::Silent { .. } => self.presence.note_silence(),
                // SIP says when a call is over.
                Event::Goodbye => {}
            }
        }
        let heard = self.uplink.pull(now);
        let digit = heard.digit.and_then(Digit::from_char);
        self.said = Said {
            frame: *heard.frame,
            is_speech: heard.is_speech,
            is_tone: heard.is_tone,
            is_worth_sending: heard.is_worth_sending,
            level_dbov: heard.level_dbov,
        };
        if let Some(digit) = digit {
            self.note_press(now, digit, Duration::ZERO, Way::Tone);
        }
        let call = self.call;
        if self.presence.is_lost(now) {
            self.events.push_back(SoundEvent::Lost { call });
        }
        if self.muted.tick(self.said.is_speech) {
            self.events.push_back(SoundEvent::TalkingWhileMuted { call });
        }
        if self.line.tick(now, &self.uplink.statistics().jitter) {
            self.events.push_back(SoundEvent::BadLine { call });
        }
    }

    /// What the caller said in this tick.
    pub const fn said(&self) -> &Said {
        &self.said
    }

    /// Gives the caller the next 20 ms: what the meeting says, if they are in one, with what is played over it. Each datagram
    /// is written into `packet` and given to `send`. Once in each tick.
    pub fn speak(
        &mut self,
        now: Instant,
        meeting: Option<&Frame>,
        packet: &mut Vec<u8>,
        mut send: impl FnMut(Transmit, &[u8]),
    ) {
        if !self.is_open {
            return;
        }
        let mut frame = SILENCE;
        self.playing.tick(meeting, &mut frame);
        if let Some(token) = self.playing.poll_played() {
            self.events.push_back(SoundEvent::Played { call: self.call, token });
        }
        if self.session.agreed().direction.sends() {
            self.encode(now, &frame, packet, &mut send);
        } else {
            // Held: what is played goes on, and nobody hears it.
            self.session.skip_audio(self.downlink.rtp_ticks_per_frame());
        }
        while let Some(transmit) = self.session.poll_output(now, packet) {
            send(transmit, packet);
        }
    }

    /// What happened in this tick.
    pub fn poll_event(&mut self) -> Option<SoundEvent> {
        self.events.pop_front()
    }

    /// Whether its sound cannot be made any more.
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The call is over. The last report goes to `send`.
    pub fn close(&mut self, now: Instant, packet: &mut Vec<u8>, send: impl FnOnce(Transmit, &[u8])) -> SoundSummary {
        if let Some(transmit) = self.session.close(now, packet) {
            send(transmit, packet);
        }
        self.is_open = false;
        let statistics = self.session.statistics();
        SoundSummary {
            received: statistics.packets_received,
            lost: statistics.packets_lost,
            sent: statistics.packets_sent,
            jitter_ms: statistics.jitter.as_secs_f32() * 1_000.0,
            round_trip_ms: statistics.round_trip.map(|trip| trip.as_secs_f32() * 1_000.0),
            remote_lost_percent: statistics.remote_fraction_lost.map(|lost| lost * 100.0),
        }
    }

    /// Which codec the telephone will send. As long as the one that is heard is agreed on, nothing says that it changes, and
    /// a refresh of the session would otherwise begin its decoder anew twice.
    fn codec_to_expect(&self, agreed: &Negotiated) -> Codec {
        let mut formats = agreed.receive.iter().map(|format| format.codec);
        formats.find(|codec| phone_codec(*codec) == self.uplink.codec()).unwrap_or(agreed.codec)
    }

    /// Sound alone says which codec is in use: a telephone may send any that were agreed on, and its keys and the noise of its
    /// pauses then belong to that one.
    fn hear_sound(&mut self, now: Instant, codec: Codec, packet: AudioPacket<'_>) {
        if self.uplink.codec() != phone_codec(codec) {
            if self.uplink.switch(uplink_settings(self.session.agreed(), codec)).is_err() {
                self.has_failed = true;
                return;
            }
            // Another decoder has heard nothing of a stream before.
            self.stream = Some(packet.stream);
        }
        self.hear(now, packet, PacketKind::Sound);
    }

    fn hear(&mut self, now: Instant, packet: AudioPacket<'_>, kind: PacketKind) {
        self.presence.note_sound();
        if self.stream.is_some_and(|stream| stream != packet.stream) {
            self.uplink.restart();
        }
        self.stream = Some(packet.stream);
        self.uplink.handle_payload(now, packet.seq_no.0, packet.rtp_timestamp.0, kind, packet.payload);
    }

    fn encode(&mut self, now: Instant, frame: &Frame, packet: &mut Vec<u8>, send: &mut impl FnMut(Transmit, &[u8])) {
        let rtp_ticks = self.downlink.rtp_ticks_per_frame();
        let failed_before = self.downlink.failed_frames();
        let Some(appended) = self.downlink.push(frame, &mut self.payload) else {
            // Who waits for the rest of a packet would wait for the next words.
            self.send_payload(now, self.payload.len(), packet, send);
            let has_failed = self.downlink.failed_frames() != failed_before;
            self.failed_frames = if has_failed { self.failed_frames + 1 } else { 0 };
            self.has_failed |= self.failed_frames >= FAILED_FRAMES;
            // Who agreed on it plays this until sound comes again; it need not be told twice. Opus has its own way.
            let begins = !std::mem::replace(&mut self.has_left_out, true);
            if begins && !has_failed && self.session.agreed().codec != Codec::Opus {
                let transmit = self.session.send_comfort_noise(now, &[TOWARDS_PHONES_DBOV], rtp_ticks, packet);
                if let Some(transmit) = transmit {
                    send(transmit, packet);
                }
            } else {
                self.session.skip_audio(rtp_ticks);
            }
            return;
        };
        (self.failed_frames, self.has_left_out) = (0, false);
        self.begins |= appended.is_first_after_silence;
        let bytes = packet_bytes(self.session.agreed()).unwrap_or(self.payload.len());
        self.send_payload(now, bytes, packet, send);
    }

    /// Sends what is encoded, as far as it fills packets of so many bytes.
    fn send_payload(
        &mut self,
        now: Instant,
        bytes: usize,
        packet: &mut Vec<u8>,
        send: &mut impl FnMut(Transmit, &[u8]),
    ) {
        let whole = self.payload.len() - self.payload.len().checked_rem(bytes).unwrap_or_default();
        if whole == 0 {
            return;
        }
        for part in self.payload[..whole].chunks(bytes) {
            let rtp_ticks = match self.session.agreed().codec {
                Codec::Opus => self.downlink.rtp_ticks_per_frame(),
                // A byte for each tick, also with G.722.
                Codec::G722 | Codec::Pcma | Codec::Pcmu => part.len() as u32,
            };
            let marker = std::mem::take(&mut self.begins);
            if let Some(transmit) = self.session.send_audio(now, part, rtp_ticks, marker, packet) {
                send(transmit, packet);
            }
        }
        self.payload.drain(..whole);
    }

    /// What waits for its packet is not sent: it may be in another codec than what follows.
    fn drop_payload(&mut self) {
        if !self.payload.is_empty() {
            self.session.skip_audio(self.payload.len() as u32);
            self.payload.clear();
        }
    }

    fn note_press(&mut self, now: Instant, digit: Digit, duration: Duration, way: Way) {
        if self.presses.note(now, digit, duration, way) {
            self.events.push_back(SoundEvent::Digit { call: self.call, digit });
        }
    }
}
