// SPDX-License-Identifier: EUPL-1.2

//! What a person reads while xtask works. `println!` would panic when the reader has gone, as with `… | head`.

use std::fmt::Display;
use std::io::Write;

/// Prints a line.
pub(crate) fn say(line: impl Display) {
    say_part(format_args!("{line}\n"));
}

/// Prints the beginning of a line at once: the rest may take minutes.
pub(crate) fn say_part(text: impl Display) {
    let mut output = std::io::stdout().lock();
    // Work goes on without a reader, and its exit status still tells how it went.
    let _ = write!(output, "{text}").and_then(|()| output.flush());
}
