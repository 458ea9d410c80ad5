// SPDX-License-Identifier: EUPL-1.2
//! A descriptor that one thread makes readable to wake another (`eventfd(2)`).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// Readable from [`Wake::signal`] until [`Wake::clear`].
#[derive(Debug)]
pub(crate) struct Wake {
    counter: File,
}

impl Wake {
    /// One that is not readable.
    #[allow(unsafe_code, reason = "eventfd has no safe wrapper")]
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened it for us, and nobody else knows it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { counter: descriptor.into() })
    }

    /// Makes it readable.
    pub(crate) fn signal(&self) {
        // Only a nudge: it fails only when the counter is full, and then it is readable already.
        let _ = (&self.counter).write(&1_u64.to_ne_bytes());
    }

    /// Makes it unreadable.
    pub(crate) fn clear(&self) {
        // Fails when nobody has signalled, which is as well.
        let _ = (&self.counter).read(&mut [0; size_of::<u64>()]);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.counter.as_fd()
    }
}
