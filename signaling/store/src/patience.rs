// SPDX-License-Identifier: EUPL-1.2
//! Waiting for a database that is away while a service starts.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::StoreError;

/// How long one that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Does something again and again while the database is away, for a minute.
///
/// # Errors
///
/// Fails with what went wrong, at once when it is something else than that the database is not available.
pub async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match work().await {
            Err(error) if error.may_pass() && Instant::now() + PAUSE < deadline => {
                warn!("waiting for the database");
                sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_comes_back_is_waited_for_and_one_that_does_not_for_a_minute() {
        let mut tries = 0;
        let found = patiently(async || {
            tries += 1;
            if tries < 3 { Err(StoreError::Unavailable) } else { Ok("here") }
        });
        assert_eq!(found.await.expect("found"), "here");
        let began = Instant::now();
        let away = patiently(async || Err::<(), _>(StoreError::Unavailable)).await;
        assert!(matches!(away, Err(StoreError::Unavailable)));
        assert!((50..=60).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        let mut tries = 0;
        let new = patiently(async || {
            tries += 1;
            Err::<(), _>(StoreError::TooNew)
        });
        assert!(matches!(new.await, Err(StoreError::TooNew)));
        assert_eq!(tries, 1);
    }
}
