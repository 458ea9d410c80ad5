// SPDX-License-Identifier: EUPL-1.2
//! A call's two sockets, which never wait.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::RtpSockets;
use crate::media::rtp::{Component, Transmit};

/// Datagrams that are taken from a port in a tick: 640 ms of the shortest packets. What a flood has beyond waits in the
/// kernel, and is dropped there when its buffer is full.
const MAX_PER_TICK: usize = 64;

/// More than the longest datagram that is of use, so that a longer one is seen to be that.
pub(super) const BUFFER_BYTES: usize = 2_304;

/// With errors in so many ticks in a row, ten seconds, the sockets are of no use. A network that comes back sooner has only
/// lost packets.
const MAX_BAD_TICKS: u32 = 500;

/// See the [module](self).
pub(super) struct CallSockets {
    sockets: RtpSockets,
    had_error: bool,
    bad_ticks: u32,
}

impl CallSockets {
    pub(super) const fn new(sockets: RtpSockets) -> Self {
        Self { sockets, had_error: false, bad_ticks: 0 }
    }

    /// Hands over what has come. Returns how many datagrams.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8; BUFFER_BYTES],
        mut handle: impl FnMut(SocketAddr, &mut [u8]),
    ) -> u64 {
        let mut received = 0;
        for socket in [&self.sockets.rtp, &self.sockets.rtcp] {
            for _ in 0..MAX_PER_TICK {
                match socket.recv_from(buffer) {
                    Ok((len, source)) => {
                        received += 1;
                        handle(source, buffer.get_mut(..len).unwrap_or_default());
                    }
                    Err(error) => {
                        self.had_error |= !is_nothing(&error);
                        break;
                    }
                }
            }
        }
        received
    }

    /// Sends a datagram. `false`: the system did not take it, and it is lost as it could be on the way.
    pub(super) fn send(&mut self, transmit: Transmit, packet: &[u8]) -> bool {
        send(&self.sockets, transmit, packet).inspect_err(|error| self.had_error |= !is_nothing(error)).is_ok()
    }

    /// A tick is over. Whether the sockets are of no use.
    pub(super) fn have_failed(&mut self) -> bool {
        self.bad_ticks = if std::mem::take(&mut self.had_error) { self.bad_ticks + 1 } else { 0 };
        self.bad_ticks >= MAX_BAD_TICKS
    }
}

fn send(sockets: &RtpSockets, transmit: Transmit, packet: &[u8]) -> io::Result<()> {
    let socket: &UdpSocket = match transmit.component {
        Component::Rtp => &sockets.rtp,
        Component::Rtcp => &sockets.rtcp,
    };
    socket.send_to(packet, transmit.destination).map(drop)
}

/// Nothing has come, or there is no room at the moment. And of a telephone that has closed its port SIP or silence tells.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionRefused)
}
