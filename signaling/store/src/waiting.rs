// SPDX-License-Identifier: EUPL-1.2
//! How long, and how many, wait for a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::error::StoreError;

/// Who waits at a time for a turn to write, and as many to read: twice what the telephones of an installation can ask for at
/// once, and each waits in a task that is there anyway.
pub(crate) const MAX_WAITING: usize = 4_096;

/// Longest wait in a queue that moves. Whoever asked over HTTP is gone by then.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Bounds a pool's queue, which has no bound of its own.
#[derive(Clone, Debug)]
pub(crate) struct WaitingRoom(Arc<Semaphore>);

impl Default for WaitingRoom {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_WAITING)))
    }
}

impl WaitingRoom {
    /// Waits for a connection. When too many do, whoever comes is told so at once.
    pub(crate) async fn wait_for<T>(
        &self,
        connection: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let _place = self.0.try_acquire().map_err(|_| StoreError::Busy)?;
        Ok(connection.await?)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn whoever_is_one_too_many_is_told_at_once() {
        let room = WaitingRoom(Arc::new(Semaphore::new(2)));
        let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(room.wait_for::<()>(pending()))).collect();
        assert!(waiting.iter_mut().all(|waiting| waiting.now_or_never().is_none()));
        let another = || room.wait_for(ready(Ok(7))).now_or_never();
        assert_eq!(another(), Some(Err(StoreError::Busy)));
        waiting.pop();
        assert_eq!(another(), Some(Ok(7)));
        assert_eq!(another(), Some(Ok(7)), "who has a connection waits no more");
    }
}
