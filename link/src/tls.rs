// SPDX-License-Identifier: EUPL-1.2
//! TLS 1.3 without certificates that anybody has to care for: the node makes one at its start, and the bridge takes any. Who
//! the other side is, is proven afterwards (`secret.rs`), over what TLS exports of the connection.

use std::sync::Arc;

use thiserror::Error;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error as RustlsError, ServerConfig, SignatureScheme};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::secret::PROOF_BYTES;

/// What the certificate is for. Nobody looks at it.
pub(crate) const NAME: &str = "saal";

/// For what the exported bytes are (RFC 5705 §4).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-saal-link";

/// Why there is no TLS.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    /// No certificate could be made.
    #[error("making a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The library does not take what it is given.
    #[error(transparent)]
    Config(#[from] RustlsError),
}

/// The node's side.
pub(crate) fn acceptor() -> Result<TlsAcceptor, TlsError> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The bridge's side.
pub(crate) fn connector() -> Result<TlsConnector, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = AnyCertificate(provider.signature_verification_algorithms);
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What only the two ends of this connection know.
pub(crate) fn exported<S>(stream: &TlsStream<S>) -> Result<[u8; PROOF_BYTES], RustlsError> {
    let bytes = [0; PROOF_BYTES];
    match stream {
        TlsStream::Client(client) => client.get_ref().1.export_keying_material(bytes, EXPORTER_LABEL, None),
        TlsStream::Server(server) => server.get_ref().1.export_keying_material(bytes, EXPORTER_LABEL, None),
    }
}

/// Takes whoever has the key of the certificate that they show.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
