// SPDX-License-Identifier: EUPL-1.2
//! All connections, those that others opened and ours: how many there may be, which one leads to whom, and the end of all.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::gate::{Gate, Sender};
use super::limits::{
    ACCEPT_PAUSE, BACKLOG, CLOSE_TIME, MAX_CONNECTIONS, MAX_PER_STRANGER_ADDRESS, MAX_PER_TRUNK_ADDRESS, MAX_STRANGERS,
    OPEN_TIME, QUEUE_OF_STRANGER, QUEUE_OF_TRUNK,
};
use super::stream::Connection;
use super::tls::{Tls, TlsError};
use super::{Arrival, Unsent};
use crate::metrics::Metrics;
use crate::sip::flow::{Carrier, ConnectionId, Flow, TlsName};
use crate::sip::message::Transport;

pub(super) struct Connections {
    gate: Arc<Gate>,
    tls: Tls,
    arrivals: mpsc::Sender<Arrival>,
    metrics: Metrics,
    table: Mutex<Table>,
    /// Those who accept connections.
    listeners: Mutex<JoinSet<()>>,
    /// The connections' own tasks, bounded as the table is.
    tasks: Mutex<JoinSet<()>>,
    listening: Mutex<Vec<(Transport, SocketAddr)>>,
}

#[derive(Default)]
struct Table {
    next_id: u64,
    is_closed: bool,
    by_id: HashMap<ConnectionId, Entry>,
    /// Those that we have opened. What others have opened is found by its number alone, for answers and the calls that came by
    /// it: they may have chosen their port so that it looks like a trunk's, and have proven nothing.
    opened: HashMap<Destination, ConnectionId>,
    by_source: HashMap<IpAddr, usize>,
    strangers: usize,
}

/// Where we connect to, and for whom: who has shown a certificate for one trunk's name is not for others of that address.
type Destination = (Transport, SocketAddr, Option<TlsName>);

fn destination(flow: &Flow) -> Destination {
    (flow.transport, flow.remote, flow.tls_name)
}

/// What is to be written to a connection.
type Queue = mpsc::Sender<Vec<u8>>;

struct Entry {
    source: IpAddr,
    /// If we have opened it.
    destination: Option<Destination>,
    sender: Sender,
    queue: Queue,
    is_kept: Arc<AtomicBool>,
    /// It is more than an attempt to open one.
    is_open: Arc<AtomicBool>,
}

/// What a new connection's own task needs.
struct Added {
    id: ConnectionId,
    queue: Queue,
    outgoing: mpsc::Receiver<Vec<u8>>,
    is_kept: Arc<AtomicBool>,
    is_open: Arc<AtomicBool>,
}

impl Table {
    /// Takes one more in, if it may be.
    fn add(&mut self, source: IpAddr, destination: Option<Destination>, sender: Sender) -> Option<Added> {
        let of_source = self.by_source.get(&source).copied().unwrap_or(0);
        let (most_of_source, is_full) = match sender {
            Sender::Trunk => (MAX_PER_TRUNK_ADDRESS, self.by_id.len() >= MAX_CONNECTIONS),
            Sender::Stranger => (MAX_PER_STRANGER_ADDRESS, self.strangers >= MAX_STRANGERS),
        };
        if self.is_closed || is_full || self.by_id.len() >= MAX_CONNECTIONS || of_source >= most_of_source {
            return None;
        }
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let (queue, outgoing) = mpsc::channel(match sender {
            Sender::Trunk => QUEUE_OF_TRUNK,
            Sender::Stranger => QUEUE_OF_STRANGER,
        });
        let is_kept = Arc::new(AtomicBool::new(false));
        // Those that others open are there already.
        let is_open = Arc::new(AtomicBool::new(destination.is_none()));
        let (kept, open) = (is_kept.clone(), is_open.clone());
        let entry = Entry { source, destination, sender, queue: queue.clone(), is_kept: kept, is_open: open };
        self.by_id.insert(id, entry);
        if let Some(destination) = destination {
            self.opened.insert(destination, id);
        }
        *self.by_source.entry(source).or_default() += 1;
        self.strangers += usize::from(sender == Sender::Stranger);
        Some(Added { id, queue, outgoing, is_kept, is_open })
    }

