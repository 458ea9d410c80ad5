// SPDX-License-Identifier: EUPL-1.2
//! The bridge's way in: SIP's sockets and call control, started and ended. Signaling's desk and the threads of sound are
//! given by whoever starts it.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use bus::phone::{DialOrder, PhoneDesk, TrunkOperation};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::control::look_ups::LookUps;
use crate::control::task::{BridgeOrder, ControlTask};
use crate::control::{ControlCore, CoreSettings, bind, check};
use crate::media::rtp::{EmptyRange, Ports};
use crate::metrics::Metrics;
use crate::sip::config::Config;
use crate::sip::message::{Host, Transport};
use crate::sound::{SoundEvent, SoundOrder};
use crate::transport::{Listen, Roots, TlsConfig, TlsError, TransportError, Wires, elsewhere, own_address};
use crate::trunks::{Dns, Locals, Trunks, default_port};

/// How long signaling may take to say whether a call is answered. It needs milliseconds.
const RING_TIME: Duration = Duration::from_secs(30);

/// Calls that the endpoint has beside those that count: of strangers, which are refused at once, and those whose BYE is not
/// answered yet.
const CALLS_IN_PASSING: usize = 512;

/// Orders that wait for call control. They are rare; when it is full, who orders waits.
const ORDERS: usize = 4;

/// Registrations at the same time: more than anybody has trunks, with those that are being taken away.
const REGISTRATIONS: usize = 1_024;

/// What a bridge is told at its start.
#[derive(Debug)]
pub struct BridgeConfig {
    /// Where SIP is listened for.
    pub listen: Listen,
    /// Needed to listen by TLS.
    pub tls: Option<TlsConfig>,
    /// Whose certificates we accept where we connect by TLS.
    pub roots: Roots,
    /// Our address as others see it, for SIP and for sound. Needed behind a NAT. Without it each is told the address by which
    /// we reach them.
    pub advertised: Option<IpAddr>,
    /// Where sound is received.
    pub rtp_address: IpAddr,
    /// At which ports. A call takes two.
    pub rtp_ports: RangeInclusive<u16>,
    /// Which trunks there are, while it runs, and where is told how they are.
    pub trunks: TrunkOperation,
    /// Which calls are to be made.
    pub dials: mpsc::Receiver<DialOrder>,
    /// Who is asked where trunks' destinations are.
    pub dns: Arc<dyn Dns>,
    /// Calls at the same time. Further ones get 503.
    pub max_calls: usize,
    /// Whether this machine may call, too.
    pub is_dev: bool,
}

/// Why there is no bridge.
#[derive(Debug, Error)]
pub enum BridgeError {
    /// The sockets of SIP.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The ports for sound.
    #[error(transparent)]
    Ports(#[from] EmptyRange),
    /// We would tell telephones to send to "all addresses".
    #[error("the advertised address is none that anybody could send to")]
    NoAddress,
    /// Nobody makes sound.
    #[error("at least one thread of sound is needed")]
    NoSound,
    /// A name is taken.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
}

/// A bridge that runs. Dropping it shuts it down without waiting for that.
pub struct Bridge {
    addresses: Vec<(Transport, SocketAddr)>,
    orders: mpsc::Sender<BridgeOrder>,
    shutdown: oneshot::Sender<Duration>,
    task: JoinHandle<()>,
}

impl Bridge {
    /// Begins to take calls, on the runtime that this is called on. `sound` has the threads in the order of the node's
    /// bridges; each takes a call's orders, and all report to `events`.
    ///
    /// # Errors
    /// What it is told does not fit together, or an address is in use.
    pub fn start(
        config: BridgeConfig,
        desk: PhoneDesk,
        sound: Vec<SyncSender<SoundOrder>>,
        events: mpsc::Receiver<SoundEvent>,
        registry: &prometheus::Registry,
    ) -> Result<Self, BridgeError> {
        let listen = &config.listen;
        if config.advertised.is_some_and(|address| address.is_unspecified()) {
            return Err(BridgeError::NoAddress);
        }
        if sound.is_empty() {
            return Err(BridgeError::NoSound);
        }
        let ports = Ports::new(config.rtp_ports, StdRng::from_os_rng())?;
        let metrics = Metrics::new(registry)?;
        let trunks = Arc::new(Trunks::default());
        let certificates = (config.tls.as_ref(), &config.roots);
        let (wires, arrivals) = Wires::open(listen, certificates, trunks.clone(), &metrics)?;
        let addresses = wires.local_addresses();
        let settings = CoreSettings {
            rtp_address: config.rtp_address,
            trunks,
            locals: Locals::new(addresses.clone(), config.advertised, own_address),
            is_dev: config.is_dev,
            max_calls: config.max_calls,
            threads: sound.len(),
        };
        let endpoint = endpoint_config(&addresses, config.advertised, config.max_calls);
        let rtp_address = config.rtp_address;
        let core = ControlCore::new(
            Instant::now(),
            settings,
            endpoint,
            ports,
            Box::new(move |port| bind(rtp_address, port)),
            metrics,
            [StdRng::from_os_rng(), StdRng::from_os_rng(), StdRng::from_os_rng()],
        );
        let (shutdown, is_asked) = oneshot::channel();
        let (orders, ordered) = mpsc::channel(ORDERS);
        let task = ControlTask::new(
            core,
            (wires, arrivals),
            (desk, config.dials),
            sound,
            events,
            (config.trunks, LookUps::new(config.dns)),
        );
        let task = tokio::spawn(task.run(is_asked, ordered));
        Ok(Self { addresses, orders, shutdown, task })
    }

