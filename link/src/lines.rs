// SPDX-License-Identifier: EUPL-1.2
//! The lines of a link's calls: what comes for each, and a task for each that brings what goes out.
//!
//! Both queues of a line have the bounds that they have within one process (`bus/src/phone.rs`), and the same follows when one
//! is full: a side that is so far behind has lost the call.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::messages::LineId;

/// Lines at the same time, on either side: far above what a bridge has calls.
const MAX_LINES: usize = 16_384;

/// The lines of one side. `I` is what comes in on them.
#[derive(Debug)]
pub(crate) struct Lines<I> {
    open: HashMap<LineId, Open<I>>,
    /// They end when this side's owner drops its end of the line.
    senders: JoinSet<LineId>,
    /// The next of those that this side opens.
    next: u64,
}

#[derive(Debug)]
struct Open<I> {
    inbound: mpsc::Sender<I>,
    outbound: AbortHandle,
}

impl<I> Drop for Open<I> {
    fn drop(&mut self) {
        self.outbound.abort();
    }
}

/// What is sent for a line.
pub(crate) struct Outbound<M, S> {
    /// Where the link takes messages. When it is full, the line waits, which has its own bound.
    pub(crate) link: mpsc::Sender<M>,
    /// What is sent of what the owner says, if anything is.
    pub(crate) say: S,
    /// What is sent when the owner has dropped its end.
    pub(crate) close: fn(LineId) -> M,
}

impl<I> Lines<I> {
    /// None yet. This side numbers lines from `first` in steps of two.
    pub(crate) fn new(first: u64) -> Self {
        Self { open: HashMap::new(), senders: JoinSet::new(), next: first }
    }

    /// A number for a line that this side opens.
    pub(crate) const fn next_id(&mut self) -> LineId {
        let line = LineId(self.next);
        self.next += 2;
        line
    }

    /// Whether a line of that number may be opened now.
    pub(crate) fn has_room_for(&self, line: LineId) -> bool {
        !self.open.contains_key(&line) && self.open.len() < MAX_LINES
    }

    /// Opens a line: what comes on it goes to `inbound`, and what its owner says is sent.
    pub(crate) fn open<O, M, S>(
        &mut self,
        line: LineId,
        inbound: mpsc::Sender<I>,
        mut owner: mpsc::Receiver<O>,
        outbound: Outbound<M, S>,
    ) where
        O: Send + 'static,
        M: Send + 'static,
        S: Fn(LineId, O) -> Option<M> + Send + 'static,
    {
        let sender = async move {
            let Outbound { link, say, close } = outbound;
            while let Some(message) = owner.recv().await {
                let Some(message) = say(line, message) else { continue };
                if link.send(message).await.is_err() {
                    return line;
                }
            }
            // Where the link is gone, nobody has to be told.
            let _ = link.send(close(line)).await;
            line
        };
        let outbound = self.senders.spawn(sender);
        self.open.insert(line, Open { inbound, outbound });
    }

    /// Gives a line's owner a message. A line that is not there has been closed meanwhile. `false`: the owner is too far behind;
    /// the line is closed, and the other side must be told.
    pub(crate) fn deliver(&mut self, line: LineId, message: I) -> bool {
        let Some(open) = self.open.get(&line) else { return true };
        if let Err(mpsc::error::TrySendError::Full(_)) = open.inbound.try_send(message) {
            self.open.remove(&line);
            return false;
        }
        // An owner who has dropped its end is told of by the line's sender.
        true
    }

    /// The other side has closed a line: its owner finds that it is over, behind all that was said before.
    pub(crate) fn close(&mut self, line: LineId) {
        self.open.remove(&line);
    }

    /// Forgets a line that its owner has dropped, of which the other side has been told by then. `None`: no line is open.
    pub(crate) async fn settle(&mut self) -> Option<()> {
        let ended = self.senders.join_next().await?;
        // Else it was closed here, and is forgotten already.
        if let Ok(line) = ended {
            self.open.remove(&line);
        }
        Some(())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    enum Said {
        Word(LineId, u8),
        Close(LineId),
    }

    struct Rig {
        lines: Lines<u8>,
        link: mpsc::Sender<Said>,
        sent: mpsc::Receiver<Said>,
    }

    impl Rig {
        fn new() -> Self {
            let (link, sent) = mpsc::channel(16);
            Self { lines: Lines::new(0), link, sent }
        }

        /// A line, with the owner's ends.
        fn open(&mut self) -> (LineId, mpsc::Sender<u8>, mpsc::Receiver<u8>) {
            let ((says, said), (inbound, hears)) = (mpsc::channel(2), mpsc::channel(2));
            let line = self.lines.next_id();
            assert!(self.lines.has_room_for(line));
            let outbound = Outbound {
                link: self.link.clone(),
                say: |line, word| Some(Said::Word(line, word)),
                close: Said::Close,
            };
            self.lines.open(line, inbound, said, outbound);
            (line, says, hears)
        }
    }

    #[tokio::test]
    async fn what_is_said_goes_both_ways_in_order_and_the_end_comes_last() {
        let mut rig = Rig::new();
        let (line, says, mut hears) = rig.open();
        says.send(1).await.unwrap();
        says.send(2).await.unwrap();
        drop(says);
        assert!(rig.lines.deliver(line, 7));
        for expected in [Said::Word(line, 1), Said::Word(line, 2), Said::Close(line)] {
            assert_eq!(rig.sent.recv().await, Some(expected));
        }
        rig.lines.settle().await.unwrap();
        assert_eq!(rig.lines.len(), 0);
        assert_eq!((hears.recv().await, hears.recv().await), (Some(7), None));
    }

    #[tokio::test]
    async fn a_line_that_the_other_side_closes_is_over_for_its_owner() {
        let mut rig = Rig::new();
        let (line, says, mut hears) = rig.open();
        assert!(rig.lines.deliver(line, 1));
        rig.lines.close(line);
        assert_eq!((hears.recv().await, hears.recv().await), (Some(1), None));
        rig.lines.settle().await.unwrap();
        assert!(says.send(1).await.is_err());
        assert!(rig.sent.try_recv().is_err());
        // What was under way is for nobody.
        assert!(rig.lines.deliver(line, 2));
    }

    #[tokio::test]
    async fn an_owner_who_is_too_far_behind_has_lost_the_call() {
        let mut rig = Rig::new();
        let (line, _says, _hears) = rig.open();
        let (other, _says_too, mut hears_too) = rig.open();
        assert!(rig.lines.deliver(line, 1) && rig.lines.deliver(line, 2));
        assert!(!rig.lines.deliver(line, 3));
        assert!(rig.lines.deliver(other, 4));
        assert_eq!((rig.lines.len(), hears_too.recv().await), (1, Some(4)));
    }
}
