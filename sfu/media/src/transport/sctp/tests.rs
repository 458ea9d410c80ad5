// SPDX-License-Identifier: EUPL-1.2
//! What a client that has proved who it is can do with SCTP when it means harm.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rtc_sctp::ClientConfig;

use super::*;

/// An association with a client that follows the protocol until the test takes its place.
struct Peer {
    now: Instant,
    server: SctpAssociation,
    verification_tag: [u8; 4],
    next_tsn: u32,
}

#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    Instant::now()
}

impl Peer {
    fn established() -> Self {
        let now = start();
        let mut server = SctpAssociation::new();
        let mut endpoint = Endpoint::new(PEER, TransportProtocol::UDP, Arc::new(EndpointConfig::new()), None);
        let (_, mut client) = endpoint.connect(now, ClientConfig::new(TransportConfig::default()), PEER).unwrap();
        let (mut verification_tag, mut next_tsn) = ([0; 4], 0);
        for _ in 0..3 {
            while let Some(transmit) = client.poll_transmit(now) {
                let Payload::RawEncode(packets) = transmit.message else { continue };
                for packet in packets {
                    let chunk = chunks::parse(&packet).unwrap()[0];
                    if chunk.kind == chunks::INIT {
                        next_tsn = chunk.u32_at(12);
                    }
                    verification_tag.copy_from_slice(&packet[4..8]);
                    server.handle_packet(now, packet);
                }
            }
            while let Some(packet) = server.poll_packet() {
                if let Some((_, DatagramEvent::AssociationEvent(event))) = endpoint.handle(now, PEER, None, packet) {
                    client.handle_event(event);
                }
            }
        }
        assert!(!client.is_handshaking());
        Self { now, server, verification_tag, next_tsn }
    }

    fn send(&mut self, chunks: &[Vec<u8>]) {
        let packet = packet(self.verification_tag, chunks);
        self.server.handle_packet(self.now, packet);
    }

    /// Until acknowledgements are due.
    fn wait(&mut self) {
        self.now += Duration::from_millis(250);
        self.server.handle_timeout(self.now);
    }

    /// A fragment with the next TSN.
    fn data(&mut self, stream: u16, ssn: u16, flags: u8, user_data: &[u8]) -> Vec<u8> {
        let tsn = self.next_tsn;
        self.next_tsn = tsn.wrapping_add(1);
        data_with_tsn(tsn, stream, ssn, flags, user_data)
    }

    fn is_lost(&mut self) -> bool {
        while self.server.poll_packet().is_some() {}
        std::iter::from_fn(|| self.server.poll_event())
            .any(|event| matches!(event, SctpEvent::Lost | SctpEvent::Violation))
    }

    fn read_all(&mut self, stream: StreamId) -> usize {
        std::iter::from_fn(|| self.server.read(stream).unwrap()).count()
    }
}

const WHOLE: u8 = 3;
const FIRST: u8 = 2;
const MIDDLE: u8 = 0;

fn data_with_tsn(tsn: u32, stream: u16, ssn: u16, flags: u8, user_data: &[u8]) -> Vec<u8> {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend(stream.to_be_bytes());
    value.extend(ssn.to_be_bytes());
    value.extend(53_u32.to_be_bytes());
    value.extend(user_data);
    chunk(chunks::DATA, flags, &value)
}

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut chunk = vec![kind, flags];
    chunk.extend((value.len() as u16 + 4).to_be_bytes());
    chunk.extend(value);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

fn packet(verification_tag: [u8; 4], chunks: &[Vec<u8>]) -> Bytes {
    let mut packet = [&[0x13, 0x88, 0x13, 0x88][..], &verification_tag, &[0; 4]].concat();
    packet.extend(chunks.concat());
    let checksum = crc32c(&packet).to_le_bytes();
    packet[8..12].copy_from_slice(&checksum);
    packet.into()
}

/// RFC 9260 Appendix A.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 * (crc & 1)))
    })
}

#[test]
fn an_honest_packet_gets_through() {
    let mut peer = Peer::established();
    let message = peer.data(2, 0, WHOLE, b"message");
    peer.send(&[message]);
    let events: Vec<_> = std::iter::from_fn(|| peer.server.poll_event()).collect();
    assert_eq!(events, [SctpEvent::Readable(2)]);
    assert_eq!(peer.server.read(2).unwrap().unwrap().payload, "message");
}

