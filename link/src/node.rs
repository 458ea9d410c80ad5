// SPDX-License-Identifier: EUPL-1.2
//! The node's way in: listens for bridges, looks whether they know the secret, and carries one attachment at a time.
//!
//! Whoever can reach the port can begin connections. So few at a time are looked at, of which the oldest gives way (`strangers.rs`),
//! each has to greet within seconds, and who does not know the secret is answered late.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{DialOrder, NotReachedReason, PhoneDesk, TrunkOperation};
use sfu_node::BridgeEnd;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::connection::{Connection, LinkError};
use crate::handshake::{Greeted, receive};
use crate::messages::{Refusal, Role, SessionId};
use crate::node_session::{Phone, Session, carry, next_order, refuse_to_dial};
use crate::relay::{Attached, Relay};
use crate::secret::Secret;
use crate::strangers::{Place, Strangers};
use crate::tls::acceptor;

/// How long a connection may take to begin.
const GREETING_TIME: Duration = Duration::from_secs(5);

/// Pause after accepting has failed, mostly because there are too many open files.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// What a bridge that is attached talks with.
pub struct NodePhone {
    /// Where its calls are handed in.
    pub desk: PhoneDesk,
    /// Which trunks it is told of, and where it says how they are.
    pub trunks: TrunkOperation,
    /// Calls that it is to make, where somebody orders them.
    pub dials: Option<mpsc::Receiver<DialOrder>>,
    /// The node's ends for threads of bridges that attach themselves.
    pub ends: Vec<BridgeEnd>,
    /// The number that the node gives to the first of them.
    pub first_bridge: u16,
}

/// Why no links are taken.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address is in use, or is none of ours.
    #[error("listening on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// TLS could not be set up.
    #[error("setting up TLS for links: {0}")]
    Tls(String),
    /// A bridge end cannot be waited for.
    #[error("preparing the ends for links")]
    Ends(#[source] io::Error),
}

/// Takes links while it is there. Dropping it ends them.
pub struct NodeLink {
    addresses: Vec<SocketAddr>,
    attached: watch::Receiver<Attached>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl NodeLink {
    /// Listens for bridges, on the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// An address cannot be had.
    pub async fn start(listen: &[SocketAddr], secret: Secret, phone: NodePhone) -> Result<Self, StartError> {
        let tls = acceptor().map_err(|error| StartError::Tls(error.to_string()))?;
        let mut listeners = Vec::new();
        for address in listen {
            let listener = TcpListener::bind(address).await;
            listeners.push(listener.map_err(|error| StartError::Listen(*address, error))?);
        }
        let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let (attach, attached) = watch::channel(None);
        let mut tasks = JoinSet::new();
        let NodePhone { desk, trunks, dials, ends, first_bridge } = phone;
        let ends_count = u16::try_from(ends.len()).unwrap_or(u16::MAX);
        for (number, end) in ends.into_iter().enumerate() {
            tasks.spawn(Relay::new(end, number, attached.clone()).map_err(StartError::Ends)?.run());
        }
        // One: the attachment that is there. The next is made when it has ended.
        let (arrivals, arrived) = mpsc::channel(1);
        let strangers = Arc::default();
        let gate = Arc::new(Gate { tls, secret, ends: ends_count, attach, arrivals, strangers });
        for listener in listeners {
            tasks.spawn(accept(listener, gate.clone()));
        }
        let (stop, stopping) = oneshot::channel();
        let phone = Phone { desk, trunks, dials, first_bridge };
        let task = tokio::spawn(run(phone, arrived, attached.clone(), tasks, stopping));
        Ok(Self { addresses, attached, stop, task })
    }

    /// Where it listens, with the ports that were free.
    #[must_use]
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether a bridge is attached.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.attached.borrow().is_some()
    }

    /// Tells the same later, for as long as it is kept.
    pub fn attachment(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let attached = self.attached.clone();
        move || attached.borrow().is_some()
    }

    /// Ends the link that is there, and takes no other.
    pub async fn shut_down(self) {
        // It has ended when nobody listens.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            tracing::error!("what takes links has panicked");
        }
    }
}

/// What all connections have to pass.
struct Gate {
    tls: TlsAcceptor,
    secret: Secret,
    /// For threads of a bridge.
    ends: u16,
    attach: watch::Sender<Attached>,
    arrivals: mpsc::Sender<Arrival>,
    strangers: Arc<Strangers>,
}

/// A bridge that attaches itself.
struct Arrival {
    claim: Claim,
    connection: Connection,
    sounds: mpsc::Receiver<(u16, Connection)>,
}

/// The place of the one bridge that is attached. Dropping it makes it free.
struct Claim {
    session: Arc<Session>,
    gate: Arc<Gate>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.gate.attach.send_replace(None);
    }
}

async fn run(
    mut phone: Phone,
    mut arrived: mpsc::Receiver<Arrival>,
    mut attached: watch::Receiver<Attached>,
    mut tasks: JoinSet<()>,
    mut stopping: oneshot::Receiver<()>,
) {
    loop {
        let Arrival { claim, connection, sounds } = tokio::select! {
            Some(arrival) = arrived.recv() => arrival,
            order = order_without_bridge(&mut attached, &mut phone.dials) => {
                refuse_to_dial(&order, NotReachedReason::TrunkFailed);
                continue;
            }
            // Also when nobody is left to ask for it.
            _ = &mut stopping => break,
        };
        tracing::info!(threads = claim.session.ends.len(), "a bridge for telephones is attached");
        tokio::select! {
            reason = carry(&claim.session, &mut phone, connection, sounds) => {
                let dropped_packets = claim.session.dropped();
                tracing::warn!(%reason, dropped_packets, "the link to the bridge for telephones is lost");
            }
            _ = &mut stopping => break,
        }
    }
    // Whoever waits for the end may listen there again.
    tasks.shutdown().await;
}

