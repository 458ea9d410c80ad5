// SPDX-License-Identifier: EUPL-1.2
//! What is scheduled: meetings, when they happen, what they allow, who is invited, and by which numbers one gets in.
//!
//! Others find a meeting by [`table::find`], [`table::by_code`] and [`table::by_conference_id`], what it allows by
//! [`policies::effective`], who is invited by [`invitees::of_meeting`]; `changes` tells them what became of it.

pub(crate) mod changes;
pub(crate) mod codes;
pub(crate) mod invitees;
pub(crate) mod model;
pub(crate) mod occurrences;
pub(crate) mod permanent_rooms;
pub(crate) mod policies;
pub(crate) mod table;
pub(crate) mod tenant;
pub(crate) mod words;
