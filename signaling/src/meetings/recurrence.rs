// SPDX-License-Identifier: EUPL-1.2
//! Recurrence rules (RFC 5545 §3.3.10): what they say, and when things happen by them.
//!
//! Rules come from strangers, so the work that one makes is bounded by construction: a rule is read into bit sets, a day
//! is looked at in constant time, and no more days are looked at than the window has, up to a fixed number. Everything
//! is worked out in the zone's wall-clock time and turned into instants at the end, so that ten o'clock stays ten o'clock
//! when the clocks change.

mod days;
mod expand;
mod local;
pub(crate) mod plain;
mod rule;

pub(crate) use self::expand::{Expansion, Window, expand, said};
pub(crate) use self::local::instant;
pub(crate) use self::rule::Rule;

#[cfg(test)]
mod tests;
