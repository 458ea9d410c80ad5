// SPDX-License-Identifier: EUPL-1.2
//! The thread: its loop, and what a tick does in which order. What follows from anything is decided in
//! [`CallSound`] and [`Rooms`].
//!
//! A thread without calls sleeps until there is an order. It looks after its end of the node now and then all the same, so
//! that what still comes for callers who have gone does not pile up there; nobody waits for that.

mod handover;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sfu_node::Told;
use tokio::sync::mpsc::Sender;

pub use self::handover::HandedOver;
use super::call::CallSound;
use super::counters::{SoundCounters, add};
use super::library::SoundLibrary;
use super::outbox::Outbox;
use super::pace::{Pace, Tick};
use super::room::Rooms;
use super::room_end::RoomEnd;
use super::sockets::{BUFFER_BYTES, CallSockets};
use super::{CallKey, RtpSockets, SoundEvent, SoundOrder};
use crate::audio::FRAME_TIME;
use crate::caller::VolumeStep;
use crate::media::codec::MAX_PAYLOAD_BYTES;
use crate::media::rtp::RtpConfig;
use crate::mixing::DEFAULT_SPEAKERS;
use crate::sdp::Negotiated;

/// Orders that wait for a thread: ten each for a hundred calls that begin at once. A tick takes them all, so when it is full
/// the thread is stuck, and control gives the call up.
const ORDERS: usize = 1_024;

/// How often a thread without calls looks after its end of the node.
const REST: Duration = Duration::from_millis(100);

/// A packet of sound with its header and tag; it grows once should one be longer.
const USUAL_PACKET_BYTES: usize = MAX_PAYLOAD_BYTES + 64;

/// How a thread is set up. All threads of a bridge share the library.
#[derive(Clone)]
pub struct SoundConfig {
    /// The limits of calls' media.
    pub rtp: RtpConfig,
    /// How many are heard at once in a room.
    pub speakers: usize,
    /// What callers are played.
    pub library: Arc<SoundLibrary>,
    /// What the thread counts; each thread has its own.
    pub counters: Arc<SoundCounters>,
}

impl SoundConfig {
    /// What is usual.
    #[must_use]
    pub fn new(library: Arc<SoundLibrary>) -> Self {
        Self { rtp: RtpConfig::default(), speakers: DEFAULT_SPEAKERS, library, counters: Arc::default() }
    }
}

/// Why the loop ends.
struct Over;

/// A call of this thread.
struct Call {
    sound: CallSound,
    sockets: CallSockets,
    /// Steps from -4 to 4, from one room to the next.
    volume: i8,
    /// When its next tick is due after another thread has had it: earlier ones of ours it has had there. `None` after that.
    due: Option<Instant>,
}

impl Call {
    /// Whether it takes part in a tick of that time.
    fn is_due(&self, now: Instant) -> bool {
        self.due.is_none_or(|due| due <= now)
    }
}

/// A thread that makes the sound of calls.
pub struct SoundThread {
    end: Option<RoomEnd>,
    config: SoundConfig,
    orders: mpsc::Receiver<SoundOrder>,
    outbox: Outbox,
    rng: StdRng,
    calls: BTreeMap<CallKey, Call>,
    rooms: Rooms,
    /// Calls to end in this tick.
    failed: Vec<CallKey>,
    datagram: Box<[u8; BUFFER_BYTES]>,
    packet: Vec<u8>,
    opus: Vec<u8>,
}

