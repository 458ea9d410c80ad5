// SPDX-License-Identifier: EUPL-1.2
//! Sound of sipp, which plays captures that the tests write: keys as events (RFC 4733), and as tones that the bridge has to hear,
//! before a call was held and after it. sipp writes such packets itself, also their IP headers, which the kernel allows to root
//! alone. So each test has a network namespace to itself, in which it is.

use std::f64::consts::TAU;

use sip_bridge::audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};
use sip_bridge::media::codec::{OpusSettings, PhoneCodec, PhoneEncoder};
use sip_bridge::media::keypad::{COLUMNS_HZ, KEYS, ROWS_HZ};
use sip_bridge::sip::message::Transport;
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running, Setup};
use super::isolation::isolated;
use super::sound::Sound;
use super::{pcap, sipp};

/// So many packets, half a second, come before keys: the first only show that somebody is there.
const SILENT_PACKETS: usize = 25;

/// The peak of each of a key's tones: about -9 dBm0, as telephones send it.
const KEY_AMPLITUDE: f64 = 7_300.0;

/// A telephone that goes on from there.
fn telephone() -> Sound {
    Sound { seq_no: 1_000, timestamp: 1_000 }
}

fn silence(own: &mut Sound) -> Vec<Vec<u8>> {
    (0..SILENT_PACKETS).map(|_| own.silence()).collect()
}

/// 20 ms of a key's two tones, from that sample on.
fn tone(key: char, from: usize) -> Frame {
    let row = KEYS.iter().position(|keys| keys.contains(&key)).unwrap();
    let column = KEYS[row].iter().position(|other| *other == key).unwrap();
    std::array::from_fn(|at| {
        let time = (from + at) as f64 / f64::from(SAMPLE_RATE_HZ);
        let sum: f64 = [ROWS_HZ[row], COLUMNS_HZ[column]].iter().map(|hz| (TAU * hz * time).sin()).sum();
        (KEY_AMPLITUDE * sum) as i16
    })
}

/// Keys as tones of 100 ms, with as long pauses.
fn tones(own: &mut Sound, keys: &str) -> Vec<Vec<u8>> {
    let mut encoder = PhoneEncoder::new(PhoneCodec::Pcma, OpusSettings::default()).unwrap();
    let mut packets = silence(own);
    for key in keys.chars() {
        for at in 0..10 {
            let mut payload = Vec::new();
            let frame = if at < 5 { tone(key, at * FRAME_SAMPLES) } else { SILENCE };
            encoder.encode(&frame, &mut payload).unwrap();
            packets.push(own.packet(&payload));
        }
    }
    packets
}

#[test]
fn keys_of_a_capture_reach_signaling() {
    isolated("sipp_sound::keys_of_a_capture_reach_signaling", async {
        let mut running = Running::with_sound(Setup::default());
        let folder = tempfile::tempdir().unwrap();
        let mut own = telephone();
        let mut packets = silence(&mut own);
        packets.extend([1, 2, 3, 4, 5, 6, 7, 8, 0, 1].into_iter().flat_map(|event| own.key_and_pause(event)));
        pcap::write(&folder.path().join("keys.pcap"), &packets);
        let address = running.address(Transport::Udp);
        sipp::run_in(folder.path(), address, "keys.xml", Transport::Udp, 1, &[]).await;
        let code = timeout(PATIENCE, running.codes.recv()).await.expect("no code came");
        assert_eq!(code.as_deref(), Some("1234567801"));
        running.end().await;
    });
}

#[test]
fn sound_is_heard_before_and_after_a_hold() {
    isolated("sipp_sound::sound_is_heard_before_and_after_a_hold", async {
        let mut running = Running::with_sound(Setup::default());
        let folder = tempfile::tempdir().unwrap();
        let mut own = telephone();
        // One code, in two halves: neither is one by itself.
        pcap::write(&folder.path().join("before.pcap"), &tones(&mut own, "12345"));
        // The telephone's clock goes on while the call is held.
        own.timestamp += 2 * 8_000;
        pcap::write(&folder.path().join("after.pcap"), &tones(&mut own, "67801"));
        let address = running.address(Transport::Udp);
        sipp::run_in(folder.path(), address, "hold.xml", Transport::Udp, 1, &[]).await;
        let code = timeout(PATIENCE, running.codes.recv()).await.expect("no code came");
        assert_eq!(code.as_deref(), Some("1234567801"));
        running.end().await;
    });
}
