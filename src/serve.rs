// SPDX-License-Identifier: EUPL-1.2

//! `saal serve`: puts the roles together in one process, and ends them together.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bus::Bus;
use sfu_node::NodeConfig;
use signaling::ApiKey;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

use crate::config::Settings;
use crate::telephones::{self, Telephones};
use crate::{database, health, logging, output, ports, token};

/// What ending may take. Service managers wait longer than this before they kill.
const LONGEST_GOODBYE: Duration = Duration::from_secs(9);

/// A part of that: for how long callers may hear that we restart. Hanging up takes no time, unless a telephone does not answer.
const SPOKEN_GOODBYE: Duration = Duration::from_secs(4);

/// A part of that: what tasks get which are still busy when the roles have ended.
const LAST_TASKS: Duration = Duration::from_millis(500);

/// The name of the SFU node in the same process.
const OWN_NODE: &str = "local";

/// The room of the link that `--dev` prints.
const DEV_ROOM: &str = "demo";

/// Runs until Ctrl-C or SIGTERM.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    logging::start(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let result = runtime.block_on(serve(settings));
    runtime.shutdown_timeout(LAST_TASKS);
    result
}

async fn serve(settings: &Settings) -> Result<()> {
    let stop = Stop::on_signals()?;
    let http = ports::listen_for_http(settings).await?;
    let goodbye = {
        let stop = stop.clone();
        async move {
            stop.asked_for().await;
            tokio::time::sleep(LONGEST_GOODBYE - LAST_TASKS).await;
        }
    };
    tokio::select! {
        result = run_roles(settings, http, &stop) => result,
        () = goodbye => {
            warn!("some calls did not end in time and were cut");
            Ok(())
        }
    }
}

/// The one place where the roles are composed: the bus, the SFU node, the signaling service.
async fn run_roles(settings: &Settings, http: TcpListener, stop: &Stop) -> Result<()> {
    let store = tokio::select! {
        store = database::open_patiently(settings) => store?,
        () = stop.asked_for() => return Ok(()),
    };
    let metrics = prometheus::Registry::new();
    let bus = Bus::local();
    let node_config = NodeConfig {
        media: settings.media.listen,
        advertise: settings.media.advertise.clone(),
        shards: settings.media.shards,
        bridge_ends: telephones::threads(settings),
        dev: settings.dev,
    };
    let mut node = sfu_node::Service::start(&node_config, OWN_NODE.into(), &bus, &metrics).map_err(ports::explain)?;
    let died = node.died();
    let (trunks, trunk_operation) = bus::phone::trunks();
    let (dialer, dials) = bus::phone::dialer();
    let ends = signaling::TelephoneEnds { trunks, dialer };
    let config = signaling_config(settings)?;
    let service = signaling::Service::new(config, store.clone(), bus, metrics.clone(), Some(ends));
    let service = tokio::select! {
        service = service => service.context("starting the signaling service")?,
        () = stop.asked_for() => return Ok(()),
    };
    let (ends, desk) = (node.take_bridge_ends(), service.phone_desk());
    let telephones = Telephones::start(settings, ends, (desk, dials), trunk_operation, &metrics)?;
    announce(settings, http.local_addr().context("asking for the HTTP port")?);
    let telephones_ended = end_first(telephones, stop.clone());
    tokio::select! {
        result = service.serve(http, telephones_ended) => result.context("serving HTTP")?,
        () = died => {
            // The clients of the shards that still run get their goodbye.
            let _ = node.shutdown().await;
            bail!("the SFU has died: the log tells why; start Saal again")
        }
    }
    // Signaling has said goodbye to everybody, so nothing depends on the node any more.
    node.shutdown().await.context("ending the SFU")?;
    store.close().await;
    info!("stopped");
    Ok(())
}

/// Once it is time, has callers hear why they must go, before their rooms end. Returns when that is over.
fn end_first(telephones: Option<Telephones>, stop: Stop) -> impl Future<Output = ()> + Send + 'static {
    let (over, is_over) = oneshot::channel();
    tokio::spawn(async move {
        stop.asked_for().await;
        if let Some(telephones) = telephones {
            telephones.shut_down(SPOKEN_GOODBYE).await;
        }
        let _ = over.send(());
    });
    async { is_over.await.unwrap_or_default() }
}

fn signaling_config(settings: &Settings) -> Result<signaling::Config> {
    let api_keys = settings.api_keys.iter().map(|(key, secret)| ApiKey { key: key.clone(), secret: secret.clone() });
    Ok(signaling::Config {
        dev: settings.dev,
        api_keys: api_keys.collect(),
        rooms: signaling::RoomDefaults {
            auto_create: settings.rooms.auto_create,
            empty_timeout: settings.rooms.empty_timeout,
            departure_timeout: settings.rooms.departure_timeout,
            max_participants: settings.rooms.max_participants,
        },
        public_url: public_url(settings),
        trusted_proxies: settings.http.trusted_proxies.clone(),
        api_requests_per_second: settings.api.requests_per_second,
        oidc: settings.oidc.for_signaling(),
        mail: settings.mail()?,
        webhook_networks: settings.webhooks.allowed_networks.clone(),
        livekit_webhooks: signaling::LivekitWebhooks {
            urls: settings.livekit_webhooks.urls.clone(),
            api_key: settings.livekit_webhooks.api_key.clone(),
        },
    })
}

/// The beginning of every link.
fn public_url(settings: &Settings) -> String {
    match settings.http.public_url.as_str() {
        "" => format!("http://{}", health::reachable(settings.http.listen)),
        url => url.to_owned(),
    }
}

/// Says that people can come, and for development where to.
fn announce(settings: &Settings, http: SocketAddr) {
    info!(%http, version = env!("CARGO_PKG_VERSION"), "ready");
    if settings.dev {
        let base = format!("http://{http}");
        let link = token::room_link(&base, DEV_ROOM);
        let greeting = format!("Saal is ready at {base}\nTo try it, open this in two browser tabs: {link}");
        // A server does not end because nobody reads this.
        let _ = output::print(greeting);
    }
}

/// Whether somebody asked this process to end; clones share the answer.
#[derive(Clone)]
struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Watches for Ctrl-C and SIGTERM from now on.
    fn on_signals() -> Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt()).context("watching for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("watching for SIGTERM")?;
        let (asked, receiver) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => info!("Ctrl-C: stopping"),
                _ = terminate.recv() => info!("SIGTERM: stopping"),
            }
            asked.send_replace(true);
        });
        Ok(Self(receiver))
    }

    /// Ends when the process shall.
    fn asked_for(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.clone();
        async move {
            // An error means that nobody watches any more; ending is then the only safe answer.
            let _ = receiver.wait_for(|asked| *asked).await;
        }
    }
}
