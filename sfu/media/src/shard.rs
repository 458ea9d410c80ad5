// SPDX-License-Identifier: EUPL-1.2
//! One core's world.

pub mod demux;
pub mod message;
pub mod output;
