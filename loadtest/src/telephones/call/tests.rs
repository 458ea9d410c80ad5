// SPDX-License-Identifier: EUPL-1.2
//! Calls with a bridge that is made up, too.

use sip_bridge::media::codec::PhoneCodec;

use super::super::messages::{Arrived, read};
use super::super::sound;
use super::*;

#[derive(Default)]
struct Sent {
    sip: Vec<String>,
    rtp: Vec<Vec<u8>>,
}

impl Sink for Sent {
    fn send_sip(&mut self, text: &str) {
        self.sip.push(text.to_owned());
    }

    fn send_rtp(&mut self, to: SocketAddr, packet: &[u8]) {
        assert_eq!(to.to_string(), "127.0.0.1:20000");
        self.rtp.push(packet.to_vec());
    }

    fn wall_nanos(&self) -> u64 {
        self.rtp.len() as u64
    }
}

struct Rig {
    call: Call,
    now: Instant,
    sent: Sent,
}

impl Rig {
    fn dial(stay: Option<Duration>) -> Self {
        let dialog = Dialog {
            bridge: "127.0.0.1:5060".parse().unwrap(),
            sip: "127.0.0.1:40000".parse().unwrap(),
            rtp: "127.0.0.1:40002".parse().unwrap(),
            number: 1,
            call_id: "x".to_owned(),
            remote_tag: None,
        };
        let silence = sound::encode(PhoneCodec::Pcma, &sound::silence()).unwrap();
        let plan = CallPlan { keys: "12#".into(), silence, voice: None, stay, loss: 0.0, ear: None };
        let (now, mut sent) = (Instant::now(), Sent::default());
        Self { call: Call::dial(now, dialog, plan, &mut sent), now, sent }
    }

    fn run(&mut self, time: Duration) {
        let (end, mut packet) = (self.now + time, Vec::new());
        while self.now < end {
            self.now += Duration::from_millis(5);
            self.call.handle_tick(self.now, &mut packet, &mut self.sent);
        }
    }

    fn respond(&mut self, status: u16, method: &str, body: &str) {
        let text = format!(
            "SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK1\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\n\
             To: <sip:b@127.0.0.1>;tag=theirs\r\nCall-ID: x\r\nCSeq: 1 {method}\r\nContact: <sip:b@127.0.0.1>\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let Some(Arrived::Response(response)) = read(text.as_bytes()) else { panic!("{text}") };
        self.call.handle_response(self.now, &response, &mut self.sent);
    }

    fn answer(&mut self) {
        self.respond(200, "INVITE", "v=0\r\nm=audio 20000 RTP/AVP 8\r\n");
    }

    fn hear(&mut self, frames: u16) {
        let whistle = sound::encode(PhoneCodec::Pcma, &[sound::whistle(); 4]).unwrap();
        for number in 0..frames {
            let mut packet = vec![0x80, 8];
            packet.extend(number.to_be_bytes());
            packet.extend([0; 8]);
            packet.extend(whistle[1].iter());
            self.call.handle_rtp(self.now, 0, &packet);
        }
    }

    fn methods(&self) -> Vec<&str> {
        self.sent.sip.iter().map(|text| text.split(' ').next().unwrap()).collect()
    }
}

#[test]
fn a_call_goes_from_dialling_to_hanging_up() {
    let mut rig = Rig::dial(Some(Duration::from_secs(1)));
    rig.run(Duration::from_secs(2));
    assert_eq!(rig.methods(), ["INVITE", "INVITE", "INVITE"], "it is repeated until anything is answered");
    rig.respond(100, "INVITE", "");
    rig.run(Duration::from_secs(2));
    assert_eq!(rig.methods().len(), 3);
    rig.answer();
    rig.run(Duration::from_secs(1));
    assert!(rig.sent.rtp.iter().any(|packet| packet[1] & 0x7f == 101), "keys are pressed");
    assert!(!rig.call.is_in_room());
    rig.hear(5);
    assert!(rig.call.is_in_room());
    rig.run(Duration::from_millis(1_100));
    assert_eq!(rig.methods().last(), Some(&"BYE"));
    assert!(rig.call.ended().is_none());
    rig.respond(200, "BYE", "");
    let ended = rig.call.ended().unwrap();
    assert_eq!((ended.failure, ended.reception.lost()), (None, 0));
    assert!(ended.answered.unwrap() < ended.heard.unwrap());
}

#[test]
fn whatever_else_happens_is_a_failure() {
    let ended = |act: &dyn Fn(&mut Rig)| {
        let mut rig = Rig::dial(None);
        act(&mut rig);
        rig.call.ended().expect("it is over").failure
    };
    assert_eq!(ended(&|rig| rig.respond(503, "INVITE", "")), Some(Failure::Refused(503)));
    assert_eq!(ended(&|rig| rig.run(ENTRY_PATIENCE * 2)), Some(Failure::NotAnswered));
    let unheard = ended(&|rig| {
        rig.answer();
        rig.run(ENTRY_PATIENCE * 2);
        rig.respond(200, "BYE", "");
    });
    assert_eq!(unheard, Some(Failure::NotHeard));
    let hung_up_on = ended(&|rig| {
        rig.answer();
        rig.hear(5);
        rig.call.handle_bye();
    });
    assert_eq!(hung_up_on, Some(Failure::HungUpOn));
    let silent = ended(&|rig| {
        let now = rig.now;
        rig.call.hang_up(now, &mut rig.sent);
        rig.run(GOODBYE_PATIENCE * 2);
    });
    assert_eq!(silent, Some(Failure::NoGoodbye));
}

#[test]
fn losses_are_counted_across_the_wrap() {
    let mut reception = Reception::default();
    for seq_no in [65_533, 65_535, 65_534, 0, 3] {
        reception.note(seq_no);
    }
    assert_eq!((reception.expected, reception.lost()), (7, 2));
}
