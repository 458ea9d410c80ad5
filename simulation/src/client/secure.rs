// SPDX-License-Identifier: EUPL-1.2
//! The client's half of DTLS and SRTP, on `rtc-dtls` and `rtc-srtp`: an implementation independent of the server's
//! own SRTP code.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use rtc_dtls::config::{ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::Crypto;

/// DTLS needs a peer address; which one does not matter, because the path may change under it.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// DTLS and, once it is up, SRTP.
pub(crate) struct Secure {
    crypto: Crypto,
    endpoint: Endpoint,
    config: Arc<rtc_dtls::config::HandshakeConfig>,
    is_started: bool,
    srtp: Option<Srtp>,
}

struct Srtp {
    profile: ProtectionProfile,
    seal: Context,
    open: Context,
}

impl Secure {
    /// Offers `profiles` in that order.
    pub(crate) fn new(crypto: Crypto, certificate: &Certificate, profiles: Vec<SrtpProtectionProfile>) -> Self {
        let config = ConfigBuilder::default()
            .with_crypto_provider(crypto.clone())
            .with_certificates(vec![certificate.clone()])
            .with_srtp_protection_profiles(profiles)
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(true, None)
            .expect("a client's DTLS settings are valid");
        let endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        let config = Arc::new(config);
        Self { crypto, endpoint, config, is_started: false, srtp: None }
    }

    pub(crate) fn start(&mut self, now: Instant) {
        if !self.is_started {
            self.is_started = true;
            self.endpoint.connect(now, PEER, self.config.clone(), None).expect("a ClientHello can be made");
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.srtp.is_some()
    }

    pub(crate) fn profile(&self) -> Option<ProtectionProfile> {
        self.srtp.as_ref().map(|srtp| srtp.profile)
    }

    /// Takes in a DTLS datagram; what cannot be read is dropped, as a browser does.
    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let Ok(events) = self.endpoint.read(now, PEER, None, BytesMut::from(datagram)) else { return };
        for event in events {
            if matches!(event, EndpointEvent::HandshakeComplete) {
                self.srtp = Some(self.export());
            }
        }
    }

    fn export(&self) -> Srtp {
        let state = self.endpoint.get_connection_state(PEER).expect("the association exists");
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => ProtectionProfile::AeadAes128Gcm,
            _ => ProtectionProfile::Aes128CmHmacSha1_80,
        };
        let mut config = Config { profile, ..Config::default() };
        let material = state
            .export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], config.keying_material_len())
            .expect("the handshake is complete");
        config.set_session_keys_from_keying_material(material.as_ref(), true).expect("the length is right");
        let context = |key: &[u8], salt: &[u8]| {
            Context::new(key, salt, profile, None, None, self.crypto.crypto()).expect("the key lengths are right")
        };
        Srtp {
            profile,
            seal: context(&config.keys.local_master_key, &config.keys.local_master_salt),
            open: context(&config.keys.remote_master_key, &config.keys.remote_master_salt),
        }
    }

    pub(crate) fn poll_datagram(&mut self) -> Option<BytesMut> {
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout(&PEER)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.is_started {
            // It fails once its retransmissions are used up; the scenario then sees that the client is not up.
            let _ = self.endpoint.handle_timeout(PEER, now);
        }
    }

    pub(crate) fn seal_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        Some(self.srtp.as_mut()?.seal.encrypt_rtp(packet).ok()?.to_vec())
    }

    pub(crate) fn open_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        Some(self.srtp.as_mut()?.open.decrypt_rtp(packet).ok()?.to_vec())
    }

    pub(crate) fn seal_rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        Some(self.srtp.as_mut()?.seal.encrypt_rtcp(packet).ok()?.to_vec())
    }

    pub(crate) fn open_rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        Some(self.srtp.as_mut()?.open.decrypt_rtcp(packet).ok()?.to_vec())
    }
}
