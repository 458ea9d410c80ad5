// SPDX-License-Identifier: EUPL-1.2

//! What `saal sip` answers by HTTP, at the paths at which `saal serve` does: whether it lives, whether it can take calls, and what
//! it counts. Nothing else is served, and nobody is known by it, so it stays on loopback or in a network of one's own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use prometheus::{Encoder as _, Registry, TextEncoder};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::running::Stop;

/// Who is answered at the same time: a few programs that look after this one. Further ones wait in the kernel.
const VISITORS: usize = 16;

/// What asking and being answered may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than any such program says before the empty line.
const LONGEST_HEAD_BYTES: usize = 8 * 1_024;

/// Pause after accepting has failed, mostly because there are too many open files.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// What is asked about.
struct Monitored {
    registry: Registry,
    attached: watch::Receiver<bool>,
    /// Whether this process is about to end.
    is_ending: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Answers for as long as it is polled.
pub(crate) async fn serve(listener: TcpListener, registry: Registry, attached: watch::Receiver<bool>, stop: Stop) {
    let is_ending = Box::new(move || stop.is_asked_for());
    let monitored = Arc::new(Monitored { registry, attached, is_ending });
    let mut visitors = JoinSet::new();
    loop {
        while visitors.try_join_next().is_some() {}
        if visitors.len() >= VISITORS {
            visitors.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let monitored = monitored.clone();
                visitors.spawn(async move {
                    match timeout(PATIENCE, answer(stream, &monitored)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => debug!(%error, "a request could not be answered"),
                        Err(_) => debug!("a request took too long"),
                    }
                });
            }
            Err(error) => {
                warn!(%error, "a request could not be accepted");
                sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
            }
        }
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, monitored: &Monitored) -> io::Result<()> {
    let head = read_head(&mut stream).await?;
    let Page { status, kind, body } = monitored.page(&head);
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(&[answer.as_bytes(), &body].concat()).await?;
    stream.shutdown().await
}

/// All up to the empty line. What is longer or ends before is not answered.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut part = [0; 1_024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut part).await?;
        if length == 0 || head.len() + length > LONGEST_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend_from_slice(&part[..length]);
    }
    Ok(head)
}

/// What is answered.
struct Page {
    status: &'static str,
    kind: &'static str,
    body: Vec<u8>,
}

impl Page {
    fn text(status: &'static str, body: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: body.as_bytes().to_vec() }
    }
}

impl Monitored {
    fn page(&self, head: &[u8]) -> Page {
        match head.strip_prefix(b"GET ").and_then(|rest| rest.split(|byte| *byte == b' ').next()) {
            None => Page::text("405 Method Not Allowed", "only GET is understood"),
            Some(b"/health/live") => Page::text("200 OK", "OK"),
            Some(b"/health/ready") if (self.is_ending)() => {
                Page::text("503 Service Unavailable", "this process is about to end")
            }
            Some(b"/health/ready") if *self.attached.borrow() => Page::text("200 OK", "OK"),
            Some(b"/health/ready") => Page::text("503 Service Unavailable", "no node is attached"),
            Some(b"/metrics") => self.metrics(),
            Some(_) => Page::text("404 Not Found", "there is nothing here"),
        }
    }

    fn metrics(&self) -> Page {
        let mut body = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut body) {
            Ok(()) => Page { status: "200 OK", kind: prometheus::TEXT_FORMAT, body },
            Err(error) => {
                warn!(%error, "the metrics cannot be written");
                Page::text("500 Internal Server Error", "the metrics cannot be written")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus::IntCounter;

    use super::*;

    /// The answer to a request, or nothing.
    async fn answered(is_attached: bool, request: &[u8]) -> String {
        answered_when(is_attached, false, request).await
    }

    async fn answered_when(is_attached: bool, is_ending: bool, request: &[u8]) -> String {
        let is_ending = Box::new(move || is_ending);
        let registry = Registry::new();
        registry.register(Box::new(IntCounter::new("sip_tries_total", "Tries").unwrap())).unwrap();
        let (_keeps_it, attached) = watch::channel(is_attached);
        let (mut ours, theirs) = tokio::io::duplex(64 * 1_024);
        ours.write_all(request).await.unwrap();
        ours.shutdown().await.unwrap();
        drop(answer(theirs, &Monitored { registry, attached, is_ending }).await);
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn got(is_attached: bool, path: &str) -> String {
        answered(is_attached, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await
    }

    #[tokio::test]
    async fn it_is_ready_while_a_node_is_attached() {
        assert!(got(true, "/health/ready").await.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(got(false, "/health/ready").await.starts_with("HTTP/1.1 503 "));
        assert!(got(false, "/health/live").await.starts_with("HTTP/1.1 200 OK\r\n"));
    }

    #[tokio::test]
    async fn it_lives_and_is_not_ready_when_it_is_about_to_end() {
        let request = b"GET /health/ready HTTP/1.1\r\n\r\n";
        assert!(answered_when(true, false, request).await.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(answered_when(true, true, request).await.starts_with("HTTP/1.1 503 "));
        let request = b"GET /health/live HTTP/1.1\r\n\r\n";
        assert!(answered_when(true, true, request).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }

    #[tokio::test]
    async fn what_is_counted_is_shown_and_nothing_else() {
        let metrics = got(true, "/metrics").await;
        assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n") && metrics.contains("\nsip_tries_total 0\n"), "{metrics}");
        assert!(got(true, "/api/v1").await.starts_with("HTTP/1.1 404 "));
        assert!(answered(true, b"POST /metrics HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 405 "));
    }

    #[tokio::test]
    async fn what_does_not_end_is_not_answered() {
        assert_eq!(answered(true, b"GET /metrics HTTP/1.1\r\n").await, "");
        assert_eq!(answered(true, &[b'a'; LONGEST_HEAD_BYTES + 1]).await, "");
    }
}
