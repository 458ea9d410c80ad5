// SPDX-License-Identifier: EUPL-1.2
//! Counts what is still running, so that the end can wait for it.

use tokio::sync::watch;

/// Tasks that are to end before the process does.
#[derive(Clone)]
pub(crate) struct Tasks(watch::Sender<usize>);

impl Default for Tasks {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Tasks {
    /// Counts one more until the guard is dropped.
    pub(crate) fn enter(&self) -> TaskGuard {
        self.0.send_modify(|count| *count += 1);
        TaskGuard(self.0.clone())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until none is left.
    pub(crate) async fn all_ended(&self) {
        // The sender is alive: this is `self`.
        drop(self.0.subscribe().wait_for(|count| *count == 0).await);
    }
}

/// One task that runs.
pub(crate) struct TaskGuard(watch::Sender<usize>);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn the_end_waits_for_every_task() {
        let tasks = Tasks::default();
        let (first, second) = (tasks.enter(), tasks.enter());
        drop(first);
        assert!(tasks.all_ended().now_or_never().is_none());
        drop(second);
        tasks.all_ended().await;
    }
}
