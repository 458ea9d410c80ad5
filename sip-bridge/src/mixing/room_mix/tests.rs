// SPDX-License-Identifier: EUPL-1.2
//! What callers hear of a room, through its front door.

use std::f32::consts::TAU;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ropus::{Application, Bitrate, Channels, Encoder, InbandFec};

use super::*;
use crate::audio::FRAME_TIME;

const A: CallerId = CallerId(1);
const B: CallerId = CallerId(2);
const LISTENER: CallerId = CallerId(3);
const SPEECH_DBOV: u8 = 20;

/// Its waves do not end where frames end, so that a cut there is seen.
const LOW_HZ: f32 = 113.0;

fn tone(tick: usize, hz: f32, amplitude: f32) -> Frame {
    std::array::from_fn(|at| {
        let time = (tick * FRAME_SAMPLES + at) as f32 / 16_000.0;
        (amplitude * (TAU * hz * time).sin()) as i16
    })
}

/// A browser that sends a tone.
struct Browser {
    encoder: Encoder,
    hz: f32,
    amplitude: f32,
    seq_no: u16,
    timestamp: u32,
    tick: usize,
}

impl Browser {
    fn new(hz: f32, amplitude: f32) -> Self {
        let encoder = Encoder::builder(48_000, Channels::Mono, Application::Voip)
            .bitrate(Bitrate::Bits(32_000))
            .complexity(3)
            .inband_fec(InbandFec::Enabled)
            .packet_loss_perc(10)
            .build()
            .unwrap();
        Self { encoder, hz, amplitude, seq_no: 100, timestamp: 5_000, tick: 0 }
    }

    fn packet(&mut self) -> (u16, u32, Vec<u8>) {
        let pcm: Vec<i16> = (0..960)
            .map(|at| {
                let time = (self.tick * 960 + at) as f32 / 48_000.0;
                (self.amplitude * (TAU * self.hz * time).sin()) as i16
            })
            .collect();
        let mut payload = vec![0; 1_000];
        let length = self.encoder.encode(&pcm, &mut payload).unwrap();
        payload.truncate(length);
        let packet = (self.seq_no, self.timestamp, payload);
        self.pass();
        packet
    }

    fn pass(&mut self) {
        self.seq_no = self.seq_no.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(960);
        self.tick += 1;
    }
}

/// A room with a clock.
struct Bench {
    room: RoomMix,
    now: Instant,
    ticks: usize,
}

impl Bench {
    fn new(speakers: usize) -> Self {
        let mut room = RoomMix::new(speakers);
        for caller in [A, B, LISTENER] {
            room.add_caller(caller).unwrap();
        }
        Self { room, now: Instant::now(), ticks: 0 }
    }

    fn send(&mut self, source: u64, browser: &mut Browser) {
        let (seq_no, timestamp, payload) = browser.packet();
        self.room.handle_packet(self.now, SourceId(source), seq_no, timestamp, Some(SPEECH_DBOV), &payload);
    }

    fn say(&mut self, caller: CallerId, hz: f32, amplitude: f32) {
        self.room.caller_frame(caller, Some(&tone(self.ticks, hz, amplitude)), true, SPEECH_DBOV);
    }

    /// What these hear in this tick; silence as zeroes.
    fn tick<const N: usize>(&mut self, callers: [CallerId; N]) -> [Frame; N] {
        self.now += FRAME_TIME;
        self.ticks += 1;
        let mixes = self.room.tick(self.now);
        callers.map(|caller| mixes.of(caller).frame().copied().unwrap_or(SILENCE))
    }
}

/// How much of a frequency is in a sound, as an amplitude.
fn amplitude(samples: &[i16], hz: f32) -> f64 {
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * f64::from(hz) * at as f64 / 16_000.0;
        sine += f64::from(*sample) * phase.sin();
        cosine += f64::from(*sample) * phase.cos();
    }
    2.0 * f64::hypot(sine, cosine) / samples.len() as f64
}

fn steepest(samples: &[i16]) -> u16 {
    samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap()
}

fn is_shared(mixes: &Mixes<'_>, caller: CallerId) -> bool {
    matches!(mixes.of(caller), Heard::Shared(_))
}

