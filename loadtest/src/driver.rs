// SPDX-License-Identifier: EUPL-1.2
//! The thread that carries the media of many clients: one loop over their sockets and a tick for all that is due.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;
use tokio::sync::{oneshot, watch};

use crate::delay::{DelaySummary, Delays};
use crate::ear::Ear;
use crate::peer::{Content, Counters, Identity, Peer, Progress, ReceiveBuffer, Remote, Shared};
use crate::sdp::{Kind, LocalTransport, Sends};

/// How exactly frames leave and timers fire.
const TICK: Duration = Duration::from_millis(2);

/// Sockets that may be reported readable at a time.
const EVENTS: usize = 1_024;

const WAKE: Token = Token(usize::MAX);

/// The number of a client within its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerId(usize);

enum Command {
    Add(Box<Peer>, oneshot::Sender<PeerId>),
    SetRemote(PeerId, Remote),
    Publish(PeerId, String, Sends, Content),
    Listen(PeerId, Ear),
    Remove(PeerId),
    Hush,
    Reset(oneshot::Sender<()>),
    Report(oneshot::Sender<DriverReport>),
    Stop,
}

/// What the clients of a driver saw since the last reset.
#[derive(Clone, Debug)]
pub(crate) struct DriverReport {
    /// Clients whose transport was made.
    pub(crate) peers: usize,
    pub(crate) audio: Counters,
    pub(crate) video: Counters,
    pub(crate) audio_delays: Delays,
    pub(crate) video_delays: Delays,
    /// Media packets sent.
    pub(crate) sent: u64,
    pub(crate) own: OwnCost,
}

/// What the load generator itself did and could not do.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct OwnCost {
    /// CPU time of the drivers' threads, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Packets that could not be opened or belong to nothing.
    pub(crate) unreadable: u64,
    /// Packets that our kernel did not take.
    pub(crate) unsent: u64,
}

impl OwnCost {
    pub(crate) fn add(&mut self, other: &Self) {
        self.cpu_seconds += other.cpu_seconds;
        self.unreadable += other.unreadable;
        self.unsent += other.unsent;
    }
}

