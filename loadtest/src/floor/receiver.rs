// SPDX-License-Identifier: EUPL-1.2
//! Reads what arrives at many sockets and counts it, until its standard input ends.

use std::io::Write;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use anyhow::{Context, Result};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::ReceiveOptions;
use crate::peer::{ReceiveBuffer, Socket};

const EVENTS: usize = 1_024;

const INPUT: Token = Token(usize::MAX);

/// Prints the ports of its sockets, then, at the end, how many packets came.
pub(crate) fn receive(options: &ReceiveOptions) -> Result<()> {
    let open = || Socket::bind(IpAddr::V4(options.ip), !options.no_coalescing);
    let sockets = (0..options.sockets).map(|_| open()).collect::<Result<Vec<_>>>()?;
    let mut poll = Poll::new().context("no epoll")?;
    for (place, socket) in sockets.iter().enumerate() {
        poll.registry().register(&mut SourceFd(&socket.as_raw_fd()), Token(place), Interest::READABLE)?;
    }
    let input = std::io::stdin().as_raw_fd();
    poll.registry().register(&mut SourceFd(&input), INPUT, Interest::READABLE)?;
    let ports: Vec<_> = sockets.iter().map(|socket| socket.local().port().to_string()).collect();
    println!("{}", ports.join(","));
    std::io::stdout().flush()?;
    let mut events = Events::with_capacity(EVENTS);
    let mut buffer = ReceiveBuffer::new();
    let mut packets = 0_u64;
    let mut is_over = false;
    while !is_over {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            match sockets.get(event.token().0) {
                Some(socket) => while socket.receive(&mut buffer, |_, _| packets += 1) {},
                None => is_over = true,
            }
        }
    }
    println!("{packets}");
    Ok(())
}
