// SPDX-License-Identifier: EUPL-1.2
//! The files that results are kept in.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// Writes a result as text.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// Writes a result as JSON.
pub(crate) fn write_json(file: &Path, result: &impl Serialize) -> Result<()> {
    write(file, &(serde_json::to_string_pretty(result)? + "\n"))
}
