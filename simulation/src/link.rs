// SPDX-License-Identifier: EUPL-1.2
//! One direction of a network path: delay, jitter, loss, reordering and a rate with a queue in front of it.

use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;

/// What a path does to datagrams. The default path is perfect but for a millisecond of delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkQuality {
    /// Time on the way.
    pub delay: Duration,
    /// Up to this much is added to the delay of each datagram, without changing their order.
    pub jitter: Duration,
    /// Share of datagrams that vanish, 0.0 to 1.0.
    pub loss: f64,
    /// Share of datagrams that take `delay` once more and so arrive behind later ones.
    pub reordered: f64,
    /// Bits per second that fit through; `None` for no limit.
    pub rate_bps: Option<u64>,
    /// Longest wait in front of the rate limit. Datagrams that would wait longer are dropped.
    pub queue: Duration,
}

impl Default for LinkQuality {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            loss: 0.0,
            reordered: 0.0,
            rate_bps: None,
            queue: Duration::from_millis(200),
        }
    }
}

/// One direction of a path, with the state of its queue.
#[derive(Debug, Default)]
pub struct Link {
    /// May be changed at any time.
    pub quality: LinkQuality,
    busy_until: Option<Instant>,
    last_arrival: Option<Instant>,
    /// Datagrams that vanished.
    pub lost: u64,
    /// Datagrams that arrived.
    pub carried: u64,
}

impl Link {
    /// A link of some quality.
    #[must_use]
    pub fn new(quality: LinkQuality) -> Self {
        Self { quality, ..Self::default() }
    }

    /// When a datagram of `len` bytes sent at `now` arrives, or `None` if it never does.
    pub fn arrival(&mut self, now: Instant, len: usize, rng: &mut StdRng) -> Option<Instant> {
        let quality = self.quality;
        let mut leaves = now;
        if let Some(rate_bps) = quality.rate_bps {
            let starts = self.busy_until.map_or(now, |busy| busy.max(now));
            if starts.saturating_duration_since(now) > quality.queue {
                self.lost += 1;
                return None;
            }
            leaves = starts + Duration::from_secs_f64(len as f64 * 8.0 / rate_bps as f64);
            self.busy_until = Some(leaves);
        }
        if rng.random_bool(quality.loss) {
            self.lost += 1;
            return None;
        }
        self.carried += 1;
        if rng.random_bool(quality.reordered) {
            return Some(leaves + quality.delay * 2);
        }
        let jitter = quality.jitter.mul_f64(rng.random::<f64>());
        let in_order = self.last_arrival.map_or(leaves, |last| last.max(leaves));
        let arrival = (leaves + quality.delay + jitter).max(in_order);
        self.last_arrival = Some(arrival);
        Some(arrival)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_narrow_link_delays_and_then_drops() {
        let mut rng = StdRng::seed_from_u64(1);
        let quality = LinkQuality { rate_bps: Some(80_000), delay: Duration::ZERO, ..LinkQuality::default() };
        let mut link = Link::new(quality);
        let start = Instant::now();
        // 1,000 bytes take 100 ms at 80 kbit/s; the queue holds 200 ms.
        assert_eq!(link.arrival(start, 1_000, &mut rng), Some(start + Duration::from_millis(100)));
        assert_eq!(link.arrival(start, 1_000, &mut rng), Some(start + Duration::from_millis(200)));
        assert_eq!(link.arrival(start, 1_000, &mut rng), Some(start + Duration::from_millis(300)));
        assert_eq!(link.arrival(start, 1_000, &mut rng), None);
        assert_eq!(link.lost, 1);
    }

    #[test]
    fn loss_and_order_follow_the_quality() {
        let mut rng = StdRng::seed_from_u64(2);
        let quality = LinkQuality { loss: 0.1, jitter: Duration::from_millis(30), ..LinkQuality::default() };
        let mut link = Link::new(quality);
        let start = Instant::now();
        let arrivals: Vec<_> =
            (0..1_000).filter_map(|n| link.arrival(start + Duration::from_millis(n), 100, &mut rng)).collect();
        assert!((850..950).contains(&arrivals.len()), "{} of 1,000 arrived", arrivals.len());
        assert!(arrivals.is_sorted());
    }
}
