// SPDX-License-Identifier: EUPL-1.2
//! Who may do what: room tokens as LiveKit's SDKs sign them, and the ones that are no longer honoured.

pub(crate) mod grants;
pub(crate) mod revocation;
pub mod room_token;
pub(crate) mod secret;
