// SPDX-License-Identifier: EUPL-1.2
//! Data channels between the transport and a client that uses `rtc-sctp`.

use std::time::Duration;

use bytes::Bytes;
use rtc_sctp::PayloadProtocolIdentifier as Protocol;

use super::call::{Call, Direction};
use super::client::AS_BROWSERS;
use crate::shard::message::{DataChannel, TransportFailure};
use crate::transport::negotiation::MAX_DATA_MESSAGE_BYTES;
use crate::transport::{SendDataError, TransportEvent};

const RELIABLE_STREAM: u16 = 0;
const LOSSY_STREAM: u16 = 2;
const KIB: usize = 1024;

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|byte| (byte % 251) as u8).collect()
}

#[test]
fn messages_of_any_size_pass_both_ways() {
    let mut call = Call::with_data();
    for (channel, stream) in [(DataChannel::Reliable, RELIABLE_STREAM), (DataChannel::Lossy, LOSSY_STREAM)] {
        for len in [1, 1200, 60_000] {
            call.transport.send_data(call.now, channel, &payload(len)).unwrap();
            call.client.send(call.now, stream, Protocol::Binary, &payload(len));
            call.run(Duration::from_secs(1));
            assert_eq!(call.client.received, [(stream, Protocol::Binary, payload(len).into())]);
            assert_eq!(call.take_messages(), [(channel, Bytes::from(payload(len)))]);
            call.client.received.clear();
            call.transport.data_taken(call.now, len);
        }
    }
}

#[test]
fn text_is_a_message_too_and_an_empty_message_arrives_empty() {
    let mut call = Call::with_data();
    call.client.send(call.now, RELIABLE_STREAM, Protocol::String, b"text");
    call.client.send(call.now, RELIABLE_STREAM, Protocol::BinaryEmpty, &[0]);
    call.transport.send_data(call.now, DataChannel::Reliable, b"").unwrap();
    call.run(Duration::from_secs(1));
    assert_eq!(call.take_messages(), [(DataChannel::Reliable, Bytes::from_static(b"text"))]);
    assert_eq!(call.client.received, [(RELIABLE_STREAM, Protocol::BinaryEmpty, Bytes::from_static(&[0]))]);
}

#[test]
fn reliable_messages_wait_for_their_channel_and_lossy_ones_do_not() {
    let mut call = Call::connected(AS_BROWSERS);
    call.transport.send_data(call.now, DataChannel::Reliable, b"early").unwrap();
    let lossy = call.transport.send_data(call.now, DataChannel::Lossy, b"early");
    assert_eq!((lossy, call.transport.stats().data_dropped), (Err(SendDataError::Dropped), 1));
    call.client.start_data(call.now);
    call.run(Duration::from_secs(1));
    call.client.open_channel(call.now, LOSSY_STREAM, "_lossy", 0x81, 0);
    call.client.open_channel(call.now, RELIABLE_STREAM, "_reliable", 0, 0);
    call.run(Duration::from_secs(1));
    let early = call.client.received.iter().filter(|(_, protocol, _)| *protocol == Protocol::Binary);
    assert_eq!(early.map(|(stream, ..)| *stream).collect::<Vec<_>>(), [RELIABLE_STREAM]);
}

#[test]
fn reliable_messages_survive_loss_in_their_order() {
    let mut call = Call::with_data();
    call.link = Box::new(|_, number, _| number % 4 != 1);
    for number in 0..200_u32 {
        call.transport.send_data(call.now, DataChannel::Reliable, &number.to_be_bytes()).unwrap();
        call.client.send(call.now, RELIABLE_STREAM, Protocol::Binary, &number.to_be_bytes());
        call.run(Duration::from_millis(20));
    }
    call.run(Duration::from_secs(60));
    let numbers: Vec<_> = (0..200_u32).map(|number| number.to_be_bytes()).collect();
    assert!(call.take_messages().iter().map(|(_, payload)| &payload[..]).eq(&numbers));
    assert!(call.client.received.iter().map(|(.., payload)| &payload[..]).eq(&numbers));
}

