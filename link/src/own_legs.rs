// SPDX-License-Identifier: EUPL-1.2
//! Which legs belong to the link that is there. A bridge end outlives links: what the node's control still orders for callers of
//! the one before must not reach the next, which knows nothing of them.

use std::collections::{HashMap, HashSet};

use sfu_media::ids::{TrackId, TransportId};
use sfu_node::BridgeCommand;

/// Legs that were opened since the link began, and the tracks that they publish. Both are bounded by control of the node.
#[derive(Debug, Default)]
pub(crate) struct OwnLegs {
    legs: HashSet<TransportId>,
    published: HashMap<TrackId, TransportId>,
}

impl OwnLegs {
    /// Whether a command is for this link.
    pub(crate) fn take(&mut self, command: &BridgeCommand) -> bool {
        match command {
            BridgeCommand::OpenLeg { leg, .. } => {
                self.legs.insert(*leg);
                true
            }
            BridgeCommand::CloseLeg { leg } => {
                self.published.retain(|_, publisher| publisher != leg);
                self.legs.remove(leg)
            }
            BridgeCommand::Publish { leg, track, .. } => {
                let is_own = self.legs.contains(leg);
                if is_own {
                    self.published.insert(*track, *leg);
                }
                is_own
            }
            BridgeCommand::Mute { track, .. } => self.published.contains_key(track),
            BridgeCommand::Unpublish { track } => self.published.remove(track).is_some(),
            BridgeCommand::Hear { leg, .. } | BridgeCommand::StopHearing { leg, .. } => self.legs.contains(leg),
        }
    }

    /// Whether callers of this link have this track. What others say under it goes nowhere.
    pub(crate) fn publish(&self, track: TrackId) -> bool {
        self.published.contains_key(&track)
    }

    /// Whether no caller is in a room.
    pub(crate) fn is_empty(&self) -> bool {
        self.legs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use sfu_media::ids::{ShardId, SpeakerGroup};

    use super::*;

    fn open(leg: u64) -> BridgeCommand {
        BridgeCommand::OpenLeg { leg: TransportId(leg), sid: "TP_1".into(), room: "RM_1".into() }
    }

    fn publish(leg: u64, track: u64) -> BridgeCommand {
        let (leg, track, group) = (TransportId(leg), TrackId(track), SpeakerGroup(1));
        BridgeCommand::Publish { leg, track, sid: "TR_1".into(), group, is_muted: false }
    }

    fn hear(leg: u64) -> BridgeCommand {
        let (leg, track, home) = (TransportId(leg), TrackId(9), ShardId(0));
        BridgeCommand::Hear { leg, track, sid: "TR_9".into(), home }
    }

    #[test]
    fn what_belongs_to_a_leg_of_the_link_before_is_left_out() {
        let mut before = OwnLegs::default();
        assert!(before.take(&open(1)) && before.take(&publish(1, 1)) && before.take(&hear(1)));
        let mut legs = OwnLegs::default();
        assert!(!legs.take(&publish(1, 1)) && !legs.take(&hear(1)));
        assert!(!legs.take(&BridgeCommand::Mute { track: TrackId(1), is_muted: true }));
        assert!(!legs.take(&BridgeCommand::Unpublish { track: TrackId(1) }));
        assert!(!legs.take(&BridgeCommand::CloseLeg { leg: TransportId(1) }));
        assert!(!legs.publish(TrackId(1)) && legs.is_empty());
    }

    #[test]
    fn what_belongs_to_a_leg_of_this_link_is_told_until_it_is_closed() {
        let mut legs = OwnLegs::default();
        assert!(legs.take(&open(1)) && legs.take(&publish(1, 2)) && legs.take(&hear(1)));
        assert!(legs.publish(TrackId(2)) && !legs.is_empty());
        assert!(legs.take(&BridgeCommand::Mute { track: TrackId(2), is_muted: true }));
        assert!(legs.take(&BridgeCommand::CloseLeg { leg: TransportId(1) }));
        assert!(!legs.publish(TrackId(2)) && legs.is_empty());
        assert!(!legs.take(&BridgeCommand::CloseLeg { leg: TransportId(1) }));
    }
}
