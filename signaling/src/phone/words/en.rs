// SPDX-License-Identifier: EUPL-1.2
//! The words in English.

pub(super) const TELEPHONE: &str = "Telephone";
