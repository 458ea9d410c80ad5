// SPDX-License-Identifier: EUPL-1.2
//! The program as somebody meets it, against a small server that takes one publisher.

// Clippy knows tests by their attribute, and helpers have none.
#![allow(clippy::unwrap_used)]

mod counters;
mod ctrl_c;
mod run;
mod server;

use std::time::Duration;

/// How long anything may take that the tests wait for.
const PATIENCE: Duration = Duration::from_secs(30);
