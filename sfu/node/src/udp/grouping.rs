// SPDX-License-Identifier: EUPL-1.2
//! Sorts a batch of datagrams into runs that the kernel can take in one piece: one destination, equal sizes, the last
//! one perhaps shorter (Linux `udp(7)`, UDP_SEGMENT).
//!
//! Forwarding writes what leaves together receiver by receiver, but a turn may forward more than once, so datagrams for
//! one destination may be far apart in a batch and have to be brought together. Their order per destination stays.

use std::net::{IpAddr, SocketAddr};

use sfu_media::shard::output::SendBatch;

/// Most segments in a run: UDP_MAX_SEGMENTS of kernels before 6.9, which refuse more.
pub(super) const MAX_SEGMENTS: usize = 64;

/// Most bytes in a run. All its segments travel as one IP packet of at most 65,535 bytes until they are cut.
pub(super) const MAX_RUN_BYTES: usize = 65_000;

/// Marks the end of a list and an empty place in the table.
const NONE: u32 = u32::MAX;

/// Datagrams to one destination that go out in one piece, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Its place among the batch's destinations.
    destination: u32,
    /// Where its datagrams begin in the sorted order.
    start: u32,
    /// How many datagrams it has.
    pub(super) count: u16,
    /// The size of each but perhaps the last.
    pub(super) segment_bytes: u16,
}

impl Run {
    /// Each of its datagrams alone.
    pub(super) fn one_by_one(self) -> impl Iterator<Item = Self> {
        (self.start..self.start + u32::from(self.count)).map(move |start| Self { start, count: 1, ..self })
    }
}

#[derive(Clone, Copy, Debug)]
struct Destination {
    address: SocketAddr,
    first: u32,
    last: u32,
}

/// The memory for sorting, reused from batch to batch.
#[derive(Debug)]
pub(super) struct Grouping {
    /// Differs from process to process, so that nobody can choose addresses that collide.
    seed: u64,
    /// Open addressing by destination; holds indices of `destinations`.
    table: Vec<u32>,
    destinations: Vec<Destination>,
    /// For each datagram the next one to the same destination.
    next: Vec<u32>,
    order: Vec<u32>,
    runs: Vec<Run>,
}

