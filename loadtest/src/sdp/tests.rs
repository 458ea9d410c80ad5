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
