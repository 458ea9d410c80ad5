// SPDX-License-Identifier: EUPL-1.2
//! Who receives how much.

use super::*;

fn group(name: &'static str, count: usize, publish: Vec<Content>, video: Wanted) -> Group {
    Group { name, count, publish, receive_audio: Wanted::All, receive_video: video }
}

#[test]
fn everybody_receives_all_others_or_what_is_visible() {
    let all = publishing(true, Camera::Single);
    let scenario = Scenario {
        name: "x".to_owned(),
        description: String::new(),
        rooms: 2,
        groups: vec![group("a", 25, all, Wanted::UpTo(9)), group("b", 3, Vec::new(), Wanted::None)],
        joins_per_second: 1.0,
        settle: Duration::ZERO,
        measure: Duration::ZERO,
        event: None,
    };
    let [a, b] = scenario.groups.as_slice() else { panic!("two groups") };
    assert_eq!((scenario.streams_of(a, Kind::Audio), scenario.streams_of(a, Kind::Video)), (24, 9));
    assert_eq!((scenario.streams_of(b, Kind::Audio), scenario.streams_of(b, Kind::Video)), (25, 0));
    assert_eq!(scenario.participants(), 56);
}
