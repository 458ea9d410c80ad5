// SPDX-License-Identifier: EUPL-1.2
//! What packets of sound turn out to be when they are decoded: when whistles begin, and where the sound dips.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sip_bridge::audio::{FRAME_SAMPLES, SAMPLE_RATE_HZ, SILENCE};
use sip_bridge::media::codec::{PhoneCodec, PhoneDecoder};
use sip_bridge::media::jitter_buffer::PacketKind;
use sip_bridge::media::level::level_dbov;
use sip_bridge::media::uplink::{Uplink, UplinkSettings};

use super::sound::{WHISTLED, whistled_share};
use crate::ear::HeardPacket;

/// Sound is looked at in pieces of 5 ms: five periods of the whistle.
const PIECE_SAMPLES: usize = 80;
const PIECE_NANOS: u64 = 5_000_000;

/// Pieces of a whistle in a row that make it one: 40 ms. Words do not whistle for so long.
const PIECES_WHISTLED: usize = 8;

/// Pieces before it in which nobody whistles.
const PIECES_BEFORE: usize = 20;

/// RTP ticks of 20 ms of Opus (RFC 7587 §4.1).
const OPUS_TICKS: u32 = 960;

/// A frame is a dip when it is so much quieter than the median frame, in dB.
const DIP_DB: u8 = 10;

/// Packets by the stream that they belong to, in the order of their arrival.
pub(super) fn streams(heard: &Receiver<HeardPacket>) -> Vec<Vec<HeardPacket>> {
    let mut streams: HashMap<u32, Vec<HeardPacket>> = HashMap::new();
    for packet in heard.try_iter() {
        streams.entry(packet.ssrc).or_default().push(packet);
    }
    streams.into_values().collect()
}

/// When whistles began, on the clock of the packets' arrival: that of the packet that has the beginning in it, and how far
/// into the packet it is.
pub(super) fn whistles(codec: PhoneCodec, packets: &[HeardPacket]) -> Result<Vec<u64>> {
    let mut decoder = PhoneDecoder::new(codec)?;
    let (mut frame, mut pieces) = (SILENCE, Vec::new());
    for packet in packets {
        let samples = decoder.decode(&packet.payload, &mut frame).context("a packet that cannot be decoded")?;
        for (place, piece) in frame[..samples.min(FRAME_SAMPLES)].chunks_exact(PIECE_SAMPLES).enumerate() {
            let at = packet.arrived_nanos + place as u64 * PIECE_NANOS;
            pieces.push((at, whistled_share(piece, SAMPLE_RATE_HZ) > WHISTLED));
        }
    }
    Ok(beginnings(&pieces))
}

fn beginnings(pieces: &[(u64, bool)]) -> Vec<u64> {
    let mut found = Vec::new();
    for (place, window) in pieces.windows(PIECES_BEFORE + PIECES_WHISTLED).enumerate() {
        let (before, whistled) = window.split_at(PIECES_BEFORE);
        // A single piece of words may sound like it; the one right before the beginning does not.
        let is_quiet =
            before.iter().filter(|piece| piece.1).count() <= 2 && before.last().is_some_and(|piece| !piece.1);
        if is_quiet && whistled.iter().all(|piece| piece.1) {
            found.push(pieces[place + PIECES_BEFORE].0);
        }
    }
    found
}

/// From each mark to the first beginning after it, in milliseconds, and how many had none within `patience`.
pub(super) fn delays_ms(marks: &[u64], beginnings: &[u64], patience: Duration) -> (Vec<f64>, usize) {
    let mut delays = Vec::with_capacity(marks.len());
    for mark in marks {
        let next = beginnings.iter().find(|beginning| **beginning >= *mark);
        let delay = next.map(|beginning| (beginning - mark) as f64 / 1e6);
        delays.extend(delay.filter(|delay| *delay < patience.as_secs_f64() * 1e3));
    }
    let missing = marks.len() - delays.len();
    (delays, missing)
}

