// SPDX-License-Identifier: EUPL-1.2
//! TLS before 1.2 is refused (RFC 8996), and nothing else is harmed by it.

use sip_bridge::sip::message::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::pki_types::ServerName;

use super::bridge::{PATIENCE, Running};
use super::streams::{Phone, certificate};

/// Kinds of records (RFC 5246 §6.2.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// A level and a description of alerts (§7.2).
const FATAL: u8 = 2;
const PROTOCOL_VERSION: u8 = 70;

/// A kind of message in the handshake (§7.4).
const SERVER_HELLO: u8 = 2;

/// Suites of old clients, and the first two, which our server has.
const SUITES: &[u8] = &[0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x0a, 0xc0, 0x14, 0x00, 0x35, 0x00, 0x2f];

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A length in two bytes, and what has it.
fn counted(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    joined(&[&length.to_be_bytes(), content])
}

/// A `ClientHello` in a record (§7.4.1.2), which differs by its version alone: 3.3 is TLS 1.2, 3.2 is 1.1.
fn client_hello((major, minor): (u8, u8)) -> Vec<u8> {
    // secp256r1, points that are not compressed, and ECDSA and RSA with SHA-256.
    let groups = joined(&[&[0, 10], &counted(&counted(&[0, 23]))]);
    let points = joined(&[&[0, 11], &counted(&[1, 0])]);
    let signatures = joined(&[&[0, 13], &counted(&counted(&[4, 3, 8, 4, 4, 1]))]);
    let extensions = joined(&[&groups, &points, &signatures]);
    // Behind the version the random, no session, and no compression.
    let hello = joined(&[&[major, minor], &[7; 32], &[0], &counted(SUITES), &[1, 0], &counted(&extensions)]);
    // The message is a client_hello, and its length has three bytes.
    let message = joined(&[&[1, 0], &counted(&hello)]);
    joined(&[&[HANDSHAKE, 3, 1], &counted(&message)])
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_before_1_2_is_refused_and_the_port_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (config, client) = certificate(folder.path());
    let running = Running::start(Some(config));
    let connect = async || TcpStream::connect(running.address(Transport::Tls)).await.unwrap();

    for version in [(3, 0), (3, 1), (3, 2)] {
        let mut stream = connect().await;
        stream.write_all(&client_hello(version)).await.unwrap();
        let mut told = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut told)).await.unwrap().unwrap();
        let [kind, _, _, 0, 2, level, description] = told[..] else { panic!("{version:?}: {told:?}") };
        assert_eq!((kind, level, description), (ALERT, FATAL, PROTOCOL_VERSION), "{version:?}");
    }

    // With 1.2 the same is accepted: it was the version alone.
    let mut stream = connect().await;
    stream.write_all(&client_hello((3, 3))).await.unwrap();
    let mut told = [0; 11];
    timeout(PATIENCE, stream.read_exact(&mut told)).await.unwrap().unwrap();
    let [kind, _, _, _, _, message, _, _, _, major, minor] = told;
    assert_eq!((kind, message, major, minor), (HANDSHAKE, SERVER_HELLO, 3, 3));
    drop(stream);

    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = client.connect(name, connect().await).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    Phone::on(stream).call("TLS", "one").await;
    running.bridge.shutdown(PATIENCE).await;
}
