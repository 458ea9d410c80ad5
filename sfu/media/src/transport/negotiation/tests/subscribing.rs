// SPDX-License-Identifier: EUPL-1.2
//! Showing tracks to a client.

use std::collections::HashMap;

use rand::Rng;
use rand::seq::IndexedRandom;

use super::*;

fn audios(audios: usize) -> Option<SectionsNeeded> {
    Some(SectionsNeeded { audios, videos: 0 })
}

fn videos(videos: usize) -> Option<SectionsNeeded> {
    Some(SectionsNeeded { audios: 0, videos })
}

/// A negotiation past its first offer.
fn joined() -> Negotiation {
    let mut negotiation = negotiation();
    negotiation.accept_offer(&offer(&placeholders())).unwrap();
    negotiation
}

#[test]
fn a_subscription_appears_on_a_free_line_of_its_kind() {
    let mut negotiation = joined();
    negotiation.subscribe(request(12, Codec::Vp8));
    negotiation.subscribe(request(11, Codec::Opus));
    let accepted = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&accepted), "0=11 3=12");
    let answer = Answered::of(&accepted);
    assert!(answer.directions().starts_with("0:sendonly 1:inactive 2:inactive 3:sendonly 4:inactive"));
    let [audio, video] = &accepted.session.downlinks[..] else { panic!("two downlinks") };
    assert_eq!(value(answer.section("0"), "msid"), Some("PA_bob|TR_11 TR_11"));
    assert_eq!(values(answer.section("0"), "ssrc"), [format!("{} cname:PA_bob|TR_11", audio.ssrc)]);
    assert_eq!(audio.rtx_ssrc, None);
    let rtx_ssrc = video.rtx_ssrc.unwrap();
    assert_eq!(values(answer.section("3"), "ssrc-group"), [format!("FID {} {rtx_ssrc}", video.ssrc)]);
    assert_eq!(answer.section("3").media_name.formats, ["96", "97"]);
    assert_eq!(values(answer.section("3"), "rtcp-fb"), ["96 transport-cc", "96 nack", "96 nack pli"]);
    assert_eq!(value(answer.section("1"), "msid"), None);
}

#[test]
fn what_was_wanted_before_the_first_offer_is_in_the_first_answer() {
    let mut negotiation = negotiation();
    negotiation.subscribe(request(11, Codec::Opus));
    assert_eq!(negotiation.poll_sections_needed(), None);
    let accepted = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&accepted), "0=11");
    assert_eq!(negotiation.poll_sections_needed(), None);
}

#[test]
fn a_subscription_keeps_its_line_and_sources() {
    let mut negotiation = joined();
    for track in [11, 12, 13] {
        negotiation.subscribe(request(track, Codec::Vp8));
    }
    let first = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    negotiation.unsubscribe(TrackId(11));
    negotiation.subscribe(request(21, Codec::Opus));
    let second = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&second), "0=21 4=12 5=13");
    assert_eq!(second.session.downlinks[1..], first.session.downlinks[1..]);
}

#[test]
fn a_freed_line_is_inactive_once_before_it_shows_something_else() {
    let mut negotiation = joined();
    for track in [11, 12, 13] {
        negotiation.subscribe(request(track, Codec::Vp8));
    }
    let first = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    negotiation.unsubscribe(TrackId(12));
    negotiation.subscribe(request(14, Codec::Vp8));
    let second = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&second), "3=11 5=13");
    assert!(Answered::of(&second).directions().contains("4:inactive"));
    assert_eq!(negotiation.poll_sections_needed(), videos(0));
    let third = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&third), "3=11 4=14 5=13");
    assert_ne!(third.session.downlinks[1].ssrc, first.session.downlinks[1].ssrc);
}

#[test]
fn wanting_a_track_again_shows_it_elsewhere_and_with_other_sources() {
    let mut negotiation = joined();
    negotiation.subscribe(request(11, Codec::Vp8));
    let first = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    negotiation.unsubscribe(TrackId(11));
    negotiation.subscribe(request(11, Codec::Vp8));
    assert_eq!(negotiation.poll_sections_needed(), videos(0));
    let second = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&second), "4=11");
    assert_ne!(second.session.downlinks[0].ssrc, first.session.downlinks[0].ssrc);
    assert_eq!(negotiation.poll_sections_needed(), None);
}

#[test]
fn wanting_a_track_twice_is_wanting_it_once() {
    let mut negotiation = joined();
    negotiation.subscribe(request(11, Codec::Opus));
    negotiation.subscribe(request(11, Codec::Opus));
    assert_eq!(shown(&negotiation.accept_offer(&offer(&placeholders())).unwrap()), "0=11");
    assert_eq!(negotiation.poll_sections_needed(), None);
}

#[test]
fn missing_lines_are_counted_by_kind() {
    let mut negotiation = joined();
    for track in 0..5 {
        negotiation.subscribe(request(10 + track, Codec::Opus));
        negotiation.subscribe(request(20 + track, Codec::Vp8));
    }
    negotiation.subscribe(request(30, Codec::Opus));
    assert_eq!(negotiation.poll_sections_needed(), Some(SectionsNeeded { audios: 3, videos: 2 }));
}

