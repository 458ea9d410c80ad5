// SPDX-License-Identifier: EUPL-1.2
//! Damaged messages by the thousand, from a trunk's address, while a call goes on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sip_bridge::sip::message::Transport;
use tokio::net::UdpSocket;

use super::bridge::{Running, TRUNK};
use super::isolation::{isolated, memory_kib};
use super::phone::{OFFER, Phone, invite, request};

/// Damaged messages between two looks at whether the bridge lives.
const ROUND: usize = 50;

/// What memory may grow by.
const MOST_KIB: u64 = 50 * 1_024;

/// Bytes that mean something in SIP.
const PIECES: [&str; 16] = [
    "\r\n",
    "\r\n\r\n",
    ":",
    ";",
    ",",
    "<",
    ">",
    "\"",
    "\\",
    "@",
    "%00",
    "Via:",
    "z9hG4bK",
    "Content-Length: 99999999999999999999",
    "CSeq: 4294967296 INVITE",
    "\0",
];

fn seconds() -> u64 {
    std::env::var("SAAL_FUZZ_SECONDS").map_or(5, |seconds| seconds.parse().expect("a number of seconds"))
}

fn originals() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rfc4475");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let tortures = files.filter(|path| path.extension().is_some_and(|extension| extension == "dat"));
    let mut all: Vec<Vec<u8>> = tortures.map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(all.len(), 49);
    let methods = ["ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "INFO", "PRACK", "NOTIFY", "REFER"];
    all.extend(methods.map(|method| request(method, "UDP", "fuzz", 2, Some("x"), "").into_bytes()));
    all.extend([
        invite("UDP", "fuzz").into_bytes(),
        request("UPDATE", "UDP", "kept", 3, Some("x"), OFFER).into_bytes(),
    ]);
    all
}

/// Damages a message in some places.
fn damaged(rng: &mut StdRng, originals: &[Vec<u8>]) -> Vec<u8> {
    let mut message = originals[rng.random_range(0..originals.len())].clone();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=message.len());
        match rng.random_range(0..6) {
            0 => message.truncate(at),
            1 if at < message.len() => message[at] = rng.random(),
            2 => drop(message.drain(at..message.len().min(at + rng.random_range(1..40)))),
            3 => drop(message.splice(at..at, PIECES[rng.random_range(0..PIECES.len())].bytes())),
            4 => {
                let piece = message[at..message.len().min(at + rng.random_range(1..200))].to_vec();
                drop(message.splice(at..at, piece));
            }
            _ => {
                let other = &originals[rng.random_range(0..originals.len())];
                message.extend(&other[rng.random_range(0..other.len())..]);
            }
        }
    }
    message.truncate(60_000);
    message
}

#[test]
fn damaged_messages_harm_neither_the_bridge_nor_a_call() {
    isolated("random::damaged_messages_harm_neither_the_bridge_nor_a_call", async {
        let seed = rand::random();
        println!("seed {seed}");
        let (mut rng, originals) = (StdRng::seed_from_u64(seed), originals());
        let running = Running::start(None);
        let address = running.address(Transport::Udp);
        let phone = Phone::at(TRUNK, address).await;
        phone.send(&invite("UDP", "kept")).await;
        let tag = phone.expect(200).await.headers.to.tag().unwrap().to_owned();
        phone.send(&request("ACK", "UDP", "kept", 1, Some(&tag), "")).await;
        let strange = UdpSocket::bind((TRUNK, 0)).await.unwrap();
        let (mut before, end) = (None, Instant::now() + Duration::from_secs(seconds()));
        let mut round = 0;
        while Instant::now() < end {
            for _ in 0..ROUND {
                // The kernel refuses what is empty, or too long for it.
                let _ = strange.send_to(&damaged(&mut rng, &originals), address).await;
            }
            round += 1;
            phone.send(&request("OPTIONS", "UDP", &format!("alive{round}"), 1, None, "")).await;
            // Whoever sends as much as that takes most of the places there are for transactions. Then the bridge says so, as long as it
            // is not about a call that is there.
            let alive = phone.receive().await;
            let is_full = alive.status == 503 && alive.headers.get("Retry-After").is_some();
            assert!(alive.status == 200 || is_full, "{} {}", alive.status, alive.reason);
            // The first rounds fill what is bounded.
            if round == 10 {
                before = Some(memory_kib());
            }
        }
        let before = before.expect("too slow to mean anything");
        let grown = memory_kib().saturating_sub(before);
        println!("{} damaged messages, memory has grown by {grown} KiB", round * ROUND);
        assert!(grown < MOST_KIB, "seed {seed}: memory has grown by {grown} KiB");
        assert!(running.counted("sip_malformed_messages_total", None) > 0.0);
        phone.send(&request("BYE", "UDP", "kept", 2, Some(&tag), "")).await;
        phone.expect(200).await;
        running.bridge.shutdown(Duration::ZERO).await;
    });
}
