// SPDX-License-Identifier: EUPL-1.2
//! Answers to what telephones and switchboards offer.

use super::*;

pub(super) const BARESIP: &str = "v=0\r\no=- 2890 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
a=tool:baresip 1.0.0\r\nm=audio 10032 RTP/AVP 96 9 8 0 101\r\nb=AS:125\r\na=rtpmap:96 opus/48000/2\r\n\
a=fmtp:96 stereo=1;sprop-stereo=1\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:10033\r\na=rtcp-rsize\r\na=ssrc:2131 cname:sip:u\r\n\
a=sendrecv\r\na=label:1\r\na=rtcp-mux\r\na=ptime:20\r\n";

pub(super) const LINPHONE: &str = "v=0\r\no=user 1623 2470 IN IP4 192.0.2.1\r\ns=Talk\r\nc=IN IP4 192.0.2.1\r\n\
t=0 0\r\na=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r\na=record:off\r\n\
m=audio 7076 RTP/AVPF 96 97 98 0 8 101 99 100\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
a=rtpmap:97 speex/16000\r\na=fmtp:97 vbr=on\r\na=rtpmap:98 speex/8000\r\na=rtpmap:101 telephone-event/48000\r\n\
a=rtpmap:99 telephone-event/16000\r\na=rtpmap:100 telephone-event/8000\r\na=rtcp-fb:* trr-int 1000\r\n\
m=video 9078 RTP/AVPF 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:* ccm fir\r\n";

pub(super) const SNOM: &str = "v=0\r\no=root 1821 1821 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
m=audio 57076 RTP/AVP 9 8 0 3 99 18 101\r\n\
a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:4tNHKmBmzWVsl0vdYkQi0gGXE+xO8VLyKP6YhFDc\r\na=rtpmap:9 G722/8000\r\n\
a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:3 GSM/8000\r\na=rtpmap:99 AAL2-G726-32/8000\r\n\
a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
a=ptime:20\r\na=sendrecv\r\n";

pub(super) const CISCO: &str = "v=0\r\no=Cisco-SIPUA 25216 0 IN IP4 192.0.2.1\r\ns=SIP Call\r\nb=AS:4064\r\nt=0 0\r\n\
m=audio 16642 RTP/AVP 114 9 124 0 8 116 18 101\r\nc=IN IP4 192.0.2.1\r\nb=TIAS:64000\r\na=trafficclass:conversational\r\n\
a=rtpmap:114 opus/48000/2\r\na=fmtp:114 maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=64000\r\n\
a=rtpmap:9 G722/8000\r\na=rtpmap:124 ISAC/16000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:116 iLBC/8000\r\na=fmtp:116 mode=20\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=yes\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n\
m=video 29254 RTP/AVP 126\r\nc=IN IP4 192.0.2.1\r\na=rtpmap:126 H264/90000\r\na=recvonly\r\n";

pub(super) const FRITZ_BOX: &str = "v=0\r\no=user 8241 8241 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
m=audio 7078 RTP/AVP 9 8 0 2 102 100 99 101 97 120 121\r\na=sendrecv\r\na=rtpmap:2 G726-32/8000\r\n\
a=rtpmap:102 G726-32/8000\r\na=rtpmap:100 G726-40/8000\r\na=rtpmap:99 G726-24/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=30\r\n\
a=rtpmap:120 PCMA/16000\r\na=rtpmap:121 PCMU/16000\r\na=rtcp:7079\r\n";

fn check(offer: &str, codec: Codec, payload_type: u8, event: Option<(u8, u32)>) -> (SessionDescription, Negotiated) {
    let offer = parse(offer);
    let (ours, agreed) = answered(&offer, &ours());
    assert_eq!((agreed.codec, agreed.send_payload_type), (codec, payload_type));
    assert_eq!(agreed.received_codec(payload_type), Some(codec));
    let found = agreed.telephone_event.map(|event| (event.payload_types.receive, event.clock_rate_hz));
    assert_eq!(found, event);
    assert_eq!(ours.media.len(), offer.media.len());
    assert_eq!(agreed.direction, Direction::SendRecv);
    assert!(!agreed.is_on_hold && agreed.srtp.is_none());
    (ours, agreed)
}

#[test]
fn baresip_gets_wide_sound_on_one_port() {
    let (local, agreed) = check(BARESIP, Codec::G722, 9, Some((101, 8_000)));
    assert!(agreed.is_rtcp_muxed);
    assert_eq!(agreed.remote_rtp, agreed.remote_rtcp);
    assert_eq!(agreed.remote_rtp, Some("192.0.2.1:10032".parse().unwrap()));
    let origin = local.to_text().lines().nth(1).unwrap().to_owned();
    assert_eq!(
        local.to_text(),
        format!(
            "v=0\r\n{origin}\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 20000 RTP/AVP 9 101\r\n\
             a=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n\
             a=maxptime:60\r\na=rtcp-mux\r\na=sendrecv\r\n"
        )
    );
}

