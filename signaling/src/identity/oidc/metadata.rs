// SPDX-License-Identifier: EUPL-1.2
//! What the provider says about itself (OpenID Connect Discovery 1.0).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::warn;

use super::page::Refusal;
use crate::outgoing;

/// For how long it holds.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// For how long nobody asks again after the provider did not answer: everybody would wait.
const PAUSE: Duration = Duration::from_secs(2);

/// What the provider says about itself.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Whether it is about `issuer`, and sends nobody where others listen.
    fn is_of(&self, issuer: &str) -> bool {
        let needed = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let optional = [self.userinfo_endpoint.as_ref(), self.end_session_endpoint.as_ref()].into_iter().flatten();
        let scheme = if issuer.starts_with("https://") { "https://" } else { "http" };
        self.issuer == issuer && needed.into_iter().chain(optional).all(|url| url.starts_with(scheme))
    }
}

/// It is asked for once, by whoever comes first; the others wait for that.
#[derive(Default)]
pub(super) struct Cache(Mutex<Known>);

#[derive(Default)]
struct Known {
    metadata: Option<(Instant, Arc<Metadata>)>,
    failed_at: Option<Instant>,
}

impl Cache {
    pub(super) async fn get(&self, client: &reqwest::Client, issuer: &str) -> Result<Arc<Metadata>, Refusal> {
        let mut known = self.0.lock().await;
        let old = known.metadata.as_ref().map(|(_, metadata)| metadata.clone());
        if let Some((since, metadata)) = &known.metadata
            && since.elapsed() < LIFETIME
        {
            return Ok(metadata.clone());
        }
        if known.failed_at.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return old.ok_or(Refusal::ProviderAway);
        }
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        match outgoing::json::<Metadata>(client.get(url)).await {
            Ok(metadata) if metadata.is_of(issuer) => {
                let metadata = Arc::new(metadata);
                *known = Known { metadata: Some((Instant::now(), metadata.clone())), failed_at: None };
                Ok(metadata)
            }
            other => {
                match other {
                    Ok(_) => warn!("the identity provider describes another issuer than oidc.issuer"),
                    Err(error) => warn!(%error, "the identity provider does not describe itself"),
                }
                known.failed_at = Some(Instant::now());
                old.ok_or(Refusal::ProviderAway)
            }
        }
    }
}
