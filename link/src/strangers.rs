// SPDX-License-Identifier: EUPL-1.2
//! Places for connections that have proven nothing yet. Whoever can reach the port can begin some and say nothing, so there are
//! few, and who has had one for the longest time gives way: who knows the secret needs it for the blink of a handshake.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Places in all. When they are taken, the oldest connection is ended for a new one.
const PLACES: usize = 16;

/// Places of one source. When it has as many, the oldest of these is ended: a source harms others only by its first few.
const PLACES_OF_A_SOURCE: usize = 4;

/// Of an IPv6 address, what tells networks apart. The rest is its owner's choice (RFC 4291 §2.5.1).
const NETWORK_BITS: u128 = u128::MAX << 64;

/// Those who have a place.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<Places>);

/// The oldest first.
#[derive(Debug, Default)]
struct Places {
    taken: VecDeque<Taken>,
    next: u64,
}

#[derive(Debug)]
struct Taken {
    number: u64,
    source: IpAddr,
    /// Dropping it tells the connection to end.
    _keep: oneshot::Sender<()>,
}

/// A place, until it is dropped or lost to another.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    strangers: Arc<Strangers>,
    kept: oneshot::Receiver<()>,
}

impl Strangers {
    /// A place for a connection from there. Somebody else may lose theirs by it.
    pub(crate) fn admit(self: &Arc<Self>, source: IpAddr) -> Place {
        let source = network(source);
        let (keep, kept) = oneshot::channel();
        let mut places = self.lock();
        let mut of_source = places.taken.iter().enumerate().filter(|(_, taken)| taken.source == source);
        let oldest = of_source.next().map(|(at, _)| at);
        let further = of_source.count();
        let gives_way = match oldest {
            Some(oldest) if further + 1 >= PLACES_OF_A_SOURCE => Some(oldest),
            _ if places.taken.len() >= PLACES => Some(0),
            _ => None,
        };
        if let Some(at) = gives_way {
            places.taken.remove(at);
        }
        let number = places.next;
        places.next += 1;
        places.taken.push_back(Taken { number, source, _keep: keep });
        Place { number, strangers: self.clone(), kept }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        // A panic elsewhere leaves a list that is whole at every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until the place is lost to another.
    pub(crate) async fn lost(&mut self) {
        // Nothing is ever sent: it ends when the other side is dropped.
        let _ = (&mut self.kept).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.strangers.lock().taken.retain(|taken| taken.number != self.number);
    }
}

/// What counts as one source.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK_BITS).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    fn is_lost(place: &mut Place) -> bool {
        place.kept.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn the_oldest_of_all_gives_way_when_all_places_are_taken() {
        let strangers = Arc::new(Strangers::default());
        let mut places: Vec<Place> = (0..16).map(|number| strangers.admit(source(number))).collect();
        assert!(!places.iter_mut().any(is_lost));
        let _other = strangers.admit(source(100));
        let lost: Vec<bool> = places.iter_mut().map(is_lost).collect();
        assert_eq!(lost, [&[true][..], &[false; 15]].concat());
        // Who goes by themselves makes room.
        drop(places.split_off(8));
        let _more: Vec<Place> = (101..109).map(|number| strangers.admit(source(number))).collect();
        assert_eq!(places.iter_mut().filter_map(|place| is_lost(place).then_some(())).count(), 1);
    }

    #[test]
    fn a_source_that_comes_too_often_takes_the_place_of_its_own() {
        let strangers = Arc::new(Strangers::default());
        let mut other = strangers.admit(source(1));
        let mut places: Vec<Place> = (0..100).map(|_| strangers.admit(source(2))).collect();
        assert!(!is_lost(&mut other));
        assert!(places[..96].iter_mut().all(is_lost) && !places[96..].iter_mut().any(is_lost));
    }

    #[test]
    fn a_network_is_one_source() {
        let strangers = Arc::new(Strangers::default());
        let address = |text: String| text.parse::<IpAddr>().unwrap();
        let mut first = strangers.admit(address("2001:db8::1".to_owned()));
        let mut mapped = strangers.admit(address("::ffff:192.0.2.1".to_owned()));
        let _places: Vec<Place> = (2..6).map(|n| strangers.admit(address(format!("2001:db8::{n}")))).collect();
        assert!(is_lost(&mut first) && !is_lost(&mut mapped));
        let _places: Vec<Place> = (0..4).map(|_| strangers.admit(source(1))).collect();
        assert!(is_lost(&mut mapped));
    }
}
