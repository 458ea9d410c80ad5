// SPDX-License-Identifier: EUPL-1.2
//! Checked against `rtc-rtcp` in both directions.

use rand::{Rng, SeedableRng, rngs::StdRng};
use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::packet::Packet;
use rtc_rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::source_description::{SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem};
use rtc_rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};

use super::*;
use crate::rtcp::keyframe_request::write_picture_loss;
use crate::rtcp::nack::write_nack;
use crate::rtcp::reports::{ReportBlock, write_receiver_report};
use crate::rtp::seq_no::SeqNo;

fn theirs(packets: &[Box<dyn Packet>]) -> Vec<u8> {
    rtc_rtcp::packet::marshal(packets).unwrap().to_vec()
}

fn ours(datagram: &[u8]) -> Vec<RtcpPacket<'_>> {
    RtcpPackets::new(datagram).collect()
}

fn their_block(ssrc: u32) -> ReceptionReport {
    ReceptionReport {
        ssrc,
        fraction_lost: 13,
        total_lost: 77,
        last_sequence_number: 0x0001_fff0,
        jitter: 900,
        last_sender_report: 0xdead_beef,
        delay: 65_536 / 4,
    }
}

fn compound() -> Vec<u8> {
    theirs(&[
        Box::new(rtc_rtcp::sender_report::SenderReport {
            ssrc: 10,
            ntp_time: 0x0102_0304_0506_0708,
            rtp_time: 90_000,
            packet_count: 5,
            octet_count: 6_000,
            reports: vec![their_block(20), their_block(21)],
            ..Default::default()
        }),
        Box::new(SourceDescription {
            chunks: vec![SourceDescriptionChunk {
                source: 10,
                items: vec![SourceDescriptionItem { sdes_type: SdesType::SdesCname, text: "x".into() }],
            }],
        }),
        Box::new(ReceiverReport { ssrc: 11, reports: vec![their_block(22)], ..Default::default() }),
        Box::new(TransportLayerNack {
            sender_ssrc: 11,
            media_ssrc: 22,
            nacks: nack_pairs_from_sequence_numbers(&[65_530, 65_535, 2, 300]),
        }),
        Box::new(PictureLossIndication { sender_ssrc: 11, media_ssrc: 23 }),
        Box::new(FullIntraRequest {
            sender_ssrc: 11,
            media_ssrc: 0,
            fir: vec![FirEntry { ssrc: 24, sequence_number: 1 }, FirEntry { ssrc: 25, sequence_number: 9 }],
        }),
        Box::new(ReceiverEstimatedMaximumBitrate { sender_ssrc: 11, bitrate: 1_250_000.0, ssrcs: vec![22, 23] }),
        Box::new(Goodbye { sources: vec![10, 11], ..Default::default() }),
    ])
}

#[test]
fn reads_what_another_implementation_writes() {
    let datagram = compound();
    let packets = ours(&datagram);
    let [sender_report, receiver_report, nack, picture_loss, full_intra, remb, bye] = &packets[..] else {
        panic!("{packets:?}")
    };
    let RtcpPacket::SenderReport(report, blocks) = sender_report else { panic!("{sender_report:?}") };
    assert_eq!((report.ssrc, report.ntp, report.rtp_timestamp), (10, 0x0102_0304_0506_0708, 90_000));
    assert_eq!((report.packets, report.octets), (5, 6_000));
    let block = ReportBlock {
        ssrc: 20,
        fraction_lost: 13,
        cumulative_lost: 77,
        highest_seq: 0x0001_fff0,
        jitter_rtp_ticks: 900,
        last_sender_report: 0xdead_beef,
        delay_since_last_sender_report: 65_536 / 4,
    };
    assert_eq!(blocks.iter().collect::<Vec<_>>(), [block, ReportBlock { ssrc: 21, ..block }]);
    assert_eq!(block.delay(), std::time::Duration::from_millis(250));
    let RtcpPacket::ReceiverReport(blocks) = receiver_report else { panic!("{receiver_report:?}") };
    assert_eq!(blocks.iter().collect::<Vec<_>>(), [ReportBlock { ssrc: 22, ..block }]);
    let RtcpPacket::Nack(nack) = nack else { panic!("{nack:?}") };
    assert_eq!((nack.media_ssrc, nack.len()), (22, 4));
    assert_eq!(nack.seq_nos().map(|seq_no| seq_no.0).collect::<Vec<_>>(), [65_530, 65_535, 2, 300]);
    assert_eq!(*picture_loss, RtcpPacket::PictureLoss { media_ssrc: 23 });
    let RtcpPacket::FullIntraRequest(targets) = full_intra else { panic!("{full_intra:?}") };
    assert_eq!(targets.ssrcs().collect::<Vec<_>>(), [24, 25]);
    let RtcpPacket::Remb(remb) = remb else { panic!("{remb:?}") };
    assert_eq!((remb.bitrate_bps, remb.ssrcs.iter().collect::<Vec<_>>()), (1_250_000, vec![22, 23]));
    let RtcpPacket::Bye(ssrcs) = bye else { panic!("{bye:?}") };
    assert_eq!(ssrcs.iter().collect::<Vec<_>>(), [10, 11]);
}

