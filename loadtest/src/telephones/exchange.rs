// SPDX-License-Identifier: EUPL-1.2
//! All callers of a run: one thread with a socket for SIP and two for sound, which the bridge tells apart by its own ports.
//! No task and no lock is on the way of a packet, so that a thousand calls are the bridge's work and not ours.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use sfu_media::rtcp::{RtcpPacket, RtcpPackets};
use tokio::sync::{mpsc as results, oneshot};

use super::call::{Call, CallPlan, Ended, Sink};
use super::messages::{Arrived, Dialog, read};
use crate::driver::thread_cpu_seconds;
use crate::peer::wall_nanos;

/// How exactly packets leave.
const TICK: Duration = Duration::from_millis(1);

/// Asked for in either direction: what the bridge sends to a thousand calls in 40 ms.
const BUFFER_BYTES: usize = 1 << 22;

/// The largest datagram that is of interest.
const DATAGRAM_BYTES: usize = 65_536;

/// Pairs of ports that are tried.
const PORT_TRIES: usize = 100;

/// The most calls of a run, so that what came of them fits into the queue of results.
pub(super) const MAX_CALLS: usize = 16_384;

const SIP: Token = Token(0);
const RTP: Token = Token(1);
const RTCP: Token = Token(2);

enum Command {
    Dial(Box<CallPlan>),
    HangUp,
    Reset(oneshot::Sender<()>),
    Look(oneshot::Sender<Look>),
    Stop,
}

/// How the calls stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// Calls that hear the room.
    pub(super) in_room: usize,
    /// What they received since the last reset, and what did not come.
    pub(super) received: u64,
    pub(super) lost: u64,
    /// What they sent since.
    pub(super) sent: u64,
    /// What the bridge reports that it never got, of each call since its beginning.
    pub(super) reported_lost: i64,
    /// When the marked sound was sent, by the number of the call.
    pub(super) marks: Vec<(usize, Vec<u64>)>,
    /// CPU time of the thread so far.
    pub(super) cpu_seconds: f64,
}

/// The thread. It ends, with its calls, when this is dropped.
pub(super) struct Exchange {
    commands: mpsc::Sender<Command>,
    thread: Option<JoinHandle<()>>,
    /// What became of each call, as it ends.
    pub(super) ended: results::Receiver<Ended>,
}

impl Exchange {
    /// Callers of the bridge at that address, on this machine.
    pub(super) fn start(bridge: SocketAddr) -> Result<Self> {
        let sip = open(0)?;
        let (rtp, rtcp) = (0..PORT_TRIES).find_map(|_| pair().ok()).context("no pair of ports for sound")?;
        let poll = Poll::new().context("no epoll")?;
        for (socket, token) in [(&sip, SIP), (&rtp, RTP), (&rtcp, RTCP)] {
            poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::READABLE)?;
        }
        // Filled only as fast as calls are begun.
        let (commands, orders) = mpsc::channel();
        // As large as there are calls, so it is never full.
        let (ends, ended) = results::channel(MAX_CALLS);
        let worker = Worker {
            line: Line { bridge, sip, rtp },
            rtcp,
            poll,
            orders,
            ends,
            run: format!("{:08x}", rand::random::<u32>()),
            calls: Vec::new(),
            by_port: HashMap::new(),
            datagram: vec![0; DATAGRAM_BYTES],
            control: cmsg_space!(TimeSpec),
        };
        let thread = std::thread::Builder::new().name("callers".to_owned()).spawn(move || worker.run())?;
        Ok(Self { commands, thread: Some(thread), ended })
    }

    /// Lets somebody call.
    pub(super) fn dial(&self, plan: CallPlan) -> Result<()> {
        self.commands.send(Command::Dial(Box::new(plan))).ok().context("the callers' thread has ended")
    }

    /// Lets all hang up.
    pub(super) fn hang_up(&self) -> Result<()> {
        self.commands.send(Command::HangUp).ok().context("the callers' thread has ended")
    }

    /// Forgets what was counted of sound.
    pub(super) async fn reset(&self) -> Result<()> {
        self.ask(Command::Reset).await
    }

    pub(super) async fn look(&self) -> Result<Look> {
        self.ask(Command::Look).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).ok().context("the callers' thread has ended")?;
        answer.await.context("the callers' thread has ended")
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(port: u16) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("the kernel gives no receive times")?;
    // Root may have more than others. The kernel may grant less, and what is lost by that is counted.
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_BYTES).is_err() {
        let _ = setsockopt(&socket, sockopt::RcvBuf, &BUFFER_BYTES);
    }
    Ok(socket)
}

/// An even port and the odd one after it (RFC 3550 §11).
fn pair() -> Result<(UdpSocket, UdpSocket)> {
    let first = open(0)?;
    let port = first.local_addr()?.port() & !1;
    drop(first);
    Ok((open(port)?, open(port + 1)?))
}

/// The sockets that calls send by.
struct Line {
    bridge: SocketAddr,
    sip: UdpSocket,
    rtp: UdpSocket,
}

impl Sink for Line {
    fn send_sip(&mut self, text: &str) {
        // SIP repeats what the kernel does not take.
        let _ = self.sip.send_to(text.as_bytes(), self.bridge);
    }

    fn send_rtp(&mut self, to: SocketAddr, packet: &[u8]) {
        // The bridge reports what it does not get.
        let _ = self.rtp.send_to(packet, to);
    }

    fn wall_nanos(&self) -> u64 {
        wall_nanos()
    }
}

struct Worker {
    line: Line,
    rtcp: UdpSocket,
    poll: Poll,
    orders: mpsc::Receiver<Command>,
    ends: results::Sender<Ended>,
    /// By which calls are told from those of other runs.
    run: String,
    /// By number; those that are over are gone.
    calls: Vec<Option<Box<Call>>>,
    /// Calls by the bridge's port of their sound, and by the one after it.
    by_port: HashMap<u16, usize>,
    datagram: Vec<u8>,
    control: Vec<u8>,
}

