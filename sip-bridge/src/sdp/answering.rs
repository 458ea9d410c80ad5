// SPDX-License-Identifier: EUPL-1.2
//! Our answer to an offer (RFC 3264 §6).

use rand::CryptoRng;

use super::capabilities::{Capabilities, Encryption};
use super::codecs::{Codec, Coding, Format, OpusParameters, formats};
use super::crypto::{CryptoLine, SrtpKey, SrtpKeys};
use super::description::{Media, SessionDescription};
use super::negotiated::{Negotiated, PayloadTypes, ReceiveFormat, TelephoneEvent};
use super::refusal::Refusal;
use super::remote::{Profile, Remote, takes_no_frames};
use super::section::{Section, declined, description};

/// Answers an offer, at the beginning of a call or within it (`previous`).
///
/// One section for sound is accepted: an encrypted one before one that is not, then the one in use, then the first.
/// All others are declined in their places. The payload types are those of the offer. Keys are made anew when the other
/// side changed its own, since then its state is a new one, too.
///
/// # Errors
///
/// When nothing fits. What was agreed before stays in force then (RFC 3261 §14.2).
pub fn answer(
    offer: &SessionDescription,
    ours: &Capabilities,
    previous: Option<&Negotiated>,
    rng: &mut impl CryptoRng,
) -> Result<(SessionDescription, Negotiated), Refusal> {
    let chosen = choose(offer, ours, previous)?;
    let codec = chosen.codec;
    let direction = chosen.remote.direction.reversed().and(ours.direction);
    let srtp = chosen.crypto.as_ref().map(|line| {
        let unchanged = previous.and_then(|previous| previous.srtp.as_ref()).filter(|keys| keys.receive == line.key);
        let send = unchanged.map_or_else(|| SrtpKey::generate(line.key.suite(), rng), |keys| keys.send.clone());
        SrtpKeys { send, receive: line.key.clone() }
    });
    let crypto: Vec<CryptoLine> = chosen.crypto.iter().zip(&srtp).map(|(line, keys)| line.with(&keys.send)).collect();

    let section = Section {
        port: ours.rtp_port,
        protocol: &chosen.media.protocol,
        codecs: &[(chosen.payload_type, codec)],
        telephone_events: chosen.telephone_event.as_slice(),
        comfort_noise: chosen.comfort_noise,
        direction,
        is_rtcp_muxed: chosen.media.has("rtcp-mux"),
        crypto: &crypto,
    };
    let media = offer.media.iter().enumerate();
    let media =
        media.map(|(at, media)| if at == chosen.section { section.to_media() } else { declined(media) }).collect();
    let local = description(ours, previous.map(|previous| &previous.local), offer.timing, media, rng);

    let same = |payload_type| PayloadTypes { send: payload_type, receive: payload_type };
    let negotiated = Negotiated {
        codec,
        send_payload_type: chosen.payload_type,
        receive: vec![ReceiveFormat { payload_type: chosen.payload_type, codec }],
        opus: chosen.opus,
        telephone_event: chosen
            .telephone_event
            .map(|(payload_type, clock_rate_hz)| TelephoneEvent { payload_types: same(payload_type), clock_rate_hz }),
        comfort_noise: chosen.comfort_noise.map(same),
        remote_rtp: chosen.remote.rtp,
        remote_rtcp: if section.is_rtcp_muxed { chosen.remote.rtp } else { chosen.remote.rtcp },
        is_rtcp_muxed: section.is_rtcp_muxed,
        direction,
        is_on_hold: !chosen.remote.direction.receives(),
        ptime_ms: chosen.remote.ptime_ms,
        remote_ptime_ms: chosen.remote.remote_ptime_ms,
        srtp,
        section: chosen.section,
        local: local.clone(),
    };
    Ok((local, negotiated))
}

impl CryptoLine {
    /// The answer to this line: its tag, with our key.
    fn with(&self, key: &SrtpKey) -> Self {
        Self { tag: self.tag, key: key.clone() }
    }
}

