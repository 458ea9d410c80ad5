// SPDX-License-Identifier: EUPL-1.2
//! A client's UDP socket, which learns from the kernel when each datagram arrived: what a datagram waits until we read
//! it is our own delay, not the server's.

use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;

/// Coalesced runs are IP packets too.
const RUN_BYTES: usize = 65_536;

/// Asked for in either direction: 100 ms of a fast stream. The kernel may grant less.
const BUFFER_BYTES: usize = 1 << 20;

/// The memory to receive into, shared by all sockets of a driver.
pub(crate) struct ReceiveBuffer {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

impl ReceiveBuffer {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; RUN_BYTES], control: cmsg_space!(TimeSpec, i32) }
    }
}

/// Nanoseconds since the Unix epoch, the clock of the kernel's time stamps.
pub(crate) fn wall_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A non-blocking socket of its own for each client, as real clients have.
pub(crate) struct Socket {
    socket: UdpSocket,
    local: SocketAddr,
}

impl Socket {
    /// Binds any port of `ip`. With `coalesce` the kernel hands runs of datagrams over in one piece (UDP_GRO).
    pub(crate) fn bind(ip: IpAddr, coalesce: bool) -> Result<Self> {
        let socket = UdpSocket::bind((ip, 0)).with_context(|| format!("no UDP socket can be opened on {ip}"))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("the kernel gives no receive times")?;
        // The kernel may grant less, and the reports say what was lost by it.
        let _ = setsockopt(&socket, sockopt::RcvBuf, &BUFFER_BYTES);
        let _ = setsockopt(&socket, sockopt::SndBuf, &BUFFER_BYTES);
        if coalesce {
            setsockopt(&socket, sockopt::UdpGroSegment, &true).context("the kernel does not coalesce UDP")?;
        }
        let local = socket.local_addr()?;
        Ok(Self { socket, local })
    }

    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Speaks to nobody but `server` from now on.
    pub(crate) fn connect(&self, server: SocketAddr) -> Result<()> {
        self.socket.connect(server).with_context(|| format!("{server} cannot be reached"))
    }

    /// Sends one datagram; says whether the kernel took it.
    pub(crate) fn send(&self, datagram: &[u8]) -> bool {
        self.socket.send(datagram).is_ok()
    }

    /// Takes one run of datagrams, and gives each with the time at which it arrived. Returns whether there was one.
    pub(crate) fn receive(&self, buffer: &mut ReceiveBuffer, mut handle: impl FnMut(&mut [u8], u64)) -> bool {
        let mut parts = [IoSliceMut::new(&mut buffer.bytes)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let Ok(message) = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut buffer.control), flags) else {
            return false;
        };
        let (mut arrived, mut segment) = (None, usize::MAX);
        for control in message.cmsgs().into_iter().flatten() {
            match control {
                ControlMessageOwned::ScmTimestampns(time) => arrived = Some(nanos(duration_of(time))),
                ControlMessageOwned::UdpGroSegments(bytes) => segment = usize::try_from(bytes).unwrap_or(usize::MAX),
                _ => {}
            }
        }
        let len = message.bytes;
        let arrived = arrived.unwrap_or_else(wall_nanos);
        for datagram in buffer.bytes[..len].chunks_mut(segment.max(1)) {
            handle(datagram, arrived);
        }
        true
    }
}

fn duration_of(time: TimeSpec) -> Duration {
    Duration::from(time)
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(coalesce: bool) -> (Socket, Socket) {
        let ip = IpAddr::from([127, 0, 0, 1]);
        let (a, b) = (Socket::bind(ip, false).unwrap(), Socket::bind(ip, coalesce).unwrap());
        a.connect(b.local()).unwrap();
        b.connect(a.local()).unwrap();
        (a, b)
    }

    fn receive_all(socket: &Socket) -> Vec<(Vec<u8>, u64)> {
        let mut buffer = ReceiveBuffer::new();
        let mut received = Vec::new();
        while socket.receive(&mut buffer, |datagram, at| received.push((datagram.to_vec(), at))) {}
        received
    }

    #[test]
    fn datagrams_come_with_the_time_of_their_arrival() {
        let (a, b) = pair(false);
        // The kernel begins to stamp a moment after the first socket asks for it; until then it stamps what is read.
        let is_stamped_on_arrival = || {
            let before = wall_nanos();
            assert!(a.send(b"one") && a.send(b"two"));
            let after = wall_nanos();
            let received = receive_all(&b);
            assert_eq!(received.iter().map(|(bytes, _)| bytes.as_slice()).collect::<Vec<_>>(), [b"one", b"two"]);
            std::thread::yield_now();
            received.iter().all(|(_, at)| (before..=after).contains(at))
        };
        assert!((0..100_000).any(|_| is_stamped_on_arrival()));
    }

    #[test]
    fn runs_are_cut_into_their_datagrams() {
        use nix::sys::socket::{ControlMessage, sendmsg};
        use std::io::IoSlice;
        let (a, b) = pair(true);
        let (run, size) = ([1, 1, 2, 2, 3], 2);
        let control = [ControlMessage::UdpGsoSegments(&size)];
        sendmsg::<()>(a.as_raw_fd(), &[IoSlice::new(&run)], &control, MsgFlags::empty(), None).unwrap();
        let received = receive_all(&b);
        assert_eq!(received.into_iter().map(|(bytes, _)| bytes).collect::<Vec<_>>(), [vec![1, 1], vec![2, 2], vec![3]]);
    }
}
