// SPDX-License-Identifier: EUPL-1.2
//! Sends batches of datagrams: runs of equal size to one destination in one piece (UDP_SEGMENT), and many pieces with
//! one system call (sendmmsg).
//!
//! Nothing waits here. What the kernel does not take because its buffers are full is dropped with all that was to
//! follow it in the batch, and counted: media that is late is worth less than media that is lost.

use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;

use sfu_media::shard::output::SendBatch;

use super::address::RawAddress;
use super::control_message::ControlBuffer;
use super::grouping::{Grouping, MAX_SEGMENTS, Run};
use super::segmentation::Segmentation;
use super::socket::UdpSocket;

/// Pieces sent with one system call: a packet for a hundred receivers leaves with one. More save nothing that can be
/// measured, and their headers would not stay in the cache.
const PIECES: usize = 128;
// A refused run is sent again one by one with one call.
const _: () = assert!(PIECES >= MAX_SEGMENTS);

/// The memory for sending, reused from batch to batch.
pub struct Sender {
    grouping: Grouping,
    output: Output,
}

/// What a [`Sender`] has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendCounters {
    /// System calls.
    pub syscalls: u64,
    /// Datagrams that the kernel took.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Runs of more than one datagram that the kernel took in one piece.
    pub runs: u64,
    /// Runs that the kernel refused, and that were sent one by one.
    pub refused_runs: u64,
    /// Datagrams dropped because the kernel's buffers were full.
    pub dropped_full: u64,
    /// Datagrams dropped because the kernel cannot send them: too large, or no way there.
    pub dropped_unsendable: u64,
}

impl Sender {
    /// A sender for `socket`, whose kernel decides whether runs are sent in one piece.
    #[must_use]
    pub fn new(socket: &UdpSocket) -> Self {
        let output = Output {
            segmentation: Segmentation::new(socket.granted().segments),
            addresses: Vec::with_capacity(PIECES),
            controls: Vec::with_capacity(PIECES),
            parts: Vec::with_capacity(PIECES * MAX_SEGMENTS),
            part_counts: Vec::with_capacity(PIECES),
            headers: Vec::with_capacity(PIECES),
            counters: SendCounters::default(),
            #[cfg(test)]
            fault: None,
        };
        Self { grouping: Grouping::new(), output }
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counters(&self) -> SendCounters {
        self.output.counters
    }

    /// Sends all of `batch` that the kernel takes at once, in order per destination, and leaves the batch as it is.
    pub fn send(&mut self, socket: &UdpSocket, batch: &SendBatch) {
        let Self { grouping, output } = self;
        let family = socket.family();
        grouping.sort(batch, |ip| family.reaches(ip) && output.segmentation.is_for(ip));
        let runs = grouping.runs();
        let mut at = 0;
        while at < runs.len() {
            let end = runs.len().min(at + PIECES);
            let progress = output.deliver(socket, batch, grouping, &runs[at..end]);
            at = match progress {
                Progress::Done => end,
                Progress::RunRefused(place, error) => {
                    let refused = at + place;
                    output.segmentation.refused_by(grouping.destination(runs[refused]).ip(), &error);
                    output.counters.refused_runs += 1;
                    if output.deliver_one_by_one(socket, batch, grouping, runs[refused]) {
                        refused + 1
                    } else {
                        return output.drop_full(&runs[refused + 1..]);
                    }
                }
                Progress::Full(place) => return output.drop_full(&runs[at + place..]),
            };
        }
    }

    /// Lets the kernel seem to fail on runs for which `fault` gives an error.
    #[cfg(test)]
    pub(super) fn set_fault(&mut self, fault: fn(usize) -> Option<libc::c_int>) {
        self.output.fault = Some(fault);
    }

    /// Whether runs are still sent in one piece.
    #[cfg(test)]
    pub(super) fn sends_runs(&self) -> bool {
        self.output.segmentation.is_for([127, 0, 0, 1].into())
    }
}

/// How far the kernel got with some pieces.
enum Progress {
    /// To the end; what cannot be sent at all was left out and counted.
    Done,
    /// It refused the run at this place.
    RunRefused(usize, io::Error),
    /// Its buffers were full at this place.
    Full(usize),
}

/// The side of a sender that talks to the kernel.
struct Output {
    segmentation: Segmentation,
    addresses: Vec<RawAddress>,
    controls: Vec<ControlBuffer>,
    parts: Vec<libc::iovec>,
    /// How many parts each run has.
    part_counts: Vec<usize>,
    headers: Vec<libc::mmsghdr>,
    counters: SendCounters,
    #[cfg(test)]
    fault: Option<fn(usize) -> Option<libc::c_int>>,
}

impl Output {
    /// Sends at most [`PIECES`] runs.
    fn deliver(&mut self, socket: &UdpSocket, batch: &SendBatch, grouping: &Grouping, runs: &[Run]) -> Progress {
        self.point_headers_at(socket, batch, grouping, runs);
        let mut at = 0;
        while at < runs.len() {
            let error = match self.call(socket, runs, at) {
                Ok(sent) => {
                    self.count_sent(at, &runs[at..at + sent]);
                    at += sent;
                    continue;
                }
                Err(error) => error,
            };
            match error.raw_os_error() {
                // The kernel reports each earlier failed delivery once, instead of sending.
                Some(libc::EINTR | libc::ECONNREFUSED) => {}
                Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => return Progress::Full(at),
                Some(code) if runs[at].count > 1 && Segmentation::is_refusal(code) => {
                    return Progress::RunRefused(at, error);
                }
                _ => {
                    tracing::trace!(%error, "a datagram cannot be sent");
                    self.counters.dropped_unsendable += u64::from(runs[at].count);
                    at += 1;
                }
            }
        }
        Progress::Done
    }