#[test]
fn linphone_gets_opus_with_events_on_its_clock() {
    let (local, agreed) = check(LINPHONE, Codec::Opus, 96, Some((101, 48_000)));
    assert!(agreed.opus.uses_inband_fec);
    assert_eq!(local.media[0].protocol, "RTP/AVPF");
    assert_eq!(local.media[1].port, 0);
    assert_eq!(agreed.remote_rtcp, Some("192.0.2.1:7077".parse().unwrap()));
    assert!(local.to_text().contains("a=fmtp:96 maxplaybackrate=16000;sprop-maxcapturerate=16000;useinbandfec=1"));
}

#[test]
fn snom_gets_no_keys_over_plain_signalling() {
    let (local, _) = check(SNOM, Codec::G722, 9, Some((101, 8_000)));
    assert!(!local.to_text().contains("crypto"));
}

#[test]
fn cisco_with_addresses_in_sections_is_understood() {
    let (local, agreed) = check(CISCO, Codec::G722, 9, Some((101, 8_000)));
    assert_eq!(agreed.remote_rtp, Some("192.0.2.1:16642".parse().unwrap()));
    assert_eq!(local.media[1].to_owned().formats, ["126"]);

    let mut ours = ours();
    ours.codecs = vec![Codec::Opus, Codec::Pcma];
    let (_, agreed) = answered(&parse(CISCO), &ours);
    assert_eq!((agreed.codec, agreed.send_payload_type), (Codec::Opus, 114));
    assert_eq!((agreed.opus.max_playback_rate_hz, agreed.opus.max_average_bitrate_bps), (16_000, Some(64_000)));
    assert_eq!(agreed.telephone_event.map(|event| event.clock_rate_hz), Some(8_000));
}

#[test]
fn fritz_box_with_payload_types_without_names_is_understood() {
    let (_, agreed) = check(FRITZ_BOX, Codec::G722, 9, Some((101, 8_000)));
    assert_eq!(agreed.remote_rtcp, Some("192.0.2.1:7079".parse().unwrap()));
}

/// RFC 4317 §2.1: sound and two videos, of which the codecs are narrowed.
#[test]
fn rfc_4317_audio_and_video() {
    let offer = parse(
        "v=0\r\no=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com\r\ns= \r\n\
         c=IN IP4 host.atlanta.example.com\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 8 97\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:97 iLBC/8000\r\nm=video 51372 RTP/AVP 31 32\r\na=rtpmap:31 H261/90000\r\n\
         a=rtpmap:32 MPV/90000\r\n",
    );
    let (local, agreed) = answered(&offer, &ours());
    assert_eq!(agreed.codec, Codec::Pcma);
    assert_eq!(agreed.remote_rtp, None, "a name, which nobody has looked up");
    assert!(!agreed.is_on_hold);
    assert_eq!((local.media[0].port, local.media[1].port), (20_000, 0));
    assert_eq!(local.media[1].formats, ["31", "32"]);
}

/// RFC 4317 §3.1: a call is put on hold and taken back.
#[test]
fn rfc_4317_hold_and_unhold() {
    let sound = "m=audio 49170 RTP/AVP 0 97\na=rtpmap:0 PCMU/8000\n";
    let (first, agreed) = answered(&described(sound), &ours());
    let hold = described(&format!("{sound}a=sendonly\n"));
    let (held, on_hold) = answer(&hold, &ours(), Some(&agreed), &mut rng()).unwrap();
    assert_eq!((on_hold.direction, on_hold.is_on_hold), (Direction::RecvOnly, true));
    assert!(held.media[0].has("recvonly"));
    assert_eq!(held.origin.session_id, first.origin.session_id);
    assert_eq!((first.origin.session_version.as_str(), held.origin.session_version.as_str()), ("1", "2"));

    let (same, again) = answer(&hold, &ours(), Some(&on_hold), &mut rng()).unwrap();
    assert!(same == held, "nothing changed, so the version stays");
    let (_, back) = answer(&described(sound), &ours(), Some(&again), &mut rng()).unwrap();
    assert_eq!((back.direction, back.is_on_hold), (Direction::SendRecv, false));
    assert_eq!(back.local().origin.session_version, "3");
}

#[test]
fn directions_are_mirrored() {
    use Direction::*;
    for (said, zero, wanted, ours_direction, is_on_hold) in [
        ("", false, SendRecv, SendRecv, false),
        ("a=sendonly\n", false, SendRecv, RecvOnly, true),
        ("a=recvonly\n", false, SendRecv, SendOnly, false),
        ("a=inactive\n", false, SendRecv, Inactive, true),
        ("a=sendrecv\n", true, SendRecv, RecvOnly, true),
        ("a=recvonly\n", true, SendRecv, Inactive, true),
        ("a=sendrecv\n", false, SendOnly, SendOnly, false),
        ("a=sendonly\n", false, SendOnly, Inactive, true),
    ] {
        let zero = if zero { "c=IN IP4 0.0.0.0\n" } else { "" };
        let offer = described(&format!("m=audio 4000 RTP/AVP 8\n{zero}{said}"));
        let mut ours = ours();
        ours.direction = wanted;
        let (local, agreed) = answered(&offer, &ours);
        assert_eq!((agreed.direction, agreed.is_on_hold), (ours_direction, is_on_hold), "{said}{zero}{wanted:?}");
        assert!(local.media[0].has(ours_direction.as_str()));
        assert_eq!(agreed.remote_rtp.is_none(), !zero.is_empty());
    }
}

