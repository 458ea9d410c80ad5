// SPDX-License-Identifier: EUPL-1.2
//! Call control against a telephone that is text, on a virtual clock.

mod calls;
mod endings;
mod moving;
mod rig;
mod trunks;
