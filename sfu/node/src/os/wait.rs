// SPDX-License-Identifier: EUPL-1.2
//! Waits for one of a few descriptors (`ppoll(2)`). With so few of them it costs less than epoll's bookkeeping, and its
//! timeout is exact where `epoll_wait` rounds to milliseconds.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Waits until one of `descriptors` is readable or `timeout` has passed, and returns which are. A signal ends the wait
/// early.
#[allow(unsafe_code, reason = "ppoll has no safe wrapper")]
pub(crate) fn wait_readable<const COUNT: usize>(
    descriptors: [BorrowedFd<'_>; COUNT],
    timeout: Option<Duration>,
) -> io::Result<[bool; COUNT]> {
    let mut polled =
        descriptors.map(|descriptor| libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos() as _,
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the array is ours and as long as given, the descriptors are open while borrowed, and the timeout is null
    // or points at a value that outlives the call.
    let ready = unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout, std::ptr::null()) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok([false; COUNT]) } else { Err(error) };
    }
    // Errors count as readable: the read will report them.
    Ok(polled.map(|polled| polled.revents != 0))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::os::Wake;

    #[test]
    fn says_which_descriptor_is_readable() {
        let (first, second) = (Wake::new().unwrap(), Wake::new().unwrap());
        let ready = |timeout| wait_readable([first.as_fd(), second.as_fd()], timeout).unwrap();
        assert_eq!(ready(Some(Duration::ZERO)), [false, false]);
        assert_eq!(ready(Some(Duration::from_nanos(1))), [false, false]);
        second.signal();
        second.signal();
        assert_eq!(ready(None), [false, true]);
        second.clear();
        assert_eq!(ready(Some(Duration::ZERO)), [false, false]);
    }
}
