// SPDX-License-Identifier: EUPL-1.2
//! Whoever asks for a page that is no part of the API, and how often they may.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::client_address::{Peer, client_address};
use super::problem::Problem;
use crate::app::App;

/// Whoever asks.
pub(crate) struct Visitor {
    app: Arc<App>,
    address: Option<IpAddr>,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let address = peer.map(|peer| client_address(peer, &parts.headers, &app.config.trusted_proxies));
        Ok(Self { app: app.clone(), address })
    }
}

impl Visitor {
    /// Counts a visit. Fails when there were too many.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        self.address.map_or(Ok(()), |address| self.app.api.limits.check_stranger(address))
    }

    /// Fails when too much of what this visitor showed was wrong. Counts nothing.
    pub(crate) fn check_failures(&self) -> Result<(), Problem> {
        let check = |address| self.app.api.failures.check(Instant::now(), address, None);
        self.address.map_or(Ok(()), check)
    }

    /// Counts something that was wrong.
    pub(crate) fn note_failure(&self) {
        if let Some(address) = self.address {
            self.app.api.failures.note_failure(Instant::now(), address);
        }
    }
}
