// SPDX-License-Identifier: EUPL-1.2
//! An attachment of a bridge, on the node's side: lines to signaling, trunks, orders to dial, and a connection for the sound of
//! each thread.

use std::collections::VecDeque;
use std::time::Duration;

use bus::phone::{
    BridgeLine, Decline, DialOrder, DialProgress, IncomingCall, NotReached, NotReachedReason, PhoneDesk, PhoneNotice,
    PhoneRequest, TrunkOperation, TrunkStates, line,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::connection::{ALIVE_INTERVAL, Connection, FrameReader, FrameWriter, LinkError};
use crate::framing::{Kind, Malformed};
use crate::lanes::Lanes;
use crate::lines::{Lines, Outbound};
use crate::messages::{LineId, SessionId, ToBridge, ToNode, read};
use crate::sound_packet::SoundPacket;
use crate::thread_numbers::ThreadNumbers;

/// Messages that wait for the connection. It takes them as fast as they come; when it is full, lines wait, each of which has a
/// bound, and what concerns the link itself ends it.
pub(crate) const OUTGOING: usize = 1_024;

/// How long a bridge may take to connect its threads.
const ATTACHING_TIME: Duration = Duration::from_secs(5);

/// What an attachment and the relays share.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// One for each thread of the bridge.
    pub(crate) ends: Vec<EndLanes>,
    /// Where connections for sound are handed in, with the thread that each is for.
    pub(crate) sounds: mpsc::Sender<(u16, Connection)>,
    failed: Notify,
}

/// Between a relay and the connection of its thread.
#[derive(Debug, Default)]
pub(crate) struct EndLanes {
    pub(crate) to_bridge: Lanes,
    pub(crate) voices: Lanes,
}

impl Session {
    /// For a bridge with so many threads, and where their connections arrive.
    pub(crate) fn new(threads: u16) -> (Self, mpsc::Receiver<(u16, Connection)>) {
        let (sounds, arrived) = mpsc::channel(usize::from(threads).max(1));
        let ends = (0..threads).map(|_| EndLanes::default()).collect();
        (Self { id: SessionId(rand::random()), ends, sounds, failed: Notify::new() }, arrived)
    }

    /// It cannot go on: the bridge does not take what it must.
    pub(crate) fn fail(&self) {
        self.failed.notify_one();
    }

    /// Packets that were lost because somebody was too slow.
    pub(crate) fn dropped(&self) -> u64 {
        self.ends.iter().map(|end| end.to_bridge.dropped() + end.voices.dropped()).sum()
    }
}

/// What signaling has for bridges, one attachment after the other.
pub(crate) struct Phone {
    pub(crate) desk: PhoneDesk,
    pub(crate) trunks: TrunkOperation,
    pub(crate) dials: Option<mpsc::Receiver<DialOrder>>,
    /// The number that the node gives to the bridge end of the first thread.
    pub(crate) first_bridge: u16,
}

/// Carries an attachment until it ends, and tells why it did.
pub(crate) async fn carry(
    session: &std::sync::Arc<Session>,
    phone: &mut Phone,
    connection: Connection,
    mut arrived: mpsc::Receiver<(u16, Connection)>,
) -> LinkError {
    let Connection { mut reader, writer } = connection;
    let (out, outgoing) = mpsc::channel(OUTGOING);
    // Dropping it ends them all.
    let mut carriers = JoinSet::new();
    carriers.spawn(writer.send_all(outgoing));
    let mut missing: Vec<u16> = (0..).take(session.ends.len()).collect();
    let threads = u16::try_from(missing.len()).unwrap_or(u16::MAX);
    let numbers = ThreadNumbers::new(phone.first_bridge, threads);
    let mut control = Control { out, lines: Lines::new(1), phone, numbers, has_trunks: true };
    let deadline = Instant::now() + ATTACHING_TIME;
    if let Err(error) = control.tell_trunks() {
        return error;
    }
    loop {
        let done = tokio::select! {
            frame = reader.next_words() => match frame {
                Ok(frame) => read(&frame.body).map_err(LinkError::from).and_then(|message| control.handle(message)),
                Err(error) => Err(error),
            },
            // Each is there once at most.
            Some((thread, connection)) = arrived.recv() => match missing.iter().position(|other| *other == thread) {
                Some(at) => {
                    missing.swap_remove(at);
                    carriers.spawn(carry_sound(session.clone(), usize::from(thread), connection));
                    Ok(())
                }
                None => Err(Malformed::OutOfPlace.into()),
            },
            () = sleep_until(deadline), if !missing.is_empty() => Err(LinkError::Silent),
            Some(ended) = carriers.join_next() => Err(ended.unwrap_or(LinkError::Ended)),
            () = session.failed.notified() => Err(LinkError::Stuck),
            result = control.serve() => result,
        };
        if let Err(error) = done {
            control.phone.trunks.states.send_replace(TrunkStates::default());
            return error;
        }
    }
}

/// The connection for control, without what is read there.
struct Control<'a> {
    out: mpsc::Sender<ToBridge>,
    lines: Lines<PhoneRequest>,
    phone: &'a mut Phone,
    numbers: ThreadNumbers,
    /// Whether somebody still administers trunks.
    has_trunks: bool,
}