/// Levels of the frames of a stream of Opus, in −dBov. What was not sent was not heard.
pub(super) fn levels_of_opus(packets: &[HeardPacket]) -> Result<Vec<u8>> {
    let mut decoder = PhoneDecoder::new(PhoneCodec::Opus)?;
    let (mut frame, mut levels) = (SILENCE, Vec::new());
    let mut next: Option<u32> = None;
    for packet in packets {
        let ahead = next.map_or(0, |next| packet.rtp_timestamp.wrapping_sub(next) / OPUS_TICKS);
        // A stream that begins anew is no gap of hours.
        levels.extend(std::iter::repeat_n(127, if ahead < 1_000 { ahead as usize } else { 0 }));
        decoder.decode(&packet.payload, &mut frame).context("a packet that cannot be decoded")?;
        levels.push(level_dbov(&frame));
        next = Some(packet.rtp_timestamp.wrapping_add(OPUS_TICKS));
    }
    Ok(levels)
}

/// Levels of what a usual telephone makes of the packets that it gets, in −dBov: a jitter buffer, and concealment.
pub(super) fn levels_of_telephone(packets: &[HeardPacket]) -> Result<Vec<u8>> {
    let settings = UplinkSettings { codec: PhoneCodec::Pcma, listens_for_digits: false, controls_level: false };
    let mut receiver = Uplink::new(settings, &mut StdRng::seed_from_u64(1))?;
    let Some(first) = packets.first() else { return Ok(Vec::new()) };
    let (start, mut levels, mut packets) = (Instant::now(), Vec::new(), packets.iter().peekable());
    let mut tick = 0;
    while packets.peek().is_some() {
        tick += 1;
        let time = Duration::from_millis(20) * tick;
        let since =
            |packet: &HeardPacket| Duration::from_nanos(packet.arrived_nanos.saturating_sub(first.arrived_nanos));
        while let Some(packet) = packets.next_if(|packet| since(packet) <= time) {
            let at = start + since(packet);
            let (seq_no, timestamp) = (packet.seq_no, packet.rtp_timestamp);
            receiver.handle_payload(at, seq_no, timestamp, PacketKind::Sound, &packet.payload);
        }
        levels.push(level_dbov(receiver.pull(start + time).frame));
    }
    Ok(levels)
}

/// The share of frames that are dips, without those at the beginning; not a number without any.
pub(super) fn dips(levels: &[u8], begin: usize) -> f64 {
    let levels = levels.get(begin..).unwrap_or_default();
    let mut sorted = levels.to_vec();
    sorted.sort_unstable();
    let Some(median) = sorted.get(sorted.len() / 2) else { return f64::NAN };
    levels.iter().filter(|level| **level > median.saturating_add(DIP_DB)).count() as f64 / levels.len() as f64
}

#[cfg(test)]
mod tests {
    use sip_bridge::audio::Frame;
    use sip_bridge::media::codec::OpusSettings;
    use sip_bridge::media::downlink::{Downlink, DownlinkSettings};
    use sip_bridge::mixing::{CallerId, RoomMix, SourceId};

    use super::super::sound;
    use super::*;
    use crate::source::Noise;

    /// Packets that arrive every 20 ms.
    fn packets(codec: PhoneCodec, frames: &[sip_bridge::audio::Frame], ticks: u32) -> Vec<HeardPacket> {
        let payloads = sound::encode(codec, frames).unwrap();
        let packets = payloads.iter().enumerate().map(|(number, payload)| HeardPacket {
            arrived_nanos: number as u64 * 20_000_000,
            ssrc: 1,
            seq_no: number as u16,
            rtp_timestamp: number as u32 * ticks,
            payload: payload.clone(),
        });
        packets.collect()
    }

    #[test]
    fn whistles_are_found_where_they_begin() {
        let frames: Vec<_> = (0..5).flat_map(|_| sound::words_and_whistle(30, 10)).collect();
        for codec in [PhoneCodec::Pcma, PhoneCodec::Opus] {
            let found = whistles(codec, &packets(codec, &frames, 160)).unwrap();
            let marks: Vec<u64> = (0..5).map(|number| (30 + 40 * number) * 20_000_000).collect();
            let (delays, missing) = delays_ms(&marks, &found, Duration::from_millis(400));
            // What the codec itself takes, and the piece in which it begins.
            assert!(missing == 0 && delays.iter().all(|delay| *delay <= 15.0), "{codec:?}: {delays:?}, {missing}");
        }
    }

    #[test]
    fn a_whistle_that_does_not_come_is_missing() {
        let second = 1_000_000_000;
        let (delays, missing) = delays_ms(&[0, second, 2 * second], &[30_000_000], Duration::from_millis(800));
        assert_eq!((delays, missing), (vec![30.0], 2));
    }

