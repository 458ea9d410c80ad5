// SPDX-License-Identifier: EUPL-1.2

//! The bridge for telephones in a process of its own: calls through it into a room, in which they hear each other, a process that
//! is killed, and who is not taken.

#[path = "linked_bridge/process.rs"]
mod process;
#[path = "linked_bridge/sound.rs"]
mod sound;
#[path = "linked_bridge/telephone.rs"]
mod telephone;

use nix::sys::signal::Signal;
use process::{Folder, Process};
use telephone::Telephone;

/// Frames of 20 ms in which a code is checked at the latest: answers are held back for up to two seconds.
const CHECKING_FRAMES: usize = 250;

/// Frames of two seconds: nothing is on its way for so long.
const UNTIL_SILENT: usize = 100;

#[test]
fn a_caller_comes_into_a_room_and_a_killed_bridge_takes_no_room_along() {
    let folder = Folder::new("linked-bridge");
    let node = Process::node(&folder);
    let bridge = Process::bridge(&folder, &node, "bridge.toml");
    bridge.wait_until(Process::is_attached);

    let (conference_id, pin) = node.meeting(&folder);
    let mut telephone = Telephone::call(bridge.sip());
    telephone.listen(1);
    telephone.press(&conference_id);
    telephone.press("#");
    telephone.listen(CHECKING_FRAMES);
    telephone.press(&pin);
    telephone.press("#");
    telephone.listen_until(|| node.metric("signaling_participants") == 1);
    assert_eq!((node.metric("sip_link_attached"), bridge.metric("sip_link_attached")), (1, 1));

    bridge.kill();
    node.wait_for("the link to the bridge for telephones is lost");
    node.wait_until(|node| node.metric("signaling_participants") == 0 && node.metric("sip_link_attached") == 0);
    assert_eq!(node.metric("signaling_rooms"), 1, "the room goes on without its caller");

    let bridge = Process::bridge(&folder, &node, "bridge.toml");
    bridge.wait_until(Process::is_attached);
    Telephone::call(bridge.sip()).listen(10);
}

#[test]
fn telephones_in_a_room_hear_each_other_and_not_themselves() {
    let folder = Folder::new("linked-sound");
    let node = Process::node(&folder);
    let bridge = Process::bridge(&folder, &node, "bridge.toml");
    bridge.wait_until(Process::is_attached);

    let (conference_id, pin) = node.meeting(&folder);
    let mut telephones = [(); 2].map(|()| Telephone::call(bridge.sip()));
    Telephone::all_listen(&mut telephones, 1);
    for code in [&conference_id, &pin] {
        for telephone in &mut telephones {
            telephone.press(code);
            telephone.press("#");
        }
        Telephone::all_listen(&mut telephones, CHECKING_FRAMES);
    }
    Telephone::all_listen_until(&mut telephones, |_| node.metric("signaling_participants") == 2);
    assert!(!telephones.iter().any(Telephone::has_heard_tone), "nobody has said anything yet");

    for (speaker, listener) in [(0, 1), (1, 0)] {
        for telephone in &mut telephones {
            telephone.forget_tone();
        }
        telephones[speaker].say(sound::words_and_tone());
        Telephone::all_listen_until(&mut telephones, |telephones| telephones[listener].has_heard_tone());
        telephones[speaker].say(Vec::new());
        // What is still on its way comes in that time.
        Telephone::all_listen(&mut telephones, UNTIL_SILENT);
        assert!(!telephones[speaker].has_heard_tone(), "{speaker} hears themselves");
    }
}

#[test]
fn a_bridge_that_does_not_know_the_secret_is_refused_and_both_say_so() {
    let folder = Folder::new("linked-stranger");
    let node = Process::node(&folder);
    let reason = Process::refused_bridge(&folder, &node, "stranger.toml");
    assert!(reason.contains("link.secret_file"), "{reason}");
    node.wait_for("a bridge for telephones was refused");
    assert_eq!(node.metric("sip_link_attached"), 0);
}

#[test]
fn without_a_node_calls_are_declined_and_the_bridge_is_not_ready() {
    let folder = Folder::new("linked-alone");
    let node = Process::node(&folder);
    let bridge = Process::bridge(&folder, &node, "bridge.toml");
    bridge.wait_until(Process::is_attached);
    node.kill();
    bridge.wait_for("the link to the node is lost, and its calls end");
    bridge.wait_until(|bridge| bridge.get("/health/ready").starts_with("HTTP/1.1 503 "));
    assert!(bridge.get("/health/live").starts_with("HTTP/1.1 200 "));
    let status = Telephone::refused(bridge.sip());
    assert!((400..600).contains(&status), "{status}");
}

#[test]
fn a_renewed_certificate_is_read_again_and_one_that_cannot_be_changes_nothing() {
    let folder = Folder::new("linked-certificate");
    folder.certify();
    let node = Process::node(&folder);
    let bridge = Process::bridge(&folder, &node, "tls.toml");
    folder.certify();
    bridge.signal(Signal::SIGHUP);
    bridge.wait_for("the certificate for telephones has been read again");
    folder.write("key.pem", "nonsense");
    bridge.signal(Signal::SIGHUP);
    bridge.wait_for("sip.certificate and sip.key cannot be read again; those before stay in use");
    bridge.wait_until(Process::is_attached);
}

#[test]
fn a_bridge_that_is_told_to_end_waits_for_its_calls_until_it_is_told_again() {
    let folder = Folder::new("linked-drain");
    let node = Process::node(&folder);
    let bridge = Process::bridge(&folder, &node, "patient.toml");
    bridge.wait_until(Process::is_attached);
    let mut telephone = Telephone::call(bridge.sip());
    telephone.listen(1);
    bridge.signal(Signal::SIGTERM);
    bridge.wait_for("no calls are taken any more; waiting for those that go on");
    assert!(bridge.get("/health/ready").starts_with("HTTP/1.1 503 "));
    bridge.wait_until(|bridge| Telephone::refused(bridge.sip()) == 503);
    telephone.listen(50);
    bridge.signal(Signal::SIGTERM);
    bridge.wait_for("stopped");
}

#[test]
fn a_node_takes_calls_or_a_bridge_and_not_both() {
    let folder = Folder::new("linked-both");
    let said = process::refused(&folder, &["serve", "--dev", "--config", "node.toml", "--sip", "127.0.0.1:5060"]);
    assert!(said.contains("link.listen (node.toml)") && said.contains("saal sip"), "{said}");
    let said = process::refused(&folder, &["sip", "--node", "127.0.0.1:9"]);
    assert!(said.contains("sip.listen: ") && said.contains("link.secret_file: "), "{said}");
}
