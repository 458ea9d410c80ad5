// SPDX-License-Identifier: EUPL-1.2
//! What nobody may guess: branches, tags and Call-IDs; and jitter.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

/// Begins every branch since RFC 3261 (§8.1.1.7).
pub(super) const MAGIC_COOKIE: &str = "z9hG4bK";

/// Makes them.
pub(super) struct Tokens {
    rng: StdRng,
}

impl Tokens {
    pub(super) fn new(rng: StdRng) -> Self {
        Self { rng }
    }

    /// 26 characters of 5 bits each.
    fn token(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut bits: u128 = self.rng.random();
        let mut text = String::with_capacity(26);
        for _ in 0..26 {
            let index = usize::try_from(bits & 31).unwrap_or(0);
            text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'a')));
            bits >>= 5;
        }
        text
    }

    /// For a Via.
    pub(super) fn branch(&mut self) -> String {
        format!("{MAGIC_COOKIE}{}", self.token())
    }

    /// For From and To.
    pub(super) fn tag(&mut self) -> String {
        self.token()
    }

    /// For Call-ID.
    pub(super) fn call_id(&mut self) -> String {
        self.token()
    }

    /// A first CSeq or RSeq: small enough to count upwards for ever.
    pub(super) fn first_number(&mut self) -> u32 {
        self.rng.random_range(1..1_000_000)
    }

    /// Between the two.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        if most <= least {
            return least;
        }
        least + (most - least).mul_f64(self.rng.random::<f64>())
    }
}
