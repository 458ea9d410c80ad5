// SPDX-License-Identifier: EUPL-1.2
//! The service through its front door: HTTP and websockets from outside, with a test's own SFU at the other end of the
//! bus.

mod abuse;
mod administration;
mod api;
mod bad_input;
mod data;
mod database_away;
mod dial_out;
mod framing;
mod http;
mod identity;
mod invitations;
mod joining;
mod livekit_webhooks;
mod media;
mod meetings;
mod meetings_guard;
mod meetings_live;
mod meetings_rules;
mod own_pages;
mod phone;
mod privacy;
mod records;
mod resuming;
mod sip_service;
mod support;
mod timing;
mod tokens;
mod trunks;
mod webhooks;
