// SPDX-License-Identifier: EUPL-1.2
//! Decides which of the sockets on the media port hears which client.
//!
//! By itself the kernel spreads clients over the sockets by a hash of its own. That is even, but it tears rooms apart:
//! each shard then passes many datagrams on to the shard that the client's room is on, and several threads wake for
//! one room. Instead, the sockets get a program that the kernel runs for each datagram and that returns the socket's
//! place in the group (classic BPF by `SO_ATTACH_REUSEPORT_CBPF`, Linux 4.5, which needs no privilege). It computes a
//! [keyed hash](hash::SourceHash) of the source. For those clients whose hash does not lead to their shard, it contains
//! a rule; a changed set of rules is a new program, which replaces the old one at once and loses nothing.
//!
//! Nothing depends on the rules. The number that fits is limited, they come into force a little later than they are
//! made, and where the kernel has no such option there are none: a shard that hears another one's client passes the
//! datagrams on.

mod hash;
mod program;
mod rules;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sfu_media::ids::TransportId;
use tracing::info;

use self::hash::SourceHash;
use self::program::Instruction;
use self::rules::Rules;
use super::socket::UdpSocket;

/// `libc` has it for Android only. The value is that of all architectures but PA-RISC and SPARC.
const SO_ATTACH_REUSEPORT_CBPF: libc::c_int = 51;

/// What the metrics show of steering, also where it could not begin.
#[derive(Debug, Default)]
pub struct SteeringCounters {
    /// Rules that the kernel has.
    pub rules_in_force: AtomicU64,
    /// Times that the kernel did not take a program.
    pub failures: AtomicU64,
}

impl SteeringCounters {
    fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

/// Which client's datagrams go to which socket of a group.
///
/// It keeps the first socket open, and with it the port in use.
pub struct Steering {
    /// The first socket, which stands for the group; `None` for a single one, where there is nothing to choose.
    group: Option<OwnedFd>,
    sockets: u16,
    hash: SourceHash,
    rules: Rules,
    counters: Arc<SteeringCounters>,
    /// The kernel did not take the latest program, and the log says so.
    is_refused: bool,
}

impl Steering {
    /// Takes over from the kernel's own hash, with no rules yet. `sockets` are all of a group, in the order in which
    /// they were bound.
    ///
    /// Call it before clients come, because it changes which socket hears whom, and let all sockets live as long as any
    /// is used: when one closes, the kernel gives its place to another. `counters` are kept up to date from here on.
    ///
    /// # Errors
    ///
    /// Fails where the kernel or a sandbox does not allow such programs. All works without.
    pub fn attach(sockets: &[UdpSocket], counters: Arc<SteeringCounters>) -> io::Result<Self> {
        Self::attach_with(sockets, counters.clone(), SourceHash::new(rand::random()))
            .inspect_err(|_| counters.count_failure())
    }

    fn attach_with(sockets: &[UdpSocket], counters: Arc<SteeringCounters>, hash: SourceHash) -> io::Result<Self> {
        let group = match sockets {
            [first, _, ..] => Some(first.as_fd().try_clone_to_owned()?),
            _ => None,
        };
        let sockets = u16::try_from(sockets.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let steering = Self { group, sockets, hash, rules: Rules::new(sockets), counters, is_refused: false };
        steering.set_program()?;
        Ok(steering)
    }

    /// The place in the group of the socket that hears `source`, once all that was changed is [applied](Self::apply).
    #[must_use]
    pub fn socket_for(&self, source: SocketAddr) -> usize {
        self.rules.socket_for(self.hash.of(source.into())).into()
    }

    /// Makes the socket at the place `socket` hear this address of a client, from the next [`Self::apply`] on, until
    /// the client is gone or the address steered elsewhere. Of a client with many addresses the latest count.
    ///
    /// Returns whether it will. It will not when as many rules exist as fit, when the hash of `source` is that of
    /// another client with a rule, or when there is no such socket. A later call may succeed.
    pub fn steer(&mut self, transport: TransportId, source: SocketAddr, socket: usize) -> bool {
        let Some(socket) = u16::try_from(socket).ok().filter(|socket| *socket < self.sockets) else { return false };
        let source = source.into();
        self.rules.steer(transport, source, self.hash.of(source), socket)
    }

    /// Drops the rules of all clients but those that `is_here` names, with the next [`Self::apply`].
    pub fn retain(&mut self, is_here: impl FnMut(TransportId) -> bool) {
        self.rules.retain(is_here);
    }

    /// How many rules there are: clients that are where their hash leads need none.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Gives the kernel what was changed, if anything was: one system call that translates the whole program, so a few
    /// times a second are enough. Returns whether the kernel has all rules.
    ///
    /// It refuses them when it has no memory or lets programs be shorter than it does by default. Then the rules from
    /// before stay in force, and the next call tries again. Each time is counted, and the first of several logged.
    pub fn apply(&mut self) -> bool {
        if self.rules.is_changed() {
            match self.set_program() {
                Ok(()) => self.taken(),
                Err(error) => self.refused(&error),
            }
        }
        !self.rules.is_changed()
    }

    fn set_program(&self) -> io::Result<()> {
        let Some(group) = &self.group else { return Ok(()) };
        set_program(group.as_fd(), &program::program(&self.hash, self.sockets, &self.rules.sorted()))
    }

    fn taken(&mut self) {
        self.rules.set_unchanged();
        self.counters.rules_in_force.store(self.rules() as u64, Ordering::Relaxed);
        if std::mem::take(&mut self.is_refused) {
            info!("the kernel takes steering rules again");
        }
    }

    fn refused(&mut self, error: &io::Error) {
        self.counters.count_failure();
        if !std::mem::replace(&mut self.is_refused, true) {
            info!(%error, rules = self.rules(), "the kernel refuses steering rules, and keeps those from before");
        }
    }
}

impl fmt::Debug for Steering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The hash's numbers are secret and the rules' addresses personal.
        f.debug_struct("Steering").field("sockets", &self.sockets).field("rules", &self.rules()).finish_non_exhaustive()
    }
}

#[allow(unsafe_code, reason = "the option has no safe wrapper")]
fn set_program(socket: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let description = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: the descriptor is open while it is borrowed. The description is of the length given and points at as many
    // instructions as it says, which have the kernel's layout. The kernel copies them, does not write to them, and
    // refuses what is not a valid program.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_ATTACH_REUSEPORT_CBPF,
            (&raw const description).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