impl Control<'_> {
    /// Waits for what signaling wants of the bridge, and tells it. Dropping the future loses nothing.
    async fn serve(&mut self) -> Result<(), LinkError> {
        tokio::select! {
            Some(()) = self.lines.settle() => Ok(()),
            changed = self.phone.trunks.list.changed(), if self.has_trunks => match changed {
                Ok(()) => self.tell_trunks(),
                // The last list holds.
                Err(_) => {
                    self.has_trunks = false;
                    Ok(())
                }
            },
            order = next_order(&mut self.phone.dials) => self.dial(order),
        }
    }

    fn handle(&mut self, message: ToNode) -> Result<(), LinkError> {
        match message {
            ToNode::OpenLine { line, call } => self.open_line(line, call),
            ToNode::Request { line, request } => self.request(line, request),
            ToNode::CloseLine { line } => {
                self.lines.close(line);
                Ok(())
            }
            ToNode::TrunkStates(states) => {
                // Only the newest is kept, also where nobody looks.
                self.phone.trunks.states.send_replace(states);
                Ok(())
            }
        }
    }

    fn open_line(&mut self, id: LineId, call: IncomingCall) -> Result<(), LinkError> {
        if !id.0.is_multiple_of(2) || !self.lines.has_room_for(id) {
            return Err(Malformed::OutOfPlace.into());
        }
        let call = self.numbers.call(call).ok_or(Malformed::OutOfPlace)?;
        let (BridgeLine { requests, notices }, signaling) = line(call);
        if self.phone.desk.try_send(signaling).is_err() {
            // Full: as within one process, the call is refused.
            let notice = PhoneNotice::Declined(Decline::Unavailable);
            self.send(ToBridge::Notice { line: id, notice })?;
            return self.send(ToBridge::CloseLine { line: id });
        }
        self.open(id, requests, notices);
        Ok(())
    }

    fn request(&mut self, line: LineId, request: PhoneRequest) -> Result<(), LinkError> {
        let request = self.numbers.request(request).ok_or(Malformed::OutOfPlace)?;
        if self.lines.deliver(line, request) { Ok(()) } else { self.send(ToBridge::CloseLine { line }) }
    }

    fn dial(&mut self, order: DialOrder) -> Result<(), LinkError> {
        let id = self.lines.next_id();
        if !self.lines.has_room_for(id) {
            refuse_to_dial(&order, NotReachedReason::Full);
            return Ok(());
        }
        let DialOrder { call, line } = order;
        self.send(ToBridge::Dial { line: id, call })?;
        self.open(id, line.requests, line.notices);
        Ok(())
    }

    fn open(&mut self, id: LineId, requests: mpsc::Sender<PhoneRequest>, notices: mpsc::Receiver<PhoneNotice>) {
        let numbers = self.numbers;
        let outbound = Outbound {
            link: self.out.clone(),
            say: move |line, notice| Some(ToBridge::Notice { line, notice: numbers.notice(notice)? }),
            close: |line| ToBridge::CloseLine { line },
        };
        self.lines.open(id, requests, notices, outbound);
    }

    fn tell_trunks(&mut self) -> Result<(), LinkError> {
        let list = self.phone.trunks.list.borrow_and_update().clone();
        self.send(ToBridge::Trunks(list))
    }

    fn send(&self, message: ToBridge) -> Result<(), LinkError> {
        self.out.try_send(message).map_err(|_| LinkError::Stuck)
    }
}

/// The next call that is to be made; never where nobody orders any.
pub(crate) async fn next_order(dials: &mut Option<mpsc::Receiver<DialOrder>>) -> DialOrder {
    if let Some(orders) = dials
        && let Some(order) = orders.recv().await
    {
        return order;
    }
    // Nobody is left who could order.
    *dials = None;
    std::future::pending().await
}

/// Tells whoever ordered a call that it comes to nothing.
pub(crate) fn refuse_to_dial(order: &DialOrder, reason: NotReachedReason) {
    let not_reached = NotReached { reason, status: None };
    // The line is new, so it has room; who has dropped its other end does not want to know.
    let _ = order.line.requests.try_send(PhoneRequest::Progress(DialProgress::NotReached(not_reached)));
}

/// Carries the sound of a thread, until the connection breaks.
async fn carry_sound(session: std::sync::Arc<Session>, thread: usize, connection: Connection) -> LinkError {
    let Some(lanes) = session.ends.get(thread) else { return Malformed::OutOfPlace.into() };
    let Connection { reader, writer } = connection;
    tokio::select! {
        error = take_voices(reader, &lanes.voices) => error,
        error = send_sound(writer, &lanes.to_bridge) => error,
    }
}

async fn take_voices(mut reader: FrameReader, voices: &Lanes) -> LinkError {
    let epoch = voices.epoch();
    loop {
        let frame = match reader.next().await {
            Ok(frame) if frame.kind == Kind::Sound => frame,
            Ok(_) => return Malformed::OutOfPlace.into(),
            Err(error) => return error,
        };
        match SoundPacket::read(&frame.body) {
            Ok(packet) => voices.push_sound(epoch, [packet]),
            Err(error) => return error.into(),
        }
    }
}

/// Sends what waits in `lanes` as soon as it is there, and now and then that we are.
pub(crate) async fn send_sound(mut writer: FrameWriter, lanes: &Lanes) -> LinkError {
    let (mut orders, mut sound) = (VecDeque::new(), VecDeque::new());
    let mut alive = interval(ALIVE_INTERVAL);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = lanes.filled() => {}
            _ = alive.tick() => writer.alive(),
        }
        lanes.take(&mut orders, &mut sound);
        loop {
            while !writer.is_full()
                && let Some(order) = orders.pop_front()
            {
                writer.words(&order);
            }
            while !writer.is_full()
                && let Some(packet) = sound.pop_front()
            {
                writer.sound(&packet);
            }
            if let Err(error) = writer.flush().await {
                return error;
            }
            if orders.is_empty() && sound.is_empty() {
                break;
            }
        }
    }
}
