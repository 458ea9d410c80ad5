// SPDX-License-Identifier: EUPL-1.2
//! What a call does when nobody means it ill.

use std::collections::BTreeSet;

use rand::Rng as _;

use super::*;

#[test]
fn nothing_flows_before_the_call_is_open() {
    let mut call = Call::unopened(PLAIN, RtpConfig::default());
    assert_eq!(call.receive(PHONE, &sound(1, 1)), Err(Dropped::NotOpen));
    assert!(call.send().is_none());
    assert_eq!(call.session.poll_timeout(), None);
    call.session.open(call.now);
    assert_eq!(call.receive(PHONE, &sound(1, 2)), Err(Dropped::Probation));
    assert_eq!(call.receive(PHONE, &sound(1, 3)), Ok(Some(vec![0, 3])));
    assert!(call.send().is_some());
}

/// RFC 3550 §5.1: nobody should know beforehand how a stream is called and where it begins.
#[test]
fn streams_have_names_and_beginnings_by_chance() {
    let (mut ssrcs, mut seq_nos, mut timestamps) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 0..10 {
        let now = Instant::now();
        let agreed = agreed(PLAIN, None, 1);
        let session = RtpSession::new(RtpConfig::default(), &agreed, &mut StdRng::seed_from_u64(seed), now).unwrap();
        let mut call = Call { now, session };
        call.session.open(now);
        let (_, packet) = call.send().unwrap();
        assert!(packet[2] < 0x80, "seed {seed}: the sequence number may wrap before anybody has heard it");
        seq_nos.insert(packet[2..4].to_vec());
        timestamps.insert(packet[4..8].to_vec());
        ssrcs.insert(packet[8..12].to_vec());
    }
    assert_eq!((ssrcs.len(), seq_nos.len(), timestamps.len()), (10, 10, 10));
}

#[test]
fn every_packet_that_arrives_is_heard_once() {
    for seed in 0..50 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut call = Call::new(PLAIN);
        let first: u16 = rng.random();
        call.receive(PHONE, &sound(7, first)).unwrap_err();
        let mut arrivals: Vec<(u64, u16)> = Vec::new();
        for n in 1..1_000_u16 {
            // The second packet ends the probation.
            if n > 1 && rng.random_ratio(1, 10) {
                continue;
            }
            let delay = if n > 1 { rng.random_range(0..200) } else { 0 };
            for _ in 0..1 + u32::from(n > 1 && rng.random_ratio(1, 20)) {
                arrivals.push((u64::from(n) * 20 + delay, n));
            }
        }
        arrivals.sort_unstable();
        let sent: BTreeSet<u16> = arrivals.iter().map(|(_, n)| *n).collect();
        let mut heard = BTreeSet::new();
        for (_, n) in &arrivals {
            if let Ok(payload) = call.receive(PHONE, &sound(7, first.wrapping_add(*n))) {
                let payload = payload.unwrap();
                let number = u16::from_be_bytes([payload[0], payload[1]]).wrapping_sub(first);
                assert!(heard.insert(number), "seed {seed}: {number} twice");
            }
        }
        assert!(heard == sent, "seed {seed}");
        let statistics = call.session.statistics();
        assert_eq!(statistics.packets_received, sent.len() as u64);
        assert_eq!(statistics.dropped(Dropped::Duplicate), (arrivals.len() - sent.len()) as u64);
        let last = u64::from(*sent.last().unwrap());
        assert_eq!(statistics.packets_lost, last - sent.len() as u64, "seed {seed}");
    }
}

#[test]
fn a_change_of_sender_is_a_new_stream() {
    let mut call = Call::new(PLAIN);
    let stream = |call: &mut Call, ssrc, seq_no| {
        let mut packet = sound(ssrc, seq_no);
        match call.session.handle_datagram(call.now, at(PHONE), &mut packet) {
            Ok(Received::Audio(_, audio)) => Some((audio.stream, audio.index)),
            _ => None,
        }
    };
    let streams: Vec<_> =
        [(1, 10), (1, 11), (2, 500), (2, 501), (2, 502)].map(|(ssrc, seq_no)| stream(&mut call, ssrc, seq_no)).to_vec();
    let index = |seq_no: u64| 0x1_0000 + seq_no;
    assert_eq!(streams, [None, Some((1, index(11))), None, Some((2, index(501))), Some((2, index(502)))]);
}

#[test]
fn what_we_send_is_one_stream_over_silence_and_hold() {
    let mut call = Call::new(PLAIN);
    let mut packets = Vec::new();
    for tick in 0..300 {
        match tick {
            100 => call.reconfigure(&format!("{PLAIN}a=sendonly\n")),
            200 => call.reconfigure(PLAIN),
            _ => {}
        }
        // Silence that nobody counts, and silence that is counted.
        match tick {
            20..40 => {}
            50..60 => call.session.skip_audio(160),
            _ => packets.extend(call.send().map(|(_, packet)| (tick, packet))),
        }
        call.pass(20);
    }
    assert_eq!(packets.len(), 170);
    let header = |packet: &[u8]| packet::Header::parse(packet).unwrap();
    let first = header(&packets[0].1);
    for (n, (tick, packet)) in (0_u16..).zip(&packets) {
        let header = header(packet);
        assert_eq!(header.ssrc, first.ssrc);
        assert_eq!(header.seq_no.0, first.seq_no.0.wrapping_add(n));
        assert_eq!(header.rtp_timestamp.ticks_since(first.rtp_timestamp), tick * 160);
        assert_eq!(header.marker, [0, 40, 60, 200].contains(tick), "tick {tick}");
        assert_eq!(packet.len(), 172);
    }
}

