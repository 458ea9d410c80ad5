// SPDX-License-Identifier: EUPL-1.2
//! What the keys do in the meeting, and what is told.

use super::*;

const ASKS: Recording = Recording { asks_consent: true };

fn call() -> Call {
    Call::in_meeting(settings(), room(3))
}

fn muted(may_unmute: bool) -> Call {
    Call::in_meeting(settings(), RoomStatus { is_muted: true, may_unmute, ..room(3) })
}

#[test]
fn the_microphone_is_told_off_only_when_it_is() {
    let mut call = call();
    call.press("*6");
    call.check(&["SetMuted(true)"]);
    call.event(MeetingEvent::MicrophoneOff(By::Caller));
    call.finish();
    call.press("*6");
    call.event(MeetingEvent::MicrophoneOn);
    call.check(&["de: microphone_off", "SetMuted(false)", "de: microphone_on"]);
}

#[test]
fn a_wish_that_is_not_answered_is_told() {
    let mut call = call();
    call.press("*6");
    call.pass(5 * SECOND);
    call.check(&["SetMuted(true)", "de: did_not_work"]);
}

#[test]
fn who_may_not_speak_is_told_how_to_ask_for_it() {
    let mut call = muted(false);
    call.press("*6");
    call.check(&["de: may_not_unmute"]);
    call.finish();
    call.event(MeetingEvent::MayUnmute(true));
    call.finish();
    call.press("*6");
    call.check(&["de: may_speak", "SetMuted(false)"]);
}

#[test]
fn who_may_not_speak_is_not_asked_to() {
    let mut call = muted(false);
    call.event(MeetingEvent::AskedToUnmute);
    call.check(&[]);
}

#[test]
fn the_key_for_consent_is_named_while_it_does_something() {
    let mut call = call();
    call.press("*0");
    call.finish();
    call.event(MeetingEvent::RecordingBegan(Recording { asks_consent: false }));
    call.finish();
    call.press("*0");
    call.finish();
    call.check(&["de: help", "de: recorded", "de: help"]);
    call.event(MeetingEvent::RecordingBegan(ASKS));
    call.finish();
    call.press("*0");
    call.check(&["de: recorded ask_consent", "de: help help_consent"]);
}

#[test]
fn what_a_moderator_does_is_told_over_what_is_being_said() {
    let mut call = call();
    call.press("*0");
    call.event(MeetingEvent::MicrophoneOff(By::Host));
    call.check(&["de: help", "stop", "de: muted_by_host"]);
    call.press("*");
    call.check(&[]);
    call.finish();
    call.check(&[]);
    call.pass(3 * SECOND);
    call.check(&["de: help"]);
    call.event(MeetingEvent::AskedToUnmute);
    call.check(&["stop", "de: asked_to_unmute"]);
}

#[test]
fn a_microphone_that_somebody_else_turns_on_is_told_at_once() {
    let mut call = muted(true);
    call.press("*0");
    call.event(MeetingEvent::MicrophoneOn);
    call.check(&["de: help", "stop", "de: microphone_on"]);
}

#[test]
fn a_hand_goes_up_and_down() {
    let mut call = call();
    call.press("*9");
    call.event(MeetingEvent::HandRaised { position: Some(2) });
    call.finish();
    call.press("*9");
    call.event(MeetingEvent::HandLowered(By::Caller));
    call.finish();
    call.check(&["SetHand(true)", "de: hand_raised hand_position number_2", "SetHand(false)", "de: hand_lowered"]);
    call.event(MeetingEvent::HandRaised { position: None });
    call.finish();
    call.event(MeetingEvent::HandLowered(By::Host));
    call.check(&["de: hand_raised", "de: hand_lowered_by_host"]);
}

#[test]
fn a_hand_that_is_up_since_a_call_before_goes_down_by_the_key() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.admit(room(3));
    call.event(MeetingEvent::HandRaised { position: Some(1) });
    call.listen();
    call.log.clear();
    call.press("*9");
    call.check(&["SetHand(false)"]);
}

#[test]
fn the_volume_has_its_limits() {
    let mut call = call();
    for _ in 0..5 {
        call.press("*7");
    }
    let louder = ["Volume(Louder)", "Chime(Done)"].repeat(4);
    call.check(&[louder, vec!["Chime(Unknown)"]].concat());
    call.press("*4");
    call.check(&["Volume(Quieter)", "Chime(Done)"]);
}

#[test]
fn how_many_are_there_is_asked_once() {
    let mut call = call();
    call.press("*1*1");
    call.check(&["AskCount"]);
    call.input(Input::Count(121));
    call.check(&["de: people_here hundred_and number_21"]);
    call.finish();
    call.input(Input::Count(5));
    call.check(&[]);
}

#[test]
fn keys_without_meaning_are_a_tone_and_digits_alone_are_nothing() {
    let mut call = call();
    call.press("123456789#");
    call.check(&[]);
    call.press("**");
    call.press("*5");
    call.press("*#");
    call.check(&["Chime(Unknown)"; 3]);
}

#[test]
fn a_star_is_forgotten_after_three_seconds() {
    let mut call = call();
    call.press("*");
    call.pass(3 * SECOND);
    call.press("6");
    call.check(&[]);
}

