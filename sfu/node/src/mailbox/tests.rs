// SPDX-License-Identifier: EUPL-1.2
//! What waits, what is dropped, and that no wake-up is lost.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sfu_media::ids::{TrackId, TransportId};

use super::*;
use crate::os::wait_readable;

const PEER: ShardId = ShardId(3);

fn close(id: u64) -> ShardCommand {
    ShardCommand::CloseTransport { transport: TransportId(id) }
}

fn closed(command: Option<ShardCommand>) -> Option<u64> {
    match command {
        Some(ShardCommand::CloseTransport { transport }) => Some(transport.0),
        _ => None,
    }
}

fn packet() -> ShardMessage {
    ShardMessage::Datagram { source: ([127, 0, 0, 1], 9).into(), datagram: Bytes::from_static(b"media") }
}

fn order(id: u64) -> ShardMessage {
    ShardMessage::JoinAudience { track: TrackId(id) }
}

/// Sleeps as the shard's thread does, with a socket that stays silent. Returns whether it was signalled in time.
fn sleep(mailbox: &mut Mailbox, silent: &Wake, timeout: Duration) -> bool {
    let mut was_signalled = false;
    let may_sleep = mailbox.may_sleep();
    if may_sleep {
        [was_signalled, _] = wait_readable([mailbox.as_fd(), silent.as_fd()], Some(timeout)).unwrap();
    }
    mailbox.woke_up(was_signalled);
    was_signalled || !may_sleep
}

#[test]
fn commands_and_messages_arrive_in_order() {
    let (sender, mut mailbox) = mailbox().unwrap();
    sender.send_command(close(1));
    sender.send_messages(PEER, vec![order(1), packet(), order(2)]);
    sender.send_command(close(2));
    assert!(mailbox.is_empty(), "nothing is there before it is collected");
    mailbox.collect();
    assert_eq!(closed(mailbox.next_command()), Some(1));
    assert_eq!(closed(mailbox.next_command()), Some(2));
    assert!(mailbox.next_command().is_none());
    let (from, messages) = mailbox.next_messages().unwrap();
    assert_eq!((from, messages.len()), (PEER, 3));
    assert!(mailbox.next_messages().is_none() && mailbox.is_empty());
}

#[test]
fn what_is_left_over_comes_before_what_is_new() {
    let (sender, mut mailbox) = mailbox().unwrap();
    for id in 1..=3 {
        sender.send_command(close(id));
        mailbox.collect();
    }
    for id in 1..=3 {
        assert_eq!(closed(mailbox.next_command()), Some(id));
        mailbox.collect();
    }
}

#[test]
fn media_is_dropped_and_counted_when_too_much_waits_and_orders_are_not() {
    let (sender, mut mailbox) = mailbox().unwrap();
    sender.send_messages(PEER, (0..MAX_WAITING_PACKETS - 1).map(|_| packet()).collect());
    sender.send_messages(PEER, vec![order(1), packet(), packet(), order(2), packet()]);
    sender.send_messages(PEER, vec![packet()]);
    sender.send_messages(PEER, vec![order(3)]);
    assert_eq!(sender.dropped_packets(), 3);
    mailbox.collect();
    // What is collected but not handled still counts as waiting.
    sender.send_messages(PEER, vec![packet()]);
    assert_eq!(sender.dropped_packets(), 4);
    let lengths: Vec<_> = std::iter::from_fn(|| mailbox.next_messages()).map(|(_, messages)| messages.len()).collect();
    assert_eq!(lengths, [MAX_WAITING_PACKETS - 1, 3, 1]);
    sender.send_messages(PEER, vec![packet()]);
    assert_eq!(sender.dropped_packets(), 4, "there is room again");
}

#[test]
fn a_thread_that_is_awake_is_not_woken() {
    let (sender, mut mailbox) = mailbox().unwrap();
    for id in 0..100 {
        sender.send_command(close(id));
        sender.send_messages(PEER, vec![packet()]);
    }
    assert_eq!(sender.wake_ups(), 0);
    assert!(!mailbox.may_sleep(), "something waits");
    mailbox.woke_up(false);
    mailbox.collect();
    while mailbox.next_command().is_some() {}
    while mailbox.next_messages().is_some() {}
    assert!(mailbox.may_sleep());
    sender.send_command(close(1));
    sender.send_command(close(2));
    assert_eq!(sender.wake_ups(), 1, "one call wakes it");
    mailbox.woke_up(true);
    mailbox.collect();
    assert_eq!(closed(mailbox.next_command()), Some(1));
}

