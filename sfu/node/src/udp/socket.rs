// SPDX-License-Identifier: EUPL-1.2
//! Media sockets that share one port.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use socket2::{Domain, Protocol, Socket, Type};

use super::address::Family;

/// Bytes asked for in either direction. The default of a few hundred kilobytes holds 100 packets or so, and a shard
/// that is busy for some milliseconds must not lose what arrives meanwhile. The kernel grants at most
/// `net.core.rmem_max` and `net.core.wmem_max`.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// A non-blocking UDP socket that shares its port with the other shards' sockets. By itself the kernel spreads
/// flows over the sockets by a hash, and [`Steering`](super::Steering) brings them to where they belong. Either way a flow
/// stays on its socket as long as no socket joins or leaves and nobody steers it elsewhere.
#[derive(Debug)]
pub struct UdpSocket {
    socket: Socket,
    local: SocketAddr,
    granted: Granted,
    /// What [`UdpSocket::dropped_since`] was told last.
    dropped_so_far: Cell<u32>,
}

/// What the kernel agreed to do for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Bytes that may wait to be received, the kernel's own bookkeeping included.
    pub receive_buffer_bytes: usize,
    /// Bytes that may wait to be sent, the kernel's own bookkeeping included.
    pub send_buffer_bytes: usize,
    /// Runs of datagrams of one flow are handed over in one piece (UDP_GRO, Linux 5.0).
    pub coalesces: bool,
    /// Runs of datagrams to one destination are taken in one piece (UDP_SEGMENT, Linux 4.18).
    pub segments: bool,
}

impl UdpSocket {
    /// Binds `count` sockets to `address`. With port 0 the kernel chooses the first one's port and the others share it.
    ///
    /// An unspecified IPv6 address takes IPv4 as well.
    ///
    /// # Errors
    ///
    /// Fails when the address is not ours, and with `AddrInUse` when any other socket has the port, even one that
    /// would share it: two processes on one port would steal each other's datagrams.
    pub fn bind_group(address: SocketAddr, count: usize) -> io::Result<Vec<Self>> {
        let mut sockets = Vec::with_capacity(count);
        let mut address = address;
        for index in 0..count {
            let socket = Self::bind(address, index == 0)?;
            address.set_port(socket.local.port());
            sockets.push(socket);
        }
        Ok(sockets)
    }

