// SPDX-License-Identifier: EUPL-1.2

//! `saal sip`: the bridge for telephones in a process of its own, attached to a node.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, bail};
use link::{BridgeLink, BridgePhone};
use sip_bridge::sound::RoomEnd;
use tracing::info;

use crate::config::Settings;
use crate::running::{self, Stop};
use crate::telephones::{self, Telephones};
use crate::{linked, monitoring, ports};

/// Runs until Ctrl-C or SIGTERM, attached to a node while that is there.
pub(crate) fn run(settings: &Settings, node: &str) -> Result<()> {
    running::until_told(settings, async |stop| serve(settings, node, &stop).await)
}

async fn serve(settings: &Settings, node: &str, stop: &Stop) -> Result<()> {
    let http = ports::listen_for_http(settings).await?;
    let address = http.local_addr().context("asking for the HTTP port")?;
    let secret = settings.link.secret()?;
    let threads = u16::try_from(telephones::threads(settings)).context("sip.threads")?;
    let metrics = prometheus::Registry::new();
    let (desk, calls) = bus::phone::desk();
    let (trunks, operation) = bus::phone::trunks();
    let (dialer, dials) = bus::phone::dialer();
    let phone = BridgePhone { calls, trunks, dialer: Some(dialer) };
    let (mut link, ends) =
        BridgeLink::start(node.to_owned(), secret, threads, phone).context("preparing the link to the node")?;
    let ends = ends.into_iter().map(RoomEnd::from).collect();
    let telephones = Telephones::start(settings, ends, (desk, dials), operation, &metrics, stop.reloads())?;
    let Some(telephones) = telephones else {
        bail!("there is nothing to do without telephones");
    };
    let attached = link.attached();
    linked::show(&metrics, move || *attached.borrow())?;
    let mut pages = pin!(monitoring::serve(http, metrics, link.attached(), stop.clone()));
    info!(http = %address, version = env!("CARGO_PKG_VERSION"), "ready");
    let result = tokio::select! {
        () = stop.asked_for() => Ok(()),
        reason = link.ended() => Err(match reason {
            Some(error) => Error::new(error).context("the node does not take this bridge"),
            None => Error::msg("the bridge for telephones has died: the log tells why; start it again"),
        }),
        () = &mut pages => Ok(()),
    };
    // Without the link there is no call that could go on.
    let drain = if result.is_ok() { settings.sip.drain_time() } else { Duration::ZERO };
    // The link is still there, so signaling hears of each call that ends. Who looks after this process sees how it stands.
    tokio::select! {
        () = telephones.shut_down(drain, stop) => {}
        () = pages => {}
    }
    drop(link);
    info!("stopped");
    result
}