    fn remove(&mut self, id: ConnectionId) {
        let Some(entry) = self.by_id.remove(&id) else { return };
        if let Some(destination) = entry.destination
            && self.opened.get(&destination) == Some(&id)
        {
            self.opened.remove(&destination);
        }
        if let Some(count) = self.by_source.get_mut(&entry.source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&entry.source);
            }
        }
        self.strangers -= usize::from(entry.sender == Sender::Stranger);
    }

    /// The connection for a message: the one that it names, or one of ours to where it goes.
    fn find(&self, flow: &Flow) -> Option<(ConnectionId, &Entry)> {
        let id = flow.connection.or_else(|| self.opened.get(&destination(flow)).copied())?;
        self.by_id.get(&id).map(|entry| (id, entry))
    }
}

impl Connections {
    pub(super) fn new(gate: Arc<Gate>, tls: Tls, arrivals: mpsc::Sender<Arrival>, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            gate,
            tls,
            arrivals,
            metrics,
            table: Mutex::default(),
            listeners: Mutex::default(),
            tasks: Mutex::default(),
            listening: Mutex::default(),
        })
    }

    pub(super) fn local_addresses(&self) -> Vec<(Transport, SocketAddr)> {
        lock(&self.listening).clone()
    }

    pub(super) fn reload_tls(&self) -> Result<(), TlsError> {
        self.tls.reload()
    }

    /// Accepts connections at an address.
    pub(super) fn listen(self: &Arc<Self>, transport: Transport, address: SocketAddr) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // A server that begins anew does not wait for connections of the one before to be forgotten.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        lock(&self.listening).push((transport, listener.local_addr()?));
        lock(&self.listeners).spawn(self.clone().accept(transport, listener));
        Ok(())
    }

    async fn accept(self: Arc<Self>, transport: Transport, listener: TcpListener) {
        while !self.arrivals.is_closed() {
            match listener.accept().await {
                Ok((stream, remote)) => self.accepted(transport, stream, remote),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn accepted(self: &Arc<Self>, transport: Transport, stream: TcpStream, remote: SocketAddr) {
        let sender = self.gate.sender(Instant::now(), remote.ip());
        let Ok(local) = stream.local_addr() else { return };
        let Some(Added { id, queue, outgoing, is_kept, .. }) = lock(&self.table).add(remote.ip(), None, sender) else {
            self.metrics.closed_connections.with_label_values(&["too_many"]).inc();
            return;
        };
        let flow = Flow { transport, local, remote, connection: Some(id), tls_name: None };
        let (connections, replies) = (self.clone(), queue.downgrade());
        self.spawn(id, flow, async move {
            let connection = connections.connection(flow, replies, is_kept);
            match (transport, connections.tls.acceptor()) {
                (Transport::Tls, Some(tls)) => {
                    if let Ok(Ok(stream)) = timeout(OPEN_TIME, tls.accept(stream)).await {
                        connection.run(stream, outgoing).await;
                    }
                }
                // Without a certificate nothing is listened for by TLS.
                (Transport::Tls, None) => {}
                _ => connection.run(stream, outgoing).await,
            }
        });
    }

    fn connection(&self, flow: Flow, replies: mpsc::WeakSender<Vec<u8>>, is_kept: Arc<AtomicBool>) -> Connection {
        let (gate, arrivals, metrics) = (self.gate.clone(), self.arrivals.clone(), self.metrics.clone());
        Connection { flow, gate, arrivals, replies, is_kept, metrics }
    }

    /// Runs a connection, and when it is over says so.
    fn spawn(self: &Arc<Self>, id: ConnectionId, flow: Flow, run: impl Future<Output = ()> + Send + 'static) {
        let connections = self.clone();
        let mut tasks = lock(&self.tasks);
        // Those that have ended; the others are as many as the table has entries.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            connections.metrics.connections.inc();
            run.await;
            connections.metrics.connections.dec();
            lock(&connections.table).remove(id);
            // Full: it waits. Only what was sent on it has to know.
            let _ = connections.arrivals.send(Arrival::Failed { flow }).await;
        });
    }

    /// Queues a message for its connection, which is opened if there is none. Says which one that is.
    pub(super) fn send(self: &Arc<Self>, flow: &Flow, bytes: Vec<u8>) -> Result<Carrier, Unsent> {
        let mut table = lock(&self.table);
        if let Some((id, entry)) = table.find(flow) {
            if entry.queue.try_send(bytes).is_ok() {
                // What joins the first message while that is opening it meets what that meets.
                return Ok(Carrier { connection: id, is_new: !entry.is_open.load(Ordering::Relaxed) });
            }
            // Full: the other side does not read. Without its entry the connection ends.
            table.remove(id);
            self.metrics.closed_connections.with_label_values(&["not_reading"]).inc();
            return Err(Unsent);
        }
        if flow.connection.is_some() || self.gate.sender(Instant::now(), flow.remote.ip()) != Sender::Trunk {
            return Err(Unsent);
        }
        let tls = match flow.transport {
            Transport::Tls => Some(self.tls.connector().ok_or(Unsent)?),
            Transport::Udp | Transport::Tcp => None,
        };
        let added = table.add(flow.remote.ip(), Some(destination(flow)), Sender::Trunk).ok_or(Unsent)?;
        let Added { id, queue, outgoing, is_kept, is_open } = added;
        drop(table);
        queue.try_send(bytes).map_err(|_| Unsent)?;
        let flow = Flow { connection: Some(id), ..*flow };
        let from = self.port_to_name(&flow);
        let (connections, replies) = (self.clone(), queue.downgrade());
        self.spawn(id, flow, async move {
            let Some(tls) = tls else {
                let Some(stream) = connect(flow.remote, from).await else { return };
                let local = stream.local_addr().unwrap_or(flow.local);
                is_open.store(true, Ordering::Relaxed);
                return connections.connection(Flow { local, ..flow }, replies, is_kept).run(stream, outgoing).await;
            };
            // Several trunks may have their names at one address, and each server shows the certificate for the name that it
            // is asked for.
            for name in connections.gate.tls_names(flow.remote, flow.tls_name) {
                let Some(stream) = connect(flow.remote, from).await else { return };
                let local = stream.local_addr().unwrap_or(flow.local);
                if let Ok(Ok(stream)) = timeout(OPEN_TIME, tls.connect(name, stream)).await {
                    is_open.store(true, Ordering::Relaxed);
                    let connection = connections.connection(Flow { local, ..flow }, replies, is_kept);
                    return connection.run(stream, outgoing).await;
                }
            }
        });
        Ok(Carrier { connection: id, is_new: true })
    }

    /// Where nothing is listened for, our Contact names a port that nobody can connect to. A connection from that port is
    /// found by the Contact at the other side.
    fn port_to_name(&self, flow: &Flow) -> Option<u16> {
        let is_listened_for = lock(&self.listening).iter().any(|(known, _)| *known == flow.transport);
        (!is_listened_for).then_some(flow.local.port())
    }

    /// Which connections stay, however long nothing comes on them.
    pub(super) fn keep(&self, kept: &BTreeSet<ConnectionId>) {
        for (id, entry) in &lock(&self.table).by_id {
            entry.is_kept.store(kept.contains(id), Ordering::Relaxed);
        }
    }

    /// Ends all connections. What is queued has a moment to be written.
    pub(super) async fn close(&self) {
        lock(&self.listeners).abort_all();
        {
            let mut table = lock(&self.table);
            table.is_closed = true;
            // Without its queue's sender a connection writes what is there, and ends.
            table.by_id.clear();
            table.opened.clear();
        }
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let all = async { while tasks.join_next().await.is_some() {} };
        // Those that are left end with the set.
        let _ = timeout(CLOSE_TIME, all).await;
    }

    /// The same at once. The tasks hold what they belong to, so nothing else would end them.
    pub(super) fn abort(&self) {
        lock(&self.listeners).abort_all();
        lock(&self.tasks).abort_all();
    }
}

