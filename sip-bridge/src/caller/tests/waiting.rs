// SPDX-License-Identifier: EUPL-1.2
//! Waiting to come in.

use super::*;

fn waiting(reason: WaitReason) -> Call {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.log.clear();
    call.verdict(Verdict::Wait(reason));
    call
}

#[test]
fn the_place_in_the_lobby_is_told_every_30_seconds() {
    let mut call = waiting(WaitReason::Lobby { position: Some(3) });
    call.finish();
    call.check(&["de: lobby position number_3", "Music(true)"]);
    call.verdict(Verdict::Wait(WaitReason::Lobby { position: Some(2) }));
    call.pass(29 * SECOND);
    call.check(&[]);
    call.pass(SECOND);
    call.finish();
    call.check(&["Music(false)", "de: position number_2", "Music(true)"]);
}

#[test]
fn without_a_place_the_reason_is_repeated_seldom() {
    let mut call = waiting(WaitReason::Full);
    call.finish();
    call.pass(119 * SECOND);
    call.check(&["de: full_for_now", "Music(true)"]);
    call.pass(SECOND);
    call.check(&["Music(false)", "de: full_for_now"]);
}

#[test]
fn the_minutes_until_the_beginning_go_down() {
    let mut call = waiting(WaitReason::BeforeStart { starts_in: Some(185 * SECOND) });
    call.finish();
    call.pass(120 * SECOND);
    call.finish();
    call.pass(120 * SECOND);
    call.check(&[
        "de: not_begun minutes_until_start number_3",
        "Music(true)",
        "Music(false)",
        "de: not_begun minutes_until_start number_1",
        "Music(true)",
        "Music(false)",
        "de: begins_soon",
    ]);
}

#[test]
fn a_new_reason_is_told_at_once() {
    let mut call = waiting(WaitReason::BeforeStart { starts_in: None });
    call.finish();
    call.log.clear();
    call.verdict(Verdict::Wait(WaitReason::Lobby { position: None }));
    call.check(&["Music(false)", "de: lobby"]);
}

#[test]
fn a_key_asks_what_is_going_on() {
    let mut call = waiting(WaitReason::NoHost);
    call.press("5");
    call.finish();
    call.log.clear();
    call.press("5");
    call.check(&["Music(false)", "de: no_host"]);
}

#[test]
fn whoever_is_let_in_hears_no_music_any_more() {
    let mut call = waiting(WaitReason::Lobby { position: None });
    call.finish();
    call.log.clear();
    call.admit(room(1));
    call.finish();
    call.check(&["Music(false)", "Join", "de: in_meeting", "de: alone hint_help"]);
}

#[test]
fn whoever_is_not_let_in_hears_so() {
    let mut call = waiting(WaitReason::Lobby { position: None });
    call.finish();
    call.log.clear();
    call.verdict(Verdict::Refused(Refusal::Declined));
    call.finish();
    call.check(&["Music(false)", "de: refused_declined goodbye", "hang up: not let in"]);
}

#[test]
fn waiting_ends_some_time() {
    let mut call = waiting(WaitReason::NoHost);
    for _ in 0..200 {
        call.listen();
        call.pass(60 * SECOND);
    }
    assert_eq!(call.log.last().unwrap(), "hang up: waited too long");
}

#[test]
fn somebody_can_be_sent_back_to_the_lobby() {
    let mut call = Call::in_meeting(settings(), room(3));
    call.verdict(Verdict::Wait(WaitReason::Lobby { position: None }));
    call.check(&["de: lobby"]);
    assert!(!call.caller.is_in_meeting());
    call.admit(room(3));
    call.check(&["stop", "Join", "de: in_meeting"]);
}

#[test]
fn a_beginning_in_a_thousand_years_is_no_overflow() {
    let mut call = waiting(WaitReason::BeforeStart { starts_in: Some(Duration::MAX) });
    call.check(&["de: not_begun minutes_until_start more_than hundred_and number_99"]);
}