impl SoundThread {
    /// Starts a thread with its end of a node; without one, nobody on it can be in a room. It ends, with the calls that it
    /// still has, when all senders of orders are dropped, or the receiver of events is.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub fn spawn(
        end: Option<RoomEnd>,
        config: SoundConfig,
        events: Sender<SoundEvent>,
    ) -> io::Result<(SyncSender<SoundOrder>, JoinHandle<()>)> {
        let (sender, orders) = mpsc::sync_channel(ORDERS);
        let name = end.as_ref().map_or_else(|| "sound".to_owned(), RoomEnd::name);
        let thread = thread::Builder::new().name(name);
        let thread = thread.spawn(move || Self::new(end, config, orders, events).run())?;
        Ok((sender, thread))
    }

    fn new(
        end: Option<RoomEnd>,
        config: SoundConfig,
        orders: mpsc::Receiver<SoundOrder>,
        events: Sender<SoundEvent>,
    ) -> Self {
        let rooms = Rooms::new(config.speakers);
        Self {
            end,
            config,
            orders,
            outbox: Outbox::new(events),
            rng: StdRng::from_os_rng(),
            calls: BTreeMap::new(),
            rooms,
            failed: Vec::new(),
            datagram: Box::new([0; BUFFER_BYTES]),
            packet: Vec::with_capacity(USUAL_PACKET_BYTES),
            opus: Vec::with_capacity(MAX_PAYLOAD_BYTES + 1),
        }
    }

    fn run(mut self) {
        while let Ok(()) = self.rest().and_then(|()| self.work()) {}
        let now = Instant::now();
        for call in self.calls.keys().copied().collect::<Vec<_>>() {
            self.end(now, call);
        }
        self.outbox.flush();
    }

    /// Until there is a call.
    fn rest(&mut self) -> Result<(), Over> {
        while self.calls.is_empty() {
            let time = if self.outbox.is_empty() { REST } else { FRAME_TIME };
            match self.orders.recv_timeout(time) {
                Ok(order) => self.handle_order(Instant::now(), order),
                Err(RecvTimeoutError::Timeout) => {
                    let now = Instant::now();
                    self.collect(now);
                    self.hand_over(now);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Over),
            }
            self.flush()?;
        }
        Ok(())
    }

    /// As long as there are calls.
    fn work(&mut self) -> Result<(), Over> {
        let mut pace = Pace::new(Instant::now());
        while !self.calls.is_empty() {
            match pace.poll(Instant::now()) {
                Ok(tick) => self.tick(&tick)?,
                Err(time) => thread::sleep(time),
            }
        }
        Ok(())
    }

    fn tick(&mut self, tick: &Tick) -> Result<(), Over> {
        let began = Instant::now();
        self.take_orders(tick.at)?;
        self.collect(tick.at);
        // How long a thread takes to wake up is no jitter of the line. What waited for a late tick has waited.
        self.listen(tick.at, if tick.is_late() { began } else { tick.at });
        self.speak(tick.at);
        self.publish(tick.at);
        self.hand_over(tick.at);
        self.settle(tick.at);
        self.config.counters.note_tick(tick, began.elapsed());
        self.flush()
    }

    fn take_orders(&mut self, now: Instant) -> Result<(), Over> {
        // Not more than there is room for, however fast others are.
        for _ in 0..ORDERS {
            match self.orders.try_recv() {
                Ok(order) => self.handle_order(now, order),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Over),
            }
        }
        Ok(())
    }

    fn handle_order(&mut self, now: Instant, order: SoundOrder) {
        let library = self.config.library.clone();
        match order {
            SoundOrder::Begin { call, sockets, agreed } => self.begin(now, call, sockets, &agreed),
            SoundOrder::Change { call, agreed } => self.change(now, call, &agreed),
            SoundOrder::Connect { call, leg } => {
                if let Some(Call { volume, .. }) = self.calls.get(&call) {
                    self.rooms.connect(call, &leg, *volume);
                }
            }
            SoundOrder::Disconnect { call } => self.rooms.disconnect(call),
            SoundOrder::Volume { call, step } => self.change_volume(call, step),
            SoundOrder::End { call } => self.end(now, call),
            SoundOrder::Open { call } => self.with(call, |sound| sound.open(now)),
            SoundOrder::Play { call, tenant, language, prompts, token } => {
                let voice = (tenant.as_deref(), language);
                self.with(call, |sound| sound.play(&library, voice, &prompts, token));
            }
            SoundOrder::StopPlaying { call } => self.with(call, CallSound::stop_playing),
            SoundOrder::Music { call, is_on } => self.with(call, |sound| sound.set_music(&library, is_on)),
            SoundOrder::Chime { call, chime } => self.with(call, |sound| sound.chime(&library, chime)),
            SoundOrder::Muted { call, is_muted } => self.with(call, |sound| sound.set_muted(is_muted)),
            SoundOrder::Digit { call, digit } => self.with(call, |sound| sound.handle_info_digit(now, digit)),
            SoundOrder::HandOver { call, to } => self.hand_over_call(now, call, &to),
            SoundOrder::TakeOver { call, handed } => self.take_over_call(call, *handed),
        }
    }

    /// Does something with a call's sound, if the call is still there.
    fn with(&mut self, call: CallKey, order: impl FnOnce(&mut CallSound)) {
        if let Some(call) = self.calls.get_mut(&call) {
            order(&mut call.sound);
        }
    }

    fn begin(&mut self, now: Instant, key: CallKey, sockets: RtpSockets, agreed: &Negotiated) {
        match CallSound::new(now, key, self.config.rtp, agreed, &mut self.rng) {
            Ok(sound) => {
                self.calls.insert(key, Call { sound, sockets: CallSockets::new(sockets), volume: 0, due: None });
            }
            Err(error) => {
                tracing::warn!(%error, "a call cannot have sound");
                self.tell_failed(key);
            }
        }
        self.count_calls();
    }

    fn change(&mut self, now: Instant, key: CallKey, agreed: &Negotiated) {
        let changed = self.calls.get_mut(&key).map(|call| call.sound.change(now, agreed));
        if let Some(Err(error)) = changed {
            tracing::warn!(%error, "a call cannot go on with what was agreed on");
            self.failed.push(key);
        }
    }

    fn change_volume(&mut self, key: CallKey, step: VolumeStep) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        if let Some(volume) = step.of(call.volume) {
            call.volume = volume;
            self.rooms.set_volume(key, volume);
        }
    }

    /// What the node and its shards have for us.
    fn collect(&mut self, now: Instant) {
        let Some(end) = &mut self.end else { return };
        end.collect();
        while let Some(told) = end.poll(now) {
            match told {
                Told::Command(command) => self.rooms.handle_command(&command),
                Told::Incoming(incoming) => self.rooms.handle_incoming(&incoming),
            }
        }
        if end.is_closed() {
            // Calls go on without it, so that callers hear why they have to leave.
            tracing::info!("the node ends, and with it the rooms of callers");
            self.end = None;
            self.rooms = Rooms::new(self.config.speakers);
        }
    }

    /// What telephones have sent. `arrived` is when that is read, which can be later than the tick should be.
    fn listen(&mut self, now: Instant, arrived: Instant) {
        let mut received = 0;
        for (key, call) in self.calls.iter_mut().filter(|(_, call)| call.is_due(now)) {
            call.due = None;
            let Call { sound, sockets, .. } = call;
            received += sockets
                .receive(&mut self.datagram, |source, datagram| sound.handle_datagram(arrived, source, datagram));
            sound.listen(now);
            self.rooms.listen_to(*key, sound.said());
        }
        add(&self.config.counters.datagrams_received, received);
    }

    /// What telephones get.
    fn speak(&mut self, now: Instant) {
        let Self { calls, rooms, packet, .. } = self;
        let (mut sent, mut not_sent) = (0, 0);
        let mut speak = |call: &mut Call, meeting: Option<&_>| {
            let Call { sound, sockets, .. } = call;
            sound.speak(now, meeting, packet, |transmit, packet| {
                let is_sent = sockets.send(transmit, packet);
                sent += u64::from(is_sent);
                not_sent += u64::from(!is_sent);
            });
        };
        for (_, call) in calls.iter_mut().filter(|(key, call)| !rooms.has_place(**key) && call.is_due(now)) {
            speak(call, None);
        }
        rooms.tick(now, |key, meeting| {
            if let Some(call) = calls.get_mut(&key).filter(|call| call.is_due(now)) {
                speak(call, meeting);
            }
        });
        add(&self.config.counters.datagrams_sent, sent);
        add(&self.config.counters.datagrams_not_sent, not_sent);
    }

    /// What callers say, for everybody else. After the telephones got theirs, because encoding it takes longest.
    fn publish(&mut self, now: Instant) {
        let Some(end) = &mut self.end else { return };
        for (key, call) in &self.calls {
            match self.rooms.voice_packet(*key, call.sound.said(), &mut self.opus) {
                Ok(Some((track, packet))) => {
                    // Why nobody gets it is counted already.
                    let _ = end.publish(now, track, packet);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a caller has no voice");
                    self.failed.push(*key);
                }
            }
        }
    }

    fn hand_over(&mut self, now: Instant) {
        if let Some(end) = &mut self.end {
            end.hand_over(now);
        }
    }

    /// What happened to the calls in this tick. Those that cannot go on end, and no other does.
    fn settle(&mut self, now: Instant) {
        for (key, call) in &mut self.calls {
            while let Some(event) = call.sound.poll_event() {
                if !self.outbox.push(event) {
                    add(&self.config.counters.dropped_events, 1);
                }
            }
            if call.sound.has_failed() || call.sockets.have_failed() {
                tracing::warn!("a call's sound has failed");
                self.failed.push(*key);
            }
        }
        while let Some(key) = self.failed.pop() {
            if self.close(now, key).is_some() {
                self.tell_failed(key);
            }
        }
    }

    fn end(&mut self, now: Instant, key: CallKey) {
        if let Some(summary) = self.close(now, key) {
            self.outbox.push(SoundEvent::Ended { call: key, summary });
        }
    }

    /// Takes a call out, with its sockets.
    fn close(&mut self, now: Instant, key: CallKey) -> Option<super::SoundSummary> {
        let Call { mut sound, mut sockets, .. } = self.calls.remove(&key)?;
        self.rooms.disconnect(key);
        let summary = sound.close(now, &mut self.packet, |transmit, packet| {
            sockets.send(transmit, packet);
        });
        self.count_calls();
        Some(summary)
    }

    fn tell_failed(&mut self, call: CallKey) {
        add(&self.config.counters.failed_calls, 1);
        self.outbox.push(SoundEvent::Failed { call });
    }

    fn count_calls(&self) {
        let calls = self.calls.len() as u64;
        self.config.counters.calls.store(calls, std::sync::atomic::Ordering::Relaxed);
    }

    fn flush(&mut self) -> Result<(), Over> {
        if self.outbox.flush() { Ok(()) } else { Err(Over) }
    }
}
