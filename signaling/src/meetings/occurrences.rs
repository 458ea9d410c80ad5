// SPDX-License-Identifier: EUPL-1.2
//! When meetings happen, one entry each time.

pub(crate) mod table;
