// SPDX-License-Identifier: EUPL-1.2
//! Requests that we make to others.

pub(crate) mod reach;
