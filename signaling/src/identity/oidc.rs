// SPDX-License-Identifier: EUPL-1.2
//! Sign-in with the organisation's identity provider, by OpenID Connect: authorization code with PKCE. The provider also
//! tells us when somebody signs out there, and may vouch for people's software.

mod account;
mod claims;
mod exchange;
mod keys;
mod logout;
mod metadata;
mod page;
pub(crate) mod routes;
mod settings;
mod state;
mod texts;
mod tokens;

use std::io;
use std::sync::Arc;

use tokio::sync::Semaphore;

use self::settings::Settings;
pub(crate) use self::tokens::caller;

use self::keys::Keys;
use self::metadata::Metadata;
use self::page::Refusal;
use crate::config::Oidc;
use crate::outgoing;

/// Sign-ins that ask the provider at the same time. Whoever comes later is told to try again.
const AT_ONCE: usize = 32;

/// The identity provider.
pub(crate) struct Provider {
    settings: Settings,
    client: reqwest::Client,
    metadata: metadata::Cache,
    keys: Keys,
    exchanges: Arc<Semaphore>,
}

impl Provider {
    /// Prepares it. It is asked when somebody signs in, so that we start without it.
    pub(crate) fn new(config: &Oidc) -> Result<Self, io::Error> {
        let settings = Settings::new(config).map_err(|what| io::Error::new(io::ErrorKind::InvalidInput, what))?;
        Ok(Self {
            settings,
            client: outgoing::client().map_err(io::Error::other)?,
            metadata: metadata::Cache::default(),
            keys: Keys::default(),
            exchanges: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, Refusal> {
        self.metadata.get(&self.client, &self.settings.issuer).await
    }
}
