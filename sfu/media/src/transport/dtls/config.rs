// SPDX-License-Identifier: EUPL-1.2
//! What we demand of a handshake (RFC 8827 §6.5, RFC 5764 §4.1).

use std::sync::Arc;
use std::time::Duration;

use rtc_dtls::cipher_suite::CipherSuiteId;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::error::Error;

use super::identity::{DtlsIdentity, fingerprint_of};
use crate::session::Fingerprint;
use crate::transport::srtp::SrtpProfile;

/// `rtc-dtls` gives up after seven intervals. The transport's own limit on the handshake is shorter than that.
const FLIGHT_INTERVAL: Duration = Duration::from_millis(1500);

pub(super) fn on_the_wire(profile: SrtpProfile) -> SrtpProtectionProfile {
    match profile {
        SrtpProfile::AeadAes128Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        SrtpProfile::Aes128CmHmacSha1_80 => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    }
}

/// One cipher suite, which every WebRTC client must know (RFC 8827 §6.5), and the client's certificate is required.
pub(super) fn handshake_config(
    identity: &DtlsIdentity,
    remote_fingerprint: Fingerprint,
    profile: SrtpProfile,
) -> Result<HandshakeConfig, Error> {
    ConfigBuilder::default()
        .with_crypto_provider(identity.provider())
        .with_certificates(vec![identity.certificate()])
        .with_cipher_suites(vec![CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256])
        .with_srtp_protection_profiles(vec![on_the_wire(profile)])
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        // The chain means nothing in WebRTC, the fingerprint everything (RFC 8827 §6.5).
        .with_insecure_skip_verify(true)
        .with_verify_peer_certificate(Some(Arc::new(move |chain: &[Vec<u8>], _| {
            let shown = chain.first().map(|certificate| fingerprint_of(certificate));
            if shown == Some(remote_fingerprint) { Ok(()) } else { Err(Error::ErrInvalidCertificate) }
        })))
        .with_flight_interval(FLIGHT_INTERVAL)
        .build(false, None)
}
