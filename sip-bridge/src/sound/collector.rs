// SPDX-License-Identifier: EUPL-1.2
//! What the threads of sound count, for Prometheus: read when somebody asks, each thread for itself, because one that is at
//! its end is not helped by another that is not.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::{SoundCounters, SoundCounts};

/// The threads' metrics. Register it with a [`prometheus::Registry`].
pub struct SoundMetrics {
    threads: Vec<Arc<SoundCounters>>,
    descriptions: Vec<Desc>,
}

struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    value: fn(&SoundCounts) -> f64,
}

const fn counter(name: &'static str, help: &'static str, value: fn(&SoundCounts) -> f64) -> Family {
    Family { name, help, kind: MetricType::COUNTER, value }
}

// Exact up to 2^53, which no counter here reaches within a process's life.
const FAMILIES: [Family; 10] = [
    Family {
        name: "sip_sound_calls",
        help: "Calls whose sound a thread makes",
        kind: MetricType::GAUGE,
        value: |counts| counts.calls as f64,
    },
    counter("sip_sound_ticks_total", "Ticks of 20 ms with calls", |counts| counts.ticks as f64),
    counter("sip_sound_late_ticks_total", "Ticks that began 5 ms late or more", |counts| counts.late_ticks as f64),
    counter("sip_sound_left_out_ticks_total", "Ticks that were not made up for: gaps in all calls", |counts| {
        counts.left_out_ticks as f64
    }),
    counter("sip_sound_busy_seconds_total", "Time in which ticks have worked", |counts| counts.busy_us as f64 / 1e6),
    counter("sip_sound_received_datagrams_total", "Datagrams that came to calls", |counts| {
        counts.datagrams_received as f64
    }),
    counter("sip_sound_sent_datagrams_total", "Datagrams that went out", |counts| counts.datagrams_sent as f64),
    counter("sip_sound_not_sent_datagrams_total", "Datagrams that the system did not take", |counts| {
        counts.datagrams_not_sent as f64
    }),
    counter("sip_sound_failed_calls_total", "Calls that ended by a fault of ours", |counts| counts.failed_calls as f64),
    counter("sip_sound_dropped_events_total", "Events that call control did not fetch", |counts| {
        counts.dropped_events as f64
    }),
];

impl SoundMetrics {
    /// Of these threads, numbered in their order.
    ///
    /// # Errors
    /// A description is malformed, which would be an error in this file.
    pub fn new(threads: Vec<Arc<SoundCounters>>) -> Result<Self, prometheus::Error> {
        let description = |family: &Family| {
            let labels = vec!["thread".to_owned()];
            Desc::new(family.name.to_owned(), family.help.to_owned(), labels, HashMap::new())
        };
        Ok(Self { threads, descriptions: FAMILIES.iter().map(description).collect::<Result<_, _>>()? })
    }
}

impl Collector for SoundMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts: Vec<SoundCounts> = self.threads.iter().map(|thread| thread.read()).collect();
        FAMILIES.iter().map(|family| family.read(&counts)).collect()
    }
}

impl Family {
    fn read(&self, threads: &[SoundCounts]) -> MetricFamily {
        let of_thread = |(index, counts): (usize, &SoundCounts)| {
            let mut label = LabelPair::default();
            label.set_name("thread".to_owned());
            label.set_value(index.to_string());
            self.metric((self.value)(counts), label)
        };
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(self.kind);
        family.set_metric(threads.iter().enumerate().map(of_thread).collect());
        family
    }

    fn metric(&self, value: f64, label: LabelPair) -> Metric {
        let mut metric = Metric::from_label(vec![label]);
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
    use std::sync::atomic::Ordering;

    use prometheus::{Registry, TextEncoder};

    use super::*;

    #[test]
    fn each_thread_has_its_own_numbers() {
        let threads: Vec<Arc<SoundCounters>> = vec![Arc::default(), Arc::default()];
        threads[0].calls.store(3, Ordering::Relaxed);
        threads[1].datagrams_sent.store(70, Ordering::Relaxed);
        let registry = Registry::new();
        registry.register(Box::new(SoundMetrics::new(threads.clone()).unwrap())).unwrap();
        let text = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(text().contains("sip_sound_calls{thread=\"0\"} 3\n"), "{}", text());
        assert!(text().contains("sip_sound_sent_datagrams_total{thread=\"1\"} 70\n"), "{}", text());
        threads[0].calls.store(4, Ordering::Relaxed);
        assert!(text().contains("sip_sound_calls{thread=\"0\"} 4\n"), "{}", text());
    }
}
