// SPDX-License-Identifier: EUPL-1.2
//! Strangers who found the port, and encrypted calls.

use rand::Rng as _;

use super::*;
use crate::sdp::{SrtpKeys, SrtpSuite};

#[test]
fn a_third_address_never_gets_into_a_call() {
    let mut call = Call::new(PLAIN);
    for seq_no in 0..3 {
        let _ = call.receive("198.51.100.1:7", &sound(1, seq_no));
    }
    assert!(call.is_latched(), "a telephone behind address translation");
    for seq_no in 3..500 {
        // With the right SSRC, the next number, and from everywhere.
        let source = format!("203.0.113.{}:4000", seq_no % 250);
        assert_eq!(call.receive(&source, &sound(1, seq_no + 1)), Err(Dropped::OtherSource));
        assert_eq!(call.receive(PHONE, &sound(1, seq_no + 1)), Err(Dropped::OtherSource), "nor the described one");
        assert_eq!(call.receive("198.51.100.1:7", &sound(1, seq_no)), Ok(Some(seq_no.to_be_bytes().to_vec())));
        let (destination, _) = call.send().unwrap();
        assert_eq!(destination, at("198.51.100.1:7"));
        call.pass(20);
    }
    assert_eq!(call.dropped(Dropped::OtherSource), 2 * 497);
    assert_eq!(call.session.statistics().packets_lost, 0);
}

#[test]
fn a_stranger_is_too_late_after_the_telephone() {
    let mut call = Call::new(PLAIN);
    assert_eq!(call.receive(STRANGER, &sound(9, 1)), Err(Dropped::Candidate));
    assert_eq!(call.receive(STRANGER, &sound(9, 2)), Err(Dropped::Candidate));
    assert_eq!(call.receive(PHONE, &sound(1, 1)), Err(Dropped::Probation));
    assert_eq!(call.receive(STRANGER, &sound(9, 3)), Err(Dropped::OtherSource));
    assert_eq!(call.receive(PHONE, &sound(1, 2)), Ok(Some(vec![0, 2])));
}

#[test]
fn a_call_that_moves_is_found_at_its_new_address() {
    let mut call = Call::new(PLAIN);
    for seq_no in 0..3 {
        let _ = call.receive(PHONE, &sound(1, seq_no));
    }
    call.reconfigure(&PLAIN.replace("4000", "4400"));
    assert_eq!(call.send().unwrap().0, at("192.0.2.1:4400"));
    assert_eq!(call.receive(PHONE, &sound(1, 3)), Err(Dropped::OtherSource));
    assert_eq!(call.receive("192.0.2.1:4400", &sound(1, 4)), Ok(Some(vec![0, 4])));
    assert_eq!(call.receive(STRANGER, &sound(1, 5)), Err(Dropped::OtherSource));
}

#[test]
fn damaged_packets_do_no_harm() {
    for lines in [PLAIN.to_owned(), encrypted(SrtpSuite::AesCm128HmacSha1_80, "AAAA")] {
        let mut call = Call::new(&lines);
        let mut rng = StdRng::seed_from_u64(5);
        let sources = [PHONE, STRANGER, "192.0.2.1:4001"];
        for n in 0..50_000_u16 {
            let mut packet = match rng.random_range(0..3) {
                0 => sound(1, n),
                1 => rtp(1, 101, n, u32::from(n) * 80, &[rng.random(), rng.random(), rng.random(), rng.random()]),
                _ => vec![0x81, 200 + rng.random_range(0..6), 0, rng.random_range(0..14), 0, 0, 0, 1, 1, 2, 3, 4],
            };
            for _ in 0..rng.random_range(0..3) {
                let place = rng.random_range(0..packet.len());
                packet[place] = rng.random();
            }
            packet.truncate(rng.random_range(0..=packet.len() + 20));
            let _ = call.receive(sources[rng.random_range(0..3)], &packet);
            call.pass(7);
            while call.session.poll_output(call.now, &mut Vec::new()).is_some() {}
        }
        assert!(call.session.statistics().packets_received <= 50_000);
    }
}

/// A description with a key; the same text gives the same key.
fn encrypted(suite: SrtpSuite, beginning: &str) -> String {
    let bytes = suite.key_bytes() + suite.salt_bytes();
    let chars = (bytes * 4).div_ceil(3);
    let key = format!("{beginning}{}", "A".repeat(chars - beginning.len()));
    format!(
        "m=audio 4000 RTP/SAVP 8 101\na=rtpmap:101 telephone-event/8000\na=crypto:1 {} inline:{key}\n",
        suite.as_str()
    )
}

/// The telephone of an encrypted call: the same session with the keys the other way round.
fn phone(call: &Call, seed: u64) -> Call {
    let mut agreed = call.session.agreed().clone();
    agreed.srtp = agreed.srtp.map(|keys| SrtpKeys { send: keys.receive, receive: keys.send });
    let mut session =
        RtpSession::new(RtpConfig::default(), &agreed, &mut StdRng::seed_from_u64(seed), call.now).unwrap();
    session.open(call.now);
    Call { now: call.now, session }
}

