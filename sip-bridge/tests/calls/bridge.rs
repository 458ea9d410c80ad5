// SPDX-License-Identifier: EUPL-1.2
//! A bridge, with a desk that takes every call, and an end of the sound that writes down its orders.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bus::phone::{
    CallEnd, CallTerms, Credentials, Dialer, PhoneNotice, PhoneRequest, TrunkAdministration, TrunkConfig, TrunkList,
    TrunkState, desk, dialer, trunks,
};
use sip_bridge::Bridge;
use sip_bridge::bridge::BridgeConfig;
use sip_bridge::prompts::Prompts;
use sip_bridge::sip::message::Transport;
use sip_bridge::sound::{SoundConfig, SoundEvent, SoundLibrary, SoundMetrics, SoundOrder, SoundThread};
use sip_bridge::transport::{Listen, Roots, TlsConfig};
use sip_bridge::trunks::{Dns, SystemDns};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// A trunk that is not this machine's usual address.
pub(crate) const TRUNK: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Nobody's.
pub(crate) const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 9, 9, 9));

/// Whoever waits longer than that waits for something that does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) bridge: Bridge,
    pub(crate) orders: Receiver<SoundOrder>,
    /// Where calls are ordered.
    pub(crate) dialer: Dialer,
    /// Signaling's end of the trunks.
    pub(crate) administration: TrunkAdministration,
    /// The conference numbers that callers key in.
    pub(crate) codes: mpsc::Receiver<String>,
    /// What the threads of sound hold: without it there would be none.
    _events: mpsc::Sender<SoundEvent>,
    /// The thread that makes real sound, if there is one.
    sound: Option<JoinHandle<()>>,
    pub(crate) registry: prometheus::Registry,
}

/// What a bridge of a test has beside what all have.
pub(crate) struct Setup {
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) roots: Roots,
    pub(crate) trunks: Vec<TrunkConfig>,
    pub(crate) dns: Arc<dyn Dns>,
    /// Where SIP and sound are listened for.
    pub(crate) listen: IpAddr,
}

impl Default for Setup {
    /// The one trunk, on this machine's usual address and on [`TRUNK`].
    fn default() -> Self {
        let trunk = trunk("trunk", &["127.0.0.2/32", "127.0.0.1/32"]);
        let trunks = vec![TrunkConfig { vouches_for_callers: true, ..trunk }];
        let dns = Arc::new(SystemDns::without_servers());
        Self { tls: None, roots: Roots::default(), trunks, dns, listen: Ipv4Addr::LOCALHOST.into() }
    }
}

/// A trunk that only calls us.
pub(crate) fn trunk(id: &str, networks: &[&str]) -> TrunkConfig {
    TrunkConfig::of_networks(id, networks.iter().map(|network| network.parse().unwrap()).collect())
}

pub(crate) fn credentials(username: &str, password: &str) -> Option<Credentials> {
    Some(Credentials { username: username.to_owned(), password: Arc::new(Zeroizing::new(password.to_owned())) })
}

impl Running {
    pub(crate) fn start(tls: Option<TlsConfig>) -> Self {
        Self::with(Setup { tls, ..Setup::default() })
    }

    /// With a desk that answers all calls but those to `ringing`.
    pub(crate) fn with(setup: Setup) -> Self {
        let (thread, orders) = sync_channel(1_024);
        let (events, heard) = mpsc::channel(1_024);
        Self::begin(setup, thread, orders, (events, heard), None, prometheus::Registry::new())
    }

    /// With sound, which a thread makes as in operation. Its orders are not written down.
    pub(crate) fn with_sound(setup: Setup) -> Self {
        let (events, heard) = mpsc::channel(1_024);
        let config = SoundConfig::new(Arc::new(SoundLibrary::new(Prompts::embedded())));
        let registry = prometheus::Registry::new();
        registry.register(Box::new(SoundMetrics::new(vec![config.counters.clone()]).unwrap())).unwrap();
        let (thread, sound) = SoundThread::spawn(None, config, events.clone()).unwrap();
        let (_, orders) = sync_channel(1);
        Self::begin(setup, thread, orders, (events, heard), Some(sound), registry)
    }

