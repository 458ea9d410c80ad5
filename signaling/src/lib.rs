//! Placeholder.

#[allow(dead_code)]
mod web_client;
