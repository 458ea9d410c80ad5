// SPDX-License-Identifier: EUPL-1.2
//! The sockets of a call's sound.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::sound::RtpSockets;

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
