// SPDX-License-Identifier: EUPL-1.2
//! Numbers that can be called, and where each leads. They belong to the installation; tenants see those by which their meetings
//! are reached.

mod changes;
mod check;
pub(crate) mod direct;
mod model;
mod of_trunk;
pub(crate) mod routes;
mod table;

pub(super) use self::of_trunk::change_of_trunk;
pub(crate) use self::table::shown;
pub(super) use self::table::{by_trunk, called};
