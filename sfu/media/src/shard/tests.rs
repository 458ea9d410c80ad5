// SPDX-License-Identifier: EUPL-1.2
//! A shard through its front door, with clients that share no code with it. Whole meetings over links of their own are
//! in `simulation/`; here is what a single datagram may and may not do.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::counters::DropReason;
use super::message::{ShardCommand, ShardEvent};
use super::{DatagramKind, Shard, classify};
use crate::ids::{ShardId, TrackId, TransportId};
use crate::rtcp::nack::write_nack;
use crate::rtcp::{RtcpPacket, RtcpPackets};
use crate::rtp::packet::RtpView;
use crate::session::{Downlink, Fingerprint, IceCredentials, NegotiatedCodec, Session, TransportSetup, Uplink};
use crate::test_support::{IDS, OPUS, TestPacket, VP8, mid, ms, opus_payload, start, uplink, vp8_payload};
use crate::transport::DtlsIdentity;
use crate::transport::tests::client::{AS_BROWSERS, Client};

mod gathering;
mod shedding;

const PASSWORD: &str = "a-password-of-22-chars";
const HERE: ShardId = ShardId(0);

/// One client and what it got.
struct Member {
    client: Client,
    address: SocketAddr,
    rtp: Vec<Vec<u8>>,
    rtcp: Vec<Vec<u8>>,
}

struct Rig {
    now: Instant,
    shard: Shard,
    members: Vec<Member>,
    events: Vec<ShardEvent>,
    /// RTP is lost on its way to the clients.
    drops_rtp: bool,
}

impl Rig {
    fn new() -> Self {
        let shard = Shard::new(HERE, DtlsIdentity::generate().unwrap(), 1);
        Self { now: start(), shard, members: Vec::new(), events: Vec::new(), drops_rtp: false }
    }

    fn transport(member: usize) -> TransportId {
        TransportId(member as u64)
    }

    fn ufrag(member: usize) -> String {
        format!("ours{member}")
    }

    /// Adds a client with this session, and lets it send its first check.
    fn add(&mut self, session: Session) -> usize {
        let member = self.members.len();
        let client = Client::new(AS_BROWSERS);
        let address = ([192, 0, 2, 1], 50_000 + member as u16).into();
        let setup = TransportSetup {
            id: Self::transport(member),
            local: credentials(&Self::ufrag(member)),
            remote: credentials("theirs"),
            remote_fingerprint: Fingerprint(client.fingerprint()),
            session,
        };
        self.shard.handle_command(self.now, ShardCommand::AddTransport(Box::new(setup)));
        self.members.push(Member { client, address, rtp: Vec::new(), rtcp: Vec::new() });
        self.check(member, &Self::ufrag(member));
        member
    }

    /// Adds a client with this session and connects it.
    fn join(&mut self, session: Session) -> usize {
        let member = self.add(session);
        self.members[member].client.start_dtls(self.now);
        let connected = Self::transport(member);
        for _ in 0..20 {
            self.exchange();
        }
        assert!(
            self.events
                .iter()
                .any(|event| matches!(event, ShardEvent::Connected { transport } if *transport == connected))
        );
        member
    }

    /// The client sends a check to one of our user name fragments.
    fn check(&mut self, member: usize, ufrag: &str) {
        let check = self.members[member].client.check(&format!("{ufrag}:theirs"), PASSWORD, true);
        self.send_plain(member, check);
        self.exchange();
    }

    fn send_plain(&mut self, member: usize, mut datagram: Vec<u8>) {
        self.shard.handle_datagram(self.now, self.members[member].address, &mut datagram);
    }

    fn send_rtp(&mut self, member: usize, packet: &TestPacket) {
        let media = self.members[member].client.media.as_mut().unwrap();
        let sealed = media.sends.encrypt_rtp(&packet.bytes()).unwrap().to_vec();
        self.send_plain(member, sealed);
        self.exchange();
    }

    fn send_rtcp(&mut self, member: usize, packet: &[u8]) {
        let media = self.members[member].client.media.as_mut().unwrap();
        let sealed = media.sends.encrypt_rtcp(packet).unwrap().to_vec();
        self.send_plain(member, sealed);
        self.exchange();
    }

    fn command(&mut self, command: ShardCommand) {
        self.shard.handle_command(self.now, command);
        self.exchange();
    }

    fn subscribe(&mut self, member: usize, track: u64) {
        let transport = Self::transport(member);
        self.command(ShardCommand::Subscribe { transport, track: TrackId(track), home: HERE });
    }