#[test]
fn a_lossy_channel_drops_what_does_not_fit() {
    let mut call = Call::with_data();
    let results: Vec<_> =
        (0..70).map(|_| call.transport.send_data(call.now, DataChannel::Lossy, &payload(KIB))).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 64);
    assert_eq!(call.transport.stats().data_dropped, 6);
    call.run(Duration::from_secs(2));
    call.transport.send_data(call.now, DataChannel::Lossy, b"room again").unwrap();
    call.run(Duration::from_secs(1));
    assert_eq!(call.client.received.len(), 65);
}

#[test]
fn a_lossy_message_that_is_lost_stays_lost() {
    let mut call = Call::with_data();
    call.link = Box::new(|direction, _, _| direction != Direction::ToClient);
    call.transport.send_data(call.now, DataChannel::Lossy, b"lost").unwrap();
    call.run(Duration::from_millis(50));
    call.link = Box::new(|_, _, _| true);
    call.transport.send_data(call.now, DataChannel::Lossy, b"found").unwrap();
    call.run(Duration::from_secs(20));
    assert_eq!(call.client.received.iter().map(|(.., payload)| &payload[..]).collect::<Vec<_>>(), [b"found"]);
}

#[test]
fn a_client_that_does_not_read_misses_messages_and_keeps_its_call() {
    let mut call = Call::with_data();
    call.client.reads = false;
    let mut sent = 0;
    while call.transport.send_data(call.now, DataChannel::Reliable, &payload(32 * KIB)).is_ok() {
        sent += 32 * KIB;
        call.run(Duration::from_millis(100));
        assert!(sent <= 6 * 1024 * KIB, "the receive window of the client and our queue are full");
    }
    assert!(sent >= 4 * 1024 * KIB);
    let full = call.transport.send_data(call.now, DataChannel::Reliable, &payload(32 * KIB));
    assert_eq!((full, call.transport.stats().data_dropped), (Err(SendDataError::Dropped), 2));
    call.client.reads = true;
    call.run(Duration::from_secs(30));
    assert_eq!(call.client.received.len(), sent / (32 * KIB), "what was taken arrives");
    call.transport.send_data(call.now, DataChannel::Reliable, b"room again").unwrap();
    call.run(Duration::from_secs(1));
    assert_eq!(call.client.received.last().map(|(.., payload)| &payload[..]), Some(&b"room again"[..]));
    assert_eq!(call.failure(), None);
}

/// What waits in SCTP for a channel stays there when the client closes the channel or opens another one of its name.
#[test]
fn a_client_that_does_not_read_gains_nothing_by_opening_channels() {
    for closes in [false, true] {
        let mut call = Call::with_data();
        call.client.reads = false;
        let (mut sent, mut stream) = (0, RELIABLE_STREAM);
        while call.transport.send_data(call.now, DataChannel::Reliable, &payload(32 * KIB)).is_ok() {
            sent += 32 * KIB;
            call.run(Duration::from_millis(100));
            assert!(sent <= 7 * 1024 * KIB, "sent {sent}, closes {closes}");
            if sent % (2 * 1024 * KIB) == 0 {
                if closes {
                    call.client.close_channel(call.now, stream);
                    call.run(Duration::from_secs(2));
                }
                stream += 4;
                call.client.open_channel(call.now, stream, "_reliable", 0, 0);
                call.run(Duration::from_secs(2));
            }
        }
        assert_eq!(call.failure(), None, "its media goes on");
    }
}

#[test]
fn tiny_messages_cannot_hide_behind_their_size() {
    let mut call = Call::with_data();
    call.client.reads = false;
    call.link = Box::new(|direction, _, _| direction != Direction::ToServer);
    let sent = (0..20_000).take_while(|_| call.transport.send_data(call.now, DataChannel::Reliable, b"x").is_ok());
    assert_eq!(sent.count(), 16_384);
}

