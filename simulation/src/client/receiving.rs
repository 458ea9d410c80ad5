// SPDX-License-Identifier: EUPL-1.2
//! What a client receives of one track: packets put in order, losses asked for again, and a strict look at whether a
//! decoder could have shown every frame.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::sdp::{Kind, VP8_RTX};
use super::sending::Stamp;

/// A gap is asked for after this long, and again and again.
const NACK_INTERVAL: Duration = Duration::from_millis(40);
/// A gap is given up after this long; video then needs a keyframe.
const GIVE_UP: Duration = Duration::from_millis(600);
/// Keyframe requests are repeated in this rhythm.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(300);

/// What came of a subscribed track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Packets in order, retransmitted ones included.
    pub packets: u64,
    /// Packets that never came although later ones did.
    pub lost: u64,
    /// Packets that came as retransmissions.
    pub repaired: u64,
    /// Frames that a decoder could show.
    pub frames: u64,
    /// Keyframes among them.
    pub keyframes: u64,
    /// Frames that arrived but cannot be decoded, because something before them is missing.
    pub broken_frames: u64,
    /// The layers of the frames, in the order they began.
    pub layers: Vec<u8>,
    /// When the first frame could be shown.
    pub first_frame: Option<Instant>,
    /// When the last frame could be shown.
    pub last_frame: Option<Instant>,
    /// The longest time between two frames.
    pub longest_gap: Duration,
    /// Violations of what a decoder relies on: frames that repeat or jump, timestamps that run back, picture ids that
    /// skip.
    pub faults: Vec<String>,
}

struct Packet {
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

/// Receives one track.
pub(crate) struct Receiver {
    pub(crate) track: String,
    kind: Kind,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: Option<u32>,
    /// By extended sequence number, waiting for earlier ones.
    waiting: BTreeMap<u64, Packet>,
    next: Option<u64>,
    highest: u64,
    gap_since: Option<Instant>,
    next_nack: Option<Instant>,
    next_keyframe_request: Option<Instant>,
    needs_keyframe: bool,
    last: Option<LastFrame>,
    pub(crate) reception: Reception,
}

struct LastFrame {
    timestamp: u32,
    picture_id: Option<u16>,
    stamp: Stamp,
    is_complete: bool,
}

/// What a receiver wants to tell the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Retransmit(Vec<u16>),
    Keyframe,
}

impl Receiver {
    pub(crate) fn new(track: String, kind: Kind, ssrc: u32, rtx_ssrc: Option<u32>) -> Self {
        Self {
            track,
            kind,
            ssrc,
            rtx_ssrc,
            waiting: BTreeMap::new(),
            next: None,
            highest: 0,
            gap_since: None,
            next_nack: None,
            next_keyframe_request: None,
            needs_keyframe: kind == Kind::Video,
            last: None,
            reception: Reception::default(),
        }
    }

