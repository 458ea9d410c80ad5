// SPDX-License-Identifier: EUPL-1.2
//! Takes connections. A client that says nothing, or that says it slowly, is not waited for.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::AddExtension;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Layer as _;
use tracing::{debug, info, warn};

use crate::api::client_address::Peer;
use crate::app::{self, App};
use crate::metrics::Metrics;
use crate::tasks::Tasks;

/// Longest wait for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may carry requests, unless it becomes a websocket. Somebody who reads one byte at a time would
/// hold it for ever otherwise.
const CONNECTION_LIFE: Duration = Duration::from_secs(5 * 60);

/// What the last answer of such a connection gets.
const LAST_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest head of a request. The join request stands in its URL: a browser's has about 4 kB with its token.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Longest time that the end may take.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Rest after the system refused a connection, which it does when there are too many.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` completes, and ends everything then.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let router = app::router(&app);
    let (stop, stopped) = watch::channel(false);
    let connections = Tasks::default();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let service = TowerToHyperService::new(Extension(Peer(peer)).layer(router.clone()));
                let (stopped, guard) = (stopped.clone(), connections.enter());
                let metrics = app.metrics.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve_connection(stream, service, stopped).await {
                        count(&metrics, &error);
                    }
                    drop(guard);
                });
            }
            Err(error) => rest_after(&error).await,
        }
    }
    drop(listener);
    info!("shutting down");
    let end = async {
        app.shut_down().await;
        stop.send_replace(true);
        connections.all_ended().await;
        app.changes.all_ended().await;
    };
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, end).await.is_err() {
        warn!("some connections did not end in time");
    }
}

async fn rest_after(error: &io::Error) {
    // These concern only the one who called.
    let is_of_caller = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !is_of_caller {
        warn!(%error, "no connection can be taken");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Counts a connection that was closed because what came was no HTTP or too much, or because nothing came: browsers
/// that keep one for later are silent as well. Who merely hangs up is no news.
fn count(metrics: &Metrics, error: &hyper::Error) {
    debug!(%error, "a connection ended badly");
    let reason = match error {
        error if error.is_timeout() => "silent",
        error if error.is_parse_too_large() => "too_large",
        error if error.is_parse() => "malformed",
        _ => return,
    };
    metrics.closed_connections.with_label_values(&[reason]).inc();
}

async fn serve_connection(
    stream: TcpStream,
    service: TowerToHyperService<AddExtension<Router, Peer>>,
    mut stopped: watch::Receiver<bool>,
) -> hyper::Result<()> {
    // Messages are short and must not wait for each other.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection cannot be set up");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let stopped = async { drop(stopped.wait_for(|is_stopped| *is_stopped).await) };
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = tokio::time::sleep(CONNECTION_LIFE) => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(LAST_ANSWER_TIMEOUT, connection).await.unwrap_or(Ok(()))
        }
    }
}