    /// Where it listens, with the ports that were free.
    #[must_use]
    pub fn local_addresses(&self) -> &[(Transport, SocketAddr)] {
        &self.addresses
    }

    /// The address that is told to those beyond this machine's own networks, where none is advertised and `listening` is
    /// all addresses. `None`: no way leads there.
    #[must_use]
    pub fn usual_address(listening: IpAddr) -> Option<IpAddr> {
        own_address(elsewhere(listening))
    }

    /// Has its certificate read again, by whoever is told that there is another.
    #[must_use]
    pub fn certificate_reader(&self) -> CertificateReader {
        CertificateReader(self.orders.clone())
    }

    /// Takes no new calls from now on (503, also to OPTIONS), and returns when those that there are have ended. Registrations stay.
    /// Who stops waiting has the bridge go on declining calls.
    pub async fn drain(&self) {
        let (answer, is_over) = oneshot::channel();
        // Either fails when the bridge has ended, and with it its calls.
        if self.orders.send(BridgeOrder::Drain(answer)).await.is_ok() {
            let _ = is_over.await;
        }
    }

    /// Takes no new calls, tells callers that we restart, and hangs up: when each has heard it, or after `goodbye`. What is
    /// answered to that is waited for three seconds longer at most.
    pub async fn shutdown(self, goodbye: Duration) {
        // It has ended when nobody listens.
        let _ = self.shutdown.send(goodbye);
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            tracing::error!("call control has panicked");
        }
    }
}

/// Has a bridge's certificate read again. It may outlive the bridge.
#[derive(Clone)]
pub struct CertificateReader(mpsc::Sender<BridgeOrder>);

impl CertificateReader {
    /// Reads certificate and key again. Connections that are keep theirs.
    ///
    /// # Errors
    /// They cannot be used. Then those before stay in use.
    pub async fn read_again(&self) -> Result<(), TlsError> {
        let (answer, answered) = oneshot::channel();
        // It fails when the bridge has ended; nothing needs a certificate then.
        if self.0.send(BridgeOrder::ReloadTls(answer)).await.is_err() {
            return Ok(());
        }
        answered.await.unwrap_or(Ok(()))
    }
}

fn endpoint_config(addresses: &[(Transport, SocketAddr)], advertised: Option<IpAddr>, max_calls: usize) -> Config {
    let mut sent_by: Vec<(Transport, Host, u16)> = Vec::new();
    // One for each transport. Without an advertised address the flow says which of ours it is, or the way to the other
    // side.
    for (transport, address) in addresses {
        if let Some(ip) = advertised
            && !sent_by.iter().any(|(known, ..)| known == transport)
        {
            sent_by.push((*transport, Host::Address(ip), address.port()));
        }
    }
    // Trunks may be spoken to by streams for which nothing is listened.
    if let Some(ip) = advertised {
        for transport in [Transport::Tcp, Transport::Tls] {
            if !sent_by.iter().any(|(known, ..)| *known == transport) {
                sent_by.push((transport, Host::Address(ip), default_port(transport)));
            }
        }
    }
    let is_unlistened = |transport: &Transport| !addresses.iter().any(|(known, _)| known == transport);
    Config {
        sent_by,
        own_address,
        unlistened: [Transport::Tcp, Transport::Tls].into_iter().filter(is_unlistened).collect(),
        check: Some(check),
        ring_timeout: RING_TIME,
        max_calls: max_calls.saturating_add(CALLS_IN_PASSING),
        max_registrations: REGISTRATIONS,
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_without_a_listener_is_known_as_such() {
        let at = |transport| (transport, SocketAddr::from(([192, 0, 2, 1], 5060)));
        let usual = endpoint_config(&[at(Transport::Udp), at(Transport::Tcp)], None, 1);
        assert_eq!(usual.unlistened, [Transport::Tls]);
        let only_tls = endpoint_config(&[at(Transport::Tls)], None, 1);
        assert_eq!(only_tls.unlistened, [Transport::Tcp]);
    }
}
