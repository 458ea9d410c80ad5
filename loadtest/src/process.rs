// SPDX-License-Identifier: EUPL-1.2
//! What a server process costs: its CPU clock, and what `/proc` says (proc(5)).

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde::Serialize;

use crate::number::MIB_BYTES;

/// A process whose cost is measured.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pid: u32,
    folder: PathBuf,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Usage {
    /// CPU time of all its threads, those that have ended included, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Times that its threads gave up or lost the processor.
    pub(crate) context_switches: u64,
    /// Memory, shared pages counted by share, in bytes.
    pub(crate) pss_bytes: u64,
}

/// What a server used while something was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub(crate) cpu_seconds: f64,
    pub(crate) context_switches: u64,
    /// At the end, in MiB.
    pub(crate) pss_mib: f64,
}

impl Usage {
    /// What was used since `before`.
    pub(crate) fn since(&self, before: &Self) -> Cost {
        Cost {
            cpu_seconds: self.cpu_seconds - before.cpu_seconds,
            context_switches: self.context_switches.saturating_sub(before.context_switches),
            pss_mib: self.pss_bytes as f64 / MIB_BYTES,
        }
    }
}

impl Process {
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid, folder: format!("/proc/{pid}").into() }
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// The process's CPU clock. It is exact, other than the times of `/proc/PID/stat`, which count ticks; and it
    /// includes threads that have ended, other than the sum over `/proc/PID/task`.
    fn cpu_seconds(&self) -> Result<f64> {
        let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(self.pid)?))?;
        let time = clock_gettime(clock)?;
        Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
    }

    /// Its CPU time so far, in seconds, and its memory in bytes: what is cheap enough to be read while it is measured.
    ///
    /// # Errors
    ///
    /// When it is gone, or of another user.
    pub(crate) fn time_and_memory(&self) -> Result<(f64, u64)> {
        let cpu_seconds = self.cpu_seconds().context("the server process is gone")?;
        let rollup = fs::read_to_string(self.folder.join("smaps_rollup")).context("the server's memory is hidden")?;
        Ok((cpu_seconds, field(&rollup, "Pss:") * 1_024))
    }

    /// Reads all that it has used.
    ///
    /// # Errors
    ///
    /// When it is gone, or of another user.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let (cpu_seconds, pss_bytes) = self.time_and_memory()?;
        let mut usage = Usage { cpu_seconds, context_switches: 0, pss_bytes };
        let threads = fs::read_dir(self.folder.join("task")).context("the server process is gone")?;
        for thread in threads.flatten() {
            let folder = thread.path();
            // A thread may end between listing and reading.
            let Ok(status) = fs::read_to_string(folder.join("status")) else { continue };
            usage.context_switches +=
                field(&status, "voluntary_ctxt_switches:") + field(&status, "nonvoluntary_ctxt_switches:");
        }
        Ok(usage)
    }
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn field(text: &str, name: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(name)).map_or(0, first_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let process = Process::new(std::process::id());
        let before = process.usage().unwrap();
        let mut sum = 0_u64;
        while process.usage().unwrap().cpu_seconds < before.cpu_seconds + 0.01 {
            sum = sum.wrapping_add(1);
        }
        let cost = process.usage().unwrap().since(&before);
        assert!(cost.cpu_seconds >= 0.01 && cost.pss_mib > 0.1, "{cost:?} {sum}");
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(Process::new(1 << 22).usage().is_err());
    }
}
