// SPDX-License-Identifier: EUPL-1.2
//! Calls for memory that is about to be needed, so that it comes while something else is done.

/// Bytes that come at once.
const CACHE_LINE_BYTES: usize = 64;

/// Calls for `value`, but for what lies on one more line where it does not begin with a line. Without effect where the
/// processor has no instruction for it.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<i8>();
    for offset in (0..size_of::<T>()).step_by(CACHE_LINE_BYTES) {
        prefetch_line(start.wrapping_add(offset));
    }
}

/// Calls for the line at an address, which need not be one of ours.
#[cfg(target_arch = "x86_64")]
#[inline]
#[allow(unsafe_code, reason = "the intrinsic takes a pointer")]
pub(crate) fn prefetch_line(line: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: the instruction reads nothing that a program can see, and ignores addresses that it cannot read.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line) }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) const fn prefetch_line(_line: *const i8) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_nothing_and_takes_any_address() {
        let value = [7_u8; 1_000];
        prefetch(&value);
        assert_eq!(value, [7; 1_000]);
        for address in [0, 1, usize::MAX] {
            prefetch_line(std::ptr::without_provenance(address));
        }
    }
}