/// Opens a connection, from that port if it is wanted and can be had.
async fn connect(remote: SocketAddr, from: Option<u16>) -> Option<TcpStream> {
    if let Some(socket) = from.and_then(|port| bound(remote, port)) {
        match timeout(OPEN_TIME, socket.connect(remote)).await.ok()? {
            Ok(stream) => return Some(stream),
            // There was one between the two ports a moment ago.
            Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable) => {}
            Err(_) => return None,
        }
    }
    timeout(OPEN_TIME, TcpStream::connect(remote)).await.ok()?.ok()
}

/// A socket at a port, which it shares with other connections. By which address it leaves is for the system to say.
fn bound(remote: SocketAddr, port: u16) -> Option<TcpSocket> {
    let (socket, any) = match remote {
        SocketAddr::V4(_) => (TcpSocket::new_v4(), IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        SocketAddr::V6(_) => (TcpSocket::new_v6(), IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    };
    let socket = socket.ok()?;
    socket.set_reuseaddr(true).ok()?;
    socket.bind(SocketAddr::new(any, port)).ok()?;
    Some(socket)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::transport::Roots;
    use crate::trunks::testing::peer;
    use crate::trunks::{Peers, Trunks};

    fn add(table: &mut Table, source: u16, sender: Sender) -> Option<ConnectionId> {
        let [a, b] = source.to_be_bytes();
        table.add(IpAddr::from([192, 0, a, b]), None, sender).map(|added| added.id)
    }

    /// From which nothing arrives.
    fn connections(trunks: Trunks) -> Arc<Connections> {
        let (arrivals, _) = mpsc::channel(1);
        let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
        let tls = Tls::load(None, &Roots::System).unwrap();
        Connections::new(Arc::new(Gate::new(Arc::new(trunks))), tls, arrivals, metrics)
    }

    #[tokio::test]
    async fn a_connection_comes_from_the_port_that_is_named_if_it_is_free() {
        let listener = |last| TcpListener::bind(SocketAddr::from(([127, 0, 6, last], 0)));
        let (one, other, taken) = (listener(1).await.unwrap(), listener(2).await.unwrap(), listener(3).await.unwrap());
        // One that was free a moment ago.
        let port = listener(4).await.unwrap().local_addr().unwrap().port();
        let mut open = Vec::new();
        for to in [&one, &other] {
            let stream = connect(to.local_addr().unwrap(), Some(port)).await.unwrap();
            assert_eq!(stream.local_addr().unwrap().port(), port);
            open.push(stream);
        }
        let port = taken.local_addr().unwrap().port();
        let stream = connect(one.local_addr().unwrap(), Some(port)).await.unwrap();
        assert_ne!(stream.local_addr().unwrap().port(), port);
    }

    #[test]
    fn strangers_cannot_keep_trunks_out() {
        let mut table = Table::default();
        let count = (0..1_000).filter(|source| add(&mut table, *source, Sender::Stranger).is_some()).count();
        assert_eq!(count, MAX_STRANGERS);
        let of_trunk = (0..).take_while(|_| add(&mut table, 7, Sender::Trunk).is_some()).count();
        assert!(of_trunk >= MAX_PER_TRUNK_ADDRESS - 1, "{of_trunk}");
    }

    #[test]
    fn an_address_has_its_own_limit_and_gives_back_what_it_had() {
        let mut table = Table::default();
        let ids: Vec<_> = (0..10).filter_map(|_| add(&mut table, 1, Sender::Stranger)).collect();
        assert_eq!(ids.len(), MAX_PER_STRANGER_ADDRESS);
        table.remove(ids[0]);
        assert!(add(&mut table, 1, Sender::Stranger).is_some());
        assert!(add(&mut table, 1, Sender::Stranger).is_none());
        let ids: Vec<_> = table.by_id.keys().copied().collect();
        ids.into_iter().for_each(|id| table.remove(id));
        assert!(table.by_source.is_empty() && table.opened.is_empty() && table.strangers == 0);
    }

    #[test]
    fn those_that_are_to_stay_are_told_and_the_others_too() {
        let connections = connections(Trunks::default());
        let [one, other] = [1, 2].map(|last| {
            let source = IpAddr::from([192, 0, 2, last]);
            lock(&connections.table).add(source, None, Sender::Trunk).unwrap()
        });
        let are_kept = || [&one, &other].map(|added| added.is_kept.load(Ordering::Relaxed));
        connections.keep(&BTreeSet::from([one.id]));
        assert_eq!(are_kept(), [true, false]);
        connections.keep(&BTreeSet::from([other.id]));
        assert_eq!(are_kept(), [false, true]);
    }

    #[tokio::test]
    async fn what_waits_for_a_connection_to_open_goes_out_when_it_is_and_was_there_for_none_of_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let trunks = Trunks::default();
        trunks.replace(Peers { trunks: vec![peer("t", &["127.0.0.0/8"], None)], former: Vec::new() });
        let connections = connections(trunks);
        let flow =
            Flow { transport: Transport::Tcp, local: address, remote: address, connection: None, tls_name: None };
        // Nobody runs meanwhile, so it cannot be open yet. That is more than a connection of a stranger's may have.
        let carriers: Vec<_> = (0..200).map(|_| connections.send(&flow, b"x".to_vec()).unwrap()).collect();
        assert!(carriers.iter().all(|carrier| *carrier == Carrier { is_new: true, ..carriers[0] }));
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut all = [0; 200];
        stream.read_exact(&mut all).await.unwrap();
        let carrier = connections.send(&flow, b"x".to_vec()).unwrap();
        assert_eq!(carrier, Carrier { is_new: false, ..carriers[0] });
    }

    #[test]
    fn the_table_is_bounded() {
        let mut table = Table::default();
        let count = (0..2_000).filter(|source| add(&mut table, *source, Sender::Trunk).is_some()).count();
        assert_eq!(count, MAX_CONNECTIONS);
    }

    /// One that we open.
    fn open(table: &mut Table, flow: &Flow) -> ConnectionId {
        table.add(flow.remote.ip(), Some(destination(flow)), Sender::Trunk).unwrap().id
    }

    fn found(table: &Table, flow: &Flow) -> Option<ConnectionId> {
        table.find(flow).map(|(id, _)| id)
    }

    fn flow(transport: Transport, tls_name: Option<&str>, connection: Option<ConnectionId>) -> Flow {
        let remote = SocketAddr::from(([192, 0, 0, 1], 5061));
        Flow { transport, local: remote, remote, connection, tls_name: tls_name.map(TlsName::of) }
    }

    #[test]
    fn a_message_takes_the_connection_that_it_names_or_one_to_its_address() {
        let mut table = Table::default();
        let to = |connection| flow(Transport::Tcp, None, connection);
        let (old, new) = (open(&mut table, &to(None)), open(&mut table, &to(None)));
        assert_eq!(found(&table, &to(Some(old))), Some(old));
        assert_eq!(found(&table, &to(None)), Some(new));
        table.remove(new);
        assert_eq!(found(&table, &to(Some(new))), None, "its requests came by another way");
        table.remove(old);
        assert_eq!(found(&table, &to(None)), None);
    }

    #[test]
    fn what_others_have_opened_carries_their_calls_alone() {
        let mut table = Table::default();
        let theirs = add(&mut table, 1, Sender::Trunk).unwrap();
        let to = |connection| flow(Transport::Tls, None, connection);
        assert_eq!(found(&table, &to(Some(theirs))), Some(theirs));
        assert_eq!(found(&table, &to(None)), None);
        let ours = open(&mut table, &to(None));
        add(&mut table, 1, Sender::Trunk).unwrap();
        assert_eq!(found(&table, &to(None)), Some(ours), "not the youngest from that address");
    }

    #[test]
    fn a_connection_is_for_the_name_that_was_proven_on_it() {
        let mut table = Table::default();
        let to = |name| flow(Transport::Tls, name, None);
        let one = open(&mut table, &to(Some("one.example")));
        assert_eq!(found(&table, &to(Some("one.example"))), Some(one));
        assert_eq!(found(&table, &to(Some("other.example"))), None);
        assert_eq!(found(&table, &to(None)), None);
    }
}
