// SPDX-License-Identifier: EUPL-1.2
//! Starts the shards of a node and ends them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sfu_media::ids::ShardId;
use thiserror::Error;

use crate::addresses::candidates;
use crate::bridge_end::{BridgeEnd, BridgeSender};
use crate::mailbox::{MailboxSender, mailbox};
use crate::metrics::{NodeMetrics, PublishedCounters};
use crate::os::{pin_to, usable_cores};
use crate::registry::{Registry, Verify};
use crate::reports::{ReportReceiver, ReportSender, ShardReport, reports};
use crate::shard_thread::{Connections, MediaShard, ShardLoop};
use crate::udp::{Steering, SteeringCounters, UdpSocket};

/// Transports that a node holds at most: far above what a machine can serve, and low enough that their setups fit into
/// memory whoever asks for them.
pub(crate) const MAX_TRANSPORTS: usize = 20_000;

/// Shards that a node has at most: as many as there are cores that a thread can be pinned to (`CPU_SETSIZE`).
pub const MAX_SHARDS: usize = 1_024;

/// Ends for bridges that a node has at most. One thread serves a hundred callers or more, so that these are as many as
/// large machines have cores for.
pub const MAX_BRIDGE_ENDS: usize = 64;

/// How long the shards may take to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// How a node is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// Where media arrives. With port 0 the kernel chooses one.
    pub media: SocketAddr,
    /// The addresses that clients are told; where empty, those that [`candidates`] finds.
    pub advertise: Vec<IpAddr>,
    /// Shards, each with its thread; 0 for one per core.
    pub shards: usize,
    /// Peers of the shards besides, for threads that connect telephones; mostly 0.
    pub bridge_ends: usize,
    /// Clients run on the same machine.
    pub dev: bool,
}

