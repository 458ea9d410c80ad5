// SPDX-License-Identifier: EUPL-1.2
//! As which tenant has them prompts are played.

use std::time::Duration;

use bus::phone::{CallPurpose, CallTerms, PhoneNotice};

use super::callee;
use super::rig::{OFFER, Rig};
use crate::control::core::Output;
use crate::sound::SoundOrder;

/// The tenant of each prompt so far.
fn played(rig: &Rig) -> Vec<Option<&str>> {
    let plays = rig.outputs.iter().filter_map(|output| match output {
        Output::Sound { order: SoundOrder::Play { tenant, .. }, .. } => Some(tenant.as_deref()),
        _ => None,
    });
    plays.collect()
}

#[test]
fn a_caller_is_greeted_as_by_the_tenant_whose_number_they_called() {
    let mut rig = Rig::new(1);
    rig.invite("one", "Content-Type: application/sdp\r\n", OFFER);
    let call = rig.calls()[0];
    let tenant = Some("ministry-a".to_owned());
    let terms = CallTerms { languages: vec!["de".to_owned()], is_direct: false, tenant };
    rig.notice(call, PhoneNotice::Begun(terms));
    rig.in_dialog("ACK", "one", "", "");
    rig.run(Duration::from_secs(1));
    assert_eq!(played(&rig), [Some("ministry-a")]);
}

#[test]
fn the_meeting_says_whose_it_is_where_the_number_does_not() {
    let mut rig = Rig::new(1);
    let call = rig.answered("one");
    rig.run(Duration::from_secs(1));
    assert_eq!(played(&rig), [None], "the installation's own");
    rig.notice(call, PhoneNotice::Tenant("ministry-b".to_owned()));
    assert_eq!(played(&rig).len(), 1, "what is playing goes on");
    rig.notice(call, PhoneNotice::EndedByOperator);
    assert_eq!(played(&rig).last(), Some(&Some("ministry-b")));
}

#[test]
fn whom_we_call_hears_the_tenant_in_whose_name_that_is() {
    let (rig, _) = callee::answered(CallPurpose::Invitation);
    assert_eq!(played(&rig), [Some("ministry-a")]);
}
