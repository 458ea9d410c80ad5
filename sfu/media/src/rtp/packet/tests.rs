// SPDX-License-Identifier: EUPL-1.2
//! Checked against the RTP packets of `rtc-rtp`.

use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rtc_rtp::packet::Packet;
use rtc_shared::marshal::{Marshal, Unmarshal};

use super::*;
use crate::rtp::extensions::HeaderExtensions;
use crate::session::ExtensionIds;

const IDS: ExtensionIds = ExtensionIds {
    mid: Some(1),
    rid: Some(2),
    repaired_rid: Some(3),
    audio_level: Some(4),
    transport_cc: Some(5),
    video_orientation: Some(6),
};

/// The same ids, out of reach of the one-byte form.
const LARGE_IDS: ExtensionIds = ExtensionIds {
    mid: Some(101),
    rid: Some(102),
    repaired_rid: Some(103),
    audio_level: Some(104),
    transport_cc: Some(105),
    video_orientation: Some(106),
};

fn oracle_packet(rng: &mut StdRng, ids: &ExtensionIds, profile: u16) -> Packet {
    let mut packet = Packet::default();
    packet.header.version = 2;
    packet.header.marker = rng.random();
    packet.header.payload_type = rng.random_range(0..128);
    packet.header.sequence_number = rng.random();
    packet.header.timestamp = rng.random();
    packet.header.ssrc = rng.random();
    packet.header.csrc = (0..rng.random_range(0..16)).map(|_| rng.random()).collect();
    packet.payload = (0..rng.random_range(0..100)).map(|_| rng.random()).collect::<Vec<u8>>().into();
    if rng.random() {
        packet.header.extension = true;
        packet.header.extension_profile = profile;
        let mut set = |id: Option<u8>, value: &[u8]| {
            packet.header.set_extension(id.unwrap(), Bytes::copy_from_slice(value)).unwrap();
        };
        set(ids.mid, b"audio-0");
        set(ids.rid, b"q");
        set(ids.audio_level, &[0x80 | 23]);
        set(ids.transport_cc, &0xfffeu16.to_be_bytes());
        set(ids.video_orientation, &[2]);
    }
    packet
}

#[test]
fn reads_what_another_implementation_writes() {
    let mut rng = StdRng::seed_from_u64(1);
    for round in 0..2_000 {
        let (ids, profile) = if round % 2 == 0 { (IDS, 0xbede) } else { (LARGE_IDS, 0x1000) };
        let sent = oracle_packet(&mut rng, &ids, profile);
        let bytes = sent.marshal().unwrap();
        let view = RtpView::parse(&bytes).unwrap();
        assert_eq!(view.marker, sent.header.marker);
        assert_eq!(view.payload_type, sent.header.payload_type);
        assert_eq!(view.seq_no, SeqNo(sent.header.sequence_number));
        assert_eq!(view.timestamp, RtpTime(sent.header.timestamp));
        assert_eq!(view.ssrc, sent.header.ssrc);
        assert_eq!(view.payload, &sent.payload[..]);
        let read = HeaderExtensions::read(view.extensions(), &ids);
        if sent.header.extension {
            assert_eq!(read.mid, Some(&b"audio-0"[..]));
            assert_eq!(read.rid, Some(&b"q"[..]));
            assert_eq!(read.repaired_rid, None);
            assert_eq!(read.audio_level, Some(0x80 | 23));
            assert_eq!(read.transport_seq, Some(SeqNo(0xfffe)));
            assert_eq!(read.video_orientation, Some(2));
        } else {
            assert_eq!(read, HeaderExtensions::default());
        }
    }
}

