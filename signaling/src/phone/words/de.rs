// SPDX-License-Identifier: EUPL-1.2
//! The words in German.

pub(super) const TELEPHONE: &str = "Telefon";
