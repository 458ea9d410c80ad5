// SPDX-License-Identifier: EUPL-1.2
//! A bridge, with a desk that takes every call, and an end of the sound that writes down its orders.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use bus::phone::{CallEnd, CallTerms, PhoneNotice, desk};
use sip_bridge::Bridge;
use sip_bridge::bridge::BridgeConfig;
use sip_bridge::sip::message::Transport;
use sip_bridge::sound::{SoundEvent, SoundOrder};
use sip_bridge::transport::{Listen, TlsConfig};
use sip_bridge::trunks::TrunkPeer;
use tokio::sync::mpsc;

/// A trunk that is not this machine's usual address.
pub(crate) const TRUNK: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Nobody's.
pub(crate) const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 9, 9, 9));

/// Whoever waits longer than that waits for something that does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) bridge: Bridge,
    pub(crate) orders: Receiver<SoundOrder>,
    /// What the threads of sound hold: without it there would be none.
    _events: mpsc::Sender<SoundEvent>,
    pub(crate) registry: prometheus::Registry,
}

impl Running {
    /// With the one trunk, and a desk that answers all calls but those to `ringing`.
    pub(crate) fn start(tls: Option<TlsConfig>) -> Self {
        let (desk, calls) = desk();
        tokio::spawn(answer_calls(calls));
        let (thread, orders) = sync_channel(1_024);
        let (events, heard) = mpsc::channel(1_024);
        let registry = prometheus::Registry::new();
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = BridgeConfig {
            listen: Listen { udp: vec![local], tcp: vec![local], tls: tls.iter().map(|_| local).collect() },
            tls,
            advertised: None,
            rtp_address: local.ip(),
            rtp_ports: rtp_ports(),
            trunks: vec![TrunkPeer {
                id: "trunk".to_owned(),
                networks: vec!["127.0.0.2/32".parse().unwrap(), "127.0.0.1/32".parse().unwrap()],
                vouches_for_callers: true,
            }],
            max_calls: 100,
            is_dev: false,
        };
        let bridge = Bridge::start(config, desk, vec![thread], heard, &registry).unwrap();
        Self { bridge, orders, _events: events, registry }
    }

    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        let of_kind = self.bridge.local_addresses().iter().find(|(known, _)| *known == transport);
        of_kind.unwrap().1
    }

    /// The orders so far, by name.
    pub(crate) fn order_names(&self) -> Vec<String> {
        let name = |order: SoundOrder| format!("{order:?}").split([' ', '{']).next().unwrap().to_owned();
        self.orders.try_iter().map(name).collect()
    }

    /// The sum of a counter, over its labels.
    pub(crate) fn counted(&self, name: &str, reason: Option<&str>) -> f64 {
        let families = self.registry.gather();
        let metrics = families.iter().filter(|family| family.name() == name).flat_map(|family| family.get_metric());
        let wanted = metrics.filter(|metric| {
            reason.is_none_or(|reason| metric.get_label().iter().any(|label| label.value() == reason))
        });
        wanted.map(|metric| metric.get_counter().get_value()).sum()
    }
}

/// Test binaries run one after the other, and tests in one at the same time: each has ports of its own.
fn rtp_ports() -> std::ops::RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(43_000);
    let first = NEXT.fetch_add(200, Ordering::Relaxed);
    first..=first + 199
}

async fn answer_calls(mut calls: mpsc::Receiver<CallEnd>) {
    while let Some(end) = calls.recv().await {
        tokio::spawn(async move {
            let CallEnd { call, mut requests, notices } = end;
            if call.called != "ringing" {
                let terms = CallTerms { languages: vec!["de".to_owned()], is_direct: false };
                notices.send(PhoneNotice::Begun(terms)).await.unwrap();
            }
            // Until the bridge ends the call.
            while requests.recv().await.is_some() {}
        });
    }
}
