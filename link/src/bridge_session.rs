// SPDX-License-Identifier: EUPL-1.2
//! An attachment to a node, on the bridge's side: the connection for control, and one for the sound of each thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{
    CallEnd, Decline, Dialer, NotReachedReason, OutgoingCall, PhoneNotice, PhoneRequest, TrunkAdministration,
    outgoing_line,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::connection::{Connection, FrameReader, LinkError};
use crate::framing::{Kind, Malformed};
use crate::handshake::greet;
use crate::lines::{Lines, Outbound};
use crate::messages::{LineId, Order, Role, SessionId, ToBridge, ToNode, read};
use crate::node_session::{OUTGOING, refuse_to_dial, send_sound};
use crate::remote_end::EndQueues;
use crate::secret::Secret;
use crate::sound_packet::SoundPacket;

/// How long each connection may take to come about.
const CONNECTING_TIME: Duration = Duration::from_secs(5);

/// What is needed to attach to a node.
pub(crate) struct Access {
    /// A name or an address, and a port.
    pub(crate) node: String,
    pub(crate) secret: Secret,
    pub(crate) tls: TlsConnector,
    pub(crate) version: u16,
}

/// What the rest of the bridge has for whichever link is there.
pub(crate) struct Phone {
    /// The calls that come in.
    pub(crate) calls: mpsc::Receiver<CallEnd>,
    pub(crate) trunks: TrunkAdministration,
    pub(crate) dialer: Option<Dialer>,
    /// Of each thread.
    pub(crate) ends: Vec<Arc<EndQueues>>,
}

/// A link that has come about.
pub(crate) struct Attachment {
    control: Connection,
    sounds: Vec<Connection>,
}

/// Why nothing is carried any more.
pub(crate) enum Over {
    /// The link is lost.
    Lost(LinkError),
    /// The bridge has ended: nobody hands in calls any more.
    BridgeEnded,
}

impl Access {
    /// Connects with the node, with a connection for each of so many threads.
    pub(crate) async fn attach(&self, threads: usize) -> Result<Attachment, LinkError> {
        let count = u16::try_from(threads).unwrap_or(u16::MAX);
        let (control, session, node) = self.connect(&self.node, Role::Control { threads: count }).await?;
        let mut sounds = Vec::new();
        for thread in 0..count {
            // The same address, also where the name stands for several.
            sounds.push(self.connect(&node, Role::Sound { session, thread }).await?.0);
        }
        Ok(Attachment { control, sounds })
    }

    async fn connect(&self, node: &impl Address, role: Role) -> Result<(Connection, SessionId, SocketAddr), LinkError> {
        let connect = async {
            let stream = node.connect().await?;
            let address = stream.peer_addr()?;
            let (connection, session) = greet(stream, &self.tls, &self.secret, self.version, role).await?;
            Ok((connection, session, address))
        };
        timeout(CONNECTING_TIME, connect).await.unwrap_or(Err(LinkError::Silent))
    }
}

/// Where a connection leads.
trait Address {
    async fn connect(&self) -> std::io::Result<TcpStream>;
}

impl Address for String {
    async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.as_str()).await
    }
}

impl Address for SocketAddr {
    async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self).await
    }
}

impl Attachment {
    /// Carries what there is until the link is lost or the bridge ends.
    pub(crate) async fn carry(self, phone: &mut Phone) -> Over {
        let Connection { mut reader, writer } = self.control;
        let (out, outgoing) = mpsc::channel(OUTGOING);
        // Dropping it ends them all.
        let mut carriers = JoinSet::new();
        carriers.spawn(writer.send_all(outgoing));
        for (queues, connection) in phone.ends.iter().zip(self.sounds) {
            // Asked here, because the task may begin when this link is lost already.
            carriers.spawn(carry_sound(queues.clone(), queues.epoch(), connection));
        }
        let mut control = Control { out, lines: Lines::new(0), phone, has_bridge: true };
        if let Err(error) = control.tell_states() {
            return Over::Lost(error);
        }
        loop {
            let done = tokio::select! {
                frame = reader.next_words() => match frame {
                    Ok(frame) => read(&frame.body).map_err(LinkError::from).and_then(|message| control.handle(message)),
                    Err(error) => Err(error),
                },
                Some(ended) = carriers.join_next() => Err(ended.unwrap_or(LinkError::Ended)),
                result = control.serve() => result,
            };
            if let Err(error) = done {
                return Over::Lost(error);
            }
            if !control.has_bridge {
                return Over::BridgeEnded;
            }
        }
    }
}

/// The connection for control, without what is read there.
struct Control<'a> {
    out: mpsc::Sender<ToNode>,
    lines: Lines<PhoneNotice>,
    phone: &'a mut Phone,
    has_bridge: bool,
}

