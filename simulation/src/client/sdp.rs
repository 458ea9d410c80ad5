// SPDX-License-Identifier: EUPL-1.2
//! Offers as a browser writes them, as far as the scenarios need, and what the client reads from answers.

use std::fmt::Write;
use std::net::SocketAddr;

use super::ice::Credentials;

pub(crate) const OPUS: u8 = 111;
pub(crate) const VP8: u8 = 96;
pub(crate) const VP8_RTX: u8 = 97;
pub(crate) const AUDIO_LEVEL: u8 = 1;
pub(crate) const TRANSPORT_CC: u8 = 3;
pub(crate) const MID: u8 = 4;
pub(crate) const RID: u8 = 10;
pub(crate) const REPAIRED_RID: u8 = 11;

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// One media section that the client offers; its mid is its place.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) kind: Kind,
    /// The client's id of the track it sends; `None` for a section to receive by.
    pub(crate) cid: Option<String>,
    /// Simulcast streams, largest picture last.
    pub(crate) rids: Vec<String>,
    /// Announced without simulcast.
    pub(crate) ssrc: Option<u32>,
}

/// What an answer says of one media section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AnsweredSection {
    pub(crate) mid: String,
    pub(crate) direction: String,
    /// Second part of the msid.
    pub(crate) track: Option<String>,
    pub(crate) ssrc: Option<u32>,
    pub(crate) rtx_ssrc: Option<u32>,
}

/// What the client takes from an answer.
#[derive(Clone, Debug)]
pub(crate) struct ReadAnswer {
    pub(crate) credentials: Credentials,
    pub(crate) candidates: Vec<SocketAddr>,
    pub(crate) sections: Vec<AnsweredSection>,
}

/// An offer of `sections` and a data channel.
pub(crate) fn write_offer(version: u32, sections: &[Section], local: &Credentials, fingerprint: &str) -> String {
    let mids: Vec<_> = (0..=sections.len()).map(|mid| mid.to_string()).collect();
    let mut sdp = format!(
        "v=0\r\no=- 4611731400430051336 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n\
         a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n",
        mids.join(" ")
    );
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n",
        local.ufrag, local.password
    );
    for (mid, section) in sections.iter().enumerate() {
        write_section(&mut sdp, mid, section, &transport);
    }
    write!(
        sdp,
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:{}\r\na=sctp-port:5000\r\n\
         a=max-message-size:262144\r\n",
        sections.len()
    )
    .expect("a string takes any text");
    sdp
}

fn write_section(sdp: &mut String, mid: usize, section: &Section, transport: &str) {
    let formats = match section.kind {
        Kind::Audio => format!("{OPUS}"),
        Kind::Video => format!("{VP8} {VP8_RTX}"),
    };
    let name = section.kind.name();
    let mut line = |text: String| write!(sdp, "{text}\r\n").expect("a string takes any text");
    line(format!("m={name} 9 UDP/TLS/RTP/SAVPF {formats}"));
    line(format!("{transport}a=mid:{mid}"));
    if section.kind == Kind::Audio {
        line(format!("a=extmap:{AUDIO_LEVEL} urn:ietf:params:rtp-hdrext:ssrc-audio-level"));
    }
    line(format!("a=extmap:{TRANSPORT_CC} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"));
    line(format!("a=extmap:{MID} urn:ietf:params:rtp-hdrext:sdes:mid"));
    if section.kind == Kind::Video {
        line(format!("a=extmap:{RID} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"));
        line(format!("a=extmap:{REPAIRED_RID} urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"));
    }
    match &section.cid {
        Some(cid) => line(format!("a=sendonly\r\na=msid:stream {cid}")),
        None => line("a=recvonly".into()),
    }
    line("a=rtcp-mux\r\na=rtcp-rsize".into());
    match section.kind {
        Kind::Audio => line(format!(
            "a=rtpmap:{OPUS} opus/48000/2\r\na=rtcp-fb:{OPUS} transport-cc\r\na=fmtp:{OPUS} minptime=10;useinbandfec=1"
        )),
        Kind::Video => line(format!(
            "a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} transport-cc\r\na=rtcp-fb:{VP8} ccm fir\r\n\
             a=rtcp-fb:{VP8} nack\r\na=rtcp-fb:{VP8} nack pli\r\na=rtpmap:{VP8_RTX} rtx/90000\r\n\
             a=fmtp:{VP8_RTX} apt={VP8}"
        )),
    }
    if let Some(ssrc) = section.ssrc {
        line(format!("a=ssrc:{ssrc} cname:client"));
    }
    if !section.rids.is_empty() {
        for rid in &section.rids {
            line(format!("a=rid:{rid} send"));
        }
        line(format!("a=simulcast:send {}", section.rids.join(";")));
    }
}

/// Reads an answer. Scenarios give answers of our own server, so a malformed one is a failed scenario.
pub(crate) fn read_answer(sdp: &str) -> ReadAnswer {
    let mut credentials = Credentials { ufrag: String::new(), password: String::new() };
    let mut candidates = Vec::new();
    let mut sections: Vec<AnsweredSection> = Vec::new();
    for line in sdp.lines() {
        if line.starts_with("m=") {
            sections.push(AnsweredSection::default());
        }
        let Some(attribute) = line.strip_prefix("a=") else { continue };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ice-ufrag" => credentials.ufrag = value.to_owned(),
            "ice-pwd" => credentials.password = value.to_owned(),
            "candidate" => candidates.extend(read_candidate(value)),
            _ => {
                if let Some(section) = sections.last_mut() {
                    read_section_attribute(section, name, value);
                }
            }
        }
    }
    assert!(!credentials.ufrag.is_empty(), "an answer without ICE credentials:\n{sdp}");
    ReadAnswer { credentials, candidates, sections }
}

fn read_section_attribute(section: &mut AnsweredSection, name: &str, value: &str) {
    match name {
        "mid" => section.mid = value.to_owned(),
        "sendonly" | "recvonly" | "sendrecv" | "inactive" => section.direction = name.to_owned(),
        "msid" => section.track = value.split_whitespace().nth(1).map(str::to_owned),
        "ssrc-group" => section.rtx_ssrc = value.split_whitespace().nth(2).and_then(|ssrc| ssrc.parse().ok()),
        "ssrc" if section.ssrc.is_none() => section.ssrc = value.split_whitespace().next().and_then(|s| s.parse().ok()),
        _ => {}
    }
}

fn read_candidate(value: &str) -> Option<SocketAddr> {
    let fields: Vec<_> = value.split_whitespace().collect();
    let is_udp = fields.get(2)?.eq_ignore_ascii_case("udp");
    let address = SocketAddr::new(fields.get(4)?.parse().ok()?, fields.get(5)?.parse().ok()?);
    is_udp.then_some(address)
}
