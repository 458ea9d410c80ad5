// SPDX-License-Identifier: EUPL-1.2
//! A call with a telephone on the other side, on a virtual clock.

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::audio::FRAME_TIME;
use crate::media::codec::PhoneCodec;
use crate::media::key_tone::KeyTone;
use crate::media::rtp::Component;
use crate::prompts::Prompts;
use crate::sdp::ReceiveFormat;
use crate::sound::testing::{Phone, USUAL, Whistler, agreed, agreed_with, is_whistled, whistle};

const KEY: CallKey = CallKey(7);

struct Rig {
    now: Instant,
    call: CallSound,
    agreed: Negotiated,
    library: SoundLibrary,
    phone: Phone,
    /// What the call sent, from which port.
    sent: Vec<(Component, Vec<u8>)>,
    events: Vec<SoundEvent>,
}

impl Rig {
    fn unopened(lines: &str) -> Self {
        let (now, agreed) = (Instant::now(), agreed(lines));
        let rng = &mut StdRng::seed_from_u64(3);
        let call = CallSound::new(now, KEY, RtpConfig::default(), &agreed, rng).unwrap();
        let library = SoundLibrary::new(Prompts::embedded());
        Self { now, call, agreed, library, phone: Phone::new(), sent: Vec::new(), events: Vec::new() }
    }

    fn new(lines: &str) -> Self {
        let mut rig = Self::unopened(lines);
        rig.call.open(rig.now);
        rig
    }

    fn change(&mut self, lines: &str) {
        self.agreed = agreed_with("192.0.2.1", lines, Some(&self.agreed));
        self.call.change(self.now, &self.agreed).unwrap();
    }

    fn receive(&mut self, mut datagram: Vec<u8>) {
        self.call.handle_datagram(self.now, "192.0.2.1:4000".parse().unwrap(), &mut datagram);
    }

    /// A tick, in which the caller says something and hears the meeting.
    fn tick(&mut self, words: Option<&Frame>, meeting: Option<&Frame>) {
        self.now += FRAME_TIME;
        if let Some(words) = words {
            let packet = self.phone.say(words);
            self.receive(packet);
        }
        self.call.listen(self.now);
        let sent = &mut self.sent;
        self.call.speak(self.now, meeting, &mut Vec::new(), |transmit, packet| {
            sent.push((transmit.component, packet.to_vec()));
        });
        self.events.extend(std::iter::from_fn(|| self.call.poll_event()));
    }

    /// Ticks without anything.
    fn pass(&mut self, ticks: usize) {
        (0..ticks).for_each(|_| self.tick(None, None));
    }

    /// What the telephone got, decoded.
    fn heard(&mut self) -> Vec<Frame> {
        let sent = std::mem::take(&mut self.sent);
        let sound = sent.iter().filter(|(component, _)| *component == Component::Rtp);
        sound.filter_map(|(_, packet)| self.phone.hear(packet)).collect()
    }

    fn digits(&mut self) -> String {
        let digit = |event| if let SoundEvent::Digit { digit, .. } = event { Some(digit.as_char()) } else { None };
        self.events.drain(..).filter_map(digit).collect()
    }
}

#[test]
fn nothing_flows_before_the_call_is_open() {
    let mut rig = Rig::unopened(USUAL);
    rig.call.play(&rig.library, (None, Language::German), &[PromptId::Goodbye], PlayToken(1));
    let mut caller = Whistler::new();
    for _ in 0..200 {
        rig.tick(Some(&caller.next()), None);
        assert!(!rig.call.said().is_worth_sending);
    }
    assert!(rig.sent.is_empty() && rig.events.is_empty());
    rig.call.open(rig.now);
    rig.pass(500);
    assert!(matches!(rig.events[..], [SoundEvent::Played { call: KEY, token: PlayToken(1) }]), "{:?}", rig.events);
    let heard = rig.heard();
    assert_eq!(heard.len(), 500);
    assert!(heard.iter().filter(|frame| crate::media::level::level_dbov(frame) < 40).count() > 20);
}

