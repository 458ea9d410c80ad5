// SPDX-License-Identifier: EUPL-1.2
//! Offers, answers and requests for m-lines.

use bus::SectionsNeeded;

use super::*;
use crate::rooms::input::OfferFailure;
use crate::rooms::output::SessionAnswer;

fn offer(id: u32) -> Request {
    Request::Offer(Offer { id, sdp: "offer".into() })
}

fn answers(told: Vec<Notice>) -> Vec<SessionAnswer> {
    told.into_iter()
        .filter_map(|notice| if let Notice::Answer(answer) = notice { Some(answer) } else { None })
        .collect()
}

fn requests_for_sections(told: &[Notice]) -> Vec<SectionsNeeded> {
    let needed = told.iter().filter_map(|notice| match notice {
        Notice::SectionsNeeded(sections) => Some(*sections),
        _ => None,
    });
    needed.collect()
}

fn need(room: &mut Fixture, who: &Someone, audios: u32, videos: u32) {
    let (transport, sections) = (who.transport.clone(), SectionsNeeded { audios, videos });
    room.handle(Input::Sfu(SfuEvent::SectionsNeeded { transport, sections }));
}

#[test]
fn an_offer_that_comes_with_the_join_is_answered_after_the_join() {
    let mut room = room();
    let join = Join { offer: Some(Offer { id: 1, sdp: "offer".into() }), ..joiner("ann") };
    let ann = room.enter(join).expect("let in");
    assert_eq!(room.offers, [(ann.transport.clone(), 1)]);
    room.answer(&ann, 1, &[]);
    let told = room.told(&ann);
    assert!(matches!(told[0], Notice::Joined(_)));
    assert_eq!(answers(told), [SessionAnswer { id: 1, sdp: "answer".into(), tracks_by_mid: BTreeMap::new() }]);
}

#[test]
fn answers_bear_the_id_of_their_offer_and_what_arrives_where() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let theirs = room.publish(&ann, camera("c"));
    let own = room.publish(&bob, microphone("m"));
    room.forget_all();
    room.negotiate(&bob, 5, &[("0", &own), ("3", &theirs)]);
    let answers = answers(room.told(&bob));
    let tracks_by_mid = BTreeMap::from([("3".to_owned(), theirs)]);
    assert_eq!(answers, [SessionAnswer { id: 5, sdp: "answer".into(), tracks_by_mid }]);
}

#[test]
fn an_offer_that_comes_twice_or_too_late_is_not_answered() {
    let mut room = room();
    let ann = room.join("ann");
    room.negotiate(&ann, 2, &[]);
    room.forget_all();
    room.offers.clear();
    room.request(&ann, offer(2));
    room.request(&ann, offer(1));
    assert!(room.offers.is_empty());
    room.negotiate(&ann, 3, &[]);
    assert_eq!(answers(room.told(&ann)).len(), 1);
}

#[test]
fn clients_that_do_not_count_are_answered_each_time() {
    let mut room = room();
    let ann = room.join("ann");
    room.negotiate(&ann, 0, &[]);
    room.negotiate(&ann, 0, &[]);
    let ids: Vec<_> = answers(room.told(&ann)).into_iter().map(|answer| answer.id).collect();
    assert_eq!(ids, [0, 0]);
}

#[test]
fn of_offers_that_wait_only_the_newest_counts() {
    let mut room = room();
    let ann = room.join("ann");
    for id in 1..=4 {
        room.request(&ann, offer(id));
    }
    assert_eq!(room.offers, [(ann.transport.clone(), 1)], "one at a time");
    room.answer(&ann, 1, &[]);
    assert_eq!(room.offers, [(ann.transport.clone(), 1), (ann.transport.clone(), 4)]);
    room.answer(&ann, 4, &[]);
    assert_eq!(room.offers.len(), 2);
}

#[test]
fn a_client_is_asked_for_m_lines_at_once_and_then_once_in_a_while() {
    let mut room = room();
    let ann = room.join("ann");
    room.forget_all();
    need(&mut room, &ann, 1, 0);
    assert_eq!(requests_for_sections(&room.told(&ann)), [SectionsNeeded { audios: 1, videos: 0 }]);
    need(&mut room, &ann, 2, 0);
    need(&mut room, &ann, 2, 3);
    assert!(room.told(&ann).is_empty());
    room.pass(Duration::from_millis(150));
    assert_eq!(requests_for_sections(&room.told(&ann)), [SectionsNeeded { audios: 2, videos: 3 }]);
    room.pass(Duration::from_secs(10));
    assert!(requests_for_sections(&room.told(&ann)).is_empty());
}

