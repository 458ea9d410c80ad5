// SPDX-License-Identifier: EUPL-1.2

//! Has the crate compiled anew when a step is added to the folders that it embeds.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=migrations");
}
