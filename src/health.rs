// SPDX-License-Identifier: EUPL-1.2

//! `saal health`: asks the server on this machine whether it is ready, for container health checks.
//!
//! Plain HTTP over one socket: an image with nothing but Saal in it has no other program for this.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A server that needs longer to say that it is well is not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Fails when the server at `listen` is not ready.
pub(crate) fn run(listen: SocketAddr) -> Result<()> {
    let server = reachable(listen);
    let answer = ask(server).with_context(|| format!("no answer from {server}"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    ensure!(status == "200", "not ready: {server} answered with status {status:?}");
    Ok(())
}

fn ask(server: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&server, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    // In one piece: `write!` would send a segment for each part of the text.
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    // The status line is all that matters, and it fits.
    let mut start = [0; 64];
    let length = connection.read(&mut start)?;
    Ok(String::from_utf8_lossy(&start[..length]).into_owned())
}

/// Where a program on this machine reaches a server: one that listens everywhere, on loopback.
pub(crate) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn health_of_a_server_that_says(answer: &'static str) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = connection.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /health/ready HTTP/1.1\r\n"));
            connection.write_all(answer.as_bytes()).unwrap();
        });
        let health = run(address);
        server.join().unwrap();
        health
    }

    #[test]
    fn a_ready_server_is_well() {
        assert!(health_of_a_server_that_says("HTTP/1.1 200 OK\r\n\r\n").is_ok());
    }

    #[test]
    fn a_server_that_drains_or_talks_nonsense_is_not() {
        let told = health_of_a_server_that_says("HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(told.to_string().contains("503"), "{told}");
        assert!(health_of_a_server_that_says("").is_err());
    }

    #[test]
    fn a_server_on_all_addresses_is_asked_on_loopback() {
        for (listens, is_asked) in
            [("0.0.0.0:7880", "127.0.0.1:7880"), ("[::]:7880", "[::1]:7880"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(reachable(listens.parse().unwrap()).to_string(), is_asked);
        }
    }
}
