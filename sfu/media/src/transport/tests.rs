// SPDX-License-Identifier: EUPL-1.2
//! The transport against an independent client, in virtual time.

mod call;
mod client;
mod handshake;
