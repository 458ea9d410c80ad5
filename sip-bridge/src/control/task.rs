// SPDX-License-Identifier: EUPL-1.2
//! The task of call control: it carries what the sockets, signaling and the threads of sound say to the core, and what the
//! core wants to them. It decides nothing.

use std::collections::HashMap;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use bus::phone::{BridgeLine, DialOrder, IncomingCall, PhoneDesk, PhoneNotice, PhoneRequest, TrunkOperation, line};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::sleep_until;

use super::core::{ControlCore, Output};
use super::look_ups::LookUps;
use super::media_sockets::discard;
use super::sound_orders::SoundOrders;
use crate::sound::{CallKey, SoundEvent, SoundOrder};
use crate::transport::{Arrival, TlsError, Unsent, Wires};

/// Notices of all calls that wait for the core. When it is full, the calls' lines wait, each of which has its own bound.
const NOTICES: usize = 1_024;

/// When an end that a thread had no room for is tried again: its next tick.
const OWED_RETRY: Duration = Duration::from_millis(20);

/// What whoever runs the bridge wants of it, beside its end.
pub(crate) enum BridgeOrder {
    /// Read certificate and key again, and say what came of it.
    ReloadTls(oneshot::Sender<Result<(), TlsError>>),
    /// Take no new calls, and say when none is left.
    Drain(oneshot::Sender<()>),
}

/// What a call's line says. `None`: signaling has closed it.
type Notice = (CallKey, Option<PhoneNotice>);

/// Everything that call control talks to.
pub(crate) struct ControlTask {
    core: ControlCore,
    wires: Wires,
    arrivals: mpsc::Receiver<Arrival>,
    desk: PhoneDesk,
    dials: mpsc::Receiver<DialOrder>,
    threads: Vec<SoundOrders>,
    events: mpsc::Receiver<SoundEvent>,
    notices: (mpsc::Sender<Notice>, mpsc::Receiver<Notice>),
    lines: HashMap<CallKey, Line>,
    trunks: TrunkOperation,
    look_ups: LookUps,
    /// Who waits for the last call to end.
    drained: Option<oneshot::Sender<()>>,
}

/// The bridge's end of a call's line, whose notices a task brings.
struct Line {
    requests: mpsc::Sender<PhoneRequest>,
    notices: AbortHandle,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.notices.abort();
    }
}

impl ControlTask {
    pub(crate) fn new(
        core: ControlCore,
        (wires, arrivals): (Wires, mpsc::Receiver<Arrival>),
        (desk, dials): (PhoneDesk, mpsc::Receiver<DialOrder>),
        sound: Vec<SyncSender<SoundOrder>>,
        events: mpsc::Receiver<SoundEvent>,
        (trunks, look_ups): (TrunkOperation, LookUps),
    ) -> Self {
        let threads = sound.into_iter().map(SoundOrders::new).collect();
        let (notices, lines) = (mpsc::channel(NOTICES), HashMap::new());
        let drained = None;
        Self { core, wires, arrivals, desk, dials, threads, events, notices, lines, trunks, look_ups, drained }
    }

    /// Until it has been shut down: asked to, or by nobody holding the other end of `shutdown` any more.
    pub(crate) async fn run(
        mut self,
        mut shutdown: oneshot::Receiver<Duration>,
        mut orders: mpsc::Receiver<BridgeOrder>,
    ) {
        let mut is_shutting_down = false;
        let mut has_sound = true;
        let mut has_administration = true;
        self.take_trunks();
        loop {
            self.perform();
            if self.core.is_idle()
                && let Some(answer) = self.drained.take()
            {
                let _ = answer.send(());
            }
            if self.core.is_shut_down(Instant::now()) {
                break;
            }
            let timeout = self.next_timeout();
            tokio::select! {
                goodbye = &mut shutdown, if !is_shutting_down => {
                    is_shutting_down = true;
                    // Whoever has dropped the bridge does not wait for it.
                    self.core.shut_down(Instant::now(), goodbye.unwrap_or_default());
                }
                Some(arrival) = self.arrivals.recv() => match arrival {
                    Arrival::Message { flow, message } => self.core.handle_message(Instant::now(), flow, *message),
                    Arrival::Failed { flow } => self.core.handle_transport_failed(Instant::now(), flow),
                },
                // Without anybody who orders calls there are none of ours.
                Some(order) = self.dials.recv() => self.dial(order),
                Some((call, notice)) = self.notices.1.recv() => {
                    self.core.handle_notice(Instant::now(), call, notice);
                }
                event = self.events.recv(), if has_sound => match event {
                    Some(event) => self.core.handle_sound(Instant::now(), event),
                    // No thread is left. Calls fail by their orders.
                    None => has_sound = false,
                },
                told = self.trunks.list.changed(), if has_administration => match told {
                    Ok(()) => self.take_trunks(),
                    // The last list holds.
                    Err(_) => has_administration = false,
                },
                Some((look_up, located)) = self.look_ups.next() => {
                    self.core.handle_located(Instant::now(), look_up, located);
                }
                Some(order) = orders.recv() => self.obey(order),
                () = sleep_until_or_never(timeout) => {
                    self.threads.iter_mut().for_each(SoundOrders::settle);
                    self.core.handle_timeout(Instant::now());
                }
            }
        }
        self.arrivals.close();
        self.wires.close().await;
    }