#[test]
fn another_implementation_reads_what_is_written() {
    let mut rng = StdRng::seed_from_u64(2);
    for round in 0..2_000 {
        let ids = if round % 2 == 0 { IDS } else { LARGE_IDS };
        let header = OutgoingHeader {
            marker: rng.random(),
            payload_type: rng.random_range(0..128),
            seq_no: SeqNo(rng.random()),
            timestamp: RtpTime(rng.random()),
            ssrc: rng.random(),
            extensions: OutgoingExtensions {
                audio_level: ids.audio_level.map(|id| (id, rng.random())).filter(|_| round & 2 == 0),
                video_orientation: ids.video_orientation.map(|id| (id, rng.random())).filter(|_| round & 4 == 0),
                transport_seq: ids.transport_cc.map(|id| (id, SeqNo(rng.random()))).filter(|_| round & 8 == 0),
            },
        };
        let mut out = [0xaa; 1_200];
        let len = write_header(&header, &mut out).unwrap();
        out[len..len + 3].copy_from_slice(b"abc");
        let read = Packet::unmarshal(&mut &out[..len + 3]).unwrap();
        assert_eq!(read.header.marker, header.marker);
        assert_eq!(read.header.payload_type, header.payload_type);
        assert_eq!(read.header.sequence_number, header.seq_no.0);
        assert_eq!(read.header.timestamp, header.timestamp.0);
        assert_eq!(read.header.ssrc, header.ssrc);
        assert_eq!(&read.payload[..], b"abc");

        let view = RtpView::parse(&out[..len + 3]).unwrap();
        let extensions = HeaderExtensions::read(view.extensions(), &ids);
        let sent = header.extensions;
        assert_eq!(extensions.audio_level, sent.audio_level.map(|(_, level)| level));
        assert_eq!(extensions.video_orientation, sent.video_orientation.map(|(_, orientation)| orientation));
        assert_eq!(extensions.transport_seq, sent.transport_seq.map(|(_, seq)| seq));
        for (id, value) in
            [(ids.audio_level, extensions.audio_level), (ids.video_orientation, extensions.video_orientation)]
        {
            let theirs = read.header.get_extension(id.unwrap());
            assert_eq!(theirs.as_deref(), value.as_ref().map(std::slice::from_ref));
        }
    }
}

#[test]
fn padding_is_removed_and_checked() {
    let mut packet = vec![0xa0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, b'x', b'y', 0, 0, 3];
    assert_eq!(RtpView::parse(&packet).unwrap().payload, b"xy");
    packet[16] = 5;
    assert!(RtpView::parse(&packet).unwrap().payload.is_empty(), "a packet of padding only has no payload");
    for count in [0, 6, 255] {
        packet[16] = count;
        assert_eq!(RtpView::parse(&packet), Err(RtpError::BadPadding(count)));
    }
    assert_eq!(RtpView::parse(&packet[..12]), Err(RtpError::BadPadding(0)));
}

#[test]
fn contradictory_lengths_are_refused() {
    let fixed = [0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    assert!(RtpView::parse(&fixed).is_ok());
    assert_eq!(RtpView::parse(&fixed[..11]), Err(RtpError::TooShort(11)));
    let with_flags = |flags: u8, tail: &[u8]| {
        let mut packet = fixed.to_vec();
        packet[0] = flags;
        packet.extend_from_slice(tail);
        packet
    };
    assert_eq!(RtpView::parse(&with_flags(0x40, &[])), Err(RtpError::UnknownVersion(1)));
    assert_eq!(RtpView::parse(&with_flags(0x8f, &[0; 59])), Err(RtpError::TruncatedCsrcs));
    assert_eq!(RtpView::parse(&with_flags(0x90, &[0xbe, 0xde, 0])), Err(RtpError::TruncatedExtension));
    assert_eq!(RtpView::parse(&with_flags(0x90, &[0xbe, 0xde, 0, 2, 0, 0, 0, 0])), Err(RtpError::TruncatedExtension));
}

#[test]
fn a_broken_element_ends_the_reading_and_keeps_what_came_before() {
    let elements = |profile, block: &'static [u8]| Elements::new(profile, block).collect::<Vec<_>>();
    assert_eq!(elements(0xbede, &[0x10, 7, 0x27, 1, 2]), [(1, &[7][..])], "a length past the end");
    assert_eq!(elements(0xbede, &[0x10, 7, 0xf0, 1, 0x20, 2]), [(1, &[7][..])], "reserved id 15");
    assert_eq!(elements(0xbede, &[0, 0, 0x10, 7, 0]), [(1, &[7][..])], "padding bytes");
    assert_eq!(elements(0x100f, &[0, 200, 0, 17, 2, 8, 9, 18]), [(200, &[][..]), (17, &[8, 9][..])], "two-byte form");
    assert_eq!(elements(0x1234, &[0x10, 7]), [], "a profile that nobody negotiated");
}

#[test]
fn garbage_never_panics() {
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..20_000 {
        let profile = if rng.random() { 0xbede } else { 0x1000 };
        let mut bytes = oracle_packet(&mut rng, &IDS, 0xbede).marshal().unwrap().to_vec();
        if bytes.len() > 14 && rng.random() {
            bytes[12..14].copy_from_slice(&u16::to_be_bytes(profile));
        }
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }
        bytes.truncate(rng.random_range(0..=bytes.len()));
        if let Ok(view) = RtpView::parse(&bytes) {
            let _ = HeaderExtensions::read(view.extensions(), &IDS);
        }
    }
}
