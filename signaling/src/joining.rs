// SPDX-License-Identifier: EUPL-1.2
//! From a link to a room token. Who comes is found out ([`person`]), what the meeting's policy says of them is decided
//! ([`decision`]), and only whoever is let in gets a token ([`admission`]): there is no other way to one.

pub(crate) mod admission;
pub(crate) mod decision;
mod guest_browser;
pub(crate) mod person;
mod routes;
pub(crate) mod venue;

pub(crate) use self::routes::{LobbyAdmitted, LobbyWaiting, admitted as answer_admitted, routes};
