// SPDX-License-Identifier: EUPL-1.2
//! Call control against a telephone that is text, on a virtual clock.

mod addresses;
mod callee;
mod calls;
mod dialling;
mod encryption;
mod endings;
mod failover;
mod moving;
mod rig;
mod tenants;
mod transferring;
mod trunks;