    /// Whoever ordered it may not wait for the answer.
    fn obey(&mut self, order: BridgeOrder) {
        match order {
            BridgeOrder::ReloadTls(answer) => drop(answer.send(self.wires.reload_tls())),
            BridgeOrder::Drain(answer) => {
                self.core.drain();
                // Who asked last is told.
                self.drained = Some(answer);
            }
        }
    }

    fn take_trunks(&mut self) {
        let list = self.trunks.list.borrow_and_update().clone();
        self.core.handle_trunks(Instant::now(), &list);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let is_owing = self.threads.iter().any(SoundOrders::owes);
        let retry = is_owing.then(|| Instant::now() + OWED_RETRY);
        [self.core.poll_timeout(), retry].into_iter().flatten().min()
    }

    /// Does what the core wants, and tells it what could not be done.
    fn perform(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Transmit(transmit) => match self.wires.send(&transmit) {
                    Ok(Some(carrier)) => self.core.handle_sent(&transmit, carrier),
                    Ok(None) => {}
                    Err(Unsent) => self.core.handle_unsent(Instant::now(), &transmit),
                },
                Output::OpenLine { call, incoming } => {
                    let is_open = self.open_line(call, *incoming);
                    self.core.handle_line(Instant::now(), call, is_open);
                }
                Output::Request { call, request } => {
                    let line = self.lines.get(&call);
                    // Full: signaling does not keep up with one person's keys, so it is gone.
                    if line.is_none_or(|line| line.requests.try_send(request).is_err()) {
                        self.core.handle_request_refused(Instant::now(), call);
                    }
                }
                Output::CloseLine { call } => {
                    self.lines.remove(&call);
                }
                Output::Keep(connections) => self.wires.keep(&connections),
                Output::LookUp(look_up) => self.look_ups.begin(*look_up),
                // Only the newest is kept, also where nobody looks.
                Output::TrunkStates(states) => {
                    self.trunks.states.send_replace(states);
                }
                Output::Sound { thread, call, order } => {
                    if let SoundOrder::Begin { sockets, .. } = &order {
                        discard(sockets);
                    }
                    let thread = self.threads.get_mut(thread);
                    if thread.is_none_or(|thread| thread.send(order).is_err()) {
                        self.core.handle_sound_refused(Instant::now(), call);
                    }
                }
                Output::MoveSound { call, from, to } => {
                    let to = self.threads.get(to).map(SoundOrders::thread);
                    let from = self.threads.get_mut(from).zip(to);
                    if from.is_none_or(|(from, to)| from.send(SoundOrder::HandOver { call, to }).is_err()) {
                        // It stays where it is. A thread that is gone shows with the next order.
                        self.core.handle_sound(Instant::now(), SoundEvent::NotMoved { call });
                    }
                }
            }
        }
    }

    fn open_line(&mut self, call: CallKey, incoming: IncomingCall) -> bool {
        let (ours, theirs) = line(incoming);
        // Full: the call is refused.
        if self.desk.try_send(theirs).is_err() {
            return false;
        }
        self.attach(call, ours);
        true
    }

    fn dial(&mut self, DialOrder { call, line }: DialOrder) {
        let call = self.core.dial(Instant::now(), call);
        // What the core has to tell on it is still to be performed.
        self.attach(call, line);
    }

    fn attach(&mut self, call: CallKey, ours: BridgeLine) {
        let (notices, mut told) = (self.notices.0.clone(), ours.notices);
        let bring = async move {
            while let Some(notice) = told.recv().await {
                if notices.send((call, Some(notice))).await.is_err() {
                    return;
                }
            }
            // Nobody is left to be told.
            let _ = notices.send((call, None)).await;
        };
        let line = Line { requests: ours.requests, notices: tokio::spawn(bring).abort_handle() };
        self.lines.insert(call, line);
    }
}

async fn sleep_until_or_never(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
