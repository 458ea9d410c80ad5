// SPDX-License-Identifier: EUPL-1.2
//! What real browsers offer. Every answer here was also taken by the browser that made the offer.

use super::*;

const CHROMIUM: [&str; 4] = [
    include_str!("../../../../tests/fixtures/offers/chromium-placeholders.sdp"),
    include_str!("../../../../tests/fixtures/offers/chromium-publish.sdp"),
    include_str!("../../../../tests/fixtures/offers/chromium-ice-restart.sdp"),
    include_str!("../../../../tests/fixtures/offers/chromium-stopped.sdp"),
];

const FIREFOX: [&str; 4] = [
    include_str!("../../../../tests/fixtures/offers/firefox-placeholders.sdp"),
    include_str!("../../../../tests/fixtures/offers/firefox-publish.sdp"),
    include_str!("../../../../tests/fixtures/offers/firefox-ice-restart.sdp"),
    include_str!("../../../../tests/fixtures/offers/firefox-stopped.sdp"),
];

/// Every offer of a browser there is.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    CHROMIUM.into_iter().chain(FIREFOX)
}

#[test]
fn placeholders_are_inactive_and_the_first_carries_the_transport() {
    for offer in [CHROMIUM[0], FIREFOX[0]] {
        let mut negotiation = negotiation();
        let accepted = negotiation.accept_offer(offer).unwrap();
        let answer = Answered::of(&accepted);
        assert_eq!(answer.directions(), "0:inactive 1:inactive 2:inactive 3:inactive 4:inactive 5:inactive 6:data");
        assert_eq!(answer.0.attribute("group").map(String::as_str), Some("BUNDLE 0 1 2 3 4 5 6"));
        assert!(answer.0.has_attribute("ice-lite"));
        assert_eq!(answer.0.attribute("fingerprint").unwrap(), &format!("sha-256 {}AB", "AB:".repeat(31)));
        for section in &answer.0.media_descriptions {
            let is_first = value(section, "mid") == Some("0");
            assert_eq!(values(section, "candidate").len(), if is_first { 2 } else { 0 });
            assert_eq!(section.has_attribute("end-of-candidates"), is_first);
            assert_eq!(value(section, "setup"), Some("passive"));
            assert_eq!(value(section, "ice-ufrag"), Some(&*negotiation.local().ufrag));
        }
        assert_eq!(value(answer.section("6"), "max-message-size"), Some("65536"));
        assert_eq!(accepted.ice, IceChange::First);
        assert!(accepted.session.data_channels);
        assert!(accepted.session.uplinks.is_empty() && accepted.session.downlinks.is_empty());
        assert_eq!(negotiation.poll_sections_needed(), None);
    }
}

#[test]
fn microphone_and_simulcast_camera_become_uplinks() {
    let cids = ["c7a700a1-5db7-4ba3-bf7f-1fdf03da7c72", "e6a8d047-835e-4637-b908-0f8e8c85b64a"];
    // Firefox names the tracks in SDP other than the application sees them.
    for (offers, payload_types, rid) in [(CHROMIUM, (111, 96, 97), 10), (FIREFOX, (109, 120, 124), 9)] {
        let mut negotiation = negotiation();
        negotiation.accept_offer(offers[0]).unwrap();
        negotiation.publish(camera(2, cids[1]));
        negotiation.publish(microphone(1, cids[0]));
        let accepted = negotiation.accept_offer(offers[1]).unwrap();
        let [audio, video] = &accepted.session.uplinks[..] else { panic!("two uplinks") };
        assert_eq!((audio.mid.as_str(), audio.track, audio.speaker_group), ("7", TrackId(1), SpeakerGroup(9)));
        assert_eq!((audio.codec.codec, audio.codec.payload_type), (Codec::Opus, payload_types.0));
        assert!(audio.rids.is_empty() && audio.ssrcs.len() == 1);
        assert_eq!((video.mid.as_str(), video.track), ("8", TrackId(2)));
        assert_eq!((video.codec.payload_type, video.codec.rtx_payload_type), (payload_types.1, Some(payload_types.2)));
        assert!(video.codec.nack && video.codec.pli && video.codec.transport_cc);
        assert_eq!(video.rids.iter().map(Mid::as_str).collect::<Vec<_>>(), ["q", "h", "f"]);
        assert!(video.ssrcs.is_empty());
        assert_eq!(accepted.session.extensions.rid, Some(rid));

        let answer = Answered::of(&accepted);
        assert!(answer.directions().ends_with("6:data 7:recvonly 8:recvonly"));
        assert!(value(answer.section("7"), "fmtp").unwrap().ends_with("useinbandfec=1;usedtx=1"));
        assert_eq!(value(answer.section("8"), "simulcast"), Some("recv q;h;f"));
        assert_eq!(values(answer.section("8"), "rid"), ["q recv", "h recv", "f recv"]);
    }
}

