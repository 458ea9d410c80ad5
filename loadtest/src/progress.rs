// SPDX-License-Identifier: EUPL-1.2
//! Shows a person how far a run is. Without a terminal it prints one line for each stage.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of one run.
pub(crate) struct Progress {
    name: String,
    is_terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress {
    /// Of a run of this name.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), is_terminal: std::io::stderr().is_terminal(), bar: Mutex::new(None) }
    }

    /// A stage begins; `steps` of it will be reported, or none where only time passes.
    pub(crate) fn stage(&self, stage: &'static str, steps: usize) {
        if !self.is_terminal {
            eprintln!("{}: {stage}", self.name);
            return;
        }
        let bar = if steps == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(steps as u64) };
        let template = if steps == 0 {
            "{prefix} {spinner} {elapsed} {wide_msg}"
        } else {
            "{prefix} {bar:30} {pos}/{len} {wide_msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(format!("{}: {stage}", self.name));
        bar.enable_steady_tick(Duration::from_millis(200));
        self.replace(Some(bar));
    }

    /// One more step of the stage is done.
    pub(crate) fn advance(&self) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = &*bar
        {
            bar.inc(1);
        }
    }

    /// Figures of the moment, beside the stage. Only a terminal shows them: in a log they would be a line each second.
    pub(crate) fn show(&self, figures: &str) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = &*bar
        {
            bar.set_message(figures.to_owned());
        }
    }

    /// Takes the stage away, so that something else can be printed.
    pub(crate) fn clear(&self) {
        self.replace(None);
    }

    fn replace(&self, next: Option<ProgressBar>) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some(old) = std::mem::replace(&mut *bar, next)
        {
            old.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