impl DriverReport {
    pub(crate) fn delays(&self, kind: Kind) -> DelaySummary {
        match kind {
            Kind::Audio => self.audio_delays.summary(),
            Kind::Video => self.video_delays.summary(),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.peers += other.peers;
        self.audio.add(&other.audio);
        self.video.add(&other.video);
        self.audio_delays.add(&other.audio_delays);
        self.video_delays.add(&other.video_delays);
        self.sent += other.sent;
        self.own.add(&other.own);
    }
}

/// A running driver. It stops when this is dropped.
pub(crate) struct Driver {
    link: Link,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Link {
    commands: mpsc::Sender<Command>,
    waker: Arc<Waker>,
    identity: Identity,
    coalesce: bool,
}

impl Link {
    /// Commands are lost when the driver has stopped, with everything that they were about.
    fn send(&self, command: Command) {
        if self.commands.send(command).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Driver {
    /// Starts the thread. With `coalesce` the clients' sockets take runs of datagrams in one piece.
    pub(crate) fn start(name: &str, coalesce: bool) -> Result<Self> {
        let poll = Poll::new().context("no epoll")?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let identity = Identity::generate()?;
        // Filled only as fast as clients are made and ended.
        let (commands, received) = mpsc::channel();
        let mut worker = Worker {
            poll,
            commands: received,
            peers: Vec::new(),
            shared: Shared::new(identity.clone()),
            buffer: ReceiveBuffer::new(),
            cpu_at_reset: 0.0,
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || worker.run())?;
        Ok(Self { link: Link { commands, waker, identity, coalesce }, thread: Some(thread) })
    }

    /// Makes a client with a socket on `ip`. Who offers is in control of ICE.
    pub(crate) async fn add(&self, ip: IpAddr, offers: bool) -> Result<ClientTransport> {
        let (peer, progress) = Peer::new(ip, self.link.coalesce, &self.link.identity, offers)?;
        let local = peer.local(&self.link.identity);
        let (reply, added) = oneshot::channel();
        self.link.send(Command::Add(Box::new(peer), reply));
        let id = added.await.context("the driver has stopped")?;
        Ok(ClientTransport { link: self.link.clone(), id, local, progress })
    }

    /// Lets no client publish any more.
    pub(crate) fn hush(&self) {
        self.link.send(Command::Hush);
    }

    /// Forgets what was counted.
    pub(crate) async fn reset(&self) -> Result<()> {
        let (reply, done) = oneshot::channel();
        self.link.send(Command::Reset(reply));
        done.await.context("the driver has stopped")
    }

    /// What was counted since the last reset.
    pub(crate) async fn report(&self) -> Result<DriverReport> {
        let (reply, report) = oneshot::channel();
        self.link.send(Command::Report(reply));
        report.await.context("the driver has stopped")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.link.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The way to one client of a driver; the client ends when this is dropped.
pub(crate) struct ClientTransport {
    link: Link,
    id: PeerId,
    pub(crate) local: LocalTransport,
    pub(crate) progress: watch::Receiver<Progress>,
}

impl ClientTransport {
    pub(crate) fn set_remote(&self, remote: Remote) {
        self.link.send(Command::SetRemote(self.id, remote));
    }

    pub(crate) fn listen(&self, ear: Ear) {
        self.link.send(Command::Listen(self.id, ear));
    }

    pub(crate) fn publish(&self, mid: String, sends: Sends, content: Content) {
        self.link.send(Command::Publish(self.id, mid, sends, content));
    }
}

impl Drop for ClientTransport {
    fn drop(&mut self) {
        self.link.send(Command::Remove(self.id));
    }
}

struct Worker {
    poll: Poll,
    commands: mpsc::Receiver<Command>,
    peers: Vec<Option<Box<Peer>>>,
    shared: Shared,
    buffer: ReceiveBuffer,
    cpu_at_reset: f64,
}

impl Worker {
    fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut next_tick = Instant::now();
        loop {
            let patience = next_tick.saturating_duration_since(Instant::now());
            if let Err(error) = self.poll.poll(&mut events, Some(patience))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "the driver cannot wait for its sockets");
                return;
            }
            let now = Instant::now();
            for event in &events {
                if event.token() == WAKE {
                    continue;
                }
                if let Some(Some(peer)) = self.peers.get_mut(event.token().0) {
                    // mio reports edges: what is left would not be reported again.
                    while peer.handle_readable(now, &mut self.buffer, &mut self.shared) {}
                }
            }
            while let Ok(command) = self.commands.try_recv() {
                if matches!(command, Command::Stop) {
                    return;
                }
                self.obey(now, command);
            }
            if next_tick <= now {
                next_tick = now + TICK;
                for peer in self.peers.iter_mut().flatten() {
                    peer.handle_tick(now, &mut self.shared);
                }
            }
        }
    }

    fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::Add(peer, reply) => {
                let id = self.peers.len();
                let registered =
                    self.poll.registry().register(&mut SourceFd(&peer.as_raw_fd()), Token(id), Interest::READABLE);
                match registered {
                    Ok(()) => {
                        self.peers.push(Some(peer));
                        let _ = reply.send(PeerId(id));
                    }
                    // The asker learns it by the reply that does not come.
                    Err(error) => tracing::error!(%error, "a socket cannot be watched"),
                }
            }
            Command::SetRemote(id, remote) => self.with(id, |peer| peer.set_remote(now, remote)),
            Command::Publish(id, mid, sends, content) => self.with(id, |peer| peer.publish(now, mid, sends, content)),
            Command::Listen(id, ear) => self.with(id, |peer| peer.set_ear(ear)),
            Command::Remove(id) => {
                if let Some(peer) = self.peers.get_mut(id.0).and_then(Option::take) {
                    let _ = self.poll.registry().deregister(&mut SourceFd(&peer.as_raw_fd()));
                }
            }
            Command::Hush => self.peers.iter_mut().flatten().for_each(|peer| peer.hush()),
            Command::Reset(reply) => {
                self.peers.iter_mut().flatten().for_each(|peer| peer.reset());
                self.shared.delays.iter_mut().for_each(Delays::clear);
                self.cpu_at_reset = thread_cpu_seconds();
                let _ = reply.send(());
            }
            Command::Report(reply) => {
                let _ = reply.send(self.report());
            }
            Command::Stop => {}
        }
    }

    fn with(&mut self, id: PeerId, work: impl FnOnce(&mut Peer)) {
        if let Some(Some(peer)) = self.peers.get_mut(id.0) {
            work(peer);
        }
    }

    fn report(&self) -> DriverReport {
        let [audio_delays, video_delays] = self.shared.delays.clone();
        let mut report = DriverReport {
            peers: 0,
            audio: Counters::default(),
            video: Counters::default(),
            audio_delays,
            video_delays,
            sent: 0,
            own: OwnCost { cpu_seconds: thread_cpu_seconds() - self.cpu_at_reset, ..OwnCost::default() },
        };
        for peer in self.peers.iter().flatten() {
            report.peers += 1;
            report.sent += peer.sent;
            report.own.unreadable += peer.unreadable;
            report.own.unsent += peer.unsent;
            peer.counters(Kind::Audio).for_each(|counters| report.audio.add(counters));
            peer.counters(Kind::Video).for_each(|counters| report.video.add(counters));
        }
        report
    }
}

/// CPU time that this thread has used.
pub(crate) fn thread_cpu_seconds() -> f64 {
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0.0, |usage| seconds(usage.user_time()) + seconds(usage.system_time()))
}