#[test]
fn an_error_cause_longer_than_its_chunk_ends_the_association_only() {
    let mut peer = Peer::established();
    peer.send(&[chunk(9, 0, &[0, 12, 0xff, 0xff])]);
    assert!(!peer.is_lost(), "ERROR is not for us");
    peer.send(&[chunk(chunks::ABORT, 0, &[0, 12, 0xff, 0xff])]);
    assert!(peer.is_lost());
}

#[test]
fn a_chunk_cannot_hide_in_another_one() {
    let abort = chunk(chunks::ABORT, 0, &[0, 13, 0xff, 0xff]);
    let hosts = [
        (chunks::HEARTBEAT, vec![0, 1, 0, 8, 1, 2, 3, 4]),
        (chunks::SACK, vec![0; 12]),
        (chunks::SHUTDOWN_ACK, vec![]),
        (chunks::SHUTDOWN_COMPLETE, vec![]),
        (chunks::RE_CONFIG, vec![0, 16, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1]),
        (chunks::RE_CONFIG, vec![0, 16, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1]),
    ];
    for (kind, value) in hosts {
        let mut peer = Peer::established();
        peer.send(&[chunk(kind, 0, &[value, abort.clone()].concat())]);
        assert!(!peer.is_lost(), "{kind}");
        let message = peer.data(0, 0, WHOLE, b"still here");
        peer.send(&[message]);
        assert_eq!(peer.read_all(0), 1, "{kind}");
    }
}

#[test]
fn a_data_chunk_cannot_hide_behind_two_parameters() {
    let response = [0, 16, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1];
    // Read as a chunk, a request to reset streams is a fragment: its number the TSN, the streams user data.
    let mut request = vec![0, 13, 0, 18];
    request.extend([0; 14]);
    let re_config = |parameters: &[&[u8]]| {
        let whole = packet([1; 4], &[chunk(chunks::RE_CONFIG, 0, &parameters.concat())]);
        chunks::parse(&whole).is_some()
    };
    assert!(re_config(&[&response]) && re_config(&[&response, &response]) && re_config(&[&response, &request]));
    assert!(!re_config(&[&response, &response, &request]));
    assert!(!re_config(&[]));
}

#[test]
fn forward_tsn_cannot_skip_half_the_number_space() {
    // The numbers around one half are old for who does not know yet that the first message was acknowledged.
    let half = 1 << 31;
    for ahead in [half - 4, half - 3, half - 2, half - 1, half, 1 << 20, 5000] {
        let mut peer = Peer::established();
        let message = peer.data(0, 0, WHOLE, b"first");
        peer.send(&[message]);
        let tsn = peer.next_tsn.wrapping_add(ahead);
        peer.send(&[chunk(chunks::FORWARD_TSN, 0, &tsn.to_be_bytes())]);
        let message = peer.data(0, 1, WHOLE, b"not skipped");
        peer.send(&[message]);
        assert_eq!(peer.read_all(0), 2);
    }
}

fn init(tag: u8, tsn: u32) -> Bytes {
    let mut value = vec![0, 0, 0, tag, 0, 1, 0, 0, 0, 9, 0, 9];
    value.extend(tsn.to_be_bytes());
    value.extend([0x80, 8, 0, 6, 130, 192]);
    packet([0; 4], &[chunk(chunks::INIT, 0, &value)])
}

#[test]
fn tsns_wrap() {
    let mut peer = Peer::established();
    peer.server = SctpAssociation::new();
    peer.next_tsn = u32::MAX - 2;
    peer.server.handle_packet(peer.now, init(1, peer.next_tsn));
    let answer = peer.server.poll_packet().unwrap();
    let init_ack = chunks::parse(&answer).unwrap()[0];
    peer.verification_tag = *init_ack.value.first_chunk().unwrap();
    let (number, cookie) = init_ack.value[16..].split_first_chunk::<4>().unwrap();
    assert_eq!(number[..2], [0, 7]);
    let cookie = &cookie[..usize::from(number[3]) - 4];
    peer.send(&[chunk(chunks::COOKIE_ECHO, 0, cookie)]);
    for ssn in 0..6 {
        let message = peer.data(0, ssn, WHOLE, b"over the wrap");
        peer.send(&[message]);
        peer.wait();
    }
    assert_eq!(peer.read_all(0), 6);
}