#[test]
fn an_offer_is_asked_for_once_until_it_comes() {
    let mut negotiation = joined();
    assert_eq!(negotiation.poll_sections_needed(), None);
    negotiation.subscribe(request(11, Codec::Opus));
    assert_eq!(negotiation.poll_sections_needed(), audios(0));
    for track in 12..16 {
        negotiation.subscribe(request(track, Codec::Opus));
    }
    assert_eq!(negotiation.poll_sections_needed(), None);
    // It comes without the lines that were not asked for yet.
    let accepted = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&accepted), "0=11 1=12 2=13");
    assert_eq!(negotiation.poll_sections_needed(), audios(2));
    assert_eq!(negotiation.poll_sections_needed(), None);
}

#[test]
fn unsubscribing_asks_for_an_offer_because_only_an_answer_ends_the_track() {
    let mut negotiation = joined();
    negotiation.subscribe(request(11, Codec::Opus));
    negotiation.accept_offer(&offer(&placeholders())).unwrap();
    negotiation.unsubscribe(TrackId(11));
    assert_eq!(negotiation.poll_sections_needed(), audios(0));
    let accepted = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(shown(&accepted), "");
    assert_eq!(negotiation.poll_sections_needed(), None);
}

#[test]
fn a_client_that_started_without_lines_is_asked_for_them() {
    let mut negotiation = negotiation();
    negotiation.accept_offer(&offer(&[data("0")])).unwrap();
    negotiation.subscribe(request(11, Codec::Opus));
    negotiation.subscribe(request(12, Codec::Vp8));
    assert_eq!(negotiation.poll_sections_needed(), Some(SectionsNeeded { audios: 1, videos: 1 }));
    let sections = [data("0"), audio("1", "recvonly"), video("2", "recvonly")];
    assert_eq!(shown(&negotiation.accept_offer(&offer(&sections)).unwrap()), "1=11 2=12");
}

#[test]
fn tracks_that_a_client_has_no_codec_for_are_named_and_it_is_left_in_peace() {
    let mut negotiation = negotiation();
    negotiation.subscribe(request(12, Codec::Vp8));
    negotiation.subscribe(request(11, Codec::Opus));
    assert_eq!(negotiation.unreceivable(), [], "nothing is known before the first offer");
    let without_vp8 = [audio("0", "recvonly"), h264("1", "recvonly"), h264("2", "recvonly"), data("3")];
    let accepted = negotiation.accept_offer(&offer(&without_vp8)).unwrap();
    assert_eq!(negotiation.unreceivable(), [TrackId(12)]);
    assert_eq!(shown(&accepted), "0=11", "sound is not concerned");
    assert_eq!(Answered::of(&accepted).directions(), "0:sendonly 1:inactive 2:inactive 3:data");
    assert_eq!(negotiation.poll_sections_needed(), None);

    negotiation.subscribe(request(13, Codec::Vp8));
    assert_eq!(negotiation.poll_sections_needed(), None, "no offer will come that could tell");
    assert_eq!(negotiation.unreceivable(), [TrackId(12), TrackId(13)]);
    negotiation.unsubscribe(TrackId(12));
    assert_eq!(negotiation.unreceivable(), [TrackId(13)]);
}

#[test]
fn one_line_with_the_codec_is_enough_to_receive_all_tracks() {
    let mut negotiation = negotiation();
    negotiation.subscribe(request(12, Codec::Vp8));
    negotiation.subscribe(request(13, Codec::Vp8));
    negotiation.accept_offer(&offer(&[h264("0", "recvonly"), data("1")])).unwrap();
    assert_eq!(negotiation.unreceivable(), [TrackId(12), TrackId(13)]);
    let with_vp8 = [h264("0", "recvonly"), data("1"), video("2", "recvonly")];
    let accepted = negotiation.accept_offer(&offer(&with_vp8)).unwrap();
    assert_eq!(negotiation.unreceivable(), []);
    assert_eq!(shown(&accepted), "2=12");
    assert_eq!(negotiation.poll_sections_needed(), videos(1), "and one for the other");
}

#[test]
fn lines_that_a_client_only_sends_on_say_nothing_of_what_it_can_receive() {
    for sections in [vec![data("0")], vec![h264("0", "sendonly"), data("1")], vec![h264("0", "inactive"), data("1")]] {
        let mut negotiation = negotiation();
        negotiation.subscribe(request(12, Codec::Vp8));
        negotiation.accept_offer(&offer(&sections)).unwrap();
        assert_eq!(negotiation.unreceivable(), []);
        assert_eq!(negotiation.poll_sections_needed(), videos(1), "so it is asked for a line");
    }
}

#[test]
fn a_client_that_adds_no_lines_is_not_asked_for_ever() {
    let mut negotiation = joined();
    for track in 11..15 {
        negotiation.subscribe(request(track, Codec::Vp8));
    }
    let mut asked = 0;
    while negotiation.poll_sections_needed().is_some() {
        asked += 1;
        negotiation.accept_offer(&offer(&placeholders())).unwrap();
    }
    // The first offer after the request shows three tracks, so it counts as progress.
    assert_eq!(asked, 4);
    negotiation.subscribe(request(99, Codec::Vp8));
    assert_eq!(negotiation.poll_sections_needed(), videos(2));
}

