// SPDX-License-Identifier: EUPL-1.2
//! Checked against the feedback packets of `rtc-rtcp`.

use rand::{Rng, SeedableRng, rngs::StdRng};
use rtc_rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, SymbolTypeTcc, TransportLayerCc};
use rtc_shared::marshal::Unmarshal;

use super::*;
use crate::test_support::{ms, start};

/// What a feedback says: transport-wide number and, unless it was lost, the arrival in µs since the epoch.
fn read(mut feedback: &[u8]) -> Vec<(u16, Option<i64>)> {
    let parsed = TransportLayerCc::unmarshal(&mut feedback).expect("the other implementation reads it");
    let mut symbols = Vec::new();
    for chunk in &parsed.packet_chunks {
        match chunk {
            PacketStatusChunk::RunLengthChunk(run) => {
                symbols.extend(std::iter::repeat_n(run.packet_status_symbol, run.run_length.into()));
            }
            PacketStatusChunk::StatusVectorChunk(vector) => symbols.extend(vector.symbol_list.iter().copied()),
        }
    }
    assert!(symbols.len() >= parsed.packet_status_count.into());
    symbols.truncate(parsed.packet_status_count.into());
    let mut time = i64::from(parsed.reference_time) * 64_000;
    let mut deltas = parsed.recv_deltas.iter();
    let packets = (0u16..).zip(symbols).map(|(place, symbol)| {
        let arrival = (symbol != SymbolTypeTcc::PacketNotReceived).then(|| {
            time += deltas.next().expect("a delta for each packet that came").delta;
            time
        });
        (parsed.base_sequence_number.wrapping_add(place), arrival)
    });
    let packets = packets.collect();
    assert!(deltas.next().is_none(), "no delta is left over");
    packets
}

fn write_all(recorder: &mut ArrivalRecorder, now: Instant) -> Vec<(u16, Option<i64>)> {
    let mut all = Vec::new();
    loop {
        let mut out = Vec::new();
        if !recorder.write_feedback(now, 1, 2, &mut out) {
            return all;
        }
        assert!(out.len() < 1_000, "a feedback of {} bytes", out.len());
        all.extend(read(&out));
    }
}

#[test]
fn reports_arrivals_and_losses_with_their_times() {
    let start = start();
    let mut recorder = ArrivalRecorder::new();
    assert_eq!(recorder.poll_timeout(), None);
    recorder.record(start, SeqNo(65_534));
    recorder.record(start + ms(1), SeqNo(65_535));
    recorder.record(start + ms(90), SeqNo(1));
    assert_eq!(recorder.poll_timeout(), Some(start + FEEDBACK_INTERVAL));
    assert!(write_all(&mut recorder, start + ms(99)).is_empty(), "not due yet");
    let packets = write_all(&mut recorder, start + ms(100));
    assert_eq!(packets, [(65_534, Some(0)), (65_535, Some(1_000)), (0, None), (1, Some(90_000))]);
    assert_eq!(recorder.poll_timeout(), None, "nothing waits after a feedback");
}

#[test]
fn a_fast_sender_hears_sooner() {
    let start = start();
    let mut recorder = ArrivalRecorder::new();
    for seq in 0..10 {
        recorder.record(start + ms(seq), SeqNo(seq as u16));
    }
    assert_eq!(recorder.poll_timeout(), Some(start + BUSY_FEEDBACK_INTERVAL));
}

#[test]
fn a_packet_that_was_called_lost_and_then_comes_is_reported_after_all() {
    let start = start();
    let mut recorder = ArrivalRecorder::new();
    recorder.record(start, SeqNo(5));
    recorder.record(start + ms(1), SeqNo(7));
    assert_eq!(write_all(&mut recorder, start + ms(100))[1], (6, None));
    recorder.record(start + ms(110), SeqNo(6));
    recorder.record(start + ms(111), SeqNo(8));
    let packets = write_all(&mut recorder, start + ms(300));
    assert_eq!(packets, [(6, Some(110_000)), (7, Some(1_000)), (8, Some(111_000))]);
}

#[test]
fn repeats_keep_the_first_arrival() {
    let start = start();
    let mut recorder = ArrivalRecorder::new();
    recorder.record(start, SeqNo(5));
    recorder.record(start + ms(20), SeqNo(5));
    assert_eq!(write_all(&mut recorder, start + ms(100)), [(5, Some(0))]);
    recorder.record(start + ms(120), SeqNo(5));
    assert!(write_all(&mut recorder, start + ms(300)).is_empty());
}

#[test]
fn pauses_longer_than_a_delta_get_their_own_reference_time() {
    let start = start();
    let mut recorder = ArrivalRecorder::new();
    recorder.record(start, SeqNo(1));
    recorder.record(start + ms(9_000), SeqNo(2));
    assert_eq!(write_all(&mut recorder, start + ms(9_000)), [(1, Some(0)), (2, Some(9_000_000))]);
}

#[test]
fn a_jump_past_the_window_starts_anew() {
    let start = start();
    let mut recorder = ArrivalRecorder::new();
    recorder.record(start, SeqNo(1));
    recorder.record(start, SeqNo(20_000));
    assert_eq!(write_all(&mut recorder, start + ms(100)), [(20_000, Some(0))]);
}

/// Random loss, reordering, repeats, jitter and wraps; what the feedbacks say last of each packet must be true.
#[test]
fn the_sender_learns_the_truth_over_any_path() {
    for seed in 0..30 {
        let mut rng = StdRng::seed_from_u64(seed);
        let start = start();
        let mut recorder = ArrivalRecorder::new();
        let first: u16 = rng.random();
        let loss = rng.random_range(0.0..0.6);
        let mut packets = Vec::new();
        for place in 0..3_000u64 {
            if place == 0 || !rng.random_bool(loss) {
                let sent_us = place * rng.random_range(2_000..2_100);
                let delay_us = rng.random_range(0..40_000) + if place == 0 { 0 } else { 40_000 };
                packets.push((sent_us + delay_us, place));
            }
        }
        packets.sort_unstable();
        let mut told = std::collections::BTreeMap::new();
        let mut next = packets.iter();
        let mut now = start;
        let mut arrived = std::collections::BTreeMap::new();
        let origin = packets[0].0;
        for (at_us, place) in next.by_ref() {
            now = start + Duration::from_micros(at_us - origin);
            recorder.record(now, SeqNo(first.wrapping_add(*place as u16)));
            arrived.insert(*place, (at_us - origin) as i64 / 250 * 250);
            if recorder.poll_timeout().is_some_and(|due| due <= now) {
                told.extend(write_all(&mut recorder, now));
            }
        }
        told.extend(write_all(&mut recorder, now + ms(100)));
        for (place, at_us) in arrived {
            let seq_no = first.wrapping_add(place as u16);
            assert_eq!(told.remove(&seq_no), Some(Some(at_us)), "packet {place}, seed {seed}");
        }
        assert!(told.values().all(Option::is_none), "nothing that was lost is called received, seed {seed}");
    }
}

#[test]
fn random_numbers_neither_panic_nor_grow() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut recorder = ArrivalRecorder::new();
    let mut now = start();
    for _ in 0..20_000 {
        now += Duration::from_micros(rng.random_range(0..200_000));
        recorder.record(now, SeqNo(rng.random()));
        write_all(&mut recorder, now);
    }
    assert!(recorder.statuses.capacity() <= 2 * MAX_PACKETS_PER_FEEDBACK);
}