    #[test]
    fn gaps_are_dips() {
        let frames = sound::even_speech().unwrap();
        let whole = packets(PhoneCodec::Opus, &frames, OPUS_TICKS);
        let before = dips(&levels_of_opus(&whole).unwrap(), 5);
        let gappy: Vec<_> = whole.into_iter().filter(|packet| packet.seq_no % 10 != 0).collect();
        let share = dips(&levels_of_opus(&gappy).unwrap(), 5);
        assert!((0.05..0.12).contains(&(share - before)), "{share} {before}");
        assert!(dips(&[], 0).is_nan());
    }

    /// Loses so many of a hundred, by chance, always the same.
    fn lossy(packets: &[HeardPacket], percent: usize) -> Vec<HeardPacket> {
        let mut noise = Noise::new(7);
        packets.iter().filter(|_| noise.within(0, 99) >= percent).cloned().collect()
    }

    /// What the bridge sends to a telephone of somebody in the room who says this, whose packets come so long before its ticks.
    fn from_room(frames: &[Frame], before_ms: u64) -> Vec<HeardPacket> {
        let start = Instant::now();
        let (mut room, caller) = (RoomMix::default(), CallerId(1));
        room.add_caller(caller).unwrap();
        let settings =
            DownlinkSettings { codec: PhoneCodec::Pcma, opus: OpusSettings::default(), may_leave_out_silence: false };
        let mut downlink = Downlink::new(settings, &mut StdRng::seed_from_u64(3)).unwrap();
        let spoken = sound::encode(PhoneCodec::Opus, frames).unwrap();
        let mut sent = Vec::new();
        for (number, said) in (0_u32..).zip(spoken.iter()) {
            let tick = start + Duration::from_millis(20) * number + Duration::from_millis(before_ms);
            let came = tick - Duration::from_millis(before_ms);
            room.handle_packet(came, SourceId(1), number as u16, number * OPUS_TICKS, Some(22), said);
            let frame = room.tick(tick).of(caller).frame().copied().unwrap_or(SILENCE);
            let mut payload = Vec::new();
            downlink.push(&frame, &mut payload).unwrap();
            sent.push(HeardPacket {
                arrived_nanos: u64::from(number) * 20_000_000,
                ssrc: 1,
                seq_no: number as u16,
                rtp_timestamp: number * 160,
                payload: payload.into(),
            });
        }
        sent
    }

    #[test]
    fn whistles_of_somebody_in_the_room_are_found_on_the_telephone() {
        let rounds = 12;
        let frames: Vec<Frame> = (0..rounds).flat_map(|_| sound::words_and_whistle(40, 10)).collect();
        // The bridge has found out by then how long it has to wait for packets that are never late.
        let marks: Vec<u64> = (4..rounds).map(|round| (40 + 50 * round) * 20_000_000).collect();
        for before_ms in [1, 19] {
            let found = whistles(PhoneCodec::Pcma, &from_room(&frames, before_ms)).unwrap();
            let (delays, missing) = delays_ms(&marks, &found, Duration::from_millis(900));
            // A packet that waits, what both codecs take, and the piece in which it begins.
            let is_right = |delay: &f64| (20.0..60.0).contains(delay);
            assert!(missing == 0 && delays.iter().all(is_right), "{before_ms}: {delays:?}, {missing}");
        }
    }

    #[test]
    fn even_speech_is_even_on_the_telephone_and_loss_is_concealed() {
        let frames: Vec<Frame> = sound::even_speech().unwrap().into_iter().cycle().take(2_000).collect();
        let direct = packets(PhoneCodec::Pcma, &frames, 160);
        for sent in [direct, from_room(&frames, 1), from_room(&frames, 19)] {
            let share = |packets: &[HeardPacket]| dips(&levels_of_telephone(packets).unwrap(), 150);
            let (without, with, gone) = (share(&sent), share(&lossy(&sent, 5)), share(&lossy(&sent, 80)));
            println!("{without:.4} without loss, {with:.4} with 5 %, {gone:.4} with 80 %");
            assert!(without < 0.02 && with - without < 0.02, "{without} {with}");
            assert!(gone > 0.1, "so much cannot be concealed: {gone}");
        }
    }
}
