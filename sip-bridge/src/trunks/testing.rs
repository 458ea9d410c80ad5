// SPDX-License-Identifier: EUPL-1.2
//! Trunks for tests.

use std::sync::Arc;
use std::time::Duration;

use bus::phone::{Credentials, TrunkConfig, TrunkDestination, TrunkRegistration, TrunkTransport};
use zeroize::Zeroizing;

use super::peers::Peer;

/// One that calls us from these networks.
pub(crate) fn config(id: &str, networks: &[&str]) -> TrunkConfig {
    TrunkConfig::of_networks(id, networks.iter().map(|network| network.parse().unwrap()).collect())
}

/// The same as others see it, with the password that it asks for.
pub(crate) fn peer(id: &str, networks: &[&str], caller_credentials: Option<Credentials>) -> Peer {
    let config = Arc::new(TrunkConfig { caller_credentials, ..config(id, networks) });
    Peer { config, places: Vec::new(), contact_user: format!("saal-{id}") }
}

pub(crate) fn credentials(username: &str, password: &str) -> Credentials {
    Credentials { username: username.to_owned(), password: Arc::new(Zeroizing::new(password.to_owned())) }
}

pub(crate) fn destination(host: &str, port: Option<u16>, transport: TrunkTransport) -> TrunkDestination {
    TrunkDestination { host: host.to_owned(), port, transport }
}

/// One where we are registered, with destinations by UDP.
pub(crate) fn registering(id: &str, hosts: &[&str]) -> TrunkConfig {
    TrunkConfig {
        destinations: hosts.iter().map(|host| destination(host, Some(5060), TrunkTransport::Udp)).collect(),
        credentials: Some(credentials("line", "secret")),
        registration: Some(TrunkRegistration {
            domain: "provider.example".to_owned(),
            user: "4930555".to_owned(),
            expires: Duration::from_secs(600),
        }),
        keep_alive: Some(Duration::from_secs(60)),
        ..config(id, &[])
    }
}
