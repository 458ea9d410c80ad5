// SPDX-License-Identifier: EUPL-1.2

//! `saal serve`: puts the roles together in one process, and ends them together.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bus::Bus;
use link::NodeLink;
use sfu_node::NodeConfig;
use signaling::ApiKey;
use sip_bridge::sound::RoomEnd;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::info;

use crate::config::Settings;
use crate::running::{self, Stop};
use crate::telephones::{self, Telephones};
use crate::{database, health, linked, output, ports, token};

/// The name of the SFU node in the same process.
const OWN_NODE: &str = "local";

/// The room of the link that `--dev` prints.
const DEV_ROOM: &str = "demo";

/// Runs until Ctrl-C or SIGTERM.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    running::until_told(settings, async |stop| {
        let http = ports::listen_for_http(settings).await?;
        run_roles(settings, http, &stop).await
    })
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
        // One of them is 0: the bridge is here or elsewhere.
        bridge_ends: telephones::threads(settings).max(settings.link.bridge_ends()),
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
    let (ends, phone) = (node.take_bridge_ends(), (service.phone_desk(), dials));
    let bridge = if settings.link.is_on() {
        Some(Callers::Linked(linked::start(settings, ends, phone, trunk_operation, &metrics).await?))
    } else {
        let ends = ends.into_iter().map(RoomEnd::from).collect();
        let telephones = Telephones::start(settings, ends, phone, trunk_operation, &metrics, stop.reloads())?;
        telephones.map(Callers::Here)
    };
    announce(settings, http.local_addr().context("asking for the HTTP port")?);
    let telephones_ended = end_first(bridge, service.leaver(), settings.sip.drain_time(), stop.clone());
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

/// What has the callers of this node.
enum Callers {
    /// A bridge in this process.
    Here(Telephones),
    /// The way to one in another.
    Linked(NodeLink),
}

impl Callers {
    /// Takes no others, and has callers hear why they must go: those who are still there after `drain`.
    async fn shut_down(self, drain: Duration, stop: &Stop) {
        match self {
            Self::Here(telephones) => telephones.shut_down(drain, stop).await,
            // The bridge tells its callers.
            Self::Linked(link) => link.shut_down().await,
        }
    }
}

/// Once it is time, has whoever can go elsewhere (`leave`), and callers hear why they must go, before their rooms end. Returns when
/// that is over.
fn end_first(
    bridge: Option<Callers>,
    leave: impl FnOnce() + Send + 'static,
    drain: Duration,
    stop: Stop,
) -> impl Future<Output = ()> + Send + 'static {
    let (over, is_over) = oneshot::channel();
    tokio::spawn(async move {
        stop.asked_for().await;
        leave();
        if let Some(bridge) = bridge {
            bridge.shut_down(drain, &stop).await;
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
