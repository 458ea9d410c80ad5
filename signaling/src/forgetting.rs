// SPDX-License-Identifier: EUPL-1.2
//! Keeps a table that others fill within its bounds: those entries go first that matter least.

use std::collections::HashMap;

/// One of so many is forgotten at once, since each look costs as much as all that is kept.
const FORGOTTEN_OF: usize = 16;

/// Forgets the entries that weigh least if there are `most` or more; `most` is at least one. Those that weigh the same go together.
pub(crate) fn forget_least<K, V, W: Ord + Copy>(map: &mut HashMap<K, V>, most: usize, weight: impl Fn(&V) -> W) {
    if map.len() < most {
        return;
    }
    let mut all: Vec<W> = map.values().map(&weight).collect();
    let (_, limit, _) = all.select_nth_unstable(most / FORGOTTEN_OF);
    let limit = *limit;
    map.retain(|_, value| weight(value) > limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_weigh_least_go_when_it_is_full() {
        let mut map: HashMap<u32, u32> = (0..99).map(|number| (number, number / 2)).collect();
        forget_least(&mut map, 100, |value| *value);
        assert_eq!(map.len(), 99, "there is room");
        map.insert(99, 49);
        forget_least(&mut map, 100, |value| *value);
        let mut left: Vec<u32> = map.into_keys().collect();
        left.sort_unstable();
        assert_eq!(left, (8..100).collect::<Vec<_>>(), "a sixteenth, and who weighs the same as the last of them");
    }
}