#[test]
fn a_star_ends_what_is_being_said_and_nothing_else_begins_before_the_digit() {
    let mut call = call();
    call.press("*0");
    call.input(Input::BadLine);
    call.press("*");
    call.check(&["de: help", "stop"]);
    call.press("6");
    call.check(&["SetMuted(true)", "de: bad_line"]);
}

#[test]
fn a_recording_is_told_and_agreed_to_and_not_any_more() {
    let mut call = call();
    call.press("*3");
    call.finish();
    call.event(MeetingEvent::RecordingBegan(ASKS));
    call.press("*3");
    call.event(MeetingEvent::ConsentNoted(true));
    call.listen();
    call.check(&["de: no_consent_needed", "de: recorded ask_consent", "Consent(true)", "de: consent_given"]);
    call.press("*3");
    call.event(MeetingEvent::ConsentNoted(false));
    call.listen();
    call.event(MeetingEvent::RecordingEnded);
    call.check(&["Consent(false)", "de: consent_revoked", "de: recording_ended"]);
}

#[test]
fn who_comes_during_a_recording_cannot_skip_that() {
    let mut call = Call::begun(settings());
    call.press("1234567890");
    call.log.clear();
    call.admit(RoomStatus { recording: Some(ASKS), is_muted: true, ..room(2) });
    call.press("*");
    call.check(&["Join", "de: in_meeting recorded ask_consent"]);
    call.pass(3 * SECOND);
    call.finish();
    call.check(&["de: people_here number_2 you_are_muted hint_help"]);
}

#[test]
fn others_who_come_and_go_are_counted_together() {
    let mut call = call();
    call.event(MeetingEvent::Joined { count: 4 });
    call.event(MeetingEvent::Joined { count: 5 });
    call.event(MeetingEvent::Joined { count: 6 });
    call.event(MeetingEvent::Left { count: 5 });
    call.listen();
    call.check(&["de: somebody_joined", "de: people_joined number_2 somebody_left"]);
}

#[test]
fn who_is_left_alone_is_told_unless_somebody_comes_back() {
    let mut call = call();
    call.event(MeetingEvent::Left { count: 1 });
    call.finish();
    call.check(&["de: alone"]);
    call.press("*0");
    call.event(MeetingEvent::Left { count: 1 });
    call.event(MeetingEvent::Joined { count: 2 });
    call.listen();
    call.check(&["de: help", "de: somebody_joined"]);
}

#[test]
fn who_talks_while_muted_is_told_once_a_minute() {
    let mut call = muted(true);
    for _ in 0..12 {
        call.input(Input::TalkingWhileMuted);
        call.pass(10 * SECOND);
        call.listen();
    }
    call.check(&["de: you_are_muted", "de: you_are_muted"]);
    let mut call = self::call();
    call.input(Input::TalkingWhileMuted);
    call.check(&[]);
}

#[test]
fn a_reminder_neither_takes_the_place_of_a_request_nor_outlives_its_reason() {
    let mut call = muted(true);
    call.event(MeetingEvent::OneMinuteLeft);
    call.event(MeetingEvent::AskedToUnmute);
    call.input(Input::TalkingWhileMuted);
    call.event(MeetingEvent::Joined { count: 4 });
    call.finish();
    call.check(&["de: one_minute_left", "de: asked_to_unmute"]);
    call.press("*6");
    call.event(MeetingEvent::MicrophoneOn);
    call.listen();
    call.check(&["SetMuted(false)", "de: microphone_on", "de: somebody_joined"]);
}

#[test]
fn in_another_room_nothing_old_is_told() {
    let mut call = call();
    call.press("*0");
    call.event(MeetingEvent::Left { count: 1 });
    call.event(MeetingEvent::Moved(Destination::OtherRoom, RoomStatus { is_muted: true, ..room(5) }));
    call.listen();
    call.check(&["de: help", "stop", "de: other_room", "de: people_here number_5 you_are_muted"]);
    call.event(MeetingEvent::Moved(Destination::MainRoom, room(9)));
    call.listen();
    call.check(&["de: back_again", "de: people_here number_9"]);
}

#[test]
fn the_end_is_announced_and_told() {
    let mut call = call();
    call.event(MeetingEvent::OneMinuteLeft);
    call.event(MeetingEvent::Ended);
    call.press("*6");
    call.finish();
    call.check(&["de: one_minute_left", "stop", "de: meeting_ended goodbye", "hang up: meeting over"]);
    let mut call = self::call();
    call.event(MeetingEvent::Removed);
    call.finish();
    call.check(&["de: removed goodbye", "hang up: removed"]);
}

#[test]
fn trouble_and_a_restart_are_told_wherever_the_caller_is() {
    let mut call = call();
    call.input(Input::Failed);
    call.input(Input::ShuttingDown);
    call.finish();
    call.check(&["de: technical goodbye", "hang up: technical problem"]);
    let mut call = Call::begun(settings());
    call.log.clear();
    call.input(Input::ShuttingDown);
    call.check(&["stop", "de: restarting goodbye"]);
    let mut call = Call::new(settings());
    call.input(Input::ShuttingDown);
    call.check(&["hang up: restarting"]);
}

#[test]
fn who_hangs_up_is_asked_nothing_any_more() {
    let mut call = call();
    call.press("*0");
    call.log.clear();
    call.input(Input::HungUp);
    call.press("*6");
    call.pass(3600 * SECOND);
    call.check(&[]);
    assert!(call.caller.is_over() && call.caller.poll_timeout().is_none());
}
