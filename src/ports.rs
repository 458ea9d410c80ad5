// SPDX-License-Identifier: EUPL-1.2

//! The ports this process listens on, and one clear sentence when it cannot have one.

use std::io::ErrorKind;
use std::net::SocketAddr;

use anyhow::{Error, Result, anyhow};
use sfu_node::StartError;
use tokio::net::TcpListener;

use crate::config::Settings;

/// Starts to listen for HTTP.
pub(crate) async fn listen_for_http(settings: &Settings) -> Result<TcpListener> {
    let address = settings.http.listen;
    TcpListener::bind(address).await.map_err(|error| refusal(&error, "TCP", address, "http.listen (--http)"))
}

/// Why the SFU cannot have its port, or does not start for another reason.
pub(crate) fn explain(error: StartError) -> Error {
    match error {
        StartError::Socket(address, error) => refusal(&error, "UDP", address, "media.listen (--media)"),
        StartError::Addresses(error) => anyhow!(
            "cannot read the addresses of this machine ({error}): name those that browsers use as media.advertise \
             (--advertise)"
        ),
        other => Error::new(other).context("starting the SFU"),
    }
}

/// Why a socket cannot be had, with the setting to change.
pub(crate) fn refusal(error: &std::io::Error, protocol: &str, address: SocketAddr, setting: &str) -> Error {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("{protocol} port {port} is already taken: stop the other program or choose another {setting}")
        }
        ErrorKind::AddrNotAvailable => {
            anyhow!("{} is no address of this machine: choose another {setting}", address.ip())
        }
        ErrorKind::PermissionDenied => {
            anyhow!("{protocol} port {port} is not for this user: choose a port from 1024 on as {setting}")
        }
        _ => anyhow!("cannot listen on {protocol} {address}: {error}; the setting is {setting}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Http;

    #[tokio::test]
    async fn a_taken_http_port_is_named_with_the_setting_to_change() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let settings = Settings { http: Http { listen: address, ..Http::default() }, ..Settings::default() };
        let told = listen_for_http(&settings).await.unwrap_err().to_string();
        assert!(told.starts_with(&format!("TCP port {} is already taken", address.port())), "{told}");
        assert!(told.contains("http.listen"), "{told}");
    }

    #[test]
    fn what_the_sfu_lacks_is_named_with_the_setting_to_change() {
        let address: SocketAddr = "192.0.2.1:7882".parse().unwrap();
        let told = |kind: ErrorKind| explain(StartError::Socket(address, kind.into())).to_string();
        let taken = told(ErrorKind::AddrInUse);
        assert!(taken.starts_with("UDP port 7882 is already taken") && taken.contains("media.listen"), "{taken}");
        assert!(told(ErrorKind::AddrNotAvailable).starts_with("192.0.2.1 is no address of this machine"));
        assert!(told(ErrorKind::PermissionDenied).contains("a port from 1024 on as media.listen"));
        let blind = explain(StartError::Addresses(ErrorKind::Unsupported.into())).to_string();
        assert!(blind.contains("media.advertise (--advertise)") && blind.lines().count() == 1, "{blind}");
    }
}
