// SPDX-License-Identifier: EUPL-1.2
//! From a link to a room token, or from what was keyed in on a telephone. Who comes is found out ([`person`], [`caller`]), what
//! the meeting's policy says of them is decided ([`decision`], [`door`]), and only whoever is let in gets a token
//! ([`admission`]): there is no other way to one.

pub(crate) mod admission;
pub(crate) mod by_phone;
pub(crate) mod caller;
pub(crate) mod decision;
mod door;
mod guest_browser;
pub(crate) mod person;
mod routes;
pub(crate) mod venue;

pub(crate) use self::routes::{LobbyAdmitted, LobbyWaiting, admitted as answer_admitted, routes};
