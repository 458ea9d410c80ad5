// SPDX-License-Identifier: EUPL-1.2
//! From the answer to a right code, or to the good-bye without one.

use super::*;

fn both() -> CallerSettings {
    CallerSettings { languages: vec![Language::German, Language::English], ..settings() }
}

#[test]
fn nothing_is_sent_before_the_ack_and_half_a_second_of_silence() {
    let mut call = Call::new(settings());
    call.press("1");
    call.pass(10 * SECOND);
    call.input(Input::Acknowledged);
    call.pass(Duration::from_millis(499));
    call.check(&[]);
    call.pass(Duration::from_millis(1));
    call.check(&["de: welcome ask_id"]);
}

#[test]
fn a_call_without_an_ack_ends_without_a_word() {
    let mut call = Call::new(settings());
    call.pass(32 * SECOND);
    call.check(&["hang up: no ACK"]);
    assert!(call.caller.is_over() && call.caller.poll_timeout().is_none());
}

#[test]
fn a_right_number_leads_into_the_meeting() {
    let mut call = Call::begun(settings());
    call.check(&["de: welcome ask_id"]);
    call.press("1234567890");
    call.check(&["stop", "id 1234567890?"]);
    call.admit(room(27));
    call.check(&["Join", "de: in_meeting"]);
    call.finish();
    call.check(&["de: people_here number_27 hint_help"]);
    assert!(call.caller.is_in_meeting());
}

#[test]
fn nothing_is_said_of_a_room_before_the_room_says_it() {
    let arriving = || {
        let mut call = Call::begun(settings());
        call.press("1234567890");
        call.log.clear();
        call.verdict(Verdict::Admitted);
        call.check(&["Join"]);
        call
    };
    let mut call = arriving();
    call.press("*6");
    call.check(&[]);
    assert!(!call.caller.is_in_meeting());
    call.verdict(Verdict::Refused(Refusal::Locked));
    call.check(&["de: refused_locked goodbye"]);
    let mut call = arriving();
    call.event(MeetingEvent::Removed);
    call.check(&["de: removed goodbye"]);
    let mut call = arriving();
    call.pass(30 * SECOND);
    call.check(&["de: technical goodbye"]);
}

#[test]
fn each_language_is_offered_in_itself_and_the_choice_holds() {
    let mut call = Call::begun(both());
    call.finish();
    call.check(&["de: welcome choose_language", "en: welcome choose_language"]);
    call.press("2");
    call.pass(Duration::from_millis(700));
    call.check(&["stop", "en: ask_id"]);
    call.press("1234567890");
    call.verdict(Verdict::Wait(WaitReason::NoHost));
    call.check(&["stop", "id 1234567890?", "en: no_host"]);
}

#[test]
fn whoever_chooses_no_language_gets_the_usual_one() {
    let mut call = Call::begun(both());
    call.listen();
    call.pass(4 * SECOND);
    call.check(&["de: welcome choose_language", "en: welcome choose_language"]);
    call.pass(SECOND);
    call.check(&["de: ask_id"]);
    let mut call = Call::begun(CallerSettings { languages: vec![Language::English, Language::German], ..settings() });
    call.press("#");
    call.check(&["en: welcome choose_language", "stop", "en: ask_id"]);
}

#[test]
fn a_telephone_that_dials_by_itself_does_not_choose_a_language() {
    let mut call = Call::begun(both());
    call.log.clear();
    for key in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "#"] {
        call.press(key);
        call.pass(Duration::from_millis(150));
    }
    call.check(&["stop", "de: ask_id", "stop", "id 1234567890?"]);
    call.verdict(Verdict::AskPin { may_skip: true });
    call.press("481516#");
    call.check(&["de: ask_pin_or_skip", "stop", "pin 481516?"]);
}

#[test]
fn a_number_without_known_length_ends_with_hash_or_with_a_pause() {
    let settings = || CallerSettings { id_digits: None, ..settings() };
    let mut call = Call::begun(settings());
    call.press("123#");
    call.check(&["de: welcome ask_id", "stop", "id 123?"]);
    let mut call = Call::begun(settings());
    call.press("12");
    call.pass(4 * SECOND);
    call.press("3");
    call.pass(4 * SECOND);
    call.check(&["de: welcome ask_id", "stop"]);
    call.pass(SECOND);
    call.check(&["id 123?"]);
}

#[test]
fn a_star_starts_the_code_again() {
    let mut call = Call::begun(settings());
    call.log.clear();
    call.press("99*");
    call.check(&["stop", "de: start_again"]);
    call.press("1234567890");
    call.check(&["stop", "id 1234567890?"]);
    let mut call = Call::begun(settings());
    call.log.clear();
    call.press("*");
    call.check(&["stop", "de: ask_id_again"]);
}

#[test]
fn the_hash_behind_a_whole_number_does_not_skip_the_pin() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.verdict(Verdict::AskPin { may_skip: true });
    call.log.clear();
    call.pass(SECOND);
    call.press("#");
    call.check(&[]);
    call.press("#");
    call.check(&["stop", "pin none?"]);
}

