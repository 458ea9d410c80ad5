// SPDX-License-Identifier: EUPL-1.2
//! What leads to a meeting: the code in its link, which nobody guesses, and the number for the keypad, which nobody finds
//! by counting.

use std::ops::RangeInclusive;

use rand::Rng as _;
use rand::distr::{Alphanumeric, SampleString as _};
use store::{FromRow, Row, StoreError, Tx, sql};

/// Characters of a code: 62²² is more than 2¹³⁰.
pub(crate) const CODE_CHARS: usize = 22;

/// Digits of a number for the keypad. Those of ten are so many that nobody finds one by trying (`phone/attempts.rs`); until there
/// was a telephone to type them on, they had nine.
pub(crate) const CONFERENCE_ID_DIGITS: RangeInclusive<usize> = 9..=10;

/// Tries before something must be wrong: a billion meetings would have to be stored for a tenth to be taken.
const MAX_TRIES: usize = 32;

struct Taken;

impl FromRow for Taken {
    fn from_row(_: &Row) -> Result<Self, StoreError> {
        Ok(Self)
    }
}

/// A new code. The random source of the operating system seeds it, so none says anything of the next.
pub(crate) fn code() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), CODE_CHARS)
}

/// A new number of ten digits that neither a meeting nor a permanent room has.
pub(crate) async fn conference_id(tx: &mut Tx) -> Result<String, StoreError> {
    for _ in 0..MAX_TRIES {
        let number: u64 = rand::rng().random_range(1_000_000_000..=9_999_999_999);
        let number = number.to_string();
        let select = sql("SELECT conference_id FROM meetings WHERE conference_id = $1
             UNION ALL SELECT conference_id FROM rooms WHERE conference_id = $1 LIMIT 1");
        if tx.optional::<Taken>(select.bind(&number)).await?.is_none() {
            return Ok(number);
        }
    }
    Err(StoreError::Senseless("all numbers for the keypad are taken".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fit_into_links_and_differ() {
        let (first, second) = (code(), code());
        assert_ne!(first, second);
        assert!(first.len() == CODE_CHARS && first.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