#[test]
fn what_cannot_be_agreed_on_is_refused_with_its_reason() {
    for (lines, refusal, code) in [
        ("", Refusal::NoAudio, 304),
        ("m=video 4000 RTP/AVP 31\n", Refusal::NoAudio, 304),
        ("m=audio 0 RTP/AVP 8\n", Refusal::NoAudio, 304),
        ("m=audio 4000 RTP/AVP 18 97\na=rtpmap:97 iLBC/8000\n", Refusal::NoCommonCodec, 305),
        ("m=audio 4000 RTP/AVP 8\na=rtpmap:8 G726-32/8000\n", Refusal::NoCommonCodec, 305),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 8\n", Refusal::Transport, 302),
        ("m=audio 4000 RTP/SAVP 8\n", Refusal::EncryptionUnavailable, 302),
        ("m=audio 4000 RTP/AVP 8\nc=IN IP6 2001:db8::1\n", Refusal::Address, 301),
        ("m=audio 4000 RTP/AVP 8\nc=IN IP4 224.2.1.1/127\n", Refusal::Address, 301),
    ] {
        let refused = answer(&described(lines), &ours(), None, &mut rng()).unwrap_err();
        assert_eq!(refused, refusal, "{lines}");
        assert_eq!((refused.status(), refused.warning_code()), (488, code));
    }
    let warning = Refusal::NoCommonCodec.warning("sip.example.org");
    assert_eq!(warning, "305 sip.example.org \"no common audio codec\"");
}

#[test]
fn ipv6_is_answered_by_ipv6() {
    let offer = parse(
        "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n\
         a=rtcp:4005 IN IP6 2001:db8::2\r\n",
    );
    let (local, agreed) = answered(&offer, &Capabilities::new("2001:db8::10".parse().unwrap(), 20_000));
    assert_eq!(agreed.remote_rtp, Some("[2001:db8::1]:4000".parse().unwrap()));
    assert_eq!(agreed.remote_rtcp, Some("[2001:db8::2]:4005".parse().unwrap()));
    assert!(local.to_text().contains("c=IN IP6 2001:db8::10\r\n"));
}

#[test]
fn packet_times_are_understood_within_reason() {
    for (lines, ours_ms, theirs_ms) in [
        ("", 20, 20),
        ("a=ptime:10\n", 10, 10),
        ("a=ptime:30\n", 30, 30),
        ("a=ptime:35\n", 30, 35),
        ("a=ptime:40\na=maxptime:20\n", 20, 40),
        ("a=ptime:5\na=maxptime:10\n", 10, 10),
        ("a=ptime:200\na=maxptime:60\n", 40, 60),
        ("a=maxptime:60\n", 20, 20),
        ("a=ptime:20.0\n", 20, 20),
        ("a=ptime:soon\na=maxptime:0\n", 20, 20),
        ("a=ptime:99999999999\n", 20, 20),
    ] {
        let (_, agreed) = answered(&described(&format!("m=audio 4000 RTP/AVP 8\n{lines}")), &ours());
        assert_eq!((agreed.ptime_ms, agreed.remote_ptime_ms), (ours_ms, theirs_ms), "{lines}");
    }
}

#[test]
fn who_takes_only_short_packets_gets_opus_when_there_is_nothing_else() {
    let opus = "a=rtpmap:96 opus/48000/2\na=maxptime:10\n";
    let (_, agreed) = answered(&described(&format!("m=audio 4000 RTP/AVP 96 8\n{opus}")), &ours());
    assert_eq!((agreed.codec, agreed.ptime_ms), (Codec::Pcma, 10));
    let (_, agreed) = answered(&described(&format!("m=audio 4000 RTP/AVP 96\n{opus}")), &ours());
    assert_eq!(agreed.codec, Codec::Opus);
}

#[test]
fn comfort_noise_goes_with_narrow_sound_only() {
    let sound = "m=audio 4000 RTP/AVP 8 13 96\na=rtpmap:96 opus/48000/2\n";
    let (_, agreed) = answered(&described(sound), &Capabilities { codecs: vec![Codec::Pcma], ..ours() });
    assert_eq!(agreed.comfort_noise, Some(PayloadTypes { send: 13, receive: 13 }));
    let (_, agreed) = answered(&described(sound), &Capabilities { codecs: vec![Codec::Opus], ..ours() });
    assert_eq!(agreed.comfort_noise, None);
}