impl Grouping {
    pub(super) fn new() -> Self {
        Self {
            seed: rand::random(),
            table: Vec::new(),
            destinations: Vec::new(),
            next: Vec::new(),
            order: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Sorts `batch`. Only destinations that `takes_runs` agrees to get more than one datagram in one piece.
    pub(super) fn sort(&mut self, batch: &SendBatch, takes_runs: impl Fn(IpAddr) -> bool) {
        self.link_by_destination(batch);
        self.order.clear();
        self.runs.clear();
        for index in 0..self.destinations.len() {
            let takes_runs = takes_runs(self.destinations[index].address.ip());
            self.cut_runs(batch, index, takes_runs);
        }
    }

    /// The runs of the batch sorted last. Runs to one destination stand in the order of their datagrams.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The batch's indices of a run's datagrams, oldest first.
    pub(super) fn order(&self, run: Run) -> &[u32] {
        let start = run.start as usize;
        &self.order[start..start + usize::from(run.count)]
    }

    /// Where a run goes.
    pub(super) fn destination(&self, run: Run) -> SocketAddr {
        self.destinations[run.destination as usize].address
    }

    fn link_by_destination(&mut self, batch: &SendBatch) {
        let places = (batch.len() * 2).next_power_of_two();
        self.table.clear();
        self.table.resize(places, NONE);
        self.destinations.clear();
        self.next.clear();
        self.next.resize(batch.len(), NONE);
        let mut before: Option<(SocketAddr, u32)> = None;
        for (index, (address, _)) in batch.iter().enumerate() {
            // A batch is bounded by memory far below `u32::MAX` datagrams.
            let datagram = index as u32;
            let known = match before {
                Some((destination, known)) if destination == address => known,
                _ => self.known_or_new(address, datagram),
            };
            before = Some((address, known));
            let destination = &mut self.destinations[known as usize];
            if destination.last != datagram {
                self.next[destination.last as usize] = datagram;
                destination.last = datagram;
            }
        }
    }

    /// The index of a destination; a new one begins with `datagram`.
    fn known_or_new(&mut self, address: SocketAddr, datagram: u32) -> u32 {
        let place = self.place_of(address);
        if self.table[place] == NONE {
            self.table[place] = self.destinations.len() as u32;
            self.destinations.push(Destination { address, first: datagram, last: datagram });
        }
        self.table[place]
    }

    /// The place in the table that holds `address`, or the empty one where it belongs.
    fn place_of(&self, address: SocketAddr) -> usize {
        let mask = self.table.len() - 1;
        let mut place = self.hash(address) as usize & mask;
        while self.table[place] != NONE && self.destinations[self.table[place] as usize].address != address {
            place = (place + 1) & mask;
        }
        place
    }

    /// Multiplies and folds, which is enough for a table that lives for one batch and costs a tenth of SipHash.
    fn hash(&self, address: SocketAddr) -> u64 {
        let ip = match address.ip() {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let fold = |left: u64, right: u64| {
            let product = u128::from(left) * u128::from(right);
            (product as u64) ^ (product >> 64) as u64
        };
        let low = fold(ip as u64 ^ self.seed, 0x9E37_79B9_7F4A_7C15);
        let high = (ip >> 64) as u64 ^ u64::from(address.port()).rotate_left(48);
        fold(low ^ high, self.seed.rotate_left(32) | 1)
    }

    fn cut_runs(&mut self, batch: &SendBatch, destination: usize, takes_runs: bool) {
        let mut datagram = self.destinations[destination].first;
        // `None` once the run is complete.
        let mut open: Option<(Run, usize)> = None;
        while datagram != NONE {
            let bytes = batch.get(datagram as usize).map_or(0, |(_, bytes)| bytes.len());
            let start = self.order.len() as u32;
            self.order.push(datagram);
            open = match open {
                Some((run, filled)) if takes_runs && fits(run, filled, bytes) => {
                    let run = Run { count: run.count + 1, ..run };
                    if bytes < usize::from(run.segment_bytes) {
                        self.runs.push(run);
                        None
                    } else {
                        Some((run, filled + bytes))
                    }
                }
                other => {
                    self.runs.extend(other.map(|(run, _)| run));
                    let run = Run {
                        destination: destination as u32,
                        start,
                        count: 1,
                        // What is larger is no datagram, and the kernel will say so.
                        segment_bytes: u16::try_from(bytes).unwrap_or(u16::MAX),
                    };
                    Some((run, bytes))
                }
            };
            datagram = self.next[datagram as usize];
        }
        self.runs.extend(open.map(|(run, _)| run));
    }
}

/// Whether a datagram of `bytes` may follow in a run that holds `filled` bytes. An empty one may not: it would vanish.
fn fits(run: Run, filled: usize, bytes: usize) -> bool {
    bytes > 0
        && bytes <= usize::from(run.segment_bytes)
        && usize::from(run.count) < MAX_SEGMENTS
        && filled + bytes <= MAX_RUN_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    /// Destination and datagram sizes of each run, where the batch holds datagrams of `(port, bytes)`.
    fn check(takes_runs: bool, datagrams: &[(u16, usize)]) -> Vec<(u16, Vec<usize>)> {
        let mut batch = SendBatch::new();
        for (port, bytes) in datagrams {
            batch.push(to(*port), &vec![0; *bytes]);
        }
        let mut grouping = Grouping::new();
        grouping.sort(&batch, |_| takes_runs);
        let sizes = |run: &Run| {
            let sizes = grouping.order(*run).iter().map(|index| batch.get(*index as usize).unwrap().1.len());
            (grouping.destination(*run).port(), sizes.collect())
        };
        grouping.runs().iter().map(sizes).collect()
    }

    #[test]
    fn brings_the_datagrams_of_one_destination_together() {
        let fan_out = [(1, 100), (2, 100), (3, 100), (1, 100), (2, 100), (3, 100)];
        assert_eq!(check(true, &fan_out), [(1, vec![100; 2]), (2, vec![100; 2]), (3, vec![100; 2])]);
    }

    #[test]
    fn a_shorter_datagram_ends_a_run_and_a_longer_one_begins_the_next() {
        assert_eq!(
            check(true, &[(1, 100), (1, 100), (1, 40), (1, 40), (1, 60)]),
            [(1, vec![100, 100, 40]), (1, vec![40]), (1, vec![60])]
        );
    }

    #[test]
    fn a_run_is_as_long_as_the_kernel_takes() {
        let runs = check(true, &[(1, 10); 130]);
        assert_eq!(runs.iter().map(|(_, sizes)| sizes.len()).collect::<Vec<_>>(), [64, 64, 2]);
        let runs = check(true, &[(1, 1_300); 60]);
        assert_eq!(runs.iter().map(|(_, sizes)| sizes.len()).collect::<Vec<_>>(), [50, 10]);
    }

    #[test]
    fn an_empty_datagram_travels_alone() {
        assert_eq!(check(true, &[(1, 10), (1, 0), (1, 10)]), [(1, vec![10]), (1, vec![0]), (1, vec![10])]);
        assert_eq!(check(true, &[(1, 0), (1, 0)]), [(1, vec![0]), (1, vec![0])]);
    }

    #[test]
    fn every_datagram_travels_alone_where_runs_are_refused() {
        assert_eq!(check(false, &[(1, 10), (2, 10), (1, 10)]), [(1, vec![10]), (1, vec![10]), (2, vec![10])]);
    }

    #[test]
    fn many_destinations_keep_their_datagrams_in_order() {
        let mut batch = SendBatch::new();
        let destinations = 500_u16;
        for round in 0..4_u8 {
            for port in 0..destinations {
                batch.push(to(port), &[round, 0, 0]);
            }
        }
        let mut grouping = Grouping::new();
        for _ in 0..2 {
            grouping.sort(&batch, |_| true);
            assert_eq!(grouping.runs().len(), usize::from(destinations));
            for run in grouping.runs() {
                let indices = grouping.order(*run);
                let rounds: Vec<u8> = indices.iter().map(|index| batch.get(*index as usize).unwrap().1[0]).collect();
                assert_eq!(rounds, [0, 1, 2, 3]);
                assert!(
                    indices.iter().all(|index| batch.get(*index as usize).unwrap().0 == grouping.destination(*run))
                );
            }
        }
    }
}
