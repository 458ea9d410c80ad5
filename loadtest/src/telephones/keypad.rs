// SPDX-License-Identifier: EUPL-1.2
//! What a caller sends in each 20 ms: keys as telephone events (RFC 4733), otherwise sound. It opens no socket and reads no
//! clock.

use std::collections::VecDeque;

use super::messages::{PCMA, TELEPHONE_EVENT};

/// RTP ticks of 20 ms at 8 kHz.
const TICKS: u32 = 160;

/// How long a key is held and then let go, in frames: 60 and 40 ms, somewhat above what a keypad's decoder asks for.
const HELD: u16 = 3;
const RELEASED: u32 = 2;

/// A comma: two seconds, as in links for telephones.
const PAUSE: u32 = 100;

/// How often the end of a key is said (RFC 4733 §2.5.1.4).
const ENDS: usize = 3;

/// The end bit of an event, and a volume of −10 dBm0.
const END: u8 = 0x80;
const VOLUME: u8 = 10;

/// The head of an RTP packet without extensions.
const HEAD_BYTES: usize = 12;

/// A caller's stream of RTP.
pub(super) struct Keypad {
    keys: VecDeque<char>,
    pressed: Option<Pressed>,
    rest: u32,
    pub(super) ssrc: u32,
    seq_no: u16,
    timestamp: u32,
    is_first: bool,
}

struct Pressed {
    event: u8,
    frames: u16,
    timestamp: u32,
}

impl Keypad {
    /// A stream in which nothing was sent yet.
    pub(super) fn new(ssrc: u32, seq_no: u16, timestamp: u32) -> Self {
        Self { keys: VecDeque::new(), pressed: None, rest: 0, ssrc, seq_no, timestamp, is_first: true }
    }

    /// Presses these keys one after the other; a comma is a pause.
    pub(super) fn press(&mut self, keys: &str) {
        self.keys.extend(keys.chars());
    }

    /// Whether all keys were pressed.
    #[cfg(test)]
    fn is_done(&self) -> bool {
        self.keys.is_empty() && self.pressed.is_none()
    }

    /// Sends the packets of the next 20 ms: `sound`, unless a key is held.
    pub(super) fn send_next(&mut self, sound: &[u8], packet: &mut Vec<u8>, mut send: impl FnMut(&[u8])) {
        self.begin_key();
        if let Some(pressed) = &mut self.pressed {
            pressed.frames += 1;
            let is_first = pressed.frames == 1;
            let is_end = pressed.frames == HELD;
            let end = if is_end { END } else { 0 };
            let (event, timestamp, duration) = (pressed.event, pressed.timestamp, pressed.frames * TICKS as u16);
            for _ in 0..if is_end { ENDS } else { 1 } {
                self.head(packet, TELEPHONE_EVENT, is_first, timestamp);
                packet.extend([event, end | VOLUME]);
                packet.extend(duration.to_be_bytes());
                send(packet);
            }
            if is_end {
                self.pressed = None;
                self.rest = RELEASED;
            }
        } else {
            self.rest = self.rest.saturating_sub(1);
            let is_first = std::mem::take(&mut self.is_first);
            self.head(packet, PCMA, is_first, self.timestamp);
            packet.extend(sound);
            send(packet);
        }
        self.timestamp = self.timestamp.wrapping_add(TICKS);
    }

    fn begin_key(&mut self) {
        while self.rest == 0 && self.pressed.is_none() {
            match self.keys.pop_front() {
                Some(',') => self.rest = PAUSE,
                Some(key) => {
                    let Some(event) = event_of(key) else { continue };
                    self.pressed = Some(Pressed { event, frames: 0, timestamp: self.timestamp });
                }
                None => return,
            }
        }
    }

    fn head(&mut self, packet: &mut Vec<u8>, payload_type: u8, marker: bool, timestamp: u32) {
        packet.clear();
        packet.reserve(HEAD_BYTES + TICKS as usize);
        packet.extend([0x80, u8::from(marker) << 7 | payload_type]);
        packet.extend(self.seq_no.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        self.seq_no = self.seq_no.wrapping_add(1);
    }
}

/// RFC 4733 §3.2.
fn event_of(key: char) -> Option<u8> {
    match key {
        '*' => Some(10),
        '#' => Some(11),
        _ => key.to_digit(10).and_then(|digit| u8::try_from(digit).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_events_between_sound() {
        let mut keypad = Keypad::new(1, 65_535, 0);
        keypad.press("1#,2");
        let (mut packet, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..2 * (HELD as u32 + RELEASED) + PAUSE + HELD as u32 {
            keypad.send_next(&[0xd5; 160], &mut packet, |packet| sent.push(packet.to_vec()));
        }
        assert!(keypad.is_done());
        let numbers: Vec<u16> = sent.iter().map(|packet| u16::from_be_bytes([packet[2], packet[3]])).collect();
        assert!(numbers.windows(2).all(|two| two[1] == two[0].wrapping_add(1)));
        let ends: Vec<(u8, u32)> = sent
            .iter()
            .filter(|packet| packet[1] & 0x7f == TELEPHONE_EVENT && packet[13] & END != 0)
            .map(|packet| (packet[12], u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]])))
            .collect();
        let per_key = TICKS * (u32::from(HELD) + RELEASED);
        let third = 2 * per_key + PAUSE * TICKS;
        assert_eq!(ends, [[(1, 0); 3], [(11, per_key); 3], [(2, third); 3]].concat());
    }
}
