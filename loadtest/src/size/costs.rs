// SPDX-License-Identifier: EUPL-1.2
//! What each kind of work costs. The defaults were measured by `loadtest scale`; on another machine measure again.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::work::{KINDS, MEMORY_KINDS};
use crate::number::{KIB_BYTES, MIB_BYTES};

/// CPU time in microseconds, and memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Costs {
    /// To take in a packet of a publisher: receive, decrypt, parse, note, keep.
    pub(crate) in_us: f64,
    /// To hand a packet over to another shard, both sides together.
    pub(crate) over_us: f64,
    /// To copy, seal and send a packet that follows another one in the same piece.
    pub(crate) out_us: f64,
    /// The same for the first packet of a piece, and for one that travels alone.
    pub(crate) out_single_us: f64,
    /// To look at a packet for a receiver who does not get it.
    pub(crate) skip_us: f64,
    /// In a second, for a subscription that something flows through: reports to and from the receiver.
    pub(crate) subscription_us: f64,
    /// In a second, for somebody who is connected: checks, timers, feedback, signaling.
    pub(crate) participant_us: f64,
    /// To wake, look at everything once and sleep again.
    pub(crate) turn_us: f64,
    /// A process that nobody is connected to, without its shards.
    pub(crate) process_mib: f64,
    pub(crate) shard_mib: f64,
    pub(crate) participant_kib: f64,
    pub(crate) subscription_kib: f64,
    /// What the packets kept for those who miss some take, over the sum of their sizes.
    pub(crate) history_factor: f64,
}

impl Default for Costs {
    /// `loadtest scale --rounds 3` on a virtual machine with two cores of an "Intel(R) Xeon(R) Processor", Linux 6.18, with
    /// the clients on the same machine. The costs explained what the loads took within 14 % on average, and at worst
    /// within 36 %: small rooms took more than they say, the largest audiences less. In that run a packet that arrives
    /// could not be told from the turn that it causes, so `in_us` is that of earlier runs in which it could; sizes, which
    /// leave the turns out, are on the safe side with it. `over_us` was not measured either: there was nothing to hand over.
    fn default() -> Self {
        Self {
            in_us: 1.9,
            over_us: 1.1,
            out_us: 1.1,
            out_single_us: 3.3,
            skip_us: 0.2,
            subscription_us: 7.0,
            participant_us: 75.0,
            turn_us: 17.0,
            process_mib: 11.5,
            shard_mib: 0.2,
            participant_kib: 55.0,
            subscription_kib: 4.4,
            history_factor: 1.05,
        }
    }
}

impl Costs {
    /// CPU microseconds, in the order of [`super::work::Work::kinds`].
    pub(crate) const fn of_kinds(&self) -> [f64; KINDS] {
        let Self { in_us, over_us, out_us, out_single_us, skip_us, subscription_us, participant_us, turn_us, .. } =
            *self;
        [in_us, over_us, out_us, out_single_us, skip_us, subscription_us, participant_us, turn_us]
    }

    /// The other way round.
    pub(crate) const fn with_kinds(self, kinds: [f64; KINDS]) -> Self {
        let [in_us, over_us, out_us, out_single_us, skip_us, subscription_us, participant_us, turn_us] = kinds;
        Self { in_us, over_us, out_us, out_single_us, skip_us, subscription_us, participant_us, turn_us, ..self }
    }

    /// Memory in bytes, in the order of [`super::work::Work::memory_kinds`].
    pub(crate) const fn bytes_of_memory(&self) -> [f64; MEMORY_KINDS] {
        [
            self.process_mib * MIB_BYTES,
            self.shard_mib * MIB_BYTES,
            self.participant_kib * KIB_BYTES,
            self.subscription_kib * KIB_BYTES,
            self.history_factor,
        ]
    }

    /// The other way round.
    pub(crate) const fn with_bytes_of_memory(self, bytes: [f64; MEMORY_KINDS]) -> Self {
        let [process, shard, participant, subscription, history_factor] = bytes;
        Self {
            process_mib: process / MIB_BYTES,
            shard_mib: shard / MIB_BYTES,
            participant_kib: participant / KIB_BYTES,
            subscription_kib: subscription / KIB_BYTES,
            history_factor,
            ..self
        }
    }

    /// Reads what `loadtest scale` wrote, or an object of costs alone. What it does not name has its default.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let mut value: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
        if let Some(costs) = value.get_mut("costs") {
            value = costs.take();
        }
        serde_json::from_value::<Self>(value)
            .map_err(anyhow::Error::from)
            .and_then(Self::judged)
            .with_context(|| format!("{} holds no costs", file.display()))
    }

    /// Replaces one of them, as in `in_us=1.5`.
    pub(crate) fn set(self, assignment: &str) -> Result<Self> {
        let (name, value) = assignment.split_once('=').context("--cost takes NAME=VALUE, such as in_us=1.5")?;
        let number: f64 = value.parse().with_context(|| format!("--cost {name} takes a number, not {value}"))?;
        let mut all = serde_json::to_value(self)?;
        match all.get_mut(name) {
            Some(place) => *place = number.into(),
            None => {
                let known: Vec<_> = all.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
                bail!("--cost knows {}, not {name}", known.join(", "));
            }
        }
        serde_json::from_value::<Self>(all)
            .map_err(anyhow::Error::from)
            .and_then(Self::judged)
            .with_context(|| format!("--cost {assignment}"))
    }

    fn judged(self) -> Result<Self> {
        if self.of_kinds().iter().chain(&self.bytes_of_memory()).any(|cost| !cost.is_finite() || *cost < 0.0) {
            bail!("a cost is a number from 0 on");
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Costs> {
        let file = std::env::temp_dir().join(format!("loadtest-costs-{name}-{}", std::process::id()));
        fs::write(&file, text).unwrap();
        let costs = Costs::read(&file);
        fs::remove_file(file).unwrap();
        costs
    }

    #[test]
    fn a_file_names_some_costs_and_the_rest_stays() {
        let wanted = Costs { in_us: 7.0, ..Costs::default() };
        assert_eq!(read("alone", r#"{"in_us": 7}"#).unwrap(), wanted);
        assert_eq!(read("measured", r#"{"machine": {}, "costs": {"in_us": 7}}"#).unwrap(), wanted);
        for (name, wrong) in [("unknown", r#"{"in_u": 7}"#), ("negative", r#"{"in_us": -1}"#), ("text", "in_us = 7")] {
            assert!(read(name, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_cost_is_set_by_name() {
        let costs = Costs::default().set("skip_us=0.25").unwrap();
        assert_eq!(costs, Costs { skip_us: 0.25, ..Costs::default() });
        for wrong in ["skip_us", "skip=1", "skip_us=much", "skip_us=-1", "skip_us=inf"] {
            assert!(Costs::default().set(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn kinds_go_there_and_back() {
        let costs = Costs::default();
        assert_eq!(costs.with_kinds(costs.of_kinds()), costs);
        let kinds = std::array::from_fn(|kind| kind as f64);
        assert_eq!(costs.with_kinds(kinds).of_kinds(), kinds);
        assert_eq!(costs.with_bytes_of_memory(costs.bytes_of_memory()), costs);
        let memory = std::array::from_fn(|kind| kind as f64);
        assert_eq!(costs.with_bytes_of_memory(memory).bytes_of_memory(), memory);
    }
}
