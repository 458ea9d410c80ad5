// SPDX-License-Identifier: EUPL-1.2
//! Our offer, and what the answer to it means (RFC 3264 §5 and §7).

use rand::CryptoRng;

use super::answering::{find, telephone_event};
use super::capabilities::{Capabilities, Encryption};
use super::codecs::{Codec, Coding, Format, OpusParameters, formats};
use super::crypto::{CryptoLine, SrtpKey, SrtpKeys};
use super::description::{Media, SessionDescription};
use super::direction::Direction;
use super::negotiated::{Negotiated, PayloadTypes, ReceiveFormat, TelephoneEvent};
use super::refusal::Refusal;
use super::remote::{Profile, Remote};
use super::section::{Section, declined, description};

/// RFC 3389 §4.
const COMFORT_NOISE_PAYLOAD_TYPE: u8 = 13;

/// Payload types that most of the world uses for the same, so that traces read well. Any would do.
const OPUS_PAYLOAD_TYPE: u8 = 111;
const EVENT_PAYLOAD_TYPE: u8 = 101;
const EVENT_48_KHZ_PAYLOAD_TYPE: u8 = 110;

/// Offers what we can, at the beginning of a call or within it.
///
/// Within a call, what a payload type meant it still means (RFC 3264 §8.3.2), the sections stay in their places, and
/// where sound is encrypted our key stays. To refresh a session without a change, offer [`Negotiated::local`] instead.
///
/// # Errors
///
/// [`Refusal::EncryptionRequired`] when keys may not travel, and [`Refusal::NoCommonCodec`] when we have no codec.
pub fn offer(
    ours: &Capabilities,
    previous: Option<&Negotiated>,
    rng: &mut impl CryptoRng,
) -> Result<SessionDescription, Refusal> {
    if ours.encryption == Encryption::Required && !ours.can_encrypt() {
        return Err(Refusal::EncryptionRequired);
    }
    if ours.codecs.is_empty() {
        return Err(Refusal::NoCommonCodec);
    }
    let mut numbers = PayloadNumbers::new(previous);
    let codecs: Vec<(u8, Codec)> = ours.codecs.iter().map(|codec| (numbers.of_codec(*codec), *codec)).collect();
    let has_opus = ours.codecs.contains(&Codec::Opus);
    let has_narrow = ours.codecs.iter().any(|codec| codec.rtp_clock_hz() == 8_000);
    let mut telephone_events = Vec::new();
    if ours.has_telephone_events {
        telephone_events.push((numbers.of_event(8_000, EVENT_PAYLOAD_TYPE), 8_000));
        if has_opus {
            telephone_events.push((numbers.of_event(48_000, EVENT_48_KHZ_PAYLOAD_TYPE), 48_000));
        }
    }
    let section = Section {
        port: ours.rtp_port,
        // Who cannot encrypt ignores keys in the plain profile, and refuses the other.
        protocol: if ours.encryption == Encryption::Required { "RTP/SAVP" } else { "RTP/AVP" },
        codecs: &codecs,
        telephone_events: &telephone_events,
        comfort_noise: (ours.has_comfort_noise && has_narrow).then_some(COMFORT_NOISE_PAYLOAD_TYPE),
        direction: ours.direction,
        is_rtcp_muxed: true,
        crypto: &crypto_lines(ours, previous, rng),
    };
    let media = match previous {
        None => vec![section.to_media()],
        Some(previous) => {
            let before = previous.local.media.iter().enumerate();
            let again =
                before.map(|(at, media)| if at == previous.section { section.to_media() } else { declined(media) });
            again.collect()
        }
    };
    let timing = previous.map_or((0, 0), |previous| previous.local.timing);
    Ok(description(ours, previous.map(|previous| &previous.local), timing, media, rng))
}

/// One line for each suite; within an encrypted call only the one in use, with the key in use.
fn crypto_lines(ours: &Capabilities, previous: Option<&Negotiated>, rng: &mut impl CryptoRng) -> Vec<CryptoLine> {
    if !ours.can_encrypt() {
        return Vec::new();
    }
    if let Some(keys) = previous.and_then(|previous| previous.srtp.as_ref()) {
        return vec![CryptoLine { tag: 1, key: keys.send.clone() }];
    }
    (1..).zip(&ours.suites).map(|(tag, suite)| CryptoLine { tag, key: SrtpKey::generate(*suite, rng) }).collect()
}

/// Hands out payload types, so that none means two things in a call.
struct PayloadNumbers<'a> {
    previous: Option<&'a Negotiated>,
    taken: Vec<u8>,
}

impl<'a> PayloadNumbers<'a> {
    fn new(previous: Option<&'a Negotiated>) -> Self {
        let mut taken = Vec::new();
        if let Some(previous) = previous {
            taken.extend(previous.receive.iter().map(|format| format.payload_type));
            taken.extend(previous.telephone_event.map(|event| event.payload_types.receive));
            taken.extend(previous.comfort_noise.map(|types| types.receive));
        }
        Self { previous, taken }
    }

    fn of_codec(&mut self, codec: Codec) -> u8 {
        let known = self.previous.and_then(|previous| previous.receive.iter().find(|format| format.codec == codec));
        let known = known.map(|format| format.payload_type);
        known.or(codec.static_payload_type()).unwrap_or_else(|| self.free(OPUS_PAYLOAD_TYPE))
    }

    fn of_event(&mut self, clock_rate_hz: u32, wanted: u8) -> u8 {
        let known = self.previous.and_then(|previous| previous.telephone_event);
        let known = known.filter(|event| event.clock_rate_hz == clock_rate_hz);
        known.map_or_else(|| self.free(wanted), |event| event.payload_types.receive)
    }