    /// Lets time pass.
    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += ms(1);
            self.shard.handle_timeout(self.now);
            self.exchange();
        }
    }

    /// Carries what either side wants sent to the other, once.
    fn exchange(&mut self) {
        while let Some(event) = self.shard.poll_event() {
            self.events.push(event);
        }
        let sent: Vec<_> = self.shard.transmits().iter().map(|(to, datagram)| (to, datagram.to_vec())).collect();
        self.shard.transmits().clear();
        for (to, datagram) in sent {
            if self.drops_rtp && classify(&datagram) == DatagramKind::Rtp {
                continue;
            }
            let member = self.members.iter_mut().find(|member| member.address == to).expect("a client of ours");
            member.take(self.now, &datagram);
        }
        for member in 0..self.members.len() {
            for datagram in self.members[member].client.take_datagrams() {
                self.send_plain(member, datagram);
            }
        }
    }

    /// The streams that a client was asked for keyframes of.
    fn requested_keyframes(&self, member: usize) -> Vec<u32> {
        let packets = self.members[member].rtcp.iter().flat_map(|compound| RtcpPackets::new(compound));
        packets
            .filter_map(|packet| match packet {
                RtcpPacket::PictureLoss { media_ssrc } => Some(media_ssrc),
                _ => None,
            })
            .collect()
    }
}

impl Member {
    fn take(&mut self, now: Instant, datagram: &[u8]) {
        let media = |client: &mut Client| client.media.take().expect("keys");
        match classify(datagram) {
            DatagramKind::Dtls => self.client.handle_datagram(now, datagram),
            DatagramKind::Rtp => {
                let mut media = media(&mut self.client);
                self.rtp.push(media.receives.decrypt_rtp(datagram).expect("authentic").to_vec());
                self.client.media = Some(media);
            }
            DatagramKind::Rtcp => {
                let mut media = media(&mut self.client);
                self.rtcp.push(media.receives.decrypt_rtcp(datagram).expect("authentic").to_vec());
                self.client.media = Some(media);
            }
            DatagramKind::Stun | DatagramKind::Unknown => {}
        }
    }
}

fn credentials(ufrag: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.into(), password: PASSWORD.into() }
}

fn sends(uplink: Uplink) -> Session {
    Session { extensions: IDS, uplinks: vec![uplink], ..Session::default() }
}

fn receives(track: u64, codec: NegotiatedCodec) -> Session {
    let downlink = Downlink {
        mid: mid("0"),
        track: TrackId(track),
        codec,
        ssrc: 0x1000,
        rtx_ssrc: codec.rtx_payload_type.map(|_| 0x2000),
    };
    Session { extensions: IDS, downlinks: vec![downlink], ..Session::default() }
}

/// A frame of one packet, with the extensions by which its stream is found.
fn frame(ssrc: u32, rid: &[u8], seq_no: u16, is_key: bool) -> TestPacket {
    let payload = vp8_payload(true, is_key, seq_no, 0, 50);
    TestPacket::new(ssrc, VP8.payload_type, seq_no, u32::from(seq_no) * 3_000, &payload)
        .marker()
        .with(IDS.mid, b"m1")
        .with(IDS.rid, rid)
}

/// Of a layer, the media may be lost and its retransmission be the first to arrive. Nobody knows then which stream to
/// ask for a keyframe; and a client that needs looking after without end would keep the shard from everybody else.
#[test]
fn a_retransmission_before_its_media_stops_nobody() {
    let mut rig = Rig::new();
    let publisher = rig.join(sends(uplink(1, VP8, 2)));
    let viewer = rig.join(receives(1, VP8));
    rig.subscribe(viewer, 1);
    let lost = frame(10, b"1", 7, true);
    let retransmission = lost.retransmitted(11, VP8.rtx_payload_type.unwrap(), 1).with(IDS.repaired_rid, b"1");
    rig.send_rtp(publisher, &retransmission);
    rig.run_for(ms(700));
    assert_eq!(rig.requested_keyframes(publisher), [0; 0], "there is no stream yet");
    rig.send_rtp(publisher, &frame(10, b"1", 8, false));
    rig.run_for(ms(600));
    assert_eq!(rig.requested_keyframes(publisher).first(), Some(&10));
}

/// Control subscribes nobody to a client that is not connected, but a shard does not depend on it.
#[test]
fn a_keyframe_request_to_a_client_that_is_not_connected_waits() {
    let mut rig = Rig::new();
    let viewer = rig.join(receives(1, VP8));
    let mut announced = uplink(1, VP8, 0);
    announced.ssrcs = vec![(10, Some(11))];
    let publisher = rig.add(sends(announced));
    rig.subscribe(viewer, 1);
    rig.run_for(ms(50));
    assert_eq!(rig.members[publisher].rtcp.len(), 0);
    rig.members[publisher].client.start_dtls(rig.now);
    rig.run_for(ms(600));
    assert_eq!(rig.requested_keyframes(publisher).first(), Some(&10));
}