#[test]
fn ice_restarts_with_new_credentials_on_both_sides() {
    for offers in [CHROMIUM, FIREFOX] {
        let mut negotiation = negotiation();
        let first = negotiation.accept_offer(offers[0]).unwrap();
        let before = negotiation.local().clone();
        assert_eq!(negotiation.accept_offer(offers[1]).unwrap().ice, IceChange::Same);
        assert_eq!(negotiation.local(), &before);
        let restarted = negotiation.accept_offer(offers[2]).unwrap();
        let now = negotiation.local().clone();
        assert_eq!(restarted.ice, IceChange::Restarted { local: now.clone() });
        assert!(now.ufrag != before.ufrag && now.password != before.password);
        assert_ne!(restarted.remote, first.remote);
        assert_eq!(restarted.remote_fingerprint, first.remote_fingerprint);
        let answer = Answered::of(&restarted);
        assert_eq!(value(answer.section("0"), "ice-ufrag"), Some(&*now.ufrag));
        assert_eq!(value(answer.section("0"), "ice-pwd"), Some(&*now.password));
    }
}

#[test]
fn stopped_lines_leave_the_bundle() {
    for offers in [CHROMIUM, FIREFOX] {
        let accepted = negotiation().accept_offer(offers[3]).unwrap();
        let answer = Answered::of(&accepted);
        let directions = answer.directions();
        assert!(directions.starts_with("0:inactive 1:refused 2:inactive 3:refused 4:inactive"), "{directions}");
        assert!(answer.0.attribute("group").unwrap().starts_with("BUNDLE 0 2 4 5 6"));
    }
}

#[test]
fn answers_hold_nothing_that_was_not_offered() {
    for offer in all() {
        let accepted = negotiation().accept_offer(offer).unwrap();
        let answer = Answered::of(&accepted);
        let offer = SessionDescription::unmarshal(&mut Cursor::new(offer.as_bytes())).unwrap();
        assert_eq!(answer.0.media_descriptions.len(), offer.media_descriptions.len());
        for (answered, offered) in answer.0.media_descriptions.iter().zip(&offer.media_descriptions) {
            assert_eq!(answered.media_name.media, offered.media_name.media);
            assert_eq!(value(answered, "mid"), value(offered, "mid"));
            assert!(!answered.media_name.formats.is_empty());
            for format in &answered.media_name.formats {
                assert!(offered.media_name.formats.contains(format));
            }
            for name in ["rtpmap", "fmtp", "rtcp-fb", "extmap"] {
                for line in values(answered, name) {
                    assert!(values(offered, name).contains(&line), "{name}:{line}");
                }
            }
        }
    }
}

#[test]
fn extensions_are_accepted_on_every_line_that_offers_them() {
    let accepted = negotiation().accept_offer(CHROMIUM[0]).unwrap();
    let answer = Answered::of(&accepted);
    let extensions = values(answer.section("5"), "extmap");
    assert!(extensions.contains(&"10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"), "{extensions:?}");
    assert!(extensions.contains(&"11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"));
    assert!(!extensions.iter().any(|extension| extension.contains("video-orientation")));
    let audio = values(answer.section("0"), "extmap");
    assert!(audio.contains(&"1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"));
}
