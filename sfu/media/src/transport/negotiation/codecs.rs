// SPDX-License-Identifier: EUPL-1.2
//! The codecs of an m-line: what the client offers (`a=rtpmap`, `a=fmtp`, `a=rtcp-fb`; RFC 8866 §6.6, RFC 4585 §4.2)
//! and the one that we choose.
//!
//! The answer keeps the client's payload types and parameters. Parameters may differ between the m-lines of a BUNDLE
//! group although they share a payload type: a microphone with `usedtx` beside music with `stereo` is what Chromium 156
//! and Firefox 153 were seen to take and to apply for each m-line alone.

use rtc_sdp::description::common::Attribute;
use rtc_sdp::description::media::MediaDescription;

use super::attributes;
use crate::session::{Codec, NegotiatedCodec};

/// Payload types that look like RTCP when both share a port (RFC 5761 §4).
const TAKEN_BY_RTCP: std::ops::RangeInclusive<u8> = 64..=95;

/// Stereo music at the upper end of what RFC 7587 §3.1.1 recommends.
const STEREO_BITRATE_BPS: u32 = 128_000;

/// Opus parameters of an offer that say what the client wants to receive or is about to send; in an answer they would
/// tell it how to encode (RFC 7587 §7.1).
const OPUS_ENCODER_PARAMETERS: [&str; 5] = ["stereo", "sprop-stereo", "usedtx", "maxaveragebitrate", "cbr"];

/// The feedback messages (RFC 4585 §4.2) that we know at all.
const KNOWN_FEEDBACK: [&str; 4] = ["transport-cc", "ccm fir", "nack", "nack pli"];

/// Which way the media of an m-line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// From the client to us.
    Up,
    /// From us to the client.
    Down,
}

/// The codecs of an m-line, the preferred one first.
#[derive(Clone, Debug, Default)]
pub(super) struct OfferedCodecs(Vec<OfferedCodec>);

/// A payload type and all that is said about it.
#[derive(Clone, Debug)]
struct OfferedCodec {
    payload_type: u8,
    /// `opus/48000/2`.
    rtpmap: String,
    fmtp: Option<String>,
    /// What we know of it, each once.
    feedback: Vec<&'static str>,
}

/// A codec of an m-line that we agree to.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChosenCodec<'a> {
    /// As the packet path needs it.
    pub(super) negotiated: NegotiatedCodec,
    flow: Flow,
    media: &'a OfferedCodec,
    rtx: Option<&'a OfferedCodec>,
}

impl OfferedCodecs {
    /// The codecs of an m-line with these formats.
    pub(super) fn parse(formats: &[String], section: &[Attribute]) -> Self {
        // One place for each payload type there can be, so that a long offer is read in one pass.
        let mut said: [Option<OfferedCodec>; 128] = std::array::from_fn(|_| None);
        for (payload_type, rtpmap) in by_payload_type(section, "rtpmap") {
            said[usize::from(payload_type)].get_or_insert_with(|| OfferedCodec {
                payload_type,
                rtpmap: rtpmap.to_owned(),
                fmtp: None,
                feedback: Vec::new(),
            });
        }
        for (payload_type, fmtp) in by_payload_type(section, "fmtp") {
            if let Some(codec) = &mut said[usize::from(payload_type)] {
                codec.fmtp.get_or_insert_with(|| fmtp.to_owned());
            }
        }
        for (payload_type, feedback) in by_payload_type(section, "rtcp-fb") {
            if let Some(codec) = &mut said[usize::from(payload_type)] {
                codec.note_feedback(feedback);
            }
        }
        for feedback in attributes::all(section, "rtcp-fb").filter_map(|value| value.strip_prefix("* ")) {
            said.iter_mut().flatten().for_each(|codec| codec.note_feedback(feedback));
        }
        let preferred = formats.iter().filter_map(|format| said.get_mut(format.parse::<usize>().ok()?)?.take());
        Self(preferred.collect())
    }

    /// The first payload type with that codec.
    pub(super) fn choose(&self, codec: Codec, flow: Flow) -> Option<ChosenCodec<'_>> {
        let media = self.0.iter().find(|offered| offered.is(codec))?;
        let rtx = self.0.iter().find(|offered| codec == Codec::Vp8 && offered.repeats(media.payload_type));
        let agreed = |feedback| is_wanted(codec, flow, feedback) && media.feedback.contains(&feedback);
        let negotiated = NegotiatedCodec {
            codec,
            payload_type: media.payload_type,
            rtx_payload_type: rtx.map(|rtx| rtx.payload_type),
            nack: agreed("nack"),
            pli: agreed("nack pli"),
            transport_cc: agreed("transport-cc"),
        };
        Some(ChosenCodec { negotiated, flow, media, rtx })
    }

    /// Writes the preferred codec as the only one, without agreeing to any feedback: for an m-line that carries nothing
    /// because we speak none of its codecs.
    pub(super) fn describe_preferred(&self, section: &mut MediaDescription) {
        if let Some(codec) = self.0.first() {
            codec.describe(section, codec.fmtp.as_deref());
        }
    }
}

