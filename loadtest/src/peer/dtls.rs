// SPDX-License-Identifier: EUPL-1.2
//! A client's half of DTLS-SRTP (RFC 5764), with AEAD_AES_128_GCM as the only profile: what is compared is the
//! servers' forwarding, not the ciphers that they would choose for other clients.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest;
use bytes::BytesMut;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::config::{ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use sfu_media::transport::SrtpProfile;
use sfu_media::transport::srtp::{Opener, Sealer, client_ends};

/// An endpoint tells peers apart by address. Ours has one, wherever it is.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// RFC 5764 §4.2.
const EXPORTER: &str = "EXTRACTOR-dtls_srtp";

/// The certificate and settings that all clients of a run share: making one for each would measure ourselves.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) crypto: Arc<dyn RTCCryptoProvider>,
    config: Arc<HandshakeConfig>,
    /// In colon-separated hexadecimal, as SDP has it.
    pub(crate) fingerprint: Arc<str>,
}

impl Identity {
    pub(crate) fn generate() -> Result<Self> {
        let crypto = rtc_crypto::default_provider().map_err(|error| anyhow!("no cryptography: {error}"))?;
        let certificate = Certificate::generate_self_signed(vec!["load".to_owned()], crypto.crypto())
            .map_err(|error| anyhow!("no certificate can be made: {error}"))?;
        let der = certificate.certificate.first().context("an empty certificate")?;
        let mut fingerprint = String::new();
        for (place, byte) in digest::digest(&digest::SHA256, der).as_ref().iter().enumerate() {
            let _ = write!(fingerprint, "{}{byte:02X}", if place == 0 { "" } else { ":" });
        }
        let config = ConfigBuilder::default()
            .with_crypto_provider(crypto.clone())
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
            // Load is put on servers that the operator has named; who they are is not in question.
            .with_insecure_skip_verify(true)
            .with_extended_master_secret(ExtendedMasterSecretType::Request)
            .build(true, None)
            .map_err(|error| anyhow!("DTLS cannot be set up: {error}"))?;
        Ok(Self { crypto, config: Arc::new(config), fingerprint: fingerprint.into() })
    }
}

/// After this the ClientHello is sent again, and then after twice the time, as libwebrtc does: a server that has
/// answered the first check may not be ready to listen. RFC 6347 §4.2.4.1 would have a second.
const FIRST_REPEAT: Duration = Duration::from_millis(50);
/// From here on the endpoint repeats what is unanswered.
const LAST_REPEAT: Duration = Duration::from_millis(400);

/// The DTLS association of one transport.
pub(crate) struct Dtls {
    endpoint: Endpoint,
    is_started: bool,
    /// The ClientHello while it is unanswered.
    hello: Option<Hello>,
}

struct Hello {
    datagram: BytesMut,
    next: Instant,
    interval: Duration,
}

impl Dtls {
    pub(crate) fn new() -> Self {
        Self { endpoint: Endpoint::new(PEER, TransportProtocol::UDP, None), is_started: false, hello: None }
    }

    /// Sends the ClientHello, once.
    pub(crate) fn start(&mut self, now: Instant, identity: &Identity) -> Result<()> {
        if !std::mem::replace(&mut self.is_started, true) {
            let config = identity.config.clone();
            self.endpoint.connect(now, PEER, config, None).map_err(|error| anyhow!("DTLS does not start: {error}"))?;
            self.hello = self.endpoint.poll_transmit().map(|transmit| Hello {
                datagram: transmit.message,
                next: now,
                interval: FIRST_REPEAT,
            });
        }
        Ok(())
    }

    /// Takes in a datagram; gives the ends of SRTP when the handshake is complete with it.
    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) -> Result<Option<(Sealer, Opener)>> {
        self.hello = None;
        // What cannot be read is dropped: it may come from anybody.
        let Ok(events) = self.endpoint.read(now, PEER, None, BytesMut::from(datagram)) else { return Ok(None) };
        for event in events {
            if matches!(event, EndpointEvent::HandshakeComplete) {
                return self.export().map(Some);
            }
        }
        Ok(None)
    }

    fn export(&self) -> Result<(Sealer, Opener)> {
        let state = self.endpoint.get_connection_state(PEER).context("a handshake without an association")?;
        if state.srtp_protection_profile() != SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm {
            return Err(anyhow!("the server does not speak AEAD_AES_128_GCM"));
        }
        let profile = SrtpProfile::AeadAes128Gcm;
        let material = state
            .export_keying_material(EXPORTER, &[], profile.keying_material_bytes())
            .map_err(|error| anyhow!("no SRTP keys: {error}"))?;
        Ok(client_ends(profile, material.as_ref())?)
    }

    pub(crate) fn poll_datagram(&mut self, now: Instant) -> Option<BytesMut> {
        if let Some(hello) = &mut self.hello
            && hello.next <= now
            && hello.interval <= LAST_REPEAT
        {
            hello.next = now + hello.interval;
            hello.interval *= 2;
            return Some(hello.datagram.clone());
        }
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    /// Sends again what is overdue.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.is_started && self.endpoint.poll_timeout(&PEER).is_some_and(|due| due <= now) {
            // It fails when its repetitions are used up; then the peer is found not to have connected.
            let _ = self.endpoint.handle_timeout(PEER, now);
        }
    }
}
