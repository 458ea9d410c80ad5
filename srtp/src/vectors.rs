// SPDX-License-Identifier: EUPL-1.2
//! Test vectors of RFC 3711 Appendix B and RFC 7714 §16 and §17.

use crate::cipher::{Cipher, PacketId};
use crate::keys::{KeyUse, MasterKey, apply_keystream, keystream_key};
use crate::suite::SrtpSuite;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

#[test]
fn rfc_3711_b2_keystream() {
    let key = keystream_key(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
    let iv = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000").try_into().unwrap();
    let mut stream = vec![0; 16 * 0xff02];
    apply_keystream(&key, iv, &mut stream).unwrap();
    assert_eq!(
        stream[..48],
        hex("e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab 41e95b3bb0a2e8dd477901e4fca894c0")
    );
    assert_eq!(
        stream[16 * 0xfeff..],
        hex("ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae 6a2cc3787889374fbeb4c81b17ba6c44")
    );
}

#[test]
fn rfc_3711_b3_key_derivation() {
    let (key, salt) = (hex("e1f97a0d3e018be0d64fa32c06de4139"), hex("0ec675ad498afeebb6960b3aabe6"));
    let master = MasterKey::new(SrtpSuite::AesCm128HmacSha1_80, &key, &salt).unwrap();
    let derived = |key_use, len| {
        let mut derived = vec![0; len];
        master.derive(key_use, &mut derived).unwrap();
        derived
    };
    assert_eq!(derived(KeyUse::RtpEncryption, 16), hex("c61e7a93744f39ee10734afe3ff7a087"));
    assert_eq!(derived(KeyUse::RtpSalt, 14), hex("30cbbc08863d8c85d49db34a9ae1"));
    assert_eq!(
        derived(KeyUse::RtpAuthentication, 94),
        hex("cebe321f6ff7716b6fd4ab49af256a15 6d38baa48f0a0acf3c34e2359e6cdbce
             e049646c43d9327ad175578ef7227098 6371c10c9a369ac2f94a8c5fbcdddc25
             6d6e919a48b610ef17c2041e47403576 6b68642c59bbfc2f34db60dbdfb2")
    );
}

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f";

/// With the session salt of all examples of RFC 7714.
fn gcm(key: &str) -> Cipher {
    let salt = hex("517569642070726f2071756f").try_into().unwrap();
    Cipher::gcm_from_session_keys(&hex(key), salt).unwrap()
}

#[test]
fn rfc_7714_16_srtp() {
    let plain = hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                     69736120 696e2070 61727465 73207472 6573");
    for (key, sealed) in [
        (
            KEY_128,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
             51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            KEY_256,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
             76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ] {
        let (cipher, sealed) = (gcm(key), hex(sealed));
        let id = PacketId { ssrc: 0x5501_a0b2, index: 0xf17b };
        let mut packet = plain.clone();
        packet.resize(plain.len() + cipher.rtp_overhead_bytes(), 0);
        assert_eq!(cipher.seal_rtp(&mut packet, 12, plain.len(), id), Some(sealed.len()));
        assert_eq!(packet, sealed);
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
    let id = PacketId { ssrc: 0x4d61_7273, index: 0x5d4 };
    let mut packet = plain.clone();
    packet.resize(sealed.len(), 0);
    assert_eq!(gcm(KEY_128).seal_rtcp(&mut packet, plain.len(), id), Some(sealed.len()));
    assert_eq!(packet, sealed);
    assert_eq!(gcm(KEY_128).rtcp_index(&packet), Some(0x5d4));
    assert_eq!(gcm(KEY_128).open_rtcp(&mut packet, id), Some(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}