#[test]
fn an_offer_makes_a_waiting_request_needless() {
    let mut room = room();
    let ann = room.join("ann");
    need(&mut room, &ann, 1, 0);
    need(&mut room, &ann, 2, 0);
    room.request(&ann, offer(1));
    room.forget_all();
    room.pass(Duration::from_secs(1));
    assert!(room.told(&ann).is_empty());
    room.answer(&ann, 1, &[]);
    room.pass(Duration::from_secs(1));
    assert!(requests_for_sections(&room.told(&ann)).is_empty());
}

#[test]
fn a_client_that_is_just_offering_is_asked_after_its_answer() {
    let mut room = room();
    let ann = room.join("ann");
    room.request(&ann, offer(1));
    room.forget_all();
    need(&mut room, &ann, 0, 0);
    assert!(room.told(&ann).is_empty());
    room.answer(&ann, 1, &[]);
    let told = room.told(&ann);
    assert!(matches!(told.as_slice(), [Notice::Answer(_), Notice::SectionsNeeded(_)]), "{told:?}");
}

#[test]
fn an_offer_that_is_no_good_ends_the_attempt_to_join() {
    let mut room = room();
    let ann = room.enter(joiner("ann")).expect("let in");
    room.request(&ann, offer(1));
    let outcome = Err(OfferFailure::Unacceptable);
    room.handle(Input::Answered { transport: ann.transport.clone(), offer: 1, outcome });
    assert_eq!(farewell(&room.told(&ann)), Some((DisconnectReason::JoinFailure, AfterLeave::Disconnect)));
    assert_eq!(room.refused_offers, 1);
}

#[test]
fn a_connected_client_whose_offer_is_no_good_joins_anew() {
    // What is no fault of the offer is not counted as one.
    for (failure, refused) in [(OfferFailure::Unacceptable, 1), (OfferFailure::TransportGone, 0)] {
        let mut room = room();
        let ann = room.join("ann");
        room.request(&ann, offer(1));
        room.handle(Input::Answered { transport: ann.transport.clone(), offer: 1, outcome: Err(failure) });
        assert_eq!(farewell(&room.told(&ann)), Some((DisconnectReason::StateMismatch, AfterLeave::Reconnect)));
        assert_eq!(room.refused_offers, refused);
    }
}

#[test]
fn an_sdp_bomb_does_not_reach_the_sfu() {
    let mut room = room();
    let ann = room.enter(joiner("ann")).expect("let in");
    room.request(&ann, Request::Offer(Offer { id: 1, sdp: "x".repeat(bus::MAX_SDP_BYTES) }));
    assert_eq!(room.offers.drain(..).count(), 1, "what the SFU reads is passed on");
    room.answer(&ann, 1, &[]);
    room.request(&ann, Request::Offer(Offer { id: 2, sdp: "x".repeat(bus::MAX_SDP_BYTES + 1) }));
    assert!(room.offers.is_empty());
    assert_eq!(room.left, [DisconnectReason::JoinFailure]);
}

#[test]
fn a_client_that_offers_all_the_time_has_to_wait() {
    let mut room = room();
    let ann = room.join("ann");
    room.offers.clear();
    for id in 1..=100 {
        room.request(&ann, offer(id));
        room.answer(&ann, id, &[]);
    }
    assert_eq!(room.offers.len(), 20, "so many at once are fine");
    room.offers.clear();
    room.pass(Duration::from_millis(200));
    assert_eq!(room.offers, [(ann.transport.clone(), 100)], "then the newest, in its turn");
    room.answer(&ann, 100, &[]);
    room.pass(Duration::from_secs(60));
    assert_eq!(room.offers.len(), 1);
    for id in 101..=110 {
        room.negotiate(&ann, id, &[]);
    }
    assert_eq!(room.offers.len(), 11, "whoever was quiet may offer again");
}
