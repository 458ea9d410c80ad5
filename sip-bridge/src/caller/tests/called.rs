// SPDX-License-Identifier: EUPL-1.2
//! People whom we call, and calls that come to their end in other ways than by the caller's keys.

use bus::phone::CallPurpose;

use super::*;

fn called(purpose: CallPurpose) -> Call {
    Call::begun(CallerSettings { entry: Entry::Called(purpose), ..settings() })
}

#[test]
fn an_invitation_is_taken_by_one_key_and_leads_to_the_room() {
    let mut call = called(CallPurpose::Invitation);
    call.check(&["de: invitation"]);
    call.press("2#*0");
    call.check(&[]);
    call.press("1");
    call.check(&["stop", "room?"]);
    call.admit(room(3));
    call.check(&["Join", "de: in_meeting"]);
    assert!(call.caller.is_in_meeting());
}

#[test]
fn a_key_before_the_first_word_counts() {
    let mut call = Call::new(CallerSettings { entry: Entry::Called(CallPurpose::Invitation), ..settings() });
    call.input(Input::Acknowledged);
    call.press("1");
    call.check(&["de: invitation", "stop", "room?"]);
}

#[test]
fn an_invitation_is_said_three_times_and_whatever_answers_by_itself_is_hung_up() {
    let mut call = called(CallPurpose::Invitation);
    for _ in 0..2 {
        call.check(&["de: invitation"]);
        call.pass(6 * SECOND);
        call.finish();
        call.pass(3 * SECOND - Duration::from_millis(1));
        call.check(&[]);
        call.pass(Duration::from_millis(1));
    }
    call.check(&["de: invitation"]);
    call.pass(6 * SECOND);
    call.finish();
    // Thirty seconds from the end of the first: two pauses, and two readings.
    call.pass(12 * SECOND - Duration::from_millis(1));
    call.check(&[]);
    call.pass(Duration::from_millis(1));
    call.check(&["de: nothing_entered goodbye"]);
    call.press("1");
    call.finish();
    call.check(&["hang up: not confirmed"]);
}

#[test]
fn the_time_for_the_key_ends_also_while_it_is_said() {
    let mut call = called(CallPurpose::Invitation);
    call.finish();
    call.pass(30 * SECOND);
    call.check(&["de: invitation", "de: invitation", "stop", "de: nothing_entered goodbye"]);
}

#[test]
fn the_invitation_is_in_the_language_that_was_ordered() {
    let languages = vec![Language::English];
    let entry = Entry::Called(CallPurpose::Invitation);
    let mut call = Call::begun(CallerSettings { languages, entry, ..settings() });
    call.press("1");
    call.verdict(Verdict::AskPin { may_skip: false });
    call.check(&["en: invitation", "stop", "room?", "en: ask_pin"]);
}

#[test]
fn an_exchange_is_connected_without_being_asked() {
    let mut call = called(CallPurpose::Connection);
    call.check(&["room?"]);
    call.verdict(Verdict::Wait(WaitReason::Lobby { position: None }));
    call.check(&["de: lobby"]);
}

#[test]
fn a_test_is_a_sentence_and_then_over() {
    let mut call = called(CallPurpose::Test);
    call.check(&["de: test_call goodbye"]);
    call.press("1");
    call.check(&[]);
    call.finish();
    call.check(&["hang up: test"]);
}

#[test]
fn the_longest_time_and_the_operator_end_a_call_wherever_the_caller_is() {
    let at_the_menu = || Call::begun(settings());
    let in_the_lobby = || {
        let mut call = at_the_menu();
        call.press("1234567890");
        call.verdict(Verdict::Wait(WaitReason::NoHost));
        call.listen();
        call
    };
    let in_the_meeting = || Call::in_meeting(settings(), room(2));
    for (input, words, end) in [
        (Input::EndedByOperator, "ended_by_operator", "hang up: ended by the operator"),
        (Input::Event(MeetingEvent::TimeUp), "time_up", "hang up: longest time"),
    ] {
        for mut call in [at_the_menu(), in_the_lobby(), in_the_meeting(), called(CallPurpose::Invitation)] {
            call.log.clear();
            call.input(input);
            assert_eq!(call.log.last().unwrap(), &format!("de: {words} goodbye"));
            call.finish();
            assert_eq!(call.log.last().unwrap(), end);
        }
    }
}

#[test]
fn who_is_connected_elsewhere_hears_music_and_their_keys_do_nothing() {
    let mut call = Call::in_meeting(settings(), room(3));
    call.input(Input::Transferring);
    call.check(&["Music(true)", "de: transferring"]);
    call.press("*6");
    call.event(MeetingEvent::Joined { count: 4 });
    call.finish();
    call.input(Input::TalkingWhileMuted);
    call.check(&[]);
    call.input(Input::NotTransferred);
    call.check(&["Music(false)", "de: not_transferred"]);
    call.finish();
    call.check(&["de: somebody_joined"]);
    call.finish();
    call.press("*6");
    call.check(&["SetMuted(true)"]);
}

#[test]
fn the_end_of_a_transfer_that_never_began_is_nothing() {
    let mut call = Call::in_meeting(settings(), room(3));
    call.input(Input::NotTransferred);
    call.check(&[]);
    let mut call = Call::begun(settings());
    call.log.clear();
    call.input(Input::Transferring);
    call.check(&[]);
}

#[test]
fn a_meeting_that_ends_during_a_transfer_ends_the_music() {
    let mut call = Call::in_meeting(settings(), room(3));
    call.input(Input::Transferring);
    call.log.clear();
    call.event(MeetingEvent::Ended);
    call.check(&["Music(false)", "stop", "de: meeting_ended goodbye"]);
}