impl ChosenCodec<'_> {
    /// Writes the codec as the only one of an answered m-line, with the parameters of the offer.
    pub(super) fn describe(&self, section: &mut MediaDescription) {
        self.describe_with(section, self.media.fmtp.clone());
    }

    /// Writes the codec as the only one of an m-line on which we receive, and asks for stereo or pauses in silence.
    pub(super) fn describe_uplink(&self, section: &mut MediaDescription, is_stereo: bool, wants_dtx: bool) {
        let offered = self.media.fmtp.as_deref();
        let fmtp = match self.negotiated.codec {
            Codec::Opus => Some(opus_uplink_fmtp(offered.unwrap_or_default(), is_stereo, wants_dtx)),
            Codec::Vp8 => offered.map(str::to_owned),
        };
        self.describe_with(section, fmtp.filter(|fmtp| !fmtp.is_empty()));
    }

    fn describe_with(&self, section: &mut MediaDescription, fmtp: Option<String>) {
        self.media.describe(section, fmtp.as_deref());
        for feedback in &self.media.feedback {
            if is_wanted(self.negotiated.codec, self.flow, feedback) {
                push(section, "rtcp-fb", format!("{} {feedback}", self.media.payload_type));
            }
        }
        if let Some(rtx) = self.rtx {
            rtx.describe(section, rtx.fmtp.as_deref());
        }
    }
}

impl OfferedCodec {
    fn is(&self, codec: Codec) -> bool {
        let rtpmap = match codec {
            Codec::Opus => "opus/48000/2",
            Codec::Vp8 => "VP8/90000",
        };
        self.rtpmap.eq_ignore_ascii_case(rtpmap) && !TAKEN_BY_RTCP.contains(&self.payload_type)
    }

    /// Whether these are the retransmissions (RFC 4588 §8.6) of another payload type.
    fn repeats(&self, payload_type: u8) -> bool {
        self.rtpmap.eq_ignore_ascii_case("rtx/90000")
            && !TAKEN_BY_RTCP.contains(&self.payload_type)
            && self.fmtp.as_deref().is_some_and(|fmtp| {
                fmtp.split(';')
                    .any(|p| p.trim().strip_prefix("apt=").is_some_and(|apt| apt.parse() == Ok(payload_type)))
            })
    }

    fn note_feedback(&mut self, text: &str) {
        let known = KNOWN_FEEDBACK.into_iter().find(|known| *known == text);
        self.feedback.extend(known.filter(|known| !self.feedback.contains(known)));
    }

    fn describe(&self, section: &mut MediaDescription, fmtp: Option<&str>) {
        section.media_name.formats.push(self.payload_type.to_string());
        push(section, "rtpmap", format!("{} {}", self.payload_type, self.rtpmap));
        if let Some(fmtp) = fmtp {
            push(section, "fmtp", format!("{} {fmtp}", self.payload_type));
        }
    }
}

/// The feedback messages that we send for what we receive, and that we understand for what we send. Full intra requests
/// (RFC 5104 §4.3.1) are not taken from clients: all of them also know picture loss indications.
fn is_wanted(codec: Codec, flow: Flow, feedback: &str) -> bool {
    match feedback {
        "nack" | "transport-cc" => true,
        "nack pli" => codec == Codec::Vp8,
        "ccm fir" => codec == Codec::Vp8 && flow == Flow::Up,
        _ => false,
    }
}

/// How the client is to encode sound for us: its own parameters, without those that speak of the other direction.
fn opus_uplink_fmtp(offered: &str, is_stereo: bool, wants_dtx: bool) -> String {
    let kept = offered.split(';').map(str::trim).filter(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        !name.is_empty() && !OPUS_ENCODER_PARAMETERS.contains(&name)
    });
    let mut parameters: Vec<String> = kept.map(str::to_owned).collect();
    if wants_dtx {
        parameters.push("usedtx=1".to_owned());
    }
    if is_stereo {
        parameters.push("stereo=1".to_owned());
        parameters.push(format!("maxaveragebitrate={STEREO_BITRATE_BPS}"));
    }
    parameters.join(";")
}

/// `a=<name>:<payload type> <text>`.
fn by_payload_type<'a>(section: &'a [Attribute], name: &'static str) -> impl Iterator<Item = (u8, &'a str)> {
    attributes::all(section, name).filter_map(|value| {
        let (payload_type, text) = value.split_once(' ')?;
        let payload_type = payload_type.parse().ok().filter(|payload_type| *payload_type < 128)?;
        Some((payload_type, text.trim()))
    })
}

fn push(section: &mut MediaDescription, name: &str, value: String) {
    section.attributes.push(Attribute::new(name.to_owned(), Some(value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_microphone_sends_mono_even_when_the_client_could_play_stereo() {
        assert_eq!(
            opus_uplink_fmtp("minptime=10;useinbandfec=1;stereo=1", false, true),
            "minptime=10;useinbandfec=1;usedtx=1"
        );
    }

    #[test]
    fn music_is_sent_in_stereo() {
        assert_eq!(
            opus_uplink_fmtp("maxplaybackrate=48000; stereo=0; useinbandfec=1", true, false),
            "maxplaybackrate=48000;useinbandfec=1;stereo=1;maxaveragebitrate=128000"
        );
    }

    #[test]
    fn payload_types_that_look_like_rtcp_are_passed_over() {
        let section =
            [("rtpmap", "72 VP8/90000"), ("rtpmap", "96 vp8/90000"), ("rtpmap", "97 rtx/90000"), ("fmtp", "97 apt=96")]
                .map(|(name, value)| Attribute::new(name.to_owned(), Some(value.to_owned())));
        let codecs = OfferedCodecs::parse(&["72", "96", "97"].map(str::to_owned), &section);
        let chosen = codecs.choose(Codec::Vp8, Flow::Up).unwrap().negotiated;
        assert_eq!((chosen.payload_type, chosen.rtx_payload_type), (96, Some(97)));
        assert!(codecs.choose(Codec::Opus, Flow::Up).is_none());
    }
}
