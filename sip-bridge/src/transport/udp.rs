// SPDX-License-Identifier: EUPL-1.2
//! One socket for datagrams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Arrival;
use super::gate::Gate;
use super::limits::UDP_BUFFER_BYTES;
use super::refusing;
use crate::metrics::Metrics;
use crate::sip::flow::Flow;
use crate::sip::message::Transport;
use crate::sip::parse::limits::MAX_MESSAGE_BYTES;
use crate::sip::parse::{Malformed, parse};

pub(super) struct UdpListener {
    pub(super) local: SocketAddr,
    socket: Arc<UdpSocket>,
    task: AbortHandle,
}

impl UdpListener {
    pub(super) fn open(
        address: SocketAddr,
        gate: Arc<Gate>,
        arrivals: mpsc::Sender<Arrival>,
        metrics: Metrics,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            // So that both can be listened on, and nobody's address is written in two ways.
            socket.set_only_v6(true)?;
        }
        // The kernel gives as much as it allows.
        socket.set_recv_buffer_size(UDP_BUFFER_BYTES)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = Arc::new(UdpSocket::from_std(socket.into())?);
        let local = socket.local_addr()?;
        let reader = Reader { local, socket: socket.clone(), gate, arrivals, metrics };
        let task = tokio::spawn(reader.run()).abort_handle();
        Ok(Self { local, socket, task })
    }

    /// Sends a datagram, without waiting.
    pub(super) fn send(&self, bytes: &[u8], remote: SocketAddr) -> io::Result<()> {
        send(&self.socket, bytes, remote)
    }
}

impl Drop for UdpListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Past tokio, which may not have heard yet that the socket can be written to.
fn send(socket: &UdpSocket, bytes: &[u8], remote: SocketAddr) -> io::Result<()> {
    SockRef::from(socket).send_to(bytes, &SockAddr::from(remote)).map(|_| ())
}

struct Reader {
    local: SocketAddr,
    socket: Arc<UdpSocket>,
    gate: Arc<Gate>,
    arrivals: mpsc::Sender<Arrival>,
    metrics: Metrics,
}

impl Reader {
    async fn run(self) {
        let mut buffer = vec![0; MAX_MESSAGE_BYTES];
        while !self.arrivals.is_closed() {
            // An error is an ICMP message about something that we have sent, which a later time-out tells as well.
            let Ok((length, remote)) = self.socket.recv_from(&mut buffer).await else { continue };
            let now = Instant::now();
            if !self.gate.admits(now, remote.ip()) {
                self.metrics.dropped_datagrams.with_label_values(&["stranger"]).inc();
                continue;
            }
            let (transport, local) = (Transport::Udp, self.local);
            let flow = Flow { transport, local, remote, connection: None, tls_name: None };
            match parse(buffer.get(..length).unwrap_or_default(), Transport::Udp) {
                Ok(message) => {
                    // Full: dropped and counted; whoever sent it sends it again.
                    if self.arrivals.try_send(Arrival::Message { flow, message: Box::new(message) }).is_err() {
                        self.metrics.dropped_datagrams.with_label_values(&["queue_full"]).inc();
                    }
                }
                Err(malformed) => self.refuse(now, flow, malformed),
            }
        }
    }

    fn refuse(&self, now: Instant, flow: Flow, malformed: Malformed) {
        if refusing::is_keep_alive(&malformed) {
            return;
        }
        self.metrics.malformed_messages.inc();
        tracing::debug!(flaw = %malformed.flaw, "a datagram was not understood");
        if malformed.refusal.is_some()
            && self.gate.may_refuse(now)
            && let Some((flow, bytes)) = refusing::answer(&self.gate, flow, malformed)
            && send(&self.socket, &bytes, flow.remote).is_err()
        {
            self.metrics.dropped_datagrams.with_label_values(&["not_sent"]).inc();
        }
    }
}
