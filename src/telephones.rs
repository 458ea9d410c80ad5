// SPDX-License-Identifier: EUPL-1.2

//! The bridge for telephones, within `saal serve` or alone as `saal sip`: threads that make the sound of calls, each with an end of
//! an SFU node, and SIP in front of them.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Error, Result};
use bus::phone::{DialOrder, PhoneDesk, TrunkOperation};
use sip_bridge::bridge::{Bridge, BridgeConfig, BridgeError, CertificateReader};
use sip_bridge::prompts::Prompts;
use sip_bridge::sip::message::Transport;
use sip_bridge::sound::{RoomEnd, SoundConfig, SoundLibrary, SoundMetrics, SoundThread};
use sip_bridge::transport::{Listen, Roots, TlsConfig, TransportError};
use sip_bridge::trunks::SystemDns;
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::config::{Settings, Sip};
use crate::ports;
use crate::running::{SPOKEN_GOODBYE, Stop};

/// Events that wait for call control: more than all threads say in the time in which it could not look. When it is full, a
/// thread keeps its events for the next tick.
const SOUND_EVENTS: usize = 4_096;

/// How many threads make sound. Each takes an end of the SFU node.
pub(crate) fn threads(settings: &Settings) -> usize {
    match (settings.sip.is_on(), settings.sip.threads) {
        (false, _) => 0,
        (true, 0) => std::thread::available_parallelism().map_or(1, usize::from),
        (true, threads) => threads,
    }
}

/// The bridge, while it runs.
pub(crate) struct Telephones {
    bridge: Bridge,
    sound: Vec<JoinHandle<()>>,
}

impl Telephones {
    /// Begins to take calls; `None` where there are to be no telephones. The certificate is read again with each change of
    /// `reloads`.
    pub(crate) fn start(
        settings: &Settings,
        ends: Vec<RoomEnd>,
        (desk, dials): (PhoneDesk, mpsc::Receiver<DialOrder>),
        trunks: TrunkOperation,
        metrics: &prometheus::Registry,
        reloads: watch::Receiver<()>,
    ) -> Result<Option<Self>> {
        if ends.is_empty() {
            return Ok(None);
        }
        let prompts = match settings.sip.prompts.as_path() {
            none if none.as_os_str().is_empty() => Prompts::embedded(),
            folder => Prompts::with_folder(folder).context("sip.prompts")?,
        };
        let config = SoundConfig::new(Arc::new(SoundLibrary::new(prompts)));
        let (events, happened) = mpsc::channel(SOUND_EVENTS);
        let (mut orders, mut sound, mut counters) = (Vec::new(), Vec::new(), Vec::new());
        for end in ends {
            let config = SoundConfig { counters: Arc::default(), ..config.clone() };
            counters.push(config.counters.clone());
            let (to_thread, thread) =
                SoundThread::spawn(Some(end), config, events.clone()).context("starting a thread for telephones")?;
            orders.push(to_thread);
            sound.push(thread);
        }
        drop(events);
        metrics.register(Box::new(SoundMetrics::new(counters)?)).context("registering the metrics of telephones")?;
        match Bridge::start(bridge_config(settings, trunks, dials)?, desk, orders, happened, metrics) {
            Ok(bridge) => {
                for (transport, address) in bridge.local_addresses() {
                    info!(transport = transport.as_str(), port = address.port(), "telephones can call");
                }
                if let Some(all) = settings.sip.all_addresses() {
                    tell_usual_address(Bridge::usual_address(all));
                }
                if !settings.sip.certificate.as_os_str().is_empty() {
                    tokio::spawn(read_certificate_again(bridge.certificate_reader(), reloads));
                }
                Ok(Some(Self { bridge, sound }))
            }
            // Somebody who tries Saal does not care who else has that port.
            Err(error) if settings.dev && settings.sip.is_as_in_development() && is_taken(&error) => {
                warn!("telephones cannot call: the port for SIP is taken; choose another with --sip");
                Ok(None)
            }
            Err(error) => Err(explain(error)),
        }
    }

    /// Takes no new calls, and waits until those that go on have ended, for `drain` at most. Then it tells callers that we restart,
    /// and hangs up. Who is asked to stop a second time neither waits nor speaks.
    pub(crate) async fn shut_down(self, drain: Duration, stop: &Stop) {
        let mut may_speak = true;
        if !drain.is_zero() {
            info!(seconds = drain.as_secs(), "no calls are taken any more; waiting for those that go on");
            tokio::select! {
                () = self.bridge.drain() => {}
                is_in_peace = stop.wait(drain) => may_speak = is_in_peace,
            }
        }
        self.bridge.shutdown(if may_speak { SPOKEN_GOODBYE } else { Duration::ZERO }).await;
        // Call control is gone, and the threads end with it.
        for thread in self.sound {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// Says what those who call are told where nobody has set it.
fn tell_usual_address(address: Option<IpAddr>) {
    match address {
        Some(address) => info!(
            %address,
            "telephones are told the address by which each is reached, beyond our own networks this one; behind NAT, set \
             sip.advertise"
        ),
        None => warn!(
            "this machine knows no way beyond its own networks, so telephones there cannot call: give it a default route, \
             or set sip.listen to one of its addresses, or sip.advertise to the one that they reach"
        ),
    }
}

/// Reads the certificate again whenever somebody asks for it. What cannot be used changes nothing.
async fn read_certificate_again(reader: CertificateReader, mut reloads: watch::Receiver<()>) {
    while reloads.changed().await.is_ok() {
        match reader.read_again().await {
            Ok(()) => info!("the certificate for telephones has been read again"),
            Err(error) => {
                error!(%error, "sip.certificate and sip.key cannot be read again; those before stay in use");
            }
        }
    }
}

fn bridge_config(
    settings: &Settings,
    trunks: TrunkOperation,
    dials: mpsc::Receiver<DialOrder>,
) -> Result<BridgeConfig> {
    let Sip { listen, listen_tls, certificate, key, ca_file, advertise, max_calls, .. } = &settings.sip;
    let has_certificate = !certificate.as_os_str().is_empty();
    let roots = if ca_file.as_os_str().is_empty() { Roots::System } else { Roots::File(ca_file.clone()) };
    let tls = TlsConfig { certificate: certificate.clone(), key: key.clone() };
    let dns = SystemDns::new().unwrap_or_else(|error| {
        warn!(%error, "trunks can only be reached by addresses, not by names");
        SystemDns::without_servers()
    });
    let first = listen.iter().chain(listen_tls).map(SocketAddr::ip).next();
    Ok(BridgeConfig {
        listen: Listen { udp: listen.clone(), tcp: listen.clone(), tls: listen_tls.clone() },
        tls: has_certificate.then_some(tls),
        roots,
        advertised: advertise.first().copied(),
        rtp_address: first.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        rtp_ports: settings.sip.rtp_ports().context("sip.rtp_ports")?,
        trunks,
        dials,
        dns: Arc::new(dns),
        max_calls: *max_calls,
        is_dev: settings.dev,
    })
}

fn is_taken(error: &BridgeError) -> bool {
    let BridgeError::Transport(TransportError::Listen { source, .. }) = error else { return false };
    source.kind() == ErrorKind::AddrInUse
}

/// Why the bridge does not start, with the setting to change.
fn explain(error: BridgeError) -> Error {
    match error {
        BridgeError::Transport(TransportError::Listen { transport, address, source }) => {
            let setting = if transport == Transport::Tls { "sip.listen_tls" } else { "sip.listen (--sip)" };
            ports::refusal(&source, transport.as_str(), address, setting)
        }
        other => Error::new(other).context("starting the bridge for telephones"),
    }
}
