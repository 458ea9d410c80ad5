// SPDX-License-Identifier: EUPL-1.2
//! The sockets of a call's sound.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::sound::RtpSockets;

/// Datagrams that are thrown away at once: more than fit into a socket's buffer, so that a flood is no reason to stay.
const MAX_DISCARDED: usize = 4_096;

/// Throws away what has come before the call is answered, such as what is played while it rings: its first source would be taken
/// for the telephone, and its sound for the beginning of what somebody says.
pub(super) fn discard(sockets: &RtpSockets) {
    for socket in [&sockets.rtp, &sockets.rtcp] {
        let mut nothing = [0; 0];
        // Of a datagram that does not fit, which none does, the rest is gone.
        let waiting = (0..MAX_DISCARDED).take_while(|_| socket.recv(&mut nothing).is_ok());
        let count = waiting.count();
        if count > 0 {
            tracing::trace!(count, "sound came before the answer");
        }
    }
}

/// Binds an even port for RTP and the next one for RTCP.
pub(crate) fn bind(address: IpAddr, port: u16) -> io::Result<RtpSockets> {
    let bind = |port| {
        let socket = UdpSocket::bind(SocketAddr::new(address, port))?;
        socket.set_nonblocking(true)?;
        Ok::<_, io::Error>(socket)
    };
    let odd = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(RtpSockets { rtp: bind(port)?, rtcp: bind(odd)? })
}
