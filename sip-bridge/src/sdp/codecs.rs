// SPDX-License-Identifier: EUPL-1.2
//! Which codecs there are, and how descriptions name them (RFC 3551 §6, RFC 7587, RFC 4733, RFC 3389).

use super::description::Media;
use super::parse::number;

/// How sound is coded on the way to a telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// 16 kHz, 64 kbit/s.
    G722,
    /// 48 kHz on the wire, coded by us at 16 kHz.
    Opus,
    /// G.711 as in Europe: 8 kHz, 64 kbit/s.
    Pcma,
    /// G.711 as in North America and Japan.
    Pcmu,
}

impl Codec {
    /// All of them, the best for speech over a telephone line first.
    pub const ALL: [Self; 4] = [Self::G722, Self::Opus, Self::Pcma, Self::Pcmu];

    /// The clock of its RTP timestamps. That of G.722 is half its rate of samples, by an old mistake which stays
    /// (RFC 3551 §4.5.2).
    #[must_use]
    pub const fn rtp_clock_hz(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::G722 | Self::Pcma | Self::Pcmu => 8_000,
        }
    }

    /// The payload type that needs no agreement (RFC 3551 §6).
    #[must_use]
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::Opus => None,
        }
    }

    /// As it stands in `a=rtpmap`.
    #[must_use]
    pub const fn rtpmap(self) -> &'static str {
        match self {
            Self::G722 => "G722/8000",
            // Always two channels, also for one (RFC 7587 §7).
            Self::Opus => "opus/48000/2",
            Self::Pcma => "PCMA/8000",
            Self::Pcmu => "PCMU/8000",
        }
    }
}

/// What the other side says about the Opus that it wants (RFC 7587 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusParameters {
    /// Whether it makes use of packets that repeat the one before.
    pub uses_inband_fec: bool,
    /// Whether we may leave out silence.
    pub uses_dtx: bool,
    /// The highest rate of samples that it can play, 8,000 to 48,000 Hz.
    pub max_playback_rate_hz: u32,
    /// The highest bitrate that it wants, if it says so, 6,000 to 510,000 bit/s.
    pub max_average_bitrate_bps: Option<u32>,
}

impl Default for OpusParameters {
    fn default() -> Self {
        Self { uses_inband_fec: false, uses_dtx: false, max_playback_rate_hz: 48_000, max_average_bitrate_bps: None }
    }
}

impl OpusParameters {
    pub(super) fn parse(fmtp: &str) -> Self {
        let mut parameters = Self::default();
        for (name, value) in fmtp.split(';').filter_map(|parameter| parameter.split_once('=')) {
            let Some(value) = number(value.trim()) else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "useinbandfec" => parameters.uses_inband_fec = value == 1,
                "usedtx" => parameters.uses_dtx = value == 1,
                "maxplaybackrate" => parameters.max_playback_rate_hz = value.clamp(8_000, 48_000),
                "maxaveragebitrate" => parameters.max_average_bitrate_bps = Some(value.clamp(6_000, 510_000)),
                _ => {}
            }
        }
        parameters
    }
}

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Audio(Codec),
    TelephoneEvent { clock_rate_hz: u32 },
    ComfortNoise,
}

/// One format of a section that we understand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format<'a> {
    pub(super) payload_type: u8,
    pub(super) coding: Coding,
    /// What `a=fmtp` says about it.
    pub(super) fmtp: &'a str,
}

/// The formats of a section that we understand, in its order.
pub(super) fn formats(media: &Media) -> Vec<Format<'_>> {
    let mut known: Vec<Format<'_>> = Vec::new();
    for word in &media.formats {
        let Some(payload_type) = number(word).and_then(|number| u8::try_from(number).ok()) else { continue };
        // From 64 to 95 they cannot be told from RTCP (RFC 5761 §4).
        let is_usable = payload_type < 128 && !(64..96).contains(&payload_type);
        if !is_usable || known.iter().any(|format| format.payload_type == payload_type) {
            continue;
        }
        let rtpmap = parameter(media, "rtpmap", payload_type);
        if let Some(coding) = rtpmap.map_or_else(|| static_coding(payload_type), coding) {
            let fmtp = parameter(media, "fmtp", payload_type).unwrap_or("");
            known.push(Format { payload_type, coding, fmtp });
        }
    }
    known
}

/// What an attribute that begins with a payload type says about this one.
fn parameter<'a>(media: &'a Media, name: &'a str, payload_type: u8) -> Option<&'a str> {
    let mut split = media.all(name).filter_map(|value| value.trim().split_once(' '));
    split.find(|(number_, _)| number(number_) == Some(u32::from(payload_type))).map(|(_, rest)| rest.trim())
}

fn static_coding(payload_type: u8) -> Option<Coding> {
    /// RFC 3389 §4.
    const COMFORT_NOISE: u8 = 13;
    if payload_type == COMFORT_NOISE {
        return Some(Coding::ComfortNoise);
    }
    Codec::ALL.into_iter().find(|codec| codec.static_payload_type() == Some(payload_type)).map(Coding::Audio)
}

/// By name, clock and channels; names know no case (RFC 8866 §6.6).
fn coding(rtpmap: &str) -> Option<Coding> {
    let mut parts = rtpmap.split('/');
    let name = parts.next()?.trim();
    let clock_rate_hz = number(parts.next()?.trim())?;
    let channels = parts.next().map_or(Some(1), |channels| number(channels.trim()))?;
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match (clock_rate_hz, channels) {
        (48_000, 2) if is("opus") => Some(Coding::Audio(Codec::Opus)),
        (8_000, 1) if is("PCMA") => Some(Coding::Audio(Codec::Pcma)),
        (8_000, 1) if is("PCMU") => Some(Coding::Audio(Codec::Pcmu)),
        (8_000, 1) if is("G722") => Some(Coding::Audio(Codec::G722)),
        (8_000, 1) if is("CN") => Some(Coding::ComfortNoise),
        (8_000 | 48_000, _) if is("telephone-event") => Some(Coding::TelephoneEvent { clock_rate_hz }),
        _ => None,
    }
}