impl Worker {
    fn run(mut self) {
        let mut events = Events::with_capacity(8);
        let (mut next_tick, mut packet) = (Instant::now(), Vec::new());
        loop {
            let patience = next_tick.saturating_duration_since(Instant::now());
            // What fails is tried again with the next tick.
            let _ = self.poll.poll(&mut events, Some(patience));
            // All three, whichever woke us: edges are reported once.
            self.receive_sip();
            self.receive_rtp();
            self.receive_rtcp();
            let now = Instant::now();
            if next_tick > now {
                continue;
            }
            next_tick = now + TICK;
            while let Ok(command) = self.orders.try_recv() {
                if matches!(command, Command::Stop) {
                    return;
                }
                self.obey(now, command);
            }
            for place in &mut self.calls {
                let Some(call) = place else { continue };
                call.handle_tick(now, &mut packet, &mut self.line);
                if let Some(ended) = call.ended() {
                    if let Some(port) = call.rtp_port() {
                        self.by_port.remove(&port);
                        self.by_port.remove(&(port + 1));
                    }
                    *place = None;
                    // It has room for all, and nobody may want to know any more.
                    let _ = self.ends.try_send(ended);
                }
            }
        }
    }

    fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::Dial(plan) => self.dial(now, *plan),
            Command::HangUp => self.calls.iter_mut().flatten().for_each(|call| call.hang_up(now, &mut self.line)),
            Command::Reset(reply) => {
                self.calls.iter_mut().flatten().for_each(|call| call.reset());
                let _ = reply.send(());
            }
            Command::Look(reply) => {
                let _ = reply.send(self.look());
            }
            Command::Stop => {}
        }
    }

    fn dial(&mut self, now: Instant, plan: CallPlan) {
        let number = self.calls.len();
        let (Ok(sip), Ok(rtp)) = (self.line.sip.local_addr(), self.line.rtp.local_addr()) else { return };
        let call_id = format!("{}-{number}", self.run);
        let dialog = Dialog { bridge: self.line.bridge, sip, rtp, number, call_id, remote_tag: None };
        let call = Call::dial(now, dialog, plan, &mut self.line);
        self.calls.push(Some(Box::new(call)));
    }

    fn look(&self) -> Look {
        let mut look = Look { cpu_seconds: thread_cpu_seconds(), ..Look::default() };
        for call in self.calls.iter().flatten() {
            look.in_room += usize::from(call.is_in_room());
            look.received += call.reception.received;
            look.lost += call.reception.lost();
            look.sent += call.sent;
            look.reported_lost += i64::from(call.reported_lost);
            if !call.marks.is_empty() {
                look.marks.push((call.number(), call.marks.clone()));
            }
        }
        look
    }

    fn receive_sip(&mut self) {
        while let Ok((len, _)) = self.line.sip.recv_from(&mut self.datagram) {
            let now = Instant::now();
            let Some(arrived) = read(&self.datagram[..len]) else { continue };
            match arrived {
                Arrived::Response(response) => {
                    let Some(number) = self.number_of(&response.headers.call_id) else { continue };
                    let Some(Some(call)) = self.calls.get_mut(number) else { continue };
                    let before = call.rtp_port();
                    call.handle_response(now, &response, &mut self.line);
                    if let (None, Some(port)) = (before, call.rtp_port()) {
                        self.by_port.extend([(port, number), (port + 1, number)]);
                    }
                }
                Arrived::Request { call_id, method, answer } => {
                    self.line.send_sip(&answer);
                    let Some(number) = self.number_of(&call_id).filter(|_| method == "BYE") else { continue };
                    if let Some(Some(call)) = self.calls.get_mut(number) {
                        call.handle_bye();
                    }
                }
            }
        }
    }

    fn number_of(&self, call_id: &str) -> Option<usize> {
        call_id.strip_prefix(&self.run)?.strip_prefix('-')?.parse().ok()
    }

    fn receive_rtp(&mut self) {
        loop {
            let mut parts = [IoSliceMut::new(&mut self.datagram)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let fd = self.line.rtp.as_raw_fd();
            let Ok(message) = recvmsg::<SockaddrIn>(fd, &mut parts, Some(&mut self.control), flags) else { return };
            let arrived = message.cmsgs().into_iter().flatten().find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(time) => u64::try_from(Duration::from(time).as_nanos()).ok(),
                _ => None,
            });
            let (len, port) = (message.bytes, message.address.map(|source| source.port()));
            let Some(number) = port.and_then(|port| self.by_port.get(&port).copied()) else { continue };
            if let Some(Some(call)) = self.calls.get_mut(number) {
                call.handle_rtp(Instant::now(), arrived.unwrap_or_else(wall_nanos), &self.datagram[..len]);
            }
        }
    }

    /// Of what the bridge reports, what it lost of ours counts.
    fn receive_rtcp(&mut self) {
        while let Ok((len, source)) = self.rtcp.recv_from(&mut self.datagram) {
            let Some(number) = self.by_port.get(&source.port()).copied() else { continue };
            let Some(Some(call)) = self.calls.get_mut(number) else { continue };
            for packet in RtcpPackets::new(&self.datagram[..len]) {
                let blocks = match packet {
                    RtcpPacket::SenderReport(_, blocks) | RtcpPacket::ReceiverReport(blocks) => blocks,
                    _ => continue,
                };
                if let Some(block) = blocks.iter().find(|block| block.ssrc == call.ssrc()) {
                    call.reported_lost = block.cumulative_lost;
                }
            }
        }
    }
}
