// SPDX-License-Identifier: EUPL-1.2
//! The sound of one call, between a telephone and the room.

pub mod rtp;
