// SPDX-License-Identifier: EUPL-1.2
//! Whether a decoder could have shown what arrived: frames must be whole, begin with a keyframe and follow each other
//! without a hole (RFC 7741 §4.2 numbers them by picture ids).

use std::time::Instant;

use sfu_media::codec::vp8::Descriptor;
use sfu_media::rtp::packet::RtpView;

use super::incoming::Counters;

/// Packets that may wait for earlier ones, a power of two.
const WINDOW: u64 = 512;

/// Puts packets in order and follows the frames.
#[derive(Default)]
pub(crate) struct Pictures {
    /// The next packet in order.
    next: Option<u64>,
    /// Packets that arrived before their turn, and holes that were given up; allocated when first needed.
    waiting: Vec<Slot>,
    frame: Option<Frame>,
    last_picture_id: Option<u16>,
    /// What comes can be decoded.
    is_intact: bool,
    has_shown: bool,
    last_shown: Option<Instant>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    index: u64,
    content: Content,
}

#[derive(Clone, Copy, Default)]
enum Content {
    #[default]
    Nothing,
    /// Will never come.
    GivenUp,
    /// Carries nothing.
    Padding,
    Arrived(Part),
}

/// What matters of a packet.
#[derive(Clone, Copy)]
struct Part {
    timestamp: u32,
    marker: bool,
    is_first: bool,
    starts_keyframe: bool,
    picture_id: Option<(u16, u16)>,
}

/// The frame being put together.
struct Frame {
    timestamp: u32,
    is_whole: bool,
    is_keyframe: bool,
    picture_id: Option<(u16, u16)>,
}

impl Pictures {
    /// Takes in a packet with its payload, which in a retransmission is not the packet's own.
    pub(crate) fn handle_packet(
        &mut self,
        now: Instant,
        index: u64,
        packet: &RtpView<'_>,
        payload: &[u8],
        counters: &mut Counters,
    ) {
        // A packet without payload is padding that the server numbers like media.
        let part = Descriptor::parse(payload).map(|descriptor| Part {
            timestamp: packet.timestamp.0,
            marker: packet.marker,
            // S is set and the partition is the first (RFC 7741 §4.2).
            is_first: payload[0] & 0x17 == 0x10,
            starts_keyframe: descriptor.starts_keyframe,
            picture_id: descriptor.picture_id.map(|id| (id.value, id.mask())),
        });
        let next = *self.next.get_or_insert(index);
        if index == next {
            self.advance(now, part, counters);
        } else if index > next {
            self.put(index, part.map_or(Content::Padding, Content::Arrived));
        }
        self.drain(now, counters);
    }

    /// A packet will never come.
    pub(crate) fn give_up(&mut self, index: u64) {
        self.put(index, Content::GivenUp);
    }

    /// Everything before `index` will never come.
    pub(crate) fn skip_to(&mut self, index: u64) {
        self.next = Some(index);
        self.waiting.clear();
        self.break_off();
    }

    fn put(&mut self, index: u64, content: Content) {
        if self.waiting.is_empty() {
            self.waiting.resize(WINDOW as usize, Slot::default());
        }
        self.waiting[(index % WINDOW) as usize] = Slot { index, content };
    }

    fn drain(&mut self, now: Instant, counters: &mut Counters) {
        while let Some(next) = self.next.filter(|_| !self.waiting.is_empty()) {
            let slot = &mut self.waiting[(next % WINDOW) as usize];
            if slot.index != next {
                return;
            }
            match std::mem::take(&mut slot.content) {
                Content::Nothing => return,
                Content::GivenUp => {
                    self.next = Some(next + 1);
                    self.break_off();
                }
                Content::Padding => self.advance(now, None, counters),
                Content::Arrived(part) => self.advance(now, Some(part), counters),
            }
        }
    }

    fn break_off(&mut self) {
        self.is_intact = false;
        self.frame = None;
    }

    fn advance(&mut self, now: Instant, part: Option<Part>, counters: &mut Counters) {
        self.next = self.next.map(|next| next + 1);
        let Some(part) = part else { return };
        if part.is_first {
            self.frame = Some(Frame {
                timestamp: part.timestamp,
                is_whole: true,
                is_keyframe: part.starts_keyframe,
                picture_id: part.picture_id,
            });
        } else if let Some(frame) = &mut self.frame {
            frame.is_whole &= frame.timestamp == part.timestamp;
        }
        if part.marker {
            match self.frame.take() {
                Some(frame) => self.finish(now, &frame, counters),
                None => counters.broken_frames += 1,
            }
        }
    }

    fn finish(&mut self, now: Instant, frame: &Frame, counters: &mut Counters) {
        let follows = match (self.last_picture_id, frame.picture_id) {
            (Some(last), Some((id, mask))) => id == last.wrapping_add(1) & mask,
            _ => true,
        };
        self.last_picture_id = frame.picture_id.map(|(id, _)| id);
        if !self.has_shown && !frame.is_keyframe && counters.bad_starts == 0 {
            counters.bad_starts = 1;
        }
        self.is_intact = frame.is_whole && (frame.is_keyframe || self.is_intact && follows);
        if !self.is_intact {
            counters.broken_frames += 1;
            return;
        }
        counters.frames += 1;
        counters.keyframes += u64::from(frame.is_keyframe);
        if let Some(last) = self.last_shown.replace(now) {
            counters.longest_freeze = counters.longest_freeze.max(now.saturating_duration_since(last));
        }
        self.has_shown = true;
    }

    /// Nothing can be shown before the next keyframe.
    pub(crate) const fn wants_keyframe(&self) -> bool {
        !self.is_intact
    }

    /// A frame could be shown.
    pub(crate) const fn has_shown(&self) -> bool {
        self.has_shown
    }
}