    /// The wanted one, or the next. There are 32 of them, and we need three.
    fn free(&mut self, wanted: u8) -> u8 {
        let mut candidates = (wanted..=127).chain(96..wanted);
        let free = candidates.find(|candidate| !self.taken.contains(candidate)).unwrap_or(wanted);
        self.taken.push(free);
        free
    }
}

/// What an answer to our offer means.
///
/// The other side may send any codec that its answer lists, and we send the one that it lists first.
///
/// # Errors
///
/// When the answer declines the sound, does not fit the offer, or leaves out encryption that must be. The call then
/// ends with BYE after its ACK.
pub fn accept_answer(
    offer: &SessionDescription,
    answer: &SessionDescription,
    ours: &Capabilities,
) -> Result<Negotiated, Refusal> {
    let is_offered = |media: &Media| media.kind == "audio" && media.port != 0;
    let section = offer.media.iter().position(is_offered).ok_or(Refusal::NoAudio)?;
    let offered = offer.media.get(section).ok_or(Refusal::NoAudio)?;
    let answered = answer.media.get(section).ok_or(Refusal::AnswerMismatch)?;
    if !answered.kind.eq_ignore_ascii_case("audio") {
        return Err(Refusal::AnswerMismatch);
    }
    if answered.port == 0 {
        return Err(Refusal::NoAudio);
    }
    let srtp = keys(offered, answered, ours)?;

    let (ours_formats, their_formats) = (formats(offered), formats(answered));
    let mut both = their_formats.iter().filter_map(|theirs| agreed(&ours_formats, theirs)).peekable();
    let (codec, send) = *both.peek().ok_or(Refusal::NoCommonCodec)?;
    let receive = both.map(|(codec, types)| ReceiveFormat { payload_type: types.0, codec }).collect();
    let send_payload_type = send.1;
    let opus_format = their_formats.iter().find(|format| format.payload_type == send_payload_type);
    let opus = opus_format.filter(|_| codec == Codec::Opus).map(|format| OpusParameters::parse(format.fmtp));

    let remote = Remote::of(answer, answered, ours)?;
    let is_rtcp_muxed = offered.has("rtcp-mux") && answered.has("rtcp-mux");
    let said = Direction::of_section(offer, offered);
    Ok(Negotiated {
        codec,
        send_payload_type,
        receive,
        opus: opus.unwrap_or_default(),
        telephone_event: events(&ours_formats, &their_formats, codec),
        comfort_noise: comfort_noise(&ours_formats, &their_formats, codec),
        remote_rtp: remote.rtp,
        remote_rtcp: if is_rtcp_muxed { remote.rtp } else { remote.rtcp },
        is_rtcp_muxed,
        direction: remote.direction.reversed().and(said),
        // Who only confirms our own hold does not hold us.
        is_on_hold: said.sends() && !remote.direction.receives(),
        ptime_ms: remote.ptime_ms,
        remote_ptime_ms: remote.remote_ptime_ms,
        srtp,
        section,
        local: offer.clone(),
    })
}

/// The codec of a format that was offered, with our payload type and theirs.
fn agreed(ours: &[Format<'_>], theirs: &Format<'_>) -> Option<(Codec, (u8, u8))> {
    let Coding::Audio(codec) = theirs.coding else { return None };
    let ours = find(ours, theirs.coding)?;
    Some((codec, (ours.payload_type, theirs.payload_type)))
}

fn events(ours: &[Format<'_>], theirs: &[Format<'_>], codec: Codec) -> Option<TelephoneEvent> {
    let (send, clock_rate_hz) = telephone_event(theirs, codec)?;
    let receive = find(ours, Coding::TelephoneEvent { clock_rate_hz })?.payload_type;
    Some(TelephoneEvent { payload_types: PayloadTypes { send, receive }, clock_rate_hz })
}

fn comfort_noise(ours: &[Format<'_>], theirs: &[Format<'_>], codec: Codec) -> Option<PayloadTypes> {
    let (ours, theirs) = (find(ours, Coding::ComfortNoise)?, find(theirs, Coding::ComfortNoise)?);
    let types = PayloadTypes { send: theirs.payload_type, receive: ours.payload_type };
    (codec.rtp_clock_hz() == 8_000).then_some(types)
}

/// The keys that follow from an answer (RFC 4568 §5.1.3): the line that it picked, with its key for their direction.
fn keys(offered: &Media, answered: &Media, ours: &Capabilities) -> Result<Option<SrtpKeys>, Refusal> {
    let is_secure = Profile::parse(&answered.protocol).ok_or(Refusal::Transport)?.is_secure;
    let must = ours.encryption == Encryption::Required || is_secure;
    let Some(theirs) = CryptoLine::all(answered).next() else {
        // A line that we cannot read must not end in sound that is not encrypted.
        let is_unreadable = answered.has("crypto") && offered.has("crypto");
        return match must || is_unreadable {
            true => Err(Refusal::EncryptionRequired),
            false => Ok(None),
        };
    };
    // They may have been read on their way (RFC 4568 §8). Whoever sent them encrypts, so sound in the open is no way out.
    if !ours.can_encrypt() {
        return Err(Refusal::EncryptionUnavailable);
    }
    let picked = CryptoLine::all(offered).find(|line| line.tag == theirs.tag);
    match picked {
        Some(ours) if ours.key.suite() == theirs.key.suite() => {
            Ok(Some(SrtpKeys { send: ours.key, receive: theirs.key }))
        }
        _ => Err(Refusal::AnswerMismatch),
    }
}