/// The next call that is to be made while no bridge is there. One that attaches itself may know of it before it has arrived here,
/// so from then on orders wait for it.
async fn order_without_bridge(
    attached: &mut watch::Receiver<Attached>,
    dials: &mut Option<mpsc::Receiver<DialOrder>>,
) -> DialOrder {
    loop {
        if attached.wait_for(Option::is_none).await.is_err() {
            // The node ends.
            return std::future::pending().await;
        }
        tokio::select! {
            biased;
            _ = attached.changed() => {}
            order = next_order(dials) => return order,
        }
    }
}

async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    // Ended with this. As many as have a place, and those that are let in.
    let mut meetings = JoinSet::new();
    loop {
        while meetings.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, source)) => {
                let place = gate.strangers.admit(source.ip());
                let gate = gate.clone();
                meetings.spawn(async move { meet(stream, place, &gate).await });
            }
            Err(error) => {
                tracing::warn!(%error, "a link could not be accepted");
                sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
            }
        }
    }
}

/// Looks who that is, and lets them in or not.
async fn meet(stream: TcpStream, place: Place, gate: &Arc<Gate>) {
    let introduced = timeout(GREETING_TIME, async {
        let Some(greeted) = receive_in(place, stream, gate).await else { return Err(LinkError::Ended) };
        introduce(greeted?, gate).await
    });
    match introduced.await {
        Ok(Ok(())) => {}
        Ok(Err(LinkError::Refused(Refusal::NoSuchSession))) => tracing::debug!("a connection came too late"),
        Ok(Err(LinkError::Refused(refusal))) => tracing::warn!(%refusal, "a bridge for telephones was refused"),
        // Scanners, and what is no bridge.
        Ok(Err(error)) => tracing::debug!(%error, "a link did not come about"),
        Err(_) => tracing::debug!("a link took too long to begin"),
    }
}

/// Takes the greeting of somebody with a place, which they keep for no longer; `None` when it was lost to another.
async fn receive_in(mut place: Place, stream: TcpStream, gate: &Gate) -> Option<Result<Greeted, LinkError>> {
    tokio::select! {
        greeted = receive(stream, &gate.tls, &gate.secret) => Some(greeted),
        () = place.lost() => None,
    }
}

async fn introduce(greeted: Greeted, gate: &Arc<Gate>) -> Result<(), LinkError> {
    match greeted.role {
        Role::Control { threads } => introduce_bridge(greeted, gate, threads).await,
        Role::Sound { session, thread } => introduce_thread(greeted, gate, session, thread).await,
    }
}

async fn introduce_bridge(greeted: Greeted, gate: &Arc<Gate>, threads: u16) -> Result<(), LinkError> {
    if threads == 0 || threads > gate.ends {
        return Err(greeted.refuse(&gate.secret, Refusal::TooFewEnds { threads, ends: gate.ends }).await);
    }
    let (session, sounds) = Session::new(threads);
    let session = Arc::new(session);
    let is_claimed = gate.attach.send_if_modified(|attached| {
        let is_free = attached.is_none();
        if is_free {
            *attached = Some(session.clone());
        }
        is_free
    });
    if !is_claimed {
        return Err(greeted.refuse(&gate.secret, Refusal::Taken).await);
    }
    let claim = Claim { session: session.clone(), gate: gate.clone() };
    let connection = greeted.welcome(&gate.secret, session.id).await?;
    // There is room: no other can be on its way, and that before has been taken. Else nobody takes links any more.
    gate.arrivals.send(Arrival { claim, connection, sounds }).await.map_err(|_| LinkError::Ended)
}

async fn introduce_thread(
    greeted: Greeted,
    gate: &Arc<Gate>,
    session: SessionId,
    thread: u16,
) -> Result<(), LinkError> {
    let attached = gate.attach.borrow().clone();
    let Some(attached) = attached.filter(|attached| attached.id == session) else {
        return Err(greeted.refuse(&gate.secret, Refusal::NoSuchSession).await);
    };
    let connection = greeted.welcome(&gate.secret, session).await?;
    // Full: the bridge has connected more than its threads. It waits, and the attachment ends.
    attached.sounds.send((thread, connection)).await.map_err(|_| LinkError::Ended)
}

#[cfg(test)]
mod tests {
    use bus::phone::{CallPurpose, Dialer, OutgoingCall, dialer, outgoing_line};

    use super::*;

    fn order() -> DialOrder {
        let call = OutgoingCall {
            trunk: "trk_1".to_owned(),
            to: "+4989".to_owned(),
            from: None,
            language: "de".to_owned(),
            tenant: None,
            purpose: CallPurpose::Test,
            ring_time: Duration::from_secs(30),
        };
        outgoing_line(call).0
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_waits_for_the_bridge_that_attaches_itself() {
        let (dialer, dials): (Dialer, _) = dialer();
        let (attach, mut attached) = watch::channel(None);
        let mut dials = Some(dials);
        let mut next = Box::pin(order_without_bridge(&mut attached, &mut dials));
        assert!(timeout(GREETING_TIME, &mut next).await.is_err(), "there is no order");
        // Both at once: the bridge has seen that it is welcome, and somebody orders a call.
        attach.send_replace(Some(Arc::new(Session::new(1).0)));
        dialer.send(order()).await.unwrap();
        assert!(timeout(GREETING_TIME, &mut next).await.is_err(), "it was refused");
        attach.send_replace(None);
        assert!(timeout(GREETING_TIME, &mut next).await.is_ok(), "nobody is there any more");
    }
}
