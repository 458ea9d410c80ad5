// SPDX-License-Identifier: EUPL-1.2
//! A browser that publishes.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use rtc_rtp::packet::Packet;
use rtc_shared::marshal::Marshal;
use sfu_media::rtcp::reports::{SenderReport, ntp_duration};
use sfu_media::rtcp::{RtcpPacket, RtcpPackets};

use crate::MID;
use crate::link::Link;

/// A browser that sends three layers of one picture, answers NACKs and sends the keyframes it is asked for.
pub(crate) struct Camera {
    epoch: Instant,
    next_seq: [u16; 3],
    rtx_seq: [u16; 3],
    /// Pictures so far.
    pub(crate) frame: u32,
    transport_seq: u16,
    wants_keyframe: [bool; 3],
    sent: HashMap<(usize, u16), Packet>,
    pub(crate) keyframes: u32,
}

impl Camera {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            next_seq: [65_400, 10, 30_000],
            rtx_seq: [0; 3],
            frame: 0,
            transport_seq: 65_000,
            wants_keyframe: [false; 3],
            sent: HashMap::new(),
            keyframes: 0,
        }
    }

    fn ssrc(layer: usize) -> u32 {
        10 + layer as u32
    }

    fn stamp(&mut self, packet: &mut Packet) -> Vec<u8> {
        packet.header.set_extension(3, Bytes::copy_from_slice(&self.transport_seq.to_be_bytes())).unwrap();
        self.transport_seq = self.transport_seq.wrapping_add(1);
        packet.marshal().unwrap().to_vec()
    }

    pub(crate) fn capture(&mut self, now: Instant, uplink: &mut Link) {
        self.frame += 1;
        for layer in 0..3 {
            let is_key = std::mem::take(&mut self.wants_keyframe[layer]) || self.frame == 1;
            self.keyframes += u32::from(is_key);
            let count = [2, 4, 8][layer] * if is_key { 3 } else { 1 };
            let ticks = (now - self.epoch).as_millis() as u32 * 90;
            for place in 0..count {
                let mut packet = Packet::default();
                packet.header.version = 2;
                packet.header.ssrc = Self::ssrc(layer);
                packet.header.payload_type = 96;
                packet.header.sequence_number = self.next_seq[layer];
                packet.header.timestamp = ticks.wrapping_add(layer as u32 * 0x6000_0000);
                packet.header.marker = place == count - 1;
                if self.frame < 20 {
                    packet.header.set_extension(4, Bytes::from_static(MID.as_bytes())).unwrap();
                    packet.header.set_extension(10, Bytes::copy_from_slice(layer.to_string().as_bytes())).unwrap();
                }
                let [high, low] = (0x8000 | self.frame & 0x7fff).to_be_bytes()[2..] else { unreachable!() };
                let mut payload = vec![0x80 | u8::from(place == 0) << 4, 0xe0, high, low, self.frame as u8, 0];
                payload.push(u8::from(!is_key));
                payload.extend_from_slice(&[layer as u8, place as u8, count as u8, u8::from(is_key)]);
                payload.extend_from_slice(&self.frame.to_be_bytes());
                packet.payload = payload.into();
                self.sent.insert((layer, self.next_seq[layer]), packet.clone());
                self.next_seq[layer] = self.next_seq[layer].wrapping_add(1);
                let bytes = self.stamp(&mut packet);
                uplink.send(now, &bytes);
            }
        }
    }

    pub(crate) fn handle_rtcp(&mut self, now: Instant, datagram: &[u8], uplink: &mut Link) {
        for packet in RtcpPackets::new(datagram) {
            match packet {
                RtcpPacket::PictureLoss { media_ssrc } => self.wants_keyframe[media_ssrc as usize - 10] = true,
                RtcpPacket::Nack(nack) => {
                    let layer = nack.media_ssrc as usize - 10;
                    for seq_no in nack.seq_nos() {
                        let mut packet = self.sent[&(layer, seq_no.0)].clone();
                        packet.header.ssrc = 20 + layer as u32;
                        packet.header.payload_type = 97;
                        packet.header.sequence_number = self.rtx_seq[layer];
                        self.rtx_seq[layer] = self.rtx_seq[layer].wrapping_add(1);
                        packet.payload = [&seq_no.0.to_be_bytes(), &packet.payload[..]].concat().into();
                        packet.header.set_extension(4, Bytes::from_static(MID.as_bytes())).unwrap();
                        let rid = Bytes::copy_from_slice(layer.to_string().as_bytes());
                        packet.header.set_extension(11, rid).unwrap();
                        let bytes = self.stamp(&mut packet);
                        uplink.send(now, &bytes);
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) fn report(&self, now: Instant, layer: usize) -> SenderReport {
        let ticks = (now - self.epoch).as_millis() as u32 * 90;
        SenderReport {
            ssrc: Self::ssrc(layer),
            ntp: (3_900_000_000 << 32) + ntp_duration(now - self.epoch),
            rtp_timestamp: ticks.wrapping_add(layer as u32 * 0x6000_0000),
            packets: 0,
            octets: 0,
        }
    }
}
