// SPDX-License-Identifier: EUPL-1.2
//! Who receives what.

use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::rooms::info::{Layer, Quality};
use crate::rooms::input::{Allowances, AllowedTracks, SubscriptionRules, TrackWish};
use crate::rooms::output::SubscriptionFailure;

fn choose(tracks: &[&TrackSid], subscribe: bool) -> Request {
    Request::Subscribe { tracks: tracks.iter().map(|track| (*track).clone()).collect(), subscribe }
}

#[test]
fn a_late_joiner_gets_everything_in_one_order_before_its_offer() {
    let mut room = room();
    let ann = room.join("ann");
    let (sound, picture) = (room.publish(&ann, microphone("m")), room.publish(&ann, camera("c")));
    room.forget_all();
    let bob = room.enter(joiner("bob")).expect("let in");
    let commands = room.ordered();
    let [SfuCommand::OpenTransport { .. }, SfuCommand::Subscribe { transport, subscriptions }] = commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert_eq!(*transport, bob.transport);
    let tracks: BTreeSet<_> = subscriptions.iter().map(|subscription| subscription.track.clone()).collect();
    assert_eq!(tracks, BTreeSet::from([sound, picture]));
    assert!(subscriptions.iter().all(|subscription| subscription.publisher == ann.sid));
}