#[test]
fn closing_wakes_the_owner_and_refuses_what_comes_later() {
    let (sender, mut mailbox) = mailbox().unwrap();
    sender.send_command(close(1));
    sender.close();
    assert!(!sender.send_command(close(2)));
    sender.send_messages(PEER, vec![order(1)]);
    assert!(!mailbox.may_sleep());
    mailbox.woke_up(false);
    mailbox.collect();
    assert!(mailbox.is_closed());
    assert_eq!(closed(mailbox.next_command()), Some(1));
    assert!(mailbox.next_command().is_none() && mailbox.next_messages().is_none());
    assert!(mailbox.may_sleep(), "a closed mailbox is no reason to stay awake once it is known");
}

#[test]
fn a_closed_mailbox_is_emptied_before_it_says_so() {
    let (sender, mut mailbox) = mailbox().unwrap();
    sender.send_command(close(1));
    mailbox.collect();
    sender.send_command(close(2));
    sender.close();
    mailbox.collect();
    assert_eq!(closed(mailbox.next_command()), Some(1));
    assert!(mailbox.is_empty() && !mailbox.is_closed());
    mailbox.collect();
    assert!(mailbox.is_closed());
    assert_eq!(closed(mailbox.next_command()), Some(2));
}

#[test]
fn closing_alone_is_news() {
    let (sender, mut mailbox) = mailbox().unwrap();
    assert!(mailbox.may_sleep());
    sender.close();
    assert_eq!(sender.wake_ups(), 1);
    mailbox.woke_up(true);
    mailbox.collect();
    assert!(mailbox.is_closed());
}

#[test]
fn nothing_piles_up_when_the_owner_is_gone() {
    let (sender, mailbox) = mailbox().unwrap();
    drop(mailbox);
    assert!(!sender.send_command(close(1)));
}

#[test]
fn no_wake_up_is_lost_when_many_send_while_the_owner_falls_asleep() {
    const SENDERS: u64 = 3;
    const COMMANDS: u64 = 20_000;
    let (sender, mut mailbox) = mailbox().unwrap();
    let silent = Wake::new().unwrap();
    let threads: Vec<_> = (0..SENDERS)
        .map(|thread| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for id in 0..COMMANDS {
                    if thread == 0 {
                        sender.send_messages(PEER, vec![order(id)]);
                    } else {
                        sender.send_command(close(id));
                    }
                    if id % 64 == 0 {
                        // Gives the owner a chance to fall asleep.
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let (mut commands, mut messages, mut sleeps) = (0, 0, 0);
    let deadline = Instant::now() + Duration::from_secs(60);
    while commands < (SENDERS - 1) * COMMANDS || messages < COMMANDS {
        assert!(Instant::now() < deadline, "{commands} commands, {messages} messages, {sleeps} sleeps");
        mailbox.collect();
        while mailbox.next_command().is_some() {
            commands += 1;
        }
        while let Some((_, vector)) = mailbox.next_messages() {
            messages += vector.len() as u64;
        }
        let all_is_there = commands == (SENDERS - 1) * COMMANDS && messages == COMMANDS;
        if !all_is_there {
            // A lost wake-up would sleep until the timeout.
            assert!(sleep(&mut mailbox, &silent, Duration::from_secs(20)), "nobody woke the owner");
            sleeps += 1;
        }
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(sender.wake_ups() <= sleeps);
}

#[test]
fn each_command_wakes_an_owner_that_falls_asleep_just_then() {
    const ROUNDS: u64 = 30_000;
    let (sender, mut mailbox) = mailbox().unwrap();
    let silent = Wake::new().unwrap();
    let handled = Arc::new(AtomicU64::new(0));
    // Sends the next command as soon as the last one is done, which is when the owner goes to sleep. Nothing that comes
    // later makes up for a wake-up that is lost.
    let thread = std::thread::spawn({
        let handled = handled.clone();
        move || {
            for round in 0..ROUNDS {
                let mut looks = 0;
                while handled.load(Ordering::Acquire) < round {
                    looks += 1;
                    // Yields where there is one core only.
                    if looks % 1_000 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
                }
                sender.send_command(close(round));
            }
        }
    });
    for round in 0..ROUNDS {
        let command = loop {
            mailbox.collect();
            if let Some(command) = mailbox.next_command() {
                break command;
            }
            assert!(sleep(&mut mailbox, &silent, Duration::from_secs(20)), "nobody woke the owner in round {round}");
        };
        assert_eq!(closed(Some(command)), Some(round));
        handled.store(round + 1, Ordering::Release);
        // So that the next command meets every moment of falling asleep.
        for _ in 0..round % 32 {
            std::hint::spin_loop();
        }
    }
    thread.join().unwrap();
}