#[test]
fn a_line_that_the_client_sends_on_shows_its_track_elsewhere() {
    let mut negotiation = joined();
    negotiation.subscribe(request(11, Codec::Opus));
    let first = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    negotiation.publish(microphone(1, "mic"));
    let mut sections = placeholders();
    sections[0] = audio("0", "sendrecv\nmsid:- mic");
    let second = negotiation.accept_offer(&offer(&sections)).unwrap();
    assert_eq!((sent(&second), shown(&second)), ("0=1".to_owned(), "1=11".to_owned()));
    assert!(Answered::of(&second).directions().starts_with("0:recvonly 1:sendonly"));
    assert_eq!(second.session.downlinks[0].ssrc, first.session.downlinks[0].ssrc);
}

#[test]
fn a_stopped_line_shows_its_track_elsewhere() {
    let mut negotiation = joined();
    negotiation.subscribe(request(11, Codec::Opus));
    negotiation.accept_offer(&offer(&placeholders())).unwrap();
    let mut sections = placeholders();
    sections[0] = "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n".to_owned();
    let accepted = negotiation.accept_offer(&offer(&sections)).unwrap();
    assert_eq!(shown(&accepted), "1=11");
    let answer = Answered::of(&accepted);
    assert!(answer.directions().starts_with("?:refused 1:sendonly"));
    assert_eq!(values(answer.section("1"), "candidate").len(), 2);
}

#[test]
fn a_client_may_watch_its_own_tracks() {
    let mut negotiation = joined();
    negotiation.publish(camera(1, "cam"));
    negotiation.subscribe(request(1, Codec::Vp8));
    let mut sections = placeholders();
    sections.push(video("7", "sendonly\nmsid:- cam"));
    let accepted = negotiation.accept_offer(&offer(&sections)).unwrap();
    assert_eq!((sent(&accepted), shown(&accepted)), ("7=1".to_owned(), "3=1".to_owned()));
}

#[test]
fn no_more_lines_are_asked_for_than_an_offer_may_have() {
    let mut negotiation = joined();
    for track in 0..500 {
        negotiation.subscribe(request(1000 + track, Codec::Opus));
    }
    let mut sections = placeholders();
    let mut rounds = 0;
    while let Some(needed) = negotiation.poll_sections_needed() {
        assert!(needed.videos == 0 && sections.len() + needed.audios <= MAX_SECTIONS - 16);
        for _ in 0..needed.audios {
            sections.push(audio(&sections.len().to_string(), "recvonly"));
        }
        assert_eq!(negotiation.accept_offer(&offer(&sections)).unwrap().session.downlinks.len(), sections.len() - 4);
        rounds += 1;
    }
    assert_eq!((rounds, sections.len()), (1, MAX_SECTIONS - 16));
}

/// A client that does what it is asked for sees in the end what is wanted, whatever happens on the way.
#[test]
fn everything_wanted_is_shown_in_the_end() {
    for seed in 0..50 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut negotiation = seeded(seed);
        let mut sections = placeholders();
        let mut wanted: HashMap<u64, Codec> = HashMap::new();
        let mut sources: HashMap<u32, TrackId> = HashMap::new();
        negotiation.accept_offer(&offer(&sections)).unwrap();
        for step in 0..40u64 {
            for _ in 0..rng.random_range(0..4) {
                if let Some(track) = wanted.keys().copied().collect::<Vec<_>>().choose(&mut rng).filter(|t| *t % 2 == 0)
                {
                    negotiation.unsubscribe(TrackId(*track));
                    wanted.remove(track);
                } else {
                    let track = step * 10 + rng.random_range(0..10);
                    let codec = if track % 3 == 0 { Codec::Opus } else { Codec::Vp8 };
                    negotiation.subscribe(request(track, codec));
                    wanted.insert(track, codec);
                }
            }
            let mut rounds = 0;
            while let Some(needed) = negotiation.poll_sections_needed() {
                for _ in 0..needed.audios {
                    sections.push(audio(&sections.len().to_string(), "recvonly"));
                }
                for _ in 0..needed.videos {
                    sections.push(video(&sections.len().to_string(), "recvonly"));
                }
                let accepted = negotiation.accept_offer(&offer(&sections)).unwrap();
                for downlink in &accepted.session.downlinks {
                    let owner = *sources.entry(downlink.ssrc).or_insert(downlink.track);
                    assert_eq!(owner, downlink.track, "an SSRC was used for two tracks, seed {seed}");
                }
                let mut tracks: Vec<u64> = accepted.tracks_by_mid.iter().map(|(_, track)| track.0).collect();
                tracks.sort_unstable();
                let mut expected: Vec<u64> = wanted.keys().copied().collect();
                expected.sort_unstable();
                assert_eq!(tracks, expected, "seed {seed}");
                rounds += 1;
            }
            assert!(rounds <= 1, "{rounds} rounds, seed {seed}");
        }
    }
}
