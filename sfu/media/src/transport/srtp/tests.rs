// SPDX-License-Identifier: EUPL-1.2
//! Behaviour of the sealing and opening ends, against each other and against `rtc-srtp` as an independent oracle.

use rtc_crypto::RTCCryptoProvider;
use rtc_crypto::providers::AwsLcRsProvider;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::*;

const PROFILES: [SrtpProfile; 2] = [SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmHmacSha1_80];
const SSRC: u32 = 0x5aa1_0001;

/// Our server's ends, and an oracle that plays the client.
struct Pair {
    sealer: Sealer,
    opener: Opener,
    client_sends: Context,
    client_receives: Context,
}

impl Pair {
    fn new(profile: SrtpProfile) -> Self {
        let material: Vec<u8> = (1..=profile.keying_material_bytes()).map(|byte| byte as u8 * 3).collect();
        let (sealer, opener) = server_ends(profile, &material).unwrap();
        let theirs = match profile {
            SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            SrtpProfile::Aes128CmHmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        };
        let provider = AwsLcRsProvider::new();
        let oracle = |key_at: usize, salt_at: usize| {
            let key = &material[key_at..key_at + 16];
            let salt = &material[salt_at..salt_at + profile.suite().salt_bytes()];
            Context::new(key, salt, theirs, None, None, provider.crypto()).unwrap()
        };
        Self {
            sealer,
            opener,
            client_sends: oracle(0, 32),
            client_receives: oracle(16, 32 + profile.suite().salt_bytes()),
        }
    }
}

fn rtp(seq_no: u16, payload: &[u8]) -> Vec<u8> {
    rtp_of(SSRC, seq_no, payload)
}

/// A packet with a CSRC and a header extension, so that the header is not the shortest possible.
fn rtp_of(ssrc: u32, seq_no: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x91, 96];
    packet.extend(seq_no.to_be_bytes());
    packet.extend(1234_u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(99_u32.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
    packet.extend_from_slice(payload);
    packet
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(0..20_u8);
    packet
}

fn seal(sealer: &mut Sealer, plain: &[u8]) -> Option<Vec<u8>> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + SEAL_OVERHEAD_BYTES, 0);
    let len = sealer.seal_rtp(&mut StreamPlace::default(), &mut packet, plain.len())?;
    packet.truncate(len);
    Some(packet)
}

fn open(opener: &mut Opener, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut packet = sealed.to_vec();
    let len = opener.open_rtp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

#[test]
fn the_oracle_reads_what_we_seal_over_two_wraps() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        for step in 0..3 * 65_536_u32 / 1000 {
            let seq_no = (65_000 + step * 1000) as u16;
            let plain = rtp(seq_no, &[step as u8; 300]);
            let sealed = seal(&mut pair.sealer, &plain).unwrap();
            assert_eq!(pair.client_receives.decrypt_rtp(&sealed).unwrap(), plain, "{profile:?} {seq_no}");
        }
    }
}

#[test]
fn we_read_what_the_oracle_seals_over_two_wraps() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        for step in 0..3 * 65_536_u32 / 1000 {
            let seq_no = (65_000 + step * 1000) as u16;
            let plain = rtp(seq_no, &[step as u8; 300]);
            let sealed = pair.client_sends.encrypt_rtp(&plain).unwrap();
            assert_eq!(open(&mut pair.opener, &sealed).unwrap(), plain, "{profile:?} {seq_no}");
        }
    }
}

#[test]
fn packets_arrive_in_any_order_around_a_wrap() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let packets: Vec<_> = (65_500..=65_535).chain(0..40).map(|seq_no| rtp(seq_no, b"media")).collect();
        let mut sealed: Vec<_> = packets.iter().map(|p| pair.client_sends.encrypt_rtp(p).unwrap()).collect();
        sealed[1..].reverse();
        for packet in &sealed {
            open(&mut pair.opener, packet).unwrap();
        }
        for packet in &sealed {
            assert_eq!(open(&mut pair.opener, packet), Err(OpenError::Replayed));
        }
    }
}

#[test]
fn a_repeat_from_before_the_first_packet_does_not_end_the_stream() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        // 65,533 is what a server sends on late to a receiver whose stream began at 1.
        for seq_no in [1, 2, 3, 65_533, 4, 5, 65_534, 6] {
            let plain = rtp(seq_no, b"media");
            let sealed = pair.client_sends.encrypt_rtp(&plain).unwrap();
            assert_eq!(open(&mut pair.opener, &sealed), Ok(plain), "{profile:?} {seq_no}");
        }
    }
}

#[test]
fn rtcp_passes_in_both_directions() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        for ssrc in [1, 1, 2, 1] {
            let plain = rtcp(ssrc);
            let mut sealed = plain.clone();
            sealed.resize(plain.len() + SEAL_RTCP_OVERHEAD_BYTES, 0);
            let len = pair.sealer.seal_rtcp(&mut sealed, plain.len()).unwrap();
            assert_eq!(pair.client_receives.decrypt_rtcp(&sealed[..len]).unwrap(), plain);

            let mut sealed = pair.client_sends.encrypt_rtcp(&plain).unwrap();
            let replay = sealed.clone();
            let len = pair.opener.open_rtcp(&mut sealed).unwrap();
            assert_eq!(sealed[..len], plain);
            assert_eq!(pair.opener.open_rtcp(&mut replay.to_vec()), Err(OpenError::Replayed));
        }
    }
}

