// SPDX-License-Identifier: EUPL-1.2
//! Thousands of calls that nobody thought of: whatever people do and the network loses, in the end nothing is left, each call has
//! ended once, and in between both ends agree whether there is one.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::network::{A, B, Net, Weather, ms, s};
use crate::sip::command::Reason;
use crate::sip::config::ReliableUse;
use crate::sip::event::{CallId, Cause, Event};
use crate::sip::message::Transport;

/// What somebody with a telephone knows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Begun,
    Up,
    Ended,
}

struct Person {
    end: usize,
    calls: BTreeMap<CallId, State>,
    were_up: u32,
}

impl Person {
    fn see(&mut self, net: &mut Net, rng: &mut StdRng, seed: u64) {
        for event in net.take(self.end) {
            let now = net.now;
            let end = &mut net.ends[self.end];
            // Errors are part of it: a command may come when the call is over.
            match event {
                Event::Incoming { call, .. } => {
                    assert!(self.calls.insert(call, State::Begun).is_none());
                    match rng.random_range(0..10) {
                        0 => drop(end.reject(now, call, 486, "Busy", &[])),
                        1 => {}
                        2..4 => drop(end.ring(now, call, None)),
                        4..6 => drop(end.ring(now, call, Some(b"early".to_vec()))),
                        _ => drop(end.answer(now, call, b"sdp".to_vec())),
                    }
                }
                Event::Progress { call, is_offer: true, .. } => drop(end.answer_offer(now, call, b"sdp".to_vec())),
                Event::Answered { call, is_offer, .. } => {
                    let before = self.calls.insert(call, State::Up);
                    assert_eq!(before, Some(State::Begun), "seed {seed}");
                    self.were_up += 1;
                    if is_offer {
                        end.answer_offer(now, call, b"sdp".to_vec()).unwrap();
                    }
                }
                Event::Acked { call, .. } => {
                    let before = self.calls.insert(call, State::Up);
                    assert!(matches!(before, Some(State::Begun | State::Up)), "seed {seed}");
                }
                Event::Reinvite { call, .. } => match rng.random_range(0..4) {
                    0 => drop(end.reject_reinvite(now, call, 488, "No")),
                    1 => {}
                    _ => drop(end.answer_reinvite(now, call, b"sdp2".to_vec())),
                },
                Event::Ended { call, .. } => {
                    let before = self.calls.insert(call, State::Ended);
                    assert!(matches!(before, Some(State::Begun | State::Up)), "seed {seed}: {before:?}");
                }
                _ => {}
            }
            net.collect();
        }
    }

    fn act(&mut self, net: &mut Net, rng: &mut StdRng) {
        let living: Vec<CallId> =
            self.calls.iter().filter(|(_, state)| **state != State::Ended).map(|(call, _)| *call).collect();
        if living.is_empty() {
            return;
        }
        let call = living[rng.random_range(0..living.len())];
        let now = net.now;
        let end = &mut net.ends[self.end];
        match rng.random_range(0..12) {
            0 | 1 => drop(end.hang_up(now, call, &Reason::Normal)),
            2 | 3 => drop(end.answer(now, call, b"sdp".to_vec())),
            4 => drop(end.ring(now, call, None)),
            5..8 => drop(end.reinvite(now, call, b"sdp3".to_vec())),
            8 => drop(end.info(now, call, "application/dtmf-relay", b"Signal=1".to_vec())),
            9 => drop(end.answer_reinvite(now, call, b"sdp4".to_vec())),
            10 => drop(end.refer(now, call, "sip:carol@10.0.0.3")),
            _ => {}
        }
        net.collect();
    }

    fn up(&self) -> usize {
        self.calls.values().filter(|state| **state == State::Up).count()
    }
}

fn scenario(seed: u64) -> u32 {
    let mut rng = StdRng::seed_from_u64(seed);
    let transport = if rng.random_range(0..5) == 0 { Transport::Tcp } else { Transport::Udp };
    let (timer, reliable, refer) = (rng.random_bool(0.5), rng.random_bool(0.5), rng.random_bool(0.5));
    let mut net = Net::with(seed, transport, |end, config| {
        config.session_expires = (timer || end == A).then(|| s(120));
        config.reliable_provisional = if reliable { ReliableUse::IfSupported } else { ReliableUse::IfRequired };
        config.ring_timeout = s(60);
        config.allow_refer = refer;
    });
    net.weather = Weather {
        loss: rng.random_range(0..300),
        duplication: rng.random_range(0..200),
        jitter: ms(rng.random_range(0..1500)),
    };
    let mut people = [A, B].map(|end| Person { end, calls: BTreeMap::new(), were_up: 0 });
    for _ in 0..rng.random_range(1..4) {
        let call = net.call(rng.random_bool(0.8).then_some("offer"));
        people[A].calls.insert(call, State::Begun);
    }
    for _ in 0..rng.random_range(1..12) {
        let until = net.now + Duration::from_millis(rng.random_range(0..8_000));
        while net.step(until) {
            for person in &mut people {
                person.see(&mut net, &mut rng, seed);
            }
        }
        net.now = until;
        let who = rng.random_range(0..2);
        people[who].act(&mut net, &mut rng);
    }
    // Everybody waits in good weather: what was under way comes to its end, and both agree.
    net.weather = Weather::default();
    settle(&mut net, &mut people, &mut rng, seed, s(150));
    assert_eq!(people[A].up(), people[B].up(), "seed {seed}");
    assert_eq!(net.ends[A].calls(), people[A].up(), "seed {seed}");
    assert_eq!(net.ends[B].calls(), people[B].up(), "seed {seed}");
    // And everybody hangs up, or one side is gone and the other finds out by itself.
    let is_gone = rng.random_bool(0.3) && timer;
    if is_gone {
        net.filter = Some(Box::new(|_, _| false));
    }
    for person in &mut people {
        for (call, _) in person.calls.clone() {
            let now = net.now;
            let _ = net.ends[person.end].hang_up(now, call, &Reason::Normal);
        }
        net.collect();
    }
    settle(&mut net, &mut people, &mut rng, seed, s(300));
    for person in &people {
        assert!(person.calls.values().all(|state| *state == State::Ended), "seed {seed}: {:?}", person.calls);
    }
    net.assert_empty();
    people[A].were_up
}

fn settle(net: &mut Net, people: &mut [Person; 2], rng: &mut StdRng, seed: u64, time: Duration) {
    let until = net.now + time;
    let mut steps = 0;
    while net.step(until) {
        for person in people.iter_mut() {
            person.see(net, rng, seed);
        }
        steps += 1;
        assert!(steps < 100_000, "seed {seed} comes to no rest");
    }
    net.now = until;
}

#[test]
fn whatever_happens_nothing_is_left_and_both_ends_agree() {
    let were_up: u32 = (0..4_000).map(scenario).sum();
    assert!(were_up > 2_000, "{were_up} calls were up: the scenarios are not what they were");
}

#[test]
fn a_peer_that_vanishes_is_noticed_by_the_session_timer() {
    let mut net = Net::with(1, Transport::Udp, |_, config| config.session_expires = Some(s(90)));
    let _ = net.connect();
    net.run(s(1_000));
    assert_eq!((net.ends[A].calls(), net.ends[B].calls()), (1, 1), "it is refreshed");
    net.filter = Some(Box::new(|_, _| false));
    net.run(s(200));
    for end in [A, B] {
        let events = net.take(end);
        assert!(
            events
                .iter()
                .any(|event| matches!(event, Event::Ended { cause: Cause::SessionExpired | Cause::Unreachable, .. })),
            "{events:?}"
        );
    }
    net.assert_empty();
}
