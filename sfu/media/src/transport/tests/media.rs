// SPDX-License-Identifier: EUPL-1.2
//! RTP and RTCP between the transport and a client that uses `rtc-srtp`.

use super::call::Call;
use super::client::{AS_BROWSERS, Profile, SHA1_ONLY};
use super::packets::{rtcp, rtp};
use crate::transport::{OpenError, SEAL_OVERHEAD_BYTES, SEAL_RTCP_OVERHEAD_BYTES, StreamPlace};

const PROFILES: [&[Profile]; 2] = [AS_BROWSERS, SHA1_ONLY];

#[test]
fn rtp_passes_both_ways_under_both_profiles() {
    for profiles in PROFILES {
        let mut call = Call::connected(profiles);
        let media = call.client.media.as_mut().unwrap();
        for seq_no in 65_500..65_600_u32 {
            let plain = rtp(1, seq_no as u16);
            let mut sealed = media.sends.encrypt_rtp(&plain).unwrap();
            let len = call.transport.open_rtp(&mut sealed).unwrap();
            assert_eq!(sealed[..len], plain);

            let mut sealed = plain.clone();
            sealed.resize(plain.len() + SEAL_OVERHEAD_BYTES, 0);
            let len = call.transport.seal_rtp(&mut StreamPlace::default(), &mut sealed, plain.len()).unwrap();
            assert_eq!(media.receives.decrypt_rtp(&sealed[..len]).unwrap(), plain);
        }
    }
}

#[test]
fn rtcp_passes_both_ways_under_both_profiles() {
    for profiles in PROFILES {
        let mut call = Call::connected(profiles);
        let media = call.client.media.as_mut().unwrap();
        for ssrc in 1..10 {
            let plain = rtcp(ssrc);
            let mut sealed = media.sends.encrypt_rtcp(&plain).unwrap();
            let len = call.transport.open_rtcp(&mut sealed).unwrap();
            assert_eq!(sealed[..len], plain);

            let mut sealed = plain.clone();
            sealed.resize(plain.len() + SEAL_RTCP_OVERHEAD_BYTES, 0);
            let len = call.transport.seal_rtcp(&mut sealed, plain.len()).unwrap();
            assert_eq!(media.receives.decrypt_rtcp(&sealed[..len]).unwrap(), plain);
        }
    }
}

#[test]
fn there_is_no_media_before_the_handshake_and_after_the_end() {
    let mut call = Call::new(AS_BROWSERS);
    assert_eq!(call.transport.open_rtp(&mut rtp(1, 1)), Err(OpenError::NotConnected));
    assert_eq!(call.transport.seal_rtp(&mut StreamPlace::default(), &mut rtp(1, 1), 100), None);
    let mut call = Call::connected(AS_BROWSERS);
    call.transport.close(call.now);
    assert_eq!(call.transport.open_rtp(&mut rtp(1, 1)), Err(OpenError::NotConnected));
    assert_eq!(call.transport.seal_rtp(&mut StreamPlace::default(), &mut rtp(1, 1), 100), None);
    assert!(!call.transport.is_connected());
}

#[test]
fn what_is_refused_is_counted_by_reason() {
    let mut call = Call::new(AS_BROWSERS);
    let _ = call.transport.open_rtp(&mut rtp(1, 1));
    assert_eq!(call.transport.stats().media_early, 1);

    let mut call = Call::connected(AS_BROWSERS);
    let media = call.client.media.as_mut().unwrap();
    let sealed = media.sends.encrypt_rtp(&rtp(1, 1)).unwrap();
    call.transport.open_rtp(&mut sealed.to_vec()).unwrap();
    call.transport.open_rtp(&mut sealed.to_vec()).unwrap_err();
    call.transport.open_rtp(&mut rtp(2, 1)).unwrap_err();
    call.transport.open_rtp(&mut [0x80, 111]).unwrap_err();
    call.transport.open_rtcp(&mut rtcp(2)).unwrap_err();
    call.transport.seal_rtp(&mut StreamPlace::default(), &mut rtp(3, 1), 1_100);
    let stats = call.transport.stats();
    assert_eq!((stats.media_replayed, stats.media_unauthentic, stats.media_malformed), (1, 1, 2));
    assert_eq!(stats.seal_refused, 1);
}
