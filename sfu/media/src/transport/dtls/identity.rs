// SPDX-License-Identifier: EUPL-1.2
//! Who we are towards the clients: one self-signed certificate, whose fingerprint our SDP announces (RFC 8122).

use std::sync::Arc;

use aws_lc_rs::digest;
use rtc_crypto::RTCCryptoProvider;
use rtc_crypto::providers::AwsLcRsProvider;
use rtc_dtls::crypto::Certificate;

use crate::session::Fingerprint;

/// No certificate could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no DTLS certificate could be made")]
pub struct IdentityError;

/// A self-signed ECDSA P-256 certificate, made once per process, with the cryptography that uses it. Cheap to clone.
#[derive(Clone)]
pub struct DtlsIdentity(Arc<Inner>);

struct Inner {
    certificate: Certificate,
    fingerprint: Fingerprint,
    provider: Arc<dyn RTCCryptoProvider>,
}

impl DtlsIdentity {
    /// Makes a new certificate.
    ///
    /// # Errors
    ///
    /// When the cryptographic library cannot make a key.
    pub fn generate() -> Result<Self, IdentityError> {
        let provider = Arc::new(AwsLcRsProvider::new());
        // The name is not checked by anyone: WebRTC compares fingerprints.
        let names = vec!["saal".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto()).map_err(|_| IdentityError)?;
        let fingerprint = fingerprint_of(certificate.certificate.first().ok_or(IdentityError)?);
        Ok(Self(Arc::new(Inner { certificate, fingerprint, provider })))
    }

    /// What our SDP announces.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    pub(in crate::transport) fn certificate(&self) -> Certificate {
        self.0.certificate.clone()
    }

    pub(in crate::transport) fn provider(&self) -> Arc<dyn RTCCryptoProvider> {
        Arc::clone(&self.0.provider)
    }
}

impl std::fmt::Debug for DtlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DtlsIdentity").field("fingerprint", &self.0.fingerprint).finish_non_exhaustive()
    }
}

/// The fingerprint of a certificate in DER.
pub(super) fn fingerprint_of(certificate: &[u8]) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    Fingerprint(fingerprint)
}
