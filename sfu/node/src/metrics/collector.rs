// SPDX-License-Identifier: EUPL-1.2
//! The scrape: one table of metrics over the sum of all shards' counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use sfu_media::shard::counters::DropReason;

use super::{PublishedCounters, Snapshot};
use crate::mailbox::MailboxSender;
use crate::registry::Registry;
use crate::reports::DroppedReports;
use crate::udp::SteeringCounters;

/// The node's metrics. Register it with a [`prometheus::Registry`].
pub struct NodeMetrics {
    shards: Vec<Arc<PublishedCounters>>,
    mailboxes: Vec<MailboxSender>,
    registry: Arc<Registry>,
    dropped_reports: DroppedReports,
    steering: Arc<SteeringCounters>,
    undelivered_events: Arc<AtomicU64>,
    descriptions: Vec<Desc>,
}

/// What the metrics are made from.
struct Totals {
    shards: Snapshot,
    pending_transports: u64,
    mailbox_dropped_packets: u64,
    mailbox_wake_ups: u64,
    dropped_reports: u64,
    steering_rules: u64,
    steering_failures: u64,
    undelivered_events: u64,
}

struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    series: Series,
}

enum Series {
    One(fn(&Totals) -> u64),
    Time(fn(&Totals) -> Duration),
    By(&'static str, fn(&Totals) -> Vec<(&'static str, u64)>),
}

const fn counter(name: &'static str, help: &'static str, value: fn(&Totals) -> u64) -> Family {
    Family { name, help, kind: MetricType::COUNTER, series: Series::One(value) }
}

const fn time(name: &'static str, help: &'static str, value: fn(&Totals) -> Duration) -> Family {
    Family { name, help, kind: MetricType::COUNTER, series: Series::Time(value) }
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&Totals) -> u64) -> Family {
    Family { name, help, kind: MetricType::GAUGE, series: Series::One(value) }
}

