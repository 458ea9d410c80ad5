// SPDX-License-Identifier: EUPL-1.2

//! Reads what callgrind wrote, with names and positions in full (`--compress-strings=no --compress-pos=no`).

use anyhow::{Context, Result};

/// Instructions, as far as they were collected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) total: u64,
    /// Of these, what aws-lc and its Rust side took, with all that they called.
    pub(super) in_cryptography: u64,
}

/// Adds a profile up. A function's own cost is a line of position and count; what it spent in another one is such a
/// line, too, and follows a line `calls=`.
pub(super) fn read(profile: &str) -> Result<Cost> {
    let mut cost = Cost { total: 0, in_cryptography: 0 };
    let (mut function, mut called, mut is_of_call) = ("", "", false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            called = name;
        } else if line.starts_with("calls=") {
            is_of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let count = line.split(' ').nth(1).with_context(|| format!("no count in {line:?}"))?;
            let count: u64 = count.parse().with_context(|| format!("no count in {line:?}"))?;
            if !std::mem::take(&mut is_of_call) {
                cost.total += count;
            } else if is_rust(function) && !is_cryptography(function) && is_cryptography(called) {
                cost.in_cryptography += count;
            }
        }
    }
    Ok(cost)
}

/// The Rust crate `aws_lc_rs`, or a function of the library, which all have a prefix with its version.
fn is_cryptography(function: &str) -> bool {
    function.contains("aws_lc_")
}

/// Whatever the library's own helpers call has been counted at the way in; these are in C and have no paths.
fn is_rust(function: &str) -> bool {
    function.contains("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
# callgrind format
version: 1
positions: line
events: Ir

fl=???
fn=core::seal
0 10
cfn=aws_lc_rs::aead::seal
calls=1 0
0 100
0 5
cfn=memcpy
calls=1 0
0 7

fn=memcpy
0 7

fn=aws_lc_rs::aead::seal
0 20
cfn=aws_lc_0_47_0_seal
calls=1 0
0 80

fn=aws_lc_0_47_0_seal
0 30
cfn=seal_helper
calls=1 0
0 50

fn=seal_helper
0 40
cfn=aws_lc_0_47_0_block
calls=2 0
0 10

fn=aws_lc_0_47_0_block
0 10

totals: 122
";

    #[test]
    fn what_cryptography_calls_is_counted_once_at_the_way_in() {
        assert_eq!(read(PROFILE).unwrap(), Cost { total: 122, in_cryptography: 100 });
    }

    #[test]
    fn a_line_without_a_count_is_an_error() {
        assert!(read("fn=a\n0\n").is_err());
        assert!(read("fn=a\n0 many\n").is_err());
    }
}
