// SPDX-License-Identifier: EUPL-1.2

//! `cargo xtask up`: builds Saal with its web client and becomes `saal serve`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::build;

/// What `cargo xtask up` takes.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    build: build::Options,
    /// Do not add --dev to saal serve
    #[arg(long)]
    no_dev: bool,
    /// Handed to saal serve as they are; --dev is added unless they name a --config
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// Returns only when something is missing or the build fails: on success this process becomes Saal,
/// so that Ctrl-C and the exit status are Saal's own.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Some(saal) = build::saal(&options.build)? else { return Ok(ExitCode::FAILURE) };
    let has_config = std::env::var_os("SAAL_CONFIG").is_some();
    let mut serve = Command::new(&saal);
    serve.args(serve_arguments(&options.arguments, options.no_dev || has_config));
    Err(serve.exec()).with_context(|| format!("starting {}", saal.display()))
}

/// `serve`, with `--dev` unless the caller asked for settings of their own.
fn serve_arguments(own: &[OsString], no_dev: bool) -> Vec<OsString> {
    let names = |flag: &str| {
        own.iter().any(|argument| {
            let argument = argument.to_string_lossy();
            argument == flag || argument.strip_prefix(flag).is_some_and(|r| r.starts_with('='))
        })
    };
    let mut all = vec![OsString::from("serve")];
    if !no_dev && !names("--config") && !names("--dev") {
        all.push("--dev".into());
    }
    all.extend_from_slice(own);
    all
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn serve(line: &[&str]) -> Vec<String> {
        let parsed = Line::try_parse_from([&["up"], line].concat()).unwrap().options;
        serve_arguments(&parsed.arguments, parsed.no_dev)
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect()
    }

    #[test]
    fn without_arguments_saal_runs_for_development() {
        assert_eq!(serve(&[]), ["serve", "--dev"]);
        assert_eq!(serve(&["--release"]), ["serve", "--dev"]);
    }

    #[test]
    fn arguments_after_the_dashes_are_handed_on() {
        let line = serve(&["--", "--http", "127.0.0.1:9000"]);
        assert_eq!(line, ["serve", "--dev", "--http", "127.0.0.1:9000"]);
    }

    #[test]
    fn own_settings_switch_development_off() {
        assert_eq!(serve(&["--", "--config", "s.toml"]), ["serve", "--config", "s.toml"]);
        assert_eq!(serve(&["--", "--config=s.toml"]), ["serve", "--config=s.toml"]);
        assert_eq!(serve(&["--no-dev"]), ["serve"]);
    }

    #[test]
    fn development_is_not_asked_for_twice() {
        let line = serve(&["--", "--config", "s.toml", "--dev"]);
        assert_eq!(line, ["serve", "--config", "s.toml", "--dev"]);
    }

    #[test]
    fn arguments_for_saal_need_the_dashes() {
        assert!(Line::try_parse_from(["up", "--http", "127.0.0.1:9000"]).is_err());
    }
}