#[test]
fn a_changed_bit_anywhere_is_refused_and_creates_no_state() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let sealed_rtp = pair.client_sends.encrypt_rtp(&rtp(7, &[9; 40])).unwrap();
        let sealed_rtcp = pair.client_sends.encrypt_rtcp(&rtcp(SSRC)).unwrap();
        for bit in 0..sealed_rtp.len() * 8 {
            let mut tampered = sealed_rtp.to_vec();
            tampered[bit / 8] ^= 1 << (bit % 8);
            assert!(pair.opener.open_rtp(&mut tampered).is_err(), "{profile:?} bit {bit}");
        }
        for bit in 0..sealed_rtcp.len() * 8 {
            let mut tampered = sealed_rtcp.to_vec();
            tampered[bit / 8] ^= 1 << (bit % 8);
            assert!(pair.opener.open_rtcp(&mut tampered).is_err(), "{profile:?} bit {bit}");
        }
        assert_eq!(pair.opener.known_ssrcs(), (0, 0));
        pair.opener.open_rtp(&mut sealed_rtp.to_vec()).unwrap();
        pair.opener.open_rtcp(&mut sealed_rtcp.to_vec()).unwrap();
        assert_eq!(pair.opener.known_ssrcs(), (1, 1));
    }
}

#[test]
fn short_and_foreign_packets_are_malformed() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let sealed_rtp = pair.client_sends.encrypt_rtp(&rtp(7, b"")).unwrap();
        let sealed_rtcp = pair.client_sends.encrypt_rtcp(&rtcp(SSRC)).unwrap();
        for len in 0..sealed_rtp.len() {
            assert!(pair.opener.open_rtp(&mut sealed_rtp[..len].to_vec()).is_err());
        }
        for len in 0..sealed_rtcp.len() {
            assert!(pair.opener.open_rtcp(&mut sealed_rtcp[..len].to_vec()).is_err());
        }
        let mut longest_header = rtp(7, &[0; 64]);
        longest_header[0] = 0x9f;
        assert_eq!(open(&mut pair.opener, &longest_header[..60]), Err(OpenError::Malformed));
        assert_eq!(pair.opener.open_rtcp(&mut rtcp(SSRC)), Err(OpenError::Malformed), "not encrypted");
    }
}

#[test]
fn a_sequence_number_is_sealed_once() {
    for profile in PROFILES {
        let mut sealer = Pair::new(profile).sealer;
        seal(&mut sealer, &rtp(100, b"first")).unwrap();
        seal(&mut sealer, &rtp(104, b"later")).unwrap();
        assert!(seal(&mut sealer, &rtp(100, b"other")).is_none());
        assert!(seal(&mut sealer, &rtp(102, b"late, but the first of its number")).is_some());
        assert!(seal(&mut sealer, &rtp(102, b"again")).is_none());
    }
}

fn seal_repeatably(sealer: &mut Sealer, plain: &[u8]) -> Option<Vec<u8>> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + SEAL_OVERHEAD_BYTES, 0);
    let Some(len) = sealer.seal_rtp_repeatably(&mut StreamPlace::default(), &mut packet, plain.len()) else {
        assert!(packet.iter().all(|byte| *byte == 0), "what must not be sent is not left behind");
        return None;
    };
    packet.truncate(len);
    Some(packet)
}

#[test]
fn the_very_same_packet_is_sealed_again_and_no_other_under_its_number() {
    for profile in PROFILES {
        let mut sealer = Pair::new(profile).sealer;
        let plain = |seq_no: u16| rtp(seq_no, &seq_no.to_be_bytes());
        let sealed: Vec<_> =
            (65_500..65_570_u32).map(|n| seal_repeatably(&mut sealer, &plain(n as u16)).unwrap()).collect();
        for (n, before) in (65_500..65_570_u32).zip(&sealed) {
            let again = seal_repeatably(&mut sealer, &plain(n as u16));
            let expected = (n >= 65_506).then_some(before);
            assert_eq!(again.as_ref(), expected, "of the last 64: {n}, {profile:?}");
        }
        for at in [1, 4, 20, 24] {
            let mut other = plain(10);
            other[at] ^= 1;
            assert_eq!(seal_repeatably(&mut sealer, &other), None, "another byte {at}, {profile:?}");
        }
        assert_eq!(seal_repeatably(&mut sealer, &rtp(10, b"longer")), None);
        seal(&mut sealer, &plain(40)).unwrap();
        assert_eq!(seal_repeatably(&mut sealer, &plain(40)), None, "what was sealed for once only");
    }
}

#[test]
fn sealing_needs_room_and_a_header() {
    for profile in PROFILES {
        let mut sealer = Pair::new(profile).sealer;
        let mut packet = rtp(1, b"payload");
        let len = packet.len();
        assert_eq!(sealer.seal_rtp(&mut StreamPlace::default(), &mut packet, len), None);
        assert_eq!(sealer.seal_rtp(&mut StreamPlace::default(), &mut packet, len + 1), None);
        assert_eq!(sealer.seal_rtp(&mut StreamPlace::default(), &mut [0x80; 11], 11), None);
        assert_eq!(sealer.seal_rtcp(&mut rtcp(1), 28), None);
        assert_eq!(sealer.seal_rtcp(&mut [0x80; 40], 7), None);
    }
}

#[test]
fn ssrcs_beyond_the_bound_are_refused() {
    let mut pair = Pair::new(SrtpProfile::AeadAes128Gcm);
    for ssrc in 0..512 {
        let sealed = pair.client_sends.encrypt_rtp(&rtp_of(ssrc, 1, b"")).unwrap();
        open(&mut pair.opener, &sealed).unwrap();
    }
    let sealed = pair.client_sends.encrypt_rtp(&rtp_of(512, 1, b"")).unwrap();
    assert_eq!(open(&mut pair.opener, &sealed), Err(OpenError::TooManySsrcs));
    let sealed = pair.client_sends.encrypt_rtp(&rtp_of(511, 2, b"")).unwrap();
    open(&mut pair.opener, &sealed).unwrap();
}
