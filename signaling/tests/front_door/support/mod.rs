// SPDX-License-Identifier: EUPL-1.2
//! What the tests are made of.

pub(crate) mod client;
pub(crate) mod hall;
pub(crate) mod livekit_receiver;
pub(crate) mod mail;
pub(crate) mod phone;
pub(crate) mod provider;
pub(crate) mod server;
pub(crate) mod sfu;
pub(crate) mod token;

use std::time::Duration;

pub(crate) use client::Client;
pub(crate) use server::Server;
pub(crate) use sfu::TestSfu;
pub(crate) use token::Token;

/// Longest that a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must happen.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}
