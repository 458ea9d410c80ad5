// SPDX-License-Identifier: EUPL-1.2
//! Calls with loss, jitter and changes, on a virtual clock.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::media::codec::{OpusSettings, PhoneEncoder};
use crate::media::key_tone::KeyTone;
use crate::media::sample_speech::speech;

const CODECS: [PhoneCodec; 4] = [PhoneCodec::Pcma, PhoneCodec::Pcmu, PhoneCodec::G722, PhoneCodec::Opus];

/// How long an ordinary packet is under way.
const WAY: Duration = Duration::from_millis(3);

fn settings(codec: PhoneCodec) -> UplinkSettings {
    UplinkSettings { codec, listens_for_digits: false, controls_level: false }
}

/// Opus with copies of each packet in the next.
const WITH_COPIES: OpusSettings =
    OpusSettings { bitrate_bps: 24_000, complexity: 5, has_fec: true, expected_loss_percent: 20 };

fn payloads(codec: PhoneCodec, sound: &[Frame]) -> Vec<Vec<u8>> {
    encoded(codec, sound, OpusSettings::default())
}

fn encoded(codec: PhoneCodec, sound: &[Frame], opus: OpusSettings) -> Vec<Vec<u8>> {
    let mut encoder = PhoneEncoder::new(codec, opus).unwrap();
    let encode = |frame| {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).unwrap();
        payload
    };
    sound.iter().map(encode).collect()
}

/// What is heard of a sound, when some packets are lost and others are late.
fn play(codec: PhoneCodec, sound: &[Frame], delay: impl FnMut(usize) -> Option<Duration>) -> (Vec<Frame>, Uplink) {
    play_payloads(codec, payloads(codec, sound), delay)
}

fn play_payloads(
    codec: PhoneCodec,
    payloads: Vec<Vec<u8>>,
    mut delay: impl FnMut(usize) -> Option<Duration>,
) -> (Vec<Frame>, Uplink) {
    let start = Instant::now();
    let mut uplink = Uplink::new(settings(codec), &mut StdRng::seed_from_u64(1)).unwrap();
    let frames = payloads.len() as u32 + 10;
    let mut under_way = Vec::new();
    for (n, payload) in payloads.into_iter().enumerate() {
        if let Some(delay) = delay(n) {
            under_way.push((start + Duration::from_millis(20) * n as u32 + delay, n, payload));
        }
    }
    under_way.sort();
    let mut under_way = under_way.into_iter().peekable();
    let mut heard = Vec::new();
    for at in 0..frames {
        let now = start + Duration::from_millis(20) * at;
        while let Some((came, n, payload)) = under_way.next_if(|(came, ..)| *came <= now) {
            let timestamp = codec.rtp_ticks(FRAME_SAMPLES).wrapping_mul(n as u32);
            uplink.handle_payload(came, n as u16, timestamp, PacketKind::Sound, &payload);
        }
        heard.push(*uplink.pull(now).frame);
    }
    (heard, uplink)
}

fn power(frame: &[i16]) -> f64 {
    frame.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / frame.len() as f64
}

/// The share of speech frames that are more than 12 dB quieter than without loss.
fn dips(whole: &[Frame], lossy: &[Frame]) -> f64 {
    let is_speech = |frame: &Frame| power(frame) > 100f64.powi(2);
    let dipped =
        whole.iter().zip(lossy).filter(|(whole, lossy)| is_speech(whole) && power(*lossy) * 15.85 < power(*whole));
    dipped.count() as f64 / whole.len() as f64
}

#[test]
fn at_five_percent_loss_speech_has_hardly_any_holes() {
    let sound: Vec<Frame> = std::iter::repeat_n(speech(), 5).flatten().collect();
    let plain = CODECS.map(|codec| (codec, OpusSettings::default()));
    for (codec, opus) in plain.into_iter().chain([(PhoneCodec::Opus, WITH_COPIES)]) {
        let payloads = encoded(codec, &sound, opus);
        let (whole, _) = play_payloads(codec, payloads.clone(), |_| Some(WAY));
        for seed in 1..=2 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (lossy, uplink) = play_payloads(codec, payloads.clone(), |_| (!rng.random_bool(0.05)).then_some(WAY));
            let lost = uplink.statistics().jitter.lost_packets;
            assert!((30..80).contains(&lost), "{lost} packets lost of {}", sound.len());
            let share = dips(&whole, &lossy);
            println!("{codec:?}, copies {}, seed {seed}: {:.2} % of frames have a hole", opus.has_fec, share * 100.0);
            assert!(share < 0.02, "{codec:?}, copies {}, seed {seed}: {share}", opus.has_fec);
        }
    }
}