#[test]
fn what_the_caller_says_comes_out_and_what_the_meeting_says_goes_in() {
    let mut rig = Rig::new(USUAL);
    let mut caller = Whistler::new();
    let mut whistled = 0;
    for tick in 0..300 {
        rig.tick(Some(&caller.next()), Some(&whistle(tick, 400.0)));
        let said = rig.call.said();
        whistled += usize::from(said.is_worth_sending && is_whistled(&said.frame));
    }
    assert!(whistled > 80, "of 100 frames {whistled}");
    let heard = rig.heard();
    assert_eq!(heard.len(), 300);
    let meeting = heard.iter().filter(|frame| crate::sound::testing::share(frame, 400.0) > 0.8).count();
    assert!(meeting > 290, "{meeting}");
    let summary = rig.call.close(rig.now, &mut Vec::new(), |_, _| {});
    // The first packet only shows that somebody is there (RFC 3550 appendix A.1).
    assert_eq!((summary.received, summary.lost, summary.sent), (299, 0, 300));
}

#[test]
fn what_the_telephone_reports_is_in_the_summary() {
    let mut rig = Rig::new(USUAL);
    let mut caller = Whistler::new();
    let report = (0..500).find_map(|_| {
        rig.tick(Some(&caller.next()), None);
        let mut reports = rig.sent.iter().filter(|(component, _)| *component == Component::Rtcp);
        reports.next().map(|(_, report)| report.clone())
    });
    let report = report.unwrap();
    rig.now += Duration::from_millis(40);
    // A quarter was lost, and the answer was sent as soon as our report had come (RFC 3550 §6.4.2).
    let mut about_us = vec![0x81, 201, 0, 7, 0, 0, 0x51, 0x51];
    about_us.extend(&report[4..8]);
    about_us.extend([64, 0, 0, 0]);
    about_us.extend([0; 8]);
    about_us.extend(&report[10..14]);
    about_us.extend([0; 4]);
    rig.receive(about_us);
    let summary = rig.call.close(rig.now, &mut Vec::new(), |_, _| {});
    let round_trip_ms = summary.round_trip_ms.unwrap();
    assert!((39.0..41.0).contains(&round_trip_ms), "{round_trip_ms}");
    assert_eq!(summary.remote_lost_percent, Some(25.0));
}

#[test]
fn a_key_is_told_once_by_whichever_ways_it_comes() {
    let mut rig = Rig::new(USUAL);
    let mut caller = Whistler::new();
    for _ in 0..20 {
        rig.tick(Some(&caller.next()), None);
    }
    rig.call.handle_info_digit(rig.now, Digit::from_char('4').unwrap());
    for packet in rig.phone.press(4) {
        rig.receive(packet);
    }
    rig.tick(None, None);
    assert_eq!(rig.digits(), "4");
    for packet in rig.phone.press(2) {
        rig.receive(packet);
        rig.tick(None, None);
    }
    assert_eq!(rig.digits(), "2");
    let lost = rig.call.uplink.statistics().jitter.lost_packets;
    for _ in 0..50 {
        rig.tick(Some(&caller.next()), None);
    }
    assert_eq!(rig.call.uplink.statistics().jitter.lost_packets, lost, "packets of keys are not missed as sound");
}

#[test]
fn keys_and_pauses_belong_to_the_codec_that_the_telephone_sends() {
    // We send µ-law, and the telephone A-law, which it may.
    let mut rig = Rig::new("m=audio 4000 RTP/AVP 0 13 101\na=rtpmap:101 telephone-event/8000\n");
    rig.agreed.receive.push(ReceiveFormat { payload_type: 8, codec: Codec::Pcma });
    rig.call.change(rig.now, &rig.agreed).unwrap();
    let mut caller = Whistler::new();
    for _ in 0..20 {
        rig.tick(Some(&caller.next()), None);
    }
    assert_eq!(rig.call.uplink.codec(), PhoneCodec::Pcma);
    for packet in rig.phone.press(2) {
        rig.receive(packet);
        assert_eq!(rig.call.uplink.codec(), PhoneCodec::Pcma, "a key is in no codec");
        rig.tick(None, None);
    }
    assert_eq!(rig.digits(), "2");
    for _ in 0..5 {
        let packet = rig.phone.pause();
        rig.receive(packet);
        assert_eq!(rig.call.uplink.codec(), PhoneCodec::Pcma, "nor is noise");
        rig.tick(None, None);
    }
    let mut whistled = 0;
    for _ in 0..150 {
        rig.tick(Some(&caller.next()), None);
        whistled += usize::from(is_whistled(&rig.call.said().frame));
    }
    assert!(whistled > 30, "of 50 frames {whistled}");
}

