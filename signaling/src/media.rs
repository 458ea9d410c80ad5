// SPDX-License-Identifier: EUPL-1.2
//! Speaks to SFU nodes over the bus: on which node a room's media lives, how its transports are ordered and what a
//! receiver's wish means there.

pub(crate) mod placement;
pub(crate) mod subscriptions;
pub(crate) mod transports;