const fn counters(
    name: &'static str,
    label: &'static str,
    help: &'static str,
    values: fn(&Totals) -> Vec<(&'static str, u64)>,
) -> Family {
    Family { name, help, kind: MetricType::COUNTER, series: Series::By(label, values) }
}

static FAMILIES: [Family; 36] = [
    counter("sfu_received_packets_total", "RTP packets that authenticated.", |t| t.shards.shard.received_packets),
    counter("sfu_received_bytes_total", "Bytes of these packets.", |t| t.shards.shard.received_bytes),
    counter("sfu_forwarded_packets_total", "RTP packets sealed for receivers, without retransmissions.", |t| {
        t.shards.shard.forwarded_packets
    }),
    counter("sfu_forwarded_bytes_total", "Bytes of these packets.", |t| t.shards.shard.forwarded_bytes),
    counters("sfu_dropped_packets_total", "reason", "RTP packets that went no further.", |t| {
        DropReason::ALL.iter().map(|reason| (reason.name(), t.shards.shard.dropped_packets[*reason])).collect()
    }),
    counter("sfu_retransmitted_packets_total", "RTP packets sent again on request.", |t| {
        t.shards.shard.retransmitted_packets
    }),
    counters("sfu_nacked_packets_total", "direction", "Packets asked for again, by receivers or of publishers.", |t| {
        vec![("in", t.shards.shard.nacked_packets_received), ("out", t.shards.shard.nacked_packets_sent)]
    }),
    counters("sfu_keyframe_requests_total", "direction", "Keyframe requests, of receivers or to publishers.", |t| {
        vec![("in", t.shards.shard.keyframe_requests_received), ("out", t.shards.shard.keyframe_requests_sent)]
    }),
    counter("sfu_unknown_datagrams_total", "Datagrams dropped because no valid STUN check came from there.", |t| {
        t.shards.shard.unknown_datagrams
    }),
    counter("sfu_dropped_rtcp_total", "RTCP datagrams of clients that did not authenticate.", |t| {
        t.shards.shard.dropped_rtcp
    }),
    counter("sfu_dropped_dtls_total", "DTLS datagrams of clients without anything of use.", |t| {
        t.shards.shard.dropped_dtls
    }),
    counter("sfu_dropped_data_messages_total", "Data messages that a receiver had no room for.", |t| {
        t.shards.shard.dropped_data
    }),
    counter("sfu_relayed_datagrams_total", "Datagrams passed on to the shard that owns their transport.", |t| {
        t.shards.shard.relayed_datagrams
    }),
    gauge("sfu_steering_rules", "Addresses of clients that the kernel gives to their shard by a rule.", |t| {
        t.steering_rules
    }),
    counter("sfu_steering_failures_total", "Times that the kernel did not take the rules.", |t| t.steering_failures),
    counters("sfu_claims_total", "outcome", "STUN checks for a transport that the shard did not have.", |t| {
        let turns = &t.shards.turns;
        vec![
            ("granted", turns.claims_granted),
            ("passed_on", turns.claims_passed_on),
            ("refused", turns.claims_refused),
        ]
    }),
    counter("sfu_received_datagrams_total", "Datagrams taken from the media sockets.", |t| t.shards.received.datagrams),
    counter("sfu_received_datagram_bytes_total", "Bytes of these datagrams.", |t| t.shards.received.bytes),
    counter("sfu_sent_datagrams_total", "Datagrams that the kernel took.", |t| t.shards.sent.datagrams),
    counter("sfu_sent_datagram_bytes_total", "Bytes of these datagrams.", |t| t.shards.sent.bytes),
    counter("sfu_sent_runs_total", "Runs of datagrams that the kernel took in one piece.", |t| t.shards.sent.runs),
    counter("sfu_refused_runs_total", "Runs of datagrams that had to be sent one by one.", |t| {
        t.shards.sent.refused_runs
    }),
    counters("sfu_dropped_datagrams_total", "reason", "Datagrams lost at the media sockets.", |t| {
        vec![
            ("receive_buffer_full", t.shards.received.dropped_full),
            ("send_buffer_full", t.shards.sent.dropped_full),
            ("unsendable", t.shards.sent.dropped_unsendable),
            ("truncated", t.shards.received.truncated),
        ]
    }),
    counters("sfu_syscalls_total", "call", "System calls of the shards and of those who wake them.", |t| {
        vec![
            ("receive", t.shards.received.syscalls),
            ("send", t.shards.sent.syscalls),
            ("wait", t.shards.turns.sleeps),
            ("wake", t.mailbox_wake_ups),
        ]
    }),
    counter("sfu_receive_errors_total", "Receive calls that failed.", |t| t.shards.received.errors),
    time("sfu_busy_seconds_total", "Time that the shards did not sleep, over all of them.", |t| t.shards.turns.busy),
    counter("sfu_turns_total", "Turns of the shards' loops.", |t| t.shards.turns.turns),
    counter("sfu_overloads_total", "Times that a shard was behind what arrived for 200 ms of work.", |t| {
        t.shards.turns.overloads
    }),
    counter("sfu_mailbox_dropped_packets_total", "Packets lost between shards because one was too far behind.", |t| {
        t.mailbox_dropped_packets
    }),
    counter("sfu_dropped_reports_total", "Reports to control dropped because too many waited.", |t| t.dropped_reports),
    counter("sfu_undelivered_events_total", "Events that no room took: too many waited, or the room is gone.", |t| {
        t.undelivered_events
    }),
    gauge("sfu_transports", "Transports that a shard has built.", |t| t.shards.shard.transports),
    gauge("sfu_pending_transports", "Transports whose client has not been heard.", |t| t.pending_transports),
    gauge("sfu_tracks", "Tracks published on this node.", |t| t.shards.shard.tracks),
    gauge("sfu_subscriptions", "Subscriptions to tracks.", |t| t.shards.shard.subscriptions),
    gauge(
        "sfu_shedding_level",
        "Video left out by the shard with the most to do: 0 none, 1 large layers, 2 all but the smallest, 3 all.",
        |t| t.shards.shard.shedding_level,
    ),
];

impl NodeMetrics {
    /// Metrics over these shards.
    ///
    /// # Errors
    ///
    /// Fails when a metric's name is not well-formed.
    pub fn new(
        shards: Vec<Arc<PublishedCounters>>,
        mailboxes: Vec<MailboxSender>,
        registry: Arc<Registry>,
        dropped_reports: DroppedReports,
        steering: Arc<SteeringCounters>,
    ) -> prometheus::Result<Self> {
        let describe = |family: &Family| {
            let labels = match family.series {
                Series::One(_) | Series::Time(_) => vec![],
                Series::By(label, _) => vec![label.to_owned()],
            };
            Desc::new(family.name.to_owned(), family.help.to_owned(), labels, std::collections::HashMap::new())
        };
        let descriptions = FAMILIES.iter().map(describe).collect::<prometheus::Result<_>>()?;
        let undelivered_events = Arc::default();
        Ok(Self { shards, mailboxes, registry, dropped_reports, steering, undelivered_events, descriptions })
    }

    /// Where whoever reports to the rooms counts what no room took.
    #[must_use]
    pub fn undelivered_events(&self) -> Arc<AtomicU64> {
        self.undelivered_events.clone()
    }

    /// The sum over all shards.
    #[must_use]
    pub fn sum(&self) -> Snapshot {
        let mut sum = Snapshot::default();
        for shard in &self.shards {
            sum.add(&shard.read());
        }
        sum
    }

    fn totals(&self) -> Totals {
        Totals {
            shards: self.sum(),
            pending_transports: self.registry.pending() as u64,
            mailbox_dropped_packets: self.mailboxes.iter().map(MailboxSender::dropped_packets).sum(),
            mailbox_wake_ups: self.mailboxes.iter().map(MailboxSender::wake_ups).sum(),
            dropped_reports: self.dropped_reports.count(),
            steering_rules: self.steering.rules_in_force.load(Ordering::Relaxed),
            steering_failures: self.steering.failures.load(Ordering::Relaxed),
            undelivered_events: self.undelivered_events.load(Ordering::Relaxed),
        }
    }
}

impl Collector for NodeMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let totals = self.totals();
        FAMILIES.iter().map(|family| family.read(&totals)).collect()
    }
}

