// SPDX-License-Identifier: EUPL-1.2
//! A keyed hash of a datagram's source, once in Rust and once as instructions for the kernel. Both must give the same.
//!
//! The address is taken as words of 32 bits. The sum of port, words and upper halves of the words, each times a random
//! number of its own, is the same for two given sources with a probability of at most 2⁻¹⁷ (multilinear hashing;
//! without the upper halves, words that differ only in their highest bit would be the same every other time). Nobody
//! who does not know the numbers can do better, so clients cannot choose their addresses such that they collide. The
//! sum of neighbouring ports is still regular; mixing its bits afterwards makes the hash even.

use std::net::{IpAddr, SocketAddr};

use super::program::Instruction;

/// The finalizer of MurmurHash3, without its last step, which would leave the upper half as it is.
const MIXING: [(u32, u32); 2] = [(16, 0x85eb_ca6b), (13, 0xc2b2_ae35)];

/// `ETH_P_IPV6` of the kernel: what its ancillary data says of an IPv6 packet.
const ETHERNET_IPV6: u32 = 0x86dd;

/// Where a datagram comes from, as far as its headers tell: an IPv4 address is not v4-mapped, and there is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    ip: IpAddr,
    port: u16,
}

impl From<SocketAddr> for Source {
    fn from(address: SocketAddr) -> Self {
        Self { ip: address.ip().to_canonical(), port: address.port() }
    }
}

/// The random numbers of the hash.
#[derive(Clone, Copy)]
pub(super) struct SourceHash {
    start: u32,
    port: u32,
    words: [WordFactors; 4],
}

#[derive(Clone, Copy)]
struct WordFactors {
    whole: u32,
    upper_half: u32,
}

impl SourceHash {
    pub(super) fn new(numbers: [u32; 10]) -> Self {
        let [start, port, words @ ..] = numbers;
        let factors = |index: usize| WordFactors { whole: words[2 * index], upper_half: words[2 * index + 1] };
        Self { start, port, words: std::array::from_fn(factors) }
    }

    pub(super) fn of(&self, source: Source) -> u32 {
        let start = self.start.wrapping_add(u32::from(source.port).wrapping_mul(self.port));
        let add = |sum: u32, (index, word): (usize, u32)| {
            let factors = self.words[index];
            sum.wrapping_add(word.wrapping_mul(factors.whole))
                .wrapping_add((word >> 16).wrapping_mul(factors.upper_half))
        };
        let sum = match source.ip {
            IpAddr::V4(ip) => add(start, (0, ip.to_bits())),
            IpAddr::V6(ip) => {
                let word = |index: usize| (ip.to_bits() >> (96 - 32 * index)) as u32;
                (0..4).map(|index| (index, word(index))).fold(start, add)
            }
        };
        MIXING.iter().fold(sum, |mixed, &(shift, factor)| (mixed ^ (mixed >> shift)).wrapping_mul(factor))
    }

    /// Instructions that leave the hash of a datagram's source in the accumulator and in X. They use memory cell 0.
    ///
    /// The source port follows the IPv6 header at once here. Before it there may be extension headers, but no client
    /// sends these; if one did, it would be heard by another socket than foretold.
    pub(super) fn instructions(&self) -> Vec<Instruction> {
        let mut v6 = vec![Instruction::load_network_half(40)];
        v6.extend(self.add_port());
        for (index, at) in [8, 12, 16, 20].into_iter().enumerate() {
            v6.extend(self.add_word(index, at));
        }
        // The options may make an IPv4 header longer.
        let mut v4 = vec![Instruction::load_x_ipv4_header_bytes(), Instruction::load_network_half_after_x()];
        v4.extend(self.add_port());
        v4.extend(self.add_word(0, 12));
        v6.push(Instruction::skip(v4.len()));

        let mut all = vec![Instruction::load_protocol(), Instruction::skip_unless_equal(ETHERNET_IPV6, v6.len())];
        all.extend(v6);
        all.extend(v4);
        for (shift, factor) in MIXING {
            all.extend([
                Instruction::shift_right(shift),
                Instruction::xor_x(),
                Instruction::multiply(factor),
                Instruction::copy_to_x(),
            ]);
        }
        all
    }

