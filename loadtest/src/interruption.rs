// SPDX-License-Identifier: EUPL-1.2
//! Ctrl-C. The first one lets a load end before its time and keep what it has measured, the second ends it at once.

use tokio::sync::watch;

/// What shells say of a program that Ctrl-C ended: 128 and the number of SIGINT.
pub(crate) const EXIT_CODE: u8 = 130;

/// Whether somebody wants the work to end.
#[derive(Clone, Debug)]
pub(crate) struct Interruption(watch::Receiver<bool>);

/// Brings the interruption.
#[derive(Debug)]
pub(crate) struct Interrupter(watch::Sender<bool>);

impl Interrupter {
    pub(crate) fn interrupt(&self) {
        self.0.send_replace(true);
    }
}

impl Interruption {
    /// One that has not come, with what brings it.
    pub(crate) fn new() -> (Interrupter, Self) {
        let (sender, receiver) = watch::channel(false);
        (Interrupter(sender), Self(receiver))
    }

    pub(crate) fn has_come(&self) -> bool {
        *self.0.borrow()
    }

    /// Does `work` unless it is interrupted, and then gives `None`.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut receiver = self.0.clone();
        tokio::select! {
            biased;
            Ok(_) = receiver.wait_for(|has_come| *has_come) => None,
            result = work => Some(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn work_goes_on_until_it_is_interrupted() {
        let (interrupter, interruption) = Interruption::new();
        assert_eq!(interruption.or(ready(7)).await, Some(7));
        let waiting = tokio::spawn({
            let interruption = interruption.clone();
            async move { interruption.or(pending::<()>()).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        interrupter.interrupt();
        assert_eq!(waiting.await.unwrap(), None);
        assert_eq!(interruption.or(ready(7)).await, None, "what has not begun does not begin");
    }

    #[tokio::test]
    async fn without_anybody_to_interrupt_it_work_goes_on() {
        let (interrupter, interruption) = Interruption::new();
        drop(interrupter);
        assert_eq!(interruption.or(tokio::task::yield_now()).await, Some(()));
    }
}
