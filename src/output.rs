// SPDX-License-Identifier: EUPL-1.2

//! What commands answer with, on standard output. `println!` panics when that cannot be written.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

/// Writes a line. A reader that has gone, as with `saal config | head`, has seen enough.
pub(crate) fn print(line: impl Display) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("writing to standard output"),
    }
}
