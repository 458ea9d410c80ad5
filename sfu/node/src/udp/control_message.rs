// SPDX-License-Identifier: EUPL-1.2
//! The two control messages that the media sockets use: the segment size of a run that is sent, and the segment size of
//! a run that was received.

/// Room for one control message with an integer, aligned as `cmsghdr` must be.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct ControlBuffer([u8; CAPACITY]);

/// `CMSG_SPACE` of an integer on 64-bit Linux is 24; the rest is slack.
const CAPACITY: usize = 32;

impl ControlBuffer {
    pub(super) const EMPTY: Self = Self([0; CAPACITY]);

    /// Where the kernel reads or writes it, and how much it may.
    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::c_void {
        self.0.as_mut_ptr().cast()
    }

    /// The bytes that the kernel may write.
    pub(super) const CAPACITY: usize = CAPACITY;

    /// Asks the kernel to cut what is sent into datagrams of `segment_bytes`. Returns the bytes in use.
    #[allow(unsafe_code, reason = "the layout of control messages is known to the C library's macros only")]
    pub(super) fn write_segment_size(&mut self, segment_bytes: u16) -> usize {
        // SAFETY: plain arithmetic.
        let space = unsafe { libc::CMSG_SPACE(size_of::<u16>() as _) } as usize;
        debug_assert!(space <= CAPACITY);
        let header = self.0.as_mut_ptr().cast::<libc::cmsghdr>();
        // SAFETY: the buffer is aligned for `cmsghdr`, holds `CMSG_SPACE` of a u16, and is ours alone. Any bytes are a
        // valid `cmsghdr`.
        unsafe {
            (*header).cmsg_level = libc::SOL_UDP;
            (*header).cmsg_type = libc::UDP_SEGMENT;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as _) as _;
            libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment_bytes);
        }
        space
    }

    /// The size that the kernel says the received run was coalesced from, looked for in the first `used` bytes; `None`
    /// when the datagram stands alone.
    #[allow(unsafe_code, reason = "the layout of control messages is known to the C library's macros only")]
    pub(super) fn read_segment_size(&mut self, used: usize) -> Option<usize> {
        if used == 0 {
            return None;
        }
        // SAFETY: all zeros is a valid `msghdr`.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_control = self.as_mut_ptr();
        message.msg_controllen = used.min(CAPACITY) as _;
        // SAFETY: the message's control buffer is ours, aligned, initialised and as long as it says.
        let mut header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
        while !header.is_null() {
            // SAFETY: the macros only return headers that lie whole in the buffer.
            let (level, kind, len) =
                unsafe { ((*header).cmsg_level, (*header).cmsg_type, (*header).cmsg_len as usize) };
            // SAFETY: plain arithmetic.
            let needed = unsafe { libc::CMSG_LEN(size_of::<libc::c_int>() as _) } as usize;
            if level == libc::SOL_UDP && kind == libc::UDP_GRO && len >= needed {
                // SAFETY: the message holds an integer by its length, and the kernel bounds the length by the buffer.
                let size = unsafe { libc::CMSG_DATA(header).cast::<libc::c_int>().read_unaligned() };
                return usize::try_from(size).ok().filter(|size| *size > 0);
            }
            // SAFETY: as for the first header.
            header = unsafe { libc::CMSG_NXTHDR(&raw const message, header) };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what the kernel would.
    #[allow(unsafe_code, reason = "the layout of control messages is known to the C library's macros only")]
    fn received(level: libc::c_int, kind: libc::c_int, size: libc::c_int) -> (ControlBuffer, usize) {
        let mut buffer = ControlBuffer::EMPTY;
        let header = buffer.as_mut_ptr().cast::<libc::cmsghdr>();
        // SAFETY: the buffer is aligned and holds one header with an integer.
        unsafe {
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<libc::c_int>() as _) as _;
            libc::CMSG_DATA(header).cast::<libc::c_int>().write_unaligned(size);
            (buffer, libc::CMSG_SPACE(size_of::<libc::c_int>() as _) as usize)
        }
    }

    #[test]
    fn the_segment_size_of_a_run_is_found() {
        let (mut buffer, used) = received(libc::SOL_UDP, libc::UDP_GRO, 1200);
        assert_eq!(buffer.read_segment_size(used), Some(1200));
        assert_eq!(buffer.read_segment_size(0), None);
    }

    #[test]
    fn other_control_messages_say_nothing() {
        let (mut buffer, used) = received(libc::SOL_SOCKET, libc::UDP_GRO, 1200);
        assert_eq!(buffer.read_segment_size(used), None);
        let (mut buffer, used) = received(libc::SOL_UDP, libc::UDP_GRO, 0);
        assert_eq!(buffer.read_segment_size(used), None);
    }

    #[test]
    fn a_segment_size_is_one_control_message() {
        let mut buffer = ControlBuffer::EMPTY;
        let used = buffer.write_segment_size(1200);
        assert!(used <= ControlBuffer::CAPACITY);
        assert!(buffer.0[..used].windows(2).any(|bytes| bytes == 1200_u16.to_ne_bytes()));
    }
}
