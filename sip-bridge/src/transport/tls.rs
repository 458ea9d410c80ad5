// SPDX-License-Identifier: EUPL-1.2
//! Certificates: ours, for who connects to us, and whose word we take where we connect. Each can be there without the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Files in the PEM format.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Our certificate, with those between it and a root behind it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Whose certificates we accept where we connect.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// Those that the system trusts.
    #[default]
    System,
    /// Those in a file, in the PEM format, and no others.
    File(PathBuf),
}

/// Why TLS cannot be set up. The message names the file.
#[derive(Debug, Error)]
pub enum TlsError {
    /// It is not there, or not in the PEM format.
    #[error("cannot read {path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("cannot use the certificate and its key: {0}")]
    Certificate(#[from] rustls::Error),
    /// The system's roots cannot be read.
    #[error("cannot read the certificates that the system trusts: {0}")]
    System(io::Error),
}

/// Both sides of it.
pub(super) struct Tls {
    server: Option<Server>,
    /// `None`: the system trusts nobody that we know of, so that no certificate can be checked.
    client: Option<Arc<ClientConfig>>,
}

struct Server {
    config: TlsConfig,
    loaded: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    pub(super) fn load(config: Option<&TlsConfig>, roots: &Roots) -> Result<Self, TlsError> {
        let load = |config: &TlsConfig| {
            Ok::<_, TlsError>(Server { config: config.clone(), loaded: RwLock::new(Arc::new(server(config)?)) })
        };
        let client = match client(roots) {
            Ok(client) => Some(Arc::new(client)),
            // Whoever has no trunk by TLS needs none.
            Err(TlsError::System(error)) => {
                tracing::warn!(%error, "no trunk can be reached by TLS: the system's certificates cannot be read");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(Self { server: config.map(load).transpose()?, client })
    }

    /// Reads certificate and key again. When that fails, those before stay.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let Some(own) = &self.server else { return Ok(()) };
        let loaded = Arc::new(server(&own.config)?);
        *own.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// For who connects now.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        let server = self.server.as_ref()?;
        Some(server.loaded.read().unwrap_or_else(PoisonError::into_inner).clone().into())
    }

    /// To connect.
    pub(super) fn connector(&self) -> Option<TlsConnector> {
        Some(self.client.clone()?.into())
    }
}

fn server(config: &TlsConfig) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&config.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|error| unreadable(&config.key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_no_client_auth().with_single_cert(chain, key)?)
}

fn client(roots: &Roots) -> Result<ClientConfig, TlsError> {
    let mut store = RootCertStore::empty();
    let trusted = match roots {
        Roots::File(path) => certificates(path)?,
        Roots::System => {
            let loaded = rustls_native_certs::load_native_certs();
            match loaded.errors.into_iter().next() {
                Some(error) if loaded.certs.is_empty() => return Err(TlsError::System(io::Error::other(error))),
                _ => loaded.certs,
            }
        }
    };
    // A root of a kind that we do not know is none for us, and no reason to do without the others.
    store.add_parsable_certificates(trusted);
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(store).with_no_client_auth())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => {
            Err(TlsError::File { path: path.to_owned(), reason: "no certificate in it".to_owned() })
        }
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &pem::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: error.to_string() }
}
