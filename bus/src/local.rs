// SPDX-License-Identifier: EUPL-1.2
//! The bus inside one process: channels, and a table of who listens to what.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::ids::{NodeId, RoomSid};
use crate::sfu::{DataChannel, SfuCommand, SfuEvent, SfuRefusal, SfuReply};

/// Commands that may wait for a node. A full queue makes the sender wait: commands never drop.
const COMMAND_QUEUE: usize = 1024;

/// Events of one room that may wait before those that a later one replaces are dropped.
const ROOM_EVENT_QUEUE: usize = 1024;

/// Longest wait for a node's answer. A node answers from memory; one that takes this long is not well.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BusError {
    /// Nobody serves under that name.
    #[error("no such node")]
    NoSuchNode,
    /// The node stopped before it answered.
    #[error("the node stopped")]
    Closed,
    /// The node did not answer in time.
    #[error("the node did not answer in time")]
    Timeout,
    /// The node answered no.
    #[error(transparent)]
    Refused(#[from] SfuRefusal),
}

/// A handle to the bus; clones share it.
#[derive(Clone, Default)]
pub struct Bus {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    nodes: HashMap<NodeId, mpsc::Sender<SfuRequest>>,
    rooms: HashMap<RoomSid, RoomListener>,
}

#[derive(Clone)]
struct RoomListener {
    events: mpsc::UnboundedSender<SfuEvent>,
    waiting: Arc<AtomicUsize>,
}

impl Bus {
    /// A bus for the services of one process.
    #[must_use]
    pub fn local() -> Self {
        Self::default()
    }

    /// Begins to serve as the SFU node `node`. An earlier endpoint of that name gets no more requests.
    #[must_use]
    pub fn serve_sfu(&self, node: NodeId) -> SfuEndpoint {
        let (sender, requests) = mpsc::channel(COMMAND_QUEUE);
        self.tables().nodes.insert(node.clone(), sender);
        SfuEndpoint { bus: self.clone(), node, requests }
    }

    /// The nodes that serve at present, sorted by name.
    #[must_use]
    pub fn sfu_nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<_> = self
            .tables()
            .nodes
            .iter()
            .filter(|(_, sender)| !sender.is_closed())
            .map(|(node, _)| node.clone())
            .collect();
        nodes.sort();
        nodes
    }

    /// Sends `command` to `node` and waits for the answer. Commands of one task arrive in the order it sent them.
    ///
    /// # Errors
    ///
    /// Fails when the node is not there, stops, takes too long or refuses.
    pub async fn request(&self, node: &NodeId, command: SfuCommand) -> Result<SfuReply, BusError> {
        self.begin(node, command).await?.answer().await
    }

    /// Sends `command` to `node` and returns a handle to wait for the answer with, so that the caller can send more
    /// commands meanwhile. They arrive in the order they were sent.
    ///
    /// # Errors
    ///
    /// Fails when the node is not there.
    pub async fn begin(&self, node: &NodeId, command: SfuCommand) -> Result<PendingReply, BusError> {
        self.enqueue(node, command).await.map(PendingReply)
    }

    /// Sends `command` to `node` without waiting for its answer, which is of no use to the caller.
    ///
    /// # Errors
    ///
    /// Fails when the node is not there.
    pub async fn tell(&self, node: &NodeId, command: SfuCommand) -> Result<(), BusError> {
        self.enqueue(node, command).await.map(drop)
    }

    async fn enqueue(
        &self,
        node: &NodeId,
        command: SfuCommand,
    ) -> Result<oneshot::Receiver<Result<SfuReply, SfuRefusal>>, BusError> {
        let sender = self.tables().nodes.get(node).cloned().ok_or(BusError::NoSuchNode)?;
        let (reply, answer) = oneshot::channel();
        // Waits when the node's queue is full.
        sender.send(SfuRequest { command, reply }).await.map_err(|_| BusError::Closed)?;
        Ok(answer)
    }

    /// Listens to what the nodes report about `room`, in place of whoever listened before.
    #[must_use]
    pub fn room_events(&self, room: RoomSid) -> RoomEvents {
        let (sender, events) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        self.tables().rooms.insert(room.clone(), RoomListener { events: sender, waiting: waiting.clone() });
        RoomEvents { bus: self.clone(), room, events, waiting }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A panic elsewhere leaves two tables of senders, which are whole at every step.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a command under way.
#[derive(Debug)]
#[must_use = "a command whose answer is of no use is sent with `Bus::tell`"]
pub struct PendingReply(oneshot::Receiver<Result<SfuReply, SfuRefusal>>);

impl PendingReply {
    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// Fails when the node stops, takes too long or refuses.
    pub async fn answer(self) -> Result<SfuReply, BusError> {
        match tokio::time::timeout(REPLY_TIMEOUT, self.0).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(_)) => Err(BusError::Closed),
            Err(_) => Err(BusError::Timeout),
        }
    }
}

