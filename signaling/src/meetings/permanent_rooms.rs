// SPDX-License-Identifier: EUPL-1.2
//! Permanent rooms: places with a name and a link of their own, which meetings can take place in. (A *live* room, with
//! people in it, is in `rooms`.)

pub(crate) mod model;
pub(crate) mod table;