#[test]
fn encrypted_sound_goes_both_ways() {
    for suite in SrtpSuite::ALL {
        let mut call = Call::new(&encrypted(suite, "BBBB"));
        let mut phone = phone(&call, 9);
        let mut heard = (0, 0);
        for _ in 0..200 {
            let (_, packet) = call.send().unwrap();
            assert!(!packet.windows(16).any(|window| window == [0xd5; 16]), "in the clear");
            heard.0 += u32::from(phone.receive(PHONE, &packet) == Ok(Some(vec![0xd5; 160])));
            let (_, packet) = phone.send().unwrap();
            heard.1 += u32::from(call.receive(PHONE, &packet) == Ok(Some(vec![0xd5; 160])));
            call.pass(20);
            phone.pass(20);
        }
        assert_eq!(heard, (199, 199), "{suite:?}");
    }
}

#[test]
fn who_misses_the_first_packets_can_decrypt_those_that_follow() {
    let agreed = agreed(&encrypted(SrtpSuite::AeadAes128Gcm, "BBBB"), None, 1);
    for seed in 0..50 {
        let now = Instant::now();
        let session = RtpSession::new(RtpConfig::default(), &agreed, &mut StdRng::seed_from_u64(seed), now).unwrap();
        let mut call = Call { now, session };
        call.session.open(now);
        let (_, packet) = call.send().unwrap();
        let first = packet::Header::parse(&packet).unwrap().seq_no;
        assert!(first.0 < 1 << 15, "seed {seed}: {first:?}");
    }
}

#[test]
fn repeated_changed_and_plain_packets_are_refused() {
    let mut call = Call::new(&encrypted(SrtpSuite::AeadAes128Gcm, "BBBB"));
    let mut phone = phone(&call, 9);
    let packets: Vec<_> = (0..10)
        .map(|_| {
            phone.pass(20);
            phone.send().unwrap().1
        })
        .collect();
    let mut changed = packets[0].clone();
    changed[20] ^= 1;
    assert_eq!(call.receive(PHONE, &changed), Err(Dropped::Unauthentic));
    assert_eq!(call.receive(PHONE, &sound(1, 1)), Err(Dropped::Unauthentic));
    assert!(!call.is_latched(), "nobody without the key is the telephone");
    assert_eq!(call.receive(PHONE, &packets[0]), Err(Dropped::Probation));
    // Who is somebody else anyway costs no decryption.
    assert_eq!(call.receive(STRANGER, &packets[1]), Err(Dropped::OtherSource));
    assert_eq!(call.receive(STRANGER, &changed), Err(Dropped::OtherSource));
    for packet in &packets[1..] {
        assert!(call.receive(PHONE, packet).is_ok());
        assert_eq!(call.receive(PHONE, packet), Err(Dropped::Replayed));
    }
    assert_eq!(call.dropped(Dropped::Replayed), 9);
}

#[test]
fn keys_change_with_a_new_description_and_only_then() {
    let lines = encrypted(SrtpSuite::AesCm128HmacSha1_80, "BBBB");
    let mut call = Call::new(&lines);
    let mut old = phone(&call, 9);
    let exchange = |call: &mut Call, phone: &mut Call| {
        call.pass(20);
        phone.pass(20);
        let packet = phone.send().unwrap().1;
        let inward = call.receive(PHONE, &packet);
        let packet = call.send().unwrap().1;
        (inward.err(), phone.receive(PHONE, &packet).err())
    };
    for _ in 0..5 {
        exchange(&mut call, &mut old);
    }
    call.reconfigure(&lines);
    assert_eq!(exchange(&mut call, &mut old), (None, None), "the same keys go on");
    call.reconfigure(&encrypted(SrtpSuite::AesCm128HmacSha1_80, "CCCC"));
    let unauthentic = Some(Dropped::Unauthentic);
    assert_eq!(exchange(&mut call, &mut old), (unauthentic, unauthentic));
    let mut new = phone(&call, 10);
    exchange(&mut call, &mut new);
    assert_eq!(exchange(&mut call, &mut new), (None, None));
}

#[test]
fn a_call_that_becomes_encrypted_takes_nothing_plain_any_more() {
    let mut call = Call::new(PLAIN);
    for seq_no in 0..3 {
        let _ = call.receive(PHONE, &sound(1, seq_no));
    }
    call.reconfigure(&encrypted(SrtpSuite::AeadAes256Gcm, "BBBB"));
    assert_eq!(call.receive(PHONE, &sound(1, 3)), Err(Dropped::Unauthentic));
    let mut phone = phone(&call, 9);
    let packets = [phone.send().unwrap().1, phone.send().unwrap().1];
    assert_eq!(packets.map(|packet| call.receive(PHONE, &packet).is_ok()), [false, true]);
}
