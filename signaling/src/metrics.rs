// SPDX-License-Identifier: EUPL-1.2
//! What is counted. No label names a room or a person.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// The counters of this service.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) rooms: IntGauge,
    pub(crate) participants: IntGauge,
    pub(crate) sessions: IntGauge,
    /// Refused before the upgrade, by status.
    pub(crate) refusals: IntCounterVec,
    /// By outcome: `joined`, `resumed`, `turned_away`, `timed_out`.
    pub(crate) entries: IntCounterVec,
    /// By reason.
    pub(crate) leaves: IntCounterVec,
    pub(crate) join_seconds: Histogram,
    pub(crate) requests: IntCounterVec,
    /// By reason: `malformed`, `too_large`, `too_many`, `no_text`, `protocol`.
    pub(crate) rejected_frames: IntCounterVec,
    /// Connections that the server had enough of, by reason: `malformed`, `too_large`, `silent`.
    pub(crate) closed_connections: IntCounterVec,
    pub(crate) refused_offers: IntCounter,
    pub(crate) slow_sessions: IntCounter,
    /// By channel.
    pub(crate) data_messages: IntCounterVec,
    pub(crate) data_bytes: IntCounterVec,
    /// By reason: `malformed`, `not_allowed`, `repeated`, `too_much`.
    pub(crate) dropped_data_messages: IntCounterVec,
    pub(crate) missed_reports: IntCounter,
    /// By outcome: `delivered`, `failed` (and perhaps tried again), `dropped`.
    pub(crate) livekit_webhooks: IntCounterVec,
    /// By service, method and code.
    pub(crate) twirp_requests: IntCounterVec,
}

/// A participant should hear within a second; LiveKit's clients give up after five.
const JOIN_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

impl Metrics {
    /// Makes the counters and registers them.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let slow_sessions = IntCounter::new("signaling_slow_sessions_total", "Websockets closed for not reading")?;
        registry.register(Box::new(slow_sessions.clone()))?;
        let missed_reports =
            IntCounter::new("signaling_missed_reports_total", "What happened in meetings and was not written down")?;
        registry.register(Box::new(missed_reports.clone()))?;
        let refused_offers = IntCounter::new("signaling_refused_offers_total", "Offers that could not be answered")?;
        registry.register(Box::new(refused_offers.clone()))?;
        let join_seconds = HistogramOpts::new("signaling_join_seconds", "Time from the upgrade to the join response");
        let join_seconds = Histogram::with_opts(join_seconds.buckets(JOIN_BUCKETS.to_vec()))?;
        registry.register(Box::new(join_seconds.clone()))?;
        Ok(Self {
            rooms: gauge("signaling_rooms", "Rooms")?,
            participants: gauge("signaling_participants", "Participants")?,
            sessions: gauge("signaling_sessions", "Websockets")?,
            refusals: counters("signaling_refusals_total", "Connections refused before the upgrade", &["status"])?,
            entries: counters("signaling_entries_total", "Joins and resumes", &["outcome"])?,
            leaves: counters("signaling_leaves_total", "Participants that left", &["reason"])?,
            join_seconds,
            requests: counters("signaling_requests_total", "Requests from clients", &["kind"])?,
            rejected_frames: counters("signaling_rejected_frames_total", "Frames not accepted", &["reason"])?,
            closed_connections: counters(
                "signaling_closed_connections_total",
                "Connections closed for what came over them, or for what did not",
                &["reason"],
            )?,
            refused_offers,
            slow_sessions,
            missed_reports,
            livekit_webhooks: counters(
                "signaling_livekit_webhooks_total",
                "Events of rooms told as LiveKit tells them",
                &["outcome"],
            )?,
            data_messages: counters("signaling_data_messages_total", "Messages from data channels", &["channel"])?,
            data_bytes: counters("signaling_data_bytes_total", "Bytes from data channels", &["channel"])?,
            dropped_data_messages: counters(
                "signaling_dropped_data_messages_total",
                "Messages from data channels that went no further",
                &["reason"],
            )?,
            twirp_requests: counters(
                "signaling_twirp_requests_total",
                "Requests to LiveKit's services",
                &["service", "method", "code"],
            )?,
        })
    }
}

/// Everything in `registry` in Prometheus' text format.
pub(crate) fn render(registry: &Registry) -> Response {
    let (encoder, mut text) = (TextEncoder::new(), Vec::new());
    match encoder.encode(&registry.gather(), &mut text) {
        Ok(()) => {
            let content_type = HeaderValue::from_static(prometheus::TEXT_FORMAT);
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
