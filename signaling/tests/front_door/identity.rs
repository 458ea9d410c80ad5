// SPDX-License-Identifier: EUPL-1.2
//! Who may come in, and what they may do: accounts, sign-in, tenants, machines.

mod accounts;
mod acting;
pub(crate) mod installation;
mod machines;
mod oidc;
mod permissions;
mod tenants;
