// SPDX-License-Identifier: EUPL-1.2
//! A trunk by TLS: found by its name, and believed by its certificate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{
    DestinationState, RegistrationState, TrunkConfig, TrunkDestination, TrunkRegistration, TrunkTransport,
};
use sip_bridge::sip::message::{Message, Transport};
use sip_bridge::sip::parse::{Frame, Framer, parse};
use sip_bridge::transport::Roots;
use sip_bridge::trunks::{Dns, DnsAnswer, DnsError, DnsFuture, DnsService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::bridge::{PATIENCE, Running, Setup, trunk};

const NAME: &str = "provider.example";

/// A zone with one service.
#[derive(Debug)]
struct Zone {
    server: SocketAddr,
}

impl Dns for Zone {
    fn services<'a>(&'a self, name: &'a str) -> DnsFuture<'a, DnsService> {
        let service =
            DnsService { priority: 1, weight: 1, port: self.server.port(), target: "edge.provider.example".to_owned() };
        answer((name == "_sips._tcp.provider.example").then_some(service))
    }

    fn addresses<'a>(&'a self, name: &'a str) -> DnsFuture<'a, IpAddr> {
        answer((name == "edge.provider.example").then_some(self.server.ip()))
    }
}

fn answer<T: Send + 'static>(record: Option<T>) -> DnsFuture<'static, T> {
    let found = |record| DnsAnswer { records: vec![record], valid_for: Duration::from_secs(60) };
    Box::pin(std::future::ready(record.map(found).ok_or(DnsError::NotThere)))
}

/// A registrar that has a certificate for that name and takes everybody.
async fn registrar(folder: &Path, name: &str) -> (SocketAddr, Roots) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let root = folder.join("root.pem");
    std::fs::write(&root, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()];
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 4, 1), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // It fails where the certificate is not believed.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            tokio::spawn(async move {
                let (mut framer, mut buffer) = (Framer::new(), [0; 4_096]);
                while let Ok(length) = stream.read(&mut buffer).await
                    && length > 0
                {
                    let mut rest = &buffer[..length];
                    while !rest.is_empty() {
                        rest = &rest[framer.handle_bytes(rest)..];
                        while let Some(frame) = framer.poll_frame() {
                            let Frame::Message(bytes) = frame.unwrap() else { continue };
                            let Message::Request(request) = parse(&bytes, Transport::Tls).unwrap() else { continue };
                            let mut response = request.response(200, "OK");
                            response.headers.to.params.set("tag", Some("t".to_owned()));
                            response.headers.contact = request.headers.contact;
                            stream.write_all(&response.to_bytes()).await.unwrap();
                        }
                    }
                }
            });
        }
    });
    (address, Roots::File(root))
}

fn running(server: SocketAddr, roots: Roots) -> Running {
    let provider = TrunkConfig {
        destinations: vec![TrunkDestination { host: NAME.to_owned(), port: None, transport: TrunkTransport::Tls }],
        registration: Some(TrunkRegistration {
            domain: NAME.to_owned(),
            user: "line".to_owned(),
            expires: Duration::from_secs(600),
        }),
        keep_alive: Some(Duration::from_secs(1)),
        ..trunk("provider", &[])
    };
    Running::with(Setup { roots, trunks: vec![provider], dns: Arc::new(Zone { server }), ..Setup::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trunk_is_found_by_its_name_and_its_certificate_is_for_that() {
    let folder = tempfile::tempdir().unwrap();
    let (server, roots) = registrar(folder.path(), NAME).await;
    let mut running = running(server, roots);
    let registered = Some(RegistrationState::Registered);
    running
        .until("provider", |state| {
            state.registration == registered && state.destinations == [DestinationState::Reachable]
        })
        .await;
    assert_eq!(running.counted("sip_look_ups_total", Some("found")), 1.0);
    running.bridge.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_the_server_s_own_name_is_not_the_provider_s() {
    let folder = tempfile::tempdir().unwrap();
    let (server, roots) = registrar(folder.path(), "edge.provider.example").await;
    let mut running = running(server, roots);
    running.until("provider", |state| state.destinations == [DestinationState::Unreachable]).await;
    running.until("provider", |state| state.registration == Some(RegistrationState::Failed { status: None })).await;
    running.bridge.shutdown(PATIENCE).await;
}
