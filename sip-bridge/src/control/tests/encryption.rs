// SPDX-License-Identifier: EUPL-1.2
//! Calls whose sound is encrypted, with keys that travel in descriptions.

use super::rig::{OFFER, Rig};
use crate::sip::message::Transport;

const SDP: &str = "Content-Type: application/sdp\r\n";
const SECURE: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                      m=audio 40000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n\
                      a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:4tNHKmBmzWVsl0vdYkQi0gGXE+xO8VLyKP6YhFDc\r\n";

/// A call that came over TLS, with that offer.
fn answered(offer: &str) -> Rig {
    let mut rig = Rig::new(1);
    rig.transport = Transport::Tls;
    rig.invite("one", SDP, offer);
    let call = *rig.calls().last().unwrap();
    rig.begun(call);
    rig.in_dialog("ACK", "one", "", "");
    rig
}

/// What is answered to a change.
fn change(rig: &mut Rig, transport: Transport, offer: &str) -> u16 {
    rig.transport = transport;
    rig.in_dialog("INVITE", "one", if offer.is_empty() { "" } else { SDP }, offer);
    rig.responses("one").last().unwrap().status
}

#[test]
fn sound_that_is_encrypted_stays_so_and_its_keys_do_not_travel_in_the_open() {
    let mut rig = answered(SECURE);
    assert!(String::from_utf8_lossy(&rig.answer("one").body).contains("crypto"));
    assert_eq!(change(&mut rig, Transport::Udp, SECURE), 488);
    assert_eq!(change(&mut rig, Transport::Udp, ""), 488, "ours would have the key");
    assert_eq!(change(&mut rig, Transport::Tls, OFFER), 488);
    assert!(!rig.orders().iter().any(|(_, name)| *name == "change"));
    assert_eq!(change(&mut rig, Transport::Tls, SECURE), 200);
}

#[test]
fn keys_in_an_ack_are_taken_only_if_it_came_over_tls() {
    for (transport, is_taken) in [(Transport::Tls, true), (Transport::Udp, false)] {
        // The call brings no offer, and ours is answered in the ACK.
        let mut rig = Rig::new(1);
        rig.transport = Transport::Tls;
        rig.invite("one", "", "");
        let call = *rig.calls().last().unwrap();
        rig.begun(call);
        let ours = String::from_utf8_lossy(&rig.answer("one").body).into_owned();
        let line = ours.lines().find(|line| line.contains("AES_CM_128_HMAC_SHA1_80")).unwrap();
        rig.transport = transport;
        rig.in_dialog("ACK", "one", SDP, &format!("{OFFER}{line}\r\n"));
        let has_begun = rig.orders().iter().any(|(_, name)| *name == "begin");
        assert_eq!((has_begun, rig.requests("BYE").len()), (is_taken, usize::from(!is_taken)));
    }
}

#[test]
fn sound_in_the_open_can_still_be_changed() {
    let mut rig = answered(OFFER);
    assert_eq!(change(&mut rig, Transport::Tls, OFFER), 200);
}