#[test]
fn nobody_hears_themselves() {
    let mut bench = Bench::new(3);
    let mut heard = [const { Vec::new() }; 3];
    for _ in 0..100 {
        bench.say(A, 440.0, 6_000.0);
        bench.say(B, 880.0, 6_000.0);
        for (heard, frame) in heard.iter_mut().zip(bench.tick([A, B, LISTENER])) {
            heard.extend(frame);
        }
    }
    let [a, b, listener] = heard.map(|samples| samples[10 * FRAME_SAMPLES..].to_vec());
    let about = |value: f64| (5_900.0..6_100.0).contains(&value);
    assert!(amplitude(&a, 440.0) < 2.0 && about(amplitude(&a, 880.0)), "{}", amplitude(&a, 440.0));
    assert!(amplitude(&b, 880.0) < 2.0 && about(amplitude(&b, 440.0)));
    assert!(about(amplitude(&listener, 440.0)) && about(amplitude(&listener, 880.0)));
}

#[test]
fn all_who_listen_share_one_mix() {
    let mut bench = Bench::new(3);
    for _ in 0..10 {
        bench.say(A, 440.0, 6_000.0);
        bench.tick([]);
    }
    bench.say(A, 440.0, 6_000.0);
    let mixes = bench.room.tick(bench.now + FRAME_TIME);
    assert!(!is_shared(&mixes, A) && is_shared(&mixes, B) && is_shared(&mixes, LISTENER));
    assert!(matches!(mixes.of(CallerId(99)), Heard::Silence));
}

#[test]
fn a_browser_is_heard_as_loud_as_it_was() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    let mut heard = Vec::new();
    for _ in 0..100 {
        bench.send(1, &mut browser);
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    let level = amplitude(&heard[50 * FRAME_SAMPLES..], 440.0);
    assert!((6_800.0..9_200.0).contains(&level), "{level}");
    assert!(steepest(&heard) < 2_500, "{}", steepest(&heard));
}

#[test]
fn browsers_and_callers_hear_each_other_in_one_mix() {
    let mut bench = Bench::new(3);
    let (mut one, mut two) = (Browser::new(500.0, 5_000.0), Browser::new(1_500.0, 5_000.0));
    let (mut a, mut listener) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        bench.send(1, &mut one);
        bench.send(2, &mut two);
        bench.say(A, 900.0, 5_000.0);
        let [to_a, to_listener] = bench.tick([A, LISTENER]);
        a.extend(to_a);
        listener.extend(to_listener);
    }
    for (hz, a_hears) in [(500.0, true), (1_500.0, true), (900.0, false)] {
        assert!(amplitude(&listener[16_000..], hz) > 3_000.0, "{hz}");
        assert_eq!(amplitude(&a[16_000..], hz) > 3_000.0, a_hears, "{hz}");
    }
}

#[test]
fn silence_is_silence() {
    let mut bench = Bench::new(3);
    bench.room.caller_frame(A, Some(&[20; FRAME_SAMPLES]), false, 70);
    assert!(matches!(bench.room.tick(bench.now).of(A), Heard::Silence));
    assert!(matches!(bench.room.tick(bench.now).shared(), Heard::Silence));
}

#[test]
fn ten_who_shout_do_not_clip() {
    let mut bench = Bench::new(10);
    for id in 0..10 {
        bench.room.add_caller(CallerId(100 + id)).unwrap();
    }
    for tick in 0..100 {
        for id in 0..10 {
            bench.room.set_volume(CallerId(100 + id), 4);
            bench.say(CallerId(100 + id), 200.0 + 57.0 * id as f32, 32_000.0);
        }
        let frames = bench.tick([LISTENER, CallerId(100), CallerId(109)]);
        assert!(frames.iter().flatten().all(|sample| sample.unsigned_abs() < 32_300));
        if tick > 5 {
            assert!(frames.iter().all(|frame| frame.iter().any(|sample| sample.unsigned_abs() > 15_000)));
        }
    }
    assert_eq!(bench.room.speakers().count(), 10);
}