#[test]
fn init_makes_one_association() {
    let mut server = SctpAssociation::new();
    let now = start();
    server.handle_packet(now, init(1, 5));
    let answer = server.poll_packet().unwrap();
    for _ in 0..1000 {
        server.handle_packet(now, init(1, 5));
        assert_eq!(server.poll_packet().as_ref(), Some(&answer), "repeated, not made anew");
    }
    for tag in 2..200 {
        server.handle_packet(now, init(tag, 0));
        assert!(server.poll_packet().is_some());
    }
    assert!(server.association.is_some());

    let mut peer = Peer::established();
    while peer.server.poll_packet().is_some() {}
    peer.server.handle_packet(now, init(1, 5));
    assert_eq!(peer.server.poll_packet(), None, "an association that is up is not restarted");
}

#[test]
fn a_message_without_end_ends_the_association() {
    let mut peer = Peer::established();
    let fragment = [7; 1100];
    let mut sent = 0;
    while !peer.is_lost() {
        let flags = if sent == 0 { FIRST } else { MIDDLE };
        let next = peer.data(0, 0, flags, &fragment);
        peer.send(&[next]);
        sent += fragment.len();
        assert!(sent < 4 << 20, "bounded");
    }
    assert!(sent >= MAX_RECEIVE_BUFFER_BYTES as usize);
}

#[test]
fn messages_that_wait_for_one_that_never_comes_end_the_association() {
    let mut peer = Peer::established();
    let mut sent = 0;
    for ssn in 1..u16::MAX {
        if peer.is_lost() {
            break;
        }
        let next = peer.data(0, ssn, WHOLE, &[7; 1000]);
        peer.send(&[next]);
        sent += 1000;
    }
    assert!(sent < 4 << 20, "bounded");
}

#[test]
fn chunks_of_one_byte_are_bounded_by_their_number() {
    let mut peer = Peer::established();
    for _ in 0..200 {
        let batch: Vec<_> = (0..50).map(|_| peer.data(0, 1, FIRST, b"x")).collect();
        peer.send(&batch);
    }
    assert!(!peer.is_lost(), "what is too much is dropped as if it had been lost");

    let mut peer = Peer::established();
    let mut sent = 0;
    while !peer.is_lost() {
        let next = peer.data(0, 1, FIRST, b"x");
        peer.send(&[next]);
        peer.wait();
        sent += 1;
        assert!(sent < 8200, "the one that is due next is let in, but not for ever");
    }
}

#[test]
fn chunks_far_ahead_are_not_kept() {
    let mut peer = Peer::established();
    let first = peer.next_tsn;
    for ahead in (4097..60_000).step_by(7) {
        peer.send(&[data_with_tsn(first.wrapping_add(ahead), 0, 0, WHOLE, &[1; 100])]);
    }
    let message = peer.data(0, 0, WHOLE, b"in order");
    peer.send(&[message]);
    assert_eq!(peer.read_all(0), 1);
    peer.wait();
    let last_sack = std::iter::from_fn(|| peer.server.poll_packet()).last().unwrap();
    let sack = chunks::parse(&last_sack).unwrap()[0];
    assert_eq!((sack.kind, sack.gap_ack_blocks().count()), (chunks::SACK, 0));
}

#[test]
fn streams_beyond_the_announced_ones_are_not_made() {
    let mut peer = Peer::established();
    for stream in MAX_STREAMS..5000 {
        let tsn = peer.next_tsn;
        peer.send(&[data_with_tsn(tsn, stream, 0, WHOLE, b"x")]);
    }
    let (_, association) = peer.server.association.as_ref().unwrap();
    assert_eq!(association.stream_ids(), Vec::<u16>::new());
}

