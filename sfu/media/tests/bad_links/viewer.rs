// SPDX-License-Identifier: EUPL-1.2
//! A browser that receives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sfu_media::codec::vp8;
use sfu_media::rtcp::keyframe_request::write_picture_loss;
use sfu_media::rtcp::nack::write_nack;
use sfu_media::rtp::packet::RtpView;
use sfu_media::rtp::seq_no::SeqNo;

/// A browser that receives one stream, asks for what it misses and, at last, for a keyframe.
#[derive(Default)]
pub(crate) struct Viewer {
    packets: BTreeMap<u64, (u32, Vec<u8>)>,
    missing: BTreeMap<u64, (u32, Option<Instant>)>,
    pub(crate) given_up: BTreeSet<u64>,
    highest: u64,
    /// Where the newest keyframe starts.
    keyframe: u64,
    wants_keyframe: bool,
    has_decoded: bool,
    last_request: Option<Instant>,
}

impl Viewer {
    pub(crate) fn handle_rtp(&mut self, datagram: &[u8]) {
        let view = RtpView::parse(datagram).unwrap();
        let (seq_no, payload) = if view.payload_type == 97 {
            let (osn, payload) = view.payload.split_at(2);
            (SeqNo(u16::from_be_bytes([osn[0], osn[1]])), payload)
        } else {
            (view.seq_no, view.payload)
        };
        let index = if self.highest == 0 { seq_no.first_index() } else { seq_no.extend(self.highest) };
        if self.highest != 0 {
            self.missing.extend((self.highest + 1..index).map(|index| (index, (0, None))));
        }
        self.highest = self.highest.max(index);
        self.missing.remove(&index);
        if vp8::Descriptor::parse(payload).unwrap().starts_keyframe {
            self.keyframe = self.keyframe.max(index);
        }
        let kept = self.packets.entry(index).or_insert_with(|| (view.timestamp.0, payload.to_vec()));
        assert_eq!(kept, &(view.timestamp.0, payload.to_vec()), "a number stands for one packet only");
    }

    pub(crate) fn feedback(&mut self, now: Instant, media_ssrc: u32) -> Vec<u8> {
        let mut asked = Vec::new();
        self.missing.retain(|index, (requests, last)| {
            if last.is_none_or(|last| now - last >= Duration::from_millis(60)) {
                (*requests, *last) = (*requests + 1, Some(now));
                asked.push(SeqNo::of_index(*index));
            }
            if *requests > 10 {
                self.given_up.insert(*index);
                self.wants_keyframe |= *index > self.keyframe;
            }
            *requests <= 10
        });
        // What was lost before the first packet that came cannot be known, only that there is no picture.
        let since_request = now - *self.last_request.get_or_insert(now);
        if !self.has_decoded && !self.packets.is_empty() && since_request >= Duration::from_millis(200) {
            self.has_decoded = !self.decoded().is_empty();
            self.wants_keyframe |= !self.has_decoded;
            self.last_request = Some(now);
        }
        let mut out = Vec::new();
        write_nack(1, media_ssrc, asked.into_iter(), &mut out);
        if std::mem::take(&mut self.wants_keyframe) {
            write_picture_loss(1, media_ssrc, &mut out);
        }
        out
    }

    /// Frames that can be decoded, and the layers they are of, in order of the stream.
    pub(crate) fn decoded(&self) -> Vec<(u8, u32)> {
        let mut frames = Vec::new();
        let mut newest: Option<(u32, u16)> = None;
        let mut can_decode = false;
        let mut run: Vec<(u64, &Vec<u8>)> = Vec::new();
        for (index, (timestamp, payload)) in &self.packets {
            let descriptor = vp8::Descriptor::parse(payload).unwrap();
            let picture_id = descriptor.picture_id.unwrap().value;
            let [layer, place, count, is_key, f0, f1, f2, f3] = payload[7..] else { panic!("{payload:?}") };
            if let Some((last_time, last_picture)) = newest {
                let is_same = *timestamp == last_time;
                assert!(is_same || timestamp.wrapping_sub(last_time) < 0x8000_0000, "time goes back");
                assert!(is_same == (picture_id == last_picture), "a picture has one time and one number");
                assert!(picture_id.wrapping_sub(last_picture) & 0x7fff < 0x4000, "picture ids go back");
            }
            newest = Some((*timestamp, picture_id));
            let is_next = run.last().is_some_and(|(last, _)| *last + 1 == *index);
            if place == 0 || !is_next {
                // Frames that are not complete end what can be decoded, except at a switch to another layer.
                can_decode &= run.is_empty() && place == 0;
                run.clear();
            }
            if place != 0 && run.is_empty() {
                can_decode = false;
                continue;
            }
            run.push((*index, payload));
            if place + 1 == count {
                can_decode |= is_key == 1;
                if can_decode {
                    frames.push((layer, u32::from_be_bytes([f0, f1, f2, f3])));
                }
                run.clear();
            }
        }
        frames
    }
}
