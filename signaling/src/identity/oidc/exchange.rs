// SPDX-License-Identifier: EUPL-1.2
//! Fetches the tokens for a code (RFC 6749 §4.1.3, RFC 7636 §4.5), and what else the provider says about somebody.

use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::{debug, warn};

use super::Provider;
use super::claims::Claims;
use super::metadata::Metadata;
use super::page::Refusal;
use super::state::SignIn;
use crate::app::App;
use crate::outgoing::{self, OutgoingError};

/// The provider's answer. Other tokens in it are not kept.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// Where the provider sends people back to.
pub(super) fn redirect_uri(app: &App) -> String {
    format!("{}/auth/oidc/callback", app.config.public_url)
}

impl Provider {
    /// Who has signed in, by the code that the browser brought.
    pub(super) async fn exchange(&self, app: &App, sign_in: &SignIn, code: &str) -> Result<Claims, Refusal> {
        let _held = self.exchanges.try_acquire().map_err(|_| Refusal::Busy)?;
        let metadata = self.metadata().await?;
        let tokens = self.tokens(app, &metadata, sign_in, code).await?;
        let access_token = tokens.access_token.as_deref();
        let mut claims = self.verify_id_token(&tokens.id_token, &sign_in.nonce(app), access_token).await?;
        if let (Some(url), Some(token)) = (&metadata.userinfo_endpoint, access_token) {
            self.complete(&mut claims, url, token).await?;
        }
        if !self.settings.is_strong_enough(claims.text("acr")) {
            return Err(Refusal::TooWeak);
        }
        Ok(claims)
    }

    async fn tokens(&self, app: &App, metadata: &Metadata, sign_in: &SignIn, code: &str) -> Result<Tokens, Refusal> {
        let redirect_uri = redirect_uri(app);
        let verifier = sign_in.verifier(app);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let (id, secret) = (self.settings.client_id.as_str(), self.settings.client_secret.expose());
        let methods = &metadata.token_endpoint_auth_methods_supported;
        // Without a word about it, the head is what a provider takes (OpenID Connect Discovery 1.0 §3).
        let takes = |name: &str| methods.iter().any(|method| method == name);
        let goes_in_form = secret.is_empty() || (takes("client_secret_post") && !takes("client_secret_basic"));
        let mut request = self.client.post(&metadata.token_endpoint);
        if goes_in_form {
            form.push(("client_id", id));
            if !secret.is_empty() {
                form.push(("client_secret", secret));
            }
        } else {
            // Each part is encoded like a form first (RFC 6749 §2.3.1).
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(encoded(id), Some(encoded(secret)));
        }
        outgoing::json(request.form(&form)).await.map_err(|error| match error {
            OutgoingError::Status(status) if status.is_client_error() => {
                warn!(%status, "the identity provider gives no tokens for a code");
                Refusal::NotGranted
            }
            error => {
                warn!(%error, "the identity provider gives no tokens");
                Refusal::ProviderAway
            }
        })
    }

    /// Adds what only the userinfo endpoint says (OpenID Connect Core 1.0 §5.3).
    async fn complete(&self, claims: &mut Claims, url: &str, access_token: &str) -> Result<(), Refusal> {
        let request = self.client.get(url).bearer_auth(access_token);
        let more: Map<String, Value> = match outgoing::json(request).await {
            Ok(more) => more,
            Err(error) => {
                // The ID token may say enough.
                debug!(%error, "the identity provider says nothing at its userinfo endpoint");
                return Ok(());
            }
        };
        if more.get("sub") != claims.0.get("sub") {
            return Err(Refusal::BadToken);
        }
        for (name, value) in more {
            claims.0.entry(name).or_insert(value);
        }
        Ok(())
    }
}
