// SPDX-License-Identifier: EUPL-1.2
//! Garbage in every kind of request, all the way into a room.

use std::time::{Duration, Instant};

use bus::{Answer, SfuEvent, TransportSid};
use livekit_protocol as proto;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Task, parse};
use crate::auth::grants::VideoGrants;
use crate::auth::room_token::{RoomTokenRequest, TokenKeys, mint};
use crate::auth::secret::ApiKey;
use crate::rooms::details::Details;
use crate::rooms::ids::Ids;
use crate::rooms::info::RoomSettings;
use crate::rooms::input::{Connection, Control, ControlId, Input, Now, SessionId};
use crate::rooms::output::{Notice, Output};
use crate::rooms::room::Room;
use crate::session::admission::Admitted;
use crate::session::{join, responses};

const SECONDS: RoomSettings = RoomSettings {
    empty_timeout: Duration::from_secs(300),
    departure_timeout: Duration::from_secs(20),
    max_participants: 0,
};

/// A message with noise for content, some of which is well-formed.
fn noise(random: &mut StdRng, depth: u32, names: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.random_range(0..6) {
        let tag = random.random_range(1..=24);
        match random.random_range(0..6) {
            0 => {
                encode_key(tag, WireType::Varint, &mut bytes);
                encode_varint(random.random::<u64>() >> random.random_range(0..64), &mut bytes);
            }
            1 if depth > 0 => put(tag, &noise(random, depth - 1, names), &mut bytes),
            2 if !names.is_empty() => put(tag, names[random.random_range(0..names.len())].as_bytes(), &mut bytes),
            3 => put(tag, &[0xff, 0xfe, 0x00][..random.random_range(0..=3)], &mut bytes),
            4 => put(tag, "x".repeat(random.random_range(0..2000)).as_bytes(), &mut bytes),
            _ => bytes.push(random.random()),
        }
    }
    bytes
}

fn put(tag: u32, content: &[u8], bytes: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

/// A room whose outputs all are written as messages, in both encodings.
struct Harness {
    room: Room,
    now: Now,
    names: Vec<String>,
    transports: Vec<TransportSid>,
    replies: usize,
}

impl Harness {
    fn handle(&mut self, input: Input) {
        self.now.instant += Duration::from_millis(20);
        self.room.handle(self.now, input);
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Notify { notice, .. } => self.write(notice),
                Output::Sfu(bus::SfuCommand::OpenTransport { transport, .. }) => self.transports.push(transport),
                Output::Offer { transport, offer, .. } => {
                    let answer = Answer { sdp: String::new(), tracks_by_mid: Vec::new() };
                    self.room.handle(self.now, Input::Answered { transport, offer, outcome: Ok(answer) });
                }
                Output::Reply { reply, .. } => {
                    assert!(reply.is_ok());
                    self.replies += 1;
                }
                _ => {}
            }
        }
    }

    fn write(&mut self, notice: Notice) {
        match &notice {
            Notice::Joined(joined) => self.names.push(joined.participant.sid.to_string()),
            Notice::TrackPublished { cid, track } => self.names.extend([cid.clone(), track.sid.to_string()]),
            _ => {}
        }
        let Some(message) = responses::message(notice) else { return };
        let response = proto::SignalResponse { message: Some(message) };
        assert!(!response.encode_to_vec().is_empty());
        serde_json::to_string(&response).expect("everything we write can be written as JSON");
    }

    /// Lets somebody in whose media is connected.
    fn join(&mut self, session: u64, identity: &str) {
        let keys = [ApiKey { key: "key".into(), secret: "secret".into() }];
        let request = RoomTokenRequest {
            room: "room".into(),
            identity: identity.into(),
            name: String::new(),
            admin: false,
            valid_for: Duration::from_secs(60),
            now: std::time::SystemTime::now(),
        };
        let token = mint("key", "secret", &request).expect("a token");
        let mut token = TokenKeys::new(&keys).expect("good keys").verify(&token).expect("a good token");
        token.grants = VideoGrants { can_update_own_metadata: Some(true), ..token.grants };
        let (join, details) = (proto::JoinRequest::default(), Details::default());
        let admitted = Admitted { token, join, details, connection: Connection::Client, caller: None };
        let join = join::request(SessionId(session), &admitted);
        self.handle(Input::Join(Box::new(join)));
        let transport = self.transports.last().expect("a transport").clone();
        self.handle(Input::Sfu(SfuEvent::Connected { transport }));
    }
}

#[test]
fn garbage_in_every_kind_of_request_hurts_nobody() {
    let mut random = StdRng::from_seed([9; 32]);
    let now = Now { instant: Instant::now(), unix: Duration::ZERO };
    let room = Room::new(now, "room".into(), SECONDS, String::new(), Ids::from_seed([3; 32]));
    let mut harness = Harness { room, now, names: vec!["ann".into(), "c".into()], transports: Vec::new(), replies: 0 };
    harness.join(0, "witness");
    harness.join(1, "ann");
    let (mut sent, mut session) = (0, 1);
    for _ in 0..50_000 {
        let mut bytes = Vec::new();
        put(random.random_range(1..=24), &noise(&mut random, 3, &harness.names), &mut bytes);
        let Ok(proto::SignalRequest { message: Some(message) }) = proto::SignalRequest::decode(&*bytes) else {
            continue;
        };
        if let (_, Task::Room(request)) = parse(message, Duration::ZERO) {
            sent += 1;
            harness.handle(Input::Request { session: SessionId(session), request });
        }
        if sent % 500 == 0 {
            // A request may have been a farewell.
            session += 1;
            harness.join(session, "ann");
        }
    }
    assert!(sent > 1000, "{sent}");
    harness.handle(Input::Control { id: ControlId(1), control: Control::GetParticipant("witness".into()) });
    assert_eq!(harness.replies, 1, "the witness is still there");
}
