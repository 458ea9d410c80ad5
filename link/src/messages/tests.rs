// SPDX-License-Identifier: EUPL-1.2
//! Every message of the bus comes over as it is, and nothing else is taken for one.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bus::phone::{
    Again, By, CallPurpose, CallTerms, CheckToken, Credentials, Decline, Destination, DestinationState, DialProgress,
    Digits, MeetingEvent, NotReached, NotReachedReason, Recording, RegistrationState, RoomStatus, TrunkConfig,
    TrunkDestination, TrunkRegistration, TrunkState, TrunkTransport, Verdict, WaitReason,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sfu_media::ids::{ShardId, SpeakerGroup, TransportId};
use zeroize::Zeroizing;

use super::*;

fn written<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).unwrap()
}

/// Reading gives what writes itself alike, and shows itself alike.
fn comes_over<T: Serialize + DeserializeOwned + Debug>(message: &T) -> T {
    let bytes = written(message);
    let read: T = read(&bytes).unwrap();
    assert_eq!((written(&read), format!("{read:?}")), (bytes, format!("{message:?}")));
    read
}

fn digits(text: &str) -> Digits {
    let mut digits = Digits::new();
    text.chars().for_each(|digit| digits.push(digit));
    digits
}

fn requests() -> Vec<PhoneRequest> {
    let check = CheckToken(7);
    let not_reached = NotReached { reason: NotReachedReason::Busy, status: Some(486) };
    vec![
        PhoneRequest::CheckRoom { check },
        PhoneRequest::CheckId { check, digits: digits("0123456789") },
        PhoneRequest::CheckPin { check, digits: Some(digits("42")) },
        PhoneRequest::CheckPin { check, digits: None },
        PhoneRequest::SoundIsAt { bridge: 1 },
        PhoneRequest::Join,
        PhoneRequest::SetMuted(true),
        PhoneRequest::SetHand(false),
        PhoneRequest::SetHold(true),
        PhoneRequest::AskCount,
        PhoneRequest::Consent(true),
        PhoneRequest::Progress(DialProgress::Answered { bridge: 1 }),
        PhoneRequest::Progress(DialProgress::NotReached(not_reached)),
        PhoneRequest::TransferEnded(Ok(())),
        PhoneRequest::TransferEnded(Err(Some(603))),
        PhoneRequest::TransferEnded(Err(None)),
    ]
}

fn notices() -> Vec<PhoneNotice> {
    let status =
        RoomStatus { count: 3, is_muted: true, may_unmute: false, recording: Some(Recording { asks_consent: true }) };
    let verdict = |verdict| PhoneNotice::Verdict { check: CheckToken(1), verdict };
    vec![
        PhoneNotice::Begun(CallTerms {
            languages: vec!["de".to_owned(), "en".to_owned()],
            is_direct: true,
            tenant: Some("town".to_owned()),
        }),
        PhoneNotice::Declined(Decline::Blocked(Duration::from_millis(1_500))),
        PhoneNotice::RoomIsAt { bridge: 1 },
        verdict(Verdict::Wrong(Again::Pin)),
        verdict(Verdict::AskPin { may_skip: true }),
        verdict(Verdict::Admitted),
        verdict(Verdict::Wait(WaitReason::BeforeStart { starts_in: Some(Duration::MAX) })),
        verdict(Verdict::Wait(WaitReason::Lobby { position: Some(1) })),
        verdict(Verdict::Refused(bus::phone::Refusal::TooManyTries)),
        PhoneNotice::Event(MeetingEvent::Arrived(status)),
        PhoneNotice::Connected { leg: "TP_1".into() },
        PhoneNotice::Event(MeetingEvent::MicrophoneOff(By::Host)),
        PhoneNotice::Event(MeetingEvent::Moved(Destination::OtherRoom, status)),
        PhoneNotice::Event(MeetingEvent::TimeUp),
        PhoneNotice::Count(12),
        PhoneNotice::GiveUp,
        PhoneNotice::Transfer { to: "+49891234".to_owned() },
        PhoneNotice::EndedByOperator,
        PhoneNotice::Failed,
    ]
}

fn trunk(password: &str) -> TrunkConfig {
    let credentials = Credentials { username: "u".to_owned(), password: Arc::new(Zeroizing::new(password.to_owned())) };
    TrunkConfig {
        id: "trk_1".to_owned(),
        networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        caller_credentials: Some(credentials.clone()),
        vouches_for_callers: true,
        destinations: vec![TrunkDestination {
            host: "sip.example.org".to_owned(),
            port: Some(5061),
            transport: TrunkTransport::Tls,
        }],
        credentials: Some(credentials),
        registration: Some(TrunkRegistration {
            domain: "example.org".to_owned(),
            user: "u".to_owned(),
            expires: Duration::from_secs(600),
        }),
        keep_alive: None,
        max_calls: Some(30),
    }
}

