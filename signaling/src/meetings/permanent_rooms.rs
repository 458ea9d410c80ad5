// SPDX-License-Identifier: EUPL-1.2
//! Permanent rooms: places with a name, a link, a number and PINs of their own, in which one can meet at any time, and
//! which meetings can take place in. (A *live* room, with people in it, is in `rooms`.)

pub(crate) mod model;
pub(super) mod routes;
pub(crate) mod table;

pub(super) use self::routes::find;