impl Control<'_> {
    /// Waits for what the bridge wants of the node, and tells it. Dropping the future loses nothing.
    async fn serve(&mut self) -> Result<(), LinkError> {
        tokio::select! {
            Some(()) = self.lines.settle() => Ok(()),
            call = self.phone.calls.recv() => match call {
                Some(call) => self.open_line(call),
                None => {
                    self.has_bridge = false;
                    Ok(())
                }
            },
            changed = self.phone.trunks.states.changed() => match changed {
                Ok(()) => self.tell_states(),
                Err(_) => {
                    self.has_bridge = false;
                    Ok(())
                }
            },
        }
    }

    fn handle(&mut self, message: ToBridge) -> Result<(), LinkError> {
        match message {
            ToBridge::Notice { line, notice } => self.notice(line, notice),
            ToBridge::CloseLine { line } => {
                self.lines.close(line);
                Ok(())
            }
            ToBridge::Trunks(list) => {
                self.phone.trunks.list.send_replace(list);
                Ok(())
            }
            ToBridge::Dial { line, call } => self.dial(line, call),
        }
    }

    fn open_line(&mut self, end: CallEnd) -> Result<(), LinkError> {
        let line = self.lines.next_id();
        if !self.lines.has_room_for(line) {
            // Dropping its end declines the call.
            return Ok(());
        }
        let CallEnd { call, requests, notices } = end;
        self.send(ToNode::OpenLine { line, call })?;
        self.open(line, notices, requests);
        Ok(())
    }

    fn notice(&mut self, line: LineId, notice: PhoneNotice) -> Result<(), LinkError> {
        if self.lines.deliver(line, notice) { Ok(()) } else { self.send(ToNode::CloseLine { line }) }
    }

    fn dial(&mut self, line: LineId, call: OutgoingCall) -> Result<(), LinkError> {
        if line.0.is_multiple_of(2) || !self.lines.has_room_for(line) {
            return Err(Malformed::OutOfPlace.into());
        }
        let (order, node) = outgoing_line(call);
        self.open(line, node.notices, node.requests);
        let refused = match &self.phone.dialer {
            Some(dialer) => match dialer.try_send(order) {
                Ok(()) => None,
                Err(mpsc::error::TrySendError::Full(order)) => Some((order, NotReachedReason::Full)),
                Err(mpsc::error::TrySendError::Closed(order)) => Some((order, NotReachedReason::TrunkFailed)),
            },
            None => Some((order, NotReachedReason::TrunkFailed)),
        };
        if let Some((order, reason)) = refused {
            refuse_to_dial(&order, reason);
        }
        Ok(())
    }

    fn open(&mut self, line: LineId, notices: mpsc::Sender<PhoneNotice>, requests: mpsc::Receiver<PhoneRequest>) {
        let outbound = Outbound {
            link: self.out.clone(),
            say: |line, request| Some(ToNode::Request { line, request }),
            close: |line| ToNode::CloseLine { line },
        };
        self.lines.open(line, notices, requests, outbound);
    }

    fn tell_states(&mut self) -> Result<(), LinkError> {
        let states = self.phone.trunks.states.borrow_and_update().clone();
        self.send(ToNode::TrunkStates(states))
    }

    fn send(&self, message: ToNode) -> Result<(), LinkError> {
        self.out.try_send(message).map_err(|_| LinkError::Stuck)
    }
}

/// Carries the sound of a thread, until the connection breaks.
async fn carry_sound(queues: Arc<EndQueues>, epoch: u64, connection: Connection) -> LinkError {
    let Connection { reader, writer } = connection;
    tokio::select! {
        error = take_sound(reader, &queues, epoch) => error,
        error = send_sound(writer, &queues.outbox) => error,
    }
}

async fn take_sound(mut reader: FrameReader, queues: &EndQueues, epoch: u64) -> LinkError {
    loop {
        let taken = match reader.next().await {
            Ok(frame) if frame.kind == Kind::Sound => SoundPacket::read(&frame.body)
                .map(|packet| queues.inbox.push_sound(epoch, [packet]))
                .map_err(LinkError::from),
            Ok(frame) => read::<Order>(&frame.body)
                .map_err(LinkError::from)
                .and_then(|order| queues.push_order(epoch, order).map_err(|_| LinkError::Stuck)),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            return error;
        }
    }
}

/// Tells a call that nobody is there who could say what becomes of it.
pub(crate) fn decline(end: &CallEnd) {
    // The line is new, so it has room; a call that is over already does not want to know.
    let _ = end.notices.try_send(PhoneNotice::Declined(Decline::Unavailable));
}