#[test]
fn another_implementation_reads_what_is_written() {
    let blocks = [-5, 0, 70_000, i32::MAX, i32::MIN].map(|cumulative_lost| ReportBlock {
        ssrc: 20,
        fraction_lost: 255,
        cumulative_lost,
        highest_seq: 0x0001_fff0,
        jitter_rtp_ticks: 900,
        last_sender_report: 0xdead_beef,
        delay_since_last_sender_report: 17,
    });
    let sender_report = SenderReport { ssrc: 3, ntp: u64::MAX - 5, rtp_timestamp: 9, packets: 8, octets: 7 };
    let seqs = [65_520, 65_530, 65_535, 0, 1, 7, 9, 100, 116, 117];
    let mut out = Vec::new();
    write_receiver_report(1, &blocks, &mut out);
    write_nack(1, 20, seqs.into_iter().map(SeqNo), &mut out);
    write_nack(1, 20, std::iter::empty(), &mut out);
    write_picture_loss(1, 20, &mut out);
    sender_report.write(&mut out);

    let read = rtc_rtcp::packet::unmarshal(&mut &out[..]).unwrap();
    assert_eq!(read.len(), 4, "an empty NACK is not written");
    let receiver_report = read[0].as_any().downcast_ref::<ReceiverReport>().unwrap();
    assert_eq!(receiver_report.ssrc, 1);
    let lost: Vec<_> = receiver_report.reports.iter().map(|report| report.total_lost).collect();
    assert_eq!(lost, [0xff_fffb, 0, 70_000, 0x7f_ffff, 0x80_0000], "24 bits with a sign");
    assert_eq!(receiver_report.reports[0].fraction_lost, 255);
    assert_eq!(receiver_report.reports[0].jitter, 900);
    assert_eq!(receiver_report.reports[0].delay, 17);
    let nack = read[1].as_any().downcast_ref::<TransportLayerNack>().unwrap();
    let nacked: Vec<_> = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
    assert_eq!(nacked, seqs);
    assert_eq!(nack.nacks.len(), 4, "neighbours share a bitmask, also over the wrap");
    let picture_loss = read[2].as_any().downcast_ref::<PictureLossIndication>().unwrap();
    assert_eq!(*picture_loss, PictureLossIndication { sender_ssrc: 1, media_ssrc: 20 });
    let theirs = read[3].as_any().downcast_ref::<rtc_rtcp::sender_report::SenderReport>().unwrap();
    assert_eq!((theirs.ssrc, theirs.ntp_time, theirs.rtp_time), (3, u64::MAX - 5, 9));
    assert_eq!((theirs.packet_count, theirs.octet_count), (8, 7));

    assert!(matches!(ours(&out)[0], RtcpPacket::ReceiverReport(read) if read.iter().next() == Some(blocks[0])));
}

