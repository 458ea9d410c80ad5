// SPDX-License-Identifier: EUPL-1.2
//! Offers and answers of ours. We always take the active role in DTLS, so that every server meets the same client.

use std::fmt::Write;

use super::{Description, Extensions, Kind, LocalTransport, OPUS, RemoteSection, Section, Sends, VP8, VP8_RTX};

/// Session lines with a bundle of all `mids`.
fn write_head(sdp: &mut String, version: u32, mids: &[&str]) {
    line(sdp, format_args!("v=0"));
    line(sdp, format_args!("o=- 4611731400430051336 {version} IN IP4 127.0.0.1"));
    line(sdp, format_args!("s=-"));
    line(sdp, format_args!("t=0 0"));
    line(sdp, format_args!("a=group:BUNDLE {}", mids.join(" ")));
    line(sdp, format_args!("a=extmap-allow-mixed"));
    line(sdp, format_args!("a=msid-semantic: WMS *"));
}

fn line(sdp: &mut String, text: std::fmt::Arguments<'_>) {
    // A string takes any text.
    let _ = write!(sdp, "{text}\r\n");
}

fn write_transport(sdp: &mut String, local: &LocalTransport) {
    line(sdp, format_args!("c=IN IP4 0.0.0.0"));
    line(sdp, format_args!("a=ice-ufrag:{}", local.credentials.ufrag));
    line(sdp, format_args!("a=ice-pwd:{}", local.credentials.password));
    line(sdp, format_args!("a=fingerprint:sha-256 {}", local.fingerprint));
    line(sdp, format_args!("a=setup:active"));
    let (ip, port) = (local.candidate.ip(), local.candidate.port());
    line(sdp, format_args!("a=candidate:1 1 udp 2122260223 {ip} {port} typ host"));
    line(sdp, format_args!("a=end-of-candidates"));
    line(sdp, format_args!("a=rtcp-mux"));
    line(sdp, format_args!("a=rtcp-rsize"));
}

/// An offer of `sections`, whose mids are their places.
pub(crate) fn write_offer(version: u32, sections: &[Section], local: &LocalTransport) -> String {
    let mids: Vec<String> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let mids: Vec<&str> = mids.iter().map(String::as_str).collect();
    let mut sdp = String::new();
    write_head(&mut sdp, version, &mids);
    for (mid, section) in mids.iter().zip(sections) {
        let formats = match section.kind {
            Kind::Audio => format!("{OPUS}"),
            Kind::Video => format!("{VP8} {VP8_RTX}"),
        };
        line(&mut sdp, format_args!("m={} 9 UDP/TLS/RTP/SAVPF {formats}", section.kind.name()));
        write_transport(&mut sdp, local);
        line(&mut sdp, format_args!("a=mid:{mid}"));
        write_extensions(&mut sdp, section.kind, Extensions::OURS);
        line(&mut sdp, format_args!("a={}", if section.sends.is_some() { "sendonly" } else { "recvonly" }));
        write_codecs(&mut sdp, section.kind, OPUS, VP8, Some(VP8_RTX));
        if let Some(sends) = &section.sends {
            write_sent_track(&mut sdp, section.kind, sends);
        }
    }
    sdp
}

fn write_extensions(sdp: &mut String, kind: Kind, mut ids: Extensions) {
    for uri in Extensions::uris(kind) {
        if let Some(Some(id)) = ids.by_uri(uri) {
            line(sdp, format_args!("a=extmap:{id} {uri}"));
        }
    }
}

fn write_codecs(sdp: &mut String, kind: Kind, opus: u8, vp8: u8, rtx: Option<u8>) {
    match kind {
        Kind::Audio => {
            line(sdp, format_args!("a=rtpmap:{opus} opus/48000/2"));
            line(sdp, format_args!("a=rtcp-fb:{opus} transport-cc"));
            line(sdp, format_args!("a=fmtp:{opus} minptime=10;useinbandfec=1"));
        }
        Kind::Video => {
            line(sdp, format_args!("a=rtpmap:{vp8} VP8/90000"));
            for feedback in ["transport-cc", "ccm fir", "nack", "nack pli"] {
                line(sdp, format_args!("a=rtcp-fb:{vp8} {feedback}"));
            }
            if let Some(rtx) = rtx {
                line(sdp, format_args!("a=rtpmap:{rtx} rtx/90000"));
                line(sdp, format_args!("a=fmtp:{rtx} apt={vp8}"));
            }
        }
    }
}

fn write_sent_track(sdp: &mut String, kind: Kind, sends: &Sends) {
    line(sdp, format_args!("a=msid:load {}", sends.cid));
    if let [stream] = sends.streams.as_slice() {
        if kind == Kind::Video {
            line(sdp, format_args!("a=ssrc-group:FID {} {}", stream.ssrc, stream.rtx_ssrc));
            line(sdp, format_args!("a=ssrc:{} cname:load", stream.rtx_ssrc));
            line(sdp, format_args!("a=ssrc:{} msid:load {}", stream.rtx_ssrc, sends.cid));
        }
        line(sdp, format_args!("a=ssrc:{} cname:load", stream.ssrc));
        line(sdp, format_args!("a=ssrc:{} msid:load {}", stream.ssrc, sends.cid));
        return;
    }
    let rids: Vec<&str> = sends.streams.iter().filter_map(|stream| stream.rid).collect();
    for rid in &rids {
        line(sdp, format_args!("a=rid:{rid} send"));
    }
    line(sdp, format_args!("a=simulcast:send {}", rids.join(";")));
}

/// An answer that receives all that `offer` sends and refuses what is neither audio nor video.
pub(crate) fn write_answer(offer: &Description, local: &LocalTransport) -> String {
    let taken: Vec<&str> = offer.sections.iter().filter(|s| s.kind.is_some()).map(|s| s.mid.as_str()).collect();
    let mut sdp = String::new();
    write_head(&mut sdp, 1, &taken);
    for section in &offer.sections {
        let Some(kind) = section.kind else {
            line(&mut sdp, format_args!("m={}", section.refusal()));
            line(&mut sdp, format_args!("a=mid:{}", section.mid));
            continue;
        };
        write_answered_section(&mut sdp, kind, section, local);
    }
    sdp
}

fn write_answered_section(sdp: &mut String, kind: Kind, section: &RemoteSection, local: &LocalTransport) {
    let codec = section.codec.unwrap_or(match kind {
        Kind::Audio => OPUS,
        Kind::Video => VP8,
    });
    let rtx = section.rtx.map_or(String::new(), |rtx| format!(" {rtx}"));
    line(sdp, format_args!("m={} 9 UDP/TLS/RTP/SAVPF {codec}{rtx}", kind.name()));
    write_transport(sdp, local);
    line(sdp, format_args!("a=mid:{}", section.mid));
    write_extensions(sdp, kind, section.extensions);
    line(sdp, format_args!("a=recvonly"));
    write_codecs(sdp, kind, codec, codec, section.rtx);
}
