// SPDX-License-Identifier: EUPL-1.2
//! Which requests are served at all: the check of `sip/check.rs`, told what the endpoint can.

use std::sync::LazyLock;

use crate::sip::check::{self, Rejection, Supported};
use crate::sip::message::{Method, Request};
use crate::sip::own_headers::{ACCEPT, ALLOW, SDP, SUPPORTED};

static RULES: LazyLock<Supported> = LazyLock::new(|| {
    let list = |header: &str| header.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    Supported {
        methods: list(ALLOW).iter().map(|name| Method::from_name(name)).collect(),
        extensions: list(SUPPORTED),
        content_types: list(ACCEPT),
        answer_types: vec![SDP.to_owned()],
        does_tel: true,
    }
});

/// For [`Config::check`](crate::sip::config::Config::check).
pub(crate) fn check(request: &Request) -> Result<(), Rejection> {
    check::check(request, &RULES)
}
