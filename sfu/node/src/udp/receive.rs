// SPDX-License-Identifier: EUPL-1.2
//! Receives datagrams in batches: one system call takes from many flows (recvmmsg), and the kernel hands a run of one
//! flow over in one piece (UDP_GRO), which is cut here.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use super::address::RawAddress;
use super::control_message::ControlBuffer;
use super::socket::UdpSocket;

/// Pieces taken with one system call. With coalescing a piece is up to 64 datagrams, so more would let one batch
/// hold up the shard's other work.
const PIECES: usize = 32;

/// The largest piece: coalesced runs are IP packets too.
const PIECE_BYTES: usize = 65_535;

/// Distance between two pieces' buffers. Not a power of two: most pieces are short, and the same few places of every
/// buffer would compete for the same lines of the processor's cache.
const STRIDE_BYTES: usize = 65_536 + 2_112;

/// The memory to receive into, reused from call to call.
#[derive(Debug)]
pub struct Receiver {
    buffers: Box<[u8]>,
    counters: ReceiveCounters,
}

/// What a [`Receiver`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveCounters {
    /// System calls, those that found nothing included.
    pub syscalls: u64,
    /// Datagrams handed over.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Datagrams that were larger than any media datagram can be, dropped.
    pub truncated: u64,
    /// Datagrams that the kernel dropped because its buffer was full. Known from the next one that it did not drop.
    pub dropped_full: u64,
    /// System calls that failed for other reasons than that nothing waits.
    pub errors: u64,
}

/// How one call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Datagrams handed over.
    pub datagrams: usize,
    /// Nothing more waited. If unset, more may wait.
    pub is_drained: bool,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// A receiver with memory for one batch. The kernel provides its pages as they are first used.
    #[must_use]
    pub fn new() -> Self {
        Self { buffers: vec![0; STRIDE_BYTES * PIECES].into_boxed_slice(), counters: ReceiveCounters::default() }
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counters(&self) -> ReceiveCounters {
        self.counters
    }

    /// Gives the datagrams that wait at `socket`, at most one batch, to `handle`, in the order of each flow. Never
    /// waits. Empty datagrams are left out.
    pub fn receive(&mut self, socket: &UdpSocket, mut handle: impl FnMut(SocketAddr, &mut [u8])) -> Received {
        let mut addresses = [RawAddress::UNSPECIFIED; PIECES];
        let mut controls = [ControlBuffer::EMPTY; PIECES];
        let mut pieces = [Piece::default(); PIECES];
        let count = match self.fetch(socket, &mut addresses, &mut controls, &mut pieces) {
            Ok(count) => count,
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.counters.errors += 1;
                    tracing::debug!(%error, "receiving failed");
                }
                return Received { datagrams: 0, is_drained: true };
            }
        };
        let datagrams_before = self.counters.datagrams;
        let received = pieces.iter().zip(&addresses).zip(&mut controls).zip(self.buffers.chunks_mut(STRIDE_BYTES));
        for (((piece, address), control), buffer) in received.take(count) {
            let Some(source) = address.to_socket_addr() else { continue };
            let said = control.read(piece.control_bytes);
            if let Some(dropped_so_far) = said.dropped_so_far {
                self.counters.dropped_full += u64::from(socket.dropped_since(dropped_so_far));
            }
            if piece.is_truncated {
                self.counters.truncated += 1;
                continue;
            }
            let segment_bytes = said.segment_bytes.unwrap_or(PIECE_BYTES);
            for datagram in buffer[..piece.bytes].chunks_mut(segment_bytes) {
                self.counters.datagrams += 1;
                self.counters.bytes += datagram.len() as u64;
                handle(source, datagram);
            }
        }
        let datagrams = (self.counters.datagrams - datagrams_before) as usize;
        Received { datagrams, is_drained: count < PIECES }
    }

    #[allow(unsafe_code, reason = "recvmmsg has no safe wrapper")]
    fn fetch(
        &mut self,
        socket: &UdpSocket,
        addresses: &mut [RawAddress; PIECES],
        controls: &mut [ControlBuffer; PIECES],
        pieces: &mut [Piece; PIECES],
    ) -> io::Result<usize> {
        // SAFETY: all zeros is a valid value of both: no buffers, no lengths.
        let (mut parts, mut headers) =
            unsafe { (std::mem::zeroed::<[libc::iovec; PIECES]>(), std::mem::zeroed::<[libc::mmsghdr; PIECES]>()) };
        let buffers = self.buffers.chunks_mut(STRIDE_BYTES);
        let places = parts.iter_mut().zip(buffers).zip(addresses.iter_mut()).zip(controls.iter_mut());
        for (header, (((part, buffer), address), control)) in headers.iter_mut().zip(places) {
            part.iov_base = buffer.as_mut_ptr().cast();
            part.iov_len = PIECE_BYTES;
            let header = &mut header.msg_hdr;
            header.msg_name = (&raw mut *address).cast();
            header.msg_namelen = RawAddress::CAPACITY;
            header.msg_iov = part;
            header.msg_iovlen = 1;
            header.msg_control = control.as_mut_ptr();
            header.msg_controllen = ControlBuffer::CAPACITY as _;
        }
        let count = loop {
            self.counters.syscalls += 1;
            // SAFETY: every header points at an address, a buffer and a control buffer that are borrowed mutably for
            // this call, are as long as the header says and do not overlap; the descriptor is open while `socket` lives.
            let count = unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    headers.as_mut_ptr(),
                    PIECES as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                    std::ptr::null_mut(),
                )
            };
            if let Ok(count) = usize::try_from(count) {
                break count;
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                // The kernel reports each earlier failed delivery once, instead of receiving.
                Some(libc::EINTR | libc::ECONNREFUSED) => {}
                _ => return Err(error),
            }
        };
        for (piece, header) in pieces.iter_mut().zip(&headers).take(count) {
            *piece = Piece {
                bytes: (header.msg_len as usize).min(PIECE_BYTES),
                control_bytes: header.msg_hdr.msg_controllen as _,
                is_truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            };
        }
        Ok(count)
    }
}

/// What the kernel says about one piece.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    bytes: usize,
    control_bytes: usize,
    is_truncated: bool,
}