    /// Takes in a decrypted RTP packet of one of our SSRCs.
    pub(crate) fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        let mut seq_no = u16::from_be_bytes([packet[2], packet[3]]);
        let has_extension = packet[0] & 0x10 != 0;
        let mut start = 12;
        if has_extension {
            start += 4 + 4 * usize::from(u16::from_be_bytes([packet[14], packet[15]]));
        }
        let mut payload = packet[start..].to_vec();
        if packet[0] & 0x20 != 0 {
            let padding = usize::from(*payload.last().expect("padding has a length"));
            payload.truncate(payload.len() - padding);
        }
        if packet[1] & 0x7F == VP8_RTX {
            seq_no = u16::from_be_bytes([payload[0], payload[1]]);
            payload.drain(..2);
            self.reception.repaired += 1;
        }
        if payload.is_empty() {
            return;
        }
        let index = self.extend(seq_no);
        if self.next.is_some_and(|next| index < next) {
            return;
        }
        let timestamp = u32::from_be_bytes(packet[4..8].try_into().expect("four bytes"));
        self.waiting.insert(index, Packet { timestamp, marker: packet[1] & 0x80 != 0, payload });
        if self.next.is_none() {
            self.next = Some(index);
        }
        self.highest = self.highest.max(index);
        self.take_in_order(now);
    }

    fn extend(&self, seq_no: u16) -> u64 {
        if self.next.is_none() {
            return u64::from(seq_no) + 65_536;
        }
        let ahead = seq_no.wrapping_sub(self.highest as u16) as i16;
        self.highest.saturating_add_signed(i64::from(ahead))
    }

    fn take_in_order(&mut self, now: Instant) {
        while let Some(next) = self.next {
            let Some(packet) = self.waiting.remove(&next) else { break };
            self.next = Some(next + 1);
            self.reception.packets += 1;
            self.take(now, &packet);
        }
        if self.waiting.is_empty() {
            self.gap_since = None;
            self.next_nack = None;
        } else if self.gap_since.is_none() {
            self.gap_since = Some(now);
            self.next_nack = Some(now);
        }
    }

    fn take(&mut self, now: Instant, packet: &Packet) {
        match self.kind {
            Kind::Audio => self.take_audio(now, packet),
            Kind::Video => self.take_video(now, packet),
        }
    }

    fn take_audio(&mut self, now: Instant, packet: &Packet) {
        let Some(stamp) = Stamp::read(&packet.payload) else { return self.fault("an audio payload was cut".into()) };
        if let Some(last) = &self.last
            && stamp.frame <= last.stamp.frame
        {
            self.fault(format!("audio frame {} after {}", stamp.frame, last.stamp.frame));
        }
        self.last = Some(LastFrame { timestamp: packet.timestamp, picture_id: None, stamp, is_complete: true });
        self.show_frame(now, stamp, false);
    }

    fn take_video(&mut self, now: Instant, packet: &Packet) {
        let payload = &packet.payload;
        if payload.len() < 5 + Stamp::BYTES || payload[0] & 0x80 == 0 {
            return self.fault("a VP8 payload was cut".into());
        }
        let is_start = payload[0] & 0x10 != 0;
        let picture_id = u16::from_be_bytes([payload[2], payload[3]]) & 0x7FFF;
        let is_keyframe = payload[4] & 1 == 0;
        let Some(stamp) = Stamp::read(&payload[5..]) else { return };
        if is_start {
            self.begin_frame(packet, picture_id, is_keyframe, stamp);
        } else {
            self.continue_frame(packet, picture_id, stamp);
        }
        if packet.marker {
            let is_whole = stamp.packet + 1 == stamp.of && self.last.as_ref().is_some_and(|last| last.stamp == stamp);
            if let Some(last) = &mut self.last {
                last.is_complete = is_whole;
            }
            if is_whole && !self.needs_keyframe {
                self.show_frame(now, stamp, is_keyframe);
            } else {
                self.reception.broken_frames += 1;
            }
        }
    }

    fn begin_frame(&mut self, packet: &Packet, picture_id: u16, is_keyframe: bool, stamp: Stamp) {
        if is_keyframe {
            self.needs_keyframe = false;
            self.next_keyframe_request = None;
        }
        let mut faults = Vec::new();
        if let Some(last) = &self.last {
            // A keyframe may cut off a frame whose rest was lost: nothing after it refers to that.
            if !last.is_complete && is_keyframe {
                self.reception.broken_frames += 1;
            } else if !last.is_complete {
                faults.push(format!("{stamp:?} begins before {:?} ended", last.stamp));
            }
            let ahead = packet.timestamp.wrapping_sub(last.timestamp) as i32;
            if ahead <= 0 {
                faults.push(format!("the timestamp of {stamp:?} moves by {ahead}"));
            }
            let expected = last.picture_id.map(|id| (id + 1) & 0x7FFF);
            if expected.is_some_and(|id| id != picture_id) {
                faults.push(format!("picture id {picture_id} where {expected:?} was expected"));
            }
            let is_next = stamp.layer == last.stamp.layer && stamp.frame == last.stamp.frame + 1;
            if !is_keyframe && !is_next {
                faults.push(format!("delta frame {stamp:?} follows {:?}", last.stamp));
            }
        }
        if !self.needs_keyframe {
            self.reception.faults.append(&mut faults);
        }
        let (timestamp, picture_id) = (packet.timestamp, Some(picture_id));
        self.last = Some(LastFrame { timestamp, picture_id, stamp, is_complete: false });
    }

    fn continue_frame(&mut self, packet: &Packet, picture_id: u16, stamp: Stamp) {
        let needs_keyframe = self.needs_keyframe;
        let Some(last) = &mut self.last else { return };
        let follows = last.timestamp == packet.timestamp
            && last.picture_id == Some(picture_id)
            && Stamp { packet: last.stamp.packet + 1, ..last.stamp } == stamp;
        if follows {
            last.stamp = stamp;
        } else if !needs_keyframe {
            let fault = format!("{stamp:?} continues {:?}", last.stamp);
            self.fault(fault);
        }
    }

    fn show_frame(&mut self, now: Instant, stamp: Stamp, is_keyframe: bool) {
        let reception = &mut self.reception;
        if let Some(last) = reception.last_frame {
            reception.longest_gap = reception.longest_gap.max(now.saturating_duration_since(last));
        }
        reception.first_frame.get_or_insert(now);
        reception.last_frame = Some(now);
        reception.frames += 1;
        reception.keyframes += u64::from(is_keyframe);
        if reception.layers.last() != Some(&stamp.layer) {
            reception.layers.push(stamp.layer);
        }
    }

    fn fault(&mut self, fault: String) {
        self.reception.faults.push(fault);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next_nack.into_iter().chain(self.next_keyframe_request).min()
    }

    /// What is to be asked for at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Vec<Wish> {
        let mut wishes = Vec::new();
        if self.gap_since.is_some_and(|since| now.saturating_duration_since(since) >= GIVE_UP) {
            self.give_up(now);
        }
        if self.next_nack.is_some_and(|due| due <= now) {
            self.next_nack = Some(now + NACK_INTERVAL);
            let next = self.next.unwrap_or(self.highest);
            let missing = (next..self.highest).filter(|index| !self.waiting.contains_key(index));
            wishes.push(Wish::Retransmit(missing.map(|index| index as u16).collect()));
        }
        if self.needs_keyframe && self.next.is_some() && self.next_keyframe_request.is_none_or(|due| due <= now) {
            self.next_keyframe_request = Some(now + KEYFRAME_INTERVAL);
            wishes.push(Wish::Keyframe);
        }
        wishes
    }

    fn give_up(&mut self, now: Instant) {
        let Some((&first, _)) = self.waiting.first_key_value() else { return };
        let next = self.next.unwrap_or(first);
        self.reception.lost += first - next;
        self.next = Some(first);
        self.gap_since = None;
        if self.kind == Kind::Video {
            self.needs_keyframe = true;
        }
        self.take_in_order(now);
    }
}
