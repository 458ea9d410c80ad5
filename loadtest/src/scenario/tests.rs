// SPDX-License-Identifier: EUPL-1.2
//! Who receives how much, and which loads a server cannot be put under.

use super::*;
use crate::interruption::Interruption;
use crate::progress::Progress;
use crate::signal::Server;

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

#[tokio::test]
async fn a_server_that_has_no_word_for_layers_is_not_even_asked() {
    let scenario = Scenario {
        name: "switch".to_owned(),
        description: String::new(),
        rooms: 1,
        groups: vec![group("a", 1, Vec::new(), Wanted::All)],
        joins_per_second: 1.0,
        settle: Duration::ZERO,
        measure: Duration::ZERO,
        event: Some(Event::SwitchLayers(Duration::from_secs(1))),
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for server in [Server::Janus { url: url.clone() }, Server::OfferPost { url: url.clone() }] {
        let setting =
            Setting { server, process: None, count_syscalls: false, metrics: None, threads: 1, coalesce: false };
        let (_, interruption) = Interruption::new();
        let Err(error) = run(&scenario, setting, &interruption, &Progress::new("switch")).await else {
            panic!("nobody could have switched")
        };
        assert!(error.to_string().contains("switch works only by LiveKit's protocol: give --server"), "{error:#}");
    }
    assert!(listener.accept().is_err(), "nobody came");
}
