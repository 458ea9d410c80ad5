// SPDX-License-Identifier: EUPL-1.2
//! Which packets were there already (RFC 3711 §3.3.1 and §3.3.2).

/// Packets older than this many after the newest are refused. The standard wants at least 64; a telephone line never
/// reorders as many.
const WINDOW_PACKETS: u64 = 128;

/// The last packets by their index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    newest: u64,
    /// Bit `n` is the packet `n` before the newest.
    seen: u128,
}

impl Window {
    /// One that knows a first packet.
    pub(super) const fn new(index: u64) -> Self {
        Self { newest: index, seen: 1 }
    }

    /// Whether a packet is neither known nor too old to be known.
    pub(super) const fn is_new(&self, index: u64) -> bool {
        match self.newest.checked_sub(index) {
            Some(age) => age < WINDOW_PACKETS && self.seen & (1 << age) == 0,
            None => true,
        }
    }

    /// Notes an authentic packet.
    pub(super) const fn note(&mut self, index: u64) {
        if index <= self.newest {
            let age = self.newest - index;
            if age < WINDOW_PACKETS {
                self.seen |= 1 << age;
            }
            return;
        }
        let step = index - self.newest;
        self.seen = if step < WINDOW_PACKETS { self.seen << step | 1 } else { 1 };
        self.newest = index;
    }

    /// The index that a sequence number most likely means: the nearest to the newest (RFC 3711 §3.3.1). `None` when it
    /// would lie before the first rollover period or behind the last.
    pub(super) fn index_of(&self, seq_no: u16) -> Option<u64> {
        let distance = seq_no.wrapping_sub(self.newest as u16).cast_signed();
        self.newest.checked_add_signed(i64::from(distance)).filter(|index| *index < 1 << 48)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_new_once() {
        let mut window = Window::new(1_000);
        for index in [1_001, 1_130, 1_003, 1_129] {
            assert!(window.is_new(index), "{index}");
            window.note(index);
            assert!(!window.is_new(index), "{index}");
        }
        assert!(!window.is_new(1_001), "too old to know");
        assert!(window.is_new(1_004));
        window.note(2_000);
        assert!(!window.is_new(1_004));
        assert!(window.is_new(1_999));
    }

    #[test]
    fn the_index_follows_the_wrap_in_both_directions() {
        assert_eq!(Window::new(65_530).index_of(3), Some(65_539));
        assert_eq!(Window::new(65_539).index_of(65_530), Some(65_530));
        assert_eq!(Window::new(3).index_of(65_530), None, "before the beginning");
        assert_eq!(Window::new((1 << 48) - 1).index_of(0), None, "behind the end");
    }
}
