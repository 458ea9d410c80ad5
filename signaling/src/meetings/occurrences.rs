// SPDX-License-Identifier: EUPL-1.2
//! When meetings happen, one entry each time, and how single times differ from the series.

pub(crate) mod model;
pub(crate) mod own;
pub(super) mod routes;
pub(crate) mod table;