    fn begin(
        setup: Setup,
        thread: SyncSender<SoundOrder>,
        orders: Receiver<SoundOrder>,
        (events, heard): (mpsc::Sender<SoundEvent>, mpsc::Receiver<SoundEvent>),
        sound: Option<JoinHandle<()>>,
        registry: prometheus::Registry,
    ) -> Self {
        let Setup { tls, roots, trunks: list, dns, listen } = setup;
        let (desk, calls) = desk();
        let (keyed_in, codes) = mpsc::channel(64);
        tokio::spawn(answer_calls(calls, keyed_in));
        let local = SocketAddr::new(listen, 0);
        let (administration, operation) = trunks();
        administration.list.send_replace(list.into());
        let (dialer, dials) = dialer();
        let config = BridgeConfig {
            listen: Listen { udp: vec![local], tcp: vec![local], tls: tls.iter().map(|_| local).collect() },
            tls,
            roots,
            advertised: None,
            rtp_address: local.ip(),
            rtp_ports: rtp_ports(),
            trunks: operation,
            dials,
            dns,
            max_calls: 100,
            is_dev: false,
        };
        let bridge = Bridge::start(config, desk, vec![thread], heard, &registry).unwrap();
        Self { bridge, orders, dialer, administration, codes, _events: events, sound, registry }
    }

    /// Ends the bridge, and its sound.
    pub(crate) async fn end(self) {
        let Self { bridge, sound, .. } = self;
        bridge.shutdown(PATIENCE).await;
        if let Some(sound) = sound {
            tokio::task::spawn_blocking(move || sound.join().unwrap()).await.unwrap();
        }
    }

    /// Administers other trunks.
    pub(crate) fn administer(&self, list: Vec<TrunkConfig>) {
        self.administration.list.send_replace(TrunkList::from(list));
    }

    /// Waits until a trunk is as wanted.
    pub(crate) async fn until(&mut self, id: &str, is_wanted: impl Fn(&TrunkState) -> bool) {
        let states = &mut self.administration.states;
        let waited = timeout(PATIENCE, states.wait_for(|states| states.get(id).is_some_and(&is_wanted)));
        let is_late = waited.await.is_err();
        assert!(!is_late, "{id}: {:?}", self.administration.states.borrow().get(id));
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

    /// The sum of a counter or gauge, over its labels.
    pub(crate) fn counted(&self, name: &str, reason: Option<&str>) -> f64 {
        let families = self.registry.gather();
        let metrics = families.iter().filter(|family| family.name() == name).flat_map(|family| family.get_metric());
        let wanted = metrics.filter(|metric| {
            reason.is_none_or(|reason| metric.get_label().iter().any(|label| label.value() == reason))
        });
        wanted.map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value()).sum()
    }
}

/// Test binaries run one after the other, and tests in one at the same time: each has ports of its own.
fn rtp_ports() -> std::ops::RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(43_000);
    let first = NEXT.fetch_add(200, Ordering::Relaxed);
    first..=first + 199
}

async fn answer_calls(mut calls: mpsc::Receiver<CallEnd>, codes: mpsc::Sender<String>) {
    while let Some(end) = calls.recv().await {
        let codes = codes.clone();
        tokio::spawn(async move {
            let CallEnd { call, mut requests, notices } = end;
            if call.called != "ringing" {
                let terms = CallTerms { languages: vec!["de".to_owned()], is_direct: false, tenant: None };
                notices.send(PhoneNotice::Begun(terms)).await.unwrap();
            }
            // Until the bridge ends the call.
            while let Some(request) = requests.recv().await {
                if let PhoneRequest::CheckId { digits, .. } = request {
                    // Where nobody reads them, those that do not fit are not wanted either.
                    let _ = codes.try_send(digits.as_str().to_owned());
                }
            }
        });
    }
}
