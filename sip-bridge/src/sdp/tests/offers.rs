// SPDX-License-Identifier: EUPL-1.2
//! Our offers, and what answers to them mean.

use super::*;

#[test]
fn an_offer_lists_what_we_can_in_our_order() {
    let offer = offer(&ours(), None, &mut rng()).unwrap();
    assert_eq!(offer.media.len(), 1);
    assert_eq!(offer.media[0].formats, ["9", "111", "8", "0", "13", "101", "110"]);
    let text = offer.to_text();
    for line in ["a=rtpmap:111 opus/48000/2\r\n", "a=rtpmap:110 telephone-event/48000\r\n", "a=rtcp-mux\r\n"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("crypto"));
}

#[test]
fn the_first_codec_of_an_answer_is_sent_and_all_of_them_are_taken() {
    let offer = offer(&ours(), None, &mut rng()).unwrap();
    let answer = described(
        "m=audio 4000 RTP/AVP 18 97 8 100\na=rtpmap:97 OPUS/48000/2\na=fmtp:97 useinbandfec=1\n\
         a=rtpmap:100 telephone-event/8000\n",
    );
    let agreed = accept_answer(&offer, &answer, &ours()).unwrap();
    assert_eq!((agreed.codec, agreed.send_payload_type), (Codec::Opus, 97));
    assert!(agreed.opus.uses_inband_fec);
    assert_eq!((agreed.received_codec(111), agreed.received_codec(8)), (Some(Codec::Opus), Some(Codec::Pcma)));
    assert_eq!(agreed.received_codec(97), None, "that is theirs");
    let event = agreed.telephone_event.unwrap();
    assert_eq!((event.payload_types, event.clock_rate_hz), (PayloadTypes { send: 100, receive: 101 }, 8_000));
    assert!(!agreed.is_rtcp_muxed);
    assert_eq!(agreed.remote_rtcp, Some("192.0.2.1:4001".parse().unwrap()));
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let offer = offer(&ours(), None, &mut rng()).unwrap();
    for (lines, refusal) in [
        ("", Refusal::AnswerMismatch),
        ("m=video 4000 RTP/AVP 8\n", Refusal::AnswerMismatch),
        ("m=audio 0 RTP/AVP 8\n", Refusal::NoAudio),
        ("m=audio 4000 RTP/AVP 18\n", Refusal::NoCommonCodec),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 8\n", Refusal::Transport),
        ("m=audio 4000 RTP/SAVP 8\n", Refusal::EncryptionRequired),
    ] {
        assert_eq!(accept_answer(&offer, &described(lines), &ours()).unwrap_err(), refusal, "{lines}");
    }
}

#[test]
fn within_a_call_sections_and_payload_types_stay() {
    let first = described(
        "m=video 5000 RTP/AVP 31\nm=audio 4000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\n\
         a=rtpmap:101 telephone-event/48000\n",
    );
    let (_, agreed) = answered(&first, &ours());
    let hold = Capabilities { direction: Direction::SendOnly, ..ours() };
    let again = offer(&hold, Some(&agreed), &mut rng()).unwrap();
    assert_eq!((again.media[0].port, again.media[1].port), (0, 20_000));
    assert_eq!(again.origin.session_version, "2");
    let sound = &again.media[1];
    assert!(sound.has("sendonly"));
    let rtpmaps: Vec<&str> = sound.all("rtpmap").collect();
    assert!(rtpmaps.contains(&"96 opus/48000/2") && rtpmaps.contains(&"101 telephone-event/48000"), "{rtpmaps:?}");
    assert!(rtpmaps.contains(&"102 telephone-event/8000"), "the usual number means something else here");

    let answer = described("m=video 0 RTP/AVP 31\nm=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=recvonly\n");
    let held = accept_answer(&again, &answer, &hold).unwrap();
    assert_eq!((held.direction, held.is_on_hold), (Direction::SendOnly, false), "it is we who hold");
}

#[test]
fn a_refresh_offers_the_same_again() {
    let (_, agreed) = answered(&described("m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n"), &ours());
    let refresh = agreed.local().clone();
    let answer = described("m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n");
    let refreshed = accept_answer(&refresh, &answer, &ours()).unwrap();
    assert!(refreshed == Negotiated { is_on_hold: false, ..agreed });
}

#[test]
fn who_answers_sendonly_holds_us() {
    let offer = offer(&ours(), None, &mut rng()).unwrap();
    let agreed = accept_answer(&offer, &described("m=audio 4000 RTP/AVP 8\na=sendonly\n"), &ours()).unwrap();
    assert_eq!((agreed.direction, agreed.is_on_hold), (Direction::RecvOnly, true));
}