#[test]
fn a_pin_that_is_needed_is_not_skipped() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.verdict(Verdict::AskPin { may_skip: false });
    call.log.clear();
    call.pass(4 * SECOND);
    call.press("#");
    call.check(&["stop", "de: nothing_entered ask_pin"]);
}

#[test]
fn three_wrong_codes_end_the_call_and_the_pauses_grow() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.verdict(Verdict::Wrong(Again::Id));
    call.finish();
    call.log.clear();
    call.pass(Duration::from_millis(1900));
    call.press("5");
    call.check(&[]);
    call.pass(Duration::from_millis(100));
    call.check(&["de: ask_id_again"]);
    call.press("1234567891");
    call.verdict(Verdict::AskPin { may_skip: false });
    call.press("1#");
    call.verdict(Verdict::Wrong(Again::Pin));
    call.finish();
    call.log.clear();
    call.pass(Duration::from_millis(3900));
    call.check(&[]);
    call.pass(Duration::from_millis(100));
    call.press("2#");
    call.verdict(Verdict::Wrong(Again::Pin));
    call.check(&["de: ask_pin", "stop", "pin 2?", "de: too_many_tries goodbye"]);
    call.press("1234567890");
    call.finish();
    call.check(&["hang up: too many tries"]);
}

#[test]
fn a_wrong_pin_does_not_tell_that_the_number_was_right() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.verdict(Verdict::AskPin { may_skip: false });
    call.press("1#");
    call.log.clear();
    call.verdict(Verdict::Wrong(Again::Id));
    call.finish();
    call.pass(2 * SECOND);
    call.press("1234567891");
    call.check(&["de: wrong_id_or_pin", "de: ask_id_again", "stop", "id 1234567891?"]);
}

#[test]
fn somebody_who_keys_in_nothing_is_asked_three_times() {
    let mut call = Call::begun(settings());
    for _ in 0..2 {
        call.finish();
        call.log.clear();
        call.pass(15 * SECOND);
        call.check(&["de: nothing_entered ask_id_again"]);
    }
    call.finish();
    call.pass(15 * SECOND);
    call.finish();
    call.check(&["de: nothing_entered goodbye", "hang up: nothing entered"]);
}

#[test]
fn the_time_to_enter_a_code_ends() {
    let mut call = Call::begun(settings());
    for _ in 0..75 {
        call.press("1*");
        call.pass(4 * SECOND);
    }
    call.listen();
    assert_eq!(call.log.last().unwrap(), "hang up: no right code in time");
}

#[test]
fn a_number_of_one_room_needs_no_conference_number() {
    let mut call = Call::begun(CallerSettings { entry: Entry::Direct, ..settings() });
    call.check(&["de: welcome"]);
    call.finish();
    call.check(&["room?"]);
    call.verdict(Verdict::AskPin { may_skip: false });
    call.press("12#");
    call.check(&["de: ask_pin", "stop", "pin 12?"]);
    call.admit(room(2));
    assert!(call.caller.is_in_meeting());
}

#[test]
fn a_check_that_takes_long_is_explained_and_then_given_up() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.log.clear();
    call.pass(3 * SECOND);
    call.check(&["de: one_moment"]);
    call.finish();
    call.pass(12 * SECOND);
    call.check(&["de: technical goodbye"]);
}

#[test]
fn an_answer_to_another_check_is_not_taken() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    let first = call.check.unwrap();
    call.verdict(Verdict::AskPin { may_skip: false });
    call.press("1#");
    call.log.clear();
    call.input(Input::Verdict { check: first, verdict: Verdict::Admitted });
    call.check(&[]);
    assert!(!call.caller.is_in_meeting());
}

#[test]
fn a_refusal_says_why() {
    for (refusal, spoken) in [
        (Refusal::Locked, "refused_locked"),
        (Refusal::Banned, "not_allowed"),
        (Refusal::Ended, "refused_ended"),
        (Refusal::Cancelled, "refused_cancelled"),
        (Refusal::Encrypted, "refused_encrypted"),
        (Refusal::Full, "refused_full"),
        (Refusal::TooEarly, "refused_early"),
        (Refusal::TooManyTries, "too_many_tries"),
        (Refusal::Busy, "refused_busy"),
    ] {
        let mut call = Call::begun(settings());
        call.press("1234567890");
        call.log.clear();
        call.verdict(Verdict::Refused(refusal));
        call.check(&[&format!("de: {spoken} goodbye")]);
        call.finish();
        assert!(call.caller.is_over());
    }
}

#[test]
fn a_host_that_does_not_poll_ends_the_call() {
    let mut call = Call::in_meeting(settings(), room(2));
    for _ in 0..200 {
        call.caller.handle(call.now, Input::Digit(Digit::STAR));
        call.caller.handle(call.now, Input::Digit(Digit::from_char('6').unwrap()));
    }
    call.drain();
    assert_eq!(call.log, ["hang up: technical problem"]);
}