/// A section that we could accept.
struct Choice<'a> {
    section: usize,
    media: &'a Media,
    remote: Remote,
    codec: Codec,
    payload_type: u8,
    opus: OpusParameters,
    telephone_event: Option<(u8, u32)>,
    comfort_noise: Option<u8>,
    crypto: Option<CryptoLine>,
}

fn choose<'a>(
    offer: &'a SessionDescription,
    ours: &Capabilities,
    previous: Option<&Negotiated>,
) -> Result<Choice<'a>, Refusal> {
    let mut best: Option<Choice<'a>> = None;
    let mut refusal = Refusal::NoAudio;
    let is_offered = |media: &Media| media.kind.eq_ignore_ascii_case("audio") && media.port != 0;
    for (section, media) in offer.media.iter().enumerate().filter(|(_, media)| is_offered(media)) {
        let rank = |choice: &Choice<'_>| {
            let is_in_use = previous.is_some_and(|previous| previous.section == choice.section);
            (choice.crypto.is_some(), is_in_use)
        };
        match consider(offer, section, media, ours) {
            Ok(choice) if best.as_ref().is_none_or(|best| rank(&choice) > rank(best)) => best = Some(choice),
            Ok(_) => {}
            // The first section is the one that was meant most.
            Err(reason) if refusal == Refusal::NoAudio => refusal = reason,
            Err(_) => {}
        }
    }
    best.ok_or(refusal)
}

fn consider<'a>(
    offer: &'a SessionDescription,
    section: usize,
    media: &'a Media,
    ours: &Capabilities,
) -> Result<Choice<'a>, Refusal> {
    let profile = Profile::parse(&media.protocol).ok_or(Refusal::Transport)?;
    let crypto = if ours.can_encrypt() { acceptable_crypto(media, ours) } else { None };
    if profile.is_secure && crypto.is_none() {
        return Err(Refusal::EncryptionUnavailable);
    }
    // Lines with keys in a profile without SRTP are an offer to encrypt if we like.
    if ours.encryption == Encryption::Required && crypto.is_none() {
        return Err(Refusal::EncryptionRequired);
    }
    let formats = formats(media);
    let common = |codec: &Codec| find(&formats, Coding::Audio(*codec)).map(|at| (*codec, at));
    // A frame of Opus cannot be cut. Whoever takes only shorter packets gets something else, if there is anything.
    let is_too_long = |codec: Codec| codec == Codec::Opus && takes_no_frames(media);
    let wanted = ours.codecs.iter().filter(|codec| !is_too_long(**codec)).find_map(common);
    let (codec, format) = wanted.or_else(|| ours.codecs.iter().find_map(common)).ok_or(Refusal::NoCommonCodec)?;
    let opus = if codec == Codec::Opus { OpusParameters::parse(format.fmtp) } else { OpusParameters::default() };
    let comfort_noise = find(&formats, Coding::ComfortNoise).map(|format| format.payload_type);
    Ok(Choice {
        section,
        media,
        remote: Remote::of(offer, media, ours)?,
        codec,
        payload_type: format.payload_type,
        opus,
        telephone_event: telephone_event(&formats, codec).filter(|_| ours.has_telephone_events),
        // It has the clock of 8 kHz codecs only.
        comfort_noise: comfort_noise.filter(|_| ours.has_comfort_noise && codec.rtp_clock_hz() == 8_000),
        crypto,
    })
}

/// The first that we have, since theirs is the order (RFC 4568 §5.1.2).
fn acceptable_crypto(media: &Media, ours: &Capabilities) -> Option<CryptoLine> {
    CryptoLine::all(media).find(|line| ours.suites.contains(&line.key.suite()))
}

pub(super) fn find<'a>(formats: &[Format<'a>], coding: Coding) -> Option<Format<'a>> {
    formats.iter().find(|format| format.coding == coding).copied()
}

/// Events on the clock of the sound (RFC 4733 §2.1), else on that which everybody has.
pub(super) fn telephone_event(formats: &[Format<'_>], codec: Codec) -> Option<(u8, u32)> {
    [codec.rtp_clock_hz(), 8_000, 48_000].into_iter().find_map(|clock_rate_hz| {
        let format = find(formats, Coding::TelephoneEvent { clock_rate_hz })?;
        Some((format.payload_type, clock_rate_hz))
    })
}
