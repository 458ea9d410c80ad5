// SPDX-License-Identifier: EUPL-1.2

//! What every file opens with: its licence, and in Rust the paragraph that says what it is for.

use super::Source;

const WITH_HEADER: [&str; 7] = ["rs", "ts", "tsx", "mjs", "css", "toml", "sh"];
const HEADER: &str = "SPDX-License-Identifier: EUPL-1.2";

/// The licence stands in the first line, or in the second after `#!`.
pub(super) fn header(file: Source<'_>) -> Option<String> {
    if !file.has_extension(&WITH_HEADER) {
        return None;
    }
    let first = file.text.lines().find(|line| !line.starts_with("#!/"));
    let has_header = first.is_some_and(|line| line.contains(HEADER));
    (!has_header).then(|| file.at(1, "the first line must be a comment with the SPDX licence header"))
}

/// A Rust file says what it is before its first item.
pub(super) fn module(file: Source<'_>) -> Option<String> {
    if !file.has_extension(&["rs"]) {
        return None;
    }
    let opening = file.text.lines().find(|line| !is_comment_or_attribute(line.trim()));
    let has_docs = opening.is_some_and(|line| line.starts_with("//!"));
    (!has_docs).then(|| file.at(1, "needs a //! paragraph before its first item"))
}

fn is_comment_or_attribute(line: &str) -> bool {
    line.is_empty() || line.starts_with("#!") || (line.starts_with("//") && !line.starts_with("//!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks_header(path: &str, text: &str) -> bool {
        header(Source { path, text }).is_some()
    }

    fn lacks_docs(text: &str) -> bool {
        module(Source { path: "a.rs", text }).is_some()
    }

    #[test]
    fn the_licence_comes_first() {
        assert!(!lacks_header("a.rs", "// SPDX-License-Identifier: EUPL-1.2\n"));
        assert!(!lacks_header("a.css", "/* SPDX-License-Identifier: EUPL-1.2 */\n"));
        assert!(!lacks_header("a.sh", "#!/bin/sh\n# SPDX-License-Identifier: EUPL-1.2\n"));
        assert!(lacks_header("a.rs", "//! Docs.\n// SPDX-License-Identifier: EUPL-1.2\n"));
        assert!(lacks_header("a.toml", ""));
    }

    #[test]
    fn files_that_carry_no_comment_need_no_licence_line() {
        assert!(!lacks_header("a.json", "{}"));
        assert!(!lacks_header("LICENSE", "text"));
    }

    #[test]
    fn a_rust_file_says_what_it_is() {
        assert!(!lacks_docs("// licence\n\n#![allow(x)]\n//! What it is.\nfn a() {}\n"));
        assert!(lacks_docs("// licence\nuse a::b;\n//! Too late.\n"));
        assert!(lacks_docs("// licence\n/// Belongs to a.\nfn a() {}\n"));
        assert!(lacks_docs(""));
    }
}
