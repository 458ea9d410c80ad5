// SPDX-License-Identifier: EUPL-1.2
//! What shards tell the node's control.
//!
//! Shards never wait for control. Reports that a later one replaces (loudness, who is heard elsewhere) or that nobody
//! promised to deliver (lossy data) are dropped and counted while too many wait. All others arrive; their number is bounded by the transports,
//! because a client's reliable data counts against its allowance until control gives the bytes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use sfu_media::ids::{ShardId, TransportId};
use sfu_media::shard::message::{DataChannel, ShardEvent};
use tokio::sync::mpsc;

/// Reports that may wait before those that may be lost are dropped.
pub const MAX_WAITING_REPORTS: usize = 4_096;

/// What a shard, or the thread it runs on, tells control.
#[derive(Clone, Debug)]
pub enum ShardReport {
    /// The shard says so.
    Event(ShardEvent),
    /// The shard heard a client of another one, and passes its datagrams on.
    HeardElsewhere {
        /// The client.
        transport: TransportId,
        /// From where it was heard.
        source: SocketAddr,
        /// Whose it is.
        owner: ShardId,
    },
    /// The shard's thread ended without being told to. All its transports are gone, and the process should be too.
    Died,
    /// It was a bridge, and its end was dropped: its callers are gone, and nobody else is.
    BridgeEnded,
}

/// Reports and the shards they come from, with both ends.
#[must_use]
pub fn reports() -> (ReportSender, ReportReceiver) {
    let (sender, reports) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::default());
    (ReportSender { sender, shared: shared.clone() }, ReportReceiver { reports, shared })
}

#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicUsize,
    dropped: AtomicU64,
}

/// The shards' end; clones share it.
#[derive(Clone, Debug)]
pub struct ReportSender {
    sender: mpsc::UnboundedSender<(ShardId, ShardReport)>,
    shared: Arc<Shared>,
}

impl ReportSender {
    /// Tells control, and never waits: see the module's page for what is dropped instead.
    pub fn send(&self, from: ShardId, report: ShardReport) {
        let may_drop = matches!(
            report,
            ShardReport::Event(ShardEvent::Speakers { .. } | ShardEvent::Data { channel: DataChannel::Lossy, .. })
                | ShardReport::HeardElsewhere { .. }
        );
        if may_drop && self.shared.waiting.load(Ordering::Relaxed) >= MAX_WAITING_REPORTS {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        // Without control the node is about to end, and nobody misses the report.
        let _ = self.sender.send((from, report));
    }

    /// How to read the number of dropped reports, which keeps nobody from seeing that all shards have ended.
    #[must_use]
    pub fn dropped_reports(&self) -> DroppedReports {
        DroppedReports(self.shared.clone())
    }
}

/// Reads the number of reports dropped because too many waited.
#[derive(Clone, Debug)]
pub struct DroppedReports(Arc<Shared>);

impl DroppedReports {
    /// The number so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

/// Control's end.
#[derive(Debug)]
pub struct ReportReceiver {
    reports: mpsc::UnboundedReceiver<(ShardId, ShardReport)>,
    shared: Arc<Shared>,
}

impl ReportReceiver {
    /// The next report with the shard it comes from; `None` once all shards have ended.
    pub async fn next(&mut self) -> Option<(ShardId, ShardReport)> {
        let report = self.reports.recv().await?;
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(report)
    }

    /// As [`ReportReceiver::next`], for a thread without an async runtime.
    pub fn blocking_next(&mut self) -> Option<(ShardId, ShardReport)> {
        let report = self.reports.blocking_recv()?;
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected(id: u64) -> ShardReport {
        ShardReport::Event(ShardEvent::Connected { transport: TransportId(id) })
    }

    fn speakers() -> ShardReport {
        ShardReport::Event(ShardEvent::Speakers { group: sfu_media::ids::SpeakerGroup(1), levels: Vec::new() })
    }

    #[test]
    fn a_slow_control_loses_only_what_may_be_lost() {
        let (sender, mut receiver) = reports();
        for _ in 0..MAX_WAITING_REPORTS {
            sender.send(ShardId(1), speakers());
        }
        sender.send(ShardId(1), speakers());
        sender.send(ShardId(2), connected(7));
        assert_eq!(sender.dropped_reports().count(), 1);
        for _ in 0..MAX_WAITING_REPORTS {
            assert!(matches!(receiver.blocking_next(), Some((ShardId(1), _))));
        }
        assert!(matches!(
            receiver.blocking_next(),
            Some((ShardId(2), ShardReport::Event(ShardEvent::Connected { transport: TransportId(7) })))
        ));
        sender.send(ShardId(1), speakers());
        assert_eq!(sender.dropped_reports().count(), 1, "there is room again");
        drop(sender);
        assert!(receiver.blocking_next().is_some() && receiver.blocking_next().is_none());
    }
}
