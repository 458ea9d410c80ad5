// SPDX-License-Identifier: EUPL-1.2
//! What is counted. No label names a person, a number or an address.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The counters of SIP's sockets and of call control.
#[derive(Clone)]
pub(crate) struct Metrics {
    /// Calls that are, answered or not.
    pub(crate) calls: IntGauge,
    /// Calls that were answered.
    pub(crate) answered_calls: IntCounter,
    /// Calls that were refused, by reason.
    pub(crate) refused_calls: IntCounterVec,
    /// Calls that ended after they were answered, by reason.
    pub(crate) ended_calls: IntCounterVec,
    /// Calls that we made, by what came of them.
    pub(crate) outgoing_calls: IntCounterVec,
    /// Callers who were to be connected elsewhere, by what came of that.
    pub(crate) transfers: IntCounterVec,
    /// Registrations at trunks, by state.
    pub(crate) registrations: IntGaugeVec,
    /// Trunks' destinations, by state.
    pub(crate) destinations: IntGaugeVec,
    /// Look-ups of destinations, by result.
    pub(crate) look_ups: IntCounterVec,
    /// Messages that are no SIP, or malformed.
    pub(crate) malformed_messages: IntCounter,
    /// Datagrams that were dropped, by reason: `stranger`, `queue_full`, `not_sent`.
    pub(crate) dropped_datagrams: IntCounterVec,
    /// Connections that are.
    pub(crate) connections: IntGauge,
    /// Connections that were not accepted, or closed by us, by reason.
    pub(crate) closed_connections: IntCounterVec,
}

impl Metrics {
    /// Makes the counters and registers them.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let counters_by = |label: &str, name: &str, help: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let by_reason = |name: &str, help: &str| counters_by("reason", name, help);
        let by_state = |name: &str, help: &str| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), &["state"])?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        Ok(Self {
            calls: gauge("sip_calls", "Calls in progress, answered or not")?,
            answered_calls: counter("sip_answered_calls_total", "Calls that were answered")?,
            refused_calls: by_reason("sip_refused_calls_total", "Calls that were not answered")?,
            ended_calls: by_reason("sip_ended_calls_total", "Calls that ended after they were answered")?,
            outgoing_calls: counters_by(
                "result",
                "sip_outgoing_calls_total",
                "Calls that we made, by what came of them",
            )?,
            transfers: counters_by("result", "sip_transfers_total", "Callers who were to be connected elsewhere")?,
            registrations: by_state("sip_registrations", "Registrations at trunks, by state")?,
            destinations: by_state("sip_destinations", "Destinations of trunks, by state")?,
            look_ups: counters_by("result", "sip_look_ups_total", "Look-ups of trunks' destinations")?,
            malformed_messages: counter("sip_malformed_messages_total", "Messages that were not understood")?,
            dropped_datagrams: by_reason("sip_dropped_datagrams_total", "SIP datagrams that were dropped")?,
            connections: gauge("sip_connections", "TCP and TLS connections")?,
            closed_connections: by_reason("sip_closed_connections_total", "Connections not accepted, or closed by us")?,
        })
    }
}
