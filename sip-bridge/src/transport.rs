// SPDX-License-Identifier: EUPL-1.2
//! SIP's sockets (RFC 3261 §18): UDP, TCP and TLS, listened on and opened. What arrives is judged by `admission`, parsed,
//! and handed on; what is to be sent is sent, without waiting.
//!
//! Answers travel the way of their request, however long they are (§18.2.2): over UDP the network then cuts them into
//! fragments. Our own requests within calls have about 700 bytes, below the 1,300 from which §18.1.1 wants a stream, and
//! stay on the way of their call. What no datagram can carry counts as not delivered.
//!
//! Connections are opened to trunks alone. So nobody else can have us knock somewhere.

pub(crate) mod admission;
mod connections;
mod gate;
mod limits;
mod refusing;
mod route;
mod stream;
mod tls;
mod udp;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::mpsc;

use self::connections::Connections;
use self::gate::Gate;
pub(crate) use self::route::{elsewhere, own_address};
use self::tls::Tls;
pub use self::tls::{Roots, TlsConfig, TlsError};
use self::udp::UdpListener;
use crate::metrics::Metrics;
use crate::sip::flow::{Carrier, ConnectionId, Flow, Transmit};
use crate::sip::message::{Message, Transport};
use crate::trunks::Trunks;

/// Where is listened. Port 0 is whichever is free.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    /// For datagrams.
    pub udp: Vec<SocketAddr>,
    /// For streams.
    pub tcp: Vec<SocketAddr>,
    /// For streams with TLS.
    pub tls: Vec<SocketAddr>,
}

/// Why the sockets cannot be had.
#[derive(Debug, Error)]
pub enum TransportError {
    /// An address is in use, or not ours.
    #[error("cannot listen on {address} by {}: {source}", transport.as_str())]
    Listen {
        /// By what.
        transport: Transport,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Certificate, key or roots.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// TLS is listened for, and there is no certificate.
    #[error("TLS needs a certificate and its key")]
    NoCertificate,
}

/// What the sockets bring.
pub(crate) enum Arrival {
    /// A message.
    Message {
        /// Between whom.
        flow: Flow,
        /// What.
        message: Box<Message>,
    },
    /// A connection broke, or could not be opened.
    Failed {
        /// Which.
        flow: Flow,
    },
}

/// A message could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsent;

/// All of SIP's sockets. Dropping them closes them.
pub(crate) struct Wires {
    udp: Vec<UdpListener>,
    connections: Arc<Connections>,
    metrics: Metrics,
}

impl Wires {
    /// Listens. What arrives comes out of the channel, which is bounded: see [`limits::ARRIVALS`].
    pub(crate) fn open(
        listen: &Listen,
        (tls, roots): (Option<&TlsConfig>, &Roots),
        trunks: Arc<Trunks>,
        metrics: &Metrics,
    ) -> Result<(Self, mpsc::Receiver<Arrival>), TransportError> {
        let (arrivals, arrived) = mpsc::channel(limits::ARRIVALS);
        let gate = Arc::new(Gate::new(trunks));
        if !listen.tls.is_empty() && tls.is_none() {
            return Err(TransportError::NoCertificate);
        }
        let tls = Tls::load(tls, roots)?;
        let failed = |transport: Transport, address: SocketAddr| {
            move |source: io::Error| TransportError::Listen { transport, address, source }
        };
        let mut udp = Vec::new();
        for address in &listen.udp {
            let listener = UdpListener::open(*address, gate.clone(), arrivals.clone(), metrics.clone());
            udp.push(listener.map_err(failed(Transport::Udp, *address))?);
        }
        let connections = Connections::new(gate, tls, arrivals, metrics.clone());
        for (transport, addresses) in [(Transport::Tcp, &listen.tcp), (Transport::Tls, &listen.tls)] {
            for address in addresses {
                connections.listen(transport, *address).map_err(failed(transport, *address))?;
            }
        }
        Ok((Self { udp, connections, metrics: metrics.clone() }, arrived))
    }

    /// Where is listened really.
    pub(crate) fn local_addresses(&self) -> Vec<(Transport, SocketAddr)> {
        let udp = self.udp.iter().map(|listener| (Transport::Udp, listener.local));
        udp.chain(self.connections.local_addresses()).collect()
    }

    /// Sends a message. It never waits: a datagram that the kernel does not take is dropped and counted, because SIP repeats
    /// it, and a connection that takes no more is closed. Gives the connection that has it; a datagram has none.
    pub(crate) fn send(&self, transmit: &Transmit) -> Result<Option<Carrier>, Unsent> {
        let bytes = transmit.message.to_bytes();
        match transmit.flow.transport {
            Transport::Udp => self.send_datagram(&transmit.flow, &bytes).map(|()| None),
            Transport::Tcp | Transport::Tls => self.connections.send(&transmit.flow, bytes).map(Some),
        }
    }

    fn send_datagram(&self, flow: &Flow, bytes: &[u8]) -> Result<(), Unsent> {
        let same = self.udp.iter().find(|listener| listener.local == flow.local);
        // A dialog that has changed its transport has no socket yet.
        let similar = || self.udp.iter().find(|listener| listener.local.is_ipv4() == flow.remote.is_ipv4());
        let listener = same.or_else(similar).ok_or(Unsent)?;
        match listener.send(bytes, flow.remote) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.metrics.dropped_datagrams.with_label_values(&["not_sent"]).inc();
                Ok(())
            }
            Err(_) => Err(Unsent),
        }
    }

    /// Reads certificate and key again, for connections to come.
    pub(crate) fn reload_tls(&self) -> Result<(), TlsError> {
        self.connections.reload_tls()
    }

    /// These connections stay open as long as the other side has them; the others, until they have been idle for too long.
    pub(crate) fn keep(&self, connections: &BTreeSet<ConnectionId>) {
        self.connections.keep(connections);
    }

    /// Writes what still has to be written, within a second, and closes everything.
    pub(crate) async fn close(&self) {
        self.connections.close().await;
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        self.connections.abort();
    }
}
