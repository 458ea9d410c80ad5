// SPDX-License-Identifier: EUPL-1.2
//! Taking tracks from a client.

use super::*;

/// What the placeholders become when these m-lines are added.
fn accept(negotiation: &mut Negotiation, added: &[String]) -> Accepted {
    let sections = [placeholders(), added.to_vec()].concat();
    negotiation.accept_offer(&offer(&sections)).unwrap()
}

#[test]
fn tracks_are_found_by_their_name() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "{camera}"));
    negotiation.publish(camera(2, "screen"));
    let added = [video("7", "sendonly\nmsid:stream screen"), video("8", "sendonly\nmsid:stream camera")];
    assert_eq!(sent(&accept(&mut negotiation, &added)), "7=2 8=1");
}

#[test]
fn tracks_with_other_names_are_taken_by_kind_in_order() {
    let mut negotiation = negotiation();
    negotiation.publish(microphone(1, "a"));
    negotiation.publish(camera(2, "b"));
    negotiation.publish(camera(3, "c"));
    let added = [
        video("7", "sendonly\nmsid:stream {x}"),
        video("8", "sendrecv\nmsid:stream c"),
        audio("9", "sendonly\nssrc:5 msid:stream y"),
    ];
    assert_eq!(sent(&accept(&mut negotiation, &added)), "7=2 8=3 9=1");
}

#[test]
fn a_track_that_nobody_announced_is_answered_inactive() {
    let mut negotiation = negotiation();
    let accepted = accept(&mut negotiation, &[audio("7", "sendonly\nmsid:- x")]);
    assert_eq!(sent(&accepted), "");
    assert!(Answered::of(&accepted).directions().ends_with("7:inactive"));
    assert_eq!(negotiation.poll_sections_needed(), None);
}

#[test]
fn a_track_announced_after_its_offer_makes_the_client_offer_again() {
    let mut negotiation = negotiation();
    let added = [audio("7", "sendonly\nmsid:- mic")];
    accept(&mut negotiation, &added);
    negotiation.publish(camera(2, "cam"));
    assert_eq!(negotiation.poll_sections_needed(), None);
    negotiation.publish(microphone(1, "mic"));
    assert_eq!(negotiation.poll_sections_needed(), Some(SectionsNeeded::default()));
    assert_eq!(sent(&accept(&mut negotiation, &added)), "7=1");
    assert_eq!(negotiation.poll_sections_needed(), None);
}

#[test]
fn a_track_keeps_its_line_whatever_it_is_called_later() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "a"));
    negotiation.publish(camera(2, "b"));
    let added = ["7", "8"].map(|mid| video(mid, "sendonly\nmsid:- x"));
    accept(&mut negotiation, &added);
    negotiation.unpublish(TrackId(1));
    let accepted = accept(&mut negotiation, &added);
    assert_eq!(sent(&accepted), "8=2");
    assert!(Answered::of(&accepted).directions().ends_with("7:inactive 8:recvonly"));
}

#[test]
fn a_track_whose_line_stopped_is_not_taken_for_the_next_one() {
    let mut negotiation = negotiation();
    negotiation.publish(microphone(1, "a"));
    accept(&mut negotiation, &[audio("7", "sendonly\nmsid:- x")]);
    assert_eq!(sent(&accept(&mut negotiation, &[audio("7", "inactive\nmsid:- x")])), "");
    let added = [audio("7", "inactive\nmsid:- x"), audio("8", "sendonly\nmsid:- y")];
    assert_eq!(sent(&accept(&mut negotiation, &added)), "");
    negotiation.publish(microphone(2, "b"));
    assert_eq!(sent(&accept(&mut negotiation, &added)), "8=2");
}

#[test]
fn a_track_published_again_under_its_old_name_is_the_new_one() {
    let mut negotiation = negotiation();
    negotiation.publish(microphone(1, "mic"));
    accept(&mut negotiation, &[audio("7", "sendonly\nmsid:- mic")]);
    negotiation.publish(microphone(2, "mic"));
    let added = [audio("7", "inactive\nmsid:- mic"), audio("8", "sendonly\nmsid:- mic")];
    assert_eq!(sent(&accept(&mut negotiation, &added)), "8=2");
}

#[test]
fn a_line_that_showed_a_track_may_carry_one_later() {
    let mut negotiation = negotiation();
    negotiation.subscribe(request(11, Codec::Opus));
    assert_eq!(shown(&accept(&mut negotiation, &[])), "0=11");
    negotiation.unsubscribe(TrackId(11));
    negotiation.publish(microphone(1, "mic"));
    let mut sections = placeholders();
    sections[0] = audio("0", "sendonly\nmsid:- mic");
    let accepted = negotiation.accept_offer(&offer(&sections)).unwrap();
    assert_eq!((sent(&accepted), shown(&accepted)), ("0=1".to_owned(), String::new()));
}

