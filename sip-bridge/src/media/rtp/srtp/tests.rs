// SPDX-License-Identifier: EUPL-1.2
//! The vectors of the standards, both ends against each other, and against `rtc-srtp` as an independent oracle.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rtc_crypto::RTCCryptoProvider as _;
use rtc_crypto::providers::AwsLcRsProvider;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::cipher::{Cipher, PacketId};
use super::keys::{KeyUse, derive};
use super::*;
use crate::media::rtp::packet::Header;
use crate::sdp::{SrtpKey, SrtpSuite};

const SSRC: u32 = 0x5aa1_0001;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

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
fn rfc_3711_b3_key_derivation() {
    let material = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let master = SrtpKey::from_material(SrtpSuite::AesCm128HmacSha1_80, &material).unwrap();
    let derived = |key_use, len| {
        let mut derived = vec![0; len];
        derive(&master, key_use, &mut derived).unwrap();
        derived
    };
    assert_eq!(derived(KeyUse::RtpEncryption, 16), hex("c61e7a93744f39ee10734afe3ff7a087"));
    assert_eq!(derived(KeyUse::RtpSalt, 14), hex("30cbbc08863d8c85d49db34a9ae1"));
    assert_eq!(derived(KeyUse::RtpAuthentication, 20), hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4"));
}

#[test]
fn rfc_7714_16_srtp() {
    let plain = hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                     69736120 696e2070 61727465 73207472 6573");
    let salt = hex("517569642070726f2071756f").try_into().unwrap();
    let key_256 = "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f";
    for (key, sealed) in [
        (
            "000102030405060708090a0b0c0d0e0f",
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
             51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            key_256,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
             76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ] {
        let cipher = Cipher::gcm_from_session_keys(&hex(key), salt).unwrap();
        let id = PacketId { ssrc: 0x5501_a0b2, index: 0xf17b };
        let mut packet = plain.clone();
        cipher.seal_rtp(&mut packet, 12, id).unwrap();
        assert_eq!(packet, hex(sealed));
        assert_eq!(cipher.open_rtp(&mut packet, 12, id), Some(plain.len()));
        assert_eq!(packet[..plain.len()], plain);
    }
}

#[test]
fn rfc_7714_17_srtcp() {
    let plain = hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
                     deadbeef deadbeef deadbeef deadbeef deadbeef");
    let sealed = hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
                      4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4");
    let salt = hex("517569642070726f2071756f").try_into().unwrap();
    let cipher = Cipher::gcm_from_session_keys(&hex("000102030405060708090a0b0c0d0e0f"), salt).unwrap();
    let id = PacketId { ssrc: 0x4d61_7273, index: 0x5d4 };
    let mut packet = plain.clone();
    cipher.seal_rtcp(&mut packet, id).unwrap();
    assert_eq!(packet, sealed);
    assert_eq!(cipher.rtcp_index(&packet), Some(0x5d4));
    assert_eq!(cipher.open_rtcp(&mut packet, id), Some(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
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