#[test]
fn a_refresh_leaves_the_decoder_of_a_codec_that_is_still_agreed_on() {
    let lines = "m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n";
    let mut rig = Rig::new(lines);
    rig.agreed.receive.push(ReceiveFormat { payload_type: 8, codec: Codec::Pcma });
    rig.call.change(rig.now, &rig.agreed).unwrap();
    assert_eq!(rig.call.uplink.codec(), PhoneCodec::Pcmu, "what we send is the best guess");
    let mut caller = Whistler::new();
    for _ in 0..20 {
        rig.tick(Some(&caller.next()), None);
    }
    rig.call.change(rig.now, &rig.agreed).unwrap();
    assert_eq!(rig.call.uplink.codec(), PhoneCodec::Pcma);
    rig.change(lines);
    assert_eq!(rig.call.uplink.codec(), PhoneCodec::Pcmu, "it may not be sent any more");
}

#[test]
fn tones_are_keys_where_events_were_not_agreed_on() {
    for (lines, expected) in [("m=audio 4000 RTP/AVP 8\n", "5"), (USUAL, "")] {
        let mut rig = Rig::new(lines);
        let mut tone = KeyTone::new('5', Duration::from_millis(120));
        for tick in 0..60 {
            let mut frame = SILENCE;
            if tick >= 20 {
                tone.fill(&mut frame);
            }
            rig.tick(Some(&frame), None);
        }
        rig.call.handle_info_digit(rig.now, Digit::from_char('9').unwrap());
        rig.tick(None, None);
        assert_eq!(rig.digits(), format!("{expected}9"));
    }
}

#[test]
fn who_holds_the_call_gets_nothing_and_is_not_lost() {
    let mut rig = Rig::new(USUAL);
    rig.pass(10);
    assert_eq!(rig.heard().len(), 10);
    rig.change(&format!("{USUAL}a=inactive\n"));
    rig.call.play(&rig.library, (None, Language::German), &[PromptId::Help], PlayToken(1));
    rig.pass(50 * 200);
    assert!(rig.heard().is_empty());
    assert!(matches!(rig.events[..], [SoundEvent::Played { .. }]), "what is played goes on: {:?}", rig.events);
    rig.events.clear();
    rig.change(USUAL);
    rig.pass(50 * 59);
    assert!(rig.events.is_empty(), "{:?}", rig.events);
    assert_eq!(rig.heard().len(), 50 * 59);
    rig.pass(50 * 2);
    assert!(matches!(rig.events[..], [SoundEvent::Lost { call: KEY }]), "{:?}", rig.events);
    rig.pass(50 * 100);
    assert_eq!(rig.events.len(), 1);
}

#[test]
fn what_is_sent_while_the_call_is_held_is_not_heard_in_the_room() {
    for begins_held in [false, true] {
        // Without telephone events, so that tones would be keys.
        let (both_ways, held) = ("m=audio 4000 RTP/AVP 8\n", "m=audio 4000 RTP/AVP 8\na=sendonly\n");
        let mut rig = Rig::new(if begins_held { held } else { both_ways });
        let mut caller = Whistler::new();
        if !begins_held {
            let speech = (0..75).filter(|_| {
                rig.tick(Some(&caller.next()), None);
                rig.call.said().is_speech
            });
            assert!(speech.count() > 20);
            rig.change(held);
        }
        let mut tone = KeyTone::new('5', Duration::from_millis(120));
        for tick in 0..200 {
            let mut music = caller.next();
            if tick >= 150 {
                music = SILENCE;
                tone.fill(&mut music);
            }
            rig.tick(Some(&music), None);
            let said = rig.call.said();
            assert!(!said.is_speech && !said.is_worth_sending);
            assert!(said.frame == SILENCE && said.level_dbov == SILENT_DBOV);
        }
        assert_eq!(rig.digits(), "");
        rig.change(both_ways);
        let mut whistled = 0;
        for _ in 0..150 {
            rig.tick(Some(&caller.next()), None);
            whistled += usize::from(is_whistled(&rig.call.said().frame));
        }
        assert!(whistled > 30, "of 50 frames {whistled}");
    }
}

