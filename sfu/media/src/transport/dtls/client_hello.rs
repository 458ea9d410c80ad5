// SPDX-License-Identifier: EUPL-1.2
//! What a ClientHello says before the handshake starts (RFC 6347 §4.2.1, RFC 5764 §4.1.1).
//!
//! A DTLS server takes the first SRTP profile of the client's list that it knows, and browsers list the slow one
//! first. Knowing the list, we offer the one that we want.

use crate::transport::srtp::SrtpProfile;

const RANDOM_BYTES: usize = 32;
const USE_SRTP: u16 = 14;

/// Profile numbers (RFC 5764 §4.1.2, RFC 7714 §14.2).
const AES128_CM_HMAC_SHA1_80: [u8; 2] = [0, 1];
const AEAD_AES_128_GCM: [u8; 2] = [0, 7];

/// The parts of a ClientHello that we look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientHello<'a> {
    /// Empty in the first one.
    pub(super) cookie: &'a [u8],
    /// The best profile that both sides know.
    pub(super) srtp_profile: Option<SrtpProfile>,
}

impl<'a> ClientHello<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut rest = body.get(2 + RANDOM_BYTES..)?;
        let _session_id = take_u8_vec(&mut rest)?;
        let cookie = take_u8_vec(&mut rest)?;
        let _cipher_suites = take_u16_vec(&mut rest)?;
        let _compression_methods = take_u8_vec(&mut rest)?;
        let mut extensions = take_u16_vec(&mut rest)?;
        let mut srtp_profile = None;
        while !extensions.is_empty() {
            let (number, after) = extensions.split_first_chunk()?;
            extensions = after;
            let mut content = take_u16_vec(&mut extensions)?;
            if u16::from_be_bytes(*number) == USE_SRTP {
                srtp_profile = best_profile(take_u16_vec(&mut content)?);
            }
        }
        rest.is_empty().then_some(Self { cookie, srtp_profile })
    }
}

fn best_profile(offered: &[u8]) -> Option<SrtpProfile> {
    let offers = |profile| offered.chunks_exact(2).any(|offer| offer == profile);
    if offers(AEAD_AES_128_GCM) {
        Some(SrtpProfile::AeadAes128Gcm)
    } else if offers(AES128_CM_HMAC_SHA1_80) {
        Some(SrtpProfile::Aes128CmHmacSha1_80)
    } else {
        None
    }
}

fn take_u8_vec<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_first()?;
    let (content, rest) = rest.split_at_checked(usize::from(*len))?;
    *bytes = rest;
    Some(content)
}

fn take_u16_vec<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (content, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    *bytes = rest;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(cookie: &[u8], extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([1; RANDOM_BYTES]);
        body.extend([0, cookie.len() as u8]);
        body.extend(cookie);
        body.extend([0, 2, 0xc0, 0x2b, 1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    fn use_srtp(profiles: &[u8]) -> Vec<u8> {
        let len = profiles.len() as u8;
        [&[0, 23, 0, 0, 0, 14, 0, len + 3, 0, len], profiles, &[0]].concat()
    }

    #[test]
    fn gcm_is_preferred_wherever_it_stands() {
        let cases: [(&[u8], _); 5] = [
            (&[0, 1, 0, 2, 0, 7], Some(SrtpProfile::AeadAes128Gcm)),
            (&[0, 7, 0, 1], Some(SrtpProfile::AeadAes128Gcm)),
            (&[0, 8, 0, 1], Some(SrtpProfile::Aes128CmHmacSha1_80)),
            (&[0, 2, 0, 8], None),
            (&[], None),
        ];
        for (profiles, chosen) in cases {
            let body = hello(b"", &use_srtp(profiles));
            assert_eq!(ClientHello::parse(&body), Some(ClientHello { cookie: b"", srtp_profile: chosen }));
        }
    }

    #[test]
    fn the_cookie_is_found() {
        let body = hello(b"cookie", &[]);
        assert_eq!(ClientHello::parse(&body), Some(ClientHello { cookie: b"cookie", srtp_profile: None }));
    }

    #[test]
    fn a_hello_cut_or_lengthened_anywhere_is_no_hello() {
        let body = hello(b"cookie", &use_srtp(&[0, 7]));
        for len in 0..body.len() {
            assert_eq!(ClientHello::parse(&body[..len]), None, "{len}");
        }
        assert_eq!(ClientHello::parse(&[&body[..], &[0]].concat()), None);
    }
}
