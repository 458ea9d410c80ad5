// SPDX-License-Identifier: EUPL-1.2
//! The task that has a bridge end of the node for a thread in another process, while a bridge is attached and while none is.
//!
//! It does what such a thread would do in its tick: takes what the node's control and shards have, gives them what callers say.
//! But it does so as soon as there is something, so that the way over the link costs no tick. Without a bridge it goes on,
//! because what is put in for an end must not pile up there; what is still ordered for the callers of a link that is gone
//! reaches nobody.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sfu_media::bridge::Incoming;
use sfu_node::{BridgeEnd, Told};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::lanes::Lanes;
use crate::messages::Order;
use crate::node_session::Session;
use crate::own_legs::OwnLegs;
use crate::sound_packet::SoundPacket;

/// How often an end with callers tells who speaks, at the least: a tick of the threads that make sound.
const TICK: Duration = Duration::from_millis(20);

/// How often one without callers is looked after, at the least.
const REST: Duration = Duration::from_millis(100);

/// The link that is there, if one is.
pub(crate) type Attached = Option<Arc<Session>>;

/// An end of the node, with what carries its sound.
pub(crate) struct Relay {
    end: BridgeEnd,
    /// The end's own, by another name: it is readable when somebody has put something in while we slept.
    wake: AsyncFd<OwnedFd>,
    number: usize,
    attached: watch::Receiver<Attached>,
    session: Attached,
    /// What its lanes had when it began.
    epoch: u64,
    legs: OwnLegs,
    /// For the bridge, collected in this turn.
    heard: Vec<SoundPacket>,
    /// Of the bridge, taken in this turn.
    voices: VecDeque<SoundPacket>,
    no_orders: VecDeque<Order>,
}

impl Relay {
    /// For the thread of that number, of whichever bridge is attached. Must be called within a tokio runtime.
    pub(crate) fn new(end: BridgeEnd, number: usize, attached: watch::Receiver<Attached>) -> io::Result<Self> {
        let wake = waiting_for(end.as_fd().try_clone_to_owned()?)?;
        Ok(Self {
            end,
            wake,
            number,
            attached,
            session: None,
            epoch: 0,
            legs: OwnLegs::default(),
            heard: Vec::new(),
            voices: VecDeque::new(),
            no_orders: VecDeque::new(),
        })
    }

    /// Until the node ends, or whoever takes links.
    pub(crate) async fn run(mut self) {
        loop {
            let now = Instant::now();
            self.give(now);
            self.take(now);
            self.end.hand_over(now);
            if self.end.is_closed() {
                return;
            }
            let woken = if self.end.may_sleep() {
                self.sleep().await
            } else {
                // Others of this runtime have their turn, however busy the end is.
                tokio::task::yield_now().await;
                Woken::Otherwise
            };
            self.end.woke_up(woken == Woken::BySignal);
            match woken {
                Woken::ByLink => self.change_link(),
                Woken::ByEnd => return,
                Woken::BySignal | Woken::Otherwise => {}
            }
        }
    }

    /// What callers say, to the shards.
    fn give(&mut self, now: Instant) {
        let Some(lanes) = self.session.as_deref().and_then(|session| session.ends.get(self.number)) else { return };
        lanes.voices.take(&mut self.no_orders, &mut self.voices);
        for packet in self.voices.drain(..) {
            let (track, packet) = packet.into_voice();
            if self.legs.publish(track) {
                // Why nobody gets it is counted already.
                let _ = self.end.publish(now, track, packet);
            }
        }
    }

    /// What the node's control and shards have, to the bridge.
    fn take(&mut self, now: Instant) {
        self.end.collect();
        while let Some(told) = self.end.poll(now) {
            match told {
                Told::Command(command) => {
                    if self.legs.take(&command) {
                        self.order(Order::Command(command));
                    }
                }
                Told::Incoming(Incoming::Ended { track }) => self.order(Order::Ended(track)),
                Told::Incoming(Incoming::Media { track, packet }) => {
                    self.heard.push(SoundPacket::of_media(track, *packet));
                }
            }
        }
        let heard = mem::take(&mut self.heard);
        if let Some(lanes) = self.to_bridge().filter(|_| !heard.is_empty()) {
            lanes.push_sound(self.epoch, heard);
        }
    }

    fn order(&self, order: Order) {
        if let (Some(session), Some(lanes)) = (&self.session, self.to_bridge())
            && lanes.push_order(self.epoch, order).is_err()
        {
            session.fail();
        }
    }

    fn to_bridge(&self) -> Option<&Lanes> {
        self.session.as_deref()?.ends.get(self.number).map(|end| &end.to_bridge)
    }

    async fn sleep(&mut self) -> Woken {
        let tick = if self.legs.is_empty() { REST } else { TICK };
        let voices = self.session.as_deref().and_then(|session| session.ends.get(self.number)).map(|end| &end.voices);
        let spoken = async {
            match voices {
                Some(voices) => voices.filled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            readable = self.wake.readable() => match readable {
                Ok(mut readable) => {
                    // Before the descriptor is read: whoever writes it from here on wakes us again.
                    readable.clear_ready();
                    Woken::BySignal
                }
                // The runtime ends.
                Err(_) => Woken::ByEnd,
            },
            () = spoken => Woken::Otherwise,
            changed = self.attached.changed() => if changed.is_ok() { Woken::ByLink } else { Woken::ByEnd },
            () = sleep(tick) => Woken::Otherwise,
        }
    }

    fn change_link(&mut self) {
        self.session = self.attached.borrow_and_update().clone();
        self.epoch = self.to_bridge().map_or(0, Lanes::epoch);
        self.legs = OwnLegs::default();
    }
}

#[expect(deprecated, reason = "what takes its place is unsafe, for types that may close the descriptor; this owns it")]
fn waiting_for(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

/// Why the sleep was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    /// The node's control or a shard has something.
    BySignal,
    /// Callers say something, or it is time.
    Otherwise,
    /// A bridge has come or gone.
    ByLink,
    /// It is over.
    ByEnd,
}