impl Family {
    fn read(&self, totals: &Totals) -> MetricFamily {
        let metrics = match &self.series {
            // Exact up to 2^53, which no counter here reaches within a process's life.
            Series::One(value) => vec![self.metric(value(totals) as f64, vec![])],
            Series::Time(value) => vec![self.metric(value(totals).as_secs_f64(), vec![])],
            Series::By(label, values) => {
                let with_label = |(name, value): (&str, u64)| {
                    let mut pair = LabelPair::default();
                    pair.set_name((*label).to_owned());
                    pair.set_value(name.to_owned());
                    self.metric(value as f64, vec![pair])
                };
                values(totals).into_iter().map(with_label).collect()
            }
        };
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(self.kind);
        family.set_metric(metrics);
        family
    }

    fn metric(&self, value: f64, labels: Vec<LabelPair>) -> Metric {
        let mut metric = Metric::from_label(labels);
        if self.kind == MetricType::GAUGE {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        } else {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        metric
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use prometheus::TextEncoder;

    use super::*;
    use crate::mailbox::mailbox;
    use crate::reports::reports;

    fn metrics(shards: &[Snapshot]) -> NodeMetrics {
        let publish = |snapshot: &Snapshot| {
            let counters = Arc::new(PublishedCounters::default());
            counters.publish(*snapshot);
            counters
        };
        let registry = Arc::new(Registry::new(1, Box::new(|_, _| false)));
        let mailboxes = vec![mailbox().unwrap().0];
        let dropped = reports().0.dropped_reports();
        NodeMetrics::new(shards.iter().map(publish).collect(), mailboxes, registry, dropped, Arc::default()).unwrap()
    }

    #[test]
    fn a_scrape_adds_the_shards_up() {
        let mut shard = Snapshot::default();
        shard.shard.forwarded_packets = 20;
        shard.shard.transports = 3;
        shard.shard.dropped_packets.count(DropReason::Muted);
        shard.sent.syscalls = 5;
        shard.turns.claims_granted = 2;
        shard.turns.overloads = 4;
        shard.shard.shedding_level = 2;
        let prometheus = prometheus::Registry::new();
        let metrics = metrics(&[shard, shard]);
        metrics.steering.rules_in_force.store(7, Ordering::Relaxed);
        metrics.steering.failures.store(9, Ordering::Relaxed);
        prometheus.register(Box::new(metrics)).unwrap();
        let text = TextEncoder::new().encode_to_string(&prometheus.gather()).unwrap();
        for line in [
            "# TYPE sfu_forwarded_packets_total counter",
            "sfu_forwarded_packets_total 40",
            "# TYPE sfu_transports gauge",
            "sfu_transports 6",
            "sfu_dropped_packets_total{reason=\"muted\"} 2",
            "sfu_dropped_packets_total{reason=\"paused\"} 0",
            "sfu_syscalls_total{call=\"send\"} 10",
            "sfu_claims_total{outcome=\"granted\"} 4",
            "sfu_overloads_total 8",
            "sfu_shedding_level 2",
            "sfu_steering_rules 7",
            "sfu_steering_failures_total 9",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_are_unique_and_say_what_they_are() {
        let names: HashSet<_> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for family in &FAMILIES {
            assert!(family.name.starts_with("sfu_"), "{}", family.name);
            assert_eq!(family.kind == MetricType::COUNTER, family.name.ends_with("_total"), "{}", family.name);
        }
    }
}
