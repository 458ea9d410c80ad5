// SPDX-License-Identifier: EUPL-1.2
//! RTP sequence numbers (RFC 3550 §5.1): 16 bits that wrap, and the 64-bit index that they stand for.

use std::fmt;

/// A sequence number. There is no `Ord`: which of two is newer depends on the wrap.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SeqNo(pub u16);

impl SeqNo {
    /// The number that a packet with this index carries.
    #[must_use]
    pub const fn of_index(index: u64) -> Self {
        Self((index & 0xffff) as u16)
    }

    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// How many packets after `earlier`; negative when it comes before.
    #[must_use]
    pub const fn packets_since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether it comes after `other`, if the two are less than half the number space apart.
    #[must_use]
    pub const fn is_newer_than(self, other: Self) -> bool {
        self.packets_since(other) > 0
    }

    /// The index nearest to `near` that has this number. Indices start above 2^16 (see [`SeqNo::first_index`]), so
    /// that those of packets which were overtaken by the very first one exist.
    #[must_use]
    pub const fn extend(self, near: u64) -> u64 {
        let distance = self.packets_since(Self::of_index(near)) as i64;
        match near.checked_add_signed(distance) {
            Some(index) => index,
            None => self.first_index(),
        }
    }

    /// The index of a stream's first packet.
    #[must_use]
    pub const fn first_index(self) -> u64 {
        0x1_0000 + self.0 as u64
    }
}

impl fmt::Debug for SeqNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn compares_over_the_wrap() {
        assert!(SeqNo(0).is_newer_than(SeqNo(65_535)));
        assert!(!SeqNo(65_535).is_newer_than(SeqNo(0)));
        assert!(!SeqNo(7).is_newer_than(SeqNo(7)));
        assert_eq!(SeqNo(3).packets_since(SeqNo(65_534)), 5);
        assert_eq!(SeqNo(65_535).next(), SeqNo(0));
    }

    #[test]
    fn extending_a_reordered_lossy_stream_gives_back_its_true_indices() {
        for seed in 0..20 {
            let mut rng = StdRng::seed_from_u64(seed);
            let first = SeqNo(rng.random());
            let mut highest = first.first_index();
            let mut index = highest;
            for _ in 0..50_000 {
                index += if rng.random_ratio(1, 1_000) { rng.random_range(1..20_000) } else { 1 };
                let displaced = index - rng.random_range(0..12_000).min(index - 0x1_0000);
                let extended = SeqNo::of_index(displaced).extend(highest);
                assert_eq!(extended, displaced, "seed {seed}");
                highest = highest.max(extended);
            }
        }
    }

    #[test]
    fn nothing_precedes_index_zero() {
        assert_eq!(SeqNo(65_535).extend(3), SeqNo(65_535).first_index());
    }
}
