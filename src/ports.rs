// SPDX-License-Identifier: EUPL-1.2

//! Which addresses this process listens on and tells others, and one clear sentence when it cannot.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::{Error, Result, anyhow};
use tokio::net::TcpListener;

use crate::config::{Media, Settings};

/// Starts to listen for HTTP.
pub(crate) async fn listen_for_http(settings: &Settings) -> Result<TcpListener> {
    let address = settings.http.listen;
    TcpListener::bind(address).await.map_err(|error| refusal(&error, "TCP", address, "http.listen (--http)"))
}

/// Fails when somebody else has the media port. The shards would share it without noticing: they bind with
/// `SO_REUSEPORT`, and the kernel would then deal out our callers between two servers.
pub(crate) fn check_media_port(settings: &Settings) -> Result<()> {
    let address = settings.media.listen;
    UdpSocket::bind(address).map_err(|error| refusal(&error, "UDP", address, "media.listen (--media)"))?;
    Ok(())
}

/// The addresses under which browsers find the media port.
pub(crate) fn advertised(media: &Media, dev: bool) -> Vec<IpAddr> {
    if !media.advertise.is_empty() {
        return media.advertise.clone();
    }
    let own = media.listen.ip();
    if !own.is_unspecified() {
        return vec![own];
    }
    let mut addresses: Vec<IpAddr> = outward_address().into_iter().collect();
    // A developer's machine may be on no network at all.
    if dev || addresses.is_empty() {
        addresses.push(Ipv4Addr::LOCALHOST.into());
    }
    addresses
}

/// The address this machine uses towards other networks. Connecting a UDP socket sends nothing; it makes the
/// kernel choose a route, here to an address that is reserved for documentation.
fn outward_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
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
        Settings {
            http: Http { listen: address },
            media: Media { listen: address, ..Media::default() },
            ..Settings::default()
        }
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
    fn a_taken_media_port_is_noticed_although_the_shards_share_theirs() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let told = check_media_port(&settings(address)).unwrap_err().to_string();
        assert!(told.contains(&format!("UDP port {}", address.port())) && told.contains("media.listen"), "{told}");
        drop(taken);
        assert!(check_media_port(&settings(address)).is_ok());
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let told = check_media_port(&settings("192.0.2.1:7882".parse().unwrap())).unwrap_err().to_string();
        assert!(told.starts_with("192.0.2.1 is no address of this machine"), "{told}");
    }

    #[test]
    fn the_operator_decides_which_address_is_told() {
        let outer: IpAddr = "192.0.2.7".parse().unwrap();
        let media = Media { advertise: vec![outer], ..Media::default() };
        assert_eq!(advertised(&media, true), [outer]);
    }

    #[test]
    fn a_server_on_one_address_tells_that_one() {
        let media = Media { listen: "192.0.2.7:7882".parse().unwrap(), ..Media::default() };
        assert_eq!(advertised(&media, false), ["192.0.2.7".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn there_is_always_an_address_and_for_development_loopback_is_one() {
        let media = Media::default();
        assert!(!advertised(&media, false).is_empty());
        assert!(advertised(&media, true).contains(&Ipv4Addr::LOCALHOST.into()));
        assert!(advertised(&media, false).iter().all(|ip| !ip.is_unspecified()));
    }
}
