// SPDX-License-Identifier: EUPL-1.2

//! Logs: `tracing` to standard error, as text or JSON. Records of the `log` crate join them.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};

/// The WebRTC component crates warn about every odd packet, and odd packets are ordinary.
const QUIET_CRATES: &str = "rtc_";

/// Starts logging for the whole process.
pub(crate) fn start(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(directives(&log.level)).context("log.level")?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // `try_init` also installs the bridge from the `log` crate.
    match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    }
    .context("starting the log")
}

/// The operator's directives, with the noisy crates kept to errors unless they are named.
fn directives(level: &str) -> String {
    if level.contains(QUIET_CRATES) { level.to_owned() } else { format!("{level},{QUIET_CRATES}=error") }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[test]
    fn the_webrtc_crates_only_report_errors() {
        assert_eq!(directives("debug"), "debug,rtc_=error");
        assert_eq!(directives("info,rtc_dtls=trace"), "info,rtc_dtls=trace");
    }

    #[test]
    fn their_cap_covers_every_one_of_them() {
        #[derive(Clone, Default)]
        struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
        impl std::io::Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        impl<'a> MakeWriter<'a> for Lines {
            type Writer = Self;
            fn make_writer(&'a self) -> Self {
                self.clone()
            }
        }
        let lines = Lines::default();
        let filter = EnvFilter::try_new(directives("debug")).unwrap();
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "rtc_dtls::handshaker", "odd packet");
            tracing::error!(target: "rtc_sctp::association", "real trouble");
            tracing::debug!(target: "sfu_media::shard", "our own decision");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(!written.contains("odd packet"), "{written}");
        assert!(written.contains("real trouble") && written.contains("our own decision"), "{written}");
    }
}
