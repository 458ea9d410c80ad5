// SPDX-License-Identifier: EUPL-1.2

//! The node's side of a bridge for telephones in another process: `saal serve` takes one that knows the secret. And what either
//! side shows of the link.

use anyhow::{Context as _, Error, Result};
use bus::phone::{DialOrder, PhoneDesk, TrunkOperation};
use link::{NodeLink, NodePhone, StartError};
use prometheus::{PullingGauge, Registry};
use sfu_node::BridgeEnd;
use tokio::sync::mpsc;
use tracing::info;

use crate::config::Settings;
use crate::ports;

/// Begins to take bridges. All ends of the node are for them.
pub(crate) async fn start(
    settings: &Settings,
    ends: Vec<BridgeEnd>,
    (desk, dials): (PhoneDesk, mpsc::Receiver<DialOrder>),
    trunks: TrunkOperation,
    metrics: &Registry,
) -> Result<NodeLink> {
    let phone = NodePhone { desk, trunks, dials: Some(dials), ends, first_bridge: 0 };
    let link = NodeLink::start(&settings.link.listen, settings.link.secret()?, phone).await.map_err(explain)?;
    for address in link.local_addresses() {
        info!(port = address.port(), "a bridge for telephones can attach itself");
    }
    show(metrics, link.attachment())?;
    Ok(link)
}

/// Shows in the metrics whether the two are attached.
pub(crate) fn show(metrics: &Registry, is_attached: impl Fn() -> bool + Send + Sync + 'static) -> Result<()> {
    let value = Box::new(move || if is_attached() { 1.0 } else { 0.0 });
    let gauge = PullingGauge::new("sip_link_attached", "Whether node and bridge for telephones are attached", value);
    gauge.and_then(|gauge| metrics.register(Box::new(gauge))).context("registering the metric of the link")
}

/// Why no links are taken, with the setting to change.
fn explain(error: StartError) -> Error {
    match error {
        StartError::Listen(address, source) => ports::refusal(&source, "TCP", address, "link.listen"),
        other => Error::new(other).context("starting to take bridges for telephones"),
    }
}
