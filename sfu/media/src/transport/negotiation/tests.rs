// SPDX-License-Identifier: EUPL-1.2
//! The negotiation through its front door: offers of real browsers from `tests/fixtures/offers`, and smaller ones
//! written here.

mod browsers;
mod hostile;
mod publishing;
mod subscribing;
mod transport;

use std::io::Cursor;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rtc_sdp::SessionDescription;
use rtc_sdp::description::media::MediaDescription;

use super::*;
use crate::ids::SpeakerGroup;
use crate::session::{Codec, MediaKind};

const FINGERPRINT: &str =
    "12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0";

fn negotiation() -> Negotiation {
    seeded(1)
}

fn seeded(seed: u64) -> Negotiation {
    let config = NegotiationConfig {
        fingerprint: Fingerprint([0xab; 32]),
        candidates: vec!["198.51.100.7:7882".parse().unwrap(), "[2001:db8::7]:7882".parse().unwrap()],
    };
    Negotiation::new(TransportId(1), Arc::new(config), StdRng::seed_from_u64(seed))
}

fn microphone(track: u64, cid: &str) -> Publication {
    Publication {
        track: TrackId(track),
        cid: cid.to_owned(),
        kind: MediaKind::Audio,
        is_stereo: false,
        wants_dtx: true,
        speaker_group: SpeakerGroup(9),
    }
}

fn camera(track: u64, cid: &str) -> Publication {
    Publication { kind: MediaKind::Video, wants_dtx: false, ..microphone(track, cid) }
}

fn request(track: u64, codec: Codec) -> SubscriptionRequest {
    let msid = Msid::parse(&format!("PA_bob|TR_{track}"), &format!("TR_{track}")).unwrap();
    SubscriptionRequest { track: TrackId(track), codec, msid }
}

/// An offer with the transport's attributes in the session, and these m-lines.
fn offer(sections: &[String]) -> String {
    offer_with("ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn", FINGERPRINT, sections)
}

fn offer_with(ice: &str, fingerprint: &str, sections: &[String]) -> String {
    let mids: Vec<_> = sections
        .iter()
        .filter(|section| !section.contains(" 0 UDP") || section.contains("a=bundle-only"))
        .filter_map(|section| section.lines().find_map(|line| line.strip_prefix("a=mid:")))
        .collect();
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\na={ice}\r\na=setup:actpass\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\n{}",
        mids.join(" "),
        sections.concat()
    )
}

/// An m-line with sound and more attributes, one a line.
fn audio(mid: &str, more: &str) -> String {
    section("audio", mid, "111 0", more)
        + "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtcp-fb:111 transport-cc\r\n\
           a=rtpmap:0 PCMU/8000\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
           a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
}

/// An m-line with pictures and more attributes, one a line.
fn video(mid: &str, more: &str) -> String {
    section("video", mid, "96 97 98", more)
        + "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\n\
           a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
           a=rtpmap:98 VP9/90000\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
           a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
}

/// An m-line with pictures in H.264 only.
fn h264(mid: &str, more: &str) -> String {
    section("video", mid, "102", more) + "a=rtpmap:102 H264/90000\r\na=fmtp:102 profile-level-id=42e01f\r\n"
}

fn data(mid: &str) -> String {
    format!(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=sctp-port:5000\r\n"
    )
}

fn section(media: &str, mid: &str, formats: &str, more: &str) -> String {
    let more: String = more.lines().map(|line| format!("a={}\r\n", line.trim())).collect();
    format!(
        "m={media} 9 UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{more}"
    )
}

/// Three m-lines to receive sound, three to receive pictures, and data channels, as browsers start.
fn placeholders() -> Vec<String> {
    let mut sections: Vec<_> = ["0", "1", "2"].map(|mid| audio(mid, "recvonly")).to_vec();
    sections.extend(["3", "4", "5"].map(|mid| video(mid, "recvonly")));
    sections.push(data("6"));
    sections
}

/// An answer, read back.
struct Answered(SessionDescription);

impl Answered {
    fn of(accepted: &Accepted) -> Self {
        Self(SessionDescription::unmarshal(&mut Cursor::new(accepted.answer.as_bytes())).unwrap())
    }

    fn section(&self, mid: &str) -> &MediaDescription {
        self.0.media_descriptions.iter().find(|section| value(section, "mid") == Some(mid)).unwrap()
    }

    /// `<mid>:<direction>` of all m-lines, `<mid>:refused` for those with port 0.
    fn directions(&self) -> String {
        let direction = |section: &MediaDescription| {
            let names = ["sendonly", "recvonly", "sendrecv", "inactive"];
            let found = names.into_iter().find(|name| section.has_attribute(name)).unwrap_or("data");
            let found = if section.media_name.port.value == 0 { "refused" } else { found };
            format!("{}:{found}", value(section, "mid").unwrap_or("?"))
        };
        self.0.media_descriptions.iter().map(direction).collect::<Vec<_>>().join(" ")
    }
}

fn value<'a>(section: &'a MediaDescription, name: &str) -> Option<&'a str> {
    section.attribute(name).flatten()
}

fn values<'a>(section: &'a MediaDescription, name: &str) -> Vec<&'a str> {
    attributes::all(&section.attributes, name).collect()
}

/// `<mid>=<track>` of all m-lines that the client receives on.
fn shown(accepted: &Accepted) -> String {
    let shown = accepted.tracks_by_mid.iter().map(|(mid, track)| format!("{}={}", mid.as_str(), track.0));
    shown.collect::<Vec<_>>().join(" ")
}

/// `<mid>=<track>` of all m-lines that the client sends on.
fn sent(accepted: &Accepted) -> String {
    let sent = accepted.session.uplinks.iter().map(|uplink| format!("{}={}", uplink.mid.as_str(), uplink.track.0));
    sent.collect::<Vec<_>>().join(" ")
}