/// Why a node did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The sockets could not be opened; `AddrInUse` when another one has the port.
    #[error("binding the media sockets to {0}")]
    Socket(SocketAddr, #[source] io::Error),
    /// More than [`MAX_SHARDS`].
    #[error("{0} shards are too many")]
    TooManyShards(usize),
    /// More than [`MAX_BRIDGE_ENDS`].
    #[error("{0} bridge ends are too many")]
    TooManyBridgeEnds(usize),
    /// The machine's addresses could not be read.
    #[error("reading the addresses of the network interfaces")]
    Addresses(#[source] io::Error),
    /// A mailbox or a thread could not be made.
    #[error("starting the shards")]
    Threads(#[source] io::Error),
    /// No certificate could be made.
    #[error("making the certificate for DTLS")]
    Identity(#[from] sfu_media::transport::IdentityError),
    /// The metrics could not be described.
    #[error("describing the metrics")]
    Metrics(#[from] prometheus::Error),
}

/// Why a node did not end as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ShutdownError {
    /// Some shards were still busy when the time was up; they end with the process.
    #[error("the shards did not end in time")]
    StillRunning,
    /// So many shards had panicked.
    #[error("shards that panicked: {0}")]
    Panicked(usize),
}

/// The running shards.
pub struct Node {
    media: SocketAddr,
    candidates: Vec<SocketAddr>,
    /// The shards' and the bridges'.
    mailboxes: Vec<MailboxSender>,
    threads: Vec<JoinHandle<()>>,
    /// Those that nobody has taken yet.
    bridge_ends: Vec<BridgeEnd>,
    /// Nothing is ever sent: it closes when the last thread ends.
    all_ended: mpsc::Receiver<()>,
}

/// What the node's control works with.
pub struct ControlPorts {
    /// The way to each shard, in the order of their ids.
    pub mailboxes: Vec<MailboxSender>,
    /// The way to each bridge, in the order of their ids, which follow those of the shards.
    pub bridges: Vec<BridgeSender>,
    /// Who may come.
    pub registry: Arc<Registry>,
    /// What the shards report.
    pub reports: ReportReceiver,
    /// All counters.
    pub metrics: NodeMetrics,
    /// Each shard's counters, in the order of their ids.
    pub counters: Vec<Arc<PublishedCounters>>,
    /// Which socket hears whom, in the order of the shards; `None` where the kernel decides that alone. Keeps the port.
    pub steering: Option<Steering>,
}

impl Node {
    /// Opens the sockets and starts one thread per shard. `make_shard` is called on the shard's own thread, and
    /// `verify` checks the STUN requests with which clients come.
    ///
    /// # Errors
    ///
    /// Fails when the sockets or threads cannot be had; then nothing runs.
    pub fn start<S: MediaShard>(
        config: &NodeConfig,
        verify: Verify,
        make_shard: impl Fn(ShardId) -> S + Send + Sync + 'static,
    ) -> Result<(Self, ControlPorts), StartError> {
        let count = match config.shards {
            0 => thread::available_parallelism().map_or(1, usize::from).min(MAX_SHARDS),
            count => count,
        };
        let ids = u16::try_from(count).ok().filter(|_| count <= MAX_SHARDS);
        let ids = (0..ids.ok_or(StartError::TooManyShards(count))?).map(ShardId);
        if config.bridge_ends > MAX_BRIDGE_ENDS {
            return Err(StartError::TooManyBridgeEnds(config.bridge_ends));
        }
        let sockets = open_sockets(config.media, count)?;
        let media = sockets[0].local_addr();
        let steering_counters = Arc::default();
        let steering = attach_steering(&sockets, &steering_counters);
        let candidates = candidates(&config.advertise, media, config.dev).map_err(StartError::Addresses)?;
        let (peers, mut boxes): (Vec<_>, Vec<_>) = (0..count + config.bridge_ends)
            .map(|_| mailbox())
            .collect::<io::Result<Vec<_>>>()
            .map_err(StartError::Threads)?
            .into_iter()
            .unzip();
        let boxes_of_bridges = boxes.split_off(count);
        let counters: Vec<Arc<PublishedCounters>> = ids.clone().map(|_| Arc::default()).collect();
        let registry = Arc::new(Registry::new(MAX_TRANSPORTS, verify));
        let (report_sender, report_receiver) = reports();
        let metrics = NodeMetrics::new(
            counters.clone(),
            peers.clone(),
            registry.clone(),
            report_sender.dropped_reports(),
            steering_counters,
        )?;

        let cores = cores_for(count);
        let make_shard = Arc::new(make_shard);
        let (ended, all_ended) = mpsc::channel();
        // From here on a failure drops the node, which ends the threads that run already.
        let (threads, bridge_ends) = (Vec::new(), Vec::new());
        let mut node = Self { media, candidates, mailboxes: peers.clone(), threads, bridge_ends, all_ended };
        let mut bridges = Vec::new();
        for (id, mailbox) in (0..).map(ShardId).skip(count).zip(boxes_of_bridges) {
            let (sender, end) = BridgeEnd::new(id, mailbox, peers.clone(), report_sender.clone());
            bridges.push(sender);
            node.bridge_ends.push(end);
        }
        for (((id, socket), mailbox), counters) in ids.zip(sockets).zip(boxes).zip(counters.clone()) {
            let with = Connections {
                id,
                socket,
                mailbox,
                peers: peers.clone(),
                registry: registry.clone(),
                reports: report_sender.clone(),
                counters,
            };
            let (make_shard, ended) = (make_shard.clone(), ended.clone());
            let core = cores.get(usize::from(id.0)).copied();
            let thread = thread::Builder::new().name(id.to_string()).spawn(move || {
                // Dropped last, when the sockets are closed.
                let _ended = ended;
                run_shard(core, with, |id| make_shard(id));
            });
            node.threads.push(thread.map_err(StartError::Threads)?);
        }
        tracing::info!(%media, shards = count, pinned = !cores.is_empty(), "media sockets are open");
        let mailboxes = peers[..count].to_vec();
        let reports = report_receiver;
        Ok((node, ControlPorts { mailboxes, bridges, registry, reports, metrics, counters, steering }))
    }

    /// Where media arrives, with the port that the kernel chose.
    #[must_use]
    pub const fn media_addr(&self) -> SocketAddr {
        self.media
    }

    /// The addresses that clients are told.
    #[must_use]
    pub fn candidates(&self) -> &[SocketAddr] {
        &self.candidates
    }

    /// The ends for threads that connect telephones, in the order of their numbers; none when they have been taken. Where
    /// they are taken, callers are ordered to them from the start, so whoever wants them takes them at once.
    pub fn take_bridge_ends(&mut self) -> Vec<BridgeEnd> {
        std::mem::take(&mut self.bridge_ends)
    }

    /// Lets every shard do what waits in its mailbox and end, and tells bridges that it is over. Takes two seconds at most.
    ///
    /// # Errors
    ///
    /// Fails when a shard did not end in time, or had panicked.
    pub fn shutdown(self) -> Result<(), ShutdownError> {
        self.shutdown_within(SHUTDOWN_TIMEOUT)
    }

    fn shutdown_within(mut self, timeout: Duration) -> Result<(), ShutdownError> {
        self.close();
        let deadline = Instant::now() + timeout;
        loop {
            match self.all_ended.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => return Err(ShutdownError::StillRunning),
            }
        }
        match self.threads.drain(..).map(JoinHandle::join).filter(Result::is_err).count() {
            0 => Ok(()),
            panicked => Err(ShutdownError::Panicked(panicked)),
        }
    }

    fn close(&self) {
        for mailbox in &self.mailboxes {
            mailbox.close();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.close();
    }
}

fn open_sockets(address: SocketAddr, count: usize) -> Result<Vec<UdpSocket>, StartError> {
    let sockets = UdpSocket::bind_group(address, count).map_err(|error| StartError::Socket(address, error))?;
    if let Some(granted) = sockets.first().map(UdpSocket::granted) {
        tracing::info!(
            receive_buffer_bytes = granted.receive_buffer_bytes,
            send_buffer_bytes = granted.send_buffer_bytes,
            gro = granted.coalesces,
            gso = granted.segments,
            "the kernel granted each media socket"
        );
    }
    Ok(sockets)
}

/// Without it all works, but shards pass on more datagrams.
fn attach_steering(sockets: &[UdpSocket], counters: &Arc<SteeringCounters>) -> Option<Steering> {
    let steering = Steering::attach(sockets, counters.clone());
    steering.inspect_err(|error| tracing::info!(%error, "the kernel decides alone which shard hears whom")).ok()
}

/// A core for each of `count` threads. None when they do not take up all that the process may use: more of them have to
/// share, and fewer (by the setting, or by a container's quota) would crowd the first cores beside other programs that
/// do the same.
fn cores_for(count: usize) -> Vec<usize> {
    usable_cores().ok().filter(|cores| cores.len() == count).unwrap_or_default()
}

fn run_shard<S: MediaShard>(core: Option<usize>, with: Connections, make_shard: impl FnOnce(ShardId) -> S) {
    let id = with.id;
    if let Some(Err(error)) = core.map(pin_to) {
        tracing::warn!(%error, shard = %id, "the shard's thread stays on no core");
    }
    let _obituary = Obituary { id, reports: with.reports.clone() };
    ShardLoop::new(make_shard(id), with).run();
}

/// Reports a shard that panics.
struct Obituary {
    id: ShardId,
    reports: ReportSender,
}

impl Drop for Obituary {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!(shard = %self.id, "the shard's thread panicked, and its transports are gone");
            self.reports.send(self.id, ShardReport::Died);
        }
    }
}

#[cfg(test)]
mod tests;