#[test]
fn speech_is_asked_for_with_pauses_and_music_in_stereo() {
    let mut negotiation = negotiation();
    negotiation.publish(microphone(1, "mic"));
    negotiation.publish(Publication { is_stereo: true, wants_dtx: false, ..microphone(2, "music") });
    let stereo = |section: String| section.replace("useinbandfec=1", "useinbandfec=1;stereo=1");
    let added = [stereo(audio("7", "sendonly\nmsid:- mic")), stereo(audio("8", "sendonly\nmsid:- music"))];
    let answer = Answered::of(&accept(&mut negotiation, &added));
    assert_eq!(value(answer.section("7"), "fmtp"), Some("111 minptime=10;useinbandfec=1;usedtx=1"));
    assert_eq!(
        value(answer.section("8"), "fmtp"),
        Some("111 minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=128000")
    );
    assert_eq!(value(answer.section("0"), "fmtp"), Some("111 minptime=10;useinbandfec=1"));
}

#[test]
fn feedback_is_agreed_for_what_we_receive() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "cam"));
    let accepted = accept(&mut negotiation, &[video("7", "sendonly\nmsid:- cam")]);
    let answer = Answered::of(&accepted);
    let feedback = values(answer.section("7"), "rtcp-fb");
    assert_eq!(feedback, ["96 transport-cc", "96 ccm fir", "96 nack", "96 nack pli"]);
    let codec = accepted.session.uplinks[0].codec;
    assert!(codec.nack && codec.pli && codec.transport_cc);
}

#[test]
fn a_stream_without_simulcast_is_known_by_its_sources() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "cam"));
    let added = [video("7", "sendonly\nmsid:- cam\nssrc-group:FID 50 51\nssrc:50 cname:a\nssrc:51 cname:a")];
    let accepted = accept(&mut negotiation, &added);
    assert_eq!(accepted.session.uplinks[0].ssrcs, [(50, Some(51))]);
    assert!(accepted.session.uplinks[0].rids.is_empty());
    assert_eq!(value(Answered::of(&accepted).section("7"), "simulcast"), None);
}

#[test]
fn retransmissions_need_their_payload_type() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "cam"));
    let line = video("7", "sendonly\nmsid:- cam\nssrc-group:FID 50 51\nssrc:50 cname:a\nssrc:51 cname:a");
    let accepted = accept(&mut negotiation, &[line.replace("apt=96", "apt=98")]);
    assert_eq!(accepted.session.uplinks[0].codec.rtx_payload_type, None);
    assert_eq!(accepted.session.uplinks[0].ssrcs, [(50, None)]);
    assert_eq!(Answered::of(&accepted).section("7").media_name.formats, ["96"]);
}

#[test]
fn paused_streams_stay_paused() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "cam"));
    let added = [video("7", "sendonly\nmsid:- cam\nrid:q send\nrid:h send\nrid:f send\nsimulcast:send q;h;~f")];
    let accepted = accept(&mut negotiation, &added);
    assert_eq!(value(Answered::of(&accepted).section("7"), "simulcast"), Some("recv q;h;~f"));
    assert_eq!(accepted.session.uplinks[0].rids.len(), 3);
}

#[test]
fn simulcast_needs_the_extension_that_tells_its_streams_apart() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "cam"));
    let line = video("7", "sendonly\nmsid:- cam\nrid:q send\nrid:f send\nsimulcast:send q;f\nssrc:50 cname:a");
    let accepted = accept(&mut negotiation, &[line.replace("rtp-stream-id", "other")]);
    assert_eq!(value(Answered::of(&accepted).section("7"), "simulcast"), None);
    assert!(accepted.session.uplinks[0].rids.is_empty());
    assert_eq!(accepted.session.uplinks[0].ssrcs, [(50, None)]);
}

#[test]
fn an_extension_with_two_ids_or_an_id_with_two_meanings_is_dropped() {
    let line = |id: &str, uri: &str| audio("7", &format!("recvonly\nextmap:{id} urn:ietf:params:rtp-hdrext:{uri}"));
    for (added, mid, audio_level) in [
        (line("4", "sdes:mid"), Some(4), Some(1)),
        (line("5", "sdes:mid"), None, Some(1)),
        (line("4", "other"), None, Some(1)),
        (line("1/recvonly", "ssrc-audio-level"), Some(4), Some(1)),
    ] {
        let accepted = accept(&mut negotiation(), &[added]);
        let extensions = accepted.session.extensions;
        assert_eq!((extensions.mid, extensions.audio_level), (mid, audio_level));
        assert_eq!(accepted.answer.contains("sdes:mid"), mid.is_some());
    }
}

#[test]
fn extensions_that_take_long_headers_are_left_out() {
    let section = audio("0", "recvonly").replace("extmap:1 ", "extmap:15 ").replace("extmap:4 ", "extmap:16 ");
    let accepted = negotiation().accept_offer(&offer(&[section])).unwrap();
    assert_eq!(accepted.session.extensions, Default::default());
    assert!(!accepted.answer.contains("extmap"));
}

#[test]
fn a_line_in_another_codec_stays_but_carries_nothing() {
    let mut negotiation = negotiation();
    negotiation.publish(camera(1, "cam"));
    let accepted = accept(&mut negotiation, &[h264("7", "sendonly\nmsid:- cam")]);
    let answer = Answered::of(&accepted);
    assert!(answer.directions().ends_with("7:inactive"));
    assert_eq!(answer.section("7").media_name.formats, ["102"]);
    assert_eq!(value(answer.section("7"), "rtpmap"), Some("102 H264/90000"));
    assert_eq!(sent(&accepted), "");
    assert_eq!(negotiation.poll_sections_needed(), None);
}
