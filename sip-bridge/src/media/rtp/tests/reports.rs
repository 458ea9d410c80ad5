// SPDX-License-Identifier: EUPL-1.2
//! RTCP in both directions.

use super::*;

/// Runs two sessions against each other for so many ms; datagrams take `way_ms`, and one in `lossy` from one to the other
/// is lost. Gives when the first one reported, and to where.
fn converse(one: &mut Call, other: &mut Call, ms: u64, way_ms: u64, lossy: u64) -> Vec<(u64, Transmit)> {
    let mut reports = Vec::new();
    let mut under_way: Vec<(u64, bool, bool, Vec<u8>)> = Vec::new();
    let mut out = Vec::new();
    for time in 0..ms {
        if time % 20 == 0 {
            for (is_first, call) in [(true, &mut *one), (false, &mut *other)] {
                let packet = call.send().filter(|_| !is_first || (time / 20) % lossy != 3);
                under_way.extend(packet.map(|(_, packet)| (time + way_ms, is_first, false, packet)));
                while let Some(transmit) = call.session.poll_output(call.now, &mut out) {
                    under_way.push((time + way_ms, is_first, transmit.component == Component::Rtcp, out.clone()));
                    if is_first {
                        reports.push((time, transmit));
                    }
                }
            }
        }
        under_way.retain(|(arrives, is_from_first, is_own_port, datagram)| {
            if *arrives == time {
                let source = if *is_own_port { "192.0.2.1:4001" } else { PHONE };
                let _ = if *is_from_first { &mut *other } else { &mut *one }.receive(source, datagram);
            }
            *arrives > time
        });
        one.pass(1);
        other.pass(1);
    }
    reports
}

#[test]
fn reports_measure_loss_and_the_way() {
    for (lines, component) in [(PLAIN.to_owned(), Component::Rtcp), (format!("{PLAIN}a=rtcp-mux\n"), Component::Rtp)] {
        let (mut one, mut other) = (Call::new(&lines), Call::new(&lines));
        let reports = converse(&mut one, &mut other, 60_000, 35, 20);
        assert!((8..=20).contains(&reports.len()), "{}", reports.len());
        let gaps: Vec<u64> = reports.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        assert!(gaps.iter().all(|gap| (2_480..=7_540).contains(gap)), "{gaps:?}");
        assert!(gaps.iter().any(|gap| *gap != gaps[0]), "not in step");
        let port = if component == Component::Rtcp { 4_001 } else { 4_000 };
        assert!(reports.iter().all(|(_, transmit)| transmit.component == component));
        assert!(reports.iter().all(|(_, transmit)| transmit.destination.port() == port));

        let (ours, theirs) = (one.session.statistics(), other.session.statistics());
        let trip = ours.round_trip.unwrap().as_millis();
        assert!((68..=72).contains(&trip), "{trip} ms");
        let lost = ours.remote_fraction_lost.unwrap();
        assert!((0.03..0.07).contains(&lost), "{lost}");
        assert_eq!(theirs.remote_fraction_lost, Some(0.0));
        assert!((145..=150).contains(&theirs.packets_lost), "{}", theirs.packets_lost);
        assert!(theirs.jitter < Duration::from_millis(1), "{:?}", theirs.jitter);
        assert_eq!(ours.packets_sent, 3_000);
    }
}

#[test]
fn a_goodbye_is_noted_once() {
    let (mut one, mut other) = (Call::new(PLAIN), Call::new(PLAIN));
    converse(&mut one, &mut other, 1_000, 5, 1_000);
    let mut out = Vec::new();
    let transmit = one.session.close(one.now, &mut out).unwrap();
    assert_eq!(transmit.component, Component::Rtcp);
    for _ in 0..3 {
        assert_eq!(other.receive("192.0.2.1:4001", &out), Ok(None));
    }
    assert_eq!(other.events(), [Event::Goodbye]);
    assert!(one.send().is_none(), "nothing flows after it");
    assert!(one.session.close(one.now, &mut out).is_none());
}

#[test]
fn reports_of_strangers_are_dropped() {
    let (mut one, mut other) = (Call::new(PLAIN), Call::new(PLAIN));
    let mut out = Vec::new();
    converse(&mut one, &mut other, 1_000, 5, 1_000);
    one.session.close(one.now, &mut out).unwrap();
    assert_eq!(other.receive("203.0.113.9:4001", &out), Err(Dropped::OtherSource));
    assert_eq!(Call::new(PLAIN).receive("192.0.2.1:4001", &out), Err(Dropped::Candidate));
    assert_eq!(other.events(), []);
}

#[test]
fn who_only_reports_is_silent_but_there() {
    let config = RtpConfig { silence_timeout: Duration::from_secs(20), ..RtpConfig::default() };
    let (mut one, mut other) = (Call::with(PLAIN, config), Call::new(PLAIN));
    converse(&mut one, &mut other, 1_000, 5, 1_000);
    let mut out = Vec::new();
    for _ in 0..200 {
        one.pass(100);
        other.pass(100);
        while other.session.poll_output(other.now, &mut out).is_some() {
            one.receive("192.0.2.1:4001", &out).unwrap();
        }
    }
    assert_eq!(one.events(), [Event::Silent { hears_reports: true }]);
}

#[test]
fn a_hold_without_an_address_gets_no_reports() {
    let mut call = Call::new(PLAIN);
    call.reconfigure(&format!("{PLAIN}c=IN IP4 0.0.0.0\n"));
    call.pass(10_000);
    assert!(call.session.poll_output(call.now, &mut Vec::new()).is_none());
    call.reconfigure(PLAIN);
    call.pass(10_000);
    assert!(call.session.poll_output(call.now, &mut Vec::new()).is_some());
}

#[test]
fn reports_of_an_encrypted_call_are_encrypted() {
    let key = "A".repeat(40);
    let lines = format!("m=audio 4000 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\n");
    let mut call = Call::new(&lines);
    let mut out = Vec::new();
    call.pass(10_000);
    call.session.poll_output(call.now, &mut out).unwrap();
    // Receiver report and description in the clear would have 8 + 28 bytes.
    assert_eq!(out.len(), 8 + 28 + 4 + 10);
    assert_eq!(rtcp::Heard::parse(&out, 1), None);
}
