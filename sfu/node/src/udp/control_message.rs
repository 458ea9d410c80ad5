// SPDX-License-Identifier: EUPL-1.2
//! The control messages that the media sockets use: the segment size of a run that is sent, that of a run that was
//! received, and how many datagrams the socket has lost because nobody took them in time.

/// Room for two control messages with an integer each, aligned as `cmsghdr` must be.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct ControlBuffer([u8; CAPACITY]);

/// `CMSG_SPACE` of an integer on 64-bit Linux is 24; the rest is slack.
const CAPACITY: usize = 64;

/// What the kernel says about a datagram, or a run of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// The size that the run was coalesced from (UDP_GRO); `None` when the datagram stands alone.
    pub(super) segment_bytes: Option<usize>,
    /// How many datagrams the socket had dropped when this one was queued, counted from its beginning (SO_RXQ_OVFL);
    /// `None` as long as there are none.
    pub(super) dropped_so_far: Option<u32>,
}

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

    /// What the kernel wrote into the first `used` bytes.
    #[allow(unsafe_code, reason = "the layout of control messages is known to the C library's macros only")]
    pub(super) fn read(&mut self, used: usize) -> Received {
        let mut received = Received::default();
        if used == 0 {
            return received;
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
            if len >= needed {
                // SAFETY: the message holds an integer by its length, and the kernel bounds the length by the buffer.
                let value = unsafe { libc::CMSG_DATA(header).cast::<libc::c_int>().read_unaligned() };
                match (level, kind) {
                    (libc::SOL_UDP, libc::UDP_GRO) => {
                        received.segment_bytes = usize::try_from(value).ok().filter(|size| *size > 0);
                    }
                    (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => received.dropped_so_far = Some(value.cast_unsigned()),
                    _ => {}
                }
            }
            // SAFETY: as for the first header.
            header = unsafe { libc::CMSG_NXTHDR(&raw const message, header) };
        }
        received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what the kernel would.
    #[allow(unsafe_code, reason = "the layout of control messages is known to the C library's macros only")]
    fn read(messages: &[(libc::c_int, libc::c_int, libc::c_int)]) -> Received {
        let mut buffer = ControlBuffer::EMPTY;
        // SAFETY: plain arithmetic.
        let space = unsafe { libc::CMSG_SPACE(size_of::<libc::c_int>() as _) } as usize;
        assert!(messages.len() * space <= ControlBuffer::CAPACITY);
        for (place, (level, kind, value)) in messages.iter().enumerate() {
            let header = buffer.0[place * space..].as_mut_ptr().cast::<libc::cmsghdr>();
            // SAFETY: the buffer is aligned, so are its multiples of `CMSG_SPACE`, and each holds a header with an
            // integer.
            unsafe {
                (*header).cmsg_level = *level;
                (*header).cmsg_type = *kind;
                (*header).cmsg_len = libc::CMSG_LEN(size_of::<libc::c_int>() as _) as _;
                libc::CMSG_DATA(header).cast::<libc::c_int>().write_unaligned(*value);
            }
        }
        buffer.read(messages.len() * space)
    }

    #[test]
    fn what_the_kernel_says_is_found_in_any_order() {
        let segment = (libc::SOL_UDP, libc::UDP_GRO, 1200);
        let dropped = (libc::SOL_SOCKET, libc::SO_RXQ_OVFL, -1);
        assert_eq!(read(&[segment]), Received { segment_bytes: Some(1200), dropped_so_far: None });
        assert_eq!(read(&[dropped]), Received { segment_bytes: None, dropped_so_far: Some(u32::MAX) });
        let both = Received { segment_bytes: Some(1200), dropped_so_far: Some(u32::MAX) };
        assert_eq!((read(&[segment, dropped]), read(&[dropped, segment])), (both, both));
    }

    #[test]
    fn other_control_messages_say_nothing() {
        for message in [(libc::SOL_SOCKET, libc::UDP_GRO, 1200), (libc::SOL_UDP, libc::UDP_GRO, 0)] {
            assert_eq!(read(&[message]), Received::default());
        }
        assert_eq!(read(&[]), Received::default());
    }

    #[test]
    fn a_segment_size_is_one_control_message() {
        let mut buffer = ControlBuffer::EMPTY;
        let used = buffer.write_segment_size(1200);
        assert!(used <= ControlBuffer::CAPACITY);
        assert!(buffer.0[..used].windows(2).any(|bytes| bytes == 1200_u16.to_ne_bytes()));
    }
}
