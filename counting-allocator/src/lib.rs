// SPDX-License-Identifier: EUPL-1.2
//! Counts allocations and their bytes, for tests that demand none, or few. For tests only: a test makes it the allocator of
//! its process.
//!
//! ```
//! # use counting_allocator::{CountingAllocator, allocations_of};
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! assert_eq!(allocations_of(|| drop(Box::new(1))), 1);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread: tests run side by side.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

/// How often this thread allocates, or asks for more, while `work` runs. Always zero unless a [`CountingAllocator`] is
/// the global allocator.
pub fn allocations_of(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// How many bytes this thread asks for in all while `work` runs, whether it gives them back or not: more than it ever holds.
/// Always zero unless a [`CountingAllocator`] is the global allocator.
pub fn bytes_of(work: impl FnOnce()) -> usize {
    let before = BYTES.get();
    work();
    BYTES.get() - before
}

fn count_one(bytes: usize) {
    // A thread that is ending has no counter any more, and nobody asks for it.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    let _ = BYTES.try_with(|count| count.set(count.get() + bytes));
}

#[allow(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: every call is passed to the system's allocator as it came.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one(size);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(place, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    #[test]
    fn every_way_to_get_memory_counts() {
        assert_eq!(allocations_of(|| ()), 0);
        assert_eq!(allocations_of(|| drop(std::hint::black_box(vec![1, 2, 3]))), 1);
        assert_eq!(allocations_of(|| drop(std::hint::black_box(vec![0; 100]))), 1, "zeroed");
        let mut grows = Vec::with_capacity(1);
        assert_eq!(allocations_of(|| grows.extend([1, 2, 3])), 1, "grown");
    }

    #[test]
    fn bytes_are_counted_that_are_given_back() {
        let twice = || {
            drop(std::hint::black_box(Vec::<u8>::with_capacity(100)));
            drop(std::hint::black_box(Vec::<u8>::with_capacity(50)));
        };
        assert_eq!(bytes_of(twice), 150);
    }

    #[test]
    fn other_threads_do_not_count() {
        let (start, started) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            started.recv().unwrap();
            drop(std::hint::black_box(vec![1, 2, 3]));
        });
        start.send(()).unwrap();
        assert_eq!(allocations_of(|| other.join().unwrap()), 0);
    }
}
