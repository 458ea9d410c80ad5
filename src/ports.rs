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

/// Why the SFU does not start.
pub(crate) fn sfu_refusal(error: StartError) -> Error {
    const SETTING: &str = "media.listen (--media)";
    match error {
        StartError::PortTaken(address) => refusal(&ErrorKind::AddrInUse.into(), "UDP", address, SETTING),
        StartError::Socket(address, error) => refusal(&error, "UDP", address, SETTING),
        other => Error::new(other).context("starting the SFU"),
    }
}

fn refusal(error: &std::io::Error, protocol: &str, address: SocketAddr, setting: &str) -> Error {
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

    fn settings(address: SocketAddr) -> Settings {
        Settings { http: Http { listen: address }, ..Settings::default() }
    }

    #[tokio::test]
    async fn a_taken_http_port_is_named_with_the_setting_to_change() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let told = listen_for_http(&settings(address)).await.unwrap_err().to_string();
        assert!(told.starts_with(&format!("TCP port {} is already taken", address.port())), "{told}");
        assert!(told.contains("http.listen"), "{told}");
    }

    #[test]
    fn a_media_port_that_cannot_be_had_is_named_with_the_setting_to_change() {
        let address = "192.0.2.1:7882".parse().unwrap();
        let told = sfu_refusal(StartError::PortTaken(address)).to_string();
        assert!(told.starts_with("UDP port 7882 is already taken") && told.contains("media.listen"), "{told}");
        let told = sfu_refusal(StartError::Socket(address, ErrorKind::AddrNotAvailable.into())).to_string();
        assert!(told.starts_with("192.0.2.1 is no address of this machine"), "{told}");
    }
}