#[test]
fn what_waits_of_the_music_is_not_heard_after_the_hold() {
    let mut rig = Rig::new("m=audio 4000 RTP/AVP 8\na=sendonly\n");
    for tick in 0..100 {
        rig.tick(Some(&whistle(tick, 1_000.0)), None);
    }
    for tick in 100..105 {
        let packet = rig.phone.say(&whistle(tick, 1_000.0));
        rig.receive(packet);
    }
    rig.change("m=audio 4000 RTP/AVP 8\n");
    for _ in 0..20 {
        rig.tick(None, None);
        assert!(rig.call.said().frame == SILENCE);
    }
}

#[test]
fn who_takes_short_packets_gets_them() {
    let mut rig = Rig::new("m=audio 4000 RTP/AVP 8\na=maxptime:10\n");
    rig.pass(20);
    let sound: Vec<_> = rig.sent.iter().filter(|(component, _)| *component == Component::Rtp).collect();
    assert_eq!(sound.len(), 40);
    let stamp = |packet: &[u8]| u32::from_be_bytes(packet[4..8].try_into().unwrap());
    assert!(sound.iter().all(|(_, packet)| packet.len() == 12 + 80));
    assert!(sound.windows(2).all(|pair| stamp(&pair[1].1).wrapping_sub(stamp(&pair[0].1)) == 80));
}

#[test]
fn who_wants_long_packets_gets_them_without_a_gap() {
    for (ptime_ms, packets) in [(30_u32, 20), (40, 15)] {
        let mut rig = Rig::new(&format!("m=audio 4000 RTP/AVP 8\na=ptime:{ptime_ms}\n"));
        rig.pass(30);
        let sound: Vec<_> = rig.sent.iter().filter(|(component, _)| *component == Component::Rtp).collect();
        assert_eq!(sound.len(), packets);
        let stamp = |packet: &[u8]| u32::from_be_bytes(packet[4..8].try_into().unwrap());
        assert!(sound.iter().all(|(_, packet)| packet.len() == 12 + ptime_ms as usize * 8));
        assert!(sound.windows(2).all(|pair| stamp(&pair[1].1).wrapping_sub(stamp(&pair[0].1)) == ptime_ms * 8));
    }
}

#[test]
fn what_waits_for_a_long_packet_is_sent_before_silence() {
    let mut rig = Rig::new("m=audio 4000 RTP/AVP 8 13\na=ptime:30\n");
    rig.pass(25);
    let stamp = |packet: &[u8]| u32::from_be_bytes(packet[4..8].try_into().unwrap());
    let noise = rig.sent.iter().position(|(_, packet)| packet[1] & 0x7f == 13).unwrap();
    let sound: usize = rig.sent[..noise].iter().map(|(_, packet)| packet.len() - 12).sum();
    assert_eq!(sound, 20 * 160, "as many frames of silence as are sent");
    let (first, noise) = (&rig.sent[0].1, &rig.sent[noise].1);
    assert_eq!(stamp(noise).wrapping_sub(stamp(first)), 20 * 160);
}

#[test]
fn who_knows_comfort_noise_gets_it_in_place_of_silence() {
    let mut rig = Rig::new("m=audio 4000 RTP/AVP 8 13\n");
    rig.pass(25);
    let types: Vec<_> = rig.sent.iter().map(|(_, packet)| packet[1] & 0x7f).collect();
    assert_eq!(types.iter().filter(|payload_type| **payload_type == 13).count(), 1, "{types:?}");
    assert_eq!(types.len(), 21);
    rig.sent.clear();
    rig.tick(None, Some(&whistle(0, 1_000.0)));
    let (_, packet) = &rig.sent[0];
    assert_eq!((packet[1], packet.len()), (0x88, 172), "sound again, with the marker");
}

#[test]
fn who_speaks_while_muted_is_told_once() {
    let mut rig = Rig::new(USUAL);
    let mut caller = Whistler::new();
    rig.call.set_muted(true);
    for _ in 0..600 {
        rig.tick(Some(&caller.next()), None);
    }
    assert!(matches!(rig.events[..], [SoundEvent::TalkingWhileMuted { call: KEY }]), "{:?}", rig.events);
}

#[test]
fn a_line_that_loses_every_sixth_packet_is_bad() {
    let mut rig = Rig::new(USUAL);
    let mut caller = Whistler::new();
    for tick in 0..1_200 {
        let words = caller.next();
        if tick % 6 == 3 {
            rig.phone.say(&words);
            rig.tick(None, None);
        } else {
            rig.tick(Some(&words), None);
        }
    }
    assert!(matches!(rig.events[..], [SoundEvent::BadLine { call: KEY }]), "{:?}", rig.events);
}
