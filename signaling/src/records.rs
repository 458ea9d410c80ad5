// SPDX-License-Identifier: EUPL-1.2
//! What is kept of what was done, for how long, and how it is shown and erased.

pub(crate) mod audit;
