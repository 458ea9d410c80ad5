// SPDX-License-Identifier: EUPL-1.2
//! Sender reports and what comes back.

use super::*;
use crate::rtcp::reports::{SenderReport, middle_of_ntp};
use crate::rtcp::{RtcpPacket, RtcpPackets};

fn report(rig: &mut Rig) -> Option<SenderReport> {
    let mut out = Vec::new();
    let is_written = rig.subscription.write_sender_report(rig.now, rig.feed.activity(), &mut out);
    assert_eq!(is_written, !out.is_empty());
    let report = RtcpPackets::new(&out).next().map(|packet| match packet {
        RtcpPacket::SenderReport(report, _) => report,
        other => panic!("{other:?}"),
    });
    assert!(report.is_none_or(|report| report.ssrc == SSRC));
    report
}

/// A receiver puts a picture on the publisher's wall clock by the last report.
fn capture_ntp(report: &SenderReport, timestamp: RtpTime, received: Instant) -> u64 {
    SenderClock { ntp: report.ntp, rtp_timestamp: report.rtp_timestamp, received }.ntp_at(timestamp, 90_000)
}

#[test]
fn the_receiver_learns_the_publishers_clock_also_over_layer_switches() {
    let (mut rig, mut camera) = Rig::video();
    rig.configure(false, 0);
    let capture = rig.now;
    let mut reports = 0;
    for round in 0..300u64 {
        if round % 30 == 15 {
            for layer in 0..3 {
                // Reports take a while to arrive, each another while.
                let mut clock = camera.clock(rig.now, layer);
                clock.received = rig.now + ms(u64::from(layer) * 7);
                rig.feed.handle_sender_clock(Layer(layer), clock);
            }
        }
        rig.configure(false, (round / 70 % 3) as u8);
        let wanted = rig.subscription.wanted_keyframe();
        for layer in 0..3 {
            for sent in camera.picture(rig.now, layer, wanted == Some(Layer(layer))) {
                let _ = rig.deliver(&sent);
            }
        }
        if let Some(report) = report(&mut rig) {
            reports += 1;
            let shown = rig.got.last().unwrap().timestamp;
            let ntp = capture_ntp(&report, shown, rig.now);
            let truth = (3_900_000_000 << 32) + crate::rtcp::reports::ntp_duration(rig.now - capture);
            let error_us = (ntp.abs_diff(truth) * 1_000_000) >> 32;
            assert!(error_us < 50, "round {round}: {error_us} µs off");
        }
        rig.now += ms(33);
    }
    assert!((9..=10).contains(&reports), "{reports} in ten seconds");
    rig.assert_is_one_stream();
}

#[test]
fn nothing_is_reported_before_the_publishers_clock_is_known() {
    let (mut rig, mut camera) = Rig::video();
    assert_eq!(rig.subscription.poll_timeout(), None);
    for round in 0..20 {
        let picture = camera.picture(rig.now, 0, round == 0);
        rig.deliver_all(&picture);
        assert_eq!(report(&mut rig), None);
        assert!(rig.subscription.poll_timeout().is_none_or(|due| due > rig.now), "no busy waiting");
        rig.now += ms(33);
    }
    rig.feed.handle_sender_clock(Layer(0), camera.clock(rig.now, 0));
    rig.now += ms(250);
    let picture = camera.picture(rig.now, 0, false);
    rig.deliver_all(&picture);
    let report = report(&mut rig).unwrap();
    let octets: usize = rig.got.iter().map(|got| RtpView::parse(&got.bytes).unwrap().payload.len()).sum();
    assert_eq!((report.packets as usize, report.octets as usize), (rig.got.len(), octets));
}

#[test]
fn a_paused_or_silent_stream_reports_nothing() {
    let (mut rig, mut camera) = Rig::video();
    rig.feed.handle_sender_clock(Layer(0), camera.clock(rig.now, 0));
    let picture = camera.picture(rig.now, 0, true);
    rig.deliver_all(&picture);
    assert!(report(&mut rig).is_some());
    assert_eq!(rig.subscription.poll_timeout(), None, "nothing was sent since");
    let picture = camera.picture(rig.now, 0, false);
    rig.deliver_all(&picture);
    rig.configure(true, 0);
    rig.now += ms(5_000);
    assert_eq!(report(&mut rig), None);
    assert_eq!(rig.subscription.poll_timeout(), None);
}

#[test]
fn the_round_trip_is_measured_by_what_comes_back() {
    let (mut rig, mut camera) = Rig::video();
    rig.feed.handle_sender_clock(Layer(0), camera.clock(rig.now, 0));
    let mut ntps = Vec::new();
    for round in 0..3 {
        let picture = camera.picture(rig.now, 0, round == 0);
        rig.deliver_all(&picture);
        ntps.push(report(&mut rig).unwrap().ntp);
        rig.now += ms(1_000);
    }
    let block = |ntp: u64, ssrc| ReportBlock {
        ssrc,
        fraction_lost: 26,
        cumulative_lost: 0,
        highest_seq: 0,
        jitter_rtp_ticks: 0,
        last_sender_report: middle_of_ntp(ntp),
        delay_since_last_sender_report: 65_536 * 9 / 10,
    };
    rig.subscription.handle_report_block(rig.now, &block(ntps[2], SSRC + 1));
    assert_eq!((rig.subscription.round_trip(), rig.subscription.fraction_lost()), (None, 0), "another stream");
    rig.subscription.handle_report_block(rig.now, &block(ntps[2], SSRC));
    let round_trip = rig.subscription.round_trip().unwrap();
    assert!(round_trip.abs_diff(ms(100)) < ms(1), "{round_trip:?}");
    assert_eq!(rig.subscription.fraction_lost(), 26);

    rig.subscription.handle_report_block(rig.now, &block(ntps[1], SSRC));
    assert!(rig.subscription.round_trip().unwrap().abs_diff(ms(1_100)) < ms(1), "an earlier report");
    rig.subscription.handle_report_block(rig.now, &block(0x1234_5678_9abc_def0, SSRC));
    assert!(rig.subscription.round_trip().unwrap().abs_diff(ms(1_100)) < ms(1), "a report that never was");
    assert!(rig.nack(rig.got[0].seq_no).is_some());
    rig.now += ms(1_000);
    assert!(rig.nack(rig.got[0].seq_no).is_none(), "the first answer is still under way");
}
