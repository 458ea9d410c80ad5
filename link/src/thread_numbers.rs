// SPDX-License-Identifier: EUPL-1.2
//! The numbers of the threads that make sound. A bridge counts its own from 0; the node counts the ends of all, and gives those
//! of a link numbers that follow each other. The node's side translates, so that neither half knows of the other's numbers.

use bus::phone::{DialProgress, IncomingCall, PhoneNotice, PhoneRequest};

/// How the threads of one attachment are called by the node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadNumbers {
    first_bridge: u16,
    threads: u16,
}

impl ThreadNumbers {
    /// For so many threads, the first of which has that number at the node.
    pub(crate) const fn new(first_bridge: u16, threads: u16) -> Self {
        Self { first_bridge, threads }
    }

    /// A call that the bridge hands in, as the node knows it; `None` when it names a thread that is not there.
    pub(crate) fn call(self, mut call: IncomingCall) -> Option<IncomingCall> {
        call.bridge = self.at_node(call.bridge)?;
        Some(call)
    }

    /// What the bridge asks for, as the node knows it; `None` when it names a thread that is not there.
    pub(crate) fn request(self, mut request: PhoneRequest) -> Option<PhoneRequest> {
        if let PhoneRequest::SoundIsAt { bridge } | PhoneRequest::Progress(DialProgress::Answered { bridge }) =
            &mut request
        {
            *bridge = self.at_node(*bridge)?;
        }
        Some(request)
    }

    /// What signaling says, as the bridge knows it; `None` when it is about a thread that is not this bridge's, with which it
    /// could do nothing.
    pub(crate) fn notice(self, mut notice: PhoneNotice) -> Option<PhoneNotice> {
        if let PhoneNotice::RoomIsAt { bridge } = &mut notice {
            *bridge = self.at_bridge(*bridge)?;
        }
        Some(notice)
    }

    fn at_node(self, thread: u16) -> Option<u16> {
        self.first_bridge.checked_add(thread).filter(|_| thread < self.threads)
    }

    fn at_bridge(self, bridge: u16) -> Option<u16> {
        bridge.checked_sub(self.first_bridge).filter(|thread| *thread < self.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second and the third of the node's ends.
    const NUMBERS: ThreadNumbers = ThreadNumbers::new(1, 2);

    fn call(bridge: u16) -> IncomingCall {
        IncomingCall {
            bridge,
            trunk: "trk_1".to_owned(),
            peer: [192, 0, 2, 1].into(),
            called: String::new(),
            caller: None,
            is_withheld: false,
            call_id: String::new(),
        }
    }

    #[test]
    fn what_a_bridge_names_is_named_as_the_node_does() {
        assert_eq!(NUMBERS.call(call(1)).unwrap().bridge, 2);
        assert!(matches!(
            NUMBERS.request(PhoneRequest::SoundIsAt { bridge: 0 }),
            Some(PhoneRequest::SoundIsAt { bridge: 1 })
        ));
        assert!(matches!(
            NUMBERS.request(PhoneRequest::Progress(DialProgress::Answered { bridge: 1 })),
            Some(PhoneRequest::Progress(DialProgress::Answered { bridge: 2 }))
        ));
        assert!(matches!(NUMBERS.request(PhoneRequest::Join), Some(PhoneRequest::Join)));
    }

    #[test]
    fn a_thread_that_is_not_there_is_out_of_place() {
        assert!(NUMBERS.call(call(2)).is_none() && NUMBERS.call(call(u16::MAX)).is_none());
        assert!(NUMBERS.request(PhoneRequest::SoundIsAt { bridge: 2 }).is_none());
        assert!(NUMBERS.request(PhoneRequest::Progress(DialProgress::Answered { bridge: u16::MAX })).is_none());
    }

    #[test]
    fn a_bridge_is_told_of_its_own_threads_alone() {
        let room_is_at = |bridge| PhoneNotice::RoomIsAt { bridge };
        assert_eq!(NUMBERS.notice(room_is_at(2)), Some(room_is_at(1)));
        assert_eq!((NUMBERS.notice(room_is_at(0)), NUMBERS.notice(room_is_at(3))), (None, None));
        assert_eq!(NUMBERS.notice(PhoneNotice::Failed), Some(PhoneNotice::Failed));
    }
}
