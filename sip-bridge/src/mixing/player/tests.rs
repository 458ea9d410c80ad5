// SPDX-License-Identifier: EUPL-1.2
//! What a caller hears of prompts, music and the meeting.

use super::*;
use crate::audio::SILENCE;

fn constant(value: i16, samples: usize) -> Arc<[i16]> {
    vec![value; samples].into()
}

fn run(player: &mut Player, ticks: usize, meeting: Option<&Frame>) -> Vec<i16> {
    let mut heard = Vec::new();
    for _ in 0..ticks {
        let mut out = [1; FRAME_SAMPLES];
        player.tick(meeting, &mut out);
        heard.extend(out);
    }
    heard
}

fn steepest(samples: &[i16]) -> u16 {
    samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap()
}

#[test]
fn without_anything_to_play_the_meeting_is_heard_as_it_is() {
    let mut player = Player::new();
    let mut out = [1; FRAME_SAMPLES];
    assert!(player.is_idle());
    assert!(!player.tick(None, &mut out));
    assert_eq!(out, SILENCE);
    assert!(player.tick(Some(&[123; FRAME_SAMPLES]), &mut out));
    assert_eq!(out, [123; FRAME_SAMPLES]);
}

#[test]
fn sounds_follow_each_other_and_are_reported() {
    let mut player = Player::new();
    player.play(constant(1_000, 500), SoundToken(1)).unwrap();
    player.play(constant(2_000, 400), SoundToken(2)).unwrap();
    assert!(player.is_playing());
    let heard = run(&mut player, 2, None);
    assert_eq!(player.poll_finished(), Some(Finished(SoundToken(1))));
    assert_eq!(player.poll_finished(), None);
    let rest = run(&mut player, 2, None);
    assert_eq!(player.poll_finished(), Some(Finished(SoundToken(2))));
    assert!(!player.is_playing());
    let heard: Vec<i16> = heard.into_iter().chain(rest).collect();
    assert_eq!(heard[250], 1_000);
    assert_eq!(heard[700], 2_000);
    assert!(heard[900..].iter().all(|sample| *sample == 0));
}

#[test]
fn a_sound_without_samples_is_finished_at_once() {
    let mut player = Player::new();
    player.play(constant(0, 0), SoundToken(7)).unwrap();
    run(&mut player, 1, None);
    assert_eq!(player.poll_finished(), Some(Finished(SoundToken(7))));
}

#[test]
fn the_meeting_steps_back_by_12_db_and_returns_smoothly() {
    let mut player = Player::new();
    player.play(constant(0, 20 * FRAME_SAMPLES), SoundToken(1)).unwrap();
    let heard = run(&mut player, 50, Some(&[10_000; FRAME_SAMPLES]));
    assert!((2_500..2_530).contains(&heard[10 * FRAME_SAMPLES]), "{}", heard[10 * FRAME_SAMPLES]);
    assert_eq!(heard[heard.len() - 1], 10_000);
    assert!(steepest(&heard) < 15);
    assert!(player.is_idle());
}

#[test]
fn the_meeting_stays_back_between_prompts() {
    let mut player = Player::new();
    player.play(constant(0, 5 * FRAME_SAMPLES), SoundToken(1)).unwrap();
    player.play(constant(0, 5 * FRAME_SAMPLES), SoundToken(2)).unwrap();
    let heard = run(&mut player, 10, Some(&[10_000; FRAME_SAMPLES]));
    assert!(heard[4 * FRAME_SAMPLES..].iter().all(|sample| *sample < 2_530));
}

#[test]
fn a_chime_leaves_the_meeting_as_it_is() {
    let mut player = Player::new();
    player.chime(constant(500, 5 * FRAME_SAMPLES), SoundToken(1)).unwrap();
    let heard = run(&mut player, 5, Some(&[10_000; FRAME_SAMPLES]));
    assert_eq!(heard[2 * FRAME_SAMPLES], 10_500);
}

