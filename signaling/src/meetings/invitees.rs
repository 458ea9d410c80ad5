// SPDX-License-Identifier: EUPL-1.2
//! Who is invited to a meeting, and their personal links.

pub(crate) mod link;
pub(crate) mod table;

pub(crate) use self::table::of_meeting;