fn incoming() -> IncomingCall {
    IncomingCall {
        bridge: 0,
        trunk: "trk_1".to_owned(),
        peer: "2001:db8::1".parse().unwrap(),
        called: "+4989".to_owned(),
        caller: None,
        is_withheld: true,
        call_id: "a@b".to_owned(),
    }
}

fn outgoing() -> OutgoingCall {
    OutgoingCall {
        trunk: "trk_1".to_owned(),
        to: "+4989".to_owned(),
        from: Some("100".to_owned()),
        tenant: None,
        language: "de".to_owned(),
        purpose: CallPurpose::Invitation,
        ring_time: Duration::from_secs(45),
    }
}

fn orders() -> Vec<Order> {
    let (leg, track) = (TransportId(u64::MAX), TrackId(2));
    vec![
        Order::Ended(track),
        Order::Command(BridgeCommand::OpenLeg { leg, sid: "TP_1".into(), room: "RM_1".into() }),
        Order::Command(BridgeCommand::CloseLeg { leg }),
        Order::Command(BridgeCommand::Publish {
            leg,
            track,
            sid: "TR_2".into(),
            group: SpeakerGroup(3),
            is_muted: true,
        }),
        Order::Command(BridgeCommand::Mute { track, is_muted: false }),
        Order::Command(BridgeCommand::Unpublish { track }),
        Order::Command(BridgeCommand::Hear { leg, track, sid: "TR_2".into(), home: ShardId(4) }),
        Order::Command(BridgeCommand::StopHearing { leg, track }),
    ]
}

#[test]
fn each_message_comes_over_as_it_is() {
    let line = LineId(u64::MAX);
    comes_over(&ToNode::OpenLine { line, call: incoming() });
    for request in requests() {
        comes_over(&ToNode::Request { line, request });
    }
    for notice in notices() {
        comes_over(&ToBridge::Notice { line, notice });
    }
    comes_over(&ToBridge::Dial { line, call: outgoing() });
    comes_over(&ToNode::CloseLine { line });
    comes_over(&ToBridge::CloseLine { line });
    for order in orders() {
        assert_eq!(comes_over(&order), order);
    }
}

#[test]
fn trunks_come_over_with_their_passwords_which_do_not_show() {
    let list = TrunkList::from([trunk("sesame")]);
    let ToBridge::Trunks(read) = comes_over(&ToBridge::Trunks(list.clone())) else { panic!("another message") };
    assert!(read == list && !format!("{read:?}").contains("sesame"));
    let state = TrunkState {
        registration: Some(RegistrationState::Failed { status: Some(403) }),
        destinations: vec![DestinationState::Unknown, DestinationState::NotFound],
        calls: 3,
    };
    comes_over(&ToNode::TrunkStates(Arc::new(BTreeMap::from([("trk_1".to_owned(), state)]))));
}

#[test]
fn digits_come_over_and_nothing_else_is_taken_for_digits() {
    let request = PhoneRequest::CheckId { check: CheckToken(1), digits: digits("0815") };
    let PhoneRequest::CheckId { digits, .. } = comes_over(&request) else { panic!("another request") };
    assert_eq!(digits.as_str(), "0815");
    for text in ["12a4", "1 2", "-1", &"9".repeat(Digits::CAPACITY + 1)] {
        let error = serde_json::from_slice::<Digits>(&written(&text)).unwrap_err().to_string();
        assert!(!error.contains(text), "{error}");
    }
}

#[test]
fn damaged_messages_are_refused_or_read_and_never_more() {
    let mut rng = StdRng::seed_from_u64(4);
    let line = LineId(2);
    let mut samples: Vec<Vec<u8>> = Vec::new();
    samples.extend(requests().into_iter().map(|request| written(&ToNode::Request { line, request })));
    samples.extend(notices().into_iter().map(|notice| written(&ToBridge::Notice { line, notice })));
    samples.extend(orders().iter().map(written));
    samples.push(written(&ToBridge::Trunks(TrunkList::from([trunk("sesame")]))));
    samples.push(written(&ToNode::OpenLine { line, call: incoming() }));
    samples.push(written(&ToBridge::Dial { line, call: outgoing() }));
    let mut refused = 0;
    for _ in 0..50_000 {
        let mut bytes = samples[rng.random_range(0..samples.len())].clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..bytes.len());
            match rng.random_range(0..3) {
                0 => bytes[at] = rng.random(),
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, rng.random()),
            }
        }
        let read = [
            read::<ToNode>(&bytes).is_ok(),
            read::<ToBridge>(&bytes).is_ok(),
            read::<Order>(&bytes).is_ok(),
            read::<Greeting>(&bytes).is_ok(),
        ];
        assert!(read.iter().filter(|read| **read).count() <= 2);
        refused += u32::from(read == [false; 4]);
    }
    assert!(refused > 25_000, "{refused}");
    // As deep as a frame can be.
    assert!(super::read::<ToNode>(&vec![b'['; 4 * 1_024 * 1_024]).is_err());
}
