// SPDX-License-Identifier: EUPL-1.2
//! Both ends against each other, and against `rtc-srtp` as an independent oracle.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rtc_crypto::RTCCryptoProvider as _;
use rtc_crypto::providers::AwsLcRsProvider;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::*;
use crate::media::rtp::packet::Header;
use crate::sdp::{SrtpKey, SrtpSuite};

const SSRC: u32 = 0x5aa1_0001;

fn key(suite: SrtpSuite) -> SrtpKey {
    SrtpKey::generate(suite, &mut StdRng::seed_from_u64(7))
}

fn ends(suite: SrtpSuite) -> (Sealer, Opener) {
    (Sealer::new(&key(suite)).unwrap(), Opener::new(&key(suite)).unwrap())
}

fn oracle(suite: SrtpSuite) -> Context {
    let profile = match suite {
        SrtpSuite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        SrtpSuite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        SrtpSuite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        SrtpSuite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
    };
    let key = key(suite);
    Context::new(key.key(), key.salt(), profile, None, None, AwsLcRsProvider::new().crypto()).unwrap()
}

/// A packet with a source and an extension, so that its header is not the shortest.
fn rtp(ssrc: u32, seq_no: u16) -> Vec<u8> {
    let mut packet = vec![0x91, 8];
    packet.extend(seq_no.to_be_bytes());
    packet.extend(1_234_u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0, 0, 0, 99, 0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
    packet.extend(0..160_u8);
    packet
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(0..20_u8);
    packet
}

fn seal(sealer: &mut Sealer, plain: &[u8]) -> Vec<u8> {
    let mut packet = plain.to_vec();
    let header = Header::parse(&packet).unwrap();
    sealer.seal_rtp(&mut packet, &header).unwrap();
    packet
}

fn open(opener: &mut Opener, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut packet = sealed.to_vec();
    let header = Header::parse(&packet).ok_or(OpenError::Malformed)?;
    let len = opener.open_rtp(&mut packet, &header)?;
    packet.truncate(len);
    Ok(packet)
}

fn open_rtcp(opener: &mut Opener, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut packet = sealed.to_vec();
    let len = opener.open_rtcp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

#[test]
fn others_read_what_we_seal_and_we_what_they_seal() {
    for suite in SrtpSuite::ALL {
        let (mut sealer, mut opener) = ends(suite);
        let (mut sends, mut receives) = (oracle(suite), oracle(suite));
        // Over two wraps of the sequence number.
        for step in 0..2_100_u32 {
            let plain = rtp(SSRC, (60_000 + step * 64) as u16);
            let sealed = seal(&mut sealer, &plain);
            assert_eq!(receives.decrypt_rtp(&sealed).unwrap()[..], plain, "{suite:?} {step}");
            let theirs = sends.encrypt_rtp(&plain).unwrap();
            assert_eq!(theirs[..], sealed, "{suite:?} {step}");
            assert_eq!(open(&mut opener, &theirs), Ok(plain), "{suite:?} {step}");
        }
        for _ in 0..5 {
            let plain = rtcp(SSRC);
            let mut sealed = plain.clone();
            sealer.seal_rtcp(&mut sealed, SSRC).unwrap();
            assert_eq!(receives.decrypt_rtcp(&sealed).unwrap()[..], plain, "{suite:?}");
            assert_eq!(open_rtcp(&mut opener, &sends.encrypt_rtcp(&plain).unwrap()), Ok(plain), "{suite:?}");
        }
    }
}

#[test]
fn every_changed_bit_is_noticed_and_leaves_no_trace() {
    for suite in SrtpSuite::ALL {
        let (mut sealer, mut opener) = ends(suite);
        let sealed = seal(&mut sealer, &rtp(SSRC, 5));
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&mut opener, &damaged).is_err(), "{suite:?} bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(open(&mut opener, &sealed[..len]).is_err(), "{suite:?} {len} bytes");
        }
        assert!(open(&mut opener, &sealed).is_ok(), "{suite:?}");

        let mut report = rtcp(SSRC);
        sealer.seal_rtcp(&mut report, SSRC).unwrap();
        for bit in 0..report.len() * 8 {
            let mut damaged = report.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_rtcp(&mut opener, &damaged).is_err(), "{suite:?} bit {bit}");
        }
        assert!(open_rtcp(&mut opener, &report).is_ok(), "{suite:?}");
        assert!(open_rtcp(&mut opener, &rtcp(SSRC)).is_err(), "not encrypted");
    }
}