#[test]
fn keys_are_heard_between_sound() {
    let mut call = Call::new(PLAIN);
    let mut seq_no = 0;
    let mut receive = |call: &mut Call, payload_type, rtp_timestamp, payload: &[u8]| {
        let received = call.receive(PHONE, &rtp(1, payload_type, seq_no, rtp_timestamp, payload));
        seq_no += 1;
        call.pass(20);
        received
    };
    receive(&mut call, 8, 0, b"sound").unwrap_err();
    let mut time = 160;
    for event in [1, 2, 11] {
        assert_eq!(receive(&mut call, 8, time, b"sound"), Ok(Some(b"sound".to_vec())));
        time += 160;
        for (end, duration) in [(0, 160_u16), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480)] {
            let [high, low] = duration.to_be_bytes();
            assert_eq!(receive(&mut call, 101, time, &[event, end | 10, high, low]), Ok(None));
        }
        time += 5 * 160;
    }
    assert_eq!(call.digits(), "12#");
}

#[test]
fn a_key_whose_end_is_lost_is_heard_once() {
    let mut call = Call::new(PLAIN);
    call.receive(PHONE, &sound(1, 0)).unwrap_err();
    call.receive(PHONE, &sound(1, 1)).unwrap();
    for n in 0..3_u16 {
        call.receive(PHONE, &rtp(1, 101, 2 + n, 320, &[5, 10, 0, 160])).unwrap();
        call.pass(20);
    }
    assert_eq!(call.digits(), "");
    let due = call.session.poll_timeout().unwrap();
    assert_eq!(due, call.now + Duration::from_millis(80));
    call.pass(80);
    assert_eq!(call.digits(), "5");
    call.receive(PHONE, &rtp(1, 101, 5, 320, &[5, 0x8a, 3, 32])).unwrap();
    call.pass(1_000);
    assert_eq!(call.digits(), "");
}

#[test]
fn keys_that_nobody_fetches_are_bounded() {
    let mut call = Call::new(PLAIN);
    for n in 0..1_000_u16 {
        let _ = call.receive(PHONE, &rtp(1, 101, n, u32::from(n) * 800, &[5, 0x8a, 3, 32]));
        call.pass(100);
    }
    assert_eq!(call.digits().len(), 64);
    assert_eq!(call.session.statistics().digits_dropped, 999 - 64);
}

#[test]
fn silence_is_said_once_and_not_on_hold() {
    let config = RtpConfig { silence_timeout: Duration::from_secs(20), ..RtpConfig::default() };
    let mut call = Call::with(PLAIN, config);
    call.pass(19_999);
    assert_eq!(call.events(), []);
    call.pass(1);
    assert_eq!(call.events(), [Event::Silent { hears_reports: false }]);
    call.pass(60_000);
    assert_eq!(call.events(), []);
    for seq_no in 1..3 {
        let _ = call.receive(PHONE, &sound(1, seq_no));
    }
    call.pass(20_000);
    assert_eq!(call.events().len(), 1, "after something was heard");

    for direction in ["sendonly", "inactive", "recvonly"] {
        call.reconfigure(&format!("{PLAIN}a={direction}\n"));
        call.pass(100_000);
        assert_eq!(call.events(), [], "{direction}");
    }
    call.reconfigure(PLAIN);
    call.pass(19_999);
    assert_eq!(call.events(), []);
    call.pass(1);
    assert_eq!(call.events().len(), 1);
}

#[test]
fn comfort_noise_is_told_from_sound() {
    let mut call = Call::new(PLAIN);
    call.receive(PHONE, &sound(1, 0)).unwrap_err();
    assert_eq!(call.receive(PHONE, &rtp(1, 13, 1, 160, &[70])), Ok(None));
    let mut out = Vec::new();
    assert!(call.session.send_comfort_noise(call.now, &[70], 160, &mut out).is_some());
    assert_eq!(out[1] & 0x7f, 13);
    let mut without = Call::new("m=audio 4000 RTP/AVP 8\n");
    assert!(without.session.send_comfort_noise(without.now, &[70], 160, &mut out).is_none());
}

#[test]
fn what_was_not_agreed_on_is_dropped() {
    let mut call = Call::new(PLAIN);
    assert_eq!(call.receive(PHONE, &rtp(1, 0, 1, 0, b"x")), Err(Dropped::UnknownPayloadType));
    assert_eq!(call.receive(PHONE, b"hello"), Err(Dropped::Malformed));
    assert_eq!(call.receive(PHONE, &[0x80; 3_000]), Err(Dropped::Malformed));
    assert!(!call.is_latched());
    call.reconfigure(&format!("{PLAIN}a=recvonly\n"));
    call.receive(PHONE, &sound(1, 0)).unwrap_err();
    assert_eq!(call.receive(PHONE, &sound(1, 1)), Err(Dropped::NotReceiving));
    assert!(call.is_latched());
}

#[test]
fn a_codec_with_another_clock_goes_on_with_the_same_numbers() {
    let mut call = Call::new(PLAIN);
    let (_, before) = call.send().unwrap();
    call.pass(20);
    call.reconfigure("m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n");
    let mut out = Vec::new();
    for tick in 0..10_u32 {
        call.session.send_audio(call.now, b"opus", 960, false, &mut out).unwrap();
        let (before, after) = (packet::Header::parse(&before).unwrap(), packet::Header::parse(&out).unwrap());
        assert_eq!(after.seq_no.packets_since(before.seq_no), i16::try_from(tick).unwrap() + 1);
        assert_eq!(after.rtp_timestamp, before.rtp_timestamp.plus_ticks(160 + tick * 960));
        assert_eq!((after.payload_type, after.ssrc, after.marker), (96, before.ssrc, tick == 0));
        call.pass(20);
    }
}
