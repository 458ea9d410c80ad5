// SPDX-License-Identifier: EUPL-1.2
//! What is known about sending runs in one piece: whether the kernel can at all, and which destinations it cannot for.
//!
//! The refusal concerns the way to one destination more often than the machine: a device without checksum offload or
//! an IPsec policy gives EIO, a device whose MTU is smaller than the segments gives EINVAL, or EMSGSIZE from Linux 6.14
//! on. So one client behind a narrow tunnel of ours must not slow down all the others.

use std::io;
use std::net::IpAddr;

/// Destinations remembered as refusing runs. If so many refuse before one has agreed, the machine is the reason.
const REMEMBERED: usize = 16;

/// Which destinations get runs in one piece.
#[derive(Debug)]
pub(super) struct Segmentation {
    is_on: bool,
    has_worked: bool,
    /// A ring: a new refusal takes the place of the oldest.
    refusing: [Option<IpAddr>; REMEMBERED],
    refusals: usize,
}

impl Segmentation {
    pub(super) const fn new(is_on: bool) -> Self {
        Self { is_on, has_worked: false, refusing: [None; REMEMBERED], refusals: 0 }
    }

    /// Whether runs to `ip` go out in one piece.
    pub(super) fn is_for(&self, ip: IpAddr) -> bool {
        self.is_on && (self.refusals == 0 || !self.refusing.contains(&Some(ip)))
    }

    /// Whether `code` says that the run was refused for being one.
    pub(super) const fn is_refusal(code: libc::c_int) -> bool {
        matches!(code, libc::EIO | libc::EINVAL | libc::EMSGSIZE) || Self::is_unknown_option(code)
    }

    /// The kernel took a run.
    pub(super) const fn worked(&mut self) {
        self.has_worked = true;
    }

    /// The kernel refused a run to `ip`.
    pub(super) fn refused_by(&mut self, ip: IpAddr, error: &io::Error) {
        // One batch may hold several runs to one destination.
        if !self.refusing.contains(&Some(ip)) {
            self.refusing[self.refusals % REMEMBERED] = Some(ip);
            self.refusals += 1;
        }
        let is_hopeless = !self.has_worked && self.refusals >= REMEMBERED;
        if self.is_on && (is_hopeless || error.raw_os_error().is_some_and(Self::is_unknown_option)) {
            self.is_on = false;
            tracing::info!(%error, "the kernel does not segment UDP, so datagrams are sent one by one");
        }
    }

    const fn is_unknown_option(code: libc::c_int) -> bool {
        matches!(code, libc::ENOPROTOOPT | libc::EOPNOTSUPP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: usize) -> IpAddr {
        [10, 0, 0, u8::try_from(last).unwrap()].into()
    }

    fn error(code: libc::c_int) -> io::Error {
        io::Error::from_raw_os_error(code)
    }

    #[test]
    fn one_destination_that_refuses_does_not_slow_down_the_others() {
        let mut segmentation = Segmentation::new(true);
        segmentation.worked();
        for last in 0..REMEMBERED + 1 {
            segmentation.refused_by(ip(last), &error(libc::EIO));
            assert!(!segmentation.is_for(ip(last)));
            assert!(segmentation.is_for(ip(200)));
        }
        assert!(segmentation.is_for(ip(0)), "the oldest is tried again");
    }

    #[test]
    fn a_machine_on_which_it_never_works_stops_trying() {
        let mut segmentation = Segmentation::new(true);
        for _ in 0..REMEMBERED {
            segmentation.refused_by(ip(0), &error(libc::EIO));
        }
        for last in 0..REMEMBERED {
            assert!(segmentation.is_for(ip(200)), "few destinations are no proof");
            segmentation.refused_by(ip(last), &error(libc::EIO));
        }
        assert!(!segmentation.is_for(ip(200)));
    }

    #[test]
    fn an_unknown_option_needs_no_second_try() {
        let mut segmentation = Segmentation::new(true);
        segmentation.refused_by(ip(1), &error(libc::ENOPROTOOPT));
        assert!(!segmentation.is_for(ip(200)));
        assert!(!Segmentation::new(false).is_for(ip(200)));
    }
}
