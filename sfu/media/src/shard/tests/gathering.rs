// SPDX-License-Identifier: EUPL-1.2
//! Packets that leave together, so that the kernel can take them in one piece: what waits, for how long, and that
//! nobody sees a difference but in the lengths.

use super::*;
use crate::shard::gathering::sounds::{SOUND_AUDIENCE, SOUND_WAIT};
use crate::shard::gathering::{PICTURE_AUDIENCE, PICTURE_WAIT};

const AN_INSTANT: Duration = Duration::from_micros(20);

/// A publisher's camera with an audience, after a keyframe and a picture of three packets that came as a burst.
struct Broadcast {
    rig: Rig,
    publisher: usize,
    viewers: Vec<usize>,
    next_seq_no: u16,
}

impl Broadcast {
    fn to(viewers: usize) -> Self {
        let mut rig = Rig::new();
        let publisher = rig.join(sends(uplink(1, VP8, 1)));
        let viewers: Vec<_> = (0..viewers).map(|_| rig.join(receives(1, VP8))).collect();
        for viewer in &viewers {
            rig.subscribe(*viewer, 1);
        }
        rig.send_rtp(publisher, &frame(10, b"0", 0, true));
        let mut broadcast = Self { rig, publisher, viewers, next_seq_no: 1 };
        for packet in broadcast.picture(&[700, 700, 701]) {
            broadcast.send(&packet);
        }
        broadcast.forget();
        broadcast
    }

    /// The packets of a picture, by the lengths of their payloads.
    fn picture(&mut self, lengths: &[usize]) -> Vec<TestPacket> {
        let first = self.next_seq_no;
        self.next_seq_no += lengths.len() as u16;
        let packets = lengths.iter().zip(first..).map(|(len, seq_no)| {
            let payload = vp8_payload(seq_no == first, false, first, 0, *len);
            let timestamp = u32::from(first) * 3_000;
            let packet = TestPacket::new(10, VP8.payload_type, seq_no, timestamp, &payload).with(IDS.rid, b"0");
            if seq_no + 1 == self.next_seq_no { packet.marker() } else { packet }
        });
        packets.collect()
    }

    fn send(&mut self, packet: &TestPacket) {
        self.rig.send_rtp(self.publisher, packet);
    }

    fn pass(&mut self, time: Duration) {
        self.rig.now += time;
        self.rig.shard.handle_timeout(self.rig.now);
        self.rig.exchange();
    }

    fn forget(&mut self) {
        for viewer in &self.viewers {
            self.rig.members[*viewer].rtp.clear();
        }
    }

    /// Datagram and payload lengths of what each viewer got, which is the same for all.
    fn seen(&self) -> Vec<(usize, usize)> {
        let by_viewer = |viewer: &usize| -> Vec<_> {
            let packets = self.rig.members[*viewer].rtp.iter();
            packets.map(|packet| (packet.len(), RtpView::parse(packet).unwrap().payload.len())).collect()
        };
        let seen = by_viewer(&self.viewers[0]);
        assert!(self.viewers.iter().all(|viewer| by_viewer(viewer) == seen));
        seen
    }
}

#[test]
fn the_packets_of_a_picture_leave_together_and_equally_long() {
    let mut broadcast = Broadcast::to(PICTURE_AUDIENCE);
    let [first, second, last] = &broadcast.picture(&[800, 800, 801])[..] else { unreachable!() };
    broadcast.send(first);
    broadcast.rig.now += AN_INSTANT;
    broadcast.send(second);
    assert_eq!(broadcast.seen(), []);
    broadcast.send(last);
    let seen = broadcast.seen();
    assert_eq!(seen.iter().map(|(_, payload)| *payload).collect::<Vec<_>>(), [800, 800, 801], "padding is no payload");
    assert!(seen.iter().all(|(datagram, _)| *datagram == seen[0].0), "{seen:?}");
    broadcast.pass(PICTURE_WAIT);
    assert_eq!(broadcast.seen().len(), 3, "once");
}

