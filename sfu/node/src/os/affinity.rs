// SPDX-License-Identifier: EUPL-1.2
//! Which cores the process may use, and keeping a thread on one of them (`sched_setaffinity(2)`).

use std::io;

/// The cores that this thread may run on, by their numbers.
#[allow(unsafe_code, reason = "sched_getaffinity has no safe wrapper")]
pub(crate) fn usable_cores() -> io::Result<Vec<usize>> {
    // SAFETY: all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is ours and as long as given; 0 is the calling thread.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: every number is below the size of the set.
    Ok((0..libc::CPU_SETSIZE as usize).filter(|core| unsafe { libc::CPU_ISSET(*core, &set) }).collect())
}

/// Keeps this thread on `core`.
#[allow(unsafe_code, reason = "sched_setaffinity has no safe wrapper")]
pub(crate) fn pin_to(core: usize) -> io::Result<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number is below the size of the set.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: the set is ours and as long as given; 0 is the calling thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_has_one_core() {
        let core = *usable_cores().unwrap().last().unwrap();
        // A thread of its own, so that the test runner's stays free.
        let cores = std::thread::spawn(move || pin_to(core).and_then(|()| usable_cores())).join().unwrap();
        assert_eq!(cores.unwrap(), [core]);
        assert!(pin_to(1_000_000).is_err());
    }
}
