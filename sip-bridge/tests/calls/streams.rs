// SPDX-License-Identifier: EUPL-1.2
//! Over TCP and TLS.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sip_bridge::sip::message::{Message, Method, Transport};
use sip_bridge::sip::parse::{Frame, parse};
use sip_bridge::transport::TlsConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::bridge::{PATIENCE, Running};
use super::phone::{invite, request};
pub(crate) use super::stream_phone::Phone;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_tcp_in_small_pieces() {
    let running = Running::start(None);
    let mut phone = Phone::tcp(&running).await;
    phone.call("TCP", "one").await;
    let text = invite("TCP", "two");
    for piece in text.as_bytes().chunks(7) {
        phone.stream.write_all(piece).await.unwrap();
    }
    phone.finish("TCP", "two").await;
    assert_eq!(running.order_names(), ["Begin", "Open", "End", "Begin", "Open", "End"]);
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keep_alive_is_answered() {
    let running = Running::start(None);
    let mut phone = Phone::tcp(&running).await;
    phone.send("\r\n\r\n").await;
    assert_eq!(phone.frame().await, Some(Frame::Pong));
    phone.call("TCP", "one").await;
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_outlives_its_connection_and_is_hung_up_by_another() {
    let running = Running::start(None);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let contact = format!("sip:phone@{};transport=tcp", listener.local_addr().unwrap());
    let mut phone = Phone::tcp(&running).await;
    phone.send(&invite("TCP", "one").replace("sip:phone@phone.invalid", &contact)).await;
    let answer = phone.expect(200).await;
    phone.send(&request("ACK", "TCP", "one", 1, answer.headers.to.tag(), "")).await;
    // Its answer says that the ACK before it has come.
    phone.send("\r\n\r\n").await;
    assert_eq!(phone.frame().await, Some(Frame::Pong));
    drop(phone);
    let hung_up = async {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut phone = Phone::on(stream);
        let Some(Frame::Message(bytes)) = phone.frame().await else { panic!("no message") };
        let Ok(Message::Request(bye)) = parse(&bytes, Transport::Tcp) else { panic!("no request") };
        assert_eq!((bye.method.clone(), bye.headers.call_id.as_str()), (Method::Bye, "one"));
        phone.send(&String::from_utf8(bye.response(200, "OK").to_bytes()).unwrap()).await;
    };
    tokio::join!(running.bridge.shutdown(Duration::from_millis(100)), hung_up);
}

/// Writes a certificate for this machine, and trusts it.
pub(crate) fn certificate(folder: &Path) -> (TlsConfig, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(vec![Ipv4Addr::LOCALHOST.to_string()]).unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (TlsConfig { certificate, key }, Arc::new(client).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_tls_and_a_new_certificate_without_a_new_start() {
    let folder = tempfile::tempdir().unwrap();
    let (config, old) = certificate(folder.path());
    let running = Running::start(Some(config.clone()));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connect = async |client: &TlsConnector| {
        let stream = TcpStream::connect(running.address(Transport::Tls)).await.unwrap();
        client.connect(name.clone(), stream).await.map(Phone::on)
    };
    let mut phone = connect(&old).await.unwrap();
    phone.call("TLS", "one").await;

    let (_, new) = certificate(folder.path());
    assert!(connect(&new).await.is_err(), "it is not read yet");
    running.bridge.certificate_reader().read_again().await.unwrap();
    connect(&new).await.unwrap().call("TLS", "two").await;
    phone.call("TLS", "three").await;

    std::fs::write(&config.key, "nonsense").unwrap();
    let error = running.bridge.certificate_reader().read_again().await.unwrap_err();
    assert!(error.to_string().contains("key.pem"), "{error}");
    connect(&new).await.unwrap().call("TLS", "four").await;
    running.bridge.shutdown(PATIENCE).await;
}
