// SPDX-License-Identifier: EUPL-1.2
//! Takes packets of sound away from a thread that carries media, for whoever decodes them elsewhere.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Packets that wait to be listened to: a minute of 40 streams. What comes when it is full is dropped, and is missing in
/// what was heard.
const PACKETS: usize = 120_000;

/// A packet of sound as it came.
#[derive(Clone, Debug)]
pub(crate) struct HeardPacket {
    /// Nanoseconds since the Unix epoch.
    pub(crate) arrived_nanos: u64,
    pub(crate) ssrc: u32,
    pub(crate) seq_no: u16,
    pub(crate) rtp_timestamp: u32,
    pub(crate) payload: Box<[u8]>,
}

/// Where packets go.
#[derive(Clone, Debug)]
pub(crate) struct Ear(SyncSender<HeardPacket>);

impl Ear {
    /// An ear, and what comes out of it.
    pub(crate) fn new() -> (Self, Receiver<HeardPacket>) {
        let (sender, packets) = sync_channel(PACKETS);
        (Self(sender), packets)
    }

    pub(crate) fn hear(&self, packet: HeardPacket) {
        // Full, or nobody listens any more.
        let _ = self.0.try_send(packet);
    }
}