/// A command that waits for an SFU node's answer.
#[derive(Debug)]
pub struct SfuRequest {
    /// What is wanted.
    pub command: SfuCommand,
    reply: oneshot::Sender<Result<SfuReply, SfuRefusal>>,
}

impl SfuRequest {
    /// Splits the command from the way to answer it.
    pub fn into_parts(self) -> (SfuCommand, impl FnOnce(Result<SfuReply, SfuRefusal>) + Send + 'static) {
        let reply = self.reply;
        // Whoever asked may have given up; then nobody misses the answer.
        (self.command, move |answer| drop(reply.send(answer)))
    }
}

/// An SFU node's end of the bus.
pub struct SfuEndpoint {
    bus: Bus,
    node: NodeId,
    requests: mpsc::Receiver<SfuRequest>,
}

impl SfuEndpoint {
    /// The next command; `None` once another endpoint took over the name.
    pub async fn next(&mut self) -> Option<SfuRequest> {
        self.requests.recv().await
    }

    /// The name that this endpoint serves under.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Reports `event` to whoever keeps `room`. Never waits: a room that falls behind loses the events that a later
    /// one replaces (loudness) or that nobody promised to deliver (lossy data). All others are few, because each
    /// transport can cause only a bounded number that is not yet answered. Returns whether it was delivered.
    pub fn report(&self, room: &RoomSid, event: SfuEvent) -> bool {
        let Some(listener) = self.bus.tables().rooms.get(room).cloned() else { return false };
        let may_drop = matches!(event, SfuEvent::Speakers { .. } | SfuEvent::Data { channel: DataChannel::Lossy, .. });
        if may_drop && listener.waiting.load(Ordering::Relaxed) >= ROOM_EVENT_QUEUE {
            return false;
        }
        listener.waiting.fetch_add(1, Ordering::Relaxed);
        listener.events.send(event).is_ok()
    }
}

impl Drop for SfuEndpoint {
    fn drop(&mut self) {
        // A successor under the same name keeps its place.
        self.requests.close();
        self.bus.tables().nodes.retain(|_, sender| !sender.is_closed());
    }
}

/// A room's end of the bus.
pub struct RoomEvents {
    bus: Bus,
    room: RoomSid,
    events: mpsc::UnboundedReceiver<SfuEvent>,
    waiting: Arc<AtomicUsize>,
}

impl RoomEvents {
    /// The next event; `None` once another listener took over the room.
    pub async fn next(&mut self) -> Option<SfuEvent> {
        let event = self.events.recv().await?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(event)
    }
}

