// SPDX-License-Identifier: EUPL-1.2
//! The sound of a call allocates nothing once it is made, neither alone nor with its packets and prompts. Opus does, inside its
//! library, and is left out where it is.

use std::time::{Duration, Instant};

use counting_allocator::{CountingAllocator, allocations_of};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sip_bridge::audio::{FRAME_SAMPLES, Frame, SILENCE};
use sip_bridge::media::codec::{MAX_PAYLOAD_BYTES, OpusSettings, PhoneCodec};
use sip_bridge::media::downlink::{Downlink, DownlinkSettings};
use sip_bridge::media::jitter_buffer::PacketKind;
use sip_bridge::media::rtp::RtpConfig;
use sip_bridge::media::uplink::{Uplink, UplinkSettings};
use sip_bridge::sdp::{Capabilities, SessionDescription, answer};
use sip_bridge::sound::{CallKey, CallSound};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn a_call_with_loss_and_jitter_allocates_nothing() {
    for codec in [PhoneCodec::Pcma, PhoneCodec::Pcmu, PhoneCodec::G722] {
        let mut rng = StdRng::seed_from_u64(1);
        let opus = OpusSettings::default();
        let to_phone = DownlinkSettings { codec, opus, may_leave_out_silence: false };
        let mut downlink = Downlink::new(to_phone, &mut rng).unwrap();
        let from_phone = UplinkSettings { codec, listens_for_digits: true, controls_level: true };
        let mut uplink = Uplink::new(from_phone, &mut rng).unwrap();
        let mut payload = Vec::with_capacity(MAX_PAYLOAD_BYTES);
        let start = Instant::now();
        let mut audible = 0;
        let mut play = |n: u32| {
            let now = start + Duration::from_millis(20) * n;
            let frame: Frame = if n / 50 % 3 == 2 {
                SILENCE
            } else {
                std::array::from_fn(|at| (5000.0 * (((n as usize * FRAME_SAMPLES + at) as f32) * 0.05).sin()) as i16)
            };
            payload.clear();
            downlink.push(&frame, &mut payload);
            if n % 13 != 5 {
                // Every tenth packet is 45 ms late.
                let came = now + Duration::from_millis(if n % 10 == 3 { 45 } else { 0 });
                uplink.handle_payload(came, n as u16, 160 * n, PacketKind::Sound, &payload);
            }
            audible += u32::from(uplink.pull(now).level_dbov < 40);
        };
        // Filters reckon their tables when they are first used.
        play(0);
        assert_eq!(allocations_of(|| (1..1500).for_each(&mut play)), 0, "{codec:?}");
        assert!(audible > 800, "{codec:?}: {audible}");
    }
}

#[test]
fn packets_of_a_call_allocate_nothing() {
    let offer = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 8\n";
    let offer = SessionDescription::parse(offer.as_bytes()).unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let ours = Capabilities::new("192.0.2.10".parse().unwrap(), 20_000);
    let (_, agreed) = answer(&offer, &ours, None, &mut rng).unwrap();
    let start = Instant::now();
    let mut call = CallSound::new(start, CallKey(1), RtpConfig::default(), &agreed, &mut rng).unwrap();
    call.open(start);
    let source = "192.0.2.1:4000".parse().unwrap();
    let mut datagram = [0xd5; 172];
    let (mut out, mut sent) = (Vec::with_capacity(2_000), 0);
    let mut tick = |number: u32| {
        let now = start + Duration::from_millis(20) * number;
        datagram[..2].copy_from_slice(&[0x80, 8]);
        datagram[2..4].copy_from_slice(&(number as u16).to_be_bytes());
        datagram[4..8].copy_from_slice(&(160 * number).to_be_bytes());
        call.handle_datagram(now, source, &mut datagram);
        call.listen(now);
        call.speak(now, Some(&[(number % 500) as i16; FRAME_SAMPLES]), &mut out, |_, _| sent += 1);
    };
    // Longer than until the first report.
    (0..500).for_each(&mut tick);
    assert_eq!(allocations_of(|| (500..2_000).for_each(&mut tick)), 0);
    assert!(sent > 2_000, "{sent}");
}