#[test]
fn holes_would_be_seen_without_concealment() {
    // The measure itself: silence in place of what was lost.
    let sound: Vec<Frame> = std::iter::repeat_n(speech(), 10).flatten().collect();
    let mut rng = StdRng::seed_from_u64(1);
    let lossy: Vec<Frame> = sound.iter().map(|frame| if rng.random_bool(0.05) { SILENCE } else { *frame }).collect();
    assert!(dips(&sound, &lossy) > 0.03);
}

#[test]
fn without_loss_and_jitter_nothing_is_made_up_or_left_out() {
    let sound: Vec<Frame> = std::iter::repeat_n(speech(), 5).flatten().collect();
    for codec in CODECS {
        let (heard, uplink) = play(codec, &sound, |_| Some(WAY));
        let statistics = uplink.statistics();
        assert_eq!(statistics.jitter.lost_packets + statistics.jitter.late_packets, 0);
        assert!(statistics.removed_samples < 800, "{statistics:?}");
        assert!(statistics.jitter.delay_ms <= 50, "{statistics:?}");
        let (before, after) = (power(&sound.concat()), power(&heard.concat()));
        let change = 10.0 * (after / before).log10();
        assert!(change.abs() < 1.0, "{codec:?}: {change} dB");
    }
}

#[test]
fn jitter_is_absorbed() {
    let sound: Vec<Frame> = std::iter::repeat_n(speech(), 15).flatten().collect();
    let mut rng = StdRng::seed_from_u64(9);
    let (_, uplink) = play(PhoneCodec::Pcma, &sound, |_| Some(Duration::from_millis(rng.random_range(0..80))));
    let statistics = uplink.statistics();
    assert!(statistics.jitter.late_packets < 30, "{statistics:?}");
    assert!(statistics.concealed_samples < 100 * 320, "{statistics:?}");
    assert!((70..=130).contains(&statistics.jitter.target_ms), "{statistics:?}");
}

#[test]
fn a_copy_in_the_next_opus_packet_is_used() {
    let sound: Vec<Frame> = std::iter::repeat_n(speech(), 3).flatten().collect();
    let payloads = encoded(PhoneCodec::Opus, &sound, WITH_COPIES);
    let (_, uplink) = play_payloads(PhoneCodec::Opus, payloads, |n| (n % 10 != 5).then_some(WAY));
    let statistics = uplink.statistics();
    let lost = statistics.jitter.lost_packets * FRAME_SAMPLES as u64;
    assert!(statistics.recovered_samples * 2 > lost, "{statistics:?}");
    // Made up are the others, and the end.
    assert!(statistics.concealed_samples <= lost - statistics.recovered_samples + 11 * 320, "{statistics:?}");
}

#[test]
fn another_codec_takes_over_without_a_click() {
    let tone: Vec<Frame> = (0..40)
        .map(|at| std::array::from_fn(|n| (9000.0 * ((at * FRAME_SAMPLES + n) as f64 * 0.08).sin()) as i16))
        .collect();
    for from in CODECS {
        for to in CODECS.into_iter().filter(|to| *to != from) {
            let start = Instant::now();
            let mut uplink = Uplink::new(settings(from), &mut StdRng::seed_from_u64(1)).unwrap();
            let (before, after) = (payloads(from, &tone), payloads(to, &tone));
            let mut heard = Vec::new();
            for n in 0..40u32 {
                let now = start + Duration::from_millis(20) * n;
                if n == 20 {
                    uplink.switch(settings(to)).unwrap();
                }
                let (codec, payloads) = if n < 20 { (from, &before) } else { (to, &after) };
                let timestamp = codec.rtp_ticks(FRAME_SAMPLES) * n;
                uplink.handle_payload(now, n as u16, timestamp, PacketKind::Sound, &payloads[n as usize]);
                heard.extend(*uplink.pull(now).frame);
            }
            // From the middle of the first part; the tone's own steps are 720.
            let steps = heard[3200..].windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs());
            let steepest = steps.max().unwrap();
            assert!(steepest < 1800, "{from:?} to {to:?}: a step of {steepest}");
        }
    }
}

#[test]
fn keys_are_heard_as_tones_when_that_is_wanted() {
    for (listens_for_digits, expected) in [(true, "42#"), (false, "")] {
        let start = Instant::now();
        let settings = UplinkSettings { listens_for_digits, ..settings(PhoneCodec::Pcma) };
        let mut uplink = Uplink::new(settings, &mut StdRng::seed_from_u64(1)).unwrap();
        let mut sound = Vec::new();
        for key in "42#".chars() {
            let mut tone = KeyTone::new(key, Duration::from_millis(80));
            for _ in 0..10 {
                let mut frame = SILENCE;
                tone.fill(&mut frame);
                sound.push(frame);
            }
        }
        sound.extend([SILENCE; 10]);
        let mut heard = String::new();
        for (n, payload) in payloads(PhoneCodec::Pcma, &sound).iter().enumerate() {
            let now = start + Duration::from_millis(20) * n as u32;
            uplink.handle_payload(now, n as u16, 160 * n as u32, PacketKind::Sound, payload);
            heard.extend(uplink.pull(now).digit);
        }
        assert_eq!(heard, expected);
    }
}

