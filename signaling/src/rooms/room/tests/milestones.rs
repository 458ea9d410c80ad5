// SPDX-License-Identifier: EUPL-1.2
//! What software outside hears of a room.

use super::*;

/// What was heard, with whom or what it is about.
fn heard(room: &mut Fixture) -> Vec<String> {
    let of = |who: &ParticipantInfo| who.profile.identity.to_string();
    let milestones = std::mem::take(&mut room.milestones);
    let describe = |milestone: &Milestone| match milestone {
        Milestone::Started => "started".to_owned(),
        Milestone::Joined(who) => format!("joined {}", of(who)),
        Milestone::Left(who) => format!("left {}", of(who)),
        Milestone::Aborted(who) => format!("aborted {}", of(who)),
        Milestone::Published { publisher, track } => format!("published {} {}", of(publisher), track.mid),
        Milestone::Unpublished { publisher, track } => format!("unpublished {} {}", of(publisher), track.mid),
        Milestone::Finished(reason) => format!("finished {}", reason.as_str()),
    };
    milestones.iter().map(describe).collect()
}

#[test]
fn it_hears_of_all_that_begins_and_ends_in_its_order() {
    let mut room = room();
    let ann = room.enter(joiner("ann")).expect("let in");
    assert_eq!(heard(&mut room), Vec::<String>::new(), "media do not flow yet");
    let connected = || Input::Sfu(SfuEvent::Connected { transport: ann.transport.clone() });
    room.handle(connected());
    room.handle(connected());
    let kept = room.add_track(&ann, microphone("m"));
    room.add_track(&ann, microphone("never"));
    let dropped = room.add_track(&ann, camera("c"));
    room.negotiate(&ann, 1, &[("1", &kept), ("2", &dropped)]);
    room.negotiate(&ann, 2, &[("1", &kept)]);
    assert_eq!(heard(&mut room), ["joined ann", "published ann 1", "published ann 2", "unpublished ann 2"]);
    room.request(&ann, Request::Leave(DisconnectReason::ClientInitiated));
    assert_eq!(heard(&mut room), ["unpublished ann 1", "left ann"]);
    room.pass(Duration::from_secs(20));
    assert_eq!(heard(&mut room), ["finished room_closed"]);
}

#[test]
fn it_hears_of_those_who_never_got_through() {
    let mut room = room();
    room.enter(joiner("ann")).expect("let in");
    room.pass(Duration::from_secs(60));
    assert_eq!(heard(&mut room), ["aborted ann"]);
    let bob = room.enter(joiner("bob")).expect("let in");
    room.handle(Input::TransportRefused { transport: bob.transport, is_full: true });
    assert_eq!(heard(&mut room), ["aborted bob"]);
}

#[test]
fn it_hears_of_those_too_whom_the_others_do_not_see() {
    let mut room = room();
    let ghost = room.join_as(joiner_with("ghost", r#"{"hidden":true}"#));
    assert_eq!(heard(&mut room), ["joined ghost"]);
    room.control(Control::RemoveParticipant("ghost".into())).expect("done");
    assert_eq!(heard(&mut room), ["left ghost"]);
    let _ = ghost;
}

#[test]
fn it_hears_everybody_leave_a_room_that_is_closed() {
    let mut room = room();
    room.join("ann");
    room.join("bob");
    room.milestones.clear();
    room.handle(Input::Close(DisconnectReason::RoomDeleted));
    let mut heard = heard(&mut room);
    assert_eq!(heard.pop().as_deref(), Some("finished room_deleted"));
    heard.sort();
    assert_eq!(heard, ["left ann", "left bob"]);
}