#[test]
fn what_would_have_to_be_padded_much_stays_as_it_is() {
    let mut broadcast = Broadcast::to(PICTURE_AUDIENCE);
    for packet in broadcast.picture(&[800, 300]) {
        broadcast.send(&packet);
    }
    let [(first, _), (last, _)] = broadcast.seen()[..] else { panic!("{:?}", broadcast.seen()) };
    assert_eq!(first - last, 500);
}

#[test]
fn a_picture_whose_rest_stays_away_goes_on_after_a_moment() {
    let mut broadcast = Broadcast::to(PICTURE_AUDIENCE);
    let [first, second, last] = &broadcast.picture(&[800, 800, 801])[..] else { unreachable!() };
    broadcast.send(first);
    assert_eq!(broadcast.rig.shard.poll_timeout().unwrap() - broadcast.rig.now, PICTURE_WAIT);
    broadcast.pass(PICTURE_WAIT - AN_INSTANT);
    assert_eq!(broadcast.seen(), []);
    broadcast.pass(AN_INSTANT);
    assert_eq!(broadcast.seen().len(), 1);
    // A network has drawn the packets apart, so none of them waits in vain again.
    broadcast.pass(ms(1));
    broadcast.send(second);
    assert_eq!(broadcast.seen().len(), 2);
    broadcast.send(last);
    let next = broadcast.picture(&[800, 801]);
    broadcast.forget();
    broadcast.send(&next[0]);
    assert_eq!(broadcast.seen().len(), 0, "the last two came together");
}

#[test]
fn few_are_not_kept_waiting() {
    let mut broadcast = Broadcast::to(PICTURE_AUDIENCE - 1);
    let picture = broadcast.picture(&[800, 801]);
    broadcast.send(&picture[0]);
    assert_eq!(broadcast.seen().len(), 1);
}

/// The kernel takes 64 datagrams in one piece, and memory has an end.
#[test]
fn a_large_picture_goes_in_lots() {
    let mut broadcast = Broadcast::to(PICTURE_AUDIENCE);
    let picture = broadcast.picture(&[1_000; 300]);
    let mut most_waiting = 0;
    for (sent, packet) in picture.iter().enumerate() {
        broadcast.send(packet);
        most_waiting = most_waiting.max(sent + 1 - broadcast.seen().len());
    }
    assert_eq!(broadcast.seen().len(), 300);
    assert!((32..=128).contains(&most_waiting), "{most_waiting}");
}

/// Two who speak, and those who listen to both.
struct Discussion {
    rig: Rig,
    speakers: [usize; 2],
    listeners: Vec<usize>,
}

impl Discussion {
    fn before(listeners: usize) -> Self {
        let mut rig = Rig::new();
        let speakers = [1, 2].map(|track| rig.join(sends(uplink(track, OPUS, 0))));
        let mut session = receives(1, OPUS);
        session.downlinks.push(Downlink { track: TrackId(2), ssrc: 0x1001, ..session.downlinks[0].clone() });
        let listeners: Vec<_> = (0..listeners).map(|_| rig.join(session.clone())).collect();
        for listener in &listeners {
            rig.subscribe(*listener, 1);
            rig.subscribe(*listener, 2);
        }
        Self { rig, speakers, listeners }
    }

    /// One of the two says something.
    fn says(&mut self, speaker: usize, seq_no: u16, len: usize) {
        let mut payload = opus_payload();
        payload.resize(len, 0xcd);
        let packet = TestPacket::new(10, OPUS.payload_type, seq_no, u32::from(seq_no) * 960, &payload)
            .with(IDS.mid, format!("m{}", speaker + 1).as_bytes());
        self.rig.send_rtp(self.speakers[speaker], &packet);
    }

    fn pass(&mut self, time: Duration) {
        self.rig.now += time;
        self.rig.shard.handle_timeout(self.rig.now);
        self.rig.exchange();
    }

    /// What the first listener heard since this was asked last.
    fn heard(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.rig.members[self.listeners[0]].rtp)
    }
}