#[test]
fn messages_that_are_too_long_are_refused_in_both_directions() {
    let mut call = Call::with_data();
    let too_long = payload(64 * KIB + 1);
    assert_eq!(call.transport.send_data(call.now, DataChannel::Reliable, &too_long), Err(SendDataError::TooLong));
    call.client.send(call.now, RELIABLE_STREAM, Protocol::Binary, &payload(MAX_DATA_MESSAGE_BYTES));
    call.run(Duration::from_secs(5));
    assert_eq!(call.take_messages().len(), 1);
    call.transport.data_taken(call.now, MAX_DATA_MESSAGE_BYTES);
    call.client.send(call.now, RELIABLE_STREAM, Protocol::Binary, &payload(MAX_DATA_MESSAGE_BYTES + 1));
    call.run(Duration::from_secs(5));
    assert_eq!(call.failure(), Some(TransportFailure::ProtocolViolation));
}

#[test]
fn a_client_waits_while_its_messages_are_not_taken() {
    let mut call = Call::with_data();
    for _ in 0..64 {
        call.client.send(call.now, RELIABLE_STREAM, Protocol::Binary, &payload(32 * KIB));
    }
    call.run(Duration::from_secs(20));
    let handed_out = call.take_messages().len();
    assert_eq!(handed_out, 8, "256 KiB");
    // Besides those, the receive window of 512 KiB is full.
    let unacknowledged = call.client.unacknowledged_bytes(RELIABLE_STREAM);
    assert!((1216 * KIB..=1280 * KIB).contains(&unacknowledged), "{unacknowledged}");

    let mut received = handed_out;
    for _ in 0..200 {
        call.transport.data_taken(call.now, 32 * KIB);
        call.run(Duration::from_millis(500));
        received += call.take_messages().len();
    }
    assert_eq!(received, 64);
}

#[test]
fn lossy_messages_need_not_be_taken() {
    let mut call = Call::with_data();
    for _ in 0..64 {
        call.client.send(call.now, LOSSY_STREAM, Protocol::Binary, &payload(8 * KIB));
        call.run(Duration::from_secs(1));
    }
    assert_eq!(call.take_messages().len(), 64);
}

#[test]
fn other_channels_are_accepted_and_ignored() {
    let mut call = Call::with_data();
    for stream in (4..40).step_by(2) {
        call.client.open_channel(call.now, stream, "_data_track", 0, 0);
        call.client.send(call.now, stream, Protocol::Binary, b"ignored");
    }
    call.run(Duration::from_secs(1));
    assert_eq!(call.take_messages(), []);
    assert_eq!(call.client.received.len(), 14, "16 channels are acknowledged");
    assert!(call.client.received.iter().all(|(_, protocol, _)| *protocol == Protocol::Dcep));
    call.client.send(call.now, RELIABLE_STREAM, Protocol::Binary, b"not ignored");
    call.run(Duration::from_secs(1));
    assert_eq!(call.take_messages().len(), 1);
}

#[test]
fn a_closed_channel_can_be_opened_again() {
    let mut call = Call::with_data();
    call.client.close_channel(call.now, RELIABLE_STREAM);
    call.run(Duration::from_secs(2));
    call.transport.send_data(call.now, DataChannel::Reliable, b"waits").unwrap();
    call.client.open_channel(call.now, 4, "_reliable", 0, 0);
    call.run(Duration::from_secs(2));
    assert_eq!(call.client.received.last().unwrap(), &(4, Protocol::Binary, Bytes::from_static(b"waits")));
}

#[test]
fn the_transport_ends_with_the_client() {
    for is_polite in [true, false] {
        let mut call = Call::with_data();
        if is_polite {
            call.client.close(call.now);
        } else {
            call.client.association().abort().unwrap();
            call.client.drain_sctp(call.now);
        }
        call.run(Duration::from_secs(1));
        assert_eq!(call.take_events(), [TransportEvent::Failed(TransportFailure::ClosedByPeer)]);
    }
}