#[test]
fn a_new_track_goes_to_everybody_but_its_publisher() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let unconnected = room.enter(joiner("cy")).expect("let in");
    room.forget_all();
    let track = room.publish(&ann, camera("c"));
    let commands = room.ordered();
    let receivers: BTreeSet<_> = commands
        .iter()
        .filter_map(|command| match command {
            SfuCommand::Subscribe { transport, .. } => Some(transport.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(receivers, BTreeSet::from([bob.transport, unconnected.transport.clone()]));
    room.handle(Input::Sfu(SfuEvent::Connected { transport: unconnected.transport }));
    assert!(room.ordered().is_empty(), "{track} was ordered already");
}

#[test]
fn who_does_not_want_everything_chooses() {
    let mut room = room();
    let ann = room.join("ann");
    let track = room.publish(&ann, camera("c"));
    let bob = room.join_as(Join { auto_subscribe: false, ..joiner("bob") });
    room.forget_all();
    room.request(&bob, choose(&[&track], true));
    assert_eq!(room.forwarded(&bob), (vec![track.clone()], vec![]));
    room.request(&bob, choose(&[&track], true));
    assert_eq!(room.forwarded(&bob), (vec![], vec![]));
    room.request(&bob, choose(&[&track], false));
    assert_eq!(room.forwarded(&bob), (vec![], vec![track]));
}

#[test]
fn a_choice_outlasts_a_reconnect_of_media() {
    let mut room = room();
    let ann = room.join("ann");
    let track = room.publish(&ann, camera("c"));
    let bob = room.enter(joiner("bob")).expect("let in");
    room.request(&bob, choose(&[&track], false));
    room.forget_all();
    room.handle(Input::Sfu(SfuEvent::Connected { transport: bob.transport.clone() }));
    assert_eq!(room.forwarded(&bob), (vec![], vec![]));
}

#[test]
fn wanting_what_is_not_there_is_answered() {
    let mut room = room();
    let ann = room.join("ann");
    room.forget_all();
    room.request(&ann, choose(&[&"TR_gone".into()], true));
    let why = SubscriptionFailure::NoSuchTrack;
    assert_eq!(room.told(&ann), [Notice::SubscriptionFailed { track: "TR_gone".into(), why }]);
    room.request(&ann, choose(&[&"TR_gone".into()], false));
    assert_eq!(room.told(&ann), []);
}

#[test]
fn a_client_without_a_decoder_is_told_once_for_each_track() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let (first, second) = (room.publish(&ann, camera("1")), room.publish(&ann, camera("2")));
    room.forget_all();
    let say = |room: &mut Fixture, tracks: &[&TrackSid]| {
        let tracks = tracks.iter().map(|track| (*track).clone()).collect();
        room.handle(Input::Sfu(SfuEvent::Unreceivable { transport: bob.transport.clone(), tracks }));
        room.told(&bob)
    };
    let failed = |track: &TrackSid| {
        let why = SubscriptionFailure::NoDecoder;
        Notice::SubscriptionFailed { track: track.clone(), why }
    };
    assert_eq!(say(&mut room, &[&first]), [failed(&first)]);
    assert_eq!(say(&mut room, &[&first, &second]), [failed(&second)]);
    assert_eq!(say(&mut room, &[&second]), []);
    assert_eq!(say(&mut room, &[&first, &second]), [failed(&first)], "the first was receivable in between");
    let session = room.resume("bob", &bob.sid);
    let told = room.told_to(session);
    assert!(told.contains(&failed(&first)) && told.contains(&failed(&second)), "what was said may have been lost");
}

#[test]
fn nobody_receives_without_permission() {
    let mut room = room();
    let ann = room.join("ann");
    let track = room.publish(&ann, camera("c"));
    let deaf = room.join_as(joiner_with("deaf", r#"{"canSubscribe":false}"#));
    room.request(&deaf, choose(&[&track], true));
    assert_eq!(room.forwarded(&deaf), (vec![], vec![]));
}

#[test]
fn a_smaller_tile_gets_a_smaller_picture() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let layer = |quality, width, height| Layer { quality, width, height, ..Layer::default() };
    let layers = vec![layer(Quality::Low, 320, 180), layer(Quality::Medium, 640, 360), layer(Quality::High, 1280, 720)];
    let track = room.publish(&ann, AddTrack { layers, ..camera("c") });
    room.forget_all();
    let mut check = |wish: TrackWish, expected: Option<(bool, u8)>| {
        room.request(&bob, Request::ConfigureTracks { tracks: vec![track.clone(), "TR_gone".into()], wish });
        let settings = room.ordered().into_iter().find_map(|command| match command {
            SfuCommand::ConfigureSubscription { settings, .. } => Some((settings.is_paused, settings.max_layer)),
            _ => None,
        });
        assert_eq!(settings, expected, "{wish:?}");
    };
    check(TrackWish { width: 300, height: 170, ..TrackWish::default() }, Some((false, 0)));
    check(TrackWish { width: 310, height: 175, ..TrackWish::default() }, None);
    check(TrackWish { is_disabled: true, ..TrackWish::default() }, Some((true, 2)));
    check(TrackWish { quality: Quality::Medium, ..TrackWish::default() }, Some((false, 1)));
}

#[test]
fn when_a_track_changes_its_sizes_its_receivers_get_another_layer() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    room.join("cy");
    let layer = |quality, width, height| Layer { quality, width, height, ..Layer::default() };
    let large = vec![layer(Quality::Low, 640, 360), layer(Quality::High, 1280, 720)];
    let track = room.publish(&ann, AddTrack { layers: large, ..camera("c") });
    let wish = TrackWish { width: 300, height: 170, ..TrackWish::default() };
    room.request(&bob, Request::ConfigureTracks { tracks: vec![track.clone()], wish });
    room.forget_all();
    let small = vec![layer(Quality::Low, 160, 90), layer(Quality::High, 320, 180)];
    room.request(&ann, Request::VideoLayers { track, layers: small });
    let configured: Vec<_> = room
        .ordered()
        .into_iter()
        .filter_map(|command| match command {
            SfuCommand::ConfigureSubscription { transport, settings, .. } => Some((transport, settings.max_layer)),
            _ => None,
        })
        .collect();
    assert_eq!(configured, [(bob.transport, 2)], "who wants all of it gets all of it as before");
}

#[test]
fn a_wish_from_before_counts_when_the_track_is_received() {
    let mut room = room();
    let ann = room.join("ann");
    let track = room.publish(&ann, camera("c"));
    let bob = room.join_as(Join { auto_subscribe: false, ..joiner("bob") });
    let wish = TrackWish { is_disabled: true, ..TrackWish::default() };
    room.request(&bob, Request::ConfigureTracks { tracks: vec![track.clone()], wish });
    room.forget_all();
    room.request(&bob, choose(&[&track], true));
    assert!(matches!(room.ordered().as_slice(),
        [SfuCommand::Subscribe { subscriptions, .. }] if subscriptions[0].settings.is_paused));
}

#[test]
fn a_publisher_decides_who_receives() {
    let mut room = room();
    let (ann, bob, cy) = (room.join("ann"), room.join("bob"), room.join("cy"));
    let (first, second) = (room.publish(&ann, camera("1")), room.publish(&ann, camera("2")));
    room.forget_all();
    let first_only = AllowedTracks::Only(BTreeSet::from([first.clone()]));
    let identities = HashMap::from([("bob".into(), first_only)]);
    let rules = SubscriptionRules::Only(Allowances { identities, ..Allowances::default() });
    room.request(&ann, Request::AllowSubscribers(rules));
    let denied = |track: &TrackSid, is_allowed| Notice::SubscriptionAllowed {
        publisher: ann.sid.clone(),
        track: track.clone(),
        is_allowed,
    };
    assert_eq!(room.told(&bob), [denied(&second, false)]);
    assert_eq!(room.told(&cy).len(), 2);
    let commands = room.ordered();
    let stopped: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            SfuCommand::Unsubscribe { transport, tracks } => Some((transport.clone(), tracks.len())),
            _ => None,
        })
        .collect();
    assert!(stopped.contains(&(bob.transport.clone(), 1)) && stopped.contains(&(cy.transport.clone(), 2)));
    // Asking does not help.
    room.request(&cy, choose(&[&first], true));
    assert_eq!(room.forwarded(&cy), (vec![], vec![]));
    room.pass(Duration::from_secs(1));
    room.request(&ann, Request::AllowSubscribers(SubscriptionRules::Everyone));
    assert!(room.told(&cy).contains(&denied(&first, true)));
    assert_eq!(room.forwarded(&cy).0.len(), 2);
}

