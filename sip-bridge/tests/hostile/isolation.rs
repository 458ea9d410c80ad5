// SPDX-License-Identifier: EUPL-1.2
//! A test in a network namespace with nothing but a loopback interface, and what its process uses.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::unistd::geteuid;

/// Said to the process that is within.
const MARK: &str = "SAAL_HOSTILE_TEST";

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Runs `test`, which has that name in this program, within. Nothing in it may panic, on whatever thread.
pub(crate) fn isolated(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(MARK).is_none() {
        run_again(name);
        return;
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "something has panicked");
}

fn run_again(name: &str) {
    let mut command = Command::new("unshare");
    // Root can make one; anybody else becomes root of a user namespace first, where the kernel allows that.
    if !geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]).arg(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(MARK, "1");
    let output = command.output().expect("no unshare: Debian has it in util-linux");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "the test is not called {name}: {said}");
}

/// Memory that this process has (proc(5)), in KiB.
pub(crate) fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