    /// Sends the datagrams of a refused run. Returns whether the kernel has room for more.
    fn deliver_one_by_one(&mut self, socket: &UdpSocket, batch: &SendBatch, grouping: &Grouping, run: Run) -> bool {
        let mut singles = [run; MAX_SEGMENTS];
        for (place, single) in singles.iter_mut().zip(run.one_by_one()) {
            *place = single;
        }
        let singles = &singles[..usize::from(run.count)];
        match self.deliver(socket, batch, grouping, singles) {
            Progress::Done => true,
            // A single datagram is never refused as a run.
            Progress::RunRefused(place, _) | Progress::Full(place) => {
                self.drop_full(&singles[place..]);
                false
            }
        }
    }

    /// Writes one header per run. Their pointers are good until the batch or the vectors change.
    #[allow(unsafe_code, reason = "makes an empty msghdr, whose padding differs between C libraries")]
    fn point_headers_at(&mut self, socket: &UdpSocket, batch: &SendBatch, grouping: &Grouping, runs: &[Run]) {
        debug_assert!(runs.len() <= PIECES);
        let family = socket.family();
        self.addresses.clear();
        self.controls.clear();
        self.parts.clear();
        self.part_counts.clear();
        self.headers.clear();
        for run in runs {
            // The kernel refuses the unspecified address, so what this socket cannot reach is counted as unsendable.
            let address = RawAddress::for_family(family, grouping.destination(*run));
            self.addresses.push(address.unwrap_or(RawAddress::UNSPECIFIED));
            self.controls.push(ControlBuffer::EMPTY);
            let before = self.parts.len();
            self.add_parts(batch, grouping.order(*run));
            self.part_counts.push(self.parts.len() - before);
        }
        // From here on the vectors stay as they are, so that their elements stay where they are.
        let mut parts = self.parts.as_mut_slice();
        let places = self.addresses.iter_mut().zip(&mut self.controls).zip(&self.part_counts);
        for (run, ((address, control), part_count)) in runs.iter().zip(places) {
            let (own, rest) = parts.split_at_mut(*part_count);
            parts = rest;
            // SAFETY: all zeros is a valid `mmsghdr`: no buffers, no lengths.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            header.msg_hdr.msg_name = (&raw mut *address).cast();
            header.msg_hdr.msg_namelen = RawAddress::len(family);
            header.msg_hdr.msg_iov = own.as_mut_ptr();
            header.msg_hdr.msg_iovlen = own.len() as _;
            if run.count > 1 {
                header.msg_hdr.msg_controllen = control.write_segment_size(run.segment_bytes) as _;
                header.msg_hdr.msg_control = control.as_mut_ptr();
            }
            self.headers.push(header);
        }
    }

    /// Adds where the datagrams of one run lie. Those written one after the other are one part: the kernel cuts a run by
    /// length, and each part costs it something.
    fn add_parts(&mut self, batch: &SendBatch, order: &[u32]) {
        let bytes = batch.bytes();
        let mut open: Option<Range<usize>> = None;
        let part = |range: Range<usize>| {
            let part = &bytes[range];
            libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() }
        };
        for place in order.iter().filter_map(|index| batch.place(*index as usize)) {
            open = match open {
                Some(before) if before.end == place.start => Some(before.start..place.end),
                other => {
                    self.parts.extend(other.map(part));
                    Some(place)
                }
            };
        }
        self.parts.extend(open.map(part));
    }

    /// One system call for the runs from `at` on. Returns how many were sent, at least one.
    #[allow(unsafe_code, reason = "sendmmsg has no safe wrapper")]
    fn call(&mut self, socket: &UdpSocket, runs: &[Run], at: usize) -> io::Result<usize> {
        self.counters.syscalls += 1;
        let count = self.before_fault(&runs[at..])?;
        let headers = &mut self.headers[at..at + count];
        // SAFETY: the headers point at addresses, parts and control buffers that `point_headers_at` has put into
        // vectors of ours, unchanged since, and the parts at datagrams of a batch that the caller has borrowed for
        // longer. The kernel writes to `msg_len` only. The descriptor is open while `socket` lives.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT as _,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// How many of `runs` can go before one that a test lets fail.
    #[cfg_attr(not(test), allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests make it fail"))]
    fn before_fault(&self, runs: &[Run]) -> io::Result<usize> {
        #[cfg(test)]
        if let Some(fault) = self.fault {
            let faults = runs.iter().map(|run| fault(usize::from(run.count))).enumerate();
            match faults.into_iter().find_map(|(place, fault)| fault.map(|code| (place, code))) {
                Some((0, code)) => return Err(io::Error::from_raw_os_error(code)),
                Some((place, _)) => return Ok(place),
                None => {}
            }
        }
        Ok(runs.len())
    }

    fn count_sent(&mut self, at: usize, runs: &[Run]) {
        for (run, header) in runs.iter().zip(&self.headers[at..]) {
            self.counters.datagrams += u64::from(run.count);
            self.counters.bytes += u64::from(header.msg_len);
            if run.count > 1 {
                self.counters.runs += 1;
                self.segmentation.worked();
            }
        }
    }

    /// Counts what is dropped because the kernel's buffers are full.
    fn drop_full(&mut self, runs: &[Run]) {
        self.counters.dropped_full += runs.iter().map(|run| u64::from(run.count)).sum::<u64>();
    }
}
