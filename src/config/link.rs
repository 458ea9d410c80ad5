// SPDX-License-Identifier: EUPL-1.2

//! `[link]`: a bridge for telephones in a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use ::link::Secret;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sfu_node::MAX_BRIDGE_ENDS;

use super::Purpose;

/// `[link]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Link {
    /// Where bridges attach themselves; none for a bridge in the same process, or none at all.
    #[serde(deserialize_with = "super::one_or_more::<SocketAddr, _>")]
    pub(crate) listen: Vec<SocketAddr>,
    /// What node and bridge both know.
    pub(crate) secret_file: PathBuf,
    /// For so many threads of the bridge. 0: one for each core of this machine.
    pub(crate) bridge_ends: usize,
}

impl Link {
    /// Whether the bridge is in a process of its own.
    pub(crate) fn is_on(&self) -> bool {
        !self.listen.is_empty()
    }

    /// What is in the file.
    pub(crate) fn secret(&self) -> Result<Secret> {
        Secret::read(&self.secret_file).context("link.secret_file")
    }

    /// How many ends the node has for a bridge in another process.
    pub(crate) fn bridge_ends(&self) -> usize {
        match (self.is_on(), self.bridge_ends) {
            (false, _) => 0,
            (true, 0) => std::thread::available_parallelism().map_or(1, usize::from).min(MAX_BRIDGE_ENDS),
            (true, ends) => ends,
        }
    }

    /// What each value alone cannot tell.
    pub(super) fn judge(&self, purpose: Purpose, has_telephones: bool, mut problem: impl FnMut(&[&str], String)) {
        if self.is_on() && has_telephones {
            let what = "calls are taken by `saal sip`, or here by sip.listen, and not by both, which would register the \
                        same trunks: leave one of them empty";
            problem(&["link", "listen"], what.to_owned());
        }
        let is_used = self.is_on() || purpose == Purpose::Bridge;
        if is_used && self.secret_file.as_os_str().is_empty() {
            let what = "node and bridge know each other by a secret: `openssl rand -base64 32` writes a good one";
            problem(&["link", "secret_file"], what.to_owned());
        }
        if self.bridge_ends > MAX_BRIDGE_ENDS {
            let what = format!("{} ends are too many: at most {MAX_BRIDGE_ENDS}", self.bridge_ends);
            problem(&["link", "bridge_ends"], what);
        }
    }
}