#[test]
fn a_sender_clock_converts_both_ways_over_the_wraps() {
    let received = crate::test_support::start();
    let clock = SenderClock { ntp: u64::MAX - 5, rtp_timestamp: u32::MAX - 10, received };
    assert_eq!(clock.ntp_at(RtpTime(u32::MAX - 10).plus_ticks(90_000), 90_000), (1u64 << 32) - 6);
    assert_eq!(clock.rtp_at((1u64 << 32) - 6, 90_000), RtpTime(u32::MAX - 10).plus_ticks(90_000));
    assert_eq!(clock.ntp_at(RtpTime(u32::MAX - 10).minus_ticks(45_000), 90_000), u64::MAX - 5 - (1 << 31));
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..10_000 {
        let clock = SenderClock { ntp: rng.random(), rtp_timestamp: rng.random(), received };
        let time = RtpTime(rng.random());
        let back = clock.rtp_at(clock.ntp_at(time, 48_000), 48_000);
        assert!(back.ticks_since(time).abs() <= 1, "{clock:?} {time:?} {back:?}");
    }
}

#[test]
fn a_bomb_of_nacks_names_a_bounded_number_of_packets() {
    let bomb: Vec<_> = (0..4_250).collect();
    let nack = || -> Box<dyn Packet> {
        Box::new(TransportLayerNack { sender_ssrc: 1, media_ssrc: 2, nacks: nack_pairs_from_sequence_numbers(&bomb) })
    };
    let datagram = theirs(&[nack(), nack(), nack()]);
    let named: usize = RtcpPackets::new(&datagram)
        .map(|packet| if let RtcpPacket::Nack(nack) = packet { nack.seq_nos().count() } else { 0 })
        .sum();
    assert_eq!(named, MAX_NACKED_PACKETS_PER_DATAGRAM);
}

#[test]
fn a_bomb_of_small_packets_is_not_walked_to_its_end() {
    let datagram: Vec<u8> = [0x80, SENDER_REPORT + 4, 0, 0].repeat(16_000);
    assert_eq!(ours(&datagram).len(), 0);
    let datagram: Vec<u8> = [0x81, PAYLOAD_FEEDBACK, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2].repeat(5_000);
    assert_eq!(ours(&datagram).len(), MAX_PACKETS_PER_DATAGRAM);
}

#[test]
fn absurd_rates_saturate() {
    let remb = |high: u8| {
        let mut packet = vec![0x8f, PAYLOAD_FEEDBACK, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0];
        packet.extend_from_slice(b"REMB");
        packet.extend_from_slice(&[0, high, 0xff, 0xff]);
        packet
    };
    let rate = |packet: &[u8]| match ours(packet)[..] {
        [RtcpPacket::Remb(remb)] => remb.bitrate_bps,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(rate(&remb(0x03)), 0x3_ffff);
    assert_eq!(rate(&remb(0xff)), u64::MAX);
}

#[test]
fn padding_is_removed_and_contradictions_end_the_walk() {
    let mut padded = vec![0xa1, BYE, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4];
    assert_eq!(ours(&padded), [RtcpPacket::Bye(Ssrcs(&[0, 0, 0, 9]))]);
    for bad in [0, 9, 255] {
        padded[11] = bad;
        assert_eq!(ours(&padded), [], "padding of {bad}");
    }
    let mut two = compound();
    let whole = ours(&two).len();
    two.extend_from_slice(&[0x80, BYE, 0xff, 0xff]);
    assert_eq!(ours(&two).len(), whole, "a length past the end");
    two[0] = 0x40;
    assert_eq!(ours(&two), [], "another version");
}

#[test]
fn garbage_never_panics() {
    let mut rng = StdRng::seed_from_u64(4);
    let datagram = compound();
    for _ in 0..20_000 {
        let mut bytes = datagram.clone();
        for _ in 0..rng.random_range(1..8) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }
        bytes.truncate(rng.random_range(0..=bytes.len()));
        for packet in RtcpPackets::new(&bytes) {
            match packet {
                RtcpPacket::SenderReport(_, blocks) | RtcpPacket::ReceiverReport(blocks) => {
                    assert!(blocks.iter().count() <= 31);
                }
                RtcpPacket::Nack(nack) => assert_eq!(nack.seq_nos().count(), nack.len()),
                RtcpPacket::FullIntraRequest(targets) => assert!(targets.ssrcs().count() < bytes.len()),
                RtcpPacket::Remb(remb) => assert!(remb.ssrcs.iter().count() < 256),
                RtcpPacket::Bye(ssrcs) => assert!(ssrcs.iter().count() < 32),
                RtcpPacket::PictureLoss { .. } | RtcpPacket::TransportFeedback(_) => {}
            }
        }
    }
}