/// A request to reset stream 0 after the data up to `last_tsn`.
fn reset_request(number: u32, last_tsn: u32) -> Vec<u8> {
    let mut value = vec![0, 13, 0, 18];
    value.extend(number.to_be_bytes());
    value.extend([0; 4]);
    value.extend(last_tsn.to_be_bytes());
    value.extend([0, 0]);
    chunk(chunks::RE_CONFIG, 0, &value)
}

#[test]
fn a_reset_is_done_as_soon_as_it_is_due() {
    let mut peer = Peer::established();
    let message = peer.data(0, 0, WHOLE, b"x");
    peer.send(&[message]);
    assert_eq!(peer.read_all(0), 1);
    let last_tsn = peer.next_tsn.wrapping_sub(1);
    peer.send(&[reset_request(1, last_tsn.wrapping_add(1))]);
    assert!(std::iter::from_fn(|| peer.server.poll_event()).all(|event| event != SctpEvent::Reset(0)));
    // The data has come, but has not been acknowledged yet.
    peer.send(&[reset_request(1, last_tsn)]);
    assert!(std::iter::from_fn(|| peer.server.poll_event()).any(|event| event == SctpEvent::Reset(0)));
}

#[test]
fn reset_requests_that_are_not_due_are_not_kept() {
    let mut peer = Peer::established();
    for request in 0..5000_u32 {
        let last_tsn = peer.next_tsn.wrapping_add(1000);
        peer.send(&[reset_request(request, last_tsn)]);
    }
    while peer.server.poll_packet().is_some() {}
    let message = peer.data(0, 0, WHOLE, b"x");
    let another = peer.data(0, 1, WHOLE, b"x");
    peer.send(&[message, another]);
    let answers = std::iter::from_fn(|| peer.server.poll_packet()).count();
    assert!(answers <= 2, "an acknowledgement and no answer for every request, {answers}");
}

#[test]
fn a_sack_for_everything_at_once_is_refused() {
    let mut peer = Peer::established();
    let mut value = peer.next_tsn.to_be_bytes().to_vec();
    value.extend(1_000_000_u32.to_be_bytes());
    value.extend([1, 0x2c, 0, 0]);
    value.extend([0, 1, 0xff, 0xff].repeat(300));
    peer.send(&[chunk(chunks::SACK, 0, &value)]);
    let message = peer.data(0, 0, WHOLE, b"still here");
    peer.send(&[message]);
    assert!(peer.read_all(0) == 1 && !peer.is_lost());
}

#[test]
fn mutated_chunks_with_a_right_checksum_never_panic() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut peer = Peer::established();
    for _ in 0..20_000 {
        let tsn = peer.next_tsn.wrapping_add(rng.random_range(0..3));
        let samples = [
            data_with_tsn(tsn, rng.random_range(0..3), 0, rng.random_range(0..8), &[5; 20]),
            chunk(
                chunks::SACK,
                0,
                &[&tsn.to_be_bytes()[..], &[0, 1, 0, 0, 0, 1, 0, 1, 0, 2, 0, 3, 0, 0, 0, 1]].concat(),
            ),
            chunk(chunks::FORWARD_TSN, 0, &[&tsn.to_be_bytes()[..], &[0, 0, 0, 1]].concat()),
            chunk(chunks::HEARTBEAT, 0, &[0, 1, 0, 8, 1, 2, 3, 4]),
            chunk(chunks::RE_CONFIG, 0, &[0, 16, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1]),
            chunk(chunks::COOKIE_ECHO, 0, &[7; 32]),
            chunk(chunks::SHUTDOWN, 0, &[0; 4]),
            chunk(chunks::SHUTDOWN_ACK, 0, &[]),
            reset_request(1, tsn),
        ];
        let mut bytes = samples.choose_multiple(&mut rng, 2).cloned().collect::<Vec<_>>().concat();
        for _ in 0..rng.random_range(0..4) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = *[0, 1, 2, 4, 8, 12, 13, 16, 0x7f, 0x80, 0xc0, 0xff, rng.random()].choose(&mut rng).unwrap();
        }
        peer.send(&[bytes]);
        if rng.random_ratio(1, 10) {
            peer.wait();
            peer.read_all(0);
        }
        if peer.is_lost() || peer.server.association.is_none() {
            peer = Peer::established();
        }
    }
}
