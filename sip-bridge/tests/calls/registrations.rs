// SPDX-License-Identifier: EUPL-1.2
//! Trunks where we are registered, against Kamailio, with sipp as whoever calls by it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bus::phone::{
    DestinationState, RegistrationState, TrunkConfig, TrunkDestination, TrunkRegistration, TrunkTransport,
};
use sip_bridge::sip::message::Transport;

use super::bridge::{PATIENCE, Running, Setup, credentials, trunk};
use super::kamailio::{Kamailio, PASSWORD};
use super::sipp;

/// Who is called in the scenarios.
const USER: &str = "+49301";

/// Each test has addresses of its own, which are no other trunk's.
const fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 3, last))
}

fn provider(servers: &[&Kamailio], transport: TrunkTransport, password: &str) -> TrunkConfig {
    let destination = |server: &&Kamailio| TrunkDestination {
        host: server.address.ip().to_string(),
        port: Some(server.address.port()),
        transport,
    };
    TrunkConfig {
        destinations: servers.iter().map(destination).collect(),
        credentials: credentials("account", password),
        registration: Some(TrunkRegistration {
            domain: "provider.example".to_owned(),
            user: USER.to_owned(),
            expires: Duration::from_secs(600),
        }),
        keep_alive: Some(Duration::from_secs(1)),
        ..trunk("provider", &[])
    }
}

fn running(config: TrunkConfig) -> Running {
    Running::with(Setup { trunks: vec![config], ..Setup::default() })
}

fn is_registered(state: &bus::phone::TrunkState) -> bool {
    state.registration == Some(RegistrationState::Registered)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_come_by_a_registration_with_either_digest_and_either_transport() {
    let cases =
        [("MD5", TrunkTransport::Udp, 1), ("SHA-256", TrunkTransport::Udp, 2), ("SHA-256", TrunkTransport::Tcp, 3)];
    for (algorithm, transport, last) in cases {
        let kamailio = Kamailio::start(address(last), algorithm).await;
        let mut running = running(provider(&[&kamailio], transport, PASSWORD));
        running.until("provider", is_registered).await;
        running.until("provider", |state| state.destinations == [DestinationState::Reachable]).await;
        assert!(kamailio.has(USER).await);
        sipp::run(kamailio.address, "call.xml", Transport::Udp, 5, &[]).await;
        assert_eq!(running.counted("sip_answered_calls_total", None), 5.0, "{algorithm}");
        assert_eq!(running.counted("sip_ended_calls_total", Some("hung up")), 5.0, "{algorithm}");
        assert_eq!(running.counted("sip_registrations", Some("registered")), 1.0);
        running.bridge.shutdown(PATIENCE).await;
        assert!(!kamailio.has(USER).await, "taken away at the end");
        kamailio.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_as_such() {
    let kamailio = Kamailio::start(address(4), "MD5").await;
    let mut running = running(provider(&[&kamailio], TrunkTransport::Udp, "wrong"));
    let failed = Some(RegistrationState::Failed { status: Some(401) });
    running.until("provider", |state| state.registration == failed).await;
    assert!(!kamailio.has(USER).await);
    // And is mended while everything runs.
    running.administer(vec![provider(&[&kamailio], TrunkTransport::Udp, PASSWORD)]);
    running.until("provider", is_registered).await;
    assert!(kamailio.has(USER).await);
    running.bridge.shutdown(PATIENCE).await;
    kamailio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trunk_that_is_removed_is_not_registered_any_more() {
    let kamailio = Kamailio::start(address(5), "SHA-256").await;
    let mut running = running(provider(&[&kamailio], TrunkTransport::Udp, PASSWORD));
    running.until("provider", is_registered).await;
    running.administer(Vec::new());
    kamailio.until(USER, false).await;
    running.administer(vec![provider(&[&kamailio], TrunkTransport::Tcp, PASSWORD)]);
    kamailio.until(USER, true).await;
    running.bridge.shutdown(PATIENCE).await;
    kamailio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_first_registrar_stops_calls_come_by_the_second() {
    let first = Kamailio::start(address(6), "MD5").await;
    let second = Kamailio::start(address(7), "MD5").await;
    let mut running = running(provider(&[&first, &second], TrunkTransport::Tcp, PASSWORD));
    running.until("provider", is_registered).await;
    assert!(first.has(USER).await && !second.has(USER).await);
    first.stop().await;
    second.until(USER, true).await;
    let expected = [DestinationState::Unreachable, DestinationState::Reachable];
    running.until("provider", |state| is_registered(state) && state.destinations == expected).await;
    sipp::run(second.address, "call.xml", Transport::Udp, 3, &[]).await;
    assert_eq!(running.counted("sip_answered_calls_total", None), 3.0);
    running.bridge.shutdown(PATIENCE).await;
    second.stop().await;
}
