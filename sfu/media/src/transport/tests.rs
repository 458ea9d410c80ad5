// SPDX-License-Identifier: EUPL-1.2
//! The transport against an independent client, in virtual time.

mod attacks;
mod call;
mod client;
mod data;
mod handshake;
mod ice;
mod media;
