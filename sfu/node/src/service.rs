// SPDX-License-Identifier: EUPL-1.2
//! The node on the bus: commands and the shards' reports go through [`Control`] one at a time, and what follows from
//! them goes to the shards and back to the bus.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bus::{Bus, NodeId, RoomSid, SfuEndpoint, SfuEvent, SfuRequest};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sfu_media::ids::{ShardId, TransportId};
use sfu_media::shard::Shard;
use sfu_media::transport::negotiation::NegotiationConfig;
use sfu_media::transport::{DtlsIdentity, stun_is_valid};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::bridge_end::{BridgeEnd, BridgeSender};
use crate::control::{Control, ControlOutput};
use crate::mailbox::MailboxSender;
use crate::metrics::PublishedCounters;
use crate::node::{Node, NodeConfig, ShutdownError, StartError};
use crate::placement::{BusyMeter, Placement};
use crate::reports::{ReportReceiver, ShardReport};
use crate::udp::Steering;

/// How often the shards' work is measured, by which new rooms are placed, and their clients brought together.
const MEASURING_INTERVAL: Duration = Duration::from_millis(500);

/// A node that serves on the bus.
pub struct Service {
    node: Node,
    task: JoinHandle<()>,
    stop: watch::Sender<bool>,
    died: watch::Receiver<bool>,
}

impl Service {
    /// Opens the media port, starts the shards and serves as `id` on `bus`. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails when the port, the threads or a certificate cannot be had.
    pub fn start(
        config: &NodeConfig,
        id: NodeId,
        bus: &Bus,
        metrics: &prometheus::Registry,
    ) -> Result<Self, StartError> {
        let identity = DtlsIdentity::generate()?;
        let fingerprint = identity.fingerprint();
        let (node, ports) = Node::start(config, Box::new(stun_is_valid), move |shard| {
            Shard::new(shard, identity.clone(), rand::random())
        })?;
        let undelivered_events = ports.metrics.undelivered_events();
        metrics.register(Box::new(ports.metrics))?;
        let candidates = node.candidates().to_vec();
        let negotiation = Arc::new(NegotiationConfig { fingerprint, candidates });
        let shards = ports.mailboxes.len();
        let control = Control::new(negotiation, ports.registry, Placement::new(shards), StdRng::from_os_rng())
            .with_bridges(ports.bridges.iter().map(BridgeSender::id));
        let (stop, stopping) = watch::channel(false);
        let (dying, died) = watch::channel(false);
        let service = Loop {
            control,
            endpoint: bus.serve_sfu(id),
            reports: ports.reports,
            mailboxes: ports.mailboxes,
            bridges: ports.bridges,
            counters: ports.counters,
            meter: BusyMeter::new(shards),
            steering: ports.steering,
            undelivered_events,
            stopping,
            dying,
        };
        Ok(Self { node, task: tokio::spawn(service.run()), stop, died })
    }

    /// Where media arrives, with the port that the kernel chose.
    #[must_use]
    pub const fn media_addr(&self) -> std::net::SocketAddr {
        self.node.media_addr()
    }

    /// The ends for threads that connect telephones, as many as the configuration says; none when they have been taken.
    pub fn take_bridge_ends(&mut self) -> Vec<BridgeEnd> {
        self.node.take_bridge_ends()
    }

    /// Ends when a shard has died, or control: calls are lost, and the process should be started anew.
    pub fn died(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut died = self.died.clone();
        async move {
            // An error means that control ended without a word, as it does when it panics.
            let _ = died.wait_for(|died| *died).await;
        }
    }

    /// Says goodbye to all clients and ends, in at most two seconds.
    ///
    /// # Errors
    ///
    /// Fails when a shard did not end in time, or had panicked.
    pub async fn shutdown(self) -> Result<(), ShutdownError> {
        self.stop.send_replace(true);
        // The loop ends at once: it waits for nothing but its inputs.
        let _ = self.task.await;
        let node = self.node;
        tokio::task::spawn_blocking(move || node.shutdown()).await.unwrap_or(Err(ShutdownError::StillRunning))
    }
}

struct Loop {
    control: Control,
    endpoint: SfuEndpoint,
    reports: ReportReceiver,
    mailboxes: Vec<MailboxSender>,
    bridges: Vec<BridgeSender>,
    counters: Vec<Arc<PublishedCounters>>,
    meter: BusyMeter,
    steering: Option<Steering>,
    undelivered_events: Arc<AtomicU64>,
    stopping: watch::Receiver<bool>,
    dying: watch::Sender<bool>,
}

impl Loop {
    async fn run(mut self) {
        let mut rhythm = tokio::time::interval(MEASURING_INTERVAL);
        rhythm.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = self.stopping.changed() => break,
                _ = rhythm.tick() => {
                    self.measure();
                    self.steer();
                }
                report = self.reports.next() => match report {
                    Some((_, ShardReport::Died)) | None => {
                        self.dying.send_replace(true);
                        break;
                    }
                    Some((bridge, ShardReport::BridgeEnded)) => self.control.handle_bridge_ended(bridge),
                    Some((shard, ShardReport::Event(event))) => self.control.handle_event(shard, event),
                    Some((_, ShardReport::HeardElsewhere { transport, source, owner })) => {
                        self.bring(transport, source, owner);
                    }
                },
                request = self.endpoint.next() => match request {
                    Some(request) => self.answer(request),
                    None => break,
                },
            }
            self.carry_out();
        }
        self.control.close_all();
        self.carry_out();
    }

    fn measure(&mut self) {
        let counters = self.counters.iter().map(|counters| counters.read());
        self.control.handle_busy_shares(self.meter.shares(Instant::now(), counters));
    }

    /// Lets the kernel give a client's datagrams to the shard whose it is, from the next [`Self::steer`] on.
    fn bring(&mut self, transport: TransportId, source: SocketAddr, owner: ShardId) {
        // What was heard of somebody who has left meanwhile needs no rule.
        if let Some(steering) = &mut self.steering
            && self.control.knows(transport)
        {
            // Where there is no place for a rule, the shards go on passing the datagrams on, and each check of the client
            // is another try.
            steering.steer(transport, source, owner.0.into());
        }
    }

    /// Puts into force what was noted, without those who are gone.
    fn steer(&mut self) {
        if let Some(steering) = &mut self.steering {
            steering.retain(|transport| self.control.knows(transport));
            steering.apply();
        }
    }

    fn answer(&mut self, request: SfuRequest) {
        let (command, reply) = request.into_parts();
        reply(self.control.handle_command(command));
    }

    fn carry_out(&mut self) {
        let Self { control, endpoint, mailboxes, bridges, undelivered_events, .. } = self;
        for output in control.drain_outputs() {
            match output {
                ControlOutput::ToShard(shard, command) => {
                    // A shard that is gone is reported as dead; nobody misses its commands.
                    if let Some(mailbox) = mailboxes.get(usize::from(shard.0)) {
                        mailbox.send_command(command);
                    }
                }
                ControlOutput::ToBridge(id, command) => {
                    // The same holds for a bridge.
                    if let Some(bridge) = bridges.iter().find(|bridge| bridge.id() == id) {
                        bridge.send_command(command);
                    }
                }
                ControlOutput::Report(room, event) => report(endpoint, undelivered_events, &room, event),
            }
        }
    }
}

/// Tells whoever keeps the room. If nobody does, nobody could act on it; a room far behind may miss some.
fn report(endpoint: &SfuEndpoint, undelivered_events: &AtomicU64, room: &RoomSid, event: SfuEvent) {
    if !endpoint.report(room, event) {
        undelivered_events.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