impl Drop for RoomEvents {
    fn drop(&mut self) {
        let mut tables = self.bus.tables();
        if tables.rooms.get(&self.room).is_some_and(|listener| Arc::ptr_eq(&listener.waiting, &self.waiting)) {
            tables.rooms.remove(&self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TransportSid;

    fn close(transport: &str) -> SfuCommand {
        SfuCommand::CloseTransport { transport: transport.into() }
    }

    fn connected(transport: &str) -> SfuEvent {
        SfuEvent::Connected { transport: transport.into() }
    }

    #[tokio::test]
    async fn a_request_gets_its_answer() {
        let bus = Bus::local();
        let mut endpoint = bus.serve_sfu("node".into());
        let node = tokio::spawn(async move {
            let (command, reply) = endpoint.next().await.expect("a request").into_parts();
            assert!(
                matches!(command, SfuCommand::CloseTransport { transport } if transport == TransportSid::from("t"))
            );
            reply(Err(SfuRefusal::UnknownTransport));
        });
        assert_eq!(bus.request(&"node".into(), close("t")).await, Err(BusError::Refused(SfuRefusal::UnknownTransport)));
        node.await.expect("the node ends well");
    }

    #[tokio::test]
    async fn more_commands_can_follow_before_the_answer() {
        let bus = Bus::local();
        let mut endpoint = bus.serve_sfu("node".into());
        let first = bus.begin(&"node".into(), close("a")).await.expect("a node");
        bus.tell(&"node".into(), close("b")).await.expect("a node");
        let (command, reply) = endpoint.next().await.expect("a request").into_parts();
        assert!(matches!(command, SfuCommand::CloseTransport { transport } if transport == TransportSid::from("a")));
        reply(Ok(SfuReply::Done));
        assert_eq!(first.answer().await, Ok(SfuReply::Done));
        let (command, _reply) = endpoint.next().await.expect("a request").into_parts();
        assert!(matches!(command, SfuCommand::CloseTransport { transport } if transport == TransportSid::from("b")));
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_sender_wait() {
        let bus = Bus::local();
        let mut endpoint = bus.serve_sfu("node".into());
        for number in 0..COMMAND_QUEUE {
            bus.tell(&"node".into(), close(&number.to_string())).await.expect("a node");
        }
        let node = NodeId::from("node");
        let mut waiting = std::pin::pin!(bus.tell(&node, close("last")));
        assert!(tokio::time::timeout(Duration::ZERO, waiting.as_mut()).await.is_err());
        endpoint.next().await.expect("a request");
        assert_eq!(waiting.await, Ok(()));
        for _ in 0..COMMAND_QUEUE - 1 {
            endpoint.next().await.expect("a request");
        }
        let (command, _reply) = endpoint.next().await.expect("a request").into_parts();
        assert!(matches!(command, SfuCommand::CloseTransport { transport } if transport == TransportSid::from("last")));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_an_answer() {
        let bus = Bus::local();
        let mut endpoint = bus.serve_sfu("node".into());
        let dropped = bus.begin(&"node".into(), close("a")).await.expect("a node");
        drop(endpoint.next().await);
        assert_eq!(dropped.answer().await, Err(BusError::Closed));
        let kept = bus.begin(&"node".into(), close("b")).await.expect("a node");
        let _request = endpoint.next().await;
        assert_eq!(kept.answer().await, Err(BusError::Timeout));
    }

    #[tokio::test]
    async fn an_absent_node_is_told_at_once() {
        let bus = Bus::local();
        assert_eq!(bus.request(&"node".into(), close("t")).await, Err(BusError::NoSuchNode));
        drop(bus.serve_sfu("node".into()));
        assert_eq!(bus.request(&"node".into(), close("t")).await, Err(BusError::NoSuchNode));
        assert!(bus.sfu_nodes().is_empty());
    }

    #[tokio::test]
    async fn a_slow_room_loses_only_what_may_be_lost() {
        let bus = Bus::local();
        let endpoint = bus.serve_sfu("node".into());
        let room = RoomSid::from("RM_1");
        let mut events = bus.room_events(room.clone());
        let speakers = SfuEvent::Speakers { levels: Vec::new(), source: 0 };
        for _ in 0..ROOM_EVENT_QUEUE {
            assert!(endpoint.report(&room, speakers.clone()));
        }
        assert!(!endpoint.report(&room, speakers.clone()));
        assert!(endpoint.report(&room, connected("t")));
        for _ in 0..ROOM_EVENT_QUEUE {
            assert_eq!(events.next().await, Some(speakers.clone()));
        }
        assert_eq!(events.next().await, Some(connected("t")));
    }

    #[tokio::test]
    async fn a_new_listener_takes_the_room_over() {
        let bus = Bus::local();
        let endpoint = bus.serve_sfu("node".into());
        let room = RoomSid::from("RM_1");
        let mut first = bus.room_events(room.clone());
        let mut second = bus.room_events(room.clone());
        assert!(endpoint.report(&room, connected("t")));
        assert_eq!(second.next().await, Some(connected("t")));
        assert_eq!(first.next().await, None);
        drop(first);
        assert!(endpoint.report(&room, connected("u")));
        drop(second);
        assert!(!endpoint.report(&room, connected("v")));
    }
}