#[test]
fn in_large_audiences_the_sound_of_several_leaves_together_and_equally_long() {
    let mut discussion = Discussion::before(SOUND_AUDIENCE);
    discussion.says(0, 1, 90);
    assert_eq!(discussion.heard().len(), 1, "who speaks alone waits for nobody");
    discussion.pass(ms(2));
    discussion.says(1, 1, 70);
    discussion.pass(SOUND_WAIT - ms(1));
    assert_eq!(discussion.heard().len(), 0, "the other may say more");
    discussion.pass(ms(1));
    assert_eq!(discussion.heard().len(), 1);
    discussion.pass(ms(4));
    discussion.says(0, 2, 95);
    discussion.pass(ms(2));
    assert_eq!(discussion.heard().len(), 0);
    discussion.says(1, 2, 75);
    let heard = discussion.heard();
    let payloads: Vec<_> = heard.iter().map(|packet| RtpView::parse(packet).unwrap().payload.len()).collect();
    assert_eq!(payloads, [95, 75]);
    assert_eq!(heard[0].len(), heard[1].len());
    // The other is silent for a while.
    discussion.pass(ms(100));
    discussion.says(0, 3, 90);
    assert_eq!(discussion.heard().len(), 1);
}

/// Two who speak at the same pace, the second 12 ms after the first: it is quicker to wait for the first.
#[test]
fn a_round_begins_after_the_longest_pause() {
    let mut discussion = Discussion::before(SOUND_AUDIENCE);
    discussion.says(0, 0, 80);
    discussion.pass(ms(12));
    discussion.says(1, 0, 80);
    discussion.pass(ms(8));
    discussion.heard();
    let mut waited = Vec::new();
    for seq_no in 1..5 {
        discussion.says(0, seq_no, 80);
        waited.push(discussion.heard().len());
        discussion.pass(ms(12));
        discussion.says(1, seq_no, 80);
        waited.push(discussion.heard().len());
        discussion.pass(ms(8));
    }
    assert_eq!(waited, [2, 0, 2, 0, 2, 0, 2, 0], "the second waits for the first");
}

/// A network may bring several packets of one speaker at once.
#[test]
fn nobody_waits_for_a_second_packet_of_his_own() {
    let mut discussion = Discussion::before(SOUND_AUDIENCE);
    discussion.says(1, 0, 80);
    assert_eq!(discussion.heard().len(), 1);
    for seq_no in 0..4 {
        discussion.says(0, seq_no, 80);
        assert_eq!(discussion.heard().len(), usize::from(seq_no > 0));
    }
    discussion.says(1, 1, 80);
    assert_eq!(discussion.heard().len(), 2);
    discussion.pass(SOUND_WAIT);
    assert_eq!(discussion.heard().len(), 0);
}

/// Sound without a stream for retransmissions goes out again as it was, with its padding: nothing else may be sealed
/// under its number.
#[test]
fn padded_sound_is_sent_again_as_it_was() {
    let mut discussion = Discussion::before(SOUND_AUDIENCE);
    for seq_no in 1..3 {
        discussion.says(0, seq_no, 90);
        discussion.says(1, seq_no, 70);
        discussion.pass(SOUND_WAIT);
    }
    let heard = discussion.heard();
    let before = RtpView::parse(&heard[3]).unwrap();
    assert_eq!(before.ssrc, 0x1001);
    discussion.rig.drops_rtp = true;
    discussion.says(0, 3, 95);
    discussion.says(1, 3, 75);
    discussion.pass(SOUND_WAIT);
    discussion.rig.drops_rtp = false;
    let mut nack = Vec::new();
    write_nack(1, before.ssrc, std::iter::once(before.seq_no.next()), &mut nack);
    discussion.rig.send_rtcp(discussion.listeners[0], &nack);
    let [again] = &discussion.heard()[..] else { panic!("one packet was asked for") };
    let view = RtpView::parse(again).unwrap();
    assert_eq!((view.seq_no, view.payload.len()), (before.seq_no.next(), 75));
    assert_eq!(again.len(), heard[3].len() + 5, "with the padding by which it is as long as the other");
}

#[test]
fn small_audiences_hear_at_once() {
    let mut discussion = Discussion::before(SOUND_AUDIENCE - 1);
    for seq_no in 1..4 {
        discussion.says(0, seq_no, 90);
        discussion.says(1, seq_no, 90);
        assert_eq!(discussion.heard().len(), 2);
        discussion.pass(ms(20));
    }
}