#[test]
fn described_noise_fills_a_pause_and_silence_is_not_worth_sending() {
    let start = Instant::now();
    let mut uplink = Uplink::new(settings(PhoneCodec::Pcma), &mut StdRng::seed_from_u64(1)).unwrap();
    let sound = payloads(PhoneCodec::Pcma, &speech());
    let mut now = start;
    for (n, payload) in sound.iter().enumerate() {
        now = start + Duration::from_millis(20) * n as u32;
        uplink.handle_payload(now, n as u16, 160 * n as u32, PacketKind::Sound, payload);
        uplink.pull(now);
    }
    assert!(uplink.pull(now).is_worth_sending);
    uplink.handle_payload(now, sound.len() as u16, 160 * sound.len() as u32, PacketKind::ComfortNoise, &[55]);
    let mut last = (0, true);
    for _ in 0..100 {
        now += Duration::from_millis(20);
        let heard = uplink.pull(now);
        last = (heard.level_dbov, heard.is_worth_sending);
    }
    assert!((52..=58).contains(&last.0), "{last:?}");
    assert!(!last.1);
}

#[test]
fn the_level_is_brought_towards_minus_20() {
    let start = Instant::now();
    let quiet: Vec<Frame> =
        std::iter::repeat_n(speech(), 6).flatten().map(|frame| frame.map(|sample| sample / 6)).collect();
    let settings = UplinkSettings { controls_level: true, ..settings(PhoneCodec::G722) };
    let mut uplink = Uplink::new(settings, &mut StdRng::seed_from_u64(1)).unwrap();
    let mut heard = Vec::new();
    for (n, payload) in payloads(PhoneCodec::G722, &quiet).iter().enumerate() {
        let now = start + Duration::from_millis(20) * n as u32;
        uplink.handle_payload(now, n as u16, 160 * n as u32, PacketKind::Sound, payload);
        heard.push(*uplink.pull(now).frame);
    }
    let level = 10.0 * (power(&heard[heard.len() - 200..].concat()) / 32_768f64.powi(2)).log10();
    assert!((-23.5..-18.0).contains(&level), "{level}");
}

#[test]
fn music_during_a_hold_leaves_the_level_as_it_was() {
    let start = Instant::now();
    let settings = UplinkSettings { controls_level: true, ..settings(PhoneCodec::Pcma) };
    let mut uplink = Uplink::new(settings, &mut StdRng::seed_from_u64(1)).unwrap();
    let quiet: Vec<Frame> =
        std::iter::repeat_n(speech(), 2).flatten().map(|frame| frame.map(|sample| sample / 6)).collect();
    let (words, song) = (payloads(PhoneCodec::Pcma, &quiet), payloads(PhoneCodec::Pcma, &speech()));
    let (mut now, mut gain) = (start, 1.0);
    for (n, payload) in words.iter().chain(&song).enumerate() {
        now = start + Duration::from_millis(20) * n as u32;
        if n == words.len() {
            gain = uplink.level.gain();
            assert!(gain > 2.0, "{gain}");
            uplink.set_on_hold(true);
        }
        uplink.handle_payload(now, n as u16, 160 * n as u32, PacketKind::Sound, payload);
        let heard = uplink.pull(now);
        if n >= words.len() {
            assert!(*heard.frame == SILENCE && !heard.is_speech && !heard.is_worth_sending);
        }
    }
    uplink.set_on_hold(false);
    assert_eq!(uplink.level.gain(), gain);
    let heard = uplink.pull(now + Duration::from_millis(20));
    assert!(*heard.frame == SILENCE && !heard.is_speech && !heard.is_worth_sending);
}

#[test]
fn payloads_that_are_nonsense_end_in_silence() {
    let mut rng = StdRng::seed_from_u64(17);
    for codec in CODECS {
        let start = Instant::now();
        let mut uplink = Uplink::new(settings(codec), &mut rng.clone()).unwrap();
        for n in 0..1500u32 {
            let now = start + Duration::from_millis(20) * n;
            for _ in 0..rng.random_range(0..3) {
                let payload: Vec<u8> = (0..rng.random_range(0..400)).map(|_| rng.random()).collect();
                let kind = [PacketKind::Sound, PacketKind::ComfortNoise, PacketKind::Other][rng.random_range(0..3)];
                let timestamp = if rng.random_bool(0.05) { rng.random() } else { n * 160 };
                uplink.handle_payload(now, n as u16 / 2, timestamp, kind, &payload);
            }
            uplink.pull(now);
            assert!(uplink.queued < QUEUE);
        }
    }
}