#[test]
fn repetitions_are_refused() {
    for suite in SrtpSuite::ALL {
        let (mut sealer, mut opener) = ends(suite);
        let sealed: Vec<_> = (0..300).map(|seq_no| seal(&mut sealer, &rtp(SSRC, seq_no))).collect();
        for at in [0, 2, 1, 200, 130] {
            assert!(open(&mut opener, &sealed[at]).is_ok(), "{at}");
            assert_eq!(open(&mut opener, &sealed[at]), Err(OpenError::Replayed), "{at}");
        }
        assert_eq!(open(&mut opener, &sealed[50]), Err(OpenError::Replayed), "too old to tell");
        let mut report = rtcp(SSRC);
        sealer.seal_rtcp(&mut report, SSRC).unwrap();
        assert!(open_rtcp(&mut opener, &report).is_ok());
        assert_eq!(open_rtcp(&mut opener, &report), Err(OpenError::Replayed));
    }
}

#[test]
fn who_misses_the_first_wrap_hears_what_follows() {
    for suite in SrtpSuite::ALL {
        let (mut sealer, mut opener) = ends(suite);
        let numbers = (65_534..=u16::MAX).chain(0..5);
        let mut sealed: Vec<_> = numbers.map(|seq_no| seal(&mut sealer, &rtp(SSRC, seq_no))).collect();
        let mut damaged = sealed[3].clone();
        damaged[30] ^= 1;
        assert_eq!(open(&mut opener, &damaged), Err(OpenError::Unauthentic), "{suite:?}");
        for at in [3, 4, 1] {
            let number = 65_534_u16.wrapping_add(at);
            let packet = &sealed[usize::from(at)];
            assert_eq!(open(&mut opener, packet), Ok(rtp(SSRC, number)), "{suite:?}: {number}");
            assert_eq!(open(&mut opener, packet), Err(OpenError::Replayed), "{suite:?}: {number}");
        }
        // And over the next wrap.
        sealed = (5..=u16::MAX).step_by(64).chain([1]).map(|seq_no| seal(&mut sealer, &rtp(SSRC, seq_no))).collect();
        assert!(sealed.iter().all(|packet| open(&mut opener, packet).is_ok()), "{suite:?}");
    }
}

#[test]
fn senders_are_bounded_and_none_is_forgotten() {
    let (_, mut opener) = ends(SrtpSuite::AeadAes128Gcm);
    let sealed: Vec<_> = (0..200)
        .map(|ssrc| {
            let (mut sealer, _) = ends(SrtpSuite::AeadAes128Gcm);
            seal(&mut sealer, &rtp(ssrc, 1))
        })
        .collect();
    let opened = sealed.iter().filter(|packet| open(&mut opener, packet).is_ok()).count();
    assert_eq!(opened, 128);
    assert_eq!(open(&mut opener, &sealed[0]), Err(OpenError::Replayed));
}

#[test]
fn no_sequence_number_is_sealed_twice() {
    let (mut sealer, _) = ends(SrtpSuite::AeadAes128Gcm);
    seal(&mut sealer, &rtp(SSRC, 9));
    let mut again = rtp(SSRC, 9);
    let header = Header::parse(&again).unwrap();
    assert_eq!(sealer.seal_rtp(&mut again, &header), None);
}