    /// From the port in the accumulator to the sum's start in X.
    fn add_port(&self) -> [Instruction; 3] {
        [Instruction::multiply(self.port), Instruction::add(self.start), Instruction::copy_to_x()]
    }

    /// Adds a word of the address, found at a distance from the IP header's begin, to the sum in X.
    fn add_word(&self, index: usize, at: u32) -> [Instruction; 10] {
        let factors = self.words[index];
        [
            Instruction::load_network_word(at),
            Instruction::store(0),
            Instruction::multiply(factors.whole),
            Instruction::add_x(),
            Instruction::copy_to_x(),
            Instruction::load(0),
            Instruction::shift_right(16),
            Instruction::multiply(factors.upper_half),
            Instruction::add_x(),
            Instruction::copy_to_x(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn hash(seed: u64) -> SourceHash {
        SourceHash::new(StdRng::seed_from_u64(seed).random())
    }

    fn of(seed: u64, ip: impl Into<IpAddr>, port: u16) -> u32 {
        hash(seed).of(SocketAddr::new(ip.into(), port).into())
    }

    #[test]
    fn every_part_of_the_source_and_every_number_count() {
        let all: [u32; 10] = std::array::from_fn(|index| index as u32 * 2 + 0x1357_9bdf);
        let source = SocketAddr::new(Ipv6Addr::from_bits(u128::MAX / 3).into(), 4711);
        let hash = SourceHash::new(all).of(source.into());
        for number in 0..all.len() {
            let mut others = all;
            others[number] ^= 1 << 20;
            assert_ne!(SourceHash::new(others).of(source.into()), hash, "number {number}");
        }
        for bit in 0..128 {
            let other = SocketAddr::new(Ipv6Addr::from_bits((u128::MAX / 3) ^ (1 << bit)).into(), 4711);
            assert_ne!(SourceHash::new(all).of(other.into()), hash, "bit {bit}");
        }
        assert_ne!(SourceHash::new(all).of(SocketAddr::new(source.ip(), 4712).into()), hash);
    }

    #[test]
    fn neighbours_spread_evenly() {
        let spread = |sources: &dyn Fn(u16) -> IpAddr, ports: &dyn Fn(u16) -> u16| {
            for seed in 0..200 {
                let upper = |n: u16| of(seed, sources(n), ports(n)) >> 31;
                let ones: u32 = (0..1_024).map(upper).sum();
                // Six standard deviations of a fair coin, which are 16.
                assert!((416..=608).contains(&ones), "seed {seed}: {ones} of 1024");
            }
        };
        let office = |_| Ipv4Addr::new(192, 0, 2, 1).into();
        let (street, home) = (
            |n: u16| Ipv4Addr::from_bits(0xc000_0000 + u32::from(n)).into(),
            |n: u16| Ipv6Addr::from_bits(n.into()).into(),
        );
        spread(&office, &|n| 50_000 + n);
        spread(&office, &|n| 1_024 + 32 * n);
        spread(&street, &|_| 50_000);
        spread(&home, &|_| 50_000);
    }

    #[test]
    fn sources_that_a_simpler_hash_confuses_seldom_collide() {
        // The products of the highest bits of two words cancel out with every other key.
        for bits in [(1 << 63) | (1 << 31), (1 << 127) | (1 << 95), (1 << 63) | (1 << 31) | (1 << 16)] {
            let [a, b] = [0, bits].map(Ipv6Addr::from_bits);
            let collisions = (0..20_000).filter(|&seed| of(seed, a, 9) == of(seed, b, 9)).count();
            assert!(collisions <= 3, "{collisions} of sources that differ in {bits:#x}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        let v4: SocketAddr = "192.0.2.1:9".parse().unwrap();
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:9".parse().unwrap();
        assert_eq!(Source::from(v4), Source::from(mapped));
    }
}