#[test]
fn rules_hold_for_tracks_and_people_that_come_later() {
    let mut room = room();
    let ann = room.join("ann");
    room.request(&ann, Request::AllowSubscribers(SubscriptionRules::Only(Allowances::default())));
    let track = room.publish(&ann, camera("c"));
    let bob = room.join("bob");
    assert_eq!(room.forwarded(&bob), (vec![], vec![]));
    let told = room.told(&bob);
    assert!(told.contains(&Notice::SubscriptionAllowed { publisher: ann.sid.clone(), track, is_allowed: false }));
    let recorder = room.join_as(joiner_with("recorder", r#"{"recorder":true}"#));
    assert_eq!(room.forwarded(&recorder).0.len(), 1, "a recorder has everything");
}

#[test]
fn nothing_is_remembered_of_tracks_that_are_gone() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, camera("c"));
    room.request(&bob, choose(&[&track], true));
    let wish = TrackWish { is_disabled: true, ..TrackWish::default() };
    room.request(&bob, Request::ConfigureTracks { tracks: vec![track], wish });
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    let bob = room.room.participants.get(&bob.sid).expect("still there");
    assert!(bob.chosen.is_empty() && bob.wishes.is_empty() && bob.subscriptions.is_empty());
    assert!(room.room.tracks.is_empty());
}

#[test]
fn a_publisher_that_changes_its_mind_all_the_time_troubles_nobody() {
    let mut room = room();
    let (ann, bob) = (room.join("ann"), room.join("bob"));
    let track = room.publish(&ann, camera("c"));
    room.pass(Duration::from_secs(1));
    room.forget_all();
    for number in 0..100 {
        let rules =
            if number % 2 == 0 { SubscriptionRules::Only(Allowances::default()) } else { SubscriptionRules::Everyone };
        room.request(&ann, Request::AllowSubscribers(rules));
        room.pass(Duration::from_millis(10));
    }
    let told = room.told(&bob).len();
    assert!((1..=3).contains(&told), "{told}");
    room.pass(Duration::from_secs(1));
    room.forget_all();
    room.request(&ann, Request::AllowSubscribers(SubscriptionRules::Only(Allowances::default())));
    room.request(&ann, Request::AllowSubscribers(SubscriptionRules::Everyone));
    room.pass(Duration::from_secs(1));
    let (started, stopped) = room.forwarded(&bob);
    assert_eq!((started, stopped), (vec![track.clone()], vec![track]), "the last word counts");
}