#[test]
fn a_key_stops_everything_within_a_frame_and_without_a_click() {
    let mut player = Player::new();
    player.play(constant(8_000, 50 * FRAME_SAMPLES), SoundToken(1)).unwrap();
    player.play(constant(8_000, 50 * FRAME_SAMPLES), SoundToken(2)).unwrap();
    let mut heard = run(&mut player, 10, None);
    player.stop();
    assert!(!player.is_playing());
    heard.extend(run(&mut player, 3, None));
    assert!(heard[11 * FRAME_SAMPLES..].iter().all(|sample| *sample == 0));
    assert!(steepest(&heard) < 300);
    assert_eq!(player.poll_finished(), None);
}

#[test]
fn what_is_cut_hard_does_not_click() {
    let mut player = Player::new();
    player.play(constant(8_000, 1_000), SoundToken(1)).unwrap();
    assert!(steepest(&run(&mut player, 5, None)) < 300);
}

#[test]
fn music_goes_on_until_it_is_stopped_and_fades() {
    let mut player = Player::new();
    player.start_music(constant(4_000, 1_000));
    let mut heard = run(&mut player, 100, None);
    assert!(heard[30 * FRAME_SAMPLES..].iter().all(|sample| *sample == 4_000));
    player.stop_music();
    heard.extend(run(&mut player, 100, None));
    assert_eq!(heard[heard.len() - 1], 0);
    assert!(steepest(&heard) <= 2);
    assert!(player.is_idle());
}

#[test]
fn other_music_takes_over_smoothly() {
    let mut player = Player::new();
    player.start_music(constant(4_000, 1_000));
    let mut heard = run(&mut player, 50, None);
    player.start_music(constant(-4_000, 700));
    heard.extend(run(&mut player, 50, None));
    assert_eq!(heard[heard.len() - 1], -4_000);
    assert!(steepest(&heard) <= 3);
}

#[test]
fn music_steps_back_for_a_prompt() {
    let mut player = Player::new();
    player.start_music(constant(4_000, 1_000));
    run(&mut player, 50, None);
    player.play(constant(0, 10 * FRAME_SAMPLES), SoundToken(1)).unwrap();
    let heard = run(&mut player, 10, None);
    assert!((1_000..1_010).contains(&heard[8 * FRAME_SAMPLES]));
}

#[test]
fn music_begins_again_after_its_end() {
    let ramp: Arc<[i16]> = (0..8_000).collect();
    let mut player = Player::new();
    player.start_music(ramp);
    let heard = run(&mut player, 75, None);
    assert_eq!(heard[8_100..16_000], heard[16_100..24_000], "it is as loud as it will be by then");
    assert!(heard[15_900] > 7_800 && heard[16_100] < 200);
}

#[test]
fn very_short_music_is_played_as_well() {
    for length in 1..5 {
        let mut player = Player::new();
        player.start_music(constant(1_000, length));
        assert_eq!(*run(&mut player, 50, None).last().unwrap(), 1_000);
    }
    let mut player = Player::new();
    player.start_music(constant(0, 0));
    assert!(!player.has_music());
}

#[test]
fn no_more_wait_than_there_is_place_for() {
    let mut player = Player::new();
    for number in 0..MAX_QUEUE {
        player.play(constant(1, 10), SoundToken(number as u64)).unwrap();
    }
    assert_eq!(player.play(constant(1, 10), SoundToken(99)), Err(PlayerFull));
    run(&mut player, 3, None);
    assert_eq!(std::iter::from_fn(|| player.poll_finished()).count(), MAX_QUEUE);
}

#[test]
fn loud_prompts_over_a_loud_meeting_do_not_clip() {
    let mut player = Player::new();
    player.play(constant(30_000, 50 * FRAME_SAMPLES), SoundToken(1)).unwrap();
    let heard = run(&mut player, 50, Some(&[30_000; FRAME_SAMPLES]));
    assert!(heard.iter().all(|sample| *sample < 32_300));
}