#[test]
fn only_the_loudest_are_heard_and_only_they_are_decoded() {
    let mut bench = Bench::new(3);
    let mut browsers: Vec<_> = (0..6).map(|id| Browser::new(400.0 + 300.0 * id as f32, 4_000.0)).collect();
    let mut heard = Vec::new();
    for _ in 0..60 {
        for (id, browser) in browsers.iter_mut().enumerate() {
            let (seq_no, timestamp, payload) = browser.packet();
            let level = Some(20 + 8 * id as u8);
            bench.room.handle_packet(bench.now, SourceId(id as u64), seq_no, timestamp, level, &payload);
        }
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    for id in 0..6 {
        assert_eq!(amplitude(&heard[8_000..], 400.0 + 300.0 * id as f32) > 2_000.0, id < 3, "{id}");
    }
    assert_eq!(bench.room.sources.iter().filter(|source| source.is_decoded()).count(), 3);
}

#[test]
fn coming_and_going_does_not_click() {
    let mut bench = Bench::new(3);
    let mut heard = Vec::new();
    // A low tone has steps of at most 355; a click would have thousands.
    for tick in 0..400 {
        match tick % 100 {
            0..30 => bench.say(A, LOW_HZ, 8_000.0),
            30..40 => bench.room.caller_frame(A, None, false, 127),
            40..60 => bench.say(A, LOW_HZ, 8_000.0),
            60 => bench.room.remove_caller(A),
            65 => bench.room.add_caller(A).unwrap(),
            _ => {}
        }
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    assert!(heard.iter().any(|sample| *sample > 7_900));
    assert!(steepest(&heard) < 400, "{}", steepest(&heard));
}

#[test]
fn who_stops_to_speak_hears_no_click() {
    let mut bench = Bench::new(3);
    let mut heard = Vec::new();
    for tick in 0..300 {
        // So loud together that the mix for all is limited, and the one for A is not.
        bench.say(B, LOW_HZ, 25_000.0);
        if tick % 150 < 75 {
            bench.say(A, LOW_HZ, 25_000.0);
        }
        let [frame] = bench.tick([A]);
        heard.extend(frame);
    }
    // A tone of this loudness has steps of at most 1,109.
    assert!(steepest(&heard) < 1_200, "{}", steepest(&heard));
}

#[test]
fn who_changes_the_volume_while_it_is_loud_hears_no_click() {
    let mut bench = Bench::new(3);
    let mut heard = Vec::new();
    for tick in 0..60 {
        bench.say(A, LOW_HZ, 25_000.0);
        bench.say(B, LOW_HZ, 25_000.0);
        if tick == 22 {
            bench.room.set_volume(LISTENER, -1);
        }
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    // When both have come. A tone of the loudness to which it is limited has steps of at most 1,296.
    let steady = &heard[10 * FRAME_SAMPLES..];
    assert!(steepest(steady) < 1_400, "{}", steepest(steady));
}

#[test]
fn a_browser_that_leaves_or_is_outshouted_fades_out() {
    let mut bench = Bench::new(1);
    let (mut quiet, mut loud) = (Browser::new(100.0, 8_000.0), Browser::new(100.0, 8_000.0));
    let mut heard = Vec::new();
    for tick in 0..200 {
        let (seq_no, timestamp, payload) = quiet.packet();
        bench.room.handle_packet(bench.now, SourceId(1), seq_no, timestamp, Some(45), &payload);
        if (50..100).contains(&tick) {
            bench.send(2, &mut loud);
        }
        if tick == 100 {
            bench.room.remove_source(SourceId(2));
        }
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    assert!(steepest(&heard) < 600, "{}", steepest(&heard));
    assert_eq!(bench.room.sources.len(), 1);
    assert!(bench.room.pool.take().is_some());
}

#[test]
fn losses_are_concealed() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    let mut random = StdRng::seed_from_u64(7);
    let mut heard = Vec::new();
    for _ in 0..300 {
        if random.random_bool(0.1) {
            browser.packet();
        } else {
            bench.send(1, &mut browser);
        }
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    let steady = &heard[20 * FRAME_SAMPLES..];
    let quiet = steady.chunks(FRAME_SAMPLES).filter(|frame| frame.iter().all(|sample| sample.unsigned_abs() < 2_000));
    assert_eq!(quiet.count(), 0, "every lost frame is filled");
    assert!(steepest(steady) < 4_000, "{}", steepest(steady));
}

#[test]
fn a_copy_in_the_next_packet_repairs_a_loss() {
    // A tone that rises, so that going on as before is wrong.
    let run = |fec, is_lossy| {
        let mut bench = Bench::new(3);
        let mut browser = Browser::new(250.0, 8_000.0);
        browser.encoder.set_inband_fec(fec).unwrap();
        browser.encoder.set_packet_loss_perc(25).unwrap();
        browser.encoder.set_bitrate(Bitrate::Bits(24_000)).unwrap();
        let mut heard = Vec::new();
        for tick in 0..150 {
            browser.hz = 250.0 + 40.0 * (tick / 3 % 10) as f32;
            if is_lossy && tick % 6 == 3 {
                browser.packet();
            } else {
                bench.send(1, &mut browser);
            }
            let [frame] = bench.tick([LISTENER]);
            heard.extend(frame);
        }
        heard
    };
    let error = |fec| {
        let differences =
            run(fec, true).into_iter().zip(run(fec, false)).map(|(lossy, whole)| f64::from(lossy) - f64::from(whole));
        differences.skip(10 * FRAME_SAMPLES).map(|difference| difference * difference).sum::<f64>()
    };
    let (with, without) = (error(InbandFec::Forced), error(InbandFec::Disabled));
    assert!(with < without / 2.0, "{with} {without}");
}

#[test]
fn a_browser_that_pauses_comes_back_without_a_click() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(100.0, 8_000.0);
    let mut heard = Vec::new();
    for tick in 0..200 {
        match tick % 100 {
            0..50 => bench.send(1, &mut browser),
            50 => {
                let (seq_no, timestamp, payload) = browser.packet();
                bench.room.handle_packet(bench.now, SourceId(1), seq_no, timestamp, Some(127), &payload[..1]);
            }
            _ => {
                // Time stamps go on, sequence numbers do not.
                browser.pass();
                browser.seq_no = browser.seq_no.wrapping_sub(1);
            }
        }
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    assert!(steepest(&heard) < 600, "{}", steepest(&heard));
    assert!(heard[70 * FRAME_SAMPLES..90 * FRAME_SAMPLES].iter().all(|sample| *sample == 0));
    assert!(amplitude(&heard[110 * FRAME_SAMPLES..145 * FRAME_SAMPLES], 100.0) > 6_000.0);
}

#[test]
fn counters_that_wrap_are_not_heard() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    (browser.seq_no, browser.timestamp) = (65_500, u32::MAX - 30_000);
    let mut heard = Vec::new();
    for _ in 0..100 {
        bench.send(1, &mut browser);
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    assert!(amplitude(&heard[10 * FRAME_SAMPLES..], 440.0) > 6_500.0);
    assert!(steepest(&heard[10 * FRAME_SAMPLES..]) < 2_500);
}

#[test]
fn a_browser_that_begins_anew_is_heard_again() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    let mut heard = Vec::new();
    for tick in 0..150 {
        if tick == 75 {
            browser = Browser::new(440.0, 8_000.0);
            (browser.seq_no, browser.timestamp) = (30_000, 4_000_000_000);
        }
        bench.send(1, &mut browser);
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    assert!(amplitude(&heard[90 * FRAME_SAMPLES..], 440.0) > 6_500.0);
}

#[test]
fn levels_that_are_not_said_are_measured() {
    let mut bench = Bench::new(1);
    let (mut loud, mut soft) = (Browser::new(440.0, 10_000.0), Browser::new(900.0, 20.0));
    for _ in 0..150 {
        for (id, browser) in [(1, &mut soft), (2, &mut loud)] {
            let (seq_no, timestamp, payload) = browser.packet();
            bench.room.handle_packet(bench.now, SourceId(id), seq_no, timestamp, None, &payload);
        }
        bench.tick([]);
    }
    assert!(bench.room.speakers().eq([Speaker::Source(SourceId(2))]));
}

#[test]
fn a_caller_sets_the_volume_for_themselves() {
    let mut bench = Bench::new(3);
    bench.room.set_volume(B, -2);
    bench.room.set_volume(LISTENER, 100);
    let (mut b, mut listener) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        bench.say(A, 440.0, 4_000.0);
        let [to_b, to_listener] = bench.tick([B, LISTENER]);
        b.extend(to_b);
        listener.extend(to_listener);
    }
    let level = |samples: &[i16]| 20.0 * (amplitude(&samples[10 * FRAME_SAMPLES..], 440.0) / 4_000.0).log10();
    assert!((-6.1..-5.9).contains(&level(&b)), "{}", level(&b));
    assert!((11.9..12.1).contains(&level(&listener)), "{}", level(&listener));
    bench.room.set_volume(LISTENER, 0);
    let mut change = listener[listener.len() - 100..].to_vec();
    for _ in 0..5 {
        bench.say(A, 440.0, 4_000.0);
        let [frame] = bench.tick([LISTENER]);
        change.extend(frame);
    }
    assert!(steepest(&change) < 2_900, "{}", steepest(&change));
    bench.say(A, 440.0, 4_000.0);
    assert!(is_shared(&bench.room.tick(bench.now), LISTENER));
}

#[test]
fn the_same_input_gives_the_same_mix() {
    let run = || {
        let mut bench = Bench::new(3);
        let mut browsers: Vec<_> = (0..5).map(|id| Browser::new(400.0 + 100.0 * id as f32, 9_000.0)).collect();
        let mut random = StdRng::seed_from_u64(3);
        let mut heard = Vec::new();
        for _ in 0..100 {
            for (id, browser) in browsers.iter_mut().enumerate() {
                let (seq_no, timestamp, payload) = browser.packet();
                let level = Some(random.random_range(15..60));
                bench.room.handle_packet(bench.now, SourceId(id as u64), seq_no, timestamp, level, &payload);
            }
            bench.say(A, 300.0, 20_000.0);
            heard.extend(bench.tick([A, B, LISTENER]));
        }
        heard
    };
    assert_eq!(run(), run());
}

#[test]
fn sources_and_callers_are_bounded() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    for id in 0..1_000 {
        bench.send(id, &mut browser);
        if id % 100 == 0 {
            bench.tick([]);
        }
    }
    assert_eq!(bench.room.sources.len(), MAX_SOURCES);
    for id in 0..MAX_CALLERS as u64 + 10 {
        assert_eq!(bench.room.add_caller(CallerId(id)).is_err(), id >= MAX_CALLERS as u64);
    }
    assert_eq!(bench.room.callers(), MAX_CALLERS);
}

#[test]
fn who_speaks_is_not_forgotten_for_a_new_source() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    let mut other = Browser::new(440.0, 8_000.0);
    for id in 0..500 {
        bench.send(7, &mut browser);
        let (seq_no, timestamp, payload) = other.packet();
        bench.room.handle_packet(bench.now, SourceId(1_000 + id), seq_no, timestamp, Some(90), &payload);
        bench.tick([]);
    }
    assert!(bench.room.speakers().eq([Speaker::Source(SourceId(7))]));
}

#[test]
fn a_source_that_falls_silent_for_long_is_forgotten() {
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    bench.send(1, &mut browser);
    for _ in 0..510 {
        bench.tick([]);
    }
    assert!(bench.room.sources.is_empty());
}

#[test]
fn a_decoder_remembers_nobody_who_used_it_before() {
    let mut bench = Bench::new(1);
    let mut browser = Browser::new(440.0, 8_000.0);
    for _ in 0..20 {
        bench.send(1, &mut browser);
        bench.tick([]);
    }
    bench.room.remove_source(SourceId(1));
    for _ in 0..5 {
        bench.tick([]);
    }
    // Only packets that announce a pause: Opus makes up what comes from what was before, which is nothing.
    let mut heard = Vec::new();
    for number in 0..20 {
        bench.room.handle_packet(bench.now, SourceId(2), number, u32::from(number) * 960, Some(20), &[0x48]);
        let [frame] = bench.tick([LISTENER]);
        heard.extend(frame);
    }
    assert!(heard.iter().all(|sample| sample.unsigned_abs() < 10));
}

#[test]
fn packets_made_of_anything_break_nothing() {
    let mut random = StdRng::seed_from_u64(11);
    let mut bench = Bench::new(3);
    let mut browser = Browser::new(440.0, 8_000.0);
    for round in 0..6_000 {
        let mut payload = match round % 3 {
            0 => (0..random.random_range(0..200)).map(|_| random.random()).collect(),
            _ => browser.packet().2,
        };
        if round % 3 == 1 && !payload.is_empty() {
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..payload.len());
                payload[at] = random.random();
            }
            payload.truncate(random.random_range(1..=payload.len()));
        }
        let source = SourceId(random.random_range(0..4));
        let (seq_no, timestamp) = if random.random_bool(0.05) {
            (random.random(), random.random())
        } else {
            (browser.seq_no, browser.timestamp)
        };
        let level = random.random_bool(0.9).then(|| random.random_range(0..60));
        bench.room.handle_packet(bench.now, source, seq_no, timestamp, level, &payload);
        bench.tick([LISTENER]);
    }
}

#[test]
fn a_room_can_be_given_to_another_thread() {
    fn check<T: Send>() {}
    check::<RoomMix>();
    check::<crate::mixing::Voice>();
    check::<crate::mixing::Player>();
}
