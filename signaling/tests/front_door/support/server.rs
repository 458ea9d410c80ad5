// SPDX-License-Identifier: EUPL-1.2
//! A service of the test's own, on a loopback port or in memory.

use std::net::SocketAddr;
use std::time::Duration;

use bus::Bus;
use bus::phone::{DialOrder, Dialer, PhoneDesk, TrunkOperation};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use prometheus::Registry;
use serde_json::Value;
use signaling::{ApiKey, Config, RoomDefaults, TelephoneEnds};
use store::testing::TestStore;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::token::{KEY, SECRET};
use super::{TestSfu, Token, soon};

/// A service and its SFU.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) sfu: TestSfu,
    pub(crate) database: TestStore,
    pub(crate) phone_desk: PhoneDesk,
    /// What a bridge hears of trunks, and says of them.
    pub(crate) trunks: TrunkOperation,
    /// Where calls are ordered, and what is: nobody takes them but the test.
    pub(crate) dialer: Dialer,
    pub(crate) dials: tokio::sync::Mutex<mpsc::Receiver<DialOrder>>,
    /// Says that the service will end.
    pub(crate) leave: Box<dyn Fn() + Send + Sync>,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// How the tests' services behave.
pub(crate) fn config() -> Config {
    Config {
        api_keys: vec![ApiKey { key: KEY.into(), secret: SECRET.into() }],
        rooms: RoomDefaults { departure_timeout: Duration::from_secs(20), ..RoomDefaults::default() },
        ..Config::default()
    }
}

/// An answer to an HTTP request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In small letters.
    pub(crate) head: String,
    /// Where it leads, as it is written.
    pub(crate) location: Option<String>,
    /// What it sets, as it is written.
    pub(crate) cookies: Vec<String>,
    /// As it came.
    pub(crate) raw_head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text()))
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(config()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        Self::start_on(TestStore::sqlite().await, config).await
    }

    /// On that database.
    pub(crate) async fn start_on(database: TestStore, config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::start_behind(listener, database, config).await
    }

    /// On that database and port.
    pub(crate) async fn start_behind(listener: TcpListener, database: TestStore, config: Config) -> Self {
        let bus = Bus::local();
        let sfu = TestSfu::serve(&bus, "node");
        let address = listener.local_addr().expect("an address");
        let (shutdown, told) = oneshot::channel();
        let (administration, trunks) = bus::phone::trunks();
        let (dialer, dials) = bus::phone::dialer();
        let ends = TelephoneEnds { trunks: administration, dialer: dialer.clone() };
        let store = database.store.clone();
        let service = Box::pin(signaling::Service::new(config, store, bus, Registry::new(), Some(ends)));
        let service = service.await.expect("a good configuration");
        let (phone_desk, leave) = (service.phone_desk(), Box::new(service.leaver()));
        let shutdown_asked = async { drop(told.await) };
        let task = tokio::spawn(async { service.serve(listener, shutdown_asked).await.expect("served") });
        let dials = dials.into();
        Self { address, sfu, database, phone_desk, trunks, dialer, dials, leave, shutdown: Some(shutdown), task }
    }

    /// Asks the service to end.
    pub(crate) fn shut_down(&mut self) {
        self.shutdown.take();
    }

    /// Waits until the service has ended.
    pub(crate) async fn ended(self) {
        soon(self.task).await.expect("ended well");
    }

    /// Ends the service and gives back its database.
    pub(crate) async fn stop(mut self) -> TestStore {
        self.shut_down();
        soon(self.task).await.expect("ended well");
        self.database
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn request(&self, head: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        request_over(stream, head, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path}"), &[], &[]).await
    }

    /// Calls RoomService in JSON.
    pub(crate) async fn call(&self, method: &str, token: &Token, request: Value) -> Answer {
        call_over(TcpStream::connect(self.address).await.expect("connected"), method, token, request).await
    }
}

/// Sends a request over a connection of its own and reads the answer.
pub(crate) async fn request_over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    head: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = format!("{head} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += "host: localhost\r\n";
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n", body.len());
    let mut answer = Vec::new();
    soon(async {
        stream.write_all(request.as_bytes()).await.expect("sent");
        // A server that has heard enough may have hung up.
        drop(stream.write_all(body).await);
        drop(stream.read_to_end(&mut answer).await);
    })
    .await;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let raw_head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let set = raw_head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let cookies = set.map(|(_, cookie)| cookie.to_owned()).collect();
    let location = raw_head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("location"));
    let location = location.map(|(_, location)| location.to_owned());
    let head = raw_head.to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head, raw_head, location, cookies, body: answer[end + 4..].to_vec() }
}

/// Calls RoomService in JSON over a connection of its own.
pub(crate) async fn call_over(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    token: &Token,
    request: Value,
) -> Answer {
    let headers = [("authorization", &*format!("Bearer {}", token.sign())), ("content-type", "application/json")];
    let path = format!("POST /twirp/livekit.RoomService/{method}");
    request_over(stream, &path, &headers, request.to_string().as_bytes()).await
}

/// Serves one connection in memory, where time can be paused.
pub(crate) fn serve_in_memory(router: axum::Router) -> DuplexStream {
    serve_in_memory_through(router, 64 * 1024)
}

/// The same, with so many bytes under way at most.
pub(crate) fn serve_in_memory_through(router: axum::Router, bytes: usize) -> DuplexStream {
    let (client, server) = tokio::io::duplex(bytes);
    let service = TowerToHyperService::new(router);
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades();
    tokio::spawn(async { drop(connection.await) });
    client
}
