// SPDX-License-Identifier: EUPL-1.2
//! Endpoints against each other, on a virtual clock and a network in memory.

mod beginnings;
mod changes;
mod lost_connections;
mod network;
mod outside;
mod random_calls;
mod registrations;
mod session_timers;
