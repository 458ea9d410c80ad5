// SPDX-License-Identifier: EUPL-1.2
//! Counts the system calls of a process, by `perf stat` on the kernel's tracepoint: unlike `strace` that does not
//! slow the process down, and so does not change how much it gets done with each call.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

const EVENT: &str = "raw_syscalls:sys_enter";

/// A count that goes on.
pub(crate) struct Count {
    perf: Child,
    began: Instant,
}

impl Count {
    /// Begins to count for all threads of a process.
    pub(crate) fn start(pid: u32) -> Result<Self> {
        let perf = Command::new("perf")
            .args(["stat", "-x,", "-e", EVENT, "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("perf cannot be started: it comes with Debian's package linux-perf")?;
        Ok(Self { perf, began: Instant::now() })
    }

    /// Ends it. Gives the calls in a second.
    pub(crate) async fn stop(self) -> Result<f64> {
        let seconds = self.began.elapsed().as_secs_f64();
        let pid = self.perf.id().context("perf has ended")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGINT)?;
        let output = self.perf.wait_with_output().await?;
        let text = String::from_utf8_lossy(&output.stderr);
        match calls_in(&text) {
            Some(calls) => Ok(calls as f64 / seconds),
            None => bail!("perf counts no system calls: {}", text.trim()),
        }
    }
}

/// The count in what `perf stat -x,` prints.
fn calls_in(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains(EVENT))?;
    line.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read() {
        assert_eq!(calls_in("1809,,raw_syscalls:sys_enter,15430846,100.00,,\n"), Some(1_809));
        assert_eq!(calls_in("<not supported>,,raw_syscalls:sys_enter,0,100.00,,\n"), None);
        assert_eq!(calls_in("no such process\n"), None);
    }
}
