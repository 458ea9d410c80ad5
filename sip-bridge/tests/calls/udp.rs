// SPDX-License-Identifier: EUPL-1.2
//! Over datagrams.

use sip_bridge::sip::message::Transport;

use super::bridge::{PATIENCE, Running, TRUNK};
use super::phone::Phone;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_answered_and_hung_up() {
    let running = Running::start(None);
    let phone = Phone::at(TRUNK, running.address(Transport::Udp)).await;
    phone.call("one").await;
    assert_eq!(running.order_names(), ["Begin", "Open", "End"]);
    running.bridge.shutdown(PATIENCE).await;
}
