// SPDX-License-Identifier: EUPL-1.2
//! One core's world.

pub mod counters;
pub mod message;
pub mod output;
