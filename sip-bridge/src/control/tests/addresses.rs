// SPDX-License-Identifier: EUPL-1.2
//! What is told where all addresses are listened on.

use bus::phone::{CallPurpose, NotReachedReason};

use super::callee::{FIRST, SECOND, not_reached, order, trunk};
use super::rig::{OFFER, Rig};
use crate::sip::message::{Headers, Uri};

const SDP: &str = "Content-Type: application/sdp\r\n";

fn assert_tells(headers: &Headers, body: &[u8], address: &str) {
    let Uri::Sip(contact) = &headers.contact[0].uri else { panic!("no SIP URI") };
    assert_eq!(contact.host.to_string(), address);
    let body = String::from_utf8_lossy(body);
    assert!(body.contains(&format!("\r\nc=IN IP4 {address}\r\n")), "{body}");
    assert!(!body.contains("0.0.0.0"), "{body}");
}

#[test]
fn a_caller_is_told_by_which_address_we_are_reached() {
    let mut rig = Rig::everywhere(|_| "127.0.0.9".parse().ok());
    rig.answered("one");
    let answer = rig.answer("one");
    assert_tells(&answer.headers, &answer.body, "127.0.0.9");
}

#[test]
fn a_caller_to_whom_no_address_leads_is_declined() {
    let mut rig = Rig::everywhere(|_| None);
    rig.invite("one", SDP, OFFER);
    assert_eq!(rig.statuses("one"), [100, 503]);
    assert!(rig.calls().is_empty());
    assert_eq!(rig.metrics.refused_calls.with_label_values(&["no_address"]).get(), 1);
}

#[test]
fn a_call_of_ours_goes_where_an_address_leads() {
    let mut rig = Rig::everywhere(|to| if to.to_string() == FIRST { None } else { "192.0.2.1".parse().ok() });
    rig.list(&[trunk()]);
    rig.dial(order(CallPurpose::Invitation));
    let invite = rig.last_request("INVITE");
    assert_eq!((rig.requests("INVITE").len(), rig.sent_to(&invite).as_str()), (1, SECOND));
    assert_eq!(invite.headers.via[0].host.to_string(), "192.0.2.1");
    assert_tells(&invite.headers, &invite.body, "192.0.2.1");
}

#[test]
fn a_call_of_ours_without_any_such_address_is_not_tried() {
    let mut rig = Rig::everywhere(|_| None);
    rig.list(&[trunk()]);
    rig.dial(order(CallPurpose::Invitation));
    assert!(rig.requests("INVITE").is_empty());
    assert_eq!(rig.progress(), [not_reached(NotReachedReason::TrunkFailed, None)]);
    assert_eq!((rig.metrics.calls.get(), rig.closed_lines()), (0, 1));
}
