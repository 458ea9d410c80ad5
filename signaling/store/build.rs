// SPDX-License-Identifier: EUPL-1.2
//! Has the crate built anew when there is another migration: the macro that reads them is not looked at otherwise.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
