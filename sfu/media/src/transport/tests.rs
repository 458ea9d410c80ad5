// SPDX-License-Identifier: EUPL-1.2
//! The transport against an independent client, in virtual time.

mod attacks;
mod call;
pub(crate) mod client;
mod data;
mod handshake;
mod ice;
mod media;
mod packets;

#[test]
fn a_transport_may_move_to_the_thread_of_its_shard() {
    fn moves<T: Send>() {}
    moves::<super::Transport>();
}