    fn bind(address: SocketAddr, is_first: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            socket.set_only_v6(false)?;
        }
        // The kernel may grant less, which is reported, not refused.
        let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
        let _ = socket.set_send_buffer_size(BUFFER_BYTES);
        if is_first {
            // Bound alone, so that a port in use is noticed, and shared afterwards.
            socket.bind(&address.into())?;
            socket.set_reuse_port(true)?;
        } else {
            socket.set_reuse_port(true)?;
            socket.bind(&address.into())?;
        }
        // As QUIC does (RFC 9000 §14): datagrams are small enough for every path, so none is to be fragmented. A forged
        // "fragmentation needed" cannot make us, and the kernel need not work out an id for each datagram. A socket for IPv6
        // may send to IPv4, too.
        let _ = set_option(&socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE);
        if address.is_ipv6() {
            let _ = set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE);
        }
        // Without it only a count is missing.
        let _ = set_option(&socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1);
        let local = socket
            .local_addr()?
            .as_socket()
            .ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, "bound to no IP address"))?;
        let granted = Granted {
            receive_buffer_bytes: socket.recv_buffer_size()?,
            send_buffer_bytes: socket.send_buffer_size()?,
            coalesces: set_option(&socket, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok(),
            // A default of 0 segments nothing; it asks whether the kernel knows the option.
            segments: set_option(&socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok(),
        };
        Ok(Self { socket, local, granted, dropped_so_far: Cell::new(0) })
    }

    /// Where it is bound.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// What the kernel agreed to.
    #[must_use]
    pub const fn granted(&self) -> Granted {
        self.granted
    }

    pub(super) const fn family(&self) -> Family {
        Family::of(self.local)
    }

    /// How many datagrams were dropped since the last call, where `dropped_so_far` is the kernel's count, which wraps.
    pub(super) fn dropped_since(&self, dropped_so_far: u32) -> u32 {
        dropped_so_far.wrapping_sub(self.dropped_so_far.replace(dropped_so_far))
    }

    /// Lets the kernel keep no more than it must.
    #[cfg(test)]
    pub(super) fn shrink_receive_buffer(&mut self) {
        self.socket.set_recv_buffer_size(0).unwrap();
    }

    /// Hands datagrams over one by one from now on.
    #[cfg(test)]
    pub(super) fn stop_coalescing(&mut self) {
        set_option(&self.socket, libc::SOL_UDP, libc::UDP_GRO, 0).unwrap();
        self.granted.coalesces = false;
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

#[allow(unsafe_code, reason = "these options have no safe wrapper")]
fn set_option(socket: &Socket, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open while `socket` lives, and the option is an integer of the length given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_group_shares_the_port_that_the_first_was_given() {
        let sockets = UdpSocket::bind_group("127.0.0.1:0".parse().unwrap(), 4).unwrap();
        let ports: HashSet<u16> = sockets.iter().map(|socket| socket.local_addr().port()).collect();
        assert_eq!(ports.len(), 1);
        assert!(!ports.contains(&0));
    }

    #[test]
    fn flows_spread_over_the_group_and_stay() {
        let sockets = UdpSocket::bind_group("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let to = sockets[0].local_addr();
        let clients: Vec<_> = (0..64).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        let mut heard: Vec<Vec<u16>> = Vec::new();
        for _ in 0..2 {
            for client in &clients {
                client.send_to(b"x", to).unwrap();
            }
            let mut ports = vec![];
            let mut space = [std::mem::MaybeUninit::uninit(); 1];
            while let Ok((_, from)) = sockets[0].socket.recv_from(&mut space) {
                ports.push(from.as_socket().unwrap().port());
            }
            while sockets[1].socket.recv_from(&mut space).is_ok() {}
            heard.push(ports);
        }
        assert!(!heard[0].is_empty() && heard[0].len() < clients.len(), "all flows went to one socket");
        assert_eq!(heard[0], heard[1]);
    }

    #[allow(unsafe_code, reason = "the option has no safe wrapper")]
    fn option(socket: &UdpSocket, level: libc::c_int, option: libc::c_int) -> libc::c_int {
        let (mut value, mut length): (libc::c_int, _) = (-1, size_of::<libc::c_int>() as libc::socklen_t);
        // SAFETY: the descriptor is open, and the kernel writes an integer of the length given at most.
        let result =
            unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut value).cast(), &raw mut length) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        value
    }

    #[test]
    fn no_datagram_is_fragmented() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            let sockets = UdpSocket::bind_group(address.parse().unwrap(), 2).unwrap();
            for socket in &sockets {
                assert_eq!(
                    option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
                    libc::IP_PMTUDISC_PROBE,
                    "{address}"
                );
            }
        }
        let sockets = UdpSocket::bind_group("[::]:0".parse().unwrap(), 1).unwrap();
        assert_eq!(option(&sockets[0], libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER), libc::IPV6_PMTUDISC_PROBE);
    }

    #[test]
    fn a_port_in_use_is_refused_even_by_one_who_shares() {
        let sockets = UdpSocket::bind_group("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let refused = UdpSocket::bind_group(sockets[0].local_addr(), 2).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_kernel_grants_more_than_its_default() {
        let socket = &UdpSocket::bind_group("127.0.0.1:0".parse().unwrap(), 1).unwrap()[0];
        let plain = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(socket.granted().receive_buffer_bytes >= Socket::from(plain).recv_buffer_size().unwrap());
    }
}