/// Sound has no stream for retransmissions, so the packet itself comes again.
#[test]
fn a_lost_packet_of_sound_is_sent_again() {
    let mut rig = Rig::new();
    let publisher = rig.join(sends(uplink(1, OPUS, 0)));
    let listener = rig.join(receives(1, OPUS));
    rig.subscribe(listener, 1);
    rig.run_for(ms(1));
    let sound = |seq_no: u16| {
        TestPacket::new(10, OPUS.payload_type, seq_no, u32::from(seq_no) * 960, &opus_payload()).with(IDS.mid, b"m1")
    };
    rig.send_rtp(publisher, &sound(0));
    rig.drops_rtp = true;
    rig.send_rtp(publisher, &sound(1));
    rig.drops_rtp = false;
    rig.send_rtp(publisher, &sound(2));
    let seq_nos = |rig: &Rig| -> Vec<_> {
        rig.members[listener].rtp.iter().map(|packet| RtpView::parse(packet).unwrap().seq_no).collect()
    };
    let [first, third] = seq_nos(&rig)[..] else { panic!("{:?}", seq_nos(&rig)) };
    assert_eq!(third.packets_since(first), 2);
    let mut nack = Vec::new();
    write_nack(1, 0x1000, std::iter::once(first.next()), &mut nack);
    rig.send_rtcp(listener, &nack);
    assert_eq!(seq_nos(&rig)[2..], [first.next()]);
    let counters = rig.shard.counters();
    assert_eq!((counters.forwarded_packets, counters.retransmitted_packets), (3, 1));
    let datagram = rig.members[listener].rtp[0].len() + 16;
    assert_eq!(counters.forwarded_bytes, 3 * datagram as u64, "with the tag of AES-GCM");
}

/// A client goes on with the credentials that it last nominated with until it nominates anew, however many restarts it
/// has begun meanwhile.
#[test]
fn a_restart_that_is_overtaken_by_another_one_loses_nobody() {
    let mut rig = Rig::new();
    let client = rig.join(Session::default());
    let restart = |rig: &mut Rig, ufrag: &str| {
        let (local, remote) = (credentials(ufrag), credentials("theirs"));
        rig.command(ShardCommand::RestartIce { transport: Rig::transport(client), local, remote });
    };
    let is_heard = |rig: &mut Rig, ufrag: &str| {
        let before = rig.shard.counters();
        rig.check(client, ufrag);
        let after = rig.shard.counters();
        (before.claims, before.unknown_datagrams) == (after.claims, after.unknown_datagrams)
    };
    restart(&mut rig, "second");
    restart(&mut rig, "third");
    assert!(is_heard(&mut rig, "ours0"), "still in use");
    assert!(!is_heard(&mut rig, "second"), "given up");
    assert!(is_heard(&mut rig, "third"), "which nominates");
    restart(&mut rig, "fourth");
    assert!(!is_heard(&mut rig, "ours0"));
    assert!(is_heard(&mut rig, "third") && is_heard(&mut rig, "fourth"));
}

/// What could not be sealed was not sent, so the picture still has to begin with a keyframe.
#[test]
fn a_subscription_begins_when_its_receiver_is_connected() {
    let mut rig = Rig::new();
    let publisher = rig.join(sends(uplink(1, VP8, 1)));
    let viewer = rig.add(receives(1, VP8));
    rig.subscribe(viewer, 1);
    rig.send_rtp(publisher, &frame(10, b"0", 0, true));
    assert_eq!(rig.shard.counters().dropped_packets[DropReason::NotConnected], 1);
    rig.members[viewer].client.start_dtls(rig.now);
    rig.run_for(ms(600));
    rig.send_rtp(publisher, &frame(10, b"0", 1, false));
    rig.run_for(ms(600));
    assert_eq!(rig.members[viewer].rtp.len(), 0);
    assert_eq!(rig.requested_keyframes(publisher).last(), Some(&10));
    rig.send_rtp(publisher, &frame(10, b"0", 2, true));
    assert_eq!(rig.members[viewer].rtp.len(), 1);
}

/// Each wake-up costs more than what there is to do for a silent client.
#[test]
fn silent_clients_are_looked_after_together() {
    let mut rig = Rig::new();
    for _ in 0..20 {
        rig.join(Session::default());
        rig.now += Duration::from_micros(1_300);
    }
    rig.run_for(ms(2_000));
    // Once for each of the one or two moments that they came at.
    assert!((2..=6).contains(&wake_ups_in(&mut rig, ms(2_000))));
}

#[test]
fn who_sees_video_is_looked_after_more_often() {
    let mut rig = Rig::new();
    rig.join(sends(uplink(1, VP8, 1)));
    let viewer = rig.join(receives(1, VP8));
    rig.run_for(ms(2_000));
    assert!((1..=4).contains(&wake_ups_in(&mut rig, ms(1_000))));
    rig.subscribe(viewer, 1);
    assert!((9..=14).contains(&wake_ups_in(&mut rig, ms(1_000))));
}

fn wake_ups_in(rig: &mut Rig, time: Duration) -> usize {
    let end = rig.now + time;
    let mut wake_ups = 0;
    while let Some(due) = rig.shard.poll_timeout().filter(|due| *due < end) {
        rig.now = rig.now.max(due);
        rig.shard.handle_timeout(rig.now);
        rig.exchange();
        wake_ups += 1;
    }
    rig.now = end;
    wake_ups
}
