// SPDX-License-Identifier: EUPL-1.2
//! How many telephones a core carries, by the CPU time of this thread; the telephone's own codec, jitter buffer and voice
//! activity are not run, and added as an estimate.
//!
//! ```text
//! cargo run --release -p sip-bridge --example mixing_cost
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ropus::{Application, Bitrate, Channels, Encoder};
use sip_bridge::audio::{FRAME_SAMPLES, FRAME_TIME, Frame, SILENCE};
use sip_bridge::mixing::{CallerId, RoomMix, SourceId, Voice};

/// What a caller costs besides, in a tick: G.711 both ways, resampling, jitter buffer, voice activity.
const PHONE_CODEC_US: f64 = 15.0;

const WARM_UP_TICKS: usize = 100;
const TICKS: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    println!("load of the machine: {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    let speech = Speech::new()?;
    for (browsers, callers_speak) in [(3, 0), (2, 1), (0, 3), (0, 0)] {
        let mut room = Room::new(50, browsers, callers_speak)?;
        let time = measure(|tick, now| room.tick(&speech, tick, now))?;
        report(&format!("one room of 50 callers, {browsers} browsers and {callers_speak} callers speak"), 50, time);
    }
    for (browsers, callers_speak) in [(3, 0), (2, 1)] {
        let mut rooms = (0..20).map(|_| Room::new(1, browsers, callers_speak)).collect::<Result<Vec<_>, _>>()?;
        let time = measure(|tick, now| rooms.iter_mut().for_each(|room| room.tick(&speech, tick, now)))?;
        report(&format!("20 rooms of one caller, {browsers} browsers and {callers_speak} caller speak"), 20, time);
    }
    Ok(())
}

fn report(what: &str, callers: usize, time: Duration) {
    let us = time.as_secs_f64() * 1e6 / (TICKS * callers) as f64;
    let per_core = FRAME_TIME.as_secs_f64() * 1e6 / (us + PHONE_CODEC_US);
    println!(
        "{what}: {us:.1} us a caller and tick, with {PHONE_CODEC_US} us for the phone {per_core:.0} callers a core"
    );
}

/// The CPU time of this thread for [`TICKS`] ticks.
fn measure(mut tick: impl FnMut(usize, Instant)) -> Result<Duration, Box<dyn Error>> {
    let mut now = Instant::now();
    let mut start = Duration::ZERO;
    for number in 0..WARM_UP_TICKS + TICKS {
        if number == WARM_UP_TICKS {
            start = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into();
        }
        now += FRAME_TIME;
        tick(number, now);
    }
    let end: Duration = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into();
    Ok(end.saturating_sub(start))
}

struct Caller {
    id: CallerId,
    speaks: bool,
    voice: Voice,
}

/// A room, of which the first callers speak all the time.
struct Room {
    mix: RoomMix,
    browsers: usize,
    callers: Vec<Caller>,
    packet: Vec<u8>,
    checksum: i64,
}

impl Room {
    fn new(callers: usize, browsers: usize, callers_speak: usize) -> Result<Self, Box<dyn Error>> {
        let mut mix = RoomMix::default();
        let callers = (0..callers)
            .map(|at| {
                let id = CallerId(at as u64);
                mix.add_caller(id)?;
                Ok(Caller { id, speaks: at < callers_speak, voice: Voice::new()? })
            })
            .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        Ok(Self { mix, browsers, callers, packet: Vec::with_capacity(1_500), checksum: 0 })
    }

    fn tick(&mut self, speech: &Speech, tick: usize, now: Instant) {
        for browser in 0..self.browsers {
            // Everybody is at another place of the same speech.
            let packet = speech.packet(tick + browser * 37);
            self.mix.handle_packet(now, SourceId(browser as u64), tick as u16, tick as u32 * 960, Some(25), packet);
        }
        for (at, caller) in self.callers.iter_mut().enumerate() {
            let frame = if caller.speaks { speech.frame(tick + at * 53) } else { &SILENCE };
            let level = if caller.speaks { 25 } else { 127 };
            self.mix.caller_frame(caller.id, Some(frame), caller.speaks, level);
            caller.voice.encode(frame, caller.speaks, level, &mut self.packet);
        }
        let mixes = self.mix.tick(now);
        for caller in &self.callers {
            if let Some(frame) = mixes.of(caller.id).frame() {
                // What the phone's codec would read.
                self.checksum += frame.iter().map(|sample| i64::from(*sample)).sum::<i64>();
            }
        }
        std::hint::black_box(self.checksum);
    }
}

/// Something like speech, which is what codecs need time for: pulses of a changing pitch through two resonances, and noise.
struct Speech {
    frames: Vec<Frame>,
    packets: Vec<Vec<u8>>,
}

impl Speech {
    fn new() -> Result<Self, Box<dyn Error>> {
        let mut encoder =
            Encoder::builder(48_000, Channels::Mono, Application::Voip).bitrate(Bitrate::Bits(32_000)).build()?;
        let ticks = WARM_UP_TICKS + TICKS;
        let wide = synthesise(ticks * 960, 48_000.0);
        let packets = wide.chunks_exact(960).map(|pcm| {
            let mut packet = vec![0; 1_276];
            let length = encoder.encode(pcm, &mut packet)?;
            packet.truncate(length);
            Ok::<_, Box<dyn Error>>(packet)
        });
        let packets = packets.collect::<Result<_, _>>()?;
        let narrow = synthesise(ticks * FRAME_SAMPLES, 16_000.0);
        let frames = narrow.as_chunks::<FRAME_SAMPLES>().0.to_vec();
        Ok(Self { frames, packets })
    }

    fn frame(&self, tick: usize) -> &Frame {
        &self.frames[tick % self.frames.len()]
    }

    fn packet(&self, tick: usize) -> &[u8] {
        &self.packets[tick % self.packets.len()]
    }
}

fn synthesise(samples: usize, rate_hz: f32) -> Vec<i16> {
    let mut random = StdRng::seed_from_u64(1);
    let mut phase = 0.0;
    let mut memory = [[0.0_f32; 2]; 2];
    (0..samples)
        .map(|at| {
            let time = at as f32 / rate_hz;
            let pitch = 120.0 + 30.0 * (3.0 * time).sin();
            phase += pitch / rate_hz;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase %= 1.0;
            let mut sample = pulse * 40.0 * (rate_hz / 16_000.0) + random.random_range(-0.5..0.5);
            for (memory, hz) in
                memory.iter_mut().zip([500.0 + 200.0 * (5.0 * time).sin(), 1_700.0 + 500.0 * (4.0 * time).cos()])
            {
                let radius = 1.0 - 250.0 / rate_hz;
                let output = sample * (1.0 - radius) * 2.0
                    + 2.0 * radius * (std::f32::consts::TAU * hz / rate_hz).cos() * memory[0]
                    - radius * radius * memory[1];
                *memory = [output, memory[0]];
                sample = output;
            }
            // Syllables.
            (sample * 900.0 * (0.55 + 0.45 * (20.0 * time).sin())).clamp(-20_000.0, 20_000.0) as i16
        })
        .collect()
}
