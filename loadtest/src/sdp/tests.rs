// SPDX-License-Identifier: EUPL-1.2
//! What we write, read back.

use super::*;

fn local() -> LocalTransport {
    LocalTransport {
        credentials: Credentials { ufrag: "abcd".to_owned(), password: "0123456789abcdefghijkl".to_owned() },
        fingerprint: "AA:BB".to_owned(),
        candidate: "127.0.0.1:4000".parse().unwrap(),
    }
}

fn stream(rid: Option<&'static str>, ssrc: u32) -> OutgoingStream {
    OutgoingStream { rid, ssrc, rtx_ssrc: ssrc + 1 }
}

#[test]
fn an_offer_of_ours_says_what_it_sends() {
    let sends = Sends { cid: "cam".to_owned(), streams: vec![stream(None, 7)] };
    let sections = [Section { kind: Kind::Audio, sends: None }, Section { kind: Kind::Video, sends: Some(sends) }];
    let offer = Description::read(&write_offer(3, &sections, &local())).unwrap();
    assert_eq!(offer.credentials, local().credentials);
    assert_eq!(offer.candidates, [local().candidate]);
    let [audio, video] = offer.sections.as_slice() else { panic!("two sections") };
    assert_eq!((audio.sends, audio.receives, audio.codec), (false, true, Some(OPUS)));
    assert_eq!((video.sends, video.receives, video.codec, video.rtx), (true, false, Some(VP8), Some(VP8_RTX)));
    assert_eq!((video.ssrc, video.rtx_ssrc, video.track.as_deref()), (Some(7), Some(8), Some("cam")));
    assert_eq!(offer.extensions(), Extensions::OURS);
}

#[test]
fn simulcast_is_announced_by_rids_alone() {
    let streams = vec![stream(Some("q"), 1), stream(Some("h"), 3), stream(Some("f"), 5)];
    let sections = [Section { kind: Kind::Video, sends: Some(Sends { cid: "cam".to_owned(), streams }) }];
    let offer = write_offer(1, &sections, &local());
    assert!(offer.contains("a=simulcast:send q;h;f\r\n"));
    assert_eq!(Description::read(&offer).unwrap().sections[0].ssrc, None);
}

#[test]
fn an_answer_takes_the_servers_numbers_and_refuses_data() {
    let offer = "v=0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\nm=video 9 UDP/TLS/RTP/SAVPF 100 101\r\na=mid:v\r\na=sendonly\r\n\
                 a=rtpmap:100 VP8/90000\r\na=rtpmap:101 rtx/90000\r\na=fmtp:101 apt=100\r\n\
                 a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=ssrc:5 cname:x\r\n\
                 m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n";
    let offer = Description::read(offer).unwrap();
    assert_eq!(
        (offer.sections[0].ssrc, offer.sections[0].codec, offer.sections[0].rtx),
        (Some(5), Some(100), Some(101))
    );
    let answer = write_answer(&offer, &local());
    assert!(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 100 101\r\n"));
    assert!(answer.contains("a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"));
    assert!(answer.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(answer.contains("a=group:BUNDLE v\r\n"));
}

#[test]
fn descriptions_without_credentials_are_refused() {
    assert!(Description::read("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n").is_err());
}

#[test]
fn only_udp_candidates_with_addresses_are_taken() {
    assert_eq!(
        read::read_candidate("1 1 udp 1 10.0.0.1 5 typ host").unwrap(),
        "10.0.0.1:5".parse::<SocketAddr>().unwrap()
    );
    assert!(read::read_candidate("1 1 tcp 1 10.0.0.1 5 typ host").is_err());
    assert!(read::read_candidate("1 1 udp 1 x.local 5 typ host").is_err());
    assert!(read::read_candidate("1 1").is_err());
}

/// A subscriber's offer as Janus 1.1 writes it.
const JANUS_OFFER: &str = "v=0\r\no=- 1795308926 1 IN IP4 10.77.0.2\r\ns=VideoRoom 5\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
    a=ice-options:trickle\r\na=fingerprint:sha-256 AB:CD\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 10.77.0.2\r\na=sendonly\r\na=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:u1\r\n\
    a=ice-pwd:p1\r\na=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=msid:janus janus0\r\na=ssrc:11 cname:janus\r\na=candidate:1 1 udp 2015363327 10.77.0.2 38521 typ host\r\n\
    a=end-of-candidates\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 10.77.0.2\r\na=sendonly\r\na=mid:1\r\na=rtcp-mux\r\na=ice-ufrag:u1\r\n\
    a=ice-pwd:p1\r\na=setup:actpass\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\n\
    a=fmtp:97 apt=96\r\na=ssrc-group:FID 21 22\r\na=msid:janus janus1\r\na=ssrc:21 cname:janus\r\na=ssrc:22 cname:janus\r\n\
    a=candidate:1 1 udp 2015363327 10.77.0.2 38521 typ host\r\na=end-of-candidates\r\n";

/// An answer to somebody who publishes or subscribes, as pion writes it.
const PION_ANSWER: &str = "v=0\r\no=- 8 9 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AB:CD\r\n\
    a=extmap-allow-mixed\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n\
    a=setup:active\r\na=mid:0\r\na=ice-ufrag:u2\r\na=ice-pwd:p2\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\n\
    a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=ssrc:31 cname:load\r\na=ssrc:31 msid:load cam\r\na=msid:load cam\r\na=sendonly\r\n\
    a=candidate:1 1 udp 2130706431 10.77.0.2 44637 typ host\r\na=candidate:1 2 udp 2130706431 10.77.0.2 44637 typ host\r\n\
    a=end-of-candidates\r\n";

#[test]
fn offers_of_janus_are_read_and_answered() {
    let offer = Description::read(JANUS_OFFER).unwrap();
    assert_eq!(offer.credentials, Credentials { ufrag: "u1".to_owned(), password: "p1".to_owned() });
    assert_eq!(offer.candidates, ["10.77.0.2:38521".parse::<SocketAddr>().unwrap()], "said once for each section");
    let [audio, video] = offer.sections.as_slice() else { panic!("two sections") };
    assert_eq!((audio.sends, audio.ssrc, audio.codec), (true, Some(11), Some(111)));
    assert_eq!((video.ssrc, video.rtx_ssrc, video.rtx), (Some(21), Some(22), Some(97)));
    let answer = write_answer(&offer, &local());
    assert!(answer.contains("a=group:BUNDLE 0 1\r\n") && answer.contains("a=setup:active\r\n"), "{answer}");
    assert_eq!(answer.matches("a=recvonly\r\n").count(), 2);
}

#[test]
fn answers_of_pion_are_read() {
    let answer = Description::read(PION_ANSWER).unwrap();
    assert_eq!(answer.candidates.len(), 1, "RTCP has no candidate of its own");
    let [video] = answer.sections.as_slice() else { panic!("one section") };
    assert_eq!((video.sends, video.receives, video.ssrc, video.rtx_ssrc), (true, false, Some(31), None));
    assert_eq!(answer.extensions().transport_cc, Some(3));
}
